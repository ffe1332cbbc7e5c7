#include "domain/order.h"

#include <assert.h>
#include <stdio.h>

#define ORDER_ID_MAX     128
#define ORDER_NUMBER_MAX 64
#define ORDER_STORED_MAX (4 * 1024 * 1024)
/* How members are named in problems: orders come in events only. */
#define WHERE "data.workorder."

static const char *const status_names[ORDER_STATUS_COUNT] = {
    "open", "acknowledged", "in_progress", "on_hold", "completed", "cancelled"};
static const char *const priority_names[ORDER_PRIO_COUNT] = {"none", "low", "medium", "high",
                                                             "critical"};

const char *order_status_name(enum order_status s)
{
    return status_names[s];
}

const char *order_priority_name(enum order_priority p)
{
    return priority_names[p];
}

static bool name_index(const char *const *names, size_t n, struct str s, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eqz(s, names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool order_status_parse(struct str s, enum order_status *out)
{
    size_t i;

    if (!name_index(status_names, ORDER_STATUS_COUNT, s, &i)) {
        return false;
    }
    *out = (enum order_status)i;
    return true;
}

static bool given(const struct json *j)
{
    return json_kind(j) != JSON_NONE && json_kind(j) != JSON_NULL;
}

static bool invalid(struct err *err, const char *name, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", name, why);
    return err_member(err, WHERE "%s", name);
}

/* The member at fault is one of @place: "data.workorder.name" -> "data.workorder.asset.name". */
static bool inside(struct err *err, const char *place)
{
    char member[sizeof(err->member)];

    if (err == NULL) {
        return false;
    }
    memcpy(member, err->member, sizeof(member));
    return err_member(err, WHERE "%s.%s", place, member + sizeof(WHERE) - 1);
}

/* A text of @j, or a number printed; STR("") when it is left out. */
static bool get_text(struct arena *a, const struct json *j, const char *name, struct str *out,
                     struct err *err)
{
    const struct json *v = json_get(j, name);

    *out = STR("");
    if (!given(v)) {
        return true;
    }
    if (json_kind(v) != JSON_STRING && json_kind(v) != JSON_INT) {
        return invalid(err, name, "is not a text");
    }
    *out = json_get_text(j, name, a);
    return true;
}

static bool get_key(struct arena *a, const struct json *j, const char *name, size_t max,
                    struct str *out, struct err *err)
{
    if (!get_text(a, j, name, out, err)) {
        return false;
    }
    if (out->n == 0) {
        return invalid(err, name, "is missing");
    }
    if (out->n > max) {
        err_set(err, ERR_INVALID, "%s has %zu bytes, more than %zu", name, out->n, max);
        return err_member(err, WHERE "%s", name);
    }
    for (size_t i = 0; i < out->n; i++) {
        if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7f) {
            return invalid(err, name, "has a control character");
        }
    }
    return true;
}

static bool get_time(const struct json *j, const char *name, struct wall *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    out->ms = 0;
    if (!given(v) || (json_kind(v) == JSON_STRING && wall_parse(json_str(v), out))) {
        return true;
    }
    return invalid(err, name, "is not an RFC 3339 time");
}

/* "asset":{"id","name"}: both may be missing. */
static bool get_named(struct arena *a, const struct json *j, const char *name, struct str *id,
                      struct str *text, struct err *err)
{
    const struct json *v = json_get(j, name);

    if (given(v) && json_kind(v) != JSON_OBJECT) {
        return invalid(err, name, "is not an object");
    }
    return (get_text(a, v, "id", id, err) && get_text(a, v, "name", text, err)) ||
           inside(err, name);
}

static bool get_person(struct arena *a, const struct json *j, struct order_person *out,
                       struct err *err)
{
    *out = (struct order_person){.consented = json_get_bool(j, "consented", false)};
    return get_text(a, j, "id", &out->id, err) && get_text(a, j, "name", &out->name, err) &&
           get_text(a, j, "phone", &out->phone, err) &&
           get_text(a, j, "language", &out->language, err);
}

static bool get_people(struct arena *a, const struct json *j, const char *name,
                       struct order_person *out, size_t *n, struct err *err)
{
    const struct json *v = json_get(j, name);

    *n = 0;
    if (!given(v)) {
        return true;
    }
    if (json_kind(v) != JSON_ARRAY) {
        return invalid(err, name, "is not a list");
    }
    if (json_len(v) > ORDER_PEOPLE_MAX) {
        err_set(err, ERR_INVALID, "%s has %zu people, more than %d", name, json_len(v),
                ORDER_PEOPLE_MAX);
        return err_member(err, WHERE "%s", name);
    }
    for (; *n < json_len(v); ++*n) {
        const struct json *p = json_at(v, *n);

        if (json_kind(p) != JSON_OBJECT) {
            return invalid(err, name, "holds something that is no person");
        }
        if (!get_person(a, p, &out[*n], err)) {
            char place[64];

            snprintf(place, sizeof(place), "%s.%zu", name, *n);
            return inside(err, place);
        }
    }
    return true;
}

static bool get_rev(const struct json *j, int64_t *out, struct err *err)
{
    const struct json *v = json_get(j, "rev");

    *out = -1;
    if (!given(v)) {
        return true;
    }
    if (json_kind(v) == JSON_INT) {
        *out = json_get_int(j, "rev", -1);
    } else if (!str_to_i64(json_str(v), 0, INT64_MAX, out)) {
        return invalid(err, "rev", "is not a whole number");
    }
    return *out >= 0 || invalid(err, "rev", "is negative");
}

static bool get_status(const struct json *j, struct order *o, struct err *err)
{
    const struct json *p = json_get(j, "priority");
    size_t i;

    if (!given(json_get(j, "status"))) {
        return invalid(err, "status", "is missing");
    }
    if (!order_status_parse(json_get_str(j, "status"), &o->status)) {
        return invalid(err, "status",
                       "is none of open, acknowledged, in_progress, on_hold, completed, cancelled");
    }
    if (given(p)) {
        if (!name_index(priority_names, ORDER_PRIO_COUNT, json_str(p), &i)) {
            return invalid(err, "priority", "is none of none, low, medium, high, critical");
        }
        o->priority = (enum order_priority)i;
    }
    return true;
}

static struct str dump(struct arena *a, const struct json *j)
{
    struct str text;
    struct buf b;

    buf_init(&b, ORDER_STORED_MAX);
    json_dump(j, &b);
    text = arena_dup(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* Everything but the text of the source, which the caller has already or makes. */
static bool read_source(struct arena *a, const struct json *j, struct order *o, struct err *err)
{
    const struct json *requester = json_get(j, "requester");

    if (json_kind(j) != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "workorder is not an object");
        return err_member(err, "data.workorder");
    }
    if (!get_key(a, j, "id", ORDER_ID_MAX, &o->id, err) ||
        !get_key(a, j, "number", ORDER_NUMBER_MAX, &o->number, err) ||
        !get_text(a, j, "title", &o->title, err) || !get_status(j, o, err)) {
        return false;
    }
    if (o->title.n == 0) {
        return invalid(err, "title", "is missing");
    }
    if (given(requester) && json_kind(requester) != JSON_OBJECT) {
        return invalid(err, "requester", "is not an object");
    }
    if (!get_text(a, j, "description", &o->description, err) ||
        !get_text(a, j, "type", &o->type, err) || !get_text(a, j, "url", &o->url, err) ||
        !get_text(a, j, "site", &o->site, err) ||
        !get_named(a, j, "asset", &o->asset_id, &o->asset_name, err) ||
        !get_named(a, j, "location", &o->location_id, &o->location_name, err) ||
        !get_named(a, j, "team", &o->team_id, &o->team_name, err) ||
        !get_time(j, "due_at", &o->due, err) || !get_time(j, "start_at", &o->start, err) ||
        !get_time(j, "updated_at", &o->updated, err) || !get_rev(j, &o->rev, err) ||
        !get_people(a, j, "assignees", o->assignees, &o->nassignees, err) ||
        !get_people(a, j, "stakeholders", o->stakeholders, &o->nstakeholders, err)) {
        return false;
    }
    if (!get_person(a, requester, &o->requester, err)) {
        return inside(err, "requester");
    }
    if (o->site.n == 0) {
        o->site = o->location_id;
    }
    return true;
}

bool order_from_json(struct arena *a, const struct json *j, struct order *out, struct err *err)
{
    struct order *o = ARENA_NEW(a, struct order);

    if (!read_source(a, j, o, err)) {
        return false;
    }
    o->source = dump(a, j);
    *out = *o;
    return true;
}

/* "source" stands last, so that order_decode() finds its text without writing it anew. */
void order_encode(const struct order *o, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_z(&w, "status", order_status_name(o->status));
    if (o->deleted) {
        jw_bool(&w, "deleted", true);
    }
    if (o->completed.ms != 0) {
        jw_int(&w, "completed_ms", o->completed.ms);
    }
    if (o->refused_back_to.n > 0) {
        jw_str(&w, "refused_back_to", o->refused_back_to);
    }
    if (o->asked_by.n > 0) {
        jw_str(&w, "asked_by", o->asked_by);
        jw_str(&w, "asked_to", o->asked_to);
    }
    if (o->remind.ms != 0) {
        jw_int(&w, "remind_ms", o->remind.ms);
    }
    if (o->reminded.ms != 0) {
        jw_int(&w, "reminded_ms", o->reminded.ms);
    }
    jw_raw(&w, "source", o->source);
    jw_close(&w, '}');
}

bool order_decode(struct arena *a, struct str text, int64_t version, struct order *out,
                  struct err *err)
{
    struct order *o = ARENA_NEW(a, struct order);
    /* Nothing before it can hold these bytes: quotes inside texts are escaped. */
    size_t at = str_find(text, STR("\"source\":"));
    struct json *j = NULL;
    bool ok;

    if (at == SIZE_MAX || !json_parse(text, ORDER_STORED_MAX, &j, err)) {
        return err_set(err, ERR_DAMAGED, "stored work order cannot be read");
    }
    ok = read_source(a, json_get(j, "source"), o, err) &&
         (order_status_parse(json_get_str(j, "status"), &o->status) ||
          err_set(err, ERR_DAMAGED, "stored work order has no status"));
    if (ok) {
        o->source = arena_dup(a, str_slice(text, at + 9, text.n - 1));
        o->deleted = json_get_bool(j, "deleted", false);
        o->completed.ms = json_get_int(j, "completed_ms", 0);
        o->refused_back_to = json_get_text(j, "refused_back_to", a);
        o->asked_by = json_get_text(j, "asked_by", a);
        o->asked_to = json_get_text(j, "asked_to", a);
        o->remind.ms = json_get_int(j, "remind_ms", 0);
        o->reminded.ms = json_get_int(j, "reminded_ms", 0);
        o->version = version;
        *out = *o;
    }
    json_free(&j);
    return ok || err_wrap(err, "stored work order");
}

void order_write(const struct order *o, struct jw *w, const char *name)
{
    struct json *j = NULL;
    char time[WALL_TEXT_BYTES];
    bool ok = json_parse(o->source, ORDER_STORED_MAX, &j, NULL);

    assert(ok); /* it was JSON when it came */
    (void)ok;
    json_set_str(j, "status", str_of(order_status_name(o->status)));
    if (o->completed.ms != 0) {
        json_set_str(j, "completed_at", str_of(wall_format(o->completed, time)));
    }
    if (o->deleted) {
        json_set(j, "deleted", json_new_bool(true));
    }
    jw_json(w, name, j);
    json_free(&j);
}

void order_write_ref(const struct order *o, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    jw_str(w, "id", o->id);
    jw_str(w, "number", o->number);
    if (o->rev >= 0) {
        jw_int(w, "rev", o->rev);
    }
    jw_close(w, '}');
}

int64_t order_mark(const struct order *o)
{
    if (o->rev >= 0) {
        return o->rev;
    }
    return o->updated.ms != 0 ? o->updated.ms : -1;
}

bool order_is_open(const struct order *o)
{
    return !o->deleted && o->status != ORDER_COMPLETED && o->status != ORDER_CANCELLED;
}

bool order_assigned_to(const struct order *o, struct str user_id)
{
    for (size_t i = 0; i < o->nassignees; i++) {
        if (user_id.n > 0 && str_eq(o->assignees[i].id, user_id)) {
            return true;
        }
    }
    return false;
}

#define URGENCY_STEP 1e11 /* between priorities */
#define URGENCY_DUE  9e10 /* no due date, or one after the year 4800 */

/*
 * Fits a double to the last bit: priority and due seconds need 39 bits, which leaves 14 behind the
 * point for the end of the number.
 */
double order_urgency(const struct order *o)
{
    double due = o->due.ms == 0 ? URGENCY_DUE : (double)(o->due.ms / 1000);
    int64_t tail = 0, scale = 1;

    for (size_t i = o->number.n; i > 0 && scale <= 1000; i--, scale *= 10) {
        char c = o->number.p[i - 1];

        if (c < '0' || c > '9') {
            break;
        }
        tail += (c - '0') * scale;
    }
    due = due < 0 ? 0 : due > URGENCY_DUE ? URGENCY_DUE : due;
    return (ORDER_PRIO_CRITICAL - (double)o->priority) * URGENCY_STEP + due + (double)tail / 16384;
}

static const struct {
    enum order_status to;
    enum step_verdict from[ORDER_STATUS_COUNT];
} steps[] = {
  /*                                    open, acknowledged, in progress, on hold, completed,
  cancelled */
    [STEP_ACK] = {ORDER_ACKNOWLEDGED,
                  {STEP_OK, STEP_ALREADY, STEP_ALREADY, STEP_ALREADY, STEP_CLOSED, STEP_CLOSED}  },
    [STEP_START] = {ORDER_IN_PROGRESS,
                  {STEP_OK, STEP_OK, STEP_ALREADY, STEP_OK, STEP_CLOSED, STEP_CLOSED}            },
    [STEP_COMPLETE] = {ORDER_COMPLETED,
                  {STEP_NOT_STARTED, STEP_NOT_STARTED, STEP_OK, STEP_OK, STEP_ALREADY,
                        STEP_CLOSED}                                                             },
    [STEP_HOLD] = {ORDER_ON_HOLD,
                  {STEP_OK, STEP_OK, STEP_OK, STEP_ALREADY, STEP_CLOSED, STEP_CLOSED}            },
    [STEP_CANCEL] = {ORDER_CANCELLED,
                  {STEP_OK, STEP_OK, STEP_OK, STEP_OK, STEP_CLOSED, STEP_ALREADY}                },
    [STEP_REOPEN] = {ORDER_OPEN,         {STEP_ALREADY, STEP_OK, STEP_OK, STEP_OK, STEP_OK, STEP_OK}},
};

enum step_verdict order_step_check(const struct order *o, enum order_step step, bool explicit_)
{
    enum step_verdict v = steps[step].from[o->status];

    if (o->deleted) {
        return STEP_CLOSED;
    }
    return v == STEP_NOT_STARTED && explicit_ ? STEP_OK : v;
}

enum order_step order_step_to(enum order_status to)
{
    size_t step = 0;

    while (steps[step].to != to) {
        step++;
        assert(step < ARRAY_LEN(steps));
    }
    return (enum order_step)step;
}

enum order_status order_step_result(enum order_step step)
{
    return steps[step].to;
}
