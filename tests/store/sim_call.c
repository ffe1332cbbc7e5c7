#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SIM_TOGETHER_MAX 16
#define GATHER_US        (SECOND / 2)

/* ---- calls: units that may be lost on their way, or their replies ---- */

static void call_free(struct sim *s, int i)
{
    buf_fini(&s->calls[i].unit.resp);
    buf_fini(&s->calls[i].end.resp);
    s->calls[i].used = false;
}

int sim_call_new(struct sim *s, int worker, struct commit *c, int kind, int item, int lease)
{
    for (int i = 0; i < SIM_CALLS_MAX; i++) {
        struct sim_call *call = &s->calls[i];

        if (call->used && s->workers[call->worker].epoch != call->epoch) {
            call_free(s, i); /* it died with its worker */
        }
        if (!call->used) {
            *call = (struct sim_call){.used = true, .worker = worker, .item = item, .lease = lease};
            call->epoch = s->workers[worker].epoch;
            call->kind = kind;
            call->window_ms =
                s->people.word_ms[0][strtol(s->items[item].lane + 2, NULL, 10) % SIM_PEOPLE_MAX];
            call->reply_item = call->leader = -1;
            call->nth = s->nth++;
            call->unit.script = -1;
            buf_init(&call->unit.resp, COMMIT_BYTES_MAX);
            commit_seal(c);
            commit_units_put(&call->unit, &c, 1);
            sim_end_of(call, c);
            if (c->grants) {
                snprintf(call->serial, sizeof(call->serial), "%llu", (unsigned long long)s->nth++);
            }
            commit_free(&c);
            return i;
        }
    }
    assert(false);
    return 0;
}

static void grant_taken(struct sim *s, int worker, int item, int64_t token,
                        const struct sim_call *call)
{
    struct sim_worker *w = &s->workers[worker];
    struct sim_lease *l = &s->leases[s->nleases];

    assert(s->nleases < SIM_LEASES_MAX);
    *l = (struct sim_lease){
        .item = item, .worker = worker, .epoch = w->epoch, .token = token, .sends = 1};
    l->claimed_us = s->now_us;
    l->until_us = call->asked_us + s->lease_ms * 900;
    l->jumps = call->jumps;
    l->window_ms = s->items[item].queue == SIM_OUT ? call->window_ms : 0;
    w->lines[s->items[item].queue].out++;
    sim_plan(s, sim_ms(s, 5), EV_ITEM, worker, s->nleases++, 0);
}

/* The truth about an item that was put into a queue; @token of the grant or 0. */
static void joined(struct sim *s, int item, int64_t token)
{
    struct sim_item *it = &s->items[item];

    it->accepted = true;
    it->order = s->norder++;
    sim_wake(s, it->queue);
    if (token != 0 && it->outside && s->people.tier > 0) {
        sim_broken(s, "%s: granted past the tier of %lld", it->id, (long long)s->people.tier);
    }
    if (token != 0) {
        sim_check_lease(s, item, token, false, false, s->items[item].queue == SIM_OUT ? 1 : -1,
                        NULL);
    }
}

static int64_t result_int(const redisReply *unit, size_t nth)
{
    return nth + 1 < unit->elements && unit->element[nth + 1]->type == REDIS_REPLY_INTEGER
               ? unit->element[nth + 1]->integer
               : 0;
}

static void event_made(struct sim *s, const char *subject, int64_t sequence)
{
    char lane[16];
    int item;

    snprintf(lane, sizeof(lane), "3%.10s", subject);
    item = sim_item_add(s, SIM_CB, lane);
    if (sequence != ++s->ncb) {
        sim_broken(s, "sequence %lld after %d", (long long)sequence, s->ncb - 1);
    }
    snprintf(s->items[item].id, sizeof(s->items[item].id), "%lld", (long long)sequence);
    s->items[item].accepted = true;
    s->items[item].order = s->norder++;
    sim_wake(s, SIM_CB);
}

/* A failure that comes after the delivery changes nothing, so it is worth a delivery. */
static void told(struct sim_item *it, int *rank, int state)
{
    int now = state == 3 ? 1 : state;

    *rank = now + 1 > *rank ? now + 1 : *rank;
    it->evidence = it->evidence_rank > 0;
}

