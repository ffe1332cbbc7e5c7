/*
 * outbox_record: what came of an attempt, written down with the lease as its fence. It is tried
 * until Redis has it: the ring of finished sends is the slots themselves. When the lease went to
 * somebody else meanwhile, an acceptance is recorded as what it is then: evidence, like a status.
 */
#include "approvals.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

void attempt_free(struct attempt *at)
{
    job_end(&at->job);
    op_cancel(&at->pending);
    timer_free(&at->retry);
    arena_free(&at->a);
    arena_free(&at->scratch);
    lane_item_done(&at->item);
    mem_free(&at);
}

static void record(struct attempt *at);

/* No '|': it is no failure. */
static struct str put_off_detail(struct attempt *at)
{
    return ended_line(at->scratch,
                      at->o.code != 0
                          ? arena_printf(at->scratch, "put off: %.*s (%lld)", STR_ARG(at->o.title),
                                         (long long)at->o.code)
                          : arena_printf(at->scratch, "put off: %.*s", STR_ARG(at->o.title)));
}

/* ---- the writes ---- */

static struct str message_key(struct attempt *at)
{
    return arena_printf(at->scratch, "m:%.*s", STR_ARG(at->m.id));
}

static void write_sent(struct attempt *at, struct commit *c)
{
    struct str detail = at->found             ? STR("found in the provider's list")
                        : at->item->sends > 1 ? STR("possible_duplicate")
                                              : STR_NONE;

    if (at->templated) { /* a status may tell that it was of no use: then which one it was counts */
        commit_hset(c, message_key(at), STR("f"), at->form_key);
    }
    if (at->chosen) {
        commit_message_note(c, at->m.id, wall_now(),
                            arena_printf(at->scratch, "as template %.*s",
                                         STR_ARG(approval_words(at->scratch, at->form_key))));
    }
    commit_sent(c, wall_now(), detail,
                at->o.provider_id.n == 0
                    ? STR_NONE
                    : vault_hash_arena(at->ob->et->t.vault, at->scratch, "pid", at->o.provider_id));
}

/*
 * Too fast for this person: what waits for him in other lanes of this sender waits too. The pair's
 * clock (store/lua/common.lua, pair_wait) is set so that its next turn comes when ours does.
 */
static void write_pair(struct attempt *at, struct commit *c)
{
    const struct sender *s = at->ob->sender;

    if (s->pair_interval_ms > 0 && at->m.user.n > 0) {
        commit_ahead(c, arena_printf(at->scratch, "pr:%s", at->ob->queue), at->m.user,
                     (at->wait_ms + (s->pair_burst - 1) * s->pair_interval_ms) * 1000);
    }
}

static void write_put_off(struct attempt *at, struct commit *c)
{
    if (at->refused) {
        commit_hincr(c, message_key(at), STR("r"), 1);
        if (at->o.tries_max > 0) {
            commit_hincr(c, message_key(at), STR("rl"), 1);
        }
        if (at->refused_since.ms == 0) {
            commit_hset(c, message_key(at), STR("rf"),
                        arena_printf(at->scratch, "%lld", (long long)wall_now().ms));
        }
    }
    if (at->o.cls == OUTCOME_THROTTLED && at->o.scope == SCOPE_PAIR) {
        write_pair(at, c);
    }
    if (at->again) { /* what was out is refused for certain: it counts no more */
        commit_hset(c, message_key(at), STR("ag"),
                    arena_printf(at->scratch, "%lld", (long long)at->item->sends - 1));
    }
    if (at->look_failed) {
        commit_hincr(c, message_key(at), STR("lu"), 1);
    }
    if (at->o.title.n > 0) {
        commit_message_note(c, at->m.id, wall_now(), put_off_detail(at));
    }
    if (at->forget) {
        commit_hdel(c, arena_printf(at->scratch, "tw:%.*s", STR_ARG(at->ob->sender->id)),
                    at->content_key);
    }
    outbox_via_writes(at, c);
    lane_put_off(c, at->item, at->wait_ms);
}

/* A critical message that cannot be said as it is is said again by another way, at once. */
static void write_next_way(struct attempt *at, struct commit *c)
{
    struct failover_step step;

    if (failover_next(at->ob->et->t.conf, &at->m, NULL, &step)) {
        failover_watch(&at->ob->et->t, at->scratch, c, at->m.id, "now", (struct wall){0});
    }
}

/* Nothing went out: he does not count against the people of the day. */
static void write_unmet(struct attempt *at, struct commit *c)
{
    if (at->item->counts) {
        commit_zrem(c,
                    arena_printf(at->scratch, "dp:%.*s", STR_ARG(sender_portfolio(at->ob->sender))),
                    at->m.user);
    }
}

static void write_failed(struct attempt *at, struct commit *c)
{
    commit_message_state(c, at->m.id, "failed", wall_now(), ended_detail(at->scratch, &at->o));
    if (at->o.cls == OUTCOME_OPTED_OUT && at->m.user.n > 0) {
        consent_put(at->ob->et, at->scratch, c, at->m.user, consent_refused(at->o.code, at->m.cls));
    }
    write_next_way(at, c);
    if (at->m.group.n > 0) {
        group_refused_put(&at->ob->et->t, at->scratch, c, &at->m, STR_NONE, at->o.title,
                          at->o.advice);
    }
}

