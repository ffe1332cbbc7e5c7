/*
 * crewline-sandbox: simulated Meta and Twilio for development, demonstrations and tests. A peer
 * over HTTP: it links nothing of the gateway but the loop, HTTP and the text and JSON tools.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "ledger.h"

enum exit_code { EXIT_FINE = 0, EXIT_USAGE = 64, EXIT_START = 69, EXIT_BAD_CONFIG = 78 };

/* A flag that is a member of the configuration: the first of a list, or of the top level. */
static const struct flag {
    const char *flag, *list, *member;
    bool number; /* the value is a whole number */
    const char *help;
} flags[] = {
    {"--gateway",         NULL,     "gateway",             false,
     "URL  the gateway that gets webhooks [http://127.0.0.1:8080]"                                                  },
    {"--public-url",      NULL,     "public_url",          false,
     "URL  where the gateway reaches us [http://<listen>]"                                                          },
    {"--ledger-max",      NULL,     "ledger_max",          true,  "N    messages kept [200000]"                     },
    {"--concurrency-max", NULL,     "concurrency_max",     true,
     "N    Twilio requests in flight, 0: no limit [100]"                                                            },
    {"--meta-id",         "meta",   "phone_number_id",     false,
     "ID   Meta's phone number id [106540352242922]"                                                                },
    {"--meta-number",     "meta",   "number",              false, "+N   its number [+12025550100]"                  },
    {"--meta-waba",       "meta",   "business_account_id", false,
     "ID   its business account [102290129340398]"                                                                  },
    {"--meta-token",      "meta",   "access_token",        false, "T    access token [sandbox-token]"               },
    {"--meta-secret",     "meta",   "app_secret",          false,
     "S    app secret [0123456789abcdef0123456789abcdef]"                                                           },
    {"--meta-verify",     "meta",   "verify_token",        false, "T    verify token [sandbox-verify]"              },
    {"--meta-webhook",    "meta",   "webhook_url",         false, "URL  [<gateway>/whatsapp/webhook]"               },
    {"--meta-rate",       "meta",   "rate_per_second",     true,  "N    messages a second, 0: no limit [80]"        },
    {"--twilio-sid",      "twilio", "account_sid",         false,
     "AC   account [AC0123456789abcdef0123456789abcdef]"                                                            },
    {"--twilio-token",    "twilio", "auth_token",          false,
     "T    auth token [fedcba9876543210fedcba9876543210]"                                                           },
    {"--twilio-number",   "twilio", "number",              false, "+N   its number [+14155238886]"                  },
    {"--twilio-inbound",  "twilio", "inbound_url",         false,
     "URL  [<gateway>/api/whatsappwebhook/incoming]"                                                                },
    {"--twilio-status",   "twilio", "status_url",          false,
     "URL  [<gateway>/api/whatsappwebhook/status]"                                                                  },
    {"--twilio-rate",     "twilio", "rate_per_second",     true,
     "N    messages a second, 0: no limit [80]"                                                                     },
    {"--sent-ms",         "timing", "sent_ms",             true,  "N    after that long a message is sent [20]"     },
    {"--delivered-ms",    "timing", "delivered_ms",        true,  "N    … delivered [80]"                         },
    {"--read-ms",         "timing", "read_ms",             true,  "N    … read; -1: when the page shows it [1500]"},
    {"--review-ms",       "timing", "review_ms",           true,  "N    a template's review; -1: by hand [300]"     },
};

static const char help_text[] =
    "crewline-sandbox: simulated WhatsApp providers and phones\n"
    "\n"
    "usage: crewline-sandbox [flags]\n"
    "  --listen HOST:PORT     where to serve [127.0.0.1:9090]; several allowed, comma separated\n"
    "  --config FILE          JSON: {\"meta\":[…],\"twilio\":[…],\"phones\":[…],\"timing\":{…}, "
    "…}\n"
    "  --phone +N:NAME[:LANG] one more phone; may be repeated\n"
    "  --window-open          the 24-hour window never closes\n"
    "  --no-pair-limit        no limit of 1 message in 6 s to one person\n"
    "  --no-fetch             do not fetch the links of media messages\n"
    "  --no-meta, --no-twilio do not add that provider's default number\n"
    "  --verbose              log refusals\n"
    "  --help                 this text\n";

