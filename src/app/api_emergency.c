/*
 * api_emergency: POST /whatsapp/emergency, a form or JSON: the fields of the page become the body
 * of POST /api/v1/broadcasts and go the same way. JSON whose "audience" is an object is such a body
 * already, with "message" for "text".
 */
#include "api_broadcasts.h"

#define BODY_MAX ((size_t)1 << 20)

struct emergency {
    struct str title, message, priority, audience, targets, ask, send_at, expires_at, confirm,
        dry_run;
    /* Audience, texts and the list of targets as the API has them, or NULL. */
    const struct json *whole, *texts, *list;
};

static const struct {
    const char *name;
    size_t at;
} fields[] = {
    {"title",      offsetof(struct emergency, title)     },
    {"message",    offsetof(struct emergency, message)   },
    {"text",       offsetof(struct emergency, message)   },
    {"priority",   offsetof(struct emergency, priority)  },
    {"audience",   offsetof(struct emergency, audience)  },
    {"targets",    offsetof(struct emergency, targets)   },
    {"ask",        offsetof(struct emergency, ask)       },
    {"send_at",    offsetof(struct emergency, send_at)   },
    {"expires_at", offsetof(struct emergency, expires_at)},
    {"confirm",    offsetof(struct emergency, confirm)   },
    {"dry_run",    offsetof(struct emergency, dry_run)   },
};

static struct str *place(struct emergency *e, size_t i)
{
    return (struct str *)(void *)((char *)e + fields[i].at);
}

static bool refuse(struct request *r, const char *member, const char *what)
{
    err_set(&r->err, ERR_INVALID, "%s %s", member, what);
    err_member(&r->err, "%s", member);
    reply_error(r, &r->err);
    return false;
}

/* ---- reading ---- */

static bool take_form(struct request *r, struct emergency *e)
{
    struct pairs form = {0};

    if (!form_parse(r->a, http_req_body(r->http), &form, &r->err)) {
        reply_error(r, &r->err);
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct str v = str_trim(pairs_get(&form, str_of(fields[i].name)));

        if (v.n > 0) {
            *place(e, i) = v;
        }
    }
    return true;
}