/* What a unit that was carried out for the first time did. */
static void settled(struct sim *s, struct sim_call *call, const redisReply *unit)
{
    struct sim_item *it = &s->items[call->item];

    switch ((enum sim_settle)call->settle) {
    case SETTLE_HOLD:
        it->ambiguous += s->leases[call->lease].reaped ? 0 : 1;
        break;
    case SETTLE_LATER:
        it->undone += it->queue == SIM_OUT ? 1 : 0;
        sim_unmet(s, &s->leases[call->lease]);
        sim_was_told(s, call->told, call->number, s->leases[call->lease].token,
                     result_int(unit, 1));
        break;
    case SETTLE_STAY:
        it->undone++;
        it->stays = true;
        sim_unmet(s, &s->leases[call->lease]);
        break;
    case SETTLE_AWAIT:
        it->undone++;
        sim_unmet(s, &s->leases[call->lease]);
        sim_was_held(s, &s->leases[call->lease], result_int(unit, 1));
        break;
    case SETTLE_FAILED:
        sim_unmet(s, &s->leases[call->lease]);
        it->finishes++;
        break;
    case SETTLE_UNKNOWN:
        it->ambiguous += s->leases[call->lease].reaped ? 0 : 1;
        it->finishes++;
        break;
    case SETTLE_DONE:
        if (it->early_rank > it->evidence_rank) { /* now its id is known */
            told(it, &it->evidence_rank, it->early_rank - 1);
        }
        it->finishes++;
        break;
    default:
        it->finishes++;
    }
    if (it->queue == SIM_IN) {
        sim_word_said(s, (int)strtol(it->lane + 2, NULL, 10), false, call->number);
        event_made(s, it->lane + 1, result_int(unit, 1));
        if (call->reply_item >= 0) {
            joined(s, call->reply_item, result_int(unit, 2));
            call->granted = result_int(unit, 2) != 0;
        }
    }
    sim_wake(s, it->queue);
}

static void apply(struct sim *s, struct sim_call *call, const redisReply *unit)
{
    struct sim_item *it = &s->items[call->item];

    call->applied = true;
    switch (call->kind) {
    case CALL_ACCEPT:
        if (it->accepted) {
            sim_broken(s, "%s was accepted twice", it->id);
        }
        joined(s, call->item, result_int(unit, 1));
        call->granted = result_int(unit, 1) != 0;
        break;
    case CALL_SETTLE:
        settled(s, call, unit);
        break;
    case CALL_STATUS:
        told(it, strcmp(unit->element[1]->str, "none") == 0 ? &it->early_rank : &it->evidence_rank,
             call->settle);
        sim_wake(s, SIM_OUT);
        break;
    case CALL_RESUME:
        sim_was_told(s, call->told, call->number, 0, result_int(unit, 0));
        break;
    case CALL_WORD:
        sim_word_said(s, call->settle, call->number < 0, llabs(call->number));
        break;
    case CALL_TIER:
        sim_tier_was_told(s, call->number, call->settle);
        break;
    case CALL_WAIT_OVER:
        it->held = false;
        it->finishes++;
        break;
    case CALL_CANCEL:
        it->cancelled = it->cancelled || result_int(unit, 0) == 1;
        it->held = it->held && !it->cancelled;
        sim_wake(s, SIM_OUT);
        break;
    }
}

/* A unit without results is answered by its word alone. */
static const char *word_of(const redisReply *unit)
{
    return unit->type == REDIS_REPLY_ARRAY ? unit->element[0]->str : unit->str;
}

/* What the worker does with the answer. */
static void answered(struct sim *s, int i, const redisReply *unit)
{
    struct sim_call *call = &s->calls[i];
    const char *word = word_of(unit);
    bool ok = strcmp(word, "ok") == 0;

    if (call->granted && !ok) {
        sim_broken(s, "%s: granted, and answered \"%s\"", s->items[call->item].id, word);
    }
    if (call->kind == CALL_ACCEPT) {
        s->items[call->item].known = true;
        if (!s->items[call->item].accepted) {
            sim_broken(s, "%s: answered \"%s\" and not accepted", s->items[call->item].id, word);
        }
    }
    if (call->kind == CALL_ACCEPT && ok && result_int(unit, 1) != 0) {
        grant_taken(s, call->worker, call->item, result_int(unit, 1), call);
    }
    if (call->kind == CALL_SETTLE) {
        struct sim_lease *l = &s->leases[call->lease];

        if (ok && call->reply_item >= 0 && result_int(unit, 2) != 0) {
            grant_taken(s, call->worker, call->reply_item, result_int(unit, 2), call);
        }
        if (!ok && call->settle == SETTLE_DONE && s->items[l->item].queue == SIM_OUT) {
            sim_plan(s, 0, EV_STATUS, -1, l->item, 0); /* fenced: what we know is evidence */
        }
        sim_lease_over(s, call->lease);
    }
}

