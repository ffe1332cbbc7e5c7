#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * People: their windows at the sender "s" and at "t", which speaks while "s" is paused; messages
 * that wait for a word of theirs; and how many of them may be written to first. Those with an even
 * number have no template: what is for them waits, and keeps its order. A second time what the
 * scripts make of w:, hm:, hx, hg: and dp:.
 */

static int person_of(const struct sim_item *it)
{
    return (int)strtol(it->lane + 2, NULL, 10) % SIM_PEOPLE_MAX;
}

static bool is_held_to_words(const struct sim_item *it)
{
    return person_of(it) % 2 == 0;
}

static void set(struct sim *s, const char *fmt, int64_t v)
{
    redisReply *r = redisCommand(s->redis->c, fmt, (long long)v);

    if (r == NULL || r->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "simulation: %s\n", fmt);
        exit(99);
    }
    freeReplyObject(r);
}

void sim_people_draw(struct sim *s, int64_t for_us)
{
    s->people.after_ms = sim_random(s, 4) == 0 ? 0 : 200 + (int64_t)sim_random(s, 4000);
    s->people.tier = sim_random(s, 2) == 0 ? 0 : 1 + (int64_t)sim_random(s, 4);
    set(s, "HSET {sim}:sn:s pf p people %lld", s->people.tier);
    set(s, "HSET {sim}:sn:t pf p people %lld", s->people.tier);
    set(s, "HSET {sim}:pd:p /s 1 /t 1 cf %lld", s->people.tier);
    sim_plan(s, 0, EV_OTHER, -1, sim_random(s, 3) == 0, 0);
    for (uint64_t i = sim_random(s, 4); i > 0; i--) {
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_OTHER, -1, (int)sim_random(s, 2),
                 0);
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_TIER, -1,
                 1 + (int)sim_random(s, 5), 0);
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_WAIT_OVER, -1, 0, 0);
    }
    sim_plan(s, s->calm_us - s->now_us, EV_OTHER, -1, 0, 0);
    sim_plan(s, s->calm_us - s->now_us, EV_TIER, -1, -1, 0);
    for (int p = 0; p < SIM_PEOPLE_MAX; p++) {
        sim_plan(s, s->calm_us - s->now_us + sim_ms(s, 5000), EV_WORD, -1, p, 0);
        if (sim_random(s, 3) != 0) {
            sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_WORD, -1, p, 1);
        }
    }
}

/* ---- what comes from outside ---- */

static int call_of(struct sim *s, int worker, struct commit *c, int kind, int item)
{
    int call = sim_call_new(s, worker, c, kind, item, -1);

    sim_call_plan(s, call, sim_ms(s, 2));
    return call;
}

static struct commit *unit(struct sim *s, const char *what)
{
    struct commit *c = commit_new(SIM_TENANT);
    char id[32];

    snprintf(id, sizeof(id), "%s%llu", what, (unsigned long long)s->nth);
    commit_once(c, str_of(id));
    return c;
}

void sim_word_write(struct sim *s, struct commit *c, int person, bool other)
{
    char who[16];

    snprintf(who, sizeof(who), "p%d", person);
    commit_hmax(c, other ? STR("w:t") : STR("w:s"), str_of(who), sim_redis_ms(s));
    commit_heard(c, other ? STR("t") : STR("s"), str_of(who), STR("he wrote"));
}

/* To "s", or now and then to "t"; at the end to both. */
void sim_word(struct sim *s, int person, bool early)
{
    int worker = sim_any_worker(s), call;
    bool other = early && sim_random(s, 3) == 0;
    struct commit *c;

    if (worker < 0) {
        sim_plan(s, SECOND, EV_WORD, -1, person, early);
        return;
    }
    c = unit(s, "word");
    sim_word_write(s, c, person, other);
    call = call_of(s, worker, c, CALL_WORD, 0);
    s->calls[call].settle = person;
    s->calls[call].number = other ? -sim_redis_ms(s) : sim_redis_ms(s);
    if (!early) {
        /* Until it was carried out: the worker may die with it. */
        if (s->people.word_ms[0][person] == 0 || s->now_us < s->calm_us + 30 * SECOND) {
            sim_plan(s, 10 * SECOND, EV_WORD, -1, person, 0);
        }
    }
}

void sim_tier(struct sim *s, int people)
{
    int worker = sim_any_worker(s), call;
    struct commit *c;

    if (people < 0 && s->people.tier == 0) {
        return;
    }
    if (worker >= 0) {
        c = unit(s, "tier");
        commit_tier_told(c, STR("p"), people, (struct wall){++s->people.told_at});
        call = call_of(s, worker, c, CALL_TIER, 0);
        s->calls[call].number = people;
        s->calls[call].settle = (int)s->people.told_at;
    }
    if (people < 0) {
        sim_plan(s, 10 * SECOND, EV_TIER, -1, people, 0); /* until it is so */
    }
}

void sim_other(struct sim *s, bool paused)
{
    s->people.other_paused = paused;
    if (paused) {
        set(s, "HSET {sim}:sn:t paused %lld", sim_redis_ms(s));
    } else {
        set(s, "HDEL {sim}:sn:t paused %lld", 0);
    }
}

/* Of what is held one waits no more. */
void sim_wait_over(struct sim *s)
{
    int worker = sim_any_worker(s), from = (int)sim_random(s, SIM_ITEMS_MAX);

    for (int n = 0; n < SIM_ITEMS_MAX && worker >= 0; n++) {
        int i = (from + n) % SIM_ITEMS_MAX;
        struct sim_item *it = &s->items[i];
        struct commit *c;

        if (i >= s->nitems || !it->held) {
            continue;
        }
        c = commit_new(SIM_TENANT);
        commit_check_held(c, sim_queue_name(SIM_OUT), str_of(it->lane), str_of(it->id));
        commit_unhold(c, sim_queue_name(SIM_OUT), str_of(it->lane), str_of(it->id));
        commit_message_state(c, str_of(it->id), "failed", (struct wall){sim_redis_ms(s)},
                             STR("why"));
        call_of(s, worker, c, CALL_WAIT_OVER, i);
        return;
    }
}

