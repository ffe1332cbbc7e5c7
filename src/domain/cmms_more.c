/*
 * cmms_more: what the CMMS tells beside the life of an order: notes, parts, its own reminders; how
 * requests and machines stand.
 */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/notice.h"
#include "domain/reminder.h"
#include "domain/user_store.h"

#define PARTS_MAX 100

/* ---- notes ---- */

/* An author is an object with an id and a name, or a text that may be either. */
static bool is_author(struct turn *t, const struct json *author, const struct user *u)
{
    struct str text = json_str(author);

    return str_eq(json_get_text(author, "id", t->p->a), u->id) ||
           (text.n > 0 && (str_eq(text, u->id) || str_eq(text, u->name)));
}

static struct str author_name(struct turn *t, const struct json *author)
{
    struct str name =
        json_kind(author) == JSON_STRING ? json_str(author) : json_get_str(author, "name");
    const struct user *u = cmms_person_of(
        t, json_kind(author) == JSON_STRING ? name : json_get_text(author, "id", t->p->a));

    return u != NULL && u->name.n > 0 ? u->name : name;
}

static void tell_comment(struct turn *t, const struct user *to, void *arg)
{
    const struct json *comment = arg, *author = json_get(comment, "author");

    if (!is_author(t, author, to)) {
        notice_comment(t->p, t->fresh, to, author_name(t, author),
                       str_trim(json_get_str(comment, "text")));
    }
}

bool cmms_order_comment(struct turn *t, struct err *err)
{
    struct json *comment = json_get(t->e->data, "comment");
    struct str text = str_trim(json_get_str(comment, "text"));

    (void)err;
    if (text.n == 0) {
        return true; /* an empty note tells nobody anything */
    }
    plan_entry(t->p, t->fresh->id, "comment", author_name(t, json_get(comment, "author")), text);
    cmms_each_assignee(t, tell_comment, comment);
    return true;
}

/* ---- parts ---- */

struct arrived {
    const struct json *parts[PARTS_MAX];
    size_t n;
};

static bool had_arrived(const struct json *before, const struct json *part, struct arena *a)
{
    struct str id = json_get_text(part, "id", a);

    for (size_t i = 0; i < json_len(before); i++) {
        const struct json *was = json_at(before, i);

        if (id.n > 0 && str_eq(json_get_text(was, "id", a), id)) {
            return str_eqz(json_get_str(was, "status"), "arrived") ||
                   str_eqz(json_get_str(was, "status"), "issued");
        }
    }
    return false;
}

/* Those of @parts that are there now, but for what was there already by @before (or NULL). */
static void find_arrived(const struct json *parts, const struct json *before, struct arena *a,
                         struct arrived *out)
{
    for (size_t i = 0; i < json_len(parts) && out->n < PARTS_MAX; i++) {
        const struct json *part = json_at(parts, i);

        if (str_eqz(json_get_str(part, "status"), "arrived") && !had_arrived(before, part, a)) {
            out->parts[out->n++] = part;
        }
    }
}

static void tell_parts(struct turn *t, const struct user *to, void *arg)
{
    const struct arrived *arrived = arg;

    notice_parts(t->p, t->fresh, to, arrived->parts, arrived->n);
}

bool cmms_order_parts(struct turn *t, struct err *err)
{
    const struct json *changed = json_get(t->e->data, "parts");
    struct arrived arrived = {.n = 0};
    struct json *before = NULL;

    (void)err;
    plan_entry(t->p, t->fresh->id, "parts", STR_NONE, STR_NONE);
    if (json_kind(changed) == JSON_ARRAY) {
        find_arrived(changed, NULL, t->p->a, &arrived);
    } else {
        /* Not told which: those that were not there by our copy. */
        if (t->kept != NULL) {
            json_parse(t->kept->source, t->kept->source.n, &before, NULL);
        }
        find_arrived(json_get(cmms_order_of(t->e), "parts"), json_get(before, "parts"), t->p->a,
                     &arrived);
    }
    if (arrived.n > 0 && order_is_open(t->fresh)) {
        cmms_each_assignee(t, tell_parts, &arrived);
    }
    json_free(&before);
    return true;
}

/* ---- reminders of the CMMS ---- */

static void tell_due(struct turn *t, const struct user *to, void *arg)
{
    notice_reminder(t->p, arg, to);
}

