/* alert_matter: the clock of an alert strikes: a rung is told, news of it are told, it goes on. */
#include "base/mem.h"
#include "domain/alert.h"
#include "domain/notice.h"
#include "matter_int.h"

_Static_assert(MATTER_GROUPS_MAX > 2 * LADDER_NAMES_MAX, "nobody of a crowd is left out");

/* ---- whom a strike wants ---- */

/* Of more people than can be wanted at once those who come first by id: the others follow. */
static void want_next(struct matter_wants *out, struct str id)
{
    size_t last = 0;

    if (out->after.n > 0 && str_cmp(id, out->after) <= 0) {
        return;
    }
    if (out->nids < MATTER_PEOPLE_MAX) {
        matter_wants_person(out, id);
        return;
    }
    for (size_t i = 0; i < out->nids; i++) {
        if (str_eq(out->ids[i], id)) {
            return;
        }
        last = str_cmp(out->ids[i], out->ids[last]) > 0 ? i : last;
    }
    if (str_cmp(id, out->ids[last]) < 0) {
        out->ids[last] = id;
    }
}

static void want_crowd(const struct crowd *c, struct matter_wants *out)
{
    for (size_t i = 0; i < c->nusers; i++) {
        want_next(out, c->users[i]);
    }
    for (size_t i = 0; i < c->nteams && out->nteams < MATTER_GROUPS_MAX; i++) {
        out->teams[out->nteams++] = c->teams[i];
    }
    for (size_t i = 0; i < c->nsites && out->nsites < MATTER_GROUPS_MAX; i++) {
        out->sites[out->nsites++] = c->sites[i];
    }
    out->roles |= c->roles | (c->all ? ROLE_CREW : 0);
}

/* More than those of the rung: who of the site it is, its roles say when they are read. */
static void want_rung(const struct alert *al, struct matter_wants *out)
{
    const struct crowd *to = &al->ladder.rungs[al->rung].to;

    want_crowd(to, out);
    if (to->audience) {
        want_crowd(&al->audience, out);
    }
    for (size_t i = 0; to->supervisors && i < al->nsupervisors; i++) {
        want_next(out, al->supervisors[i]);
    }
    if (!to->audience && !to->supervisors) {
        return;
    }
    if (al->site.n > 0 && out->nsites < MATTER_GROUPS_MAX) {
        out->sites[out->nsites++] = al->site;
    }
    if (al->widened) {
        out->roles |=
            (to->audience ? ROLE_TECHNICIAN : 0) | (to->supervisors ? ROLE_SUPERVISOR : 0);
    }
}

static void want_news(const struct alert *al, struct matter_wants *out)
{
    size_t from = (size_t)al->news[0].next;

    for (size_t i = from; i < al->ntold && i < from + ALERT_SLICE; i++) {
        matter_wants_person(out, al->told[i].id);
    }
}

void alert_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                 struct matter_wants *out)
{
    struct alert al;
    struct err err = {0};
    struct wall when;

    (void)t;
    if (!alert_decode(a, m->body, &al, &err)) {
        return;
    }
    switch (alert_next(&al, m->clock, &when)) {
    case ALERT_NEXT_RUNG:
    case ALERT_NEXT_REOPEN:
        if (!alert_go_on(&al)) {
            break;
        }
        /* fallthrough */
    case ALERT_NEXT_FILL:
        out->most = ALERT_SLICE;
        out->after = al.cursor;
        want_rung(&al, out);
        break;
    case ALERT_NEXT_NEWS:
        want_news(&al, out);
        break;
    case ALERT_NEXT_ASK:
        for (size_t i = 0; i < al.nanswers; i++) {
            if (!al.answers[i].silent) {
                matter_wants_person(out, al.answers[i].id);
            }
        }
        break;
    case ALERT_NEXT_NOTHING:
        break;
    }
}

/* ---- events ---- */

static void tell_cmms(struct plan *p, const struct alert *al, const char *type, const char *via)
{
    struct buf data;
    struct jw w;

    buf_init(&data, (size_t)1 << 20);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "alert", '{');
    jw_str(&w, "id", al->id);
    jw_close(&w, '}');
    jw_int(&w, "after_ms", p->now.ms - al->raised.ms);
    jw_z(&w, "via", via);
    alert_write_tried(al, &w, "tried");
    jw_close(&w, '}');
    plan_event(p, type, al->id, arena_dup(p->a, buf_str(&data)), STR_NONE);
    buf_fini(&data);
}

void alert_tell_unanswered(struct plan *p, const struct alert *al, const char *via)
{
    tell_cmms(p, al, "gateway.alert.unanswered.v1", via);
}

/* ---- a strike ---- */

static void tell_one(struct plan *p, struct alert *al, const struct matter *m, const struct user *u)
{
    enum notify_verdict verdict = user_notify(u, CLASS_EMERGENCY, true);

    if (verdict == NOTIFY_YES) {
        notice_alert_raised(p, al, m, u);
        plan_ask(p, m, u->id, true);
        alert_add_told(p->a, al, u, u->id, STR_NONE, p->now);
    } else {
        alert_add_told(p->a, al, u, u->id, str_of(notify_reason(verdict)), p->now);
    }
}

