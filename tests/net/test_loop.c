#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "harness.h"

/* What happened, in order, as one letter an event. */
struct story {
    struct loop *l;
    char said[64];
    size_t n;
    struct timer *t, *other;
    struct loop_hook *hook, *second;
    struct poller *p;
    int count, fd;
    struct mono began;
};

static void say(struct story *s, char c)
{
    if (s->n + 1 < sizeof(s->said)) {
        s->said[s->n++] = c;
        s->said[s->n] = '\0';
    }
}

static void say_d(void *ctx)
{
    say(ctx, 'd');
}

static void say_e_and_defer(void *ctx)
{
    struct story *s = ctx;

    say(s, 'e');
    loop_defer(s->l, say_d, s);
}

static void test_defer_order(void)
{
    struct story s = {.l = loop_new()};

    loop_defer(s.l, say_e_and_defer, &s);
    loop_defer(s.l, say_d, &s);
    loop_defer(s.l, say_e_and_defer, &s);
    CHECK_Z("not before it returns", str_of(s.said), "");
    loop_run(s.l);
    CHECK_Z("in order, later ones after", str_of(s.said), "ededd");
    loop_run(s.l);
    CHECK_Z("once", str_of(s.said), "ededd");
    loop_free(&s.l);
    CHECK("cleared", s.l == NULL);
}

static void cancel_d(void *ctx)
{
    struct story *s = ctx;

    say(s, 'c');
    loop_defer_cancel(s->l, say_d, s);
}

static void test_defer_cancel(void)
{
    struct story s = {.l = loop_new()};

    loop_defer(s.l, say_d, &s);
    loop_defer_cancel(s.l, say_d, &s);
    loop_defer(s.l, cancel_d, &s);
    loop_defer(s.l, say_d, &s); /* forgotten while the queue runs */
    loop_defer(s.l, say_e_and_defer, &s);
    loop_run(s.l);
    CHECK_Z("forgotten", str_of(s.said), "ced");
    loop_free(&s.l);
}

static void test_free_runs_deferred(void)
{
    struct story s = {.l = loop_new()};

    loop_defer(s.l, say_e_and_defer, &s);
    loop_free(&s.l);
    CHECK_Z("both ran", str_of(s.said), "ed");
}

static void on_timer_stop(void *ctx)
{
    struct story *s = ctx;

    say(s, 't');
    loop_stop(s->l);
}

static void keep_awake(void *ctx)
{
    struct story *s = ctx;

    s->count++;
    loop_defer(s->l, keep_awake, s);
}

static void test_timer(void)
{
    struct story s = {.l = loop_new()};
    struct mono began = mono_now();
    int64_t took;

    s.t = timer_new(s.l, on_timer_stop, &s);
    CHECK("idle at first", !timer_running(s.t));
    timer_start(s.t, 20);
    CHECK("running", timer_running(s.t));
    loop_run(s.l);
    CHECK_Z("does not keep the loop", str_of(s.said), "");
    loop_defer(s.l, keep_awake, &s);
    loop_run(s.l);
    took = mono_now().us - began.us;
    CHECK_Z("fired", str_of(s.said), "t");
    CHECK("not early", took >= 20000);
    CHECK("not late", took < 500000);
    CHECK("once", !timer_running(s.t));
    loop_defer_cancel(s.l, keep_awake, &s);
    timer_free(&s.t);
    CHECK("cleared", s.t == NULL);
    timer_free(&s.t);
    loop_free(&s.l);
}

static void on_timer_again(void *ctx)
{
    struct story *s = ctx;

    say(s, 't');
    if (++s->count < 5) {
        timer_start(s->t, 0);
    }
}

static void on_socket(void *ctx, unsigned ready)
{
    struct story *s = ctx;
    char c;

    if ((ready & POLLER_READ) != 0) {
        CHECK_INT("byte", read(s->fd, &c, 1), 1);
        say(s, 'r');
        poller_want(s->p, 0);
    }
}

