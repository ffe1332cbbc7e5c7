#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum sim_outcome { SENT, UNKNOWN, NOT_SENT, REFUSED };

int64_t sim_ms(struct sim *s, uint64_t below)
{
    return (int64_t)sim_random(s, below * 1000);
}

void sim_owner(struct sim *s, int worker, char out[32])
{
    snprintf(out, 32, "g%d-%u", worker, s->workers[worker].epoch);
}

int sim_any_worker(struct sim *s)
{
    int from = (int)sim_random(s, (uint64_t)s->nworkers);

    for (int i = 0; i < s->nworkers; i++) {
        int w = (from + i) % s->nworkers;

        if (s->workers[w].alive && s->workers[w].stalled_until_us <= s->now_us) {
            return w;
        }
    }
    return -1;
}

/* ---- life ---- */

static void plan_claim(struct sim *s, int worker, enum sim_queue q, int64_t delay_us)
{
    struct sim_line *line = &s->workers[worker].lines[q];

    sim_plan(s, delay_us, EV_CLAIM, worker, (int)q, (int)++line->turn);
}

void sim_start(struct sim *s, int worker)
{
    struct sim_worker *w = &s->workers[worker];

    w->alive = true;
    w->stalled_until_us = 0;
    for (int q = 0; q < SIM_QUEUES; q++) {
        w->lines[q] = (struct sim_line){.serial = sim_random(s, 1u << 30)};
        plan_claim(s, worker, (enum sim_queue)q, sim_ms(s, 5));
    }
    sim_note(s, "start", worker, 0);
}

/* Wakes reach everybody, somebody or nobody: what is lost is found by the look twice a minute. */
void sim_wake(struct sim *s, enum sim_queue q)
{
    uint64_t how = sim_random(s, 10);
    int one = sim_any_worker(s);

    for (int w = 0; w < s->nworkers; w++) {
        struct sim_line *line = &s->workers[w].lines[q];

        if (s->workers[w].alive && !line->claiming && (how == 0 || (how < 8 && w == one))) {
            plan_claim(s, w, q, sim_ms(s, 3));
        }
    }
}

/* A slot is free again. */
void sim_lease_over(struct sim *s, int lease)
{
    struct sim_lease *l = &s->leases[lease];
    struct sim_line *line = &s->workers[l->worker].lines[s->items[l->item].queue];

    line->out--;
    if (line->hungry && !line->claiming) {
        line->hungry = false;
        plan_claim(s, l->worker, s->items[l->item].queue, 0);
    }
}

/* ---- claims ---- */

static void row(struct sim *s, int worker, enum sim_queue q, const redisReply *r, bool hidden)
{
    struct sim_line *line = &s->workers[worker].lines[q];
    struct sim_lease *l = &s->leases[s->nleases];
    int item = sim_item_find(s, q, r->element[1]->str);
    const redisReply *state = r->element[5], *sends = r->element[6];
    bool decided, behind, reaped = r->element[3]->integer == 1;
    struct sim_row told = {0};

    if (q == SIM_OUT) {
        told.other = r->element[8]->len > 0;
        told.counts = r->element[10]->integer != 0;
        told.window_ms = r->element[7]->str == NULL ? 0 : strtoll(r->element[7]->str, NULL, 10);
    }
    if (strcmp(s->items[item].lane, r->element[0]->str) != 0) {
        sim_broken(s, "%s came in lane %s", s->items[item].id, r->element[0]->str);
    }
    behind = q == SIM_OUT && state->str != NULL && strcmp(state->str, "behind") == 0;
    decided = q == SIM_OUT && !behind &&
              (state->str == NULL ||
               (strcmp(state->str, "sending") != 0 && strcmp(state->str, "uncertain") != 0));
    sim_check_lease(s, item, r->element[2]->integer, reaped, decided,
                    q == SIM_OUT ? (int)sends->integer : -1, &told);
    if (hidden) {
        s->items[item].hidden_by = worker + 1;
        s->items[item].hidden_epoch = s->workers[worker].epoch;
        s->items[item].hidden_serial = line->serial;
        return;
    }
    s->items[item].hidden_by = 0;
    assert(s->nleases < SIM_LEASES_MAX);
    *l = (struct sim_lease){.item = item, .worker = worker, .epoch = s->workers[worker].epoch};
    l->token = r->element[2]->integer;
    l->reaped = reaped;
    l->other = told.other;
    l->counts = told.counts;
    l->window_ms = told.window_ms;
    l->sends = q == SIM_OUT ? (int)sends->integer : 0;
    l->decided = decided;
    l->behind = behind;
    l->claimed_us = s->now_us;
    l->until_us = line->asked_us + s->lease_ms * 900;
    l->jumps = line->jumps;
    line->out++;
    sim_plan(s, sim_ms(s, 20), EV_ITEM, worker, s->nleases++, 0);
}