/* Named one by one, and nobody knows them. */
static void note_unknown(struct plan *p, struct alert *al, const struct crowd *c)
{
    for (size_t i = 0; i < c->nusers; i++) {
        const struct alert_told *told = alert_find_told(al, c->users[i]);

        if ((told == NULL || told->rung != (int64_t)al->rung + 1) &&
            !alert_has_answered(al, c->users[i])) {
            alert_add_told(p->a, al, NULL, c->users[i], STR("not known"), p->now);
        }
    }
}

static void fill(const struct matter_view *v, struct alert *al, struct plan *p)
{
    const struct rung *rung = &al->ladder.rungs[al->rung];

    for (size_t i = 0; i < v->npeople && al->ntold < ALERT_TOLD_MAX; i++) {
        /* Who is on it already need not be called. */
        if (alert_rung_fits(al, v->people[i]) && !alert_has_answered(al, v->people[i]->id)) {
            tell_one(p, al, v->m, v->people[i]);
        }
    }
    if (v->more && al->ntold < ALERT_TOLD_MAX) {
        al->cursor = v->last;
        return;
    }
    note_unknown(p, al, &rung->to);
    if (rung->to.audience) {
        note_unknown(p, al, &al->audience);
    }
    if (!alert_filled(al, p->now)) {
        alert_tell_unanswered(p, al, "clock");
    }
}

static void tell_news(const struct matter_view *v, struct alert *al, struct plan *p)
{
    struct alert_news *news = &al->news[0];
    size_t from = (size_t)news->next;

    for (size_t i = from; i < al->ntold && i < from + ALERT_SLICE; i++) {
        const struct alert_told *told = &al->told[i];
        const struct user *u = matter_person(v, told->id);

        if (news->kind == ALERT_NEWS_CLEARED) {
            plan_ask(p, v->m, told->id, false);
        }
        if (u == NULL || told->why.n > 0 || str_eq(told->id, news->id)) {
            continue;
        }
        if (news->kind == ALERT_NEWS_CLEARED) {
            notice_alert_cleared(p, al, v->m, u);
        } else {
            notice_alert_taken(p, al, v->m, u, news->name);
        }
    }
    news->next = (int64_t)(from + ALERT_SLICE);
    if ((size_t)news->next >= al->ntold) {
        al->nnews--;
        memmove(&al->news[0], &al->news[1], al->nnews * sizeof(al->news[0]));
    }
}

/* Whoever cannot be asked any more is as silent as who says nothing. */
static void ask_responders(const struct matter_view *v, struct alert *al, struct plan *p)
{
    for (size_t i = 0; i < al->nanswers; i++) {
        const struct user *u = matter_person(v, al->answers[i].id);

        if (u != NULL) {
            notice_alert_still(p, al, v->m, u);
        }
    }
    al->asked = true;
    al->deadline.ms = p->now.ms + al->ladder.rungs[al->rung].wait_ms;
}

static void go_on(const struct matter_view *v, struct alert *al, struct plan *p)
{
    struct buf data;
    struct jw w;

    if (!alert_go_on(al)) {
        alert_tell_unanswered(p, al, "clock");
        return;
    }
    buf_init(&data, (size_t)1 << 20);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    alert_write_escalated(al, STR("no answer"), "ladder", &w);
    jw_close(&w, '}');
    plan_event(p, "gateway.workorder.escalated.v1", al->id, arena_dup(p->a, buf_str(&data)),
               STR_NONE);
    buf_fini(&data);
    fill(v, al, p);
}

void alert_write_escalated(const struct alert *al, struct str why, const char *via, struct jw *w)
{
    jw_open(w, "alert", '{');
    jw_str(w, "id", al->id);
    jw_close(w, '}');
    crowd_write(&al->ladder.rungs[al->rung].to, w, "to");
    jw_int(w, "rung", (int64_t)al->rung + 1);
    jw_str(w, "why", why);
    if (via != NULL) {
        jw_z(w, "via", via);
    }
}

bool alert_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct alert *al = ARENA_NEW(p->a, struct alert);
    struct wall when;

    *m = *v->m;
    if (!alert_decode(p->a, m->body, al, err)) {
        return false;
    }
    switch (alert_next(al, m->clock, &when)) {
    case ALERT_NEXT_FILL:
        fill(v, al, p);
        break;
    case ALERT_NEXT_NEWS:
        tell_news(v, al, p);
        break;
    case ALERT_NEXT_ASK:
        ask_responders(v, al, p);
        break;
    case ALERT_NEXT_REOPEN:
        alert_silence(al);
        /* fallthrough */
    case ALERT_NEXT_RUNG:
        go_on(v, al, p);
        break;
    case ALERT_NEXT_NOTHING:
        break;
    }
    alert_store(p->a, al, p->now, m);
    plan_matter(p, m);
    return true;
}
