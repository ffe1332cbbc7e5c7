#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

static redisReply *ask(struct sim *s, const char *fmt, const char *a, const char *b)
{
    redisReply *r = redisCommand(s->redis->c, fmt, a, b);

    if (r == NULL || r->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "simulation: %s: %s\n", fmt, r == NULL ? s->redis->c->errstr : r->str);
        exit(99);
    }
    s->redis->calls++;
    return r;
}

static int64_t ask_int(struct sim *s, const char *fmt, const char *a, const char *b)
{
    redisReply *r = ask(s, fmt, a, b);
    int64_t v = r->type == REDIS_REPLY_INTEGER ? r->integer
                : r->str == NULL               ? 0
                                               : strtoll(r->str, NULL, 10);

    freeReplyObject(r);
    return v;
}

/* ---- while it runs ---- */

static int person_of(const char *lane)
{
    return (int)strtol(lane + 2, NULL, 10); /* "3p7" */
}

static void token_taken(struct sim *s, const struct sim_item *it)
{
    s->taken[s->ntaken].at_us = s->now_us;
    s->taken[s->ntaken].person = person_of(it->lane);
    s->taken[s->ntaken++].jumps = s->jumps;
}

/*
 * Every row of every claim and every grant comes here, also those whose reply the worker never
 * sees: so the number of attempts is known without asking what the scripts wrote about it.
 */
void sim_check_lease(struct sim *s, int item, int64_t token, bool reaped, bool decided, int sends,
                     const struct sim_row *row)
{
    struct sim_item *it = &s->items[item];

    if (token == it->token) {
        if (reaped != it->token_reaped) {
            sim_broken(s, "%s: told again, reaped became %d", it->id, reaped);
        }
        return;
    }
    if (token <= s->newest_token) {
        sim_broken(s, "%s: token %lld is not new", it->id, (long long)token);
    }
    if (!it->accepted) {
        sim_broken(s, "%s: leased before it was accepted", it->id);
    }
    if (it->finishes > 0) {
        sim_broken(s, "%s: leased after it was finished", it->id);
    }
    if (reaped) {
        it->ambiguous += it->token_attempt ? 1 : 0;
    } else {
        it->fresh += decided ? 0 : 1;
        if (it->queue == SIM_OUT && row != NULL) {
            sim_check_row(s, item, row);
        }
        if (it->queue == SIM_OUT && (row == NULL || !row->other)) {
            sim_check_pace(s, it);
            token_taken(s, it);
        }
        it->other = row != NULL && row->other;
    }
    s->newest_token = token;
    it->hidden_by = 0;
    it->token = token;
    it->token_reaped = reaped;
    it->token_attempt = !reaped && !decided;
    if (sends >= 0 && sends != it->fresh - it->undone) {
        sim_broken(s, "%s: %d attempts told, %d made", it->id, sends, it->fresh - it->undone);
    }
}

/* What stands in front in a lane: what is held by hand, or the head of its list. */
static redisReply *front_of(struct sim *s, struct str queue, const char *lane)
{
    static const char script[] =
        "local held = redis.call('HGET', KEYS[1] .. 'k:' .. ARGV[1], ARGV[2])\n"
        "return held and string.match(held, '^%d+|(.*)|[^|]*[hH]$')\n"
        "    or redis.call('LINDEX', KEYS[1] .. 'l:' .. ARGV[1] .. ':' .. ARGV[2], 0)";

    return redisCommand(s->redis->c, "EVAL %s 1 {sim}: %b %s", script, queue.p, queue.n, lane);
}

/* The provider gets a message, or the CMMS an event, or a command takes effect. */
void sim_check_send(struct sim *s, int item, const struct sim_lease *l)
{
    struct sim_item *it = &s->items[item];
    redisReply *r = front_of(s, sim_queue_name(it->queue), it->lane);

    /* Whoever holds a lease by his own clock holds it by that of Redis, unless that one jumped. */
    if (l->jumps == s->jumps && (r->str == NULL || strcmp(r->str, it->id) != 0)) {
        sim_broken(s, "%s: handed over while %s is to be decided first", it->id,
                   r->str == NULL ? "nothing" : r->str);
    }
    freeReplyObject(r);
    if (it->queue != SIM_OUT) {
        return;
    }
    if (it->sends + 1 > it->max_sends) {
        sim_broken(s, "%s: handed over %d times, %d allowed", it->id, it->sends + 1, it->max_sends);
    }
    if (it->sends > it->ambiguous) {
        sim_broken(s, "%s: handed over %d times after %d attempts of unknown end", it->id,
                   it->sends + 1, it->ambiguous);
    }
}

