/*
 * store: everything at once, by seed. Calls with all sorts of deadlines, cancelled at random, while
 * the Redis below is killed, stopped, cut off, emptied of its scripts and filled to the brim. Held
 * at the end: each call is called back once, or never after its cancel; what was acknowledged is
 * there; nothing is there twice; nobody waits longer than his deadline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "world.h"

#define CALLS_MAX 20000
#define STEPS     60
#define SEEDS     4

struct act {
    struct op *op;
    int64_t deadline_ms, from_ms;
    bool cancelled, answered, ok;
};

static struct act *acts;
static size_t nacts, nanswered, ncancelled;
static int wrong;
static int64_t latest_ms; /* the most that one was called back after its deadline */
static bool all_done;
static struct world *w;
static uint64_t state;

static uint32_t roll(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static void on_done(void *ctx, const struct err *err, const struct reply *reply)
{
    size_t i = (size_t)(uintptr_t)ctx;
    struct act *a = &acts[i];
    int64_t late = now_ms() - a->from_ms - a->deadline_ms;

    wrong += a->answered || a->cancelled ? 1 : 0;
    wrong += err == NULL && reply_int(reply) != (int64_t)i ? 1 : 0;
    wrong += err != NULL && err->code != ERR_STORE_UNAVAILABLE && err->code != ERR_STORE_FULL;
    latest_ms = late > latest_ms ? late : latest_ms;
    a->answered = true;
    a->ok = err == NULL;
    a->op = NULL;
    nanswered++;
    all_done = nanswered + ncancelled == nacts;
    if (roll(8) == 0) {
        struct act *other = &acts[roll((uint32_t)nacts)];

        if (other->op != NULL) {
            op_cancel(&other->op);
            other->cancelled = true;
            ncancelled++;
        }
    }
}

static void ask_some(size_t n)
{
    for (size_t i = 0; i < n && nacts < CALLS_MAX; i++) {
        struct act *a = &acts[nacts];
        struct call c;

        *a = (struct act){.from_ms = now_ms(), .deadline_ms = roll(4) == 0 ? 1 + roll(200) : 3000};
        call_init_script(&c, "t_append", STR("{t}:"));
        call_int(&c, (int64_t)nacts);
        a->op = store_run_for(w->store, &c, a->deadline_ms, on_done, (void *)(uintptr_t)nacts);
        nacts++;
    }
    all_done = false;
}

static void cancel_some(size_t n)
{
    for (size_t i = 0; i < n && nacts > 0; i++) {
        struct act *a = &acts[nacts - 1 - roll(nacts < 500 ? (uint32_t)nacts : 500)];

        if (a->op != NULL) {
            op_cancel(&a->op);
            a->cancelled = true;
            ncancelled++;
        }
    }
}

static void step(void)
{
    ask_some(roll(300));
    switch (roll(9)) {
    case 0:
        redis_fixture_kill(w->redis);
        world_pass(w, roll(30));
        redis_fixture_start(w->redis);
        break;
    case 1:
        redis_fixture_stop(w->redis);
        ask_some(roll(200));
        world_pass(w, roll(100));
        cancel_some(roll(50));
        redis_fixture_cont(w->redis);
        break;
    case 2:
        redis_fixture_command(w->redis, "SCRIPT FLUSH");
        break;
    case 3:
        redis_fixture_command(w->redis, "CLIENT KILL TYPE normal");
        break;
    case 4:
        redis_fixture_command(w->redis, "CONFIG SET maxmemory 1");
        world_pass(w, roll(10));
        redis_fixture_command(w->redis, "CONFIG SET maxmemory 0");
        break;
    case 5:
        cancel_some(roll(100));
        break;
    default:
        break;
    }
    world_pass(w, roll(20));
}

static void check_data(void)
{
    bool *there = mem_array(CALLS_MAX, sizeof(bool));
    struct str rest, line;
    size_t lost = 0;
    int64_t i;

    redis_fixture_wait(w->redis);
    rest = str_of(redis_fixture_command(w->redis, "LRANGE {t}:list 0 -1"));
    while (rest.n > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (!str_to_i64(line, 0, CALLS_MAX - 1, &i) || there[i]) {
            test_fail(__FILE__, __LINE__, "\"%.*s\" is there twice", STR_ARG(line));
            break;
        }
        there[i] = true;
    }
    for (size_t k = 0; k < nacts; k++) {
        lost += acts[k].ok && !there[k] ? 1 : 0;
    }
    CHECK_INT("acknowledged and lost", lost, 0);
    mem_free(&there);
}

static void chaos(uint64_t seed)
{
    struct store_stats stats;
    size_t ok = 0;

    state = seed;
    acts = mem_array(CALLS_MAX, sizeof(*acts));
    nacts = nanswered = ncancelled = 0;
    wrong = 0;
    latest_ms = 0;
    w = world_new(0, NULL);
    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    for (int i = 0; i < STEPS; i++) {
        step();
    }
    all_done = nanswered + ncancelled == nacts;
    CHECK("all answered", world_run(w, &all_done, 4000));
    CHECK_INT("wrong", wrong, 0);
    CHECK_INT("answered or cancelled", nanswered + ncancelled, nacts);
    CHECK("not late", latest_ms < 500);
    store_stats(w->store, &stats);
    CHECK_INT("none pending", stats.pending, 0);
    for (size_t i = 0; i < nacts; i++) {
        ok += acts[i].ok ? 1 : 0;
    }
    CHECK("most went well", ok > nacts / 4);
    check_data();
    printf("  seed %llu: %zu calls, %zu ok, %zu cancelled, %lld asked again, %lld reconnects\n",
           (unsigned long long)seed, nacts, ok, ncancelled, (long long)stats.reasked,
           (long long)stats.reconnects);
    world_free(&w);
    mem_free(&acts);
}

static void test_chaos(void)
{
    const char *given = getenv("CREWLINE_SEED");

    if (given != NULL) {
        chaos(strtoull(given, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        chaos(seed);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_chaos)};

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
