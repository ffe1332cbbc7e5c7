#include "domain/cmms_event.h"

#include "base/mem.h"
#include "domain/notice.h"

#define ID_MAX 256

struct turn { /* one event being decided */
    const struct cmms_event *e;
    const struct cmms_reads *reads;
    const struct cmms_view *view;
    struct plan *p;
    struct order *fresh;      /* as the event says it is now, or NULL */
    const struct order *kept; /* as we had it, or NULL */
    struct user **people;     /* of the reads: as read, or created now */
};

typedef bool event_fn(struct turn *t, struct err *err);

static event_fn on_created, on_assigned, on_updated, on_status, on_priority, on_deleted, on_person,
    on_person_removed;

static const struct {
    const char *type;
    bool order;  /* needs data.workorder */
    bool person; /* needs data.person */
    event_fn *run;
} types[] = {
    {"cmms.workorder.created.v1",          true,  false, on_created       },
    {"cmms.workorder.assigned.v1",         true,  false, on_assigned      },
    {"cmms.workorder.updated.v1",          true,  false, on_updated       },
    {"cmms.workorder.status_changed.v1",   true,  false, on_status        },
    {"cmms.workorder.priority_changed.v1", true,  false, on_priority      },
    {"cmms.workorder.deleted.v1",          true,  false, on_deleted       },
    {"cmms.person.upserted.v1",            false, true,  on_person        },
    {"cmms.person.removed.v1",             false, true,  on_person_removed},
};

static const struct json *order_of(const struct cmms_event *e)
{
    return json_get(e->data, "workorder");
}

/* ---- shape ---- */

static bool text_member(const struct json *j, const char *name, struct str *out, struct err *err)
{
    const struct json *m = json_get(j, name);

    *out = json_str(m);
    if (m == NULL || json_kind(m) != JSON_STRING || out->n == 0 || out->n > ID_MAX) {
        err_set(err, ERR_BAD_REQUEST,
                m == NULL ? "\"%s\" is missing" : "\"%s\" is not a text of 1 to 256 bytes", name);
        return err_member(err, "%s", name);
    }
    return true;
}

static size_t type_find(struct str type)
{
    size_t i = 0;

    while (i < ARRAY_LEN(types) && !str_eqz(type, types[i].type)) {
        i++;
    }
    return i;
}

/* What an event is about decides its lane; an order's revision decides whether it is still news. */
static bool parse_subject(struct arena *a, size_t row, struct cmms_event *out, struct err *err)
{
    if (types[row].order) {
        struct order *o = ARENA_NEW(a, struct order);

        if (!order_from_json(a, order_of(out), o, err)) {
            if (err->member[0] == '\0') {
                err_member(err, "data.workorder");
            }
            return false;
        }
        out->lane = arena_printf(a, "o:%.*s", STR_ARG(o->id));
        out->mark_key = o->id;
        out->mark = order_mark(o);
        return true;
    }
    out->lane = json_str(json_path(out->data, "person.id"));
    if (out->lane.n == 0) {
        err_set(err, ERR_INVALID, "the person has no id");
        return err_member(err, "data.person.id");
    }
    if (out->lane.n > ID_MAX) {
        err_set(err, ERR_INVALID, "the person's id is longer than %d bytes", ID_MAX);
        return err_member(err, "data.person.id");
    }
    if (row == type_find(STR("cmms.person.upserted.v1"))) {
        struct user u;
        struct user base = {.id = out->lane};

        if (!user_from_json(a, json_get(out->data, "person"), &base, &u, err)) {
            struct str inner = arena_dup(a, str_of(err->member));

            return err_member(err, "data.person.%.*s", STR_ARG(inner));
        }
    }
    out->lane = arena_printf(a, "u:%.*s", STR_ARG(out->lane));
    return true;
}

bool cmms_event_parse(struct arena *a, const struct json *j, struct cmms_event *out,
                      struct err *err)
{
    const struct json *version = json_get(j, "specversion"), *time = json_get(j, "time");
    size_t row;