void sim_check_keys(struct sim *s)
{
    redisReply *r = sim_ask(s, SIM_KEYS, STR(""), 0);

    if (r != NULL && r->len > 0) {
        sim_broken(s, "keys: %s", r->str);
    }
    freeReplyObject(r);
}

bool sim_all_settled(struct sim *s)
{
    redisReply *r;
    bool empty;

    for (int i = 0; i < s->nitems; i++) {
        const struct sim_item *it = &s->items[i];

        if (it->client && !it->known) {
            return false;
        }
        if (it->accepted && it->finishes == 0 &&
            !(it->queue == SIM_OUT && (it->evidence || it->cancelled))) {
            return false;
        }
    }
    r = ask(s, "KEYS %s", "{sim}:[ls]:*", NULL);
    empty = r->elements == 0;
    freeReplyObject(r);
    return empty;
}

/* ---- at the end ---- */

static bool one_of(const char *word, const char *words)
{
    return word != NULL && strstr(words, word) != NULL;
}

/* A note moves nothing. */
static bool is_note(const char *line, const char *end)
{
    static const char *const notes[] = {",held", ",he wrote"};
    size_t n = end == NULL ? strlen(line) : (size_t)(end - line);

    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        size_t k = strlen(notes[i]);

        if (n >= k && strncmp(line + n - k, notes[i], k) == 0) {
            return true;
        }
    }
    return false;
}

/* The timeline never goes back, attempts apart. */
static void check_timeline(struct sim *s, const struct sim_item *it, const char *timeline)
{
    static const char *const ranks[] = {"sending", "uncertain", "sent",     "delivered",
                                        "read",    "failed",    "cancelled"};
    int rank = 0;

    for (const char *line = timeline; line != NULL && *line != '\0';) {
        const char *end;
        int now = 0;

        line += strncmp(line, "queued,1,\n", 10) == 0
                    ? 10
                    : 0; /* how one begins that is one operation */
        end = strchr(line, '\n');
        while (now < (int)ARRAY_LEN(ranks) && strncmp(line, ranks[now], strlen(ranks[now])) != 0) {
            now++;
        }
        if (now > 0 && now <= rank && !is_note(line, end)) {
            sim_broken(s, "%s: its state goes back: %s", it->id, timeline);
        }
        rank = now > rank ? now : rank;
        line = end == NULL ? NULL : end + 1;
    }
}

/* As sim_item.evidence_rank; what is final is above all. */
static int rank_of(const char *state)
{
    return strcmp(state, "uncertain") == 0   ? 0
           : strcmp(state, "sent") == 0      ? 1
           : strcmp(state, "delivered") == 0 ? 2
                                             : 3;
}

static const char *const places[] = {"uncertain", "sent",   "delivered",
                                     "read",      "failed", "cancelled"};

static size_t place_of(const char *state)
{
    size_t i = 0;

    while (i < ARRAY_LEN(places) && (state == NULL || strcmp(places[i], state) != 0)) {
        i++;
    }
    return i;
}

/* Its state and timeline, also where it stands folded: common.lua. */
static redisReply *read_message(struct sim *s, const struct sim_item *it)
{
    static const char script[] =
        "local id = ARGV[1] local m = redis.call('HMGET', '{sim}:m:' .. id, 's', 'tl')\n"
        "local cell, rest = string.sub(id, 1, 15), string.sub(id, 16)\n"
        "local lines = redis.call('HGET', '{sim}:mf:' .. cell, rest .. '.')\n"
        "if m[1] or not lines then return m end\n"
        "return {string.match(lines, '([^\\n,]*),[^\\n]*\\n$'), string.match(lines, '\\n(.*)$')}";

    return ask(s, "EVAL %s 1 {sim}: %s", script, it->id);
}

/* A broadcast counts each of its messages where it is. */
static void check_counts(struct sim *s)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int64_t n = ask_int(s, "HGET {sim}:bc:b1 %s", places[i], NULL);

        if (n != s->counted[i]) {
            sim_broken(s, "the broadcast counts %lld as %s, not %lld", (long long)n, places[i],
                       (long long)s->counted[i]);
        }
    }
}

static void check_message(struct sim *s, const struct sim_item *it)
{
    redisReply *r = read_message(s, it);
    const char *state = r->element[0]->str;

    s->counted[place_of(state)] += it->of_many;
    check_timeline(s, it, r->element[1]->str);
    if (!one_of(state, "uncertain sent delivered read failed cancelled")) {
        sim_broken(s, "%s ends as %s", it->id, state == NULL ? "nothing" : state);
    } else if (one_of(state, "sent delivered read") && it->sends == 0) {
        sim_broken(s, "%s is %s and was never handed over", it->id, state);
    } else if (it->evidence_rank > rank_of(state)) {
        sim_broken(s, "%s is %s in spite of a status", it->id, state);
    } else if (strcmp(state, "uncertain") == 0 && it->fresh - it->undone < it->max_sends) {
        sim_broken(s, "%s was given up after %d of %d attempts", it->id, it->fresh - it->undone,
                   it->max_sends);
    } else if ((strcmp(state, "cancelled") == 0) != it->cancelled) {
        sim_broken(s, "%s is %s, cancelled %d", it->id, state, it->cancelled);
    }
    freeReplyObject(r);
}