/* Units that go together are asked for in one call, and again in one. */
static size_t members_of(const struct sim *s, int leader, int out[SIM_TOGETHER_MAX])
{
    size_t n = 0;

    out[n++] = leader;
    for (int i = 0; i < SIM_CALLS_MAX && n < SIM_TOGETHER_MAX; i++) {
        const struct sim_call *call = &s->calls[i], *first = &s->calls[leader];

        if (call->used && call->leader == leader && i != leader && call->worker == first->worker &&
            call->epoch == first->epoch) {
            out[n++] = i;
        }
    }
    return n;
}

static void begin(struct sim *s, int i, int leader)
{
    struct sim_call *call = &s->calls[i];

    call->leader = leader;
    call->asked_us = s->now_us;
    call->jumps = s->jumps;
    if (i != leader && s->calls[leader].serial[0] == '\0') {
        memcpy(s->calls[leader].serial, call->serial, sizeof(call->serial));
    }
}

/* What is held until somebody writes goes alone: a word in the same call would be seen at its end
 * only. */
static bool alone(const struct sim *s, const struct sim_call *call)
{
    return !s->gathers || (call->kind == CALL_SETTLE && call->settle == SETTLE_AWAIT);
}

static void gather(struct sim *s, int leader)
{
    const struct sim_call *first = &s->calls[leader];
    size_t n = 1;

    begin(s, leader, leader);
    for (int i = 0; i < SIM_CALLS_MAX && n < SIM_TOGETHER_MAX && !alone(s, first); i++) {
        const struct sim_call *call = &s->calls[i];

        if (call->used && call->leader < 0 && call->worker == first->worker &&
            call->epoch == first->epoch && !alone(s, call)) {
            begin(s, i, leader);
            n++;
        }
    }
}

/* The answer to units that went together: to each its own. */
struct carried {
    redisReply *ends, *left, *commit;
    const redisReply *of[SIM_TOGETHER_MAX];
};

static void carried_free(struct carried *r)
{
    freeReplyObject(r->ends);
    freeReplyObject(r->left);
    freeReplyObject(r->commit);
    *r = (struct carried){0};
}

/* Those that ends.lua may do; it leaves some alone. */
static bool carry_ends(struct sim *s, const int *members, size_t n, struct carried *out)
{
    static char ok[] = "ok";
    static redisReply done = {.type = REDIS_REPLY_STATUS, .str = ok, .len = 2};
    struct call args = {.script = -1};
    size_t which[SIM_TOGETHER_MAX], nends = 0;

    buf_init(&args.resp, COMMIT_BYTES_MAX);
    call_str(&args, sim_queue_name(SIM_OUT));
    for (size_t i = 0; i < n; i++) {
        const struct call *end = &s->calls[members[i]].end;

        if (end->argc > 0) {
            buf_add(&args.resp, buf_str(&end->resp));
            args.argc += end->argc;
            which[nends++] = i;
        }
    }
    if (nends > 0) {
        out->ends = sim_ask(s, SIM_ENDS, buf_str(&args.resp), args.argc);
        for (size_t i = 0; i < nends && out->ends != NULL; i++) {
            out->of[which[i]] = &done;
        }
        for (size_t i = 0; out->ends != NULL && i < out->ends->elements; i++) {
            out->of[which[out->ends->element[i]->integer - 1]] = NULL;
        }
    }
    buf_fini(&args.resp);
    return nends == 0 || out->ends != NULL;
}

/* Those that were never for ends.lua, whose call is the same each time it is asked; or those that
 * it left alone. */
static bool carry_rest(struct sim *s, const int *members, size_t n, bool left, struct carried *out)
{
    struct call args = {.script = -1};
    size_t which[SIM_TOGETHER_MAX], nrest = 0;
    redisReply **r = left ? &out->left : &out->commit;
    char owner[32];

    sim_owner(s, s->calls[members[0]].worker, owner);
    buf_init(&args.resp, COMMIT_BYTES_MAX);
    call_str(&args, str_of(owner));
    call_int(&args, s->lease_ms);
    call_str(&args, str_of(left ? "" : s->calls[members[0]].serial));
    for (size_t i = 0; i < n; i++) {
        if (out->of[i] == NULL && (s->calls[members[i]].end.argc > 0) == left) {
            buf_add(&args.resp, buf_str(&s->calls[members[i]].unit.resp));
            args.argc += s->calls[members[i]].unit.argc;
            which[nrest++] = i;
        }
    }
    if (nrest > 0) {
        *r = sim_ask(s, SIM_COMMIT, buf_str(&args.resp), args.argc);
        for (size_t i = 0; i < nrest && *r != NULL; i++) {
            out->of[which[i]] = (*r)->element[i];
        }
    }
    buf_fini(&args.resp);
    return nrest == 0 || *r != NULL;
}

