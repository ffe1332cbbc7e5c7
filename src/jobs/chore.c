#include "chore.h"

#include "base/crypto.h"
#include "base/mem.h"

#include <stdio.h>

#define PIECE_MS 20 /* between two pieces of one run: others are let in */

/* Every chore there is, and the one place to add one. */
static const struct chore *const chores[] = {
    &chore_held,
    &chore_media,
    &chore_pull,
    &chore_reminders,
    &chore_retention,
    &chore_senders,
    &chore_templates,
    NULL,
};

enum phase { RESTING, ASKING, RUNNING };

struct chore_run {
    const struct chore *chore;
    struct engine_tenant *et;
    struct timer *timer;
    struct op *asking;
    void *state;
    enum phase phase;
    bool between; /* two pieces: the next comes by the timer, without asking */
};

struct chores {
    size_t n;
    struct chore_run runs[];
};

struct engine_tenant *chore_tenant(const struct chore_run *run)
{
    return run->et;
}

void chore_state_set(struct chore_run *run, void *state)
{
    run->state = state;
}

void *chore_state(const struct chore_run *run)
{
    return run->state;
}

static void begin(struct chore_run *run)
{
    run->phase = RUNNING;
    run->chore->run(run);
}

/*
 * The next time a little later than the interval: the key of this one must have ended by then, or
 * nobody would go. With some chance, so that gateways do not all ask in the same moment.
 */
static void rest(struct chore_run *run)
{
    run->phase = RESTING;
    timer_start(run->timer, run->chore->every_ms + 1 + (int64_t)random_below(250));
}

void chore_done(struct chore_run *run, bool again)
{
    run->between = again;
    if (again) {
        run->phase = RESTING;
        timer_start(run->timer, PIECE_MS);
    } else {
        rest(run);
    }
}

static void on_asked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct chore_run *run = ctx;

    run->asking = NULL;
    if (err == NULL && reply_kind(reply) != REPLY_NIL) {
        begin(run);
    } else {
        rest(run); /* another gateway has it, or Redis is away: the next interval comes */
    }
}

static void ask(struct chore_run *run)
{
    struct call call;
    char key[TENANT_ID_MAX + 64];

    snprintf(key, sizeof(key), "{%.*s}:ch:%s", STR_ARG(run->et->t.id), run->chore->name);
    call_init(&call);
    call_str(&call, STR("SET"));
    call_str(&call, str_of(key));
    call_str(&call, str_of(run->et->e->owner));
    call_str(&call, STR("NX"));
    call_str(&call, STR("PX"));
    call_int(&call, run->chore->every_ms);
    run->phase = ASKING;
    run->asking = store_run(run->et->e->store, &call, on_asked, run);
}

static void on_time(void *ctx)
{
    struct chore_run *run = ctx;

    if (run->between) {
        run->between = false;
        begin(run);
    } else {
        ask(run);
    }
}

void chores_start(struct engine_tenant *et)
{
    size_t n = ARRAY_LEN(chores) - 1;

    if (n == 0) {
        return;
    }
    et->chores = mem_new(sizeof(*et->chores) + n * sizeof(et->chores->runs[0]));
    et->chores->n = n;
    for (size_t i = 0; i < n; i++) {
        struct chore_run *run = &et->chores->runs[i];

        *run = (struct chore_run){.chore = chores[i], .et = et};
        run->timer = timer_new(et->e->loop, on_time, run);
        run->between = run->chore->at_start;
        timer_start(run->timer, PIECE_MS + (int64_t)random_below(PIECE_MS));
    }
}

void chores_stop(struct engine_tenant *et)
{
    for (size_t i = 0; et->chores != NULL && i < et->chores->n; i++) {
        struct chore_run *run = &et->chores->runs[i];

        op_cancel(&run->asking);
        timer_free(&run->timer);
        if (run->phase == RUNNING || run->state != NULL) {
            run->chore->cancel(run);
        }
    }
    mem_free(&et->chores);
}
