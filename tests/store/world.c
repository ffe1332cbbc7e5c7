#include "world.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static const char t_get[] = "return redis.call('GET', KEYS[1] .. 'v')";
/* Once only, in the order in which it is asked: what is repeated changes nothing. */
static const char t_append[] = "if redis.call('SADD', KEYS[1] .. 'seen', ARGV[1]) == 1 then\n"
                               "  redis.call('RPUSH', KEYS[1] .. 'list', ARGV[1])\n"
                               "end\n"
                               "return tonumber(ARGV[1])";
static const char t_oom[] = "#!lua flags=allow-oom\n"
                            "return redis.call('SET', KEYS[1] .. 'oom', ARGV[1])";
static const char t_error[] = "return {1, redis.error_reply('MINE of the script')}";

static const struct embedded table[] = {
    {"t_append.lua", t_append, sizeof(t_append) - 1},
    {"t_error.lua",  t_error,  sizeof(t_error) - 1 },
    {"t_get.lua",    t_get,    sizeof(t_get) - 1   },
    {"t_oom.lua",    t_oom,    sizeof(t_oom) - 1   },
    {NULL,           NULL,     0                   },
};

void world_scripts(void)
{
    store_scripts_add(table);
}

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_limit(void *ctx)
{
    struct world *w = ctx;

    w->expired = true;
    loop_stop(w->loop);
}

static void on_pipe(void *ctx, unsigned ready)
{
    (void)ctx;
    (void)ready;
}

struct world *world_new_without_redis(void)
{
    struct world *w = MEM_NEW(struct world);

    w->loop = loop_new();
    if (pipe(w->pipe) != 0) {
        test_fail(__FILE__, __LINE__, "pipe");
    }
    /* Timers do not keep the loop; in the program the listening sockets do. */
    w->keep = poller_new(w->loop, w->pipe[0], on_pipe, w);
    poller_want(w->keep, POLLER_READ);
    w->limit = timer_new(w->loop, on_limit, w);
    return w;
}

struct world *world_new(unsigned flags, const char *conf)
{
    struct world *w = world_new_without_redis();

    w->redis = redis_fixture_new(flags, conf);
    return w;
}

static void on_health(void *ctx, enum store_health health, const char *reason)
{
    struct world *w = ctx;

    (void)health;
    (void)reason;
    w->health_calls++;
    loop_stop(w->loop);
}

void world_store(struct world *w, struct str url, enum store_durability durability)
{
    struct store_options o = {
        .url = url, .durability = durability, .deadline_ms = 3000, .replicas = w->replicas};
    struct err err = {0};

    if (!store_new(w->loop, &o, on_health, w, &w->store, &err)) {
        test_fail(__FILE__, __LINE__, "store_new: %s", err.msg);
    }
}

void world_free(struct world **owner)
{
    struct world *w = *owner;

    store_free(&w->store);
    timer_free(&w->limit);
    poller_free(&w->keep);
    loop_free(&w->loop);
    close(w->pipe[0]);
    close(w->pipe[1]);
    redis_fixture_free(&w->redis);
    mem_free(owner);
}

bool world_run(struct world *w, const bool *done, int64_t ms)
{
    w->expired = false;
    timer_start(w->limit, ms);
    while (!*done && !w->expired) {
        loop_run(w->loop);
    }
    timer_stop(w->limit);
    return *done;
}

void world_pass(struct world *w, int64_t ms)
{
    bool never = false;

    world_run(w, &never, ms);
}

bool world_health(struct world *w, enum store_health health, int64_t ms)
{
    w->expired = false;
    timer_start(w->limit, ms);
    while (store_health(w->store, NULL) != health && !w->expired) {
        loop_run(w->loop);
    }
    timer_stop(w->limit);
    return store_health(w->store, NULL) == health;
}

static void on_answer(void *ctx, const struct err *err, const struct reply *reply)
{
    struct asked *a = ctx;
    /* CONFIG GET answers {name, value} */
    struct str text = reply_str(reply_len(reply) == 2 ? reply_at(reply, 1) : reply);

    a->op = NULL;
    a->calls++;
    a->done = true;
    a->took_ms = now_ms() - a->from_ms;
    if (err != NULL) {
        a->code = err->code;
        snprintf(a->msg, sizeof(a->msg), "%s", err->msg);
    } else {
        a->kind = reply_kind(reply);
        a->number = reply_int(reply);
        a->len = reply_len(reply);
        snprintf(a->text, sizeof(a->text), "%.*s", (int)(text.n < 200 ? text.n : 200), text.p);
    }
    loop_stop(a->w->loop);
}

static void split(struct call *c, const char *words)
{
    struct str rest = str_of(words), word;

    call_init(c);
    while (rest.n > 0) {
        str_cut(rest, ' ', &word, &rest);
        call_str(c, word);
    }
}

void ask_for(struct world *w, struct asked *a, int64_t deadline_ms, const char *words)
{
    struct call c;

    *a = (struct asked){.w = w, .from_ms = now_ms()};
    split(&c, words);
    a->op = store_run_for(w->store, &c, deadline_ms, on_answer, a);
}

void ask(struct world *w, struct asked *a, const char *words)
{
    ask_for(w, a, 3000, words);
}

void ask_script(struct world *w, struct asked *a, const char *script, const char *key, int64_t v)
{
    struct call c;

    *a = (struct asked){.w = w, .from_ms = now_ms()};
    call_init_script(&c, script, str_of(key));
    call_int(&c, v);
    a->op = store_run(w->store, &c, on_answer, a);
}

void ask_wait(struct world *w, struct asked *a, const char *words)
{
    ask(w, a, words);
    if (!world_run(w, &a->done, 5000)) {
        test_fail(__FILE__, __LINE__, "no answer to %s", words);
    }
}

struct one {
    struct many *m;
    int64_t v, from_ms;
};

static void on_appended(void *ctx, const struct err *err, const struct reply *reply)
{
    struct one *one = ctx;
    struct many *m = one->m;
    int64_t took = now_ms() - one->from_ms;

    m->longest_ms = took > m->longest_ms ? took : m->longest_ms;
    if (err == NULL) {
        m->ok++;
        m->wrong += reply_int(reply) == one->v ? 0 : 1;
    } else {
        m->unavailable += err->code == ERR_STORE_UNAVAILABLE ? 1 : 0;
        m->full += err->code == ERR_STORE_FULL ? 1 : 0;
        m->other += err->code != ERR_STORE_UNAVAILABLE && err->code != ERR_STORE_FULL ? 1 : 0;
        snprintf(m->msg, sizeof(m->msg), "%s", err->msg);
    }
    if (m->ok + m->unavailable + m->full + m->other == m->asked) {
        m->done = true;
        loop_stop(m->w->loop);
    }
    mem_free(&one);
}

void many_append(struct world *w, struct many *m, const char *key, size_t n)
{
    if (m->w == NULL) {
        *m = (struct many){.w = w};
    }
    m->done = false;
    for (size_t i = 0; i < n; i++) {
        struct one *one = MEM_NEW(struct one);
        struct call c;

        *one = (struct one){m, (int64_t)m->asked, now_ms()};
        m->asked++;
        call_init_script(&c, "t_append", str_of(key));
        call_int(&c, one->v);
        store_run(w->store, &c, on_appended, one);
    }
}
