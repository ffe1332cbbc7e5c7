/*
 * What the scripts cost inside Redis, in us: one unit of work a call, and 64. "CPU" is all that its
 * main thread did for it, reading, answering and the append-only file included. Prints a table;
 * checks only that all was carried out. Run on a quiet machine: `meson test --benchmark scripts`.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commit_int.h"
#include "harness.h"
#include "redis_fixture.h"
#include "store/lane.h"

#define ITEMS 12800
#define DEPTH 16
#define T     STR("acme")
#define OUT   STR("out:main")

static redisContext *redis;
static const struct rate rate = {1, 1000000, 1, 45, 0};
static int64_t tokens[ITEMS];
static char body[600];

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static redisReply *answer(void)
{
    void *r = NULL;

    if (redisGetReply(redis, &r) != REDIS_OK || ((redisReply *)r)->type == REDIS_REPLY_ERROR) {
        die(r == NULL ? redis->errstr : ((redisReply *)r)->str);
    }
    return r;
}

static void plain(const char *words)
{
    redisReply *r = redisCommand(redis, words);

    if (r == NULL) {
        die(redis->errstr);
    }
    freeReplyObject(r);
}

static void ask(struct call *c)
{
    struct str bytes = call_seal(c);

    redisAppendFormattedCommand(redis, bytes.p, bytes.n);
    call_fini(c);
}

/* us: all EVALSHA since the last time, as Redis tells, and all CPU of its main thread. */
struct spent {
    double calls_us, cpu_us;
};

static double number_after(const char *text, const char *name)
{
    const char *at = text == NULL ? NULL : strstr(text, name);

    return at == NULL ? 0 : strtod(at + strlen(name), NULL);
}

static struct spent spent(void)
{
    static double cpu_before;
    redisReply *r = redisCommand(redis, "INFO everything");
    const char *at = r == NULL || r->str == NULL ? NULL : strstr(r->str, "cmdstat_evalsha:");
    struct spent out = {number_after(at, "usec="), 0};
    double cpu;

    cpu = r == NULL ? 0
                    : 1e6 * (number_after(r->str, "used_cpu_user_main_thread:") +
                             number_after(r->str, "used_cpu_sys_main_thread:"));
    out.cpu_us = cpu - cpu_before;
    freeReplyObject(r);
    plain("CONFIG RESETSTAT");
    cpu_before = cpu;
    return out;
}

static void print(const char *what, const struct spent v[2], double n)
{
    printf("%-42s %8.2f %8.2f %10.2f %8.2f\n", what, v[0].calls_us / n, v[0].cpu_us / n,
           v[1].calls_us / n, v[1].cpu_us / n);
}

typedef struct commit *unit_fn(size_t i);

static struct commit *accept_inbound(size_t i)
{
    struct commit *c = commit_new(T);
    char id[24], key[32], lane[24];

    snprintf(id, sizeof(id), "in%zu", i);
    snprintf(key, sizeof(key), "i:%s", id);
    snprintf(lane, sizeof(lane), "1u:%zu", i);
    commit_check_new(c, str_of(id), STR("fingerprint"));
    commit_remember(c, str_of(id), STR("fingerprint"), str_of(id));
    commit_hset(c, str_of(key), STR("b"), str_make(body, sizeof(body)));
    commit_enqueue(c, STR("in"), str_of(lane), str_of(id), (struct wall){0}, true, NULL);
    return c;
}

static struct commit *message(size_t i, bool grant)
{
    struct commit *c = commit_new(T);
    char id[24], key[32], lane[24];

    snprintf(id, sizeof(id), "%c%zu", grant ? 'g' : 'q', i);
    snprintf(key, sizeof(key), "m:%s", id);
    snprintf(lane, sizeof(lane), "3%c%zu", grant ? 'g' : 'q', i);
    commit_check_version(c, str_of(key), 0);
    commit_doc(c, str_of(key), 1, str_make(body, sizeof(body)));
    commit_doc_field(c, "s", STR("queued"));
    commit_doc_field(c, "tl", STR("queued,1763716037123,\n"));
    commit_enqueue(c, OUT, str_of(lane), str_of(id), (struct wall){0}, grant, &rate);
    return c;
}

static struct commit *accept_granted(size_t i)
{
    return message(i, true);
}

static struct commit *accept_queued(size_t i)
{
    return message(i, false);
}

static struct commit *complete(size_t i)
{
    struct commit *c = commit_new(T);
    char id[24], lane[24], hash[64], key[32];

    snprintf(id, sizeof(id), "q%zu", i);
    snprintf(key, sizeof(key), "m:%s", id);
    snprintf(lane, sizeof(lane), "3q%zu", i);
    snprintf(hash, sizeof(hash), "%043zu", i);
    commit_check_lease(c, OUT, str_of(lane), str_of(id), tokens[i]);
    commit_message_state(c, str_of(id), "sent", (struct wall){1763716037123}, STR_NONE);
    commit_provider_id(c, str_of(hash), str_of(id));
    commit_hset(c, str_of(key), STR("pi"),
                STR("a sealed provider id of some eighty bytes, as it is at Meta"));
    commit_finish(c, OUT, str_of(lane), str_of(id));
    return c;
}

static struct commit *status(size_t i)
{
    struct commit *c = commit_new(T);
    char hash[64];