/* Given up: what it grants is to be claimed. */
void sim_lost(struct sim *s, int worker, uint64_t serial)
{
    for (int q = 0; q < SIM_QUEUES; q++) {
        struct sim_line *line = &s->workers[worker].lines[q];

        line->lost[line->nlost++ % SIM_LOST_MAX] = serial;
        if (!line->claiming) {
            plan_claim(s, worker, (enum sim_queue)q, 0);
        }
    }
}

static void put_lost(struct call *args, const struct sim_line *line)
{
    char text[SIM_LOST_MAX * 48] = "0";
    size_t n = 0;

    for (size_t i = 0; i < line->nlost && i < SIM_LOST_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%llu-%llu ",
                              (unsigned long long)line->lost[i], (unsigned long long)line->lost[i]);
    }
    call_str(args, str_of(text));
}

static redisReply *ask_claim(struct sim *s, int worker, enum sim_queue q, int want)
{
    struct call args = {.script = -1};
    const struct rate none = {0}, *rate = q == SIM_OUT ? &s->rate : &none;
    char owner[32];
    redisReply *r;

    sim_owner(s, worker, owner);
    buf_init(&args.resp, COMMIT_BYTES_MAX);
    call_str(&args, str_of(owner));
    call_int(&args, (int64_t)s->workers[worker].lines[q].serial);
    call_str(&args, sim_queue_name(q));
    call_int(&args, want);
    call_int(&args, s->lease_ms);
    call_str(&args, q == SIM_OUT ? STR("m") : q == SIM_IN ? STR("i") : STR("e"));
    call_int(&args, rate->interval_us);
    call_int(&args, rate->burst);
    call_int(&args, rate->pair_interval_ms);
    call_int(&args, rate->pair_burst);
    call_int(&args, rate->reserve);
    put_lost(&args, &s->workers[worker].lines[q]);
    if (q == SIM_OUT) {
        static const int64_t other[] = {0, 1, 0, 1, 0};

        call_int(&args, s->people.after_ms);
        call_str(&args, STR("t"));
        for (size_t i = 0; i < ARRAY_LEN(other); i++) {
            call_int(&args, other[i]);
        }
    }
    r = sim_ask(s, SIM_CLAIM, buf_str(&args.resp), args.argc);
    buf_fini(&args.resp);
    return r;
}

static void rows(struct sim *s, int worker, enum sim_queue q, const redisReply *r, bool hidden)
{
    for (size_t i = 1; i < r->elements && s->broken[0] == '\0'; i++) {
        row(s, worker, q, r->element[i], hidden);
    }
    /* What a lost reply of this claim leased is told when it is asked again, if it is still so. */
    for (int i = 0; i < s->nitems && !hidden; i++) {
        const struct sim_item *it = &s->items[i];

        if (it->hidden_by == worker + 1 && it->hidden_epoch == s->workers[worker].epoch &&
            it->queue == q && it->hidden_serial == s->workers[worker].lines[q].serial) {
            sim_broken(s, "%s: leased by a lost reply and not told again", it->id);
        }
    }
}

void sim_claim(struct sim *s, int worker, enum sim_queue q, uint32_t turn)
{
    struct sim_line *line = &s->workers[worker].lines[q];
    bool lost_there = sim_chance(s, s->lost_percent / 2),
         lost_back = sim_chance(s, s->lost_percent / 2);
    int want = s->nslots - line->out;
    redisReply *r;
    int64_t wait;

    if (turn != line->turn) {
        return; /* planned anew since */
    }
    if (want <= 0 && !line->claiming) {
        line->hungry = true;
        return;
    }
    want = want < 1 ? 1 : want; /* grants took the slots; what was asked is asked again */
    if (!line->claiming) {
        line->claiming = true;
        line->asked_us = s->now_us;
        line->jumps = s->jumps;
    }
    if (lost_there || s->now_us < s->down_until_us) {
        plan_claim(s, worker, q, sim_ms(s, 2500));
        return;
    }
    r = ask_claim(s, worker, q, want);
    if (r != NULL && sim_chance(s, 5)) {
        rows(s, worker, q, r, true);
        freeReplyObject(r);
        r = ask_claim(s, worker, q, want);
    }
    if (r == NULL) {
        return;
    }
    sim_note(s, "claim", worker, (int64_t)r->elements);
    rows(s, worker, q, r, lost_back);
    if (lost_back) {
        plan_claim(s, worker, q, sim_ms(s, 2500));
        freeReplyObject(r);
        return;
    }
    line->claiming = false;
    line->serial++;
    wait = r->element[0]->integer;
    freeReplyObject(r);
    plan_claim(s, worker, q, wait < 0 || wait > 30000 ? 30 * SECOND : wait * 1000);
}

