#include "sched.h"

#include "base/clock.h"
#include "base/mem.h"

/* Runs per timer call before the loop gets a turn: sockets must not starve behind statuses. */
#define RUNS_PER_TURN 500

struct job {
    int64_t due_us;
    uint64_t order; /* same moment: in the order they were given */
    sched_fn *fn;
    void *ctx;
    int64_t arg;
};

struct sched {
    struct timer *timer;
    struct job *v;
    size_t n, cap;
    uint64_t order;
};

static bool before(const struct job *a, const struct job *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void sift_up(struct sched *s, size_t i)
{
    while (i > 0 && before(&s->v[i], &s->v[(i - 1) / 2])) {
        struct job t = s->v[i];

        s->v[i] = s->v[(i - 1) / 2];
        s->v[(i - 1) / 2] = t;
        i = (i - 1) / 2;
    }
}

static void sift_down(struct sched *s, size_t i)
{
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->n; child++) {
            if (before(&s->v[child], &s->v[least])) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        struct job t = s->v[i];

        s->v[i] = s->v[least];
        s->v[least] = t;
        i = least;
    }
}

static void arm(struct sched *s)
{
    if (s->n > 0) {
        /* Rounded up: a timer that fires a little early would only turn the loop once more. */
        timer_start(s->timer, (s->v[0].due_us - mono_now().us + 999) / 1000);
    } else {
        timer_stop(s->timer);
    }
}

static void on_timer(void *ctx)
{
    struct sched *s = ctx;
    int64_t now = mono_now().us;

    for (int runs = 0; runs < RUNS_PER_TURN && s->n > 0 && s->v[0].due_us <= now; runs++) {
        struct job j = s->v[0];

        s->v[0] = s->v[--s->n];
        sift_down(s, 0);
        j.fn(j.ctx, j.arg);
    }
    arm(s);
}

struct sched *sched_new(struct loop *l)
{
    struct sched *s = MEM_NEW(struct sched);

    s->timer = timer_new(l, on_timer, s);
    return s;
}

void sched_free(struct sched **owner)
{
    if (*owner == NULL) {
        return;
    }
    timer_free(&(*owner)->timer);
    mem_free(&(*owner)->v);
    mem_free(owner);
}

void sched_in(struct sched *s, int64_t ms, sched_fn *fn, void *ctx, int64_t arg)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 64 : s->cap * 2;
        s->v = mem_resize(s->v, s->cap * sizeof(*s->v));
    }
    s->v[s->n] = (struct job){mono_now().us + (ms > 0 ? ms : 0) * 1000, s->order++, fn, ctx, arg};
    s->n++;
    sift_up(s, s->n - 1);
    if (s->v[0].order == s->order - 1) {
        arm(s); /* the new one is the next one */
    }
}

void sched_forget(struct sched *s, const void *ctx)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].ctx != ctx) {
            s->v[kept++] = s->v[i];
        }
    }
    s->n = kept;
    for (size_t i = kept; i-- > 0;) {
        sift_down(s, i);
    }
}

size_t sched_len(const struct sched *s)
{
    return s->n;
}
