/* talk_alert: RESPONDING and ESCALATE, by word and button. Which alert is meant: domain/alert.h. */
#include "base/mem.h"
#include "domain/alert.h"
#include "matter_int.h"
#include "talk_int.h"

#define CHOICES_MAX MESSAGE_ROWS_MAX
#define WHY_MAX     300

static struct str asset_of(const struct alert *al)
{
    return al->asset_name.n > 0 ? al->asset_name : al->id;
}

static bool open_alert(struct talk *t, const struct matter *m, struct alert *al)
{
    struct err err = {0};

    if (alert_decode(t->a, m->body, al, &err)) {
        return true;
    }
    talk_say(t, "reply.tap_unknown");
    return false;
}

static void store(struct talk *t, const struct matter *m, const struct alert *al)
{
    struct matter *after = ARENA_NEW(t->a, struct matter);

    *after = *m;
    alert_store(t->a, al, t->p->now, after);
    plan_matter(t->p, after);
}

/* ---- what is said when nothing follows ---- */

static void say_taken(struct talk *t, const struct alert *al)
{
    const struct alert_answer *first = alert_first(al);

    talk_say(t, "reply.alert_taken", ARG_S("name", first->name), ARG_S("asset", asset_of(al)),
             ARG_T("at", first->at));
}

static void say_over(struct talk *t, const struct alert *al)
{
    const struct alert_answer *first = alert_first(al);

    if (first != NULL) {
        talk_say(t, "reply.alert_over_by", ARG_S("asset", asset_of(al)), ARG_T("at", al->cleared),
                 ARG_S("name", first->name));
    } else {
        talk_say(t, "reply.alert_over", ARG_S("asset", asset_of(al)), ARG_T("at", al->cleared));
    }
}

/* ---- RESPONDING ---- */

static void tell_responded(struct talk *t, const struct matter *m, const struct alert *al)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    jw_open(&w, "alert", '{');
    jw_str(&w, "id", al->id);
    jw_close(&w, '}');
    jw_int(&w, "after_ms", t->p->now.ms - al->raised.ms);
    jw_int(&w, "responders", alert_on_it(al));
    jw_int(&w, "need", al->ladder.rungs[al->rung].need);
    alert_write_tried(al, &w, "tried");
    talk_matter_event(t, "gateway.alert.responded.v1", m, &w, data);
}

static void respond(struct talk *t, const struct matter *m)
{
    struct alert al;
    struct str name = t->u->name.n > 0 ? t->u->name : t->u->id;
    int64_t missing;

    if (!open_alert(t, m, &al)) {
        return;
    }
    switch (alert_respond(t->a, &al, t->u->id, name, t->p->now)) {
    case ALERT_OVER:
        say_over(t, &al);
        return;
    case ALERT_TAKEN:
        say_taken(t, &al);
        return;
    case ALERT_AGAIN:
        store(t, m, &al);
        talk_say(t, "reply.alert_again", ARG_S("asset", asset_of(&al)));
        return;
    default:
        break;
    }
    store(t, m, &al);
    tell_responded(t, m, &al);
    t->p->responded_ms = t->p->now.ms - al.raised.ms;
    missing = al.ladder.rungs[al.rung].need - alert_on_it(&al);
    if (missing > 0) {
        talk_say(t, "reply.alert_responding_more", ARG_S("asset", asset_of(&al)),
                 ARG_N("n", missing));
    } else {
        talk_say(t, "reply.alert_responding", ARG_S("asset", asset_of(&al)));
    }
}

/* ---- ESCALATE ---- */

static void tell_escalated(struct talk *t, const struct matter *m, const struct alert *al,
                           struct str why)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    alert_write_escalated(al, why, NULL, &w);
    talk_matter_event(t, "gateway.workorder.escalated.v1", m, &w, data);
}

static void escalate(struct talk *t, const struct matter *m, struct str why, int64_t rung)
{
    struct alert al;
    const struct alert_told *told;
    enum alert_verdict verdict;

    if (!open_alert(t, m, &al)) {
        return;
    }
    told = alert_find_told(&al, t->u->id);
    /* Who was told of it on no rung (its message was passed on to him) speaks for the one at hand.
     */
    rung = rung > 0 ? rung : told != NULL ? told->rung : (int64_t)al.rung + 1;
    why = i18n_cut(t->a, why, WHY_MAX);
    verdict = alert_escalate(&al, t->u->id, t->u->name.n > 0 ? t->u->name : t->u->id, why, rung);
    if (verdict == ALERT_OVER) {
        say_over(t, &al);
    } else if (verdict == ALERT_TAKEN) {
        say_taken(t, &al);
    } else if (verdict == ALERT_PASSED) {
        talk_say(t, "reply.alert_passed", ARG_S("asset", asset_of(&al)));
    } else {
        store(t, m, &al);
        tell_escalated(t, m, &al, why);
        if (verdict == ALERT_LAST) {
            alert_tell_unanswered(t->p, &al, t->via);
        }
        talk_say(t, verdict == ALERT_LAST ? "reply.alert_last" : "reply.alert_escalated",
                 ARG_S("asset", asset_of(&al)));
    }
}

