#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "fake/pass.h"
#include "world_int.h"

static struct redis_fixture *redis;

static void give_up(const char *what, const struct err *err)
{
    printf("world: %s: %s\n", what, err->msg);
    exit(1);
}

static void load_settings(struct world *w, const struct world_options *o)
{
    int port = http_server_port(w->outside);
    char path[300], text[6000];
    struct config_sources from = {.file = path};
    struct err err = {0};
    FILE *f;

    snprintf(path, sizeof(path), "%s/crewline.json", redis_fixture_dir(redis));
    snprintf(
        text, sizeof(text),
        "{\"listen\":[\"127.0.0.1:0\"],\"public_url\":\"http://"
        "gateway.test\",\"allow_private_callbacks\":true,%s"
        "\"master_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
        "\"tenants\":[{\"id\":\"acme\",\"name\":\"Acme Plant\",\"timezone\":\"Europe/Madrid\",%s"
        "\"failover\":%s,"
        "\"default_language\":\"en\",\"senders\":[{\"id\":\"main\",\"provider\":\"meta\","
        "\"number\":\"+12025550100\","
        "\"phone_number_id\":\"106540352242922\",\"business_account_id\":\"102290129340398\","
        "\"access_token\":\"token\",\"app_secret\":"
        "\"secret\","
        "\"verify_token\":\"verify\",\"api_base\":\"http://127.0.0.1:%d\",\"rate_per_second\":0,"
        "\"pair_interval_ms\":0},"
        "{\"id\":\"tw\",\"provider\":\"twilio\",\"number\":\"+12025550177\","
        "\"sms_from\":\"" TWILIO_SMS "\","
        "\"account_sid\":\"AC0123456789abcdef0123456789abcdef\",\"auth_token\":\"token\","
        "\"api_base\":\"http://127.0.0.1:%d\",\"content_base\":\"http://"
        "127.0.0.1:%d\",\"rate_per_second\":0,"
        "\"pair_interval_ms\":0}]",
        o->config != NULL
            ? o->config
            : "\"delivery\":{\"send_timeout_ms\":400,\"lease_ms\":4000,\"uncertain_hold_ms\":300,"
              "\"uncertain_hold_critical_ms\":150},\"callbacks\":{\"schedule_ms\":[80,160,240],"
              "\"timeout_ms\":400},",
        o->tenant != NULL ? o->tenant : "",
        o->failover != NULL ? o->failover : "{\"paused_after_ms\":0,\"critical_after_ms\":0}", port,
        port, port);
    f = fopen(path, "w");
    fputs(text, f);
    if (!o->no_callbacks) {
        fprintf(f,
                ",\"cmms\":{\"callback_url\":\"http://127.0.0.1:%d/hooks\","
                "\"signing_secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\"}",
                port);
    }
    fputs("}]}", f);
    fclose(f);
    if (!settings_load(&from, &w->settings, &err) || !i18n_new(NULL, &w->i18n, &err)) {
        give_up("settings", &err);
    }
}

static void on_ready(void *ctx)
{
    ((struct world *)ctx)->ready = true;
}

static void on_failed(void *ctx, const struct err *err)
{
    struct world *w = ctx;

    w->failed = err->code;
    snprintf(w->failure, sizeof(w->failure), "%s", err->msg);
}

static void start(struct world *w, bool work)
{
    const struct engine_options o = {.settings = w->settings,
                                     .i18n = w->i18n,
                                     .redis_url = redis_fixture_url(redis),
                                     .work = work,
                                     .on_ready = on_ready,
                                     .on_failed = on_failed,
                                     .ctx = w};
    struct err err = {0};

    w->ready = false;
    w->failed = ERR_NONE;
    if (!engine_new(w->loop, &o, &w->engine, &err)) {
        give_up("engine", &err);
    }
    w->et = engine_tenant_at(w->engine, 0);
}

void world_start(struct world *w)
{
    start(w, true);
    UNTIL(w, "start", w->ready || w->failed != ERR_NONE);
}

