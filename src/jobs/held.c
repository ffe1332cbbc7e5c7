/*
 * held: the end of messages that waited for a word of their person (outbox_hold.c) and did not get
 * it: their own end has come, or seven days are over, or the question could not be put to him. hx
 * names them by the end of their wait; each is ended in a commit of its own, with its reason. One
 * that was handed over before, without an answer, is as uncertain as it was.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"

#define LOOK_MS 5000
#define PIECE   50

struct held {
    struct chore_run *run;
    struct engine_tenant *et;
    struct op *pending;
    struct arena *a;    /* of the piece */
    struct arena *work; /* of the message */
    struct str names[PIECE]; /* "<queue>\n<lane>\n<id>" */
    bool asked_in_vain[PIECE];
    size_t n, at;
    struct str queue, lane;
    struct message m;
    struct outcome why;
    const char *state;
    bool unknown; /* whether it arrived */
    struct plan plan;
};

static void next(struct held *h);

static void held_free(struct held *h)
{
    op_cancel(&h->pending);
    arena_free(&h->a);
    arena_free(&h->work);
    mem_free(&h);
}

static void held_end(struct held *h, bool again)
{
    struct chore_run *run = h->run;

    chore_state_set(run, NULL);
    held_free(h);
    chore_done(run, again);
}

/* ---- one message ---- */

static void checks(void *ctx, struct commit *c)
{
    struct held *h = ctx;

    commit_check_held(c, h->queue, h->lane, h->m.id);
}

static void writes(void *ctx, struct commit *c)
{
    struct held *h = ctx;

    commit_unhold(c, h->queue, h->lane, h->m.id);
    if (h->state != NULL && h->unknown) {
        ended_uncertain(h->work, c, &h->m, &h->why);
    } else if (h->state != NULL) {
        commit_message_state(c, h->m.id, h->state, wall_now(), ended_detail(h->work, &h->why));
    }
}

static void on_ended(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct held *h = ctx;

    (void)outcome; /* a conflict: he wrote just now */
    h->pending = NULL;
    if (err != NULL) {
        held_end(h, false);
        return;
    }
    h->at++;
    next(h);
}

static void judge(struct held *h)
{
    bool expired = h->m.expires.ms > 0 && h->m.expires.ms <= wall_now().ms;

    h->state = h->unknown ? "uncertain" : expired ? "expired" : "failed";
    h->why = (struct outcome){
        .title = expired ? STR("it expired while it waited for the person to write")
                 : h->asked_in_vain[h->at]
                     ? STR("outside the 24-hour window, and the message that asks the person to "
                           "write could not be delivered")
                     : STR("outside the 24-hour window: the person was asked to write, and did not "
                           "for 7 days"),
        .advice = expired ? STR("") : STR("reach the person in another way"),
    };
}

static void on_record(void *ctx, const struct err *err, const struct reply *reply)
{
    const struct plan_run run = {checks, writes, on_ended, ctx};
    struct held *h = ctx;
    struct str key = arena_printf(h->work, "m:%.*s", STR_ARG(h->m.id)), id = h->m.id;
    struct str body = reply_str(reply_at(reply, 0)), text;
    struct err bad = {0};

    h->pending = NULL;
    if (err != NULL) {
        held_end(h, false);
        return;
    }
    h->state = NULL; /* no record: its name goes, and that is all */
    plan_init(&h->plan, h->work, &h->et->t, wall_now(), STR_NONE);
    if (body.n > 0) {
        if (!vault_open_arena(h->et->t.vault, h->work, key, "b", body, &text, &bad) ||
            !message_decode(h->work, text, &h->m, &bad)) {
            log_error("a message that waited is ended: its record does not open",
                      LF_STR("message", id), LF_Z("reason", bad.msg));
            metric_add(METRIC_DAMAGED, 1);
            h->m = (struct message){0};
        }
        h->m.id = id;
        h->unknown = str_eqz(reply_str(reply_at(reply, 1)), "uncertain");
        judge(h);
        metric_add(METRIC_SEND_FAILED, !h->unknown);
        ended_tell(&h->plan, &h->m, h->state, &h->why);
    }
    h->pending = engine_run_plan(h->et->e, h->et, &h->plan, &run);
}

static void next(struct held *h)
{
    struct call call;
    struct str rest;

    if (h->at == h->n) {
        held_end(h, h->n == PIECE);
        return;
    }
    arena_reset(h->work);
    h->m = (struct message){0};
    str_cut(h->names[h->at], '\n', &h->queue, &rest);
    str_cut(rest, '\n', &h->lane, &h->m.id);
    call_init_script(&call, "record", arena_printf(h->work, "{%.*s}:", STR_ARG(h->et->t.id)));
    call_str(&call, h->m.id);
    call_str(&call, STR("b"));
    call_str(&call, STR("s"));
    h->pending = store_run(h->et->e->store, &call, on_record, h);
}

/* ---- those whose wait is over ---- */

static void on_over(void *ctx, const struct err *err, const struct reply *reply)
{
    struct held *h = ctx;

    h->pending = NULL;
    for (size_t i = 0; err == NULL && i + 1 < reply_len(reply) && h->n < PIECE; i += 2) {
        h->names[h->n] = arena_dup(h->a, reply_str(reply_at(reply, i)));
        h->asked_in_vain[h->n] = reply_int(reply_at(reply, i + 1)) == 0;
        h->n++;
    }
    next(h);
}

static void held_run(struct chore_run *run)
{
    struct held *h = MEM_NEW(struct held);
    struct call call;

    *h = (struct held){
        .run = run, .et = chore_tenant(run), .a = arena_new(), .work = arena_new()};
    chore_state_set(run, h);
    call_init(&call);
    call_str(&call, STR("ZRANGEBYSCORE"));
    call_str(&call, arena_printf(h->a, "{%.*s}:hx", STR_ARG(h->et->t.id)));
    call_str(&call, STR("-inf"));
    call_int(&call, wall_now().ms);
    call_str(&call, STR("WITHSCORES"));
    call_str(&call, STR("LIMIT"));
    call_int(&call, 0);
    call_int(&call, PIECE);
    h->pending = store_run(h->et->e->store, &call, on_over, h);
}

static void held_cancel(struct chore_run *run)
{
    struct held *h = chore_state(run);

    if (h != NULL) {
        held_free(h);
    }
}

const struct chore chore_held = {"held", LOOK_MS, false, held_run, held_cancel};