/* ---- items ---- */

static void settle(struct sim *s, int lease, enum sim_settle how)
{
    struct sim_lease *l = &s->leases[lease];
    struct sim_item *it = &s->items[l->item];
    struct str queue = sim_queue_name(it->queue), lane = str_of(it->lane), id = str_of(it->id);
    struct wall at = {sim_redis_ms(s)};
    enum sim_told told = TOLD_NOTHING;
    int64_t number = 0;
    struct commit *c = commit_new(SIM_TENANT);
    char key[48], hash[48];
    int call, reply_item = -1;

    snprintf(key, sizeof(key), "%s%s",
             it->queue == SIM_OUT  ? "m:"
             : it->queue == SIM_CB ? "cb:"
                                   : "i:",
             it->id);
    snprintf(hash, sizeof(hash), "h%s", it->id);
    if (it->queue == SIM_OUT) {
        commit_check_leased(c, queue, lane, id, l->token);
    } else {
        commit_check_lease(c, queue, lane, id, l->token);
    }
    if (how == SETTLE_HOLD || how == SETTLE_UNKNOWN) {
        commit_message_state(c, id, "uncertain", at, STR("why"));
    } else if (how == SETTLE_FAILED) {
        commit_message_state(c, id, "failed", at, STR("why"));
        sim_unmet_write(s, c, l);
    } else if (how == SETTLE_LATER) {
        commit_hincr(c, str_of(key), STR("n"), it->queue == SIM_OUT ? -1 : 1);
        if (it->queue == SIM_OUT) {
            told = sim_tell(s, c, l->token, &number);
            sim_unmet_write(s, c, l);
        }
    } else if (how == SETTLE_AWAIT || how == SETTLE_STAY) {
        commit_hincr(c, str_of(key), STR("n"), -1);
        sim_unmet_write(s, c, l);
        if (how == SETTLE_STAY) {
            commit_hset(c, str_of(key), STR("st"), STR("1"));
        }
    } else if (it->queue != SIM_OUT) {
        char done[24];

        snprintf(done, sizeof(done), "done:%s", it->lane);
        commit_hincr(c, it->queue == SIM_IN ? STR("fx") : STR("fc"), id, 1);
        commit_append(c, str_of(done), id, 1000);
    }
    if (it->queue == SIM_IN && how == SETTLE_DONE) {
        char subject[16], out[16];

        snprintf(subject, sizeof(subject), "3%s", it->lane + 1);
        sim_word_write(s, c, (int)strtol(it->lane + 2, NULL, 10), false);
        commit_event(c, str_of(subject), STR("event"), true);
        if (sim_random(s, 3) == 0) {
            snprintf(out, sizeof(out), "1%s", it->lane + 1);
            reply_item = sim_item_add(s, SIM_OUT, out);
            sim_enqueue(s, c, reply_item, l->worker, 0);
        }
    }
    if (how == SETTLE_AWAIT) {
        sim_hold_write(s, c, l);
    } else if (how == SETTLE_HOLD || how == SETTLE_LATER || how == SETTLE_STAY) {
        commit_put_off(c, queue, lane, s->hold_ms);
    } else if (it->queue == SIM_OUT && how == SETTLE_DONE) {
        commit_sent(c, at, STR(""), str_of(hash));
    } else if (it->queue == SIM_OUT) {
        commit_finish(c, queue, lane, id);
    } else {
        commit_done(c);
    }
    call = sim_call_new(s, l->worker, c, CALL_SETTLE, l->item, lease);
    s->calls[call].settle = (int)how;
    s->calls[call].told = told;
    s->calls[call].number = it->queue == SIM_IN ? at.ms : number;
    s->calls[call].reply_item = reply_item;
    /* Whether he was asked before is read first. */
    sim_call_plan(s, call, sim_ms(s, how == SETTLE_AWAIT ? 1000 : 2));
}

/* The policy for an attempt whose end is unknown, as jobs/outbox has it. */
static enum sim_settle after_unknown(int sends, int max_sends)
{
    return sends >= max_sends ? SETTLE_UNKNOWN : SETTLE_HOLD;
}