static void know(struct world *w)
{
    put_event(w, "p1", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"" ANA
              "\",\"verified\":true}}");
    put_event(w, "p2", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u2\",\"name\":\"Ben\",\"phone\":\"" BEN
              "\",\"verified\":true}}");
    UNTIL(w, "people",
          redis_get(w, "EXISTS u:u1")[0] == '1' && redis_get(w, "EXISTS u:u2")[0] == '1');
    for (int i = 0; i < 2; i++) {
        for (int s = 0; s < 2; s++) {
            redis_get(w, "HSET w:%s %s %lld", s == 0 ? "main" : "tw", i == 0 ? "u1" : "u2",
                      (long long)wall_now().ms - 1000);
        }
    }
    UNTIL(w, "idle", idle(w));
}

struct world *world_new(const struct world_options *given)
{
    static const struct world_options usual;
    const struct world_options *o = given != NULL ? given : &usual;
    struct world *w = MEM_NEW(struct world);
    struct err err = {0};

    signal(SIGPIPE, SIG_IGN);
    log_setup(getenv("CREWLINE_TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    if (redis == NULL) {
        redis = redis_fixture_new(0, NULL);
    }
    w->redis = redis;
    if (!o->keep_data) {
        redis_fixture_command(redis, "FLUSHALL");
    }
    w->a = arena_new();
    w->loop = loop_new();
    w->outside = http_server_new(w->loop, &http_server_defaults, &world_outside, w);
    if (!http_server_listen(w->outside, STR("127.0.0.1:0"), NULL, &err)) {
        give_up("outside", &err);
    }
    load_settings(w, o);
    if (!o->no_start) {
        start(w, !o->no_work);
        UNTIL(w, "start", w->ready);
        if (!o->keep_data && !o->no_work) {
            know(w);
        }
    }
    return w;
}

static void on_stopped(void *ctx)
{
    ((struct world *)ctx)->stopped = true;
}

void world_stop(struct world *w, int64_t deadline_ms)
{
    w->stopped = false;
    engine_stop(w->engine, deadline_ms, on_stopped, w);
    UNTIL(w, "stopped", w->stopped);
    engine_free(&w->engine);
}

void world_kill(struct world *w)
{
    engine_free(&w->engine);
}

void world_free(struct world **owner)
{
    struct world *w = *owner;

    engine_free(&w->engine);
    http_server_free(&w->outside);
    loop_free(&w->loop);
    i18n_free(&w->i18n);
    settings_free(&w->settings);
    arena_free(&w->a);
    mem_free(owner);
}

void world_done(void)
{
    redis_fixture_free(&redis);
}

void world_run(struct world *w, int64_t ms)
{
    loop_pass(w->loop, ms);
}

/* ---- Redis ---- */

static const char *run(struct world *w, const char *fmt, va_list ap)
{
    char words[1000], command[1200];
    char *key;

    vsnprintf(words, sizeof(words), fmt, ap);
    key = strchr(words, ' ');
    *key = '\0';
    snprintf(command, sizeof(command), "%s {acme}:%s", words, key + 1);
    return redis_fixture_command(w->redis, command);
}

const char *redis_get(struct world *w, const char *fmt, ...)
{
    const char *got;
    va_list ap;

    va_start(ap, fmt);
    got = run(w, fmt, ap);
    va_end(ap);
    return got;
}

int64_t redis_int(struct world *w, const char *fmt, ...)
{
    int64_t n = 0;
    va_list ap;

    va_start(ap, fmt);
    str_to_i64(str_of(run(w, fmt, ap)), INT64_MIN, INT64_MAX, &n);
    va_end(ap);
    return n;
}

struct str message_state(struct world *w, struct str id)
{
    return arena_dup(w->a, str_of(redis_get(w, "HGET m:%.*s s", STR_ARG(id))));
}

struct str message_timeline(struct world *w, struct str id)
{
    return arena_dup(w->a, str_of(redis_get(w, "HGET m:%.*s tl", STR_ARG(id))));
}

bool idle(struct world *w)
{
    static const char *const queues[] = {"in", "cb", "out:main", "out:tw"};

    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        if (strcmp(redis_get(w, "HLEN k:%s", queues[i]), "0") != 0) {
            return false;
        }
        for (int p = 0; p < PRIO_COUNT; p++) {
            if (strcmp(redis_get(w, "ZCARD r:%s:%d", queues[i], p), "0") != 0) {
                return false;
            }
        }
    }
    return true;
}