    *out = (struct cmms_event){.mark = -1};
    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_BAD_REQUEST, "an event is a JSON object");
    }
    if (version != NULL && !str_eqz(json_str(version), "1.0")) {
        err_set(err, ERR_BAD_REQUEST, "\"specversion\" is not \"1.0\"");
        return err_member(err, "specversion");
    }
    if (!text_member(j, "id", &out->id, err) || !text_member(j, "source", &out->source, err) ||
        !text_member(j, "type", &out->type, err)) {
        return false;
    }
    if (time != NULL && !wall_parse(json_str(time), &out->time)) {
        err_set(err, ERR_BAD_REQUEST, "\"time\" is not an RFC 3339 time");
        return err_member(err, "time");
    }
    out->subject = json_get_str(j, "subject");
    out->data = json_get(j, "data");
    if (json_kind(out->data) != JSON_OBJECT) {
        err_set(err, ERR_BAD_REQUEST,
                out->data == NULL ? "\"data\" is missing" : "\"data\" is not an object");
        return err_member(err, "data");
    }
    row = type_find(out->type);
    if (row == ARRAY_LEN(types)) {
        err_set(err, ERR_INVALID, "the type \"%.*s\" is not one that this version takes",
                STR_ARG(out->type));
        return err_member(err, "type");
    }
    if ((types[row].order && json_kind(order_of(out)) != JSON_OBJECT) ||
        (types[row].person && json_kind(json_get(out->data, "person")) != JSON_OBJECT)) {
        err_set(err, ERR_INVALID, "the event has no %s",
                types[row].order ? "work order" : "person");
        return err_member(err, types[row].order ? "data.workorder" : "data.person");
    }
    return parse_subject(a, row, out, err);
}

/* ---- what is read ---- */

static void reads_add(struct cmms_reads *r, struct str id)
{
    for (size_t i = 0; i < r->nusers; i++) {
        if (str_eq(r->users[i], id)) {
            return;
        }
    }
    if (id.n > 0 && id.n <= ID_MAX && r->nusers < ARRAY_LEN(r->users)) {
        r->users[r->nusers++] = id;
    }
}

static void reads_list(struct arena *a, const struct json *list, struct cmms_reads *r)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i);

        reads_add(r,
                  json_kind(item) == JSON_STRING ? json_str(item) : json_get_text(item, "id", a));
    }
}

void cmms_event_reads(struct arena *a, const struct tenant *t, const struct cmms_event *e,
                      struct cmms_reads *out)
{
    const struct json *order = order_of(e);

    (void)t;
    *out = (struct cmms_reads){0};
    if (json_kind(json_get(e->data, "person")) == JSON_OBJECT && order == NULL) {
        reads_add(out, json_get_text(json_get(e->data, "person"), "id", a));
        return;
    }
    out->order_id = json_get_text(order, "id", a);
    reads_list(a, json_get(order, "assignees"), out);
    reads_list(a, json_get(order, "stakeholders"), out);
    reads_add(out, json_get_text(json_get(order, "requester"), "id", a));
    reads_list(a, json_get(e->data, "added"), out);
    reads_list(a, json_get(e->data, "removed"), out);
}

/* ---- people ---- */

static struct user *person_of(const struct turn *t, struct str id)
{
    for (size_t i = 0; i < t->reads->nusers && id.n > 0; i++) {
        if (str_eq(t->reads->users[i], id)) {
            return t->people[i] != NULL && !t->people[i]->removed ? t->people[i] : NULL;
        }
    }
    return NULL;
}

/* Somebody the CMMS names with a phone and we do not know: created, not verified, welcomed once. */
static void meet(struct turn *t, const struct order_person *named, unsigned role)
{
    struct user *u;

    for (size_t i = 0; i < t->reads->nusers; i++) {
        if (!str_eq(t->reads->users[i], named->id) || t->people[i] != NULL ||
            !str_is_e164(named->phone)) {
            continue;
        }
        u = ARENA_NEW(t->p->a, struct user);
        *u = (struct user){.id = named->id,
                           .name = named->name,
                           .phone = named->phone,
                           .language = named->language,
                           .roles = role,
                           .consented = named->consented};
        /* A stakeholder's consent given to the CMMS counts for his own updates. */
        u->verified = named->consented && role == ROLE_STAKEHOLDER;
        u->welcomed = true;
        t->people[i] = u;
        plan_user(t->p, u, NULL);
        if (!u->verified) {
            notice_welcome(t->p, u);
        }
    }
}