static void provider_got(struct sim *s, int lease)
{
    struct sim_lease *l = &s->leases[lease];
    struct sim_item *it = &s->items[l->item];

    sim_check_send(s, l->item, l);
    it->apart = it->sends == 0 ? l->other || it->ambiguous > 0 : it->apart;
    if (it->sends < SIM_SENDS_MAX) {
        it->sent_us[it->sends] = s->now_us;
    }
    it->sends++;
    if (it->queue != SIM_OUT) {
        return;
    }
    for (int what = 0; what < 3; what++) {
        if (sim_random(s, 10) < 7) {
            sim_plan(s, sim_ms(s, sim_random(s, 2) == 0 ? 100 : 15000), EV_STATUS, -1, l->item,
                     what);
        }
    }
    if (sim_random(s, 20) == 0) {
        sim_plan(s, sim_ms(s, 15000), EV_STATUS, -1, l->item, 3);
    }
}

/* Before the first byte goes out. */
void sim_item_turn(struct sim *s, int lease)
{
    struct sim_lease *l = &s->leases[lease];
    struct sim_item *it = &s->items[l->item];
    int draw = (int)sim_random(s, 100);
    enum sim_settle before;

    sim_note(s, "item", l->item, l->token);
    if (sim_chance(s, s->crash_percent)) {
        sim_plan(s, 0, EV_CRASH, -1, l->worker, 0);
        return;
    }
    if (l->decided && it->queue == SIM_OUT) {
        settle(s, lease, SETTLE_DROP);
        return;
    }
    if (l->reaped && it->queue == SIM_OUT) {
        settle(s, lease, after_unknown(l->sends, it->max_sends));
        return;
    }
    if (s->now_us >= l->until_us) { /* too late to begin: it comes again */
        sim_lease_over(s, lease);
        return;
    }
    if (l->behind) {
        settle(s, lease, SETTLE_LATER);
        return;
    }
    if (it->queue == SIM_OUT && sim_people_turn(s, l, &before)) {
        settle(s, lease, before);
        return;
    }
    l->outcome = draw < 70 ? SENT : draw < 85 ? UNKNOWN : draw < 95 ? NOT_SENT : REFUSED;
    if (s->now_us > s->calm_us || it->queue == SIM_IN) {
        l->outcome = SENT;
    } else if (sim_cold(s)) {
        l->outcome = NOT_SENT;
    }
    if (l->outcome == SENT || (l->outcome == UNKNOWN && sim_random(s, 2) == 0)) {
        provider_got(s, lease);
    }
    if (sim_chance(s, s->crash_percent)) {
        sim_plan(s, 0, EV_CRASH, -1, l->worker, 0);
        return;
    }
    /* Now and then the answer takes longer than the lease. */
    sim_plan(s, sim_chance(s, 4) ? s->lease_ms * 1500 : sim_ms(s, 300), EV_RESULT, l->worker, lease,
             0);
}

void sim_result(struct sim *s, int lease)
{
    struct sim_lease *l = &s->leases[lease];
    struct sim_item *it = &s->items[l->item];

    if (sim_chance(s, s->crash_percent)) {
        sim_plan(s, 0, EV_CRASH, -1, l->worker, 0);
        return;
    }
    if (it->queue != SIM_OUT) {
        settle(s, lease, l->outcome == SENT ? SETTLE_DONE : SETTLE_LATER);
        return;
    }
    switch ((enum sim_outcome)l->outcome) {
    case SENT:
        settle(s, lease, SETTLE_DONE);
        break;
    case UNKNOWN:
        settle(s, lease, after_unknown(l->sends, it->max_sends));
        break;
    case NOT_SENT:
        settle(s, lease, SETTLE_LATER);
        break;
    case REFUSED:
        settle(s, lease, SETTLE_FAILED);
        break;
    }
}

/* What ends.lua is asked of it, if it may be. */
void sim_end_of(struct sim_call *call, struct commit *c)
{
    call->end.script = -1;
    buf_init(&call->end.resp, COMMIT_BYTES_MAX);
    if (commit_is_end(c)) {
        struct call whole = {.script = -1};

        buf_init(&whole.resp, COMMIT_BYTES_MAX);
        commit_ends_put(&whole, &c, 1);
        buf_add(&call->end.resp,
                str_slice(buf_str(&whole.resp), commit_end_queue(c).n, whole.resp.n));
        call->end.argc = whole.argc - 1;
        buf_fini(&whole.resp);
    }
}
