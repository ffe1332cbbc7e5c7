/*
 * cli_api: `crewline users import`, `send-test`, `replay` (and for cli_broadcast): the very code of
 * the API. The command opens the app on a free loopback port with a key made for its own length,
 * asks it as any client would, and prints the answer.
 */
#include "main.h"

#include "app/app.h"
#include "base/mem.h"
#include "domain/api_key.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX    ((size_t)16 << 20)
#define WATCH_MS    200
#define WATCH_TRIES 75 /* 15 s until it is with the provider */
#define AFTER_TRIES 25 /* and 5 s for a status of its arrival */

struct api_command {
    struct arena *a;
    struct command *c;
    struct app *app;
    struct engine_tenant *et;
    struct api_key key;
    struct buf secret, file;
    const char *method, *path, *type;
    struct str body;
    struct op *pending;
    struct timer *watch;
    struct str state; /* as it was told last */
    int tries;
    void (*first)(struct api_command *k); /* what is asked first; NULL: the path above */
    void (*on_answer)(struct api_command *k, const struct http_answer *answer);
    api_show_fn *show;
    int exit_code;
};

/* ---- the end: the key is revoked ---- */

static void on_revoked(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct api_command *k = ctx;

    (void)err; /* unrevoked it is still unknown: its secret dies with this process */
    (void)outcome;
    k->pending = NULL;
    command_end(k->c, k->exit_code);
}

static void finish(struct api_command *k, int exit_code)
{
    struct commit *commit = commit_new(engine_tenant(k->et)->id);

    k->exit_code = exit_code;
    commit_once(commit, arena_printf(k->a, "revoke-%.*s", STR_ARG(k->key.id)));
    api_key_revoke(k->key.id, commit);
    k->pending = commit_run(engine_store(k->c->engine), &commit, on_revoked, k);
}

/* ---- asking ---- */

static void on_http(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct api_command *k = ctx;

    k->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: %s\n", err->msg);
        finish(k, EXIT_FAIL);
        return;
    }
    k->on_answer(k, answer);
}

static void ask(struct api_command *k)
{
    struct pair headers[2] = {
        {STR("Authorization"),           arena_printf(k->a, "Bearer %.*s", STR_ARG(buf_str(&k->secret)))},
        {STR("Content-Type"), str_of(k->type)                 }
    };
    const struct http_call call = {
        .method = k->method,
        .url = arena_printf(k->a, "http://127.0.0.1:%d%s", app_port(k->app), k->path),
        .headers = headers,
        .nheaders = k->body.n > 0 ? 2 : 1,
        .body = k->body,
        .timeout_ms = 600000,
        .response_bytes_max = FILE_MAX};

    k->pending = http_call_start(engine_http(k->c->engine), &call, on_http, k);
}

static void on_key(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct api_command *k = ctx;

    (void)outcome;
    k->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: %s\n", err->msg);
        command_end(k->c, EXIT_UNAVAILABLE);
        return;
    }
    (k->first != NULL ? k->first : ask)(k);
}

static void on_ready(struct command *c)
{
    struct api_command *k = c->user;
    struct str id = args_flag(c->args, "--tenant");
    struct err err = {0};
    struct commit *commit;

    k->c = c;
    k->et = id.n > 0 ? engine_tenant_find(c->engine, id) : engine_tenant_at(c->engine, 0);
    if (k->et == NULL) {
        fprintf(stderr, "crewline: there is no tenant \"%.*s\"\n", STR_ARG(id));
        command_end(c, EXIT_FAIL);
        return;
    }
    k->app = app_new(c->loop, c->settings, c->i18n);
    if (!app_listen_at(k->app, STR("127.0.0.1:0"), &err)) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        command_end(c, EXIT_UNAVAILABLE);
        return;
    }
    app_serve(k->app, c->engine);
    api_key_make(k->a, engine_tenant(k->et)->id, STR("command line"), KEY_ADMIN, true, &k->key,
                 &k->secret);
    commit = commit_new(engine_tenant(k->et)->id);
    commit_once(commit, k->key.id);
    api_key_put(&k->key, commit);
    k->pending = commit_run(engine_store(c->engine), &commit, on_key, k);
}

/* Before the engine and the loop go: what hangs on them. */
static void on_end(struct command *c)
{
    struct api_command *k = c->user;

    op_cancel(&k->pending);
    timer_free(&k->watch);
    app_free(&k->app);
}

/* With workers it may have other people's messages on their way: killed, nobody would know of them. */
static void on_signal(struct command *c)
{
    struct api_command *k = c->user;

    op_cancel(&k->pending);
    if (k->watch != NULL) {
        timer_stop(k->watch);
    }
    if (k->app == NULL) { /* there is no key yet */
        command_end(c, EXIT_FAIL);
    } else {
        finish(k, EXIT_FAIL);
    }
}

