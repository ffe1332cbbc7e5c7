#include "domain/cmms_event.h"

#include <stdio.h>

#include "base/mem.h"
#include "cmms_int.h"
#include "domain/user_store.h"

#define ID_MAX 256

static const struct {
    const char *type;
    bool order;  /* needs data.workorder */
    bool person; /* needs data.person */
    event_fn *run;
} types[] = {
    {"cmms.workorder.created.v1",          true,  false, cmms_order_created  },
    {"cmms.workorder.assigned.v1",         true,  false, cmms_order_assigned },
    {"cmms.workorder.updated.v1",          true,  false, cmms_order_updated  },
    {"cmms.workorder.status_changed.v1",   true,  false, cmms_order_status   },
    {"cmms.workorder.priority_changed.v1", true,  false, cmms_order_priority },
    {"cmms.workorder.deleted.v1",          true,  false, cmms_order_deleted  },
    {"cmms.person.upserted.v1",            false, true,  cmms_person_upserted},
    {"cmms.person.removed.v1",             false, true,  cmms_person_removed },
    {"cmms.pm.due.v1",                     false, false, cmms_pm_due         },
    {"cmms.broadcast.requested.v1",        false, false, NULL                },
    {"cmms.broadcast.cancelled.v1",        false, false, NULL                },
};

const struct json *cmms_order_of(const struct cmms_event *e)
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

static bool bad_id(struct err *err, const char *member)
{
    err_set(err, ERR_INVALID,
            "a person's id is 1 to 128 bytes without blanks, control characters and '|', and does "
            "not begin with '~'");
    return err_member(err, "%s", member);
}

static bool people_ok(const struct order_person *people, size_t n, const char *list, bool needed,
                      struct err *err)
{
    char member[96];

    for (size_t i = 0; i < n; i++) {
        if ((people[i].id.n > 0 || needed) && !user_id_ok(people[i].id)) {
            snprintf(member, sizeof(member), "data.workorder.%s.%zu.id", list, i);
            return bad_id(err, member);
        }
    }
    return true;
}

/* Ids become parts of keys and lanes: what cannot be one is refused at the door. */
static bool order_people_ok(const struct order *o, struct err *err)
{
    return people_ok(o->assignees, o->nassignees, "assignees", true, err) &&
           people_ok(o->stakeholders, o->nstakeholders, "stakeholders", false, err) &&
           (o->requester.id.n == 0 || user_id_ok(o->requester.id) ||
            bad_id(err, "data.workorder.requester.id"));
}