    snprintf(hash, sizeof(hash), "%043zu", i);
    commit_status(c, STR_NONE, str_of(hash), "delivered", (struct wall){1763716037123},
                  STR("by webhook"));
    return c;
}

static void batch(unit_fn *unit, size_t from, size_t n)
{
    static int64_t serial;
    struct commit *units[COMMIT_UNITS_MAX];
    struct call call;
    bool grants = false;

    call_init_script(&call, "commit", STR("{acme}:"));
    call_str(&call, STR("gw1"));
    call_int(&call, 30000);
    for (size_t i = 0; i < n; i++) {
        units[i] = unit(from + i);
        grants = grants || units[i]->grants;
    }
    if (grants) {
        call_int(&call, ++serial);
    } else {
        call_str(&call, STR(""));
    }
    for (size_t i = 0; i < n; i++) {
        commit_seal(units[i]);
    }
    commit_units_put(&call, units, n);
    for (size_t i = 0; i < n; i++) {
        commit_free(&units[i]);
    }
    ask(&call);
}

static void check_batch(size_t n)
{
    redisReply *r = answer();

    if (r->elements != n) {
        die("the reply is short");
    }
    for (size_t i = 0; i < n; i++) {
        const redisReply *unit = r->element[i];
        const char *word = unit->type == REDIS_REPLY_ARRAY ? unit->element[0]->str : unit->str;

        if (strcmp(word, "ok") != 0) {
            die(word);
        }
    }
    freeReplyObject(r);
}

/* Half of the items one a call, the other half 64 a call. */
static void measure(const char *what, unit_fn *unit)
{
    struct spent v[2];
    const size_t sizes[2] = {1, COMMIT_UNITS_MAX};

    for (size_t k = 0; k < 2; k++) {
        size_t at = k * ITEMS / 2, end = at + ITEMS / 2, due = 0;

        spent();
        for (; at < end; at += sizes[k]) {
            batch(unit, at, sizes[k]);
            if (++due == DEPTH || at + sizes[k] >= end) {
                for (; due > 0; due--) {
                    check_batch(sizes[k]);
                }
            }
        }
        v[k] = spent();
    }
    print(what, v, ITEMS / 2);
}

static void claims(size_t want, size_t items)
{
    static int64_t serial;

    for (size_t got = 0; got < items;) {
        struct call call;
        redisReply *r;

        call_init_script(&call, "claim", STR("{acme}:"));
        call_str(&call, STR("gw1"));
        call_int(&call, ++serial);
        call_str(&call, OUT);
        call_int(&call, (int64_t)want);
        call_int(&call, 600000);
        call_str(&call, STR("m"));
        call_int(&call, rate.interval_us);
        call_int(&call, rate.burst);
        call_int(&call, rate.pair_interval_ms);
        call_int(&call, rate.pair_burst);
        call_int(&call, rate.reserve);
        call_int(&call, 0);
        ask(&call);
        r = answer();
        for (size_t i = 1; i < r->elements; i++) {
            tokens[strtol(r->element[i]->element[1]->str + 1, NULL, 10)] =
                r->element[i]->element[2]->integer;
        }
        got += r->elements - 1;
        if (r->elements == 1) {
            die("nothing to claim");
        }
        freeReplyObject(r);
    }
}

static void idle(void)
{
    struct spent v[2];

    spent();
    for (int i = 0; i < 2000; i++) {
        struct call call;

        call_init_script(&call, "claim", STR("{idle}:"));
        call_str(&call, STR("gw1"));
        call_int(&call, i);
        call_str(&call, STR("in"));
        call_int(&call, 64);
        call_int(&call, 30000);
        call_str(&call, STR("i"));
        for (int k = 0; k < 6; k++) {
            call_int(&call, 0);
        }
        ask(&call);
        freeReplyObject(answer());
    }
    v[0] = v[1] = spent();
    print("a claim that finds nothing", v, 2000);
}

int main(void)
{
    struct redis_fixture *f = redis_fixture_new(0, "appendfsync no\nlatency-tracking no");
    struct spent v[2];

    redis = redisConnectUnix(redis_fixture_url(f).p + sizeof("unix://") - 1);
    if (redis == NULL || redis->err != 0) {
        die("no connection");
    }
    memset(body, 'x', sizeof(body));
    for (size_t i = 0; i < scripts_count(); i++) {
        redisReply *r =
            redisCommand(redis, "SCRIPT LOAD %b", scripts_at(i)->text, scripts_at(i)->bytes);

        if (r == NULL || r->type != REDIS_REPLY_STRING) {
            die("a script does not load");
        }
        freeReplyObject(r);
    }
    printf("%-42s %8s %8s %10s %8s\n", "us in Redis for each", "one", "its CPU", "64 a call",
           "its CPU");
    measure("accept an inbound item, granted", accept_inbound);
    measure("accept a message, granted, rate and pair", accept_granted);
    measure("accept a message, queued", accept_queued);
    spent();
    claims(1, ITEMS / 2);
    v[0] = spent();
    claims(64, ITEMS / 2);
    v[1] = spent();
    print("claim a message, rate and pair", v, ITEMS / 2);
    measure("complete a message", complete);
    measure("a status moves a message", status);
    measure("a status that changes nothing", status);
    idle();
    redisFree(redis);
    redis_fixture_free(&f);
    return 0;
}