static const char control_text[] =
    "\n"
    "The page with the phones is at /. Tests use /_sandbox/:\n"
    "  GET messages?to=&after=&limit=&direction=out|in|all, DELETE messages, GET messages/ID, GET "
    "stats\n"
    "  POST inbound "
    "{\"from\":\"+1…\",\"to\"?,\"type\":\"text|button|list|image|video|audio|document|location|\n"
    "                "
    "reaction\",\"text\"?,\"button\"?:{\"id\"|\"title\"},\"quote\"?,\"media\"?:{\"mime\",\"data\"|"
    "\"sample\",\n"
    "                "
    "\"filename\"?,\"caption\"?},\"location\"?,\"reaction\"?:{\"message_id\",\"emoji\"}}\n"
    "  POST read {\"phone\"}, POST status {\"id\",\"status\",\"code\"?}, POST window "
    "{\"phone\",\"open\"}\n"
    "  POST template {\"name\",\"status\"}, POST content {\"sid\",\"status\"}, POST webhook "
    "{\"field\",\"value\"}\n"
    "  POST handshake {}, GET/PUT config, GET state, GET events\n"
    "  GET/PUT/DELETE faults:\n"
    "    seed, accept_latency_ms (before a send is accepted), latency_ms (behind that, before its "
    "answer), jitter_ms,\n"
    "    webhook_delay_ms, media_delay_ms, media_bytes_per_second, and triggers:\n"
    "    error, reset, close_reused, accept_then_timeout, accept_then_reset, half_answer, "
    "accept_then_5xx,\n"
    "    accept_then_empty, accept_then_close_reused,\n"
    "    swap_statuses, double_statuses, no_statuses, fail_later, double_webhooks, media_404, "
    "expired_token\n"
    "    A trigger is true or "
    "{\"next\",\"after\",\"probability\",\"provider\",\"to\",\"code\",\"status\",\"body\":\n"
    "    \"html|empty\",\"statuses\":false} or a list of those. Example, two sends accepted but "
    "never answered:\n"
    "    {\"accept_then_timeout\":{\"next\":2}}\n";

struct start {
    struct str listen;
    const char *config;
    struct json *members; /* of the configuration, from flags */
    bool no_meta, no_twilio;
};

static void print_help(void)
{
    fputs(help_text, stdout);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        printf("  %-22s %s\n", flags[i].flag, flags[i].help);
    }
    fputs(control_text, stdout);
}

/* The object that a flag's member belongs to: members, members.timing, or members.meta[0]. */
static struct json *home(struct start *st, const char *list)
{
    struct json *at;

    if (list == NULL) {
        return st->members;
    }
    at = json_get(st->members, list);
    if (at != NULL) {
        return json_kind(at) == JSON_ARRAY ? json_at(at, 0) : at;
    }
    if (strcmp(list, "timing") == 0) {
        json_set(st->members, list, json_new_object());
        return json_get(st->members, list);
    }
    at = json_new_array();
    json_push(at, json_new_object());
    json_set(st->members, list, at);
    return json_at(at, 0);
}

static bool flag_value(struct start *st, const struct flag *f, const char *value)
{
    struct json *at = home(st, f->list);
    int64_t n;

    if (!f->number) {
        json_set_str(at, f->member, str_of(value));
        return true;
    }
    if (!str_to_i64(str_of(value), -1, 1000000000, &n)) {
        return false;
    }
    json_set_int(at, f->member, n);
    return true;
}

static bool add_phone(struct start *st, const char *value)
{
    struct json *list = json_get(st->members, "phones"), *phone = json_new_object();
    struct str number, name, language;

    str_cut(str_of(value), ':', &number, &name);
    str_cut(name, ':', &name, &language);
    json_set_str(phone, "number", number);
    if (name.n > 0) {
        json_set_str(phone, "name", name);
    }
    if (language.n > 0) {
        json_set_str(phone, "language", language);
    }
    if (list == NULL) {
        json_set(st->members, "phones", json_new_array());
        list = json_get(st->members, "phones");
    }
    json_push(list, phone);
    return true;
}

static bool switch_flag(struct start *st, const char *arg)
{
    static const struct {
        const char *flag, *member;
        bool value;
    } switches[] = {
        {"--window-open",   "window_open", true },
        {"--no-pair-limit", "pair_limit",  false},
        {"--no-fetch",      "fetch_links", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (strcmp(arg, switches[i].flag) == 0) {
            json_set(st->members, switches[i].member, json_new_bool(switches[i].value));
            return true;
        }
    }
    if (strcmp(arg, "--no-meta") == 0) {
        return st->no_meta = true;
    }
    if (strcmp(arg, "--no-twilio") == 0) {
        return st->no_twilio = true;
    }
    if (strcmp(arg, "--verbose") == 0) {
        log_setup(LOG_DEBUG, LOG_AUTO);
        return true;
    }
    return false;
}

static bool value_flag(struct start *st, const char *arg, const char *value)
{
    if (strcmp(arg, "--listen") == 0) {
        st->listen = str_of(value);
        return true;
    }
    if (strcmp(arg, "--config") == 0) {
        st->config = value;
        return true;
    }
    if (strcmp(arg, "--phone") == 0) {
        return add_phone(st, value);
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strcmp(arg, flags[i].flag) == 0) {
            return flag_value(st, &flags[i], value);
        }
    }
    return false;
}