bool cmms_order_due(struct turn *t, struct err *err)
{
    struct order *told = ARENA_NEW(t->p->a, struct order);

    (void)err;
    *told = *t->fresh;
    wall_parse(json_str(json_path(t->e->data, "due.at")), &told->due);
    if (told->due.ms > 0 && order_is_open(told) && !reminder_told(t->kept, t->p->now)) {
        /* Our own reminders go by the order's own date alone: that is what is kept. */
        reminder_tell(t->p->tenant->conf, t->fresh, t->p->now);
        cmms_each_assignee(t, tell_due, told);
    }
    return true;
}

/* ---- requests ---- */

const struct json *cmms_requester_of(const struct cmms_event *e)
{
    return json_path(e->data, "request.requester");
}

/* What CMMSs call it; a state of which nobody is told is none of these. */
static bool request_state(struct str word, enum request_state *out)
{
    static const struct {
        const char *word;
        enum request_state state;
    } rows[] = {
        {"received",  REQUEST_RECEIVED},
        {"submitted", REQUEST_RECEIVED},
        {"new",       REQUEST_RECEIVED},
        {"open",      REQUEST_RECEIVED},
        {"pending",   REQUEST_RECEIVED},
        {"created",   REQUEST_RECEIVED},
        {"approved",  REQUEST_APPROVED},
        {"accepted",  REQUEST_APPROVED},
        {"refused",   REQUEST_REFUSED },
        {"rejected",  REQUEST_REFUSED },
        {"declined",  REQUEST_REFUSED },
        {"cancelled", REQUEST_REFUSED },
        {"done",      REQUEST_DONE    },
        {"completed", REQUEST_DONE    },
        {"closed",    REQUEST_DONE    },
        {"resolved",  REQUEST_DONE    }
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_ieq(word, str_of(rows[i].word))) {
            *out = rows[i].state;
            return true;
        }
    }
    return false;
}

static bool tell_request(struct turn *t, enum request_state state)
{
    const struct json *request = json_get(t->e->data, "request");
    struct order_person who;
    const struct user *to;

    cmms_named(t->p->a, cmms_requester_of(t->e), &who);
    to = cmms_meet_requester(t, &who);
    if (to != NULL) {
        notice_request(t->p, to, state, json_get_str(request, "text"),
                       json_get_str(request, "reason"), t->e->time.ms > 0 ? t->e->time : t->p->now);
    }
    return true;
}

bool cmms_request_created(struct turn *t, struct err *err)
{
    (void)err;
    return tell_request(t, REQUEST_RECEIVED);
}

bool cmms_request_status(struct turn *t, struct err *err)
{
    enum request_state state;

    (void)err;
    return !request_state(json_str(json_path(t->e->data, "request.status")), &state) ||
           tell_request(t, state);
}

/* ---- machines ---- */

/* Who follows it, or its site: the sets fa:<asset> and fs:<site>. */
void cmms_event_sets(struct arena *a, const struct cmms_event *e, struct cmms_reads *out)
{
    const struct json *asset = json_get(e->data, "asset");
    struct str id = json_get_text(asset, "id", a), site = json_get_text(asset, "site", a);

    out->nsets = 0;
    if (!str_eqz(e->type, "cmms.asset.status_changed.v1")) {
        return;
    }
    if (site.n == 0) {
        site = json_get_text(json_get(asset, "location"), "id", a);
    }
    out->sets[out->nsets++] = arena_printf(a, "fa:%.*s", STR_ARG(id));
    if (site.n > 0) {
        out->sets[out->nsets++] = arena_printf(a, "fs:%.*s", STR_ARG(site));
    }
}

bool cmms_asset_status(struct turn *t, struct err *err)
{
    const struct json *asset = json_get(t->e->data, "asset");
    struct str name = json_get_text(asset, "name", t->p->a);

    (void)err;
    if (name.n == 0) {
        name = json_get_text(asset, "id", t->p->a);
    }
    for (size_t i = 0; i < t->reads->nusers; i++) {
        const struct user *to = cmms_person_of(t, t->reads->users[i]);

        if (to != NULL) {
            notice_asset(t->p, to, name, json_get_text(asset, "status", t->p->a),
                         t->e->time.ms > 0 ? t->e->time : t->p->now);
        }
    }
    return true;
}