void talk_alert_tap(struct talk *t, const struct matter *m, struct str action)
{
    struct str word, number;
    int64_t rung = 0;

    if (str_eqz(action, "respond")) {
        respond(t, m);
    } else if (str_eqz(action, "escalate") ||
               (str_cut(action, ',', &word, &number) && str_eqz(word, "escalate") &&
                str_to_i64(number, 1, LADDER_RUNGS_MAX, &rung))) {
        escalate(t, m, STR_NONE, rung);
    } else {
        talk_say(t, "reply.tap_unknown");
    }
}

/* ---- which one ---- */

/* Those that wait for him; @waiting: nobody has them yet. */
static size_t waiting_for(struct talk *t, bool waiting, const struct matter **out)
{
    const struct matter *open[MATTER_ASKED_MAX];
    size_t all = talk_matters_open(t, MATTER_ALERT, open, ARRAY_LEN(open)), n = 0;

    for (size_t i = 0; i < all && n < CHOICES_MAX; i++) {
        struct alert al;
        struct err err = {0};

        if (alert_decode(t->a, open[i]->body, &al, &err) &&
            (!waiting || al.state != ALERT_RESPONDED)) {
            out[n++] = open[i];
        }
    }
    return n;
}

static void ask_which(struct talk *t, const char *action, const struct matter *const *open,
                      size_t n)
{
    struct message *m = talk_say(t, "reply.alert_which");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n; i++) {
        struct alert al;
        struct err err = {0};

        if (alert_decode(t->a, open[i]->body, &al, &err)) {
            talk_add_option(t, m, matter_payload(t->a, open[i], action), asset_of(&al),
                            notice_alert_text(t->p, &al, t->u));
        }
    }
}

void talk_cmd_responding(struct talk *t)
{
    const struct matter *open[CHOICES_MAX], *meant;
    struct str typed = str_trim(t->call.whole);
    size_t n;

    meant = talk_matter_meant(t, MATTER_ALERT, typed);
    if (meant != NULL) {
        respond(t, meant);
        return;
    }
    n = waiting_for(t, true, open);
    if (n == 0) {
        n = waiting_for(t, false, open); /* who has it is said, or his sign of life taken */
        n = n > 1 ? 1 : n;
    }
    if (n == 1) {
        respond(t, open[0]);
    } else if (n == 0) {
        talk_say(t, "reply.no_alert");
    } else {
        ask_which(t, "respond", open, n);
    }
}

bool talk_alert_said(struct talk *t)
{
    const struct matter *m = talk_matter_meant(t, MATTER_ALERT, STR_NONE);

    if (m == NULL || !t->call.says_started) {
        return false;
    }
    t->via = "reply";
    respond(t, m);
    return true;
}

/* The alert of his that he names ("ESCALATE AL-7 still rising"), and the words behind it. */
static const struct matter *named(struct talk *t, struct str *why)
{
    struct str typed = str_trim(t->call.whole), word = typed, rest = STR_NONE;

    str_cut(typed, ' ', &word, &rest);
    for (size_t i = 0; i < t->v->nmatters && word.n > 0; i++) {
        const struct matter *m = t->v->matters[i].matter;

        if (m->kind == MATTER_ALERT && str_ieq(m->id, word)) {
            *why = str_trim(rest);
            return m;
        }
    }
    return NULL;
}

static bool quotes_order(const struct talk *t)
{
    for (size_t i = 0; i < t->v->norders; i++) {
        if ((t->v->orders[i].flags & VIEW_QUOTED) != 0) {
            return true;
        }
    }
    return false;
}

/* An alert that has lain for a day is no reason to take a word from an order. */
static size_t fresh_for(struct talk *t, const struct matter **out)
{
    const struct matter *open[CHOICES_MAX];
    size_t all = waiting_for(t, false, open), n = 0;

    for (size_t i = 0; i < all; i++) {
        struct alert al;
        struct err err = {0};
        const struct alert_told *told;

        if (!alert_decode(t->a, open[i]->body, &al, &err)) {
            continue;
        }
        told = alert_find_told(&al, t->u->id);
        if (al.state == ALERT_OPEN ||
            (al.state == ALERT_RESPONDED && alert_has_answered(&al, t->u->id))) {
            if (told == NULL || told->at.ms + ALERT_FRESH_MS > t->p->now.ms) {
                out[n++] = open[i];
            }
        }
    }
    return n;
}

bool talk_escalate_alert(struct talk *t)
{
    const struct matter *open[CHOICES_MAX], *meant;
    struct str why = str_trim(t->call.whole);
    size_t n;

    if (t->tap_order.n > 0) {
        return false;
    }
    meant = named(t, &why);
    meant = meant != NULL ? meant : talk_matter_meant(t, MATTER_ALERT, STR_NONE);
    if (meant != NULL) {
        escalate(t, meant, why, 0);
        return true;
    }
    if (quotes_order(t) || (t->call.order.n > 0 && t->call.order_sure)) {
        return false;
    }
    n = fresh_for(t, open);
    if (n == 1) {
        escalate(t, open[0], why, 0);
    } else if (n > 1) {
        ask_which(t, "escalate", open, n);
    }
    return n > 0;
}