static bool parse_args(struct start *st, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (switch_flag(st, argv[i])) {
            continue;
        }
        if (i + 1 >= argc || !value_flag(st, argv[i], argv[i + 1])) {
            fprintf(stderr,
                    "crewline-sandbox: %s is not a flag or lacks a good value; see --help\n",
                    argv[i]);
            return false;
        }
        i++;
    }
    return true;
}

static void default_members(struct json *at, const char *const (*defaults)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (json_get(at, defaults[i][0]) == NULL) {
            json_set_str(at, defaults[i][0], str_of(defaults[i][1]));
        }
    }
}

/* The numbers that flags described, or the usual ones where nothing was said of a provider. */
static bool add_numbers(struct sandbox *sb, struct start *st, struct err *err)
{
    static const char *const meta[][2] = {
        {"phone_number_id",     "106540352242922"                 },
        {"number",              "+12025550100"                    },
        {"business_account_id", "102290129340398"                 },
        {"access_token",        "sandbox-token"                   },
        {"app_secret",          "0123456789abcdef0123456789abcdef"},
        {"verify_token",        "sandbox-verify"                  },
    };
    static const char *const twilio[][2] = {
        {"account_sid", "AC0123456789abcdef0123456789abcdef"},
        {"auth_token",  "fedcba9876543210fedcba9876543210"  },
        {"number",      "+14155238886"                      },
    };
    bool from_file = sb->nnumbers > 0;

    if (json_get(st->members, "meta") != NULL || (!from_file && !st->no_meta)) {
        default_members(home(st, "meta"), meta, ARRAY_LEN(meta));
    }
    if (json_get(st->members, "twilio") != NULL || (!from_file && !st->no_twilio)) {
        default_members(home(st, "twilio"), twilio, ARRAY_LEN(twilio));
    }
    return sandbox_configure(sb, st->members, err);
}

static bool listen_all(struct sandbox *sb, struct str where, struct err *err)
{
    struct str item, rest = where;
    struct arena *a = arena_new();

    while (rest.n > 0) {
        str_cut(rest, ',', &item, &rest);
        if (!http_server_listen(sb->server, str_trim(item), NULL, err)) {
            arena_free(&a);
            return false;
        }
    }
    if (sb->public_url == NULL) {
        set_text(&sb->public_url,
                 arena_printf(a, "http://127.0.0.1:%d", http_server_port(sb->server)));
    }
    arena_free(&a);
    return true;
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    loop_stop(ctx);
}

static int serve(struct loop *l, struct start *st)
{
    struct sandbox *sb = sandbox_new(l);
    struct arena *a = arena_new();
    struct err err = {0};
    int code = EXIT_FINE;

    if ((st->config != NULL && !sandbox_configure_file(sb, st->config, &st->listen, a, &err)) ||
        !add_numbers(sb, st, &err)) {
        code = EXIT_BAD_CONFIG;
    } else if (!listen_all(sb, st->listen.n > 0 ? st->listen : STR("127.0.0.1:9090"), &err)) {
        code = EXIT_START;
    }
    if (code == EXIT_FINE && sb->nphones == 0) {
        sandbox_default_phones(sb);
    }
    if (code == EXIT_FINE) {
        /* Tests read this line to learn the port. */
        printf("crewline-sandbox ready on %s\n", sb->public_url);
        fflush(stdout);
        loop_run(l);
    } else {
        fprintf(stderr, "crewline-sandbox: %s\n", err.msg);
    }
    sandbox_free(&sb);
    arena_free(&a);
    return code;
}

int main(int argc, char **argv)
{
    struct start st = {.listen = STR_NONE};
    struct loop *l;
    int code = EXIT_USAGE;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return EXIT_FINE;
    }
    log_setup(LOG_INFO, LOG_AUTO);
    st.members = json_new_object();
    if (parse_args(&st, argc, argv)) {
        signal(SIGPIPE, SIG_IGN);
        l = loop_new();
        loop_on_signal(l, SIGTERM, on_signal, l);
        loop_on_signal(l, SIGINT, on_signal, l);
        code = serve(l, &st);
        loop_free(&l);
    }
    json_free(&st.members);
    return code;
}
