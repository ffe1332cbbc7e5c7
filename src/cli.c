/*
 * cli: what operators do by hand, through the same code as the gateway: one loop, one store, no
 * workers. Where a gateway runs with its private Redis in this data directory, that one is used;
 * else one is started for the length of the command.
 */
#include "main.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define URL_MS     5000  /* the Redis that is named must be there by then */
#define COMMAND_MS 20000 /* our own, or it must be reading its data */
#define DRAIN_MS   10000 /* sends under way get that long, so that none ends unknown */

static void on_redis_stopped(void *ctx)
{
    loop_stop(((struct command *)ctx)->loop);
}

static void stop_redis(void *ctx)
{
    struct command *c = ctx;

    if (c->redis != NULL) {
        redis_child_stop(c->redis, on_redis_stopped, c);
    } else {
        loop_stop(c->loop);
    }
}

void command_end(struct command *c, int exit_code)
{
    if (c->ending) {
        return;
    }
    c->ending = true;
    c->exit_code = exit_code;
    timer_stop(c->deadline);
    if (c->hooks->work && c->engine != NULL) {
        engine_stop(c->engine, DRAIN_MS, stop_redis, c);
    } else {
        stop_redis(c);
    }
}

static int down(struct command *c, int exit_code, const char *what, const char *reason)
{
    if (c->hooks->on_down != NULL) {
        return c->hooks->on_down(c, what, reason);
    }
    fprintf(stderr, "crewline: %s\n", reason);
    return exit_code;
}

static void on_deadline(void *ctx)
{
    struct command *c = ctx;
    const char *reason = NULL;
    char text[400];

    if (c->redis != NULL && redis_child_loading(c->redis)) {
        timer_start(c->deadline, COMMAND_MS);
        return;
    }
    if (c->engine != NULL) {
        store_health(engine_store(c->engine), &reason);
    }
    snprintf(text, sizeof(text), "Redis cannot be reached: %s",
             reason == NULL ? "no answer" : reason);
    command_end(c, down(c, EXIT_UNAVAILABLE, "redis", text));
}

static void on_engine_ready(void *ctx)
{
    struct command *c = ctx;

    timer_stop(c->deadline);
    c->hooks->on_ready(c);
}

static void on_engine_failed(void *ctx, const struct err *err)
{
    command_end(ctx, down(ctx, EXIT_CONFIG, "data", err->msg));
}

static bool start_engine(struct command *c, struct str url, struct err *err)
{
    const struct engine_options o = {.settings = c->settings,
                                     .i18n = c->i18n,
                                     .redis_url = url,
                                     .work = c->hooks->work,
                                     .on_ready = on_engine_ready,
                                     .on_failed = on_engine_failed,
                                     .ctx = c};

    return engine_new(c->loop, &o, &c->engine, err);
}

static void on_redis_up(void *ctx)
{
    struct command *c = ctx;
    struct err err = {0};

    if (!start_engine(c, redis_child_url(c->redis), &err)) {
        on_engine_failed(c, &err);
    }
}

static void on_redis_failed(void *ctx, const struct err *err)
{
    command_end(ctx, down(ctx, EXIT_UNAVAILABLE, "redis", err->msg));
}

static bool start(struct command *c, struct err *err)
{
    char data_dir[600];
    struct buf url;
    bool ok;

    timer_start(c->deadline, c->settings->redis_url.n > 0 ? URL_MS : COMMAND_MS);
    if (c->settings->redis_url.n > 0) {
        return start_engine(c, c->settings->redis_url, err);
    }
    snprintf(data_dir, sizeof(data_dir), "%.*s", STR_ARG(c->settings->data_dir));
    buf_init(&url, 1024);
    ok =
        redis_child_running(data_dir, &url)
            ? start_engine(c, buf_str(&url), err)
            : redis_child_start(c->loop, data_dir, on_redis_up, on_redis_failed, c, &c->redis, err);
    buf_fini(&url);
    return ok;
}

static void on_signal(void *ctx, int signum)
{
    struct command *c = ctx;

    (void)signum;
    if (!c->ending) {
        c->hooks->on_signal(c);
    }
}

static void on_awake(void *ctx, unsigned ready)
{
    (void)ctx;
    (void)ready;
}

static bool stay_awake(struct command *c, struct err *err)
{
    c->awake = pipe2(c->awake_fds, O_CLOEXEC) == 0
                   ? poller_new(c->loop, c->awake_fds[0], on_awake, c)
                   : NULL;
    if (c->awake == NULL) {
        return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
    }
    poller_want(c->awake, POLLER_READ);
    return true;
}

/* With the words of the gateway: what is said here reaches the same people. */
static bool read_words(struct command *c, struct err *err)
{
    char dir[600];

    snprintf(dir, sizeof(dir), "%.*s", STR_ARG(c->settings->config_dir));
    return i18n_new(dir[0] != '\0' ? dir : NULL, &c->i18n, err);
}

int command_run(const struct args *a, const struct command_hooks *hooks, void *user)
{
    struct command c = {
        .args = a, .hooks = hooks, .user = user, .awake_fds = {-1, -1}
    };
    struct err err = {0};
    struct buf notice;

    if (!main_settings_load(a, &c.settings, &err)) {
        return down(&c, EXIT_CONFIG, "configuration", err.msg);
    }
    /* Operators want the answer, not the log of how it was found. */
    log_setup(c.settings->log_level == LOG_DEBUG ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    buf_init(&notice, 1024);
    if (!settings_master_key(c.settings, &notice, &err) || !read_words(&c, &err)) {
        buf_fini(&notice);
        settings_free(&c.settings);
        return down(&c, EXIT_CONFIG, "configuration", err.msg);
    }
    if (notice.n > 0) {
        fprintf(stderr, "crewline: %.*s\n", STR_ARG(buf_str(&notice)));
    }
    buf_fini(&notice);
    c.loop = loop_new();
    c.deadline = timer_new(c.loop, on_deadline, &c);
    if (hooks->on_signal != NULL) {
        loop_on_signal(c.loop, SIGINT, on_signal, &c);
        loop_on_signal(c.loop, SIGTERM, on_signal, &c);
    }
    if (stay_awake(&c, &err) && start(&c, &err)) {
        loop_run(c.loop);
    } else {
        c.exit_code =
            down(&c, err.code == ERR_CONFIG ? EXIT_CONFIG : EXIT_UNAVAILABLE, "redis", err.msg);
    }
    if (hooks->on_end != NULL) {
        hooks->on_end(&c);
    }
    engine_free(&c.engine);
    redis_child_free(&c.redis);
    timer_free(&c.deadline);
    poller_free(&c.awake);
    close(c.awake_fds[0]);
    close(c.awake_fds[1]);
    loop_free(&c.loop);
    i18n_free(&c.i18n);
    settings_free(&c.settings);
    return c.exit_code;
}
