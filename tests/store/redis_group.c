#include "redis_group.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "harness.h"

#define PATIENCE 2000 /* times 5 ms */

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

static void start_sentinels(struct redis_group *g, size_t n)
{
    char conf[500], want[40];

    for (size_t i = 0; i < n; i++) {
        snprintf(
            conf, sizeof(conf),
            "sentinel monitor mine 127.0.0.1 %d %zu\nsentinel down-after-milliseconds mine 500\n"
            "sentinel failover-timeout mine 4000\nsentinel parallel-syncs mine 2\n",
            redis_fixture_port(g->servers[0]), n / 2 + 1);
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
