/* store: what a real Redis does to us: crashes, stalls, flushed scripts, and each row of its
 * errors. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_int.h"
#include "world.h"

static struct world *ready_world(unsigned flags, const char *conf)
{
    struct world *w = world_new(flags, conf);

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    CHECK("ready", world_health(w, STORE_READY, 3000));
    return w;
}

static struct store_stats stats_of(const struct world *w)
{
    struct store_stats stats;

    store_stats(w->store, &stats);
    return stats;
}

static bool in_order(struct world *w, const char *key, size_t n)
{
    char command[64], want[24];
    struct str rest, line;

    snprintf(command, sizeof(command), "LRANGE %slist 0 -1", key);
    rest = str_of(redis_fixture_command(w->redis, command));
    for (size_t i = 0; i < n; i++) {
        snprintf(want, sizeof(want), "%zu", i);
        str_cut(rest, '\n', &line, &rest);
        if (!str_eqz(line, want)) {
            test_fail(__FILE__, __LINE__, "%s: at %s stands \"%.*s\"", key, want, STR_ARG(line));
            return false;
        }
    }
    return rest.n == 0;
}

/* Nothing of it was read by the Redis that dies: all of it is asked again, in the order asked. */
static void test_asked_again_in_order(void)
{
    struct world *w = ready_world(0, NULL);
    struct many m = {0};

    redis_fixture_stop(w->redis);
    many_append(w, &m, "{t}:", 2000);
    world_pass(w, 50);
    redis_fixture_kill(w->redis);
    many_append(w, &m, "{t}:", 500);
    world_pass(w, 50);
    CHECK_INT("nothing is lost by it", m.ok + m.unavailable, 0);
    CHECK_INT("down", store_health(w->store, NULL), STORE_DOWN);
    many_append(w, &m, "{t}:", 500);
    redis_fixture_start(w->redis);
    CHECK("all answered", world_run(w, &m.done, 3500));
    CHECK_INT(m.msg, m.ok, 3000);
    CHECK("in order", in_order(w, "{t}:", 3000));
    CHECK("asked again", stats_of(w).reasked > 0);
    CHECK_INT("one reconnect", stats_of(w).reconnects, 1);
    world_free(&w);
}

/* Killed at any moment: each call is answered once, with its own reply, and what is done is done
 * once. */
static void test_killed_while_busy(void)
{
    struct world *w = ready_world(0, NULL);
    struct many m = {0};
    struct asked a;

    for (int i = 0; i < 6; i++) {
        many_append(w, &m, "{t}:", 5000);
        world_pass(w, 3 * i);
        redis_fixture_kill(w->redis);
        redis_fixture_start(w->redis);
        CHECK("all answered", world_run(w, &m.done, 4000));
    }
    CHECK_INT(m.msg, m.ok, 30000);
    CHECK_INT("own replies", m.wrong, 0);
    CHECK("in time", m.longest_ms < 3200);
    ask_wait(w, &a, "LLEN {t}:list");
    CHECK_INT("each once", a.number, 30000);
    world_free(&w);
}

static void test_dead_for_good(void)
{
    struct world *w = ready_world(0, NULL);
    struct many m = {0};

    redis_fixture_kill(w->redis);
    many_append(w, &m, "{t}:", 1000);
    CHECK("all answered", world_run(w, &m.done, 4000));
    CHECK_INT("unavailable", m.unavailable, 1000);
    CHECK("not before its deadline", m.longest_ms >= 3000);
    CHECK("not much after", m.longest_ms < 3200);
    CHECK(m.msg, strstr(m.msg, "not available") != NULL);
    CHECK_INT("none pending", stats_of(w).pending, 0);
    world_free(&w);
}

/* A Redis that stands still for 5 s, as on a stalled disk. */
static void test_stalled(void)
{
    struct world *w = ready_world(0, NULL);
    struct many m = {0}, after = {0};
    const char *reason;
    int64_t from;

    redis_fixture_stop(w->redis);
    from = now_ms();
    many_append(w, &m, "{t}:", 1000);
    CHECK("the connection is given up", world_health(w, STORE_DOWN, 2500));
    CHECK("after 2 s", now_ms() - from >= 1950);
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "no answer for 2000 ms") != NULL);
    CHECK("all answered", world_run(w, &m.done, 2000));
    CHECK_INT("unavailable", m.unavailable, 1000);
    CHECK("in time", m.longest_ms < 3200);
    world_pass(w, 5000 - (now_ms() - from));
    many_append(w, &after, "{u}:", 1000);
    redis_fixture_cont(w->redis);
    CHECK("all answered", world_run(w, &after.done, 4000));
    CHECK_INT(after.msg, after.ok, 1000);
    CHECK("in order", in_order(w, "{u}:", 1000));
    CHECK("healthy", world_health(w, STORE_READY, 1000));
    world_free(&w);
}

