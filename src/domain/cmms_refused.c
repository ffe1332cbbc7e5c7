/*
 * cmms_refused: the CMMS answered an event of ours with 409 or 422: who caused it is told the
 * reason, and the copy goes back to what it was.
 */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/alert.h"
#include "domain/notice.h"
#include "domain/pm.h"
#include "matter_int.h"

/* ---- orders ---- */

/* A later request began where the refused one would have led: refused too, it goes back behind both. */
static const struct order *begin_before(const struct order *kept, struct str to, struct str from,
                                        struct plan *p)
{
    struct order *o;
    enum order_status was;

    if (!str_eq(kept->refused_back_to, to) || !order_status_parse(from, &was)) {
        return kept;
    }
    o = ARENA_NEW(p->a, struct order);
    *o = *kept;
    o->refused_back_to = from;
    plan_order(p, o, kept);
    return o;
}

/* The copy goes back, if what was refused is what it shows: a later request may be on its way. */
static const struct order *go_back(const struct order *kept, struct str to, struct str from,
                                   struct plan *p)
{
    struct order *o;
    enum order_status back;

    if (!str_eqz(to, order_status_name(kept->status))) {
        return begin_before(kept, to, from, p);
    }
    if (!order_status_parse(kept->refused_back_to, &back)) {
        return kept;
    }
    o = ARENA_NEW(p->a, struct order);
    *o = *kept;
    o->status = back;
    o->refused_back_to = o->asked_by = o->asked_to = STR_NONE;
    if (back != ORDER_COMPLETED) {
        o->completed = (struct wall){0};
    }
    plan_order(p, o, kept);
    return o;
}
static void order_refused(const struct json *event, struct str reason, const struct cmms_view *view,
                          const struct user *to, struct plan *p)
{
    struct str type = json_get_str(event, "type");
    bool ack = str_eqz(type, "gateway.workorder.acknowledged.v1");
    const struct order *o = view->order;

    if (o == NULL) {
        if (to != NULL && str_eqz(type, "gateway.request.submitted.v1")) {
            notice_report_refused(p, to, json_str(json_path(event, "data.text")), reason);
        } else if (to != NULL && str_eqz(type, "gateway.team.message.v1")) {
            notice_refused_about(p, json_str(json_path(event, "data.team")), to, reason);
        }
        return;
    }
    plan_entry(p, o->id, "refused", to != NULL ? to->id : STR_NONE, reason);
    if (!ack && !str_eqz(type, "gateway.workorder.status_requested.v1")) {
        if (to != NULL) {
            notice_refused_words(p, o, to, reason);
        }
        return;
    }
    o = ack ? go_back(o, STR("acknowledged"), STR("open"), p) /* there is no other way to it */
            : go_back(o, json_str(json_path(event, "data.to")),
                      json_str(json_path(event, "data.from")), p);
    if (to != NULL) {
        notice_refused(p, o, to, reason);
    }
}

/* ---- scheduled maintenance ---- */

struct str cmms_refused_matter(struct arena *a, const struct json *event)
{
    struct str id = json_get_text(json_path(event, "data.pm"), "id", a);
    struct str alert = json_get_text(json_path(event, "data.alert"), "id", a);

    return matter_id_ok(id)      ? matter_ref(a, MATTER_PM, id)
           : matter_id_ok(alert) ? matter_ref(a, MATTER_ALERT, alert)
                                 : STR_NONE;
}

static bool pm_says(const struct pm *pm, struct str type)
{
    static const struct {
        const char *type;
        enum pm_state state;
    } rows[] = {
        {"gateway.pm.completed.v1",            PM_DONE     },
        {"gateway.pm.confirmed.v1",            PM_CONFIRMED},
        {"gateway.pm.reschedule_requested.v1", PM_MOVED    }
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eqz(type, rows[i].type)) {
            return pm->state == rows[i].state;
        }
    }
    return false;
}

static void pm_refused(const struct json *event, struct str reason, const struct matter *was,
                       const struct user *to, struct plan *p)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct err err = {0};
    struct pm pm;

    *m = *was;
    if (!pm_decode(p->a, m->body, &pm, &err)) {
        return;
    }
    /* Somebody may have said something else since: that stands. */
    if (pm.has_before && pm_says(&pm, json_get_str(event, "type"))) {
        /* The others were told that it is done, or moved: they are reminded anew. */
        pm.told = !m->over && !(pm.state == PM_MOVED && pm.npeople > 1 && !pm.news);
        pm.news = pm.news && pm.state == PM_CONFIRMED; /* of what was said before that */
        pm.state = pm.before;
        pm.due = pm.due_before;
        pm.has_before = false;
        pm.by = STR_NONE;
        m->over = false;
        m->clock = p->now; /* sets the time of the next reminder */
        pm_keep(p->a, &pm, m);
        plan_matter(p, m);
        for (size_t i = 0; i < pm.npeople; i++) {
            plan_ask(p, m, pm.people[i], true);
        }
    }
    if (to != NULL) {
        notice_pm_refused(p, &pm, m, to, reason);
    }
}

/* ---- alerts ---- */

/* Who is called next is ours to say: nothing goes back, and who responded stays on it. */
static void alert_refused(const struct json *event, struct str reason, const struct matter *m,
                          const struct user *to, struct plan *p)
{
    struct str name = json_get_text(json_path(event, "data.alert"), "id", p->a);
    struct err err = {0};
    struct alert al;

    if (m != NULL && alert_decode(p->a, m->body, &al, &err) && al.asset_name.n > 0) {
        name = al.asset_name;
    }
    if (to != NULL) {
        notice_refused_about(p, name, to, reason);
    }
}

/* ---- any ---- */

void cmms_refused(const struct json *event, struct str reason, const struct cmms_view *view,
                  size_t nusers, struct plan *p)
{
    const struct user *to = nusers > 0 ? view->users[0] : NULL;
    struct str checklist = json_str(json_path(event, "data.checklist.name"));

    if (json_path(event, "data.alert.id") != NULL) {
        alert_refused(event, reason, view->matter, to, p);
    } else if (view->matter != NULL) {
        pm_refused(event, reason, view->matter, to, p);
    } else if (checklist.n > 0) {
        if (to != NULL) {
            notice_checklist_refused(p, checklist, to, reason);
        }
    } else {
        order_refused(event, reason, view, to, p);
    }
}
