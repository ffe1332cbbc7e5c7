/* alert_rules: how an alert goes on: by what people say, and by its clock. Pure. */
#include "domain/alert.h"

#include "base/mem.h"

#define SUPERVISORS_MAX 64

enum alert_next alert_next(const struct alert *al, struct wall now, struct wall *when)
{
    enum alert_next next = ALERT_NEXT_NOTHING;

    *when = now;
    if (al->filling && al->state == ALERT_OPEN) {
        return ALERT_NEXT_FILL;
    }
    if (al->nnews > 0) {
        return ALERT_NEXT_NEWS;
    }
    if (al->deadline.ms > 0 && al->state == ALERT_OPEN) {
        next = ALERT_NEXT_RUNG;
    } else if (al->deadline.ms > 0 && al->state == ALERT_RESPONDED) {
        next = al->asked ? ALERT_NEXT_REOPEN : ALERT_NEXT_ASK;
    }
    when->ms = next == ALERT_NEXT_NOTHING ? 0 : al->deadline.ms;
    return next;
}

bool alert_has_answered(const struct alert *al, struct str id)
{
    for (size_t i = 0; i < al->nanswers; i++) {
        if (!al->answers[i].silent && str_eq(al->answers[i].id, id)) {
            return true;
        }
    }
    return false;
}

int64_t alert_on_it(const struct alert *al)
{
    int64_t n = 0;

    for (size_t i = 0; i < al->nanswers; i++) {
        n += !al->answers[i].silent;
    }
    return n;
}

const struct alert_answer *alert_first(const struct alert *al)
{
    for (size_t i = 0; i < al->nanswers; i++) {
        if (!al->answers[i].silent) {
            return &al->answers[i];
        }
    }
    return NULL;
}

void alert_silence(struct alert *al)
{
    for (size_t i = 0; i < al->nanswers; i++) {
        al->answers[i].silent = true;
    }
}

/* To be said to all who were told; the newest where there is too much to say. */
static void add_news(struct alert *al, enum alert_news_kind kind, struct str id, struct str name)
{
    if (al->nnews == ALERT_NEWS_MAX) {
        al->nnews--;
    }
    al->news[al->nnews++] = (struct alert_news){.kind = kind, .id = id, .name = name};
}

static void reopen_later(struct alert *al, struct wall now)
{
    al->asked = false;
    al->deadline.ms = al->ladder.reopen_ms > 0 ? now.ms + al->ladder.reopen_ms : 0;
}

/* Who was silent and is on it all the same has responded then. */
static void add_answer(struct arena *a, struct alert *al, struct str id, struct str name,
                       struct wall now)
{
    struct alert_answer *more = ARENA_ARRAY(a, struct alert_answer, al->nanswers + 1);

    for (size_t i = 0; i < al->nanswers; i++) {
        more[i] = al->answers[i];
        if (str_eq(more[i].id, id)) {
            more[i].silent = false;
            id = STR_NONE;
        }
    }
    al->answers = more;
    if (id.n > 0) {
        more[al->nanswers++] = (struct alert_answer){
            .id = id, .name = name, .at = now, .after_ms = now.ms - al->raised.ms};
    }
}

enum alert_verdict alert_respond(struct arena *a, struct alert *al, struct str id, struct str name,
                                 struct wall now)
{
    if (al->state == ALERT_CLEARED) {
        return ALERT_OVER;
    }
    if (alert_has_answered(al, id)) {
        if (al->state == ALERT_RESPONDED) {
            reopen_later(al, now);
        }
        return ALERT_AGAIN;
    }
    if (al->state == ALERT_RESPONDED) {
        return ALERT_TAKEN;
    }
    add_answer(a, al, id, name, now);
    if (alert_on_it(al) >= al->ladder.rungs[al->rung].need) {
        al->state = ALERT_RESPONDED;
        al->filling = false;
        reopen_later(al, now);
    }
    add_news(al, ALERT_NEWS_RESPONDING, id, name);
    return ALERT_OK;
}

bool alert_go_on(struct alert *al)
{
    al->asked = false;
    al->deadline.ms = 0;
    al->escalated_by = al->why = STR_NONE;
    if (al->rung + 1 == al->ladder.n) {
        al->state = ALERT_UNANSWERED;
        al->filling = false;
        return false;
    }
    al->state = ALERT_OPEN;
    al->rung++;
    al->filling = true;
    al->widened = false;
    al->cursor = STR_NONE;
    return true;
}

enum alert_verdict alert_escalate(struct alert *al, struct str id, struct str name, struct str why,
                                  int64_t rung)
{
    if (al->state == ALERT_CLEARED) {
        return ALERT_OVER;
    }
    if (al->state == ALERT_RESPONDED && !alert_has_answered(al, id)) {
        return ALERT_TAKEN;
    }
    if (al->state == ALERT_UNANSWERED || rung < (int64_t)al->rung + 1) {
        return ALERT_PASSED;
    }
    if (!alert_go_on(al)) {
        return ALERT_LAST;
    }
    al->escalated_by = name;
    al->why = why;
    return ALERT_OK;
}