static void meet_all(struct turn *t)
{
    for (size_t i = 0; i < t->fresh->nassignees; i++) {
        meet(t, &t->fresh->assignees[i], ROLE_TECHNICIAN);
    }
    for (size_t i = 0; i < t->fresh->nstakeholders; i++) {
        meet(t, &t->fresh->stakeholders[i], ROLE_STAKEHOLDER);
    }
    meet(t, &t->fresh->requester, ROLE_STAKEHOLDER);
}

typedef void tell_fn(struct turn *t, const struct user *to, void *arg);

static void each_assignee(struct turn *t, tell_fn *tell, void *arg)
{
    for (size_t i = 0; i < t->fresh->nassignees; i++) {
        const struct user *to = person_of(t, t->fresh->assignees[i].id);

        if (to != NULL) {
            tell(t, to, arg);
        } else {
            plan_entry(t->p, t->fresh->id, "not_told", t->fresh->assignees[i].id,
                       STR("not known, and named without a phone"));
        }
    }
}

static void each_stakeholder(struct turn *t, enum order_status reached, bool created)
{
    for (size_t i = 0; i <= t->fresh->nstakeholders; i++) {
        bool last = i == t->fresh->nstakeholders;
        struct str id = last ? t->fresh->requester.id : t->fresh->stakeholders[i].id;
        const struct user *to = person_of(t, id);

        if (to != NULL && !order_assigned_to(t->fresh, id)) {
            notice_stakeholder(t->p, t->fresh, to, reached, created);
        }
    }
}

/* ---- orders ---- */