static int run(struct api_command *k, const struct args *a, bool work,
               void (*ready)(struct command *c))
{
    const struct command_hooks hooks = {
        .on_ready = ready, .on_end = on_end, .on_signal = on_signal, .work = work};
    int code;

    app_scripts_add(); /* the store takes no more scripts once it is up, and the app comes after it
                        */
    k->a = arena_new();
    buf_init(&k->secret, 512);
    code = command_run(a, &hooks, k);
    mem_wipe(k->secret.p, k->secret.n);
    buf_fini(&k->secret);
    buf_fini(&k->file);
    arena_free(&k->a);
    return code;
}

static void print_refusal(const struct http_answer *answer)
{
    struct json *j = NULL;

    if (json_parse(answer->body, 1 << 20, &j, NULL)) {
        fprintf(stderr, "crewline: %.*s\n", STR_ARG(json_get_str(j, "detail")));
        json_free(&j);
    } else {
        fprintf(stderr, "crewline: the answer was %d\n", answer->status);
    }
}

/* ---- one question, its answer shown ---- */

static void on_shown(struct api_command *k, const struct http_answer *answer)
{
    bool ok = answer->status >= 200 && answer->status < 300;

    if (ok) {
        k->show(k->c->args, answer->body);
    } else {
        print_refusal(answer);
    }
    finish(k, ok ? EXIT_OK : EXIT_FAIL);
}

int api_ask(const struct args *a, const char *method, const char *path, struct str body,
            api_show_fn *show)
{
    struct api_command k = {.method = method,
                            .path = path,
                            .type = "application/json",
                            .body = body,
                            .on_answer = on_shown,
                            .show = show};

    return run(&k, a, false, on_ready);
}

/* ---- users import ---- */