/* An idle connection to a Redis that stands still: our own PING tells. */
static void test_stalled_while_idle(void)
{
    struct world *w = ready_world(0, NULL);

    redis_fixture_stop(w->redis);
    CHECK("noticed", world_health(w, STORE_DOWN, 2 * BEAT_MS + SILENT_MS + 500));
    redis_fixture_cont(w->redis);
    CHECK("and again", world_health(w, STORE_READY, 5000));
    world_free(&w);
}

static void nap(long ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* It is us who stand still: the reply is there, and the connection is as good as before. */
static void test_we_stall(void)
{
    struct world *w = ready_world(0, NULL);
    struct asked a;

    ask_for(w, &a, 2000, "PING");
    world_pass(w, 0);
    ask_for(w, &a, 2000, "PING");
    nap(1);
    loop_stop(w->loop);
    loop_run(w->loop); /* one turn: it is written */
    nap(2600);
    CHECK("answered", world_run(w, &a.done, 1000));
    CHECK_INT(a.msg, a.code, ERR_NONE);
    CHECK_INT("no reconnect", stats_of(w).reconnects, 0);
    world_free(&w);
}

static void test_scripts_flushed(void)
{
    struct world *w = ready_world(0, NULL);
    struct many m = {0};

    for (int i = 0; i < 50; i++) {
        many_append(w, &m, "{t}:", 100);
        world_pass(w, i % 3);
        redis_fixture_command(w->redis, "SCRIPT FLUSH");
    }
    m.done = m.done && m.ok == m.asked;
    CHECK("all answered", world_run(w, &m.done, 5000));
    CHECK_INT(m.msg, m.ok, 5000);
    CHECK("some met a flushed cache", stats_of(w).reasked > 0);
    CHECK_INT("own replies", m.wrong, 0);
    CHECK_Z("each once", str_of(redis_fixture_command(w->redis, "LLEN {t}:list")), "5000");
    CHECK_INT("on one connection", stats_of(w).reconnects, 0);
    world_free(&w);
}

static void test_server_comes_later(void)
{
    struct world *w = world_new(0, NULL);
    struct asked a;

    redis_fixture_kill(w->redis);
    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    ask(w, &a, "SET x 1");
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    world_pass(w, 300);
    redis_fixture_start(w->redis);
    CHECK("answered", world_run(w, &a.done, 3000));
    CHECK_INT(a.msg, a.code, ERR_NONE);
    CHECK_INT("that is no reconnect", stats_of(w).reconnects, 0);
    world_free(&w);
}

/* ---- the rows of the error table ---- */

static void test_full(void)
{
    struct world *w = ready_world(0, NULL);
    struct asked a;

    redis_fixture_command(w->redis, "CONFIG SET maxmemory 1");
    ask_wait(w, &a, "SET x 1");
    CHECK_INT("command", a.code, ERR_STORE_FULL);
    CHECK(a.msg, strstr(a.msg, "OOM") != NULL);
    CHECK("at once", a.took_ms < 500);
    ask_script(w, &a, "t_append", "{t}:", 1);
    CHECK("script", world_run(w, &a.done, 1000));
    CHECK_INT("script", a.code, ERR_STORE_FULL);
    ask_script(w, &a, "t_oom", "{t}:", 1);
    CHECK("script with allow-oom", world_run(w, &a.done, 1000));
    CHECK_INT("drains a full Redis", a.code, ERR_NONE);
    redis_fixture_command(w->redis, "CONFIG SET maxmemory 0");
    ask_wait(w, &a, "SET x 1");
    CHECK_INT("again", a.code, ERR_NONE);
    world_free(&w);
}

static void test_disk_refuses(void)
{
    struct world *w = ready_world(0, "save 3600 1");
    char dump[128];
    struct asked a;

    /* A snapshot cannot be renamed onto a directory; writes are then refused, the AOF or not. */
    snprintf(dump, sizeof(dump), "%s/dump.rdb", redis_fixture_dir(w->redis));
    CHECK("directory", mkdir(dump, 0700) == 0);
    redis_fixture_command(w->redis, "BGSAVE");
    for (int i = 0; i < 100; i++) {
        ask_wait(w, &a, "SET x 1");
        if (a.code != ERR_NONE) {
            break;
        }
        world_pass(w, 20);
    }
    CHECK_INT("full", a.code, ERR_STORE_FULL);
    CHECK(a.msg, strstr(a.msg, "MISCONF") != NULL);
    world_free(&w);
}

static void test_no_replicas(void)
{
    struct world *w = ready_world(0, NULL);
    struct asked a;

    redis_fixture_command(w->redis, "CONFIG SET min-replicas-to-write 1");
    ask_wait(w, &a, "SET x 1");
    CHECK_INT("full", a.code, ERR_STORE_FULL);
    CHECK(a.msg, strstr(a.msg, "NOREPLICAS") != NULL);
    world_free(&w);
}

/* A master that becomes a replica, and is made a master again within the deadline. */
static void test_demoted(void)
{
    struct world *w = ready_world(0, NULL);
    const char *reason;
    struct many m = {0};

    redis_fixture_command(w->redis, "REPLICAOF 127.0.0.1 1");
    many_append(w, &m, "{t}:", 100);
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    world_pass(w, 300);
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "not a master") != NULL);
    CHECK_INT("waiting", m.ok + m.unavailable, 0);
    redis_fixture_command(w->redis, "REPLICAOF NO ONE");
    CHECK("answered", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 100);
    CHECK("in order", in_order(w, "{t}:", 100));
    world_free(&w);
}