static bool carry(struct sim *s, const int *members, size_t n, struct carried *out)
{
    *out = (struct carried){0};
    if (!carry_ends(s, members, n, out) || !carry_rest(s, members, n, true, out) ||
        !carry_rest(s, members, n, false, out)) {
        carried_free(out);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct sim_call *call = &s->calls[members[i]];

        /* A withdrawal has no check: asked again it may take what it could not take before. */
        if ((!call->applied || call->kind == CALL_CANCEL) &&
            strcmp(word_of(out->of[i]), "ok") == 0) {
            apply(s, call, out->of[i]);
        }
    }
    return true;
}

/* At its deadline, and for ever. */
static void give_up(struct sim *s, struct sim_call *call)
{
    if (s->gives_up && !call->gone && call->kind == CALL_ACCEPT && call->serial[0] != '\0' &&
        sim_random(s, 2) == 0) {
        call->gone = true;
        sim_lost(s, call->worker, strtoull(call->serial, NULL, 10));
    }
}

static void plan_turn(struct sim *s, int call, int64_t delay_us)
{
    sim_plan(s, delay_us, EV_CALL, s->calls[call].worker, call, (int)s->calls[call].nth);
}

void sim_call_plan(struct sim *s, int call, int64_t delay_us)
{
    if (s->gathers) { /* as behind a slow Redis: all that wait go at once */
        delay_us += GATHER_US - (s->now_us + delay_us) % GATHER_US;
    }
    plan_turn(s, call, delay_us);
}

/*
 * Lost on the way there, or on the way back, or carried out twice in a row because a dead
 * connection's bytes were still read: it is asked again until it is answered or the worker dies.
 * Some are given up, and carried out all the same.
 */
void sim_call_turn(struct sim *s, int i, int nth)
{
    struct sim_call *call = &s->calls[i];
    bool lost_there = sim_chance(s, s->lost_percent / 2),
         lost_back = sim_chance(s, s->lost_percent / 2);
    int members[SIM_TOGETHER_MAX];
    size_t n;
    struct carried r;
    bool carried;

    if (!call->used || (int)call->nth != nth || (call->leader >= 0 && call->leader != i)) {
        return; /* it went with another */
    }
    sim_note(s, "call", call->kind, call->item);
    if (call->leader < 0) {
        gather(s, i);
    }
    if (lost_there || s->now_us < s->down_until_us) {
        give_up(s, call);
        plan_turn(s, i, sim_ms(s, 2500));
        return;
    }
    n = members_of(s, i, members);
    carried = carry(s, members, n, &r);
    if (carried && sim_chance(s, 5)) {
        carried_free(&r);
        carried = carry(s, members, n, &r);
    }
    if (!carried) {
        return;
    }
    if (sim_chance(s, s->crash_percent / 2)) {
        sim_plan(s, 0, EV_CRASH, -1, call->worker, 0);
    }
    if (lost_back) {
        give_up(s, call);
    }
    if (lost_back && !call->gone) {
        plan_turn(s, i, sim_ms(s, 2500));
    } else {
        for (size_t k = 0; k < n; k++) {
            if (!call->gone) {
                answered(s, members[k], r.of[k]);
            }
            call_free(s, members[k]);
        }
    }
    carried_free(&r);
}

/* ---- what comes from outside ---- */

/* Where his window is not known to be open, none is given while a tier would have to count him. */
static enum commit_grant grant_wanted(struct sim *s, int worker, struct sim_item *it)
{
    int person = (int)strtol(it->lane + 2, NULL, 10);
    bool outside = it->queue == SIM_OUT && s->people.word_ms[0][person] == 0;

    it->outside = false;
    if (s->workers[worker].lines[it->queue].out >= s->nslots || sim_random(s, 4) == 0) {
        return GRANT_NONE;
    }
    it->outside = outside;
    return outside ? GRANT_OUTSIDE : GRANT_ANSWER;
}

