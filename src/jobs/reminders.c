/*
 * reminders: orders whose next reminder has come (od, domain/reminder.h) each get an inbound item
 * in the lane of their events, which tells and sets the next time in one commit (inbox_reminder.c).
 * Until it does, the order is put a minute ahead in od, so that other gateways do not put it in
 * again: a second item would find nothing to do, but it would be work.
 */
#include "base/mem.h"
#include "chore.h"

#define LOOK_MS  2000
#define PIECE    64
#define CLAIM_MS 60000

struct putting {
    struct reminders *r;
    struct op *pending;
    struct str lane, id, text;
};

struct reminders {
    struct chore_run *run;
    struct engine_tenant *et;
    struct op *looking;
    struct arena *a;
    struct putting puts[PIECE];
    size_t n, out;
    bool failed;
};

static void reminders_cancel(struct chore_run *run)
{
    struct reminders *r = chore_state(run);

    op_cancel(&r->looking);
    for (size_t i = 0; i < r->n; i++) {
        op_cancel(&r->puts[i].pending);
    }
    arena_free(&r->a);
    mem_free(&r);
}

static void look_done(struct reminders *r)
{
    struct chore_run *run = r->run;
    bool again = r->n == PIECE && !r->failed;

    chore_state_set(run, NULL);
    arena_free(&r->a);
    mem_free(&r);
    chore_done(run, again);
}

static void on_put(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct putting *x = ctx;
    struct reminders *r = x->r;

    x->pending = NULL;
    if (err != NULL) {
        r->failed = true; /* it stays in od */
    } else if (outcome->result == COMMIT_OK) {
        inbox_handed(r->et, x->lane, x->id, commit_result_int(outcome, 0), x->text);
    }
    if (--r->out == 0) {
        look_done(r);
    }
}

static void put(struct reminders *r, struct putting *x, struct str order, struct str score)
{
    struct engine_tenant *et = r->et;
    /* Not by its score alone: where clocks differ it comes to stand at the same time again. */
    struct str unit = arena_printf(r->a, "od|%.*s|%.*s|%lld", STR_ARG(order), STR_ARG(score),
                                   (long long)(wall_now().ms / LOOK_MS));
    struct commit *c = commit_new(et->t.id);
    char id[ID_BYTES];

    x->r = r;
    x->lane = inbox_order_lane(et, r->a, order);
    id_new(id);
    x->id = arena_dup(r->a, str_of(id));
    x->text = arena_printf(r->a, "%c%.*s", ITEM_REMINDER, STR_ARG(order));
    commit_once(c, unit);
    commit_zadd(c, STR("od"), (double)(wall_now().ms + CLAIM_MS), order);
    inbox_put(et, r->a, c, x->lane, x->id, x->text, true);
    r->out++;
    x->pending = commit_run(et->e->store, &c, on_put, x);
}

static void on_looked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct reminders *r = ctx;
    size_t n = err == NULL ? reply_len(reply) / 2 : 0;

    r->looking = NULL;
    if (n == 0) {
        look_done(r);
        return;
    }
    for (; r->n < n && r->n < PIECE; r->n++) {
        put(r, &r->puts[r->n], arena_dup(r->a, reply_str(reply_at(reply, 2 * r->n))),
            arena_dup(r->a, reply_str(reply_at(reply, 2 * r->n + 1))));
    }
}

static void reminders_run(struct chore_run *run)
{
    struct reminders *r = MEM_NEW(struct reminders);
    struct call call;

    *r = (struct reminders){.run = run, .et = chore_tenant(run), .a = arena_new()};
    chore_state_set(run, r);
    call_init(&call);
    call_str(&call, STR("ZRANGEBYSCORE"));
    call_str(&call, arena_printf(r->a, "{%.*s}:od", STR_ARG(r->et->t.id)));
    call_str(&call, STR("-inf"));
    call_int(&call, wall_now().ms);
    call_str(&call, STR("WITHSCORES"));
    call_str(&call, STR("LIMIT"));
    call_int(&call, 0);
    call_int(&call, PIECE);
    r->looking = store_run(r->et->e->store, &call, on_looked, r);
}

const struct chore chore_reminders = {"reminders", LOOK_MS, true, reminders_run, reminders_cancel};