static void on_imported(struct api_command *k, const struct http_answer *answer)
{
    struct json *j = NULL;
    int64_t told;

    if (answer->status != 200 || !json_parse(answer->body, FILE_MAX, &j, NULL)) {
        print_refusal(answer);
        finish(k, EXIT_FAIL);
        return;
    }
    told = (int64_t)json_len(json_get(j, "failed")); /* the first thousand of them */
    printf("%lld created, %lld updated, %lld failed\n", (long long)json_get_int(j, "created", 0),
           (long long)json_get_int(j, "updated", 0),
           (long long)json_get_int(j, "failed_total", told));
    for (size_t i = 0; i < json_len(json_get(j, "failed")); i++) {
        const struct json *row = json_at(json_get(j, "failed"), i);

        fprintf(stderr, "row %lld: %.*s\n", (long long)json_get_int(row, "row", 0),
                STR_ARG(json_get_str(row, "error")));
    }
    finish(k, told == 0 ? EXIT_OK : EXIT_FAIL);
    json_free(&j);
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char part[65536];
    size_t n;

    if (f == NULL) {
        fprintf(stderr, "crewline: %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((n = fread(part, 1, sizeof(part), f)) > 0) {
        buf_add(out, str_make(part, n));
    }
    if (ferror(f)) { /* a folder, for one */
        fprintf(stderr, "crewline: %s: %s\n", path, strerror(errno));
        fclose(f);
        return false;
    }
    fclose(f);
    if (!buf_ok(out)) {
        fprintf(stderr, "crewline: %s is larger than 16 MiB; split it\n", path);
    }
    return buf_ok(out);
}

int cmd_users(const struct args *a)
{
    struct api_command k = {
        .method = "POST", .path = "/api/v1/users/import", .on_answer = on_imported};

    if (a->nrest != 2 || strcmp(a->rest[0], "import") != 0) {
        fprintf(stderr, "usage: crewline users import FILE.csv|FILE.json [--tenant T]\n");
        return EXIT_USAGE;
    }
    k.type = str_ends(str_of(a->rest[1]), STR(".csv")) ? "text/csv" : "application/json";
    buf_init(&k.file, FILE_MAX);
    if (!read_file(a->rest[1], &k.file)) {
        buf_fini(&k.file);
        return EXIT_FAIL;
    }
    k.body = buf_str(&k.file);
    return run(&k, a, false, on_ready);
}

/* ---- send-test: sent, and watched until it has arrived or cannot ---- */

static void on_watch(void *ctx)
{
    ask(ctx);
}

static bool one_of(struct str state, const char *words)
{
    struct str rest = str_of(words), word;

    while (rest.n > 0) {
        str_cut(rest, ' ', &word, &rest);
        if (str_eq(word, state)) {
            return true;
        }
    }
    return false;
}

/* Why nothing moves is in the state of the senders. */
static void on_senders(struct api_command *k, const struct http_answer *answer)
{
    struct json *j = NULL;
    bool told = false;

    if (answer->status == 200 && json_parse(answer->body, 1 << 20, &j, NULL)) {
        for (size_t i = 0; i < json_len(json_get(j, "items")); i++) {
            const struct json *s = json_at(json_get(j, "items"), i);

            if (!str_eqz(json_get_str(s, "state"), "ok")) {
                fprintf(stderr, "crewline: sender %.*s is %.*s: %.*s\n",
                        STR_ARG(json_get_str(s, "id")), STR_ARG(json_get_str(s, "state")),
                        STR_ARG(json_get_str(s, "reason")));
                told = true;
            }
        }
        json_free(&j);
    }
    if (!told) {
        fprintf(stderr, "crewline: not sent within %d s; the gateway goes on trying\n",
                WATCH_MS * WATCH_TRIES / 1000);
    }
    finish(k, EXIT_FAIL);
}

static void tell_error(const struct json *message)
{
    const struct json *timeline = json_get(message, "timeline");
    const struct json *last = json_at(timeline, json_len(timeline) - 1);
    const struct json *error = json_get(last, "error");

    if (error != NULL) {
        fprintf(stderr, "crewline: %.*s; %.*s\n", STR_ARG(json_get_str(error, "title")),
                STR_ARG(json_get_str(error, "advice")));
    }
}

/* Each step it takes is a line; queued and sending are none yet. */
static void tell_state(struct api_command *k, struct str state)
{
    if (!str_eq(state, k->state)) {
        if (!one_of(state, "queued sending")) {
            printf("%.*s\n", STR_ARG(state));
            fflush(stdout);
            k->tries = 0;
        }
        k->state = arena_dup(k->a, state);
    }
}

static void on_state(struct api_command *k, const struct http_answer *answer)
{
    struct json *j = NULL;
    struct str state;

    if (answer->status >= 300 || !json_parse(answer->body, 1 << 20, &j, NULL)) {
        print_refusal(answer);
        finish(k, EXIT_FAIL);
        return;
    }
    state = json_get_str(j, "state");
    if (k->body.n > 0) {
        k->method = "GET";
        k->path = arena_printf(k->a, "/api/v1/messages/%.*s", STR_ARG(json_get_str(j, "id"))).p;
        k->body = STR_NONE;
    }
    tell_state(k, state);
    k->tries++;
    if (one_of(state, "failed expired cancelled")) {
        tell_error(j);
        finish(k, EXIT_FAIL);
    } else if (one_of(state, "delivered read") ||
               (one_of(state, "sent") && k->tries > AFTER_TRIES)) {
        finish(k, EXIT_OK);
    } else if (k->tries > WATCH_TRIES) {
        k->path = "/api/v1/senders";
        k->on_answer = on_senders;
        ask(k);
    } else {
        timer_start(k->watch, WATCH_MS);
    }
    json_free(&j);
}

static void begin_watching(struct command *c)
{
    struct api_command *k = c->user;

    k->watch = timer_new(c->loop, on_watch, k);
    on_ready(c);
}

int cmd_send_test(const struct args *a)
{
    struct api_command k = {.method = "POST",
                            .path = "/api/whatsapp/send-test",
                            .type = "application/json",
                            .on_answer = on_state};
    struct str to = args_flag(a, "--to"), text = args_flag(a, "--text");
    struct jw w;

    if (to.n == 0) {
        fprintf(stderr, "usage: crewline send-test --to +12025550117 [--text TEXT] [--tenant T]\n");
        return EXIT_USAGE;
    }
    buf_init(&k.file, 64 * 1024);
    jw_init(&w, &k.file);
    jw_open(&w, NULL, '{');
    jw_str(&w, "to", to);
    if (text.n > 0) {
        jw_str(&w, "message", text);
    }
    jw_close(&w, '}');
    k.body = buf_str(&k.file);
    return run(&k, a, true, begin_watching);
}

/* ---- replay: dead letters by id, or all that fit ---- */

static void replay_next(struct api_command *k);

/* Ids have nothing in them that a path would not take as it is. */
static bool id_like(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        if (!isalnum((unsigned char)id.p[i]) && strchr(":-_.", id.p[i]) == NULL) {
            return false;
        }
    }
    return id.n > 0 && id.n <= 128;
}

static void on_replayed(struct api_command *k, const struct http_answer *answer)
{
    struct json *j = NULL;
    const char *id = k->c->args->rest[k->tries - 1];

    if (answer->status == 202 && json_parse(answer->body, 1 << 20, &j, NULL)) {
        struct str now = json_get_str(j, "id");

        if (str_starts(str_of(id), STR("cb:")) || str_starts(str_of(id), STR("in:")) ||
            str_eqz(now, id)) {
            printf("%s queued\n", id);
        } else {
            printf("%s queued as message %.*s\n", id, STR_ARG(now));
        }
        json_free(&j);
    } else {
        fprintf(stderr, "%s: ", id);
        print_refusal(answer);
        k->exit_code = EXIT_FAIL;
    }
    replay_next(k);
}