/* What an event is about decides its lane; an order's revision decides whether it is still news. */
static bool parse_subject(struct arena *a, size_t row, struct cmms_event *out, struct err *err)
{
    if (types[row].order) {
        struct order *o = ARENA_NEW(a, struct order);

        if (!order_from_json(a, cmms_order_of(out), o, err)) {
            if (err->member[0] == '\0') {
                err_member(err, "data.workorder");
            }
            return false;
        }
        if (!order_people_ok(o, err)) {
            return false;
        }
        out->lane = arena_printf(a, "o:%.*s", STR_ARG(o->id));
        /* Revisions and times are counted apart: a time is larger than any revision. */
        out->mark_key = o->rev >= 0 ? o->id : arena_printf(a, "%.*s at", STR_ARG(o->id));
        out->mark = order_mark(o);
        return true;
    }
    if (cmms_is_matter(out->type)) {
        return cmms_matter_subject(a, out, err);
    }
    if (!types[row].person) {
        return cmms_broadcast_subject(a, out, err);
    }
    out->lane = json_get_text(json_get(out->data, "person"), "id", a);
    if (!user_id_ok(out->lane)) {
        return bad_id(err, "data.person.id");
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
    if ((types[row].order && json_kind(cmms_order_of(out)) != JSON_OBJECT) ||
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
    if (user_id_ok(id) && r->nusers < ARRAY_LEN(r->users)) {
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

static struct order_person named(struct arena *a, const struct json *j)
{
    return (struct order_person){.id = json_get_text(j, "id", a),
                                 .phone = json_get_str(j, "phone")};
}

static void phones_add(struct arena *a, const struct json *j, struct cmms_reads *r)
{
    struct order_person person = named(a, j);
    struct str phone = cmms_person_phone(a, &person);

    for (size_t i = 0; i < r->nphones; i++) {
        if (str_eq(r->phones[i], phone)) {
            return;
        }
    }
    if (phone.n > 0 && r->nphones < ARRAY_LEN(r->phones)) {
        r->phones[r->nphones++] = phone;
    }
}

static void phones_list(struct arena *a, const struct json *list, struct cmms_reads *r)
{
    for (size_t i = 0; i < json_len(list); i++) {
        phones_add(a, json_at(list, i), r);
    }
}

void cmms_event_phones(struct arena *a, const struct cmms_event *e, struct cmms_reads *out)
{
    const struct json *order = cmms_order_of(e);

    *out = (struct cmms_reads){0};
    if (cmms_is_matter(e->type)) {
        return;
    }
    if (order == NULL) {
        phones_add(a, json_get(e->data, "person"), out);
        return;
    }
    phones_list(a, json_get(order, "assignees"), out);
    phones_list(a, json_get(order, "stakeholders"), out);
    phones_add(a, json_get(order, "requester"), out);
}

/* By id, or who has the phone; who has a phone that is told is read in any case. */
static void reads_people(struct arena *a, const struct tenant *t, const struct json *list,
                         struct cmms_reads *r)
{
    for (size_t i = 0; i < json_len(list); i++) {
        struct order_person person = named(a, json_at(list, i));

        reads_add(r, cmms_person_id(a, t, r, &person));
    }
}

void cmms_event_reads(struct arena *a, const struct tenant *t, const struct cmms_event *e,
                      struct cmms_reads *out)
{
    const struct json *order = cmms_order_of(e);
    struct order_person requester;

    out->nusers = 0;
    out->matter = cmms_matter_ref(a, e);
    if (out->matter.n > 0) {
        return; /* whom it is for is read when its clock strikes */
    }
    if (order == NULL) {
        reads_add(out, json_get_text(json_get(e->data, "person"), "id", a));
    } else {
        out->order_id = json_get_text(order, "id", a);
        reads_list(a, json_get(order, "assignees"), out);
        reads_people(a, t, json_get(order, "stakeholders"), out);
        requester = named(a, json_get(order, "requester"));
        reads_add(out, cmms_person_id(a, t, out, &requester));
        reads_list(a, json_get(e->data, "added"), out);
        reads_list(a, json_get(e->data, "removed"), out);
    }
    for (size_t i = 0; i < out->nphones; i++) {
        reads_add(out, out->owners[i]);
    }
}

/* ---- decisions ---- */

bool cmms_event_decide(const struct cmms_event *e, const struct cmms_reads *reads,
                       const struct cmms_view *view, struct plan *p, struct err *err)
{
    size_t row = type_find(e->type);
    struct turn t = {e, reads, view, p, NULL, view->order, NULL};

    if (row == ARRAY_LEN(types) || types[row].run == NULL) {
        return err_set(err, ERR_INVALID, "the type \"%.*s\" is not known", STR_ARG(e->type));
    }
    t.people = ARENA_ARRAY(p->a, struct user *, reads->nusers + 1);
    for (size_t i = 0; i < reads->nusers; i++) {
        t.people[i] = view->users[i];
    }
    if (types[row].order) {
        t.fresh = ARENA_NEW(p->a, struct order);
        if (!order_from_json(p->a, cmms_order_of(e), t.fresh, err)) {
            return false;
        }
        /* Nobody is welcomed because of an order that is gone. */
        if (types[row].run != cmms_order_deleted) {
            cmms_meet(&t);
        }
        cmms_keep_order(&t);
    }
    return types[row].run(&t, err);
}