static void record_writes(void *ctx, struct commit *c)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    outbox_tell(at, c);
    if (at->gone || at->then == THEN_DROP) {
        lane_finish(c, at->item);
        return;
    }
    if (!at->uncounted && (at->local || at->then == THEN_LATER || at->then == THEN_AWAIT ||
                           at->then == THEN_NEEDLESS)) {
        commit_unsend(c, at->m.id);
        write_unmet(at, c);
    } else if (at->then == THEN_FAILED) {
        write_unmet(at, c);
    }
    outbox_form_writes(at, c);
    switch (at->then) {
    case THEN_SENT:
        write_sent(at, c);
        return;
    case THEN_LATER:
        write_put_off(at, c);
        return;
    case THEN_HOLD:
        commit_message_state(c, at->m.id, "uncertain", wall_now(),
                             STR("no answer; a status settles it"));
        lane_put_off(c, at->item, at->wait_ms);
        return;
    case THEN_UNCERTAIN:
        ended_uncertain(at->scratch, c, &at->m, &at->o);
        break;
    case THEN_FAILED:
        write_failed(at, c);
        break;
    case THEN_EXPIRED:
        commit_message_state(c, at->m.id, "expired", wall_now(), ended_detail(at->scratch, &at->o));
        break;
    case THEN_AWAIT:
        outbox_hold_writes(at, c);
        write_next_way(at, c);
        return;
    case THEN_NEEDLESS:
        commit_message_state(c, at->m.id, "cancelled", wall_now(), at->o.title);
        break;
    case THEN_CANCELLED:
        commit_message_state(c, at->m.id, "cancelled", wall_now(),
                             STR("its broadcast was cancelled"));
        break;
    case THEN_DROP:
        break;
    }
    lane_finish(c, at->item);
}

/* A record that was deleted (its person went) is not brought back by writing to it. */
static void record_checks(void *ctx, struct commit *c)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    if (at->gone || at->then == THEN_DROP) {
        lane_check_lease(c, at->item);
    } else {
        lane_check_leased(c, at->item);
    }
    if (at->then == THEN_AWAIT && !at->gone) {
        outbox_hold_checks(at, c);
    }
}

/* ---- until Redis has it ---- */

static void on_retry(void *ctx)
{
    record(obj_check(ctx, ATTEMPT_MAGIC));
}

static void record_again(struct attempt *at, const struct err *err)
{
    /*
     * What nobody else can find out is kept until Redis has it: that it was accepted, or that it
     * certainly was not. For the rest the next one finds out by himself.
     */
    if (at->then != THEN_SENT && at->then != THEN_LATER && !lane_item_live(at->item)) {
        attempt_free(at);
        return;
    }
    if (at->tries == 0) {
        log_warn("a finished attempt is not recorded yet", LF_STR("tenant", at->ob->et->t.id),
                 LF_STR("message", at->m.id), LF_Z("reason", err->msg));
    }
    if (at->retry == NULL) {
        at->retry = timer_new(at->ob->et->e->loop, on_retry, at);
    }
    timer_start(at->retry, job_retry_ms(at->tries++));
}

static void on_evidence(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    (void)outcome;
    at->pending = NULL;
    if (err != NULL) {
        record_again(at, err);
        return;
    }
    attempt_free(at);
}

static void record_evidence(struct attempt *at)
{
    struct commit *c = commit_new(at->ob->et->t.id);
    struct str hash = vault_hash_arena(at->ob->et->t.vault, at->scratch, "pid", at->o.provider_id);

    commit_status(c, at->m.id, hash, "sent", wall_now(), STR("by an answer that came late"));
    commit_provider_id(c, hash, at->m.id);
    at->pending = commit_run(at->ob->et->e->store, &c, on_evidence, at);
}

static void on_recorded(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err != NULL) {
        record_again(at, err);
    } else if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        if (at->then == THEN_SENT && at->o.provider_id.n > 0) {
            at->late = true;
            record(at);
        } else {
            attempt_free(at);
        }
    } else if (outcome->result == COMMIT_CONFLICT && str_starts(outcome->value, STR("hg:"))) {
        outbox_hold(at); /* another message of his asked meanwhile */
    } else if (outcome->result == COMMIT_CONFLICT && !at->gone) {
        at->gone = true;
        record(at);
    } else {
        attempt_free(at);
    }
}

static void record(struct attempt *at)
{
    static const char *const told[] = {[THEN_UNCERTAIN] = "uncertain",
                                       [THEN_FAILED] = "failed",
                                       [THEN_EXPIRED] = "expired",
                                       [THEN_DROP] = NULL};
    const struct plan_run run = {record_checks, record_writes, on_recorded, at};

    arena_reset(at->scratch);
    if (at->late) {
        record_evidence(at);
        return;
    }
    plan_init(&at->plan, at->scratch, &at->ob->et->t, wall_now(), at->m.cause);
    if (!at->gone && at->then == THEN_AWAIT) {
        outbox_hold_plan(at);
    }
    if (!at->gone && told[at->then] != NULL) {
        ended_tell(&at->plan, &at->m, told[at->then], &at->o);
    }
    at->pending = engine_run_plan(at->ob->et->e, at->ob->et, &at->plan, &run);
}

void attempt_end(struct attempt *at, enum then then, int64_t wait_ms)
{
    at->then = then;
    at->wait_ms = wait_ms;
    at->item->begun = at->item->begun && then != THEN_LATER;
    metric_add(METRIC_SEND_FAILED, then == THEN_FAILED);
    metric_add(METRIC_SEND_EXPIRED, then == THEN_EXPIRED);
    record(at);
}

void attempt_end_here(struct attempt *at, enum then then, const char *title, const char *advice)
{
    if (then == THEN_FAILED && at->ob != at->own) {
        outbox_stay(at, title); /* its own sender may say it */
        return;
    }
    at->local = true;
    at->o =
        (struct outcome){.cls = OUTCOME_REFUSED, .title = str_of(title), .advice = str_of(advice)};
    attempt_end(at, at->item->sends > 1 ? THEN_UNCERTAIN : then, 0);
}