/* ---- a unit was carried out ---- */

void sim_word_said(struct sim *s, int person, bool other, int64_t at_ms)
{
    int64_t *word = &s->people.word_ms[other ? 1 : 0][person];

    sim_note(s, other ? "word to t" : "word", person, at_ms);
    *word = at_ms > *word ? at_ms : *word;
    for (int i = 0; i < s->nitems && !other; i++) {
        if (s->items[i].held && person_of(&s->items[i]) == person) {
            s->items[i].held = false;
        }
    }
    sim_wake(s, SIM_OUT);
}

void sim_tier_was_told(struct sim *s, int64_t people, int64_t at)
{
    if (at > s->people.told_done) {
        s->people.told_done = at;
        s->people.tier = people < 0 ? 0 : people;
    }
    sim_wake(s, SIM_OUT);
}

/* Nothing went out by this lease: he does not count for it. */
void sim_unmet_write(struct sim *s, struct commit *c, const struct sim_lease *l)
{
    char who[16];

    if (l->counts) {
        snprintf(who, sizeof(who), "p%d", person_of(&s->items[l->item]));
        commit_zrem(c, STR("dp:p"), str_of(who));
    }
}

void sim_unmet(struct sim *s, const struct sim_lease *l)
{
    int p = person_of(&s->items[l->item]);

    if (l->counts && s->people.met[p]) {
        s->people.met[p] = false;
        s->people.nmet--;
    }
}

void sim_hold_write(struct sim *s, struct commit *c, const struct sim_lease *l)
{
    const struct sim_item *it = &s->items[l->item];
    char who[16];

    snprintf(who, sizeof(who), "p%d", person_of(it));
    commit_hset(c, STR("hg:s"), str_of(who), STR("asked"));
    commit_hold(c, sim_queue_name(SIM_OUT), str_of(it->lane), str_of(it->id),
                (struct wall){sim_redis_ms(s) + 86400000}, (struct wall){l->window_ms},
                STR("held"));
}

void sim_was_held(struct sim *s, const struct sim_lease *l, int64_t result)
{
    struct sim_item *it = &s->items[l->item];
    bool wrote = s->people.word_ms[0][person_of(it)] != l->window_ms;
    /* A status decided it while it was leased: then it is only taken out of its lane. */
    bool decided = it->evidence;

    if (!decided && (result == 1) == wrote) {
        sim_broken(s, "%s: held %lld, he wrote %d", it->id, (long long)result, wrote);
    }
    sim_note(s, "held", l->item, result);
    it->held = result == 1;
    it->was_held = it->was_held || it->held;
    it->finishes += result == 0 && !wrote ? 1 : 0;
}

/* ---- what a claim tells ---- */

void sim_check_row(struct sim *s, int item, const struct sim_row *row)
{
    const struct sim_item *it = &s->items[item];
    int p = person_of(it);
    int64_t word = s->people.word_ms[row->other ? 1 : 0][p];
    bool first = s->people.tier > 0 && word == 0 && !s->people.met[p];

    sim_note(s, row->other ? "row by t" : "row", item, row->window_ms);
    if (row->window_ms != word) {
        sim_broken(s, "%s: his last word is of %lld, not %lld", it->id, (long long)word,
                   (long long)row->window_ms);
    }
    if (row->counts != first) {
        sim_broken(s, "%s: counts %d", it->id, row->counts);
    }
    if (it->held) {
        sim_broken(s, "%s: leased while it waits for a word", it->id);
    }
    if (first && s->people.nmet >= s->people.tier) {
        sim_broken(s, "%s: one more than the tier of %lld", it->id, (long long)s->people.tier);
    }
    if (first) {
        s->people.met[p] = true;
        s->people.nmet++;
    }
    if (!row->other) {
        return;
    }
    if (!s->model.paused || s->people.other_paused || s->people.after_ms == 0) {
        sim_broken(s, "%s: by another, paused %d and %d", it->id, s->model.paused,
                   s->people.other_paused);
    }
    if (s->jumps == 0 && sim_redis_ms(s) < s->people.paused_ms + s->people.after_ms) {
        sim_broken(s, "%s: by another before its time", it->id);
    }
    if (it->stays) {
        sim_broken(s, "%s: by another, and it stays with its own", it->id);
    }
}

/* What becomes of it before anything goes out; false: it goes. */
bool sim_people_turn(struct sim *s, const struct sim_lease *l, enum sim_settle *how)
{
    const struct sim_item *it = &s->items[l->item];
    bool closed = l->window_ms == 0 && is_held_to_words(it);

    if (l->other && (closed || sim_chance(s, 15))) {
        *how = SETTLE_STAY;
        return true;
    }
    *how = SETTLE_AWAIT;
    return closed;
}

void sim_check_people(struct sim *s)
{
    redisReply *r = redisCommand(s->redis->c, "ZCARD {sim}:dp:p");

    if (r == NULL || r->type != REDIS_REPLY_INTEGER || r->integer != s->people.nmet) {
        sim_broken(s, "the ledger of people has %lld, %lld were met",
                   r == NULL ? -1 : (long long)r->integer, (long long)s->people.nmet);
    }
    freeReplyObject(r);
    for (int i = 0; i < s->nitems; i++) {
        if (s->items[i].held) {
            sim_broken(s, "%s waits for a word that was said", s->items[i].id);
        }
    }
}
