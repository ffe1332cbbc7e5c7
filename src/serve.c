/* serve: the gateway: sockets, Redis, engine up; signals; drain and down. */
#include "main.h"

#include "app/app.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define START_MS 15000 /* Redis must be there by then, or our own read its data */
#define DRAIN_MS 10000 /* what is in flight gets that long after SIGTERM */

struct serve {
    struct loop *loop;
    struct loop_tidy *tidy;
    struct settings *settings;
    struct i18n *i18n;
    struct app *app;
    struct redis_child *redis;
    struct engine *engine;
    struct timer *start, *retire, *drain;
    const struct args *args;
    struct mono began;
    bool leaving, stopping;
    int exit_code;
};

/* ---- down ---- */

static void on_redis_stopped(void *ctx)
{
    struct serve *s = ctx;

    loop_stop(s->loop);
}

static void stop_redis(struct serve *s)
{
    engine_free(&s->engine);
    if (s->redis != NULL) {
        redis_child_stop(s->redis, on_redis_stopped, s);
    } else {
        loop_stop(s->loop);
    }
}

static void on_engine_stopped(void *ctx)
{
    struct serve *s = ctx;

    log_info("drained");
    stop_redis(s);
}

static void stop_engine(struct serve *s)
{
    timer_stop(s->drain);
    if (s->engine != NULL) {
        engine_stop(s->engine, DRAIN_MS, on_engine_stopped, s);
    } else {
        stop_redis(s);
    }
}

static void on_requests_drained(void *ctx)
{
    stop_engine(ctx);
}

static void stop(struct serve *s, int exit_code)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    s->exit_code = exit_code;
    timer_stop(s->start);
    timer_stop(s->retire);
    timer_start(s->drain, DRAIN_MS);
    app_drain(s->app, on_requests_drained, s);
}

static void on_drain_deadline(void *ctx)
{
    struct serve *s = ctx;

    log_warn("requests are still open at the end of the drain");
    app_close(s->app); /* they hold operations of the store, which is about to go */
    stop_engine(s);
}

static void on_term(void *ctx, int signum)
{
    struct serve *s = ctx;

    log_info("stopping", LF_INT("signal", signum));
    if (s->leaving || s->settings->http_stop_delay_ms == 0) {
        stop(s, EXIT_OK); /* a second signal waits for nobody */
        return;
    }
    s->leaving = true;
    app_retire(s->app);
    timer_start(s->retire, s->settings->http_stop_delay_ms);
}

static void on_retired(void *ctx)
{
    stop(ctx, EXIT_OK);
}

/* ---- reload ---- */

static void on_hup(void *ctx, int signum)
{
    struct serve *s = ctx;
    struct settings *fresh;
    struct err err = {0};
    struct buf kept;

    (void)signum;
    if (main_settings(s->args, &fresh) != EXIT_OK) {
        log_error("reload refused: the configuration is bad; the old one stays");
        return;
    }
    buf_init(&kept, 8192);
    settings_reload(s->settings, &fresh, &kept);
    log_setup(s->settings->log_level, s->settings->log_format);
    app_reloaded(s->app, &err);
    if (err.code != ERR_NONE) {
        log_error("certificate not reloaded; the old one stays", LF_Z("reason", err.msg));
    }
    if (s->engine != NULL) {
        engine_reloaded(s->engine);
    }
    log_info("reloaded", LF_STR("needs_a_restart", buf_str(&kept)));
    buf_fini(&kept);
}

/* ---- up ---- */

static void unavailable(struct serve *s, const char *reason)
{
    fprintf(stderr, "crewline: %s\n", reason);
    stop(s, EXIT_UNAVAILABLE);
}

/*
 * Until it is there, a Redis of the operator's own says the same in many lines: the one that ends
 * the start says it once. At debug all of them are wanted.
 */
static void hush(const struct serve *s, bool on)
{
    enum log_level level = s->settings->log_level;

    log_setup(on && level != LOG_DEBUG ? LOG_ERROR : level, s->settings->log_format);
}

static void on_ready(void *ctx)
{
    struct serve *s = ctx;

    hush(s, false);
    timer_stop(s->start);
    app_serve(s->app, s->engine);
    log_info("ready", LF_STR("url", s->settings->public_url), LF_INT("port", app_port(s->app)),
             LF_INT("ms", (mono_now().us - s->began.us) / 1000));
}