/* A timer of 0 ms that starts itself again must not keep a readable socket waiting (libuv 1.44). */
static void test_timer_zero_is_fair(void)
{
    struct story s = {.l = loop_new()};
    int fds[2];

    CHECK_INT("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    s.fd = fds[0];
    s.p = poller_new(s.l, fds[0], on_socket, &s);
    poller_want(s.p, POLLER_READ);
    CHECK_INT("write", write(fds[1], "x", 1), 1);
    s.t = timer_new(s.l, on_timer_again, &s);
    timer_start(s.t, -7);
    loop_run(s.l);
    CHECK_Z("the socket comes after the first", str_of(s.said), "trtttt");
    timer_free(&s.t);
    poller_free(&s.p);
    loop_free(&s.l);
    close(fds[0]);
    close(fds[1]);
}

static void stop_other(void *ctx)
{
    struct story *s = ctx;

    say(s, 's');
    timer_free(&s->other);
    timer_free(&s->t);
}

static void test_timer_freed_by_another(void)
{
    struct story s = {.l = loop_new()};

    s.t = timer_new(s.l, stop_other, &s);
    s.other = timer_new(s.l, say_d, &s);
    timer_start(s.t, 0);
    timer_start(s.other, 0);
    loop_run(s.l);
    CHECK_Z("the other did not fire", str_of(s.said), "s");
    loop_free(&s.l);
}

static void hook_says(void *ctx)
{
    say(ctx, 'h');
}

static void hook_defers_once(void *ctx)
{
    struct story *s = ctx;

    say(s, 'H');
    if (++s->count == 1) {
        loop_defer(s->l, say_d, s);
    } else {
        loop_hook_free(&s->second);
        loop_hook_free(&s->hook);
    }
}

static void test_hooks(void)
{
    struct story s = {.l = loop_new()};

    s.hook = loop_hook_new(s.l, hook_defers_once, &s);
    s.second = loop_hook_new(s.l, hook_says, &s);
    loop_defer(s.l, say_d, &s);
    loop_run(s.l);
    CHECK_Z("after the deferred calls; again after its own; freed at once", str_of(s.said),
            "dHhdH");
    loop_free(&s.l);
}

static void on_hup(void *ctx, unsigned ready)
{
    struct story *s = ctx;

    CHECK("says something", ready != 0);
    say(s, 'u');
    poller_free(&s->p);
}

static void test_poller_hangup(void)
{
    struct story s = {.l = loop_new()};
    int fds[2];

    CHECK_INT("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    s.p = poller_new(s.l, fds[0], on_hup, &s);
    poller_want(s.p, POLLER_READ);
    close(fds[1]);
    loop_run(s.l);
    CHECK_Z("told", str_of(s.said), "u");
    close(fds[0]);
    CHECK("a bad descriptor is refused", poller_new(s.l, fds[0], on_hup, &s) == NULL);
    loop_free(&s.l);
}

static void work(void *ctx)
{
    struct story *s = ctx;

    usleep(2000);
    s->count = 42;
}

static void work_done(void *ctx)
{
    struct story *s = ctx;

    CHECK_INT("worked first", s->count, 42);
    say(s, 'w');
}

static void test_work(void)
{
    struct story s = {.l = loop_new()};

    loop_work(s.l, work, work_done, &s);
    loop_run(s.l);
    CHECK_Z("done", str_of(s.said), "w");
    loop_work(s.l, work, work_done, &s);
    loop_free(&s.l); /* waits for it */
    CHECK_Z("also at the end", str_of(s.said), "ww");
}

static void on_usr1(void *ctx, int signum)
{
    struct story *s = ctx;

    CHECK_INT("which", signum, SIGUSR1);
    say(s, 'u');
    loop_stop(s->l);
}

static void raise_usr1(void *ctx)
{
    struct story *s = ctx;

    raise(SIGUSR1);
    loop_defer(s->l, keep_awake, s);
}

static void test_signal(void)
{
    struct story s = {.l = loop_new()};

    loop_on_signal(s.l, SIGUSR1, on_usr1, &s);
    loop_defer(s.l, raise_usr1, &s);
    loop_run(s.l);
    CHECK_Z("heard", str_of(s.said), "u");
    loop_defer_cancel(s.l, keep_awake, &s);
    loop_free(&s.l);
}

static void spin(void *ctx)
{
    struct story *s = ctx;
    struct mono began = mono_now();

    while (mono_now().us - began.us < 15000) {
    }
    say(s, 's');
}

static void test_stats(void)
{
    struct story s = {.l = loop_new()};
    struct loop_stats stats;

    loop_defer(s.l, spin, &s);
    loop_run(s.l);
    loop_stats(s.l, &stats, true);
    CHECK("the stall was seen", stats.longest_us >= 15000 && stats.longest_us < 500000);
    CHECK("turns", stats.turns >= 1);
    loop_stats(s.l, &stats, false);
    CHECK_INT("reset", stats.longest_us, 0);
    loop_free(&s.l);
}

struct thing {
    struct op op;
    int cancelled;
};

static void thing_cancel(struct op *op)
{
    ((struct thing *)(void *)op)->cancelled++;
}

static void test_op(void)
{
    struct thing thing = {.op = {thing_cancel}};
    struct op *slot = &thing.op;

    op_cancel(&slot);
    op_cancel(&slot);
    CHECK_INT("once", thing.cancelled, 1);
    CHECK("slot cleared", slot == NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_defer_order),
        TEST(test_defer_cancel),
        TEST(test_free_runs_deferred),
        TEST(test_timer),
        TEST(test_timer_zero_is_fair),
        TEST(test_timer_freed_by_another),
        TEST(test_hooks),
        TEST(test_poller_hangup),
        TEST(test_work),
        TEST(test_signal),
        TEST(test_stats),
        TEST(test_op),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
