/* cmms_orders: what follows when the CMMS tells about a work order, or refuses what somebody asked
 * for. */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/notice.h"
#include "domain/reminder.h"

/* Named before in the same list: he has been told. */
static bool named_before(const struct order_person *list, size_t n, struct str id)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i].id, id)) {
            return true;
        }
    }
    return false;
}

void cmms_each_assignee(struct turn *t, tell_fn *tell, void *arg)
{
    for (size_t i = 0; i < t->fresh->nassignees; i++) {
        const struct order_person *named = &t->fresh->assignees[i];
        const struct user *to = cmms_person_of(t, named->id);

        if (named_before(t->fresh->assignees, i, named->id)) {
            continue;
        }
        if (to != NULL) {
            tell(t, to, arg);
        } else if (cmms_person_phone(t->p->a, named).n == 0) { /* else cmms_meet() has said why */
            plan_entry(t->p, t->fresh->id, "not_told", named->id,
                       STR("not known, and named without a phone"));
        }
    }
}

/* The requester last, unless he stands among the stakeholders. */
static void each_stakeholder(struct turn *t, enum order_status reached, bool created)
{
    for (size_t i = 0; i <= t->fresh->nstakeholders; i++) {
        bool last = i == t->fresh->nstakeholders;
        struct str id = last ? t->fresh->requester.id : t->fresh->stakeholders[i].id;
        const struct user *to = cmms_person_of(t, id);

        if (to != NULL && !order_assigned_to(t->fresh, id) &&
            !named_before(t->fresh->stakeholders, i, id)) {
            notice_stakeholder(t->p, t->fresh, to, reached, created);
        }
    }
}

/* ---- orders ---- */

/*
 * A due date that is new to us counts from when the event was accepted: a time for a reminder that
 * came while the event waited is told late, not never.
 */
static void first_reminder(struct turn *t)
{
    if (t->e->accepted.ms > 0 && t->fresh->due.ms > 0) {
        t->fresh->remind = reminder_next(t->p->tenant->conf, t->fresh->due, t->e->accepted);
    }
}

/* The copy: what the CMMS says replaces ours, but for what only we know. */
void cmms_keep_order(struct turn *t)
{
    t->fresh->version = t->view->order_version;
    if (t->kept != NULL) {
        t->fresh->completed = t->kept->completed;
        t->fresh->asked_by = t->kept->asked_by;
        t->fresh->asked_to = t->kept->asked_to;
        t->fresh->reminded = t->kept->reminded;
    }
    if (t->kept != NULL && t->fresh->due.ms == t->kept->due.ms) {
        t->fresh->remind = t->kept->remind;
    } else {
        first_reminder(t);
    }
    if (t->fresh->status != ORDER_COMPLETED) {
        t->fresh->completed = (struct wall){0};
    } else if (t->fresh->completed.ms == 0) {
        t->fresh->completed = t->p->now;
    }
    t->fresh->refused_back_to = STR_NONE; /* the CMMS has spoken: nothing is pending any more */
    plan_order(t->p, t->fresh, t->kept);
}

static void tell_assigned(struct turn *t, const struct user *to, void *arg)
{
    (void)arg;
    notice_assigned(t->p, t->fresh, to);
}

bool cmms_order_created(struct turn *t, struct err *err)
{
    (void)err;
    plan_entry(t->p, t->fresh->id, "created", STR_NONE, t->fresh->title);
    if (order_is_open(t->fresh)) {
        cmms_each_assignee(t, tell_assigned, NULL);
    }
    each_stakeholder(t, t->fresh->status, true);
    return true;
}

static struct str id_of(struct turn *t, const struct json *item)
{
    return json_kind(item) == JSON_STRING ? json_str(item) : json_get_text(item, "id", t->p->a);
}

/* Without a list of those added they are who was not assigned before. */
static bool is_added(struct turn *t, const struct json *added, struct str id)
{
    if (json_kind(added) != JSON_ARRAY) {
        return t->kept == NULL || !order_assigned_to(t->kept, id);
    }
    for (size_t i = 0; i < json_len(added); i++) {
        if (str_eq(id_of(t, json_at(added, i)), id)) {
            return true;
        }
    }
    return false;
}

