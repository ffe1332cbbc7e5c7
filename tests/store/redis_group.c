#include "redis_group.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "harness.h"

#define PATIENCE  2000 /* times 5 ms */
#define SLOTS     16384
#define KEYS_MAX  40
#define MOVED_MAX 4000

static void nap(void)
{
    struct timespec t = {0, 5000000};

    nanosleep(&t, NULL);
}

/* Until the answer to @command has @text in it. */
static void until(struct redis_fixture *f, const char *command, const char *text)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (strstr(redis_fixture_command(f, command), text) != NULL) {
            return;
        }
        nap();
    }
    test_fail(__FILE__, __LINE__, "%s never said %s: %s", command, text,
              redis_fixture_command(f, command));
}

/*
 * The last one looks longer until it takes the master for dead. Should all of them do so at once,
 * each votes for itself, nobody is elected, and they try again only after 9 s. Who does not stand
 * himself votes for the first who asks.
 */
static void start_sentinels(struct redis_group *g, size_t n)
{
    char conf[500], want[40];

    for (size_t i = 0; i < n; i++) {
        snprintf(
            conf, sizeof(conf),
            "sentinel monitor mine 127.0.0.1 %d %zu\nsentinel down-after-milliseconds mine %d\n"
            "sentinel failover-timeout mine 4000\nsentinel parallel-syncs mine 2\n",
            redis_fixture_port(g->servers[0]), n / 2 + 1, n > 1 && i == n - 1 ? 2500 : 500);
        g->sentinels[g->nsentinels++] =
            redis_fixture_new(REDIS_FIXTURE_TCP | REDIS_FIXTURE_SENTINEL, conf);
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(want, sizeof(want), "slaves=%zu,sentinels=%zu", g->nservers - 1, n);
        until(g->sentinels[i], "INFO sentinel", want);
    }
}

struct redis_group *redis_group_new(size_t servers, size_t sentinels)
{
    struct redis_group *g = MEM_NEW(struct redis_group);
    char conf[200], want[40];

    for (size_t i = 0; i < servers; i++) {
        snprintf(conf, sizeof(conf), "repl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n");
        if (i > 0) {
            snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf), "replicaof 127.0.0.1 %d\n",
                     redis_fixture_port(g->servers[0]));
        }
        g->servers[g->nservers++] = redis_fixture_new(REDIS_FIXTURE_TCP, conf);
    }
    for (size_t i = 1; i < servers; i++) {
        snprintf(want, sizeof(want), "slave%zu:", i - 1);
        until(g->servers[i], "INFO replication", "master_link_status:up");
        until(g->servers[0], "INFO replication", want);
    }
    start_sentinels(g, sentinels);
    return g;
}

void redis_group_free(struct redis_group **owner)
{
    struct redis_group *g = *owner;

    if (g == NULL) {
        return;
    }
    for (size_t i = 0; i < GROUP_MAX; i++) {
        redis_fixture_free(&g->sentinels[i]);
        redis_fixture_free(&g->servers[i]);
    }
    mem_free(owner);
}

void redis_group_sentinel_url(const struct redis_group *g, char *out, size_t out_bytes)
{
    size_t n = (size_t)snprintf(out, out_bytes, "redis+sentinel://");

    for (size_t i = 0; i < g->nsentinels; i++) {
        n += (size_t)snprintf(out + n, out_bytes - n, "%s127.0.0.1:%d", i == 0 ? "" : ",",
                              redis_fixture_port(g->sentinels[i]));
    }
    snprintf(out + n, out_bytes - n, "/mine/0");
}

void redis_group_failover(struct redis_group *g)
{
    until(g->sentinels[0], "SENTINEL FAILOVER mine", "OK");
}

/* ---- cluster ---- */

static void say(struct redis_fixture *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct redis_fixture *f, const char *fmt, ...)
{
    char command[4096];
    const char *answer;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    answer = redis_fixture_command(f, command);
    if (answer[0] == '-') {
        test_fail(__FILE__, __LINE__, "%s: %s", command, answer);
    }
}

