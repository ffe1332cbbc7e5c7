#include "domain/cmms_event.h"

#include <stdio.h>

#include "base/mem.h"
#include "cmms_int.h"
#include "domain/user_store.h"

#define ID_MAX 256

enum about {
    ABOUT_ORDER,
    ABOUT_PERSON,
    ABOUT_BROADCAST,
    ABOUT_REQUEST,
    ABOUT_ASSET,
    ABOUT_MATTER,
    ABOUT_TRAINING
};

/* What each needs in its data, as it is called there and to people. */
static const struct {
    const char *member, *name;
} abouts[] = {
    [ABOUT_ORDER] = {"workorder", "work order"       },
    [ABOUT_PERSON] = {"person",    "person"           },
    [ABOUT_BROADCAST] = {NULL,        NULL               },
    [ABOUT_REQUEST] = {"request",   "request"          },
    [ABOUT_ASSET] = {"asset",     "asset"            },
    [ABOUT_TRAINING] = {"training",  "training material"},
    [ABOUT_MATTER] = {NULL,        NULL               },
};

static const struct {
    const char *type;
    enum about about;
    event_fn *run;
} types[] = {
    {"cmms.workorder.created.v1",          ABOUT_ORDER,     cmms_order_created  },
    {"cmms.workorder.assigned.v1",         ABOUT_ORDER,     cmms_order_assigned },
    {"cmms.workorder.updated.v1",          ABOUT_ORDER,     cmms_order_updated  },
    {"cmms.workorder.status_changed.v1",   ABOUT_ORDER,     cmms_order_status   },
    {"cmms.workorder.priority_changed.v1", ABOUT_ORDER,     cmms_order_priority },
    {"cmms.workorder.comment_added.v1",    ABOUT_ORDER,     cmms_order_comment  },
    {"cmms.workorder.parts_changed.v1",    ABOUT_ORDER,     cmms_order_parts    },
    {"cmms.workorder.due.v1",              ABOUT_ORDER,     cmms_order_due      },
    {"cmms.workorder.deleted.v1",          ABOUT_ORDER,     cmms_order_deleted  },
    {"cmms.request.created.v1",            ABOUT_REQUEST,   cmms_request_created},
    {"cmms.request.status_changed.v1",     ABOUT_REQUEST,   cmms_request_status },
    {"cmms.asset.status_changed.v1",       ABOUT_ASSET,     cmms_asset_status   },
    {"cmms.person.upserted.v1",            ABOUT_PERSON,    cmms_person_upserted},
    {"cmms.person.removed.v1",             ABOUT_PERSON,    cmms_person_removed },
    {"cmms.pm.due.v1",                     ABOUT_MATTER,    cmms_pm_due         },
    {"cmms.checklist.due.v1",              ABOUT_MATTER,    cmms_checklist_due  },
    {"cmms.alert.raised.v1",               ABOUT_MATTER,    cmms_alert_raised   },
    {"cmms.alert.cleared.v1",              ABOUT_MATTER,    cmms_alert_cleared  },
    {"cmms.condition.reading.v1",          ABOUT_MATTER,    cmms_reading        },
    {"cmms.training.published.v1",         ABOUT_TRAINING,  NULL                },
    {"cmms.broadcast.requested.v1",        ABOUT_BROADCAST, NULL                },
    {"cmms.broadcast.cancelled.v1",        ABOUT_BROADCAST, NULL                },
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

/* An order's revision decides whether it is still news. */
static bool parse_order(struct arena *a, struct cmms_event *out, struct err *err)
{
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

static bool parse_person(struct arena *a, size_t row, struct cmms_event *out, struct err *err)
{
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

/* The text at @path of the data, an integer too, is there. */
static bool needed(struct arena *a, const struct cmms_event *e, const char *object,
                   const char *name, struct str *out, struct err *err)
{
    *out = json_get_text(json_get(e->data, object), name, a);
    if (out->n > 0 && out->n <= ID_MAX * 16) {
        return true;
    }
    err_set(err, ERR_INVALID, "data.%s.%s is missing or too long", object, name);
    return err_member(err, "data.%s.%s", object, name);
}

static bool parse_request(struct arena *a, struct cmms_event *out, struct err *err)
{
    struct order_person who;
    struct str id, text;

    cmms_named(a, cmms_requester_of(out), &who);
    if (!needed(a, out, "request", "id", &id, err) ||
        !needed(a, out, "request", "text", &text, err)) {
        return false;
    }
    if (who.id.n > 0 && !user_id_ok(who.id)) {
        return bad_id(err, "data.request.requester.id");
    }
    out->lane = arena_printf(a, "q:%.*s", STR_ARG(id));
    return true;
}

static bool parse_asset(struct arena *a, struct cmms_event *out, struct err *err)
{
    struct str id, status;

    if (!needed(a, out, "asset", "id", &id, err) ||
        !needed(a, out, "asset", "status", &status, err)) {
        return false;
    }
    out->lane = arena_printf(a, "a:%.*s", STR_ARG(id));
    return true;
}

/* What an event is about decides its lane. */
static bool parse_subject(struct arena *a, size_t row, struct cmms_event *out, struct err *err)
{
    switch (types[row].about) {
    case ABOUT_ORDER:
        return parse_order(a, out, err);
    case ABOUT_REQUEST:
        return parse_request(a, out, err);
    case ABOUT_ASSET:
        return parse_asset(a, out, err);
    case ABOUT_PERSON:
        return parse_person(a, row, out, err);
    case ABOUT_MATTER:
        return cmms_matter_subject(a, out, err);
    case ABOUT_BROADCAST:
    case ABOUT_TRAINING:
        break;
    }
    return cmms_broadcast_subject(a, out, err);
}

bool cmms_event_parse(struct arena *a, const struct json *j, struct cmms_event *out,
                      struct err *err)
{
    const struct json *version = json_get(j, "specversion"), *time = json_get(j, "time");
    const char *member;
    size_t row;

    *out = (struct cmms_event){.mark = -1, .prio = PRIO_HIGH};
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
    member = abouts[types[row].about].member;
    if (member != NULL && json_kind(json_get(out->data, member)) != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "the event has no %s", abouts[types[row].about].name);
        return err_member(err, "data.%s", member);
    }
    return parse_subject(a, row, out, err);
}

struct str cmms_event_lane(const struct tenant *t, struct arena *a, enum prio prio, struct str what)
{
    return arena_printf(a, "%de:%.*s", (int)prio,
                        STR_ARG(vault_hash_arena(t->vault, a, "lane", what)));
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

void cmms_named(struct arena *a, const struct json *j, struct order_person *out)
{
    *out = (struct order_person){.id = json_get_text(j, "id", a),
                                 .name = json_get_str(j, "name"),
                                 .phone = json_get_str(j, "phone"),
                                 .language = json_get_str(j, "language"),
                                 .consented = json_get_bool(j, "consented", false)};
}

static void phones_add(struct arena *a, const struct json *j, struct cmms_reads *r)
{
    struct order_person person;
    struct str phone;

    cmms_named(a, j, &person);
    phone = cmms_person_phone(a, &person);
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
        phones_add(a, cmms_requester_of(e), out);
        return;
    }
    phones_list(a, json_get(order, "assignees"), out);
    phones_list(a, json_get(order, "stakeholders"), out);
    phones_add(a, json_get(order, "requester"), out);
}

/* By id, or who has the phone; who has a phone that is told is read in any case. */
static void reads_person(struct arena *a, const struct tenant *t, const struct json *j,
                         struct cmms_reads *r)
{
    struct order_person person;

    cmms_named(a, j, &person);
    reads_add(r, cmms_person_id(a, t, r, &person));
}

void cmms_event_reads(struct arena *a, const struct tenant *t, const struct cmms_event *e,
                      struct cmms_reads *out)
{
    const struct json *order = cmms_order_of(e), *stakeholders;

    out->nusers = 0;
    out->matter = cmms_matter_ref(a, e);
    if (out->matter.n > 0) {
        return; /* whom it is for is read when its clock strikes */
    }
    if (order == NULL) {
        reads_add(out, json_get_text(json_get(e->data, "person"), "id", a));
        reads_person(a, t, cmms_requester_of(e), out);
        for (size_t i = 0; i < out->nmembers; i++) {
            reads_add(out, out->members[i]);
        }
    } else {
        stakeholders = json_get(order, "stakeholders");
        out->order_id = json_get_text(order, "id", a);
        reads_list(a, json_get(order, "assignees"), out);
        for (size_t i = 0; i < json_len(stakeholders); i++) {
            reads_person(a, t, json_at(stakeholders, i), out);
        }
        reads_person(a, t, json_get(order, "requester"), out);
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
    if (types[row].about == ABOUT_ORDER) {
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