static void test_busy(void)
{
    struct world *w = ready_world(0, "lua-time-limit 50");
    struct many m = {0};

    redis_fixture_send(w->redis, "EVAL while\ttrue\tdo\tend 0");
    world_pass(w, 200);
    many_append(w, &m, "{t}:", 100);
    world_pass(w, 500);
    CHECK_INT("waiting", m.ok + m.unavailable + m.other, 0);
    CHECK_Z("killed", str_of(redis_fixture_command(w->redis, "SCRIPT KILL")), "OK");
    CHECK("answered", world_run(w, &m.done, 1000));
    CHECK_INT(m.msg, m.ok, 100);
    CHECK("in order", in_order(w, "{t}:", 100));
    CHECK("asked again, but not in a frenzy", stats_of(w).reasked < 100 * 10);
    CHECK_INT("on one connection", stats_of(w).reconnects, 0);
    world_free(&w);
}

static void test_loading(void)
{
    struct world *w = ready_world(0, "key-load-delay 400\nloading-process-events-interval-bytes "
                                     "1024\naof-use-rdb-preamble no");
    const char *reason;
    struct many m = {0};
    struct asked a;

    many_append(w, &m, "{t}:", 2000);
    CHECK("stored", world_run(w, &m.done, 5000));
    redis_fixture_kill(w->redis);
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    ask(w, &a, "GET x");
    redis_fixture_start(w->redis);
    for (int i = 0; i < 200; i++) {
        store_health(w->store, &reason);
        if (strstr(reason, "loading") != NULL) {
            break;
        }
        world_pass(w, 10);
    }
    CHECK(reason, strstr(reason, "is loading its data") != NULL);
    CHECK("then ready", world_health(w, STORE_READY, 10000));
    CHECK("answered", world_run(w, &a.done, 1000));
    CHECK("in time or late", a.code == ERR_NONE || a.code == ERR_STORE_UNAVAILABLE);
    world_free(&w);
}

/* Our own mistake is told at once, and nothing else suffers. */
static void test_refused(void)
{
    struct world *w = ready_world(0, NULL);
    struct asked a, b;

    ask(w, &a, "NONSENSE 1");
    ask(w, &b, "PING");
    CHECK("answered", world_run(w, &b.done, 1000));
    CHECK_INT("ours", a.code, ERR_STORE_REPLY);
    CHECK(a.msg, strstr(a.msg, "unknown command") != NULL);
    CHECK_Z("the next one", str_of(b.text), "PONG");
    world_free(&w);
}

static void test_too_many_clients(void)
{
    struct world *w = ready_world(0, "maxclients 1"), *second = world_new_without_redis();
    const char *reason;

    world_store(second, redis_fixture_url(w->redis), STORE_ALWAYS);
    CHECK("down", world_health(second, STORE_DOWN, 1000));
    store_health(second->store, &reason);
    CHECK(reason, strstr(reason, "max number of clients") != NULL);
    world_free(&second);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_asked_again_in_order),
        TEST(test_killed_while_busy),
        TEST(test_dead_for_good),
        TEST(test_stalled),
        TEST(test_stalled_while_idle),
        TEST(test_we_stall),
        TEST(test_scripts_flushed),
        TEST(test_server_comes_later),
        TEST(test_full),
        TEST(test_disk_refuses),
        TEST(test_no_replicas),
        TEST(test_demoted),
        TEST(test_busy),
        TEST(test_loading),
        TEST(test_refused),
        TEST(test_too_many_clients),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