static void on_failed(void *ctx, const struct err *err)
{
    struct serve *s = ctx;

    fprintf(stderr, "crewline: %s\n", err->msg);
    stop(s, EXIT_CONFIG);
}

static void on_start_deadline(void *ctx)
{
    struct serve *s = ctx;
    const char *reason = NULL;
    char line[400];

    /* To end it and begin anew would never come to an end. */
    if (s->redis != NULL && redis_child_loading(s->redis)) {
        log_info("the private redis is reading its data");
        timer_start(s->start, START_MS);
        return;
    }
    if (s->engine != NULL) {
        store_health(engine_store(s->engine), &reason);
    }
    snprintf(line, sizeof(line), "Redis cannot be reached: %s",
             reason == NULL ? "no answer" : reason);
    unavailable(s, line);
}

static void start_engine(struct serve *s, struct str redis_url)
{
    const struct engine_options o = {.settings = s->settings,
                                     .i18n = s->i18n,
                                     .redis_url = redis_url,
                                     .work = true,
                                     .on_ready = on_ready,
                                     .on_failed = on_failed,
                                     .ctx = s};
    struct err err = {0};

    if (!engine_new(s->loop, &o, &s->engine, &err)) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        stop(s, err.code == ERR_CONFIG ? EXIT_CONFIG : EXIT_UNAVAILABLE);
    }
}

static void on_redis_up(void *ctx)
{
    struct serve *s = ctx;

    start_engine(s, redis_child_url(s->redis));
}

static void on_redis_failed(void *ctx, const struct err *err)
{
    unavailable(ctx, err->msg);
}

static bool start_store(struct serve *s, struct err *err)
{
    char data_dir[600];

    timer_start(s->start, s->settings->redis_url.n > 0 ? 5000 : START_MS);
    if (s->settings->redis_url.n > 0) {
        hush(s, true);
        start_engine(s, s->settings->redis_url);
        return true;
    }
    snprintf(data_dir, sizeof(data_dir), "%.*s", STR_ARG(s->settings->data_dir));
    return redis_child_start(s->loop, data_dir, on_redis_up, on_redis_failed, s, &s->redis, err);
}

static int prepare(struct serve *s)
{
    struct buf notice;
    struct err err = {0};
    char dir[600];
    bool ok;

    snprintf(dir, sizeof(dir), "%.*s", STR_ARG(s->settings->config_dir));
    buf_init(&notice, 1024);
    ok = settings_master_key(s->settings, &notice, &err) &&
         i18n_new(dir[0] != '\0' ? dir : NULL, &s->i18n, &err);
    if (notice.n > 0) {
        log_warn("master key made", LF_STR("notice", buf_str(&notice)));
    }
    buf_fini(&notice);
    if (!ok) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        return EXIT_CONFIG;
    }
    return EXIT_OK;
}

/* Secrets are in memory: no core dumps, no ptrace by others of our user. */
static void harden(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
}

int cmd_serve(const struct args *a)
{
    struct serve s = {.args = a, .began = mono_now()};
    struct err err = {0};
    int code = main_settings(a, &s.settings);

    if (code != EXIT_OK || (code = prepare(&s)) != EXIT_OK) {
        settings_free(&s.settings);
        return code;
    }
    harden();
    s.loop = loop_new();
    s.tidy = loop_tidy_new(s.loop);
    s.start = timer_new(s.loop, on_start_deadline, &s);
    s.retire = timer_new(s.loop, on_retired, &s);
    s.drain = timer_new(s.loop, on_drain_deadline, &s);
    s.app = app_new(s.loop, s.settings, s.i18n);
    loop_on_signal(s.loop, SIGTERM, on_term, &s);
    loop_on_signal(s.loop, SIGINT, on_term, &s);
    loop_on_signal(s.loop, SIGHUP, on_hup, &s);
    if (!app_listen(s.app, &err) || !start_store(&s, &err)) {
        fprintf(stderr, "crewline: %s\n", err.msg);
        s.exit_code = err.code == ERR_CONFIG ? EXIT_CONFIG : EXIT_UNAVAILABLE;
    } else {
        loop_run(s.loop);
    }
    app_free(&s.app);
    engine_free(&s.engine);
    redis_child_free(&s.redis);
    loop_tidy_free(&s.tidy);
    timer_free(&s.start);
    timer_free(&s.retire);
    timer_free(&s.drain);
    loop_free(&s.loop);
    i18n_free(&s.i18n);
    settings_free(&s.settings);
    return s.exit_code;
}