/* A member of JSON as the form has it; false: it is something else. */
static bool take_text(struct request *r, const struct json *v, struct str *out)
{
    switch (json_kind(v)) {
    case JSON_STRING:
        *out = json_str(v);
        return true;
    case JSON_INT:
        *out = arena_printf(r->a, "%lld", (long long)json_as_int(v, 0));
        return true;
    case JSON_BOOL:
        *out = json_as_bool(v, false) ? STR("true") : STR("false");
        return true;
    case JSON_NONE:
    case JSON_NULL:
        return true;
    case JSON_REAL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

/* What is left out has its default, and that of the audience is everybody: what does not read as
 * it was meant is refused. */
static bool take_json(struct request *r, struct emergency *e)
{
    const struct json *j = request_json(r), *v;

    if (j == NULL) {
        return false;
    }
    v = json_get(j, "audience");
    if (v != NULL && json_kind(v) != JSON_STRING && json_kind(v) != JSON_OBJECT) {
        return refuse(r, "audience", "is neither a text nor an object");
    }
    e->whole = json_kind(v) == JSON_OBJECT ? v : NULL;
    v = json_get(j, "targets");
    e->list = json_kind(v) == JSON_ARRAY ? v : NULL;
    v = json_get(j, "texts");
    e->texts = json_kind(v) == JSON_OBJECT ? v : NULL;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        v = json_get(j, fields[i].name);
        if (v != e->whole && v != e->list && !take_text(r, v, place(e, i))) {
            return refuse(r, fields[i].name, "is no text");
        }
    }
    return true;
}

/* ---- the body of the API ---- */

static bool write_audience(struct request *r, const struct emergency *e, struct jw *w)
{
    static const char *const kinds[] = {"users", "teams", "roles", "sites", "phones"};
    struct str rest = e->targets, item;
    size_t k = 0;

    if (e->whole != NULL) {
        jw_json(w, "audience", e->whole);
        return true;
    }
    jw_open(w, "audience", '{');
    if (e->audience.n == 0 || str_eqz(e->audience, "all")) {
        if ((e->targets.n > 0 || e->list != NULL) && e->audience.n == 0) {
            return refuse(r, "audience",
                          "is missing: are the targets users, teams, roles or sites?");
        }
        jw_bool(w, "all", true);
        jw_close(w, '}');
        return true;
    }
    while (k < ARRAY_LEN(kinds) && !str_eqz(e->audience, kinds[k])) {
        k++;
    }
    if (k == ARRAY_LEN(kinds)) {
        return refuse(r, "audience", "is none of all, users, teams, roles, sites");
    }
    if (e->list != NULL) {
        jw_json(w, kinds[k], e->list);
        jw_close(w, '}');
        return true;
    }
    jw_open(w, kinds[k], '[');
    while (rest.n > 0) {
        str_cut(rest, ',', &item, &rest);
        if (str_trim(item).n > 0) {
            jw_str(w, NULL, str_trim(item));
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
    return true;
}

/* Of a box of the form, or of JSON. */
static bool write_dry_run(struct request *r, const struct emergency *e, struct jw *w)
{
    bool yes = str_eqz(e->dry_run, "true") || str_eqz(e->dry_run, "on") || str_eqz(e->dry_run, "1");

    if (!yes && e->dry_run.n > 0 && !str_eqz(e->dry_run, "false") && !str_eqz(e->dry_run, "off") &&
        !str_eqz(e->dry_run, "0")) {
        return refuse(r, "dry_run", "is neither true nor false");
    }
    jw_bool(w, "dry_run", yes);
    return true;
}

static bool write_body(struct request *r, const struct emergency *e, struct jw *w)
{
    int64_t confirm;

    jw_open(w, NULL, '{');
    jw_str(w, "title", e->title);
    if (e->message.n > 0) {
        jw_str(w, "text", e->message);
    }
    if (e->texts != NULL) {
        jw_json(w, "texts", e->texts);
    }
    jw_str(w, "priority", e->priority.n > 0 ? e->priority : STR("critical"));
    if (!write_audience(r, e, w)) {
        return false;
    }
    if (e->ask.n > 0) {
        jw_str(w, "ask", e->ask);
    }
    if (e->send_at.n > 0) {
        jw_str(w, "send_at", e->send_at);
    }
    if (e->expires_at.n > 0) {
        jw_str(w, "expires_at", e->expires_at);
    }
    if (e->confirm.n > 0) {
        if (!str_to_i64(e->confirm, 0, INT64_MAX, &confirm)) {
            return refuse(r, "confirm", "is not a number of recipients");
        }
        jw_int(w, "confirm", confirm);
    }
    if (!write_dry_run(r, e, w)) {
        return false;
    }
    jw_close(w, '}');
    return true;
}

static bool is_form(struct request *r)
{
    struct str head, rest;

    str_cut(http_req_header(r->http, STR("Content-Type")), ';', &head, &rest);
    return str_ieq(str_trim(head), STR("application/x-www-form-urlencoded"));
}

void api_emergency_post(struct request *r)
{
    struct emergency e = {0};
    struct buf body;
    struct jw w;
    bool ok;

    if (!broadcast_allowed(r) || !(is_form(r) ? take_form(r, &e) : take_json(r, &e))) {
        return;
    }
    if (e.message.n == 0 && e.texts == NULL) {
        refuse(r, "message", "is missing: what are they to be told?");
        return;
    }
    buf_init(&body, BODY_MAX);
    jw_init(&w, &body);
    ok = write_body(r, &e, &w);
    if (ok) {
        json_free(&r->body);
        ok = json_parse(buf_str(&body), BODY_MAX, &r->body, &r->err);
        if (!ok) {
            reply_error(r, &r->err);
        }
    }
    buf_fini(&body);
    if (ok) {
        broadcast_post(r, r->body);
    }
}