static void id_of(struct redis_fixture *f, char out[64])
{
    snprintf(out, 64, "%s", redis_fixture_command(f, "CLUSTER MYID"));
}

struct redis_group *redis_group_new_cluster(size_t masters, size_t replicas)
{
    struct redis_group *g = MEM_NEW(struct redis_group);
    char want[64], id[64];

    for (size_t i = 0; i < masters + replicas; i++) {
        g->servers[g->nservers++] =
            redis_fixture_new(REDIS_FIXTURE_TCP | REDIS_FIXTURE_CLUSTER,
                              "cluster-node-timeout 1000\nrepl-diskless-sync-delay 0\n"
                              "cluster-require-full-coverage no\n");
        if (i < masters) {
            say(g->servers[i], "CLUSTER ADDSLOTSRANGE %d %d", (int)(i * SLOTS / masters),
                (int)((i + 1) * SLOTS / masters) - 1);
        }
        say(g->servers[i], "CLUSTER SET-CONFIG-EPOCH %d", (int)i + 1);
    }
    for (size_t i = 1; i < g->nservers; i++) {
        say(g->servers[i], "CLUSTER MEET 127.0.0.1 %d %d", redis_fixture_port(g->servers[0]),
            redis_fixture_bus_port(g->servers[0]));
    }
    snprintf(want, sizeof(want), "cluster_known_nodes:%zu", g->nservers);
    for (size_t i = 0; i < g->nservers; i++) {
        until(g->servers[i], "CLUSTER INFO", want);
        until(g->servers[i], "CLUSTER INFO", "cluster_state:ok");
        /* Without full coverage it is ok before it knows whose they are. */
        until(g->servers[i], "CLUSTER INFO", "cluster_slots_assigned:16384");
    }
    for (size_t i = 0; i < replicas; i++) {
        id_of(g->servers[i], id);
        say(g->servers[masters + i], "CLUSTER REPLICATE %s", id);
        until(g->servers[masters + i], "INFO replication", "master_link_status:up");
        until(g->servers[i], "INFO replication", "slave0:");
    }
    return g;
}

void redis_group_cluster_url(const struct redis_group *g, char *out, size_t out_bytes)
{
    size_t n = (size_t)snprintf(out, out_bytes, "redis+cluster://");

    for (size_t i = 0; i < g->nservers; i++) {
        n += (size_t)snprintf(out + n, out_bytes - n, "%s127.0.0.1:%d", i == 0 ? "" : ",",
                              redis_fixture_port(g->servers[i]));
    }
}

void redis_group_slot_begin(struct redis_group *g, int slot, size_t from, size_t to)
{
    char a[64], b[64];

    id_of(g->servers[from], a);
    id_of(g->servers[to], b);
    say(g->servers[to], "CLUSTER SETSLOT %d IMPORTING %s", slot, a);
    say(g->servers[from], "CLUSTER SETSLOT %d MIGRATING %s", slot, b);
}

void redis_group_slot_keys(struct redis_group *g, int slot, size_t from, size_t to, int most)
{
    char ask[64], keys[3000], *line;
    int moved = 0;

    do {
        int n = most == 0 || most - moved > KEYS_MAX ? KEYS_MAX : most - moved;

        snprintf(ask, sizeof(ask), "CLUSTER GETKEYSINSLOT %d %d", slot, n);
        snprintf(keys, sizeof(keys), "%s", redis_fixture_command(g->servers[from], ask));
        if (keys[0] == '\0') {
            return;
        }
        for (line = keys; *line != '\0'; line++) {
            *line = *line == '\n' ? ' ' : *line;
        }
        say(g->servers[from], "MIGRATE 127.0.0.1 %d  0 5000 KEYS %s",
            redis_fixture_port(g->servers[to]), keys);
        moved += n;
    } while ((most == 0 || moved < most) && moved < MOVED_MAX);
}

void redis_group_slot_end(struct redis_group *g, int slot, size_t from, size_t to)
{
    char id[64];

    id_of(g->servers[to], id);
    say(g->servers[to], "CLUSTER SETSLOT %d NODE %s", slot, id);
    say(g->servers[from], "CLUSTER SETSLOT %d NODE %s", slot, id);
}