/* A command takes effect once; an event is posted, and settled once. */
static void check_once(struct sim *s, const struct sim_item *it)
{
    int64_t times = ask_int(s, "HGET {sim}:%s %s", it->queue == SIM_IN ? "fx" : "fc", it->id);

    if (times != 1) {
        sim_broken(s, "%s took effect %lld times", it->id, (long long)times);
    }
    if (it->sends == 0) {
        sim_broken(s, "%s was settled and never done", it->id);
    }
}

/*
 * First hand-overs follow acceptance, lane by lane. What was accepted for later joins later. While
 * one waits for a word to its own sender, those behind it may go by the other one; and one whose
 * attempt ended nobody knows how is decided before what was released meanwhile.
 */
static void check_order(struct sim *s)
{
    for (int i = 0; i < s->nitems; i++) {
        const struct sim_item *a = &s->items[i];

        for (int j = 0; j < s->nitems && a->sends > 0 && !a->later; j++) {
            const struct sim_item *b = &s->items[j];

            if (b->sends > 0 && !b->later && b->queue == a->queue && a->order < b->order &&
                strcmp(a->lane, b->lane) == 0 && a->sent_us[0] > b->sent_us[0] &&
                !(a->was_held && b->apart)) {
                sim_broken(s, "lane %s: %s before %s", a->lane, b->id, a->id);
            }
        }
    }
}

/* GCRA: of any tokens taken, never more than the burst and one an interval. A jump ahead fills the
 * burst. */
static void check_rate(struct sim *s, int person, int64_t interval_us, int64_t burst)
{
    for (int i = 0; i < s->ntaken && interval_us > 0; i++) {
        int64_t n = 0;

        if (person >= 0 && s->taken[i].person != person) {
            continue;
        }
        for (int j = i; j < s->ntaken; j++) {
            int64_t most, jumps = s->taken[j].jumps - s->taken[i].jumps;

            if (person >= 0 && s->taken[j].person != person) {
                continue;
            }
            n++;
            most = burst * (1 + jumps) + (s->taken[j].at_us - s->taken[i].at_us) / interval_us;
            if (n > most) {
                sim_broken(s, "rate of %d: %lld within %lld us", person, (long long)n,
                           (long long)(s->taken[j].at_us - s->taken[i].at_us));
                return;
            }
        }
    }
}

static void check_counters(struct sim *s)
{
    int64_t accepted = 0;

    for (int i = 0; i < s->nitems; i++) {
        accepted += s->items[i].client && s->items[i].accepted ? 1 : 0;
    }
    if (ask_int(s, "HGET {sim}:%s %s", "count", "n") != accepted) {
        sim_broken(s, "the counter does not know %lld", (long long)accepted);
    }
    if (ask_int(s, "GET {sim}:%s%s", "seq", "") != s->ncb ||
        ask_int(s, "XLEN {sim}:%s%s", "ev", "") != s->ncb) {
        sim_broken(s, "%d events, and the sequence says otherwise", s->ncb);
    }
}

void sim_check_end(struct sim *s)
{
    sim_check_keys(s);
    for (int i = 0; i < s->nitems && s->broken[0] == '\0'; i++) {
        const struct sim_item *it = &s->items[i];

        if (it->client && !it->known) {
            sim_broken(s, "%s was never accepted", it->id);
        } else if (it->accepted && it->finishes == 0 &&
                   !(it->queue == SIM_OUT && (it->evidence || it->cancelled))) {
            sim_broken(s, "%s is lost: never settled", it->id);
        } else if (it->accepted && it->queue == SIM_OUT) {
            check_message(s, it);
        } else if (it->accepted) {
            check_once(s, it);
        }
    }
    if (!sim_all_settled(s)) {
        sim_broken(s, "something still waits in a lane");
    }
    check_counts(s);
    check_order(s);
    sim_check_people(s);
    check_rate(s, -1, s->rate.interval_us, s->rate.burst);
    for (int person = 0; person < 10; person++) {
        check_rate(s, person, s->rate.pair_interval_ms * 1000, s->rate.pair_burst);
    }
    check_counters(s);
}
