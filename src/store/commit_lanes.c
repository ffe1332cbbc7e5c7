/* commit_lanes: writes of a unit that concern lanes, messages and events. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "commit_int.h"

/* ---- lanes ---- */

static const char *const whom[] = {
    [GRANT_NONE] = "", [GRANT_ANSWER] = "a", [GRANT_BULK] = "b", [GRANT_OUTSIDE] = "o"};

/* The reserve is for those above: for the others the burst is that much smaller. */
static int64_t burst_of(struct str lane, const struct rate *rate)
{
    return lane.p[0] - '0' <= PRIO_REPLY ? rate->burst : rate->burst - rate->reserve;
}

void commit_enqueue(struct commit *c, struct str queue, struct str lane, struct str id,
                    struct wall not_before, enum commit_grant grant, const struct rate *rate)
{
    static const struct rate none = {0};

    rate = rate == NULL ? &none : rate;
    commit_op(c, grant != GRANT_NONE ? STR("grant") : STR("enqueue"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
    commit_arg_int(c, not_before.ms);
    if (grant != GRANT_NONE) {
        commit_arg(c, str_of(whom[grant]));
        commit_arg_int(c, rate->interval_us);
        commit_arg_int(c, burst_of(lane, rate));
        commit_arg_int(c, rate->pair_interval_ms);
        commit_arg_int(c, rate->pair_burst);
        c->grants = true;
    }
}

static bool lane_says(const struct commit_message *m)
{
    return str_eq(m->user, str_slice(m->lane, 1, m->lane.n));
}

/* One of many that tell the same: of those that are granted several stand in one key (mf: in
 * store/keys.h). */
static bool folds(const struct commit_message *m)
{
    return m->broadcast.n > 0 && m->grant != GRANT_NONE && m->order.n == 0 && lane_says(m) &&
           m->id.n > FOLDED_CELL_BYTES && str_find_char(m->line, '|', 0) == SIZE_MAX;
}

/* What the messages of one operation share. */
static void message_shared(struct commit *c, const struct commit_message *m)
{
    const struct rate *rate = m->rate;
    char text[96];
    int n = 0;

    commit_arg(c, m->order);
    commit_arg(c, m->broadcast);
    commit_arg(c, m->first ? STR("1") : STR_NONE);
    commit_arg(c, m->matter);
    commit_arg(c, m->line);
    assert(m->queue.n > 0);
    commit_arg(c, m->queue);
    commit_arg_int(c, m->not_before.ms);
    commit_arg(c, str_of(whom[m->grant]));
    if (m->grant != GRANT_NONE && (rate->interval_us > 0 || rate->pair_interval_ms > 0)) {
        n = snprintf(text, sizeof(text), "%lld %lld %lld %lld", (long long)rate->interval_us,
                     (long long)burst_of(m->lane, rate), (long long)rate->pair_interval_ms,
                     (long long)rate->pair_burst);
    }
    commit_arg(c, str_make(text, (size_t)n));
    if (folds(m)) {
        commit_arg_int(c, (int64_t)(m->queue.n + m->broadcast.n + m->matter.n + m->line.n + 4));
    } else {
        commit_arg(c, STR_NONE);
    }
}

/* One operation with the message before it, where that shares all this with it. */
static void message_begin(struct commit *c, const struct commit_message *m)
{
    size_t last = c->shared_at, last_n = c->shared_n, from = c->args.resp.n, at;
    uint32_t argc = c->args.argc;
    const struct buf *b = &c->args.resp;

    commit_op(c, STR("messages"));
    at = b->n;
    message_shared(c, m);
    if (buf_ok(b) && last_n == b->n - at && commit_count_room(c) &&
        memcmp(b->p + last, b->p + at, last_n) == 0) {
        c->args.resp.n = from;
        c->args.argc = argc;
        c->shared_at = last;
        c->shared_n = last_n;
    } else {
        c->shared_at = at;
        c->shared_n = b->n - at;
        commit_count(c);
    }
}

void commit_message(struct commit *c, const struct commit_message *m)
{
    assert(commit_name_ok(m->lane) && m->lane.p[0] >= '0' && m->lane.p[0] < '0' + PRIO_COUNT);
    message_begin(c, m);
    commit_arg_id(c, m->id);
    commit_arg(c, m->lane);
    commit_arg(c, lane_says(m) ? STR_NONE : m->user);
    if (folds(m)) { /* as common.lua takes it apart */
        struct str feed = STR("\n");

        call_joined(&c->args,
                    (struct str[]){m->queue, feed, m->broadcast, feed, m->matter, feed, m->line,
                                   feed, m->lane, feed, m->body},
                    11);
    } else {
        commit_arg(c, m->body);
    }
    commit_counted(c);
    c->grants = c->grants || m->grant != GRANT_NONE;
}

void commit_item(struct commit *c, struct str lane, struct str id, struct str body,
                 enum commit_grant grant)
{
    assert(commit_name_ok(lane) && lane.p[0] >= '0' && lane.p[0] < '0' + PRIO_COUNT);
    commit_op(c, STR("item"));
    commit_arg_id(c, id);
    commit_arg(c, lane);
    commit_arg(c, body);
    commit_arg(c, str_of(whom[grant]));
    c->grants = c->grants || grant != GRANT_NONE;
}

void commit_finish(struct commit *c, struct str queue, struct str lane, struct str id)
{
    assert(c->leased);
    commit_op(c, STR("finish"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
}

void commit_done(struct commit *c)
{
    assert(c->leased);
    commit_op(c, STR("done"));
}

void commit_sent(struct commit *c, struct wall at, struct str detail, struct str provider_hash)
{
    char text[COMMIT_NUMBER_BYTES];

    assert(c->leased);
    commit_op(c, STR("sent"));
    c->sent.line = c->args.resp.n;
    call_joined(&c->args, (struct str[]){commit_number(text, at.ms), STR(","), detail}, 3);
    commit_arg(c, provider_hash);
}

void commit_put_off(struct commit *c, struct str queue, struct str lane, int64_t wait_ms)
{
    assert(c->leased);
    commit_op(c, STR("put_off"));
    commit_arg_lane(c, queue, lane);
    commit_arg_int(c, wait_ms);
}

void commit_extend(struct commit *c, struct str queue, struct str lane, int64_t lease_ms)
{
    assert(c->leased);
    commit_op(c, STR("extend"));
    commit_arg_lane(c, queue, lane);
    commit_arg_int(c, lease_ms);
}

void commit_withdraw(struct commit *c, struct str queue, struct str lane, struct str id)
{
    commit_op(c, STR("withdraw"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
}

/* ---- what waits for a person's next word ---- */

void commit_hold(struct commit *c, struct str queue, struct str lane, struct str id,
                 struct wall over, struct wall window, struct str detail)
{
    assert(c->leased);
    commit_op(c, STR("hold"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
    commit_arg_int(c, over.ms);
    commit_arg_int(c, window.ms);
    commit_arg(c, detail);
}

void commit_heard(struct commit *c, struct str sender, struct str person, struct str why)
{
    commit_op3(c, STR("heard"), sender, person, why);
}

void commit_unheard(struct commit *c, struct str sender, struct str person)
{
    commit_op2(c, STR("unheard"), sender, person);
}

void commit_unhold(struct commit *c, struct str queue, struct str lane, struct str id)
{
    commit_op(c, STR("unhold"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
}

void commit_window_shut(struct commit *c, struct str sender, struct str person, struct wall window)
{
    commit_op2_int(c, STR("window_shut"), sender, person, window.ms);
}

/* ---- messages and events ---- */

void commit_event(struct commit *c, struct str lane, struct str body, bool callback)
{
    commit_op(c, STR("event"));
    assert(commit_name_ok(lane) && lane.p[0] >= '0' && lane.p[0] < '0' + PRIO_COUNT);
    commit_arg(c, lane);
    commit_arg(c, body);
    commit_arg(c, callback ? STR("1") : STR("0"));
}

/* As the script ranks them; what a provider says is one of the last four of the first row. */
static bool state_ok(const char *state, bool from_provider)
{
    static const char *const states[] = {"sent",    "delivered", "read",    "failed",   "queued",
                                         "sending", "uncertain", "expired", "cancelled"};
    size_t n = from_provider ? 4 : ARRAY_LEN(states);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(states[i], state) == 0) {
            return true;
        }
    }
    return false;
}

void commit_message_note(struct commit *c, struct str id, struct wall at, struct str detail)
{
    assert(str_find_char(detail, '\n', 0) == SIZE_MAX);
    commit_op(c, STR("note"));
    commit_arg_id(c, id);
    commit_arg_int(c, at.ms);
    commit_arg(c, detail);
}

void commit_again(struct commit *c, struct str id, struct wall at, struct str detail)
{
    assert(str_find_char(detail, '\n', 0) == SIZE_MAX);
    commit_op(c, STR("again"));
    commit_arg_id(c, id);
    commit_arg_int(c, at.ms);
    commit_arg(c, detail);
}

void commit_unsend(struct commit *c, struct str id)
{
    assert(c->leased);
    commit_op(c, STR("unsend"));
    commit_arg_id(c, id);
}

void commit_message_state(struct commit *c, struct str id, const char *state, struct wall at,
                          struct str detail)
{
    assert(state_ok(state, false));
    commit_op(c, STR("message_state"));
    commit_arg(c, id);
    commit_arg(c, str_of(state));
    commit_arg_int(c, at.ms);
    commit_arg(c, detail);
}

void commit_status(struct commit *c, struct str id, struct str provider_hash, const char *state,
                   struct wall at, struct str detail)
{
    assert(state_ok(state, true) && (id.n > 0 || provider_hash.n > 0));
    commit_op(c, STR("status"));
    commit_arg(c, id);
    commit_arg(c, provider_hash);
    commit_arg(c, str_of(state));
    commit_arg_int(c, at.ms);
    commit_arg(c, detail);
}

void commit_status_sent(struct commit *c, struct str id, int64_t attempt, struct wall at,
                        struct str detail)
{
    commit_op(c, STR("status_sent"));
    commit_arg_id(c, id);
    commit_arg_int(c, attempt);
    commit_arg_int(c, at.ms);
    commit_arg(c, detail);
}

void commit_provider_id(struct commit *c, struct str provider_hash, struct str id)
{
    assert(provider_hash.n > 0);
    commit_op(c, STR("provider_id"));
    commit_arg(c, provider_hash);
    commit_arg_id(c, id);
}
