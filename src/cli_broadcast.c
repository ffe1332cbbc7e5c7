/*
 * cli_broadcast: `crewline broadcast`: one message to many, shown, stopped or sent again to the
 * silent; by the API's own code. A running gateway sends it.
 */
#include "main.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>

#define BODY_MAX ((size_t)1 << 20)

static int usage(void)
{
    fprintf(
        stderr,
        "usage: crewline broadcast --to all|users:A,B|teams:T|roles:R|sites:S|phones:+… "
        "--text TEXT\n"
        "           [--texts '{\"en\":…,\"es\":…}'] [--title T] [--priority low|medium|high|"
        "critical]\n"
        "           [--ask none|ack|safety] [--send-at TIME] [--expires-at TIME] [--confirm N]\n"
        "           [--dry-run] [--json] [--tenant T]\n"
        "       crewline broadcast show|cancel|resend ID [--confirm N] [--json] [--tenant T]\n");
    return EXIT_USAGE;
}

/* ---- what comes back ---- */

static void show_counts(const struct json *counts)
{
    struct str name;

    for (size_t i = 0; i < json_len(counts); i++) {
        const struct json *v = json_member_at(counts, i, &name);

        printf("%s%.*s %lld", i > 0 ? ", " : "", STR_ARG(name), (long long)json_as_int(v, 0));
    }
    printf("\n");
}

static void show_plan(const struct json *j)
{
    struct str lang;
    const struct json *langs = json_get(j, "languages");

    printf("%lld recipients, %zu skipped", (long long)json_get_int(j, "recipients", 0),
           json_len(json_get(j, "skipped")));
    if (langs != NULL) {
        printf(", %lld inside the 24-hour window, %lld by template, %lld s;",
               (long long)json_get_int(j, "session", 0), (long long)json_get_int(j, "template", 0),
               (long long)json_get_int(j, "seconds", 0));
        for (size_t i = 0; i < json_len(langs); i++) {
            const struct json *n = json_member_at(langs, i, &lang);

            printf(" %.*s %lld", STR_ARG(lang), (long long)json_as_int(n, 0));
        }
    }
    printf("\n");
    for (size_t i = 0; i < json_len(json_get(j, "skipped")); i++) {
        const struct json *one = json_at(json_get(j, "skipped"), i);

        printf("skipped %.*s: %.*s\n", STR_ARG(json_get_str(one, "user")),
               STR_ARG(json_get_str(one, "reason")));
    }
}

static void show(const struct args *a, struct str body)
{
    struct json *j = NULL;

    if (args_has(a, "--json") || !json_parse(body, (size_t)16 << 20, &j, NULL)) {
        printf("%.*s\n", STR_ARG(body));
        return;
    }
    if (json_get_str(j, "id").n > 0) {
        printf("%.*s", STR_ARG(json_get_str(j, "id")));
        printf("%s%.*s\n", json_get_str(j, "state").n > 0 ? " " : "",
               STR_ARG(json_get_str(j, "state")));
    }
    if (json_get(j, "counts") != NULL) {
        show_counts(json_get(j, "counts"));
    }
    if (json_get(j, "recipients") != NULL) {
        show_plan(j);
    }
    json_free(&j);
}

/* ---- what is asked ---- */

/* "teams:mech,elec users:ana" */
static bool write_audience(struct str to, struct jw *w)
{
    struct str group, kind, list, item;
    char name[16];

    jw_open(w, "audience", '{');
    while (to.n > 0) {
        str_cut(to, ' ', &group, &to);
        if (group.n == 0) {
            continue;
        }
        if (str_eqz(group, "all")) {
            jw_bool(w, "all", true);
            continue;
        }
        if (!str_cut(group, ':', &kind, &list) || kind.n == 0 || kind.n >= sizeof(name)) {
            return false;
        }
        memcpy(name, kind.p, kind.n);
        name[kind.n] = '\0';
        jw_open(w, name, '[');
        while (list.n > 0) {
            str_cut(list, ',', &item, &list);
            jw_str(w, NULL, item);
        }
        jw_close(w, ']');
    }
    jw_close(w, '}');
    return true;
}

static bool write_body(const struct args *a, struct jw *w)
{
    static const struct {
        const char *flag, *member;
    } texts[] = {
        {"--text",       "text"      },
        {"--title",      "title"     },
        {"--priority",   "priority"  },
        {"--ask",        "ask"       },
        {"--send-at",    "send_at"   },
        {"--expires-at", "expires_at"},
    };
    int64_t n;

    jw_open(w, NULL, '{');
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (args_has(a, texts[i].flag)) {
            jw_str(w, texts[i].member, args_flag(a, texts[i].flag));
        }
    }
    if (args_has(a, "--texts")) {
        jw_raw(w, "texts", args_flag(a, "--texts"));
    }
    if (args_has(a, "--confirm")) {
        if (!str_to_i64(args_flag(a, "--confirm"), 0, INT64_MAX, &n)) {
            return false;
        }
        jw_int(w, "confirm", n);
    }
    if (!write_audience(args_flag(a, "--to"), w)) {
        return false;
    }
    jw_close(w, '}');
    return true;
}

static int send_one(const struct args *a)
{
    struct buf body;
    struct jw w;
    int code = EXIT_USAGE;

    buf_init(&body, BODY_MAX);
    jw_init(&w, &body);
    if (args_has(a, "--to") && (args_has(a, "--text") || args_has(a, "--texts")) &&
        write_body(a, &w)) {
        code = api_ask(a, "POST",
                       args_has(a, "--dry-run") ? "/api/v1/broadcasts?dry_run=true"
                                                : "/api/v1/broadcasts",
                       buf_str(&body), show);
    } else {
        usage();
    }
    buf_fini(&body);
    return code;
}

/* --confirm N is of a resend; nothing else of it has a body. */
static int ask_about(const struct args *a, const char *method, const char *path)
{
    char body[64] = "";
    int64_t n;

    if (args_has(a, "--confirm")) {
        if (!str_to_i64(args_flag(a, "--confirm"), 0, INT64_MAX, &n)) {
            return usage();
        }
        snprintf(body, sizeof(body), "{\"confirm\":%lld}", (long long)n);
    }
    return api_ask(a, method, path, str_of(body), show);
}

int cmd_broadcast(const struct args *a)
{
    static const struct {
        const char *word, *method, *tail;
    } words[] = {
        {"show",   "GET",  ""       },
        {"cancel", "POST", "/cancel"},
        {"resend", "POST", "/resend"},
    };
    char path[160];

    if (a->nrest == 0) {
        return send_one(a);
    }
    for (size_t i = 0; a->nrest == 2 && i < ARRAY_LEN(words); i++) {
        if (strcmp(a->rest[0], words[i].word) == 0 && strlen(a->rest[1]) <= 64 &&
            strspn(a->rest[1],
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
                strlen(a->rest[1])) {
            snprintf(path, sizeof(path), "/api/v1/broadcasts/%s%s", a->rest[1], words[i].tail);
            return ask_about(a, words[i].method, path);
        }
    }
    return usage();
}