/* The copy: what the CMMS says replaces ours, but for what only we know. */
static void keep_order(struct turn *t)
{
    if (t->kept != NULL) {
        t->fresh->version = t->kept->version;
        t->fresh->completed = t->kept->completed;
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

static bool on_created(struct turn *t, struct err *err)
{
    (void)err;
    plan_entry(t->p, t->fresh->id, "created", STR_NONE, t->fresh->title);
    if (order_is_open(t->fresh)) {
        each_assignee(t, tell_assigned, NULL);
    }
    each_stakeholder(t, t->fresh->status, true);
    return true;
}

static struct str id_of(struct turn *t, const struct json *item)
{
    return json_kind(item) == JSON_STRING ? json_str(item) : json_get_text(item, "id", t->p->a);
}

static bool on_assigned(struct turn *t, struct err *err)
{
    const struct json *added = json_get(t->e->data, "added"),
                      *removed = json_get(t->e->data, "removed");

    (void)err;
    for (size_t i = 0; i < json_len(added); i++) {
        const struct user *to = person_of(t, id_of(t, json_at(added, i)));

        if (to != NULL) {
            notice_assigned(t->p, t->fresh, to);
        }
    }
    for (size_t i = 0; i < json_len(removed); i++) {
        const struct user *to = person_of(t, id_of(t, json_at(removed, i)));

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

static bool on_updated(struct turn *t, struct err *err)
{
    (void)err;
    plan_entry(t->p, t->fresh->id, "updated", STR_NONE, STR_NONE);
    each_assignee(t, tell_updated, NULL);
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
    /* Unless they did it: he who asked for this very status has had his answer. */
    if (t->kept != NULL && t->kept->status == t->fresh->status && t->kept->refused_back_to.n > 0) {
        return;
    }
    notice_status(t->p, t->fresh, to, *(const enum order_status *)arg,
                  json_str(json_path(t->e->data, "by.name")));
}

static bool on_status(struct turn *t, struct err *err)
{
    enum order_status before = status_before(t);

    (void)err;
    plan_entry(t->p, t->fresh->id, "status", STR_NONE,
               arena_printf(t->p->a, "%s -> %s", order_status_name(before),
                            order_status_name(t->fresh->status)));
    each_assignee(t, tell_status, &before);
    each_stakeholder(t, t->fresh->status, false);
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

static bool on_priority(struct turn *t, struct err *err)
{
    enum order_priority before = priority_before(t);

    (void)err;
    plan_entry(t->p, t->fresh->id, "priority", STR_NONE,
               arena_printf(t->p->a, "%s -> %s", order_priority_name(before),
                            order_priority_name(t->fresh->priority)));
    if (t->fresh->priority > before) {
        each_assignee(t, tell_priority, &before);
    }
    return true;
}

static bool on_deleted(struct turn *t, struct err *err)
{
    (void)err;
    t->fresh->deleted = true;
    plan_entry(t->p, t->fresh->id, "deleted", STR_NONE, STR_NONE);
    return true;
}

/* ---- persons ---- */

static bool on_person(struct turn *t, struct err *err)
{
    const struct user *kept = t->view->users[0];
    struct user *u = ARENA_NEW(t->p->a, struct user);
    struct user base = {.id = t->reads->users[0], .roles = ROLE_TECHNICIAN};

    if (!user_from_json(t->p->a, json_get(t->e->data, "person"), kept != NULL ? kept : &base, u,
                        err)) {
        return false;
    }
    u->id = t->reads->users[0];
    u->version = kept != NULL ? kept->version : 0;
    u->removed = false;
    if (kept != NULL && u->phone.n > 0 && !str_eq(u->phone, kept->phone)) {
        u->verified = false; /* another number is not proven yet */
        u->welcomed = false;
    }
    if (!u->verified && !u->welcomed && u->phone.n > 0) {
        u->welcomed = true;
        notice_welcome(t->p, u);
    }
    plan_user(t->p, u, kept);
    return true;
}

static bool on_person_removed(struct turn *t, struct err *err)
{
    const struct user *kept = t->view->users[0];
    struct user *u;

    (void)err;
    if (kept == NULL) {
        return true;
    }
    u = ARENA_NEW(t->p->a, struct user);
    *u = (struct user){
        .id = kept->id, .version = kept->version, .removed = true}; /* nothing personal stays */
    plan_user(t->p, u, kept);
    return true;
}

/* ---- decisions ---- */

bool cmms_event_decide(const struct cmms_event *e, const struct cmms_reads *reads,
                       const struct cmms_view *view, struct plan *p, struct err *err)
{
    size_t row = type_find(e->type);
    struct turn t = {e, reads, view, p, NULL, view->order, view->users};

    if (row == ARRAY_LEN(types)) {
        return err_set(err, ERR_INVALID, "the type \"%.*s\" is not known", STR_ARG(e->type));
    }
    if (types[row].order) {
        t.fresh = ARENA_NEW(p->a, struct order);
        if (!order_from_json(p->a, order_of(e), t.fresh, err)) {
            return false;
        }
        meet_all(&t);
        keep_order(&t);
    }
    return types[row].run(&t, err);
}

void cmms_refused(const struct json *event, struct str reason, const struct cmms_view *view,
                  struct plan *p)
{
    const struct user *to = view->nusers > 0 ? view->users[0] : NULL;
    struct str type = json_get_str(event, "type");
    enum order_status back;
    struct order *o;

    if (view->order == NULL) {
        return;
    }
    plan_entry(p, view->order->id, "refused", to != NULL ? to->id : STR_NONE, reason);
    if (!str_eqz(type, "gateway.workorder.status_requested.v1") &&
        !str_eqz(type, "gateway.workorder.acknowledged.v1")) {
        if (to != NULL) {
            notice_refused_words(p, view->order, to, reason);
        }
        return;
    }
    o = ARENA_NEW(p->a, struct order);
    *o = *view->order;
    if (order_status_parse(o->refused_back_to, &back)) {
        o->status = back;
        o->refused_back_to = STR_NONE;
        if (back != ORDER_COMPLETED) {
            o->completed = (struct wall){0};
        }
        plan_order(p, o, view->order);
    }
    if (to != NULL) {
        notice_refused(p, o, to, reason);
    }
}