bool cmms_order_assigned(struct turn *t, struct err *err)
{
    const struct json *added = json_get(t->e->data, "added"),
                      *removed = json_get(t->e->data, "removed");

    (void)err;
    for (size_t i = 0; i < t->reads->nusers; i++) {
        const struct user *to = cmms_person_of(t, t->reads->users[i]);

        if (to != NULL && is_added(t, added, to->id) &&
            (json_kind(added) == JSON_ARRAY || order_assigned_to(t->fresh, to->id))) {
            notice_assigned(t->p, t->fresh, to);
        }
    }
    for (size_t i = 0; i < json_len(removed); i++) {
        const struct user *to = cmms_person_of(t, id_of(t, json_at(removed, i)));

        if (to != NULL) {
            notice_removed(t->p, t->fresh, to);
            plan_entry(t->p, t->fresh->id, "removed", to->id, STR_NONE);
        }
    }
    return true;
}

static void tell_updated(struct turn *t, const struct user *to, void *arg)
{
    (void)arg;
    notice_updated(t->p, t->fresh, to, json_get(t->e->data, "changed"),
                   json_get(t->e->data, "previous"));
}

bool cmms_order_updated(struct turn *t, struct err *err)
{
    (void)err;
    plan_entry(t->p, t->fresh->id, "updated", STR_NONE, STR_NONE);
    cmms_each_assignee(t, tell_updated, NULL);
    return true;
}

static enum order_status status_before(const struct turn *t)
{
    enum order_status before = t->kept != NULL ? t->kept->status : t->fresh->status;

    order_status_parse(json_str(json_path(t->e->data, "previous.status")), &before);
    return before;
}

static void tell_status(struct turn *t, const struct user *to, void *arg)
{
    /* Unless they did it: who asked for this very status has had his answer, and so has who did it
     * there. */
    if ((str_eq(t->fresh->asked_by, to->id) &&
         str_eqz(t->fresh->asked_to, order_status_name(t->fresh->status))) ||
        str_eq(json_get_text(json_get(t->e->data, "by"), "id", t->p->a), to->id)) {
        return;
    }
    notice_status(t->p, t->fresh, to, *(const enum order_status *)arg,
                  json_str(json_path(t->e->data, "by.name")));
}

bool cmms_order_status(struct turn *t, struct err *err)
{
    enum order_status before = status_before(t);

    (void)err;
    plan_entry(t->p, t->fresh->id, "status", STR_NONE,
               arena_printf(t->p->a, "%s -> %s", order_status_name(before),
                            order_status_name(t->fresh->status)));
    cmms_each_assignee(t, tell_status, &before);
    each_stakeholder(t, t->fresh->status, false);
    if (str_eqz(t->fresh->asked_to, order_status_name(t->fresh->status))) {
        t->fresh->asked_by = t->fresh->asked_to = STR_NONE; /* answered */
    }
    return true;
}

static void tell_priority(struct turn *t, const struct user *to, void *arg)
{
    notice_priority(t->p, t->fresh, to, *(const enum order_priority *)arg);
}

static enum order_priority priority_before(const struct turn *t)
{
    struct str text = json_str(json_path(t->e->data, "previous.priority"));

    for (int i = 0; i < ORDER_PRIO_COUNT; i++) {
        if (str_eqz(text, order_priority_name((enum order_priority)i))) {
            return (enum order_priority)i;
        }
    }
    return t->kept != NULL ? t->kept->priority : t->fresh->priority;
}

bool cmms_order_priority(struct turn *t, struct err *err)
{
    enum order_priority before = priority_before(t);

    (void)err;
    plan_entry(t->p, t->fresh->id, "priority", STR_NONE,
               arena_printf(t->p->a, "%s -> %s", order_priority_name(before),
                            order_priority_name(t->fresh->priority)));
    if (t->fresh->priority > before) {
        cmms_each_assignee(t, tell_priority, &before);
    }
    return true;
}

bool cmms_order_deleted(struct turn *t, struct err *err)
{
    (void)err;
    t->fresh->deleted = true;
    plan_entry(t->p, t->fresh->id, "deleted", STR_NONE, STR_NONE);
    return true;
}