void sim_enqueue(struct sim *s, struct commit *c, int item, int worker, int64_t not_before_ms)
{
    struct sim_item *it = &s->items[item];
    bool apart = it->queue == SIM_OUT && sim_random(s, 2) == 0;
    char key[48];

    it->of_many = it->queue == SIM_OUT && item % 4 == 0;
    /* Half of them as one operation, the others as several. */
    if (it->queue == SIM_OUT && !apart && item % 2 == 0) {
        commit_message(c, &(struct commit_message){.id = str_of(it->id),
                                                   .body = STR("body"),
                                                   .user = str_of(it->of_many ? it->lane + 1 : "u"),
                                                   .broadcast = str_of(it->of_many ? "b1" : ""),
                                                   .line = STR("queued,1,\n"),
                                                   .queue = sim_queue_name(SIM_OUT),
                                                   .lane = str_of(it->lane),
                                                   .not_before = {not_before_ms},
                                                   .grant = grant_wanted(s, worker, it),
                                                   .rate = &s->rate});
        return;
    }
    if (it->queue == SIM_IN && not_before_ms == 0 && item % 2 == 0) {
        commit_item(c, str_of(it->lane), str_of(it->id), STR("body"), grant_wanted(s, worker, it));
        return;
    }
    if (it->queue == SIM_OUT) {
        snprintf(key, sizeof(key), "m:%s", it->id);
        commit_doc(c, str_of(key), 1, STR("body"));
        commit_doc_field(c, "s", STR("queued"));
        if (it->of_many) {
            commit_doc_field(c, "br", STR("b1"));
        }
        if (apart) { /* the document and its place in the lane apart */
            commit_hset(c, str_of(key), STR("x"), STR("1"));
        }
    } else {
        snprintf(key, sizeof(key), "i:%s", it->id);
        commit_hset(c, str_of(key), STR("b"), STR("body"));
    }
    commit_enqueue(c, sim_queue_name(it->queue), str_of(it->lane), str_of(it->id),
                   (struct wall){not_before_ms}, grant_wanted(s, worker, it),
                   it->queue == SIM_OUT ? &s->rate : NULL);
}

void sim_arrive(struct sim *s, int item, bool again)
{
    struct sim_item *it = &s->items[item];
    int worker = sim_any_worker(s);
    struct commit *c;

    if (it->known && !again) {
        return;
    }
    if (worker >= 0) {
        c = commit_new(SIM_TENANT);
        commit_check_new(c, str_of(it->id), STR("print"));
        commit_remember(c, str_of(it->id), STR("print"), STR("value"));
        commit_hincr(c, STR("count"), STR("n"), 1);
        sim_enqueue(s, c, item, worker,
                    it->later ? sim_redis_ms(s) + (int64_t)sim_random(s, 30000) : 0);
        sim_call_plan(s, sim_call_new(s, worker, c, CALL_ACCEPT, item, -1), sim_ms(s, 2));
    }
    if (!again) { /* the client asks again until it knows */
        sim_plan(s, 5 * SECOND, EV_ARRIVE, -1, item, 0);
    }
}

void sim_status(struct sim *s, int item, int what)
{
    static const char *const states[] = {"sent", "delivered", "read", "failed"};
    struct sim_item *it = &s->items[item];
    int worker = sim_any_worker(s);
    char hash[48];
    struct commit *c;
    int call;

    if (worker < 0) {
        sim_plan(s, SECOND, EV_STATUS, -1, item, what);
        return;
    }
    snprintf(hash, sizeof(hash), "h%s", it->id);
    c = commit_new(SIM_TENANT);
    commit_status(c, sim_random(s, 3) == 0 ? STR_NONE : str_of(it->id), str_of(hash), states[what],
                  (struct wall){sim_redis_ms(s)}, STR("x"));
    call = sim_call_new(s, worker, c, CALL_STATUS, item, -1);
    s->calls[call].settle = what;
    sim_call_plan(s, call, sim_ms(s, 2));
}

void sim_cancel(struct sim *s, int item)
{
    struct sim_item *it = &s->items[item];
    int worker = sim_any_worker(s);
    struct commit *c;

    if (worker >= 0) {
        c = commit_new(SIM_TENANT);
        commit_withdraw(c, sim_queue_name(it->queue), str_of(it->lane), str_of(it->id));
        sim_call_plan(s, sim_call_new(s, worker, c, CALL_CANCEL, item, -1), sim_ms(s, 2));
    }
}