/* A dead letter's id as the API lists it; a bare number is an event that waits; else a message. */
static void replay_next(struct api_command *k)
{
    const struct args *a = k->c->args;
    struct str id;
    int64_t sequence;

    if (k->tries == (int)a->nrest) {
        finish(k, k->exit_code);
        return;
    }
    id = str_of(a->rest[k->tries++]);
    if (str_to_i64(id, 1, INT64_MAX, &sequence)) {
        k->path = arena_printf(k->a, "/api/v1/callbacks/%.*s/replay", STR_ARG(id)).p;
    } else {
        k->path = arena_printf(k->a, "/api/v1/dead_letters/%s%.*s/replay",
                               str_find_char(id, ':', 0) == SIZE_MAX ? "out:" : "", STR_ARG(id))
                      .p;
    }
    ask(k);
}

static void on_all_replayed(struct api_command *k, const struct http_answer *answer)
{
    struct json *j = NULL;

    if (answer->status != 202 || !json_parse(answer->body, FILE_MAX, &j, NULL)) {
        print_refusal(answer);
        finish(k, EXIT_FAIL);
        return;
    }
    printf("%lld fit, %lld replayed, %lld failed\n", (long long)json_get_int(j, "matched", 0),
           (long long)json_get_int(j, "replayed", 0), (long long)json_get_int(j, "failed", 0));
    for (size_t i = 0; i < json_len(json_get(j, "failures")); i++) {
        const struct json *row = json_at(json_get(j, "failures"), i);

        fprintf(stderr, "%.*s: %.*s\n", STR_ARG(json_get_str(row, "id")),
                STR_ARG(json_get_str(row, "reason")));
    }
    finish(k, json_get_int(j, "failed", 0) == 0 ? EXIT_OK : EXIT_FAIL);
    json_free(&j);
}

static const struct {
    const char *flag, *member;
    bool time;
} replay_filters[] = {
    {"--kind",    "kind",    false},
    {"--type",    "type",    false},
    {"--subject", "subject", false},
    {"--user",    "user",    false},
    {"--reason",  "reason",  false},
    {"--since",   "from",    true },
    {"--until",   "to",      true },
};

/* The filter as JSON; false: a time that is none. */
static bool replay_filter(struct api_command *k, const struct args *a, size_t *n)
{
    struct jw w;

    buf_init(&k->file, 64 * 1024);
    jw_init(&w, &k->file);
    jw_open(&w, NULL, '{');
    *n = 0;
    for (size_t i = 0; i < ARRAY_LEN(replay_filters); i++) {
        struct str value = args_flag(a, replay_filters[i].flag);
        struct wall at;

        if (value.n == 0) {
            continue;
        }
        (*n)++;
        if (!replay_filters[i].time) {
            jw_str(&w, replay_filters[i].member, value);
        } else if (args_time(value, &at)) {
            jw_wall(&w, replay_filters[i].member, at);
        } else {
            fprintf(stderr, "crewline: %s is \"%.*s\"; it is " ARGS_TIME_FORMS "\n",
                    replay_filters[i].flag, STR_ARG(value));
            return false;
        }
    }
    jw_close(&w, '}');
    k->body = buf_str(&k->file);
    return true;
}

int cmd_replay(const struct args *a)
{
    struct api_command k = {.method = "POST", .type = "application/json"};
    bool all = args_has(a, "--all");
    size_t filters;

    if (!replay_filter(&k, a, &filters)) {
        buf_fini(&k.file);
        return EXIT_USAGE;
    }
    if ((a->nrest > 0) == all || (!all && (filters > 0 || args_has(a, "--dry-run")))) {
        fprintf(stderr, "usage: crewline replay ID… | --all [--kind callback|inbound|message] "
                        "[--type T] [--subject S] [--user U] [--reason PART] [--since T] "
                        "[--until T] [--dry-run] [--tenant T]\n");
        buf_fini(&k.file);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < a->nrest; i++) {
        if (!id_like(str_of(a->rest[i]))) {
            fprintf(stderr, "crewline: \"%s\" is no id\n", a->rest[i]);
            buf_fini(&k.file);
            return EXIT_USAGE;
        }
    }
    if (all) {
        k.path = args_has(a, "--dry-run") ? "/api/v1/dead_letters/replay?dry_run=true"
                                          : "/api/v1/dead_letters/replay";
        k.on_answer = on_all_replayed;
    } else {
        k.body = STR_NONE;
        k.on_answer = on_replayed;
        k.first = replay_next;
    }
    return run(&k, a, false, on_ready);
}