/* ---- a rung is told ---- */

const struct alert_told *alert_find_told(const struct alert *al, struct str id)
{
    for (size_t i = 0; i < al->ntold; i++) {
        if (str_eq(al->told[i].id, id)) {
            return &al->told[i];
        }
    }
    return NULL;
}

static bool has_supervisor(const struct alert *al, struct str id)
{
    for (size_t i = 0; i < al->nsupervisors; i++) {
        if (str_eq(al->supervisors[i], id)) {
            return true;
        }
    }
    return false;
}

static void add_supervisor(struct arena *a, struct alert *al, struct str id)
{
    struct str *more;

    if (id.n == 0 || al->nsupervisors == SUPERVISORS_MAX || has_supervisor(al, id)) {
        return;
    }
    more = ARENA_ARRAY(a, struct str, al->nsupervisors + 1);
    for (size_t i = 0; i < al->nsupervisors; i++) {
        more[i] = al->supervisors[i];
    }
    more[al->nsupervisors++] = id;
    al->supervisors = more;
}

static struct alert_told *told_place(struct arena *a, struct alert *al, struct str id)
{
    struct alert_told *more;

    for (size_t i = 0; i < al->ntold; i++) {
        if (str_eq(al->told[i].id, id)) {
            return &al->told[i];
        }
    }
    if (al->ntold >= al->told_room) {
        al->told_room = 2 * al->ntold + ALERT_SLICE;
        more = ARENA_ARRAY(a, struct alert_told, al->told_room);
        for (size_t i = 0; i < al->ntold; i++) {
            more[i] = al->told[i];
        }
        al->told = more;
    }
    return &al->told[al->ntold++];
}

void alert_add_told(struct arena *a, struct alert *al, const struct user *u, struct str id,
                    struct str why, struct wall now)
{
    *told_place(a, al, id) = (struct alert_told){.id = id,
                                                 .name = u != NULL ? u->name : STR_NONE,
                                                 .why = why,
                                                 .rung = (int64_t)al->rung + 1,
                                                 .at = now};
    if (u != NULL) {
        add_supervisor(a, al, u->supervisor);
    }
}

bool alert_rung_fits(const struct alert *al, const struct user *u)
{
    const struct crowd *to = &al->ladder.rungs[al->rung].to;
    const struct crowd *audience = &al->audience;
    bool here = al->widened || (al->site.n > 0 && str_eq(u->site, al->site));
    bool named = audience->nusers > 0 || audience->nteams > 0 || audience->nsites > 0 ||
                 audience->roles != 0 || audience->all;

    if (crowd_fits(to, u)) {
        return true;
    }
    if (to->audience &&
        (named ? crowd_fits(audience, u) : here && (u->roles & ROLE_TECHNICIAN) != 0)) {
        return true;
    }
    return to->supervisors &&
           (has_supervisor(al, u->id) || (here && (u->roles & ROLE_SUPERVISOR) != 0));
}

static bool reached_somebody(const struct alert *al)
{
    for (size_t i = 0; i < al->ntold; i++) {
        if (al->told[i].rung == (int64_t)al->rung + 1 && al->told[i].why.n == 0) {
            return true;
        }
    }
    return false;
}

/* Whom a site gives may be nobody: then all of that role are better than silence. */
static bool may_widen(const struct alert *al)
{
    const struct crowd *to = &al->ladder.rungs[al->rung].to, *audience = &al->audience;
    bool named = audience->nusers > 0 || audience->nteams > 0 || audience->nsites > 0 ||
                 audience->roles != 0 || audience->all;

    return !al->widened && (to->supervisors || (to->audience && !named));
}

bool alert_filled(struct alert *al, struct wall now)
{
    al->begun[al->rung] = al->begun[al->rung].ms > 0 ? al->begun[al->rung] : now;
    al->cursor = STR_NONE;
    if (reached_somebody(al)) {
        al->filling = false;
        al->deadline.ms = now.ms + al->ladder.rungs[al->rung].wait_ms;
        return true;
    }
    if (may_widen(al)) {
        al->widened = true;
        return true;
    }
    return alert_go_on(al);
}

/* ---- over, and anew ---- */

void alert_clear(struct alert *al, struct wall now)
{
    al->state = ALERT_CLEARED;
    al->cleared = now;
    al->filling = false;
    al->deadline.ms = 0;
    al->nnews = 0; /* what was still to be said is overtaken */
    add_news(al, ALERT_NEWS_CLEARED, STR_NONE, al->nanswers > 0 ? al->answers[0].name : STR_NONE);
}

void alert_restart(struct alert *al, const struct alert *fresh)
{
    struct alert was = *al;

    *al = *fresh;
    al->told = was.told;
    al->ntold = was.ntold;
    al->supervisors = was.supervisors;
    al->nsupervisors = was.nsupervisors;
    for (size_t i = 0; i < al->ntold; i++) {
        al->told[i].rung = 0;
    }
}
