#include "sim.h"

#include <stdio.h>

/* What src/store/lua makes of sn:<sender>, written down a second time. */

#define SLOWEST_PCT 5

static bool clock_is_good(const struct sim *s)
{
    return s->jumps == 0;
}

static double pct_now(const struct sim *s)
{
    double pct = 100;

    if (s->model.since_ms > 0) {
        pct = (double)s->model.pct + (double)(sim_redis_ms(s) - s->model.since_ms) / 200;
    }
    return pct < 100 ? pct : 100;
}

/* A burst is a time: fewer of the slow ones. */
static double scaled(double burst, int64_t at_full, int64_t interval)
{
    double slow = burst * (double)at_full / (double)interval;

    return slow > 1 ? slow : 1;
}

/* Never more than the burst and one an interval, of the pace in force; the last of it for replies.
 */
static void check_rate(struct sim *s, const struct sim_item *it)
{
    int64_t interval = s->rate.interval_us, at_full;
    double pct = pct_now(s), slowed, burst = (double)s->rate.burst, room;
    double kept = it->lane[0] - '0' > PRIO_REPLY ? (double)s->rate.reserve : 0, kept_slow;

    if (pct < 100) {
        if (interval == 0) {
            interval = 12500;
            burst = 4;
        }
    }
    if (interval == 0) {
        return;
    }
    at_full = interval;
    slowed = (double)interval * 100 / pct;
    interval = (int64_t)slowed + ((double)(int64_t)slowed < slowed ? 1 : 0);
    /* Of a slow burst less is kept: at least one goes; a grant and a claim count a little
     * otherwise. */
    burst = scaled(burst, at_full, interval);
    kept_slow = burst - scaled((double)s->rate.burst - kept, at_full, interval);
    kept = kept > burst - 1 ? (double)(int64_t)(burst - 1) : kept;
    kept = kept > kept_slow ? kept_slow : kept;
    s->model.tat_us = s->model.tat_us < s->now_us ? s->now_us : s->model.tat_us;
    room = burst * (double)interval - (double)(s->model.tat_us - s->now_us);
    if (room + 1 < (1 + kept) * (double)interval) {
        sim_broken(s, "%s: %s at %d %%", it->id,
                   kept > 0 ? "goes on what is kept for replies" : "goes too fast", (int)pct);
    }
    s->model.tat_us += interval;
}

void sim_check_pace(struct sim *s, const struct sim_item *it)
{
    if (s->model.paused) {
        sim_broken(s, "%s: leased while the sender is paused", it->id);
    }
    if (!clock_is_good(s)) {
        return;
    }
    if (s->model.rest_ms > sim_redis_ms(s)) {
        sim_broken(s, "%s: leased while the sender rests", it->id);
    }
    check_rate(s, it);
}

bool sim_cold(const struct sim *s)
{
    return s->told_percent > 50 && s->now_us < s->calm_us && s->now_us / (4 * SECOND) % 4 == 0;
}

enum sim_told sim_tell(struct sim *s, struct commit *c, int64_t token, int64_t *number)
{
    static const char *const words[] = {"", "slow", "rest", "pause"};
    enum sim_told told;

    if (!sim_cold(s) && !sim_chance(s, s->told_percent / 2)) {
        return TOLD_NOTHING;
    }
    told = (enum sim_told)(TOLD_SLOW + sim_random(s, 3));
    *number = told == TOLD_SLOW   ? SLOWEST_PCT
              : told == TOLD_REST ? 200 + (int64_t)sim_random(s, 5000)
                                  : 0;
    commit_sender(c, STR("s"), words[told], *number, token, STR("why"), STR("advice"));
    return told;
}

static bool slow(struct sim *s, int64_t least)
{
    int64_t now_ms = sim_redis_ms(s), half = (int64_t)pct_now(s) / 2;

    if (s->model.since_ms > 0 && now_ms < s->model.since_ms + 1000) {
        return false;
    }
    s->model.pct = half > least ? half : least;
    s->model.since_ms = now_ms;
    s->nslow++;
    return true;
}

static bool rest(struct sim *s, int64_t ms)
{
    int64_t until = sim_redis_ms(s) + ms;

    if (until <= s->model.rest_ms) {
        return false;
    }
    s->model.rest_ms = until;
    s->nrest++;
    return true;
}

static bool pause(struct sim *s)
{
    if (s->model.paused) {
        return false;
    }
    s->model.paused = true;
    s->people.paused_ms = sim_redis_ms(s);
    s->npause++;
    sim_plan(s, sim_ms(s, sim_random(s, 2) == 0 ? 200 : 10000), EV_RESUME, -1, 0, 0);
    return true;
}

static bool resumed(struct sim *s, int64_t pct)
{
    bool waited = s->model.paused || s->model.rest_ms > sim_redis_ms(s);

    s->model.paused = false;
    s->model.rest_ms = 0;
    s->model.resumed = s->newest_token;
    if (pct < 100) {
        s->model.pct = pct;
        s->model.since_ms = sim_redis_ms(s);
    }
    sim_wake(s, SIM_OUT);
    return waited;
}

void sim_was_told(struct sim *s, enum sim_told told, int64_t number, int64_t token, int64_t news)
{
    bool want = false, timed = told != TOLD_PAUSE;

    if (told == TOLD_NOTHING) {
        return;
    }
    if (told == TOLD_RESUME || token > s->model.resumed) {
        want = told == TOLD_SLOW    ? slow(s, number)
               : told == TOLD_REST  ? rest(s, number)
               : told == TOLD_PAUSE ? pause(s)
                                    : resumed(s, number);
    }
    sim_note(s, "told", told, news);
    if (want != (news == 1) && (clock_is_good(s) || !timed)) {
        sim_broken(s, "the sender was told %d by %lld: %lld", told, (long long)token,
                   (long long)news);
    }
}

/* By an operator, or by a probe: then it begins with a few. */
void sim_resume(struct sim *s)
{
    int worker = sim_any_worker(s), call;
    char id[24];
    struct commit *c;

    if (!s->model.paused) {
        return;
    }
    if (worker >= 0) {
        int64_t pct = sim_random(s, 2) == 0 ? SLOWEST_PCT : 100;

        c = commit_new(SIM_TENANT);
        snprintf(id, sizeof(id), "resume%llu", (unsigned long long)s->nth);
        commit_once(c, str_of(id));
        commit_sender(c, STR("s"), "resume", pct, 0, STR_NONE, STR_NONE);
        call = sim_call_new(s, worker, c, CALL_RESUME, 0, -1);
        s->calls[call].told = TOLD_RESUME;
        s->calls[call].number = pct;
        sim_call_plan(s, call, sim_ms(s, 2));
    }
    sim_plan(s, 5 * SECOND, EV_RESUME, -1, 0, 0); /* until it is so */
}
