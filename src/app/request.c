/* request: what handlers ask of a request: body, parameters, paging, idempotency, audit. */
#include "app_int.h"
#include "base/mem.h"

#define PAGE_DEFAULT   50
#define PAGE_MAX       500
#define REPLY_KEPT_MAX (4 * 1024 * 1024) /* a thousand results with their reasons */

static bool is_json(struct str type)
{
    struct str head, rest;

    str_cut(type, ';', &head, &rest);
    head = str_trim(head);
    return str_ieq(head, STR("application/json")) || str_ends(head, STR("+json"));
}

const struct json *request_json(struct request *r)
{
    struct str type = http_req_header(r->http, STR("Content-Type"));

    if (type.n > 0 && !is_json(type)) {
        err_set(&r->err, ERR_MEDIA_TYPE, "the body is \"%.*s\"; this path takes application/json",
                STR_ARG(type));
    } else if (json_parse(http_req_body(r->http), (size_t)16 << 20, &r->body, &r->err)) {
        if (json_kind(r->body) == JSON_OBJECT || json_kind(r->body) == JSON_ARRAY) {
            return r->body;
        }
        err_set(&r->err, ERR_BAD_REQUEST, "the body is neither an object nor an array");
    }
    reply_error(r, &r->err);
    return NULL;
}

struct str request_param(struct request *r, const char *name)
{
    const struct pairs *params = http_req_params(r->http);

    return params == NULL ? STR_NONE : pairs_get(params, str_of(name));
}

static bool refuse_param(struct request *r, const char *name, const char *want)
{
    struct str got = request_param(r, name);

    err_set(&r->err, ERR_BAD_REQUEST, "?%s= is \"%.*s\"; it is %s", name,
            STR_ARG(str_slice(got, 0, 60)), want);
    err_member(&r->err, "%s", name);
    reply_error(r, &r->err);
    return false;
}

bool request_flag(struct request *r, const char *name, bool *out)
{
    struct str got = request_param(r, name);

    *out = str_eqz(got, "true") || str_eqz(got, "1");
    return *out || got.n == 0 || str_eqz(got, "false") || str_eqz(got, "0") ||
           refuse_param(r, name, "true or false");
}

bool request_limit(struct request *r, int64_t *limit)
{
    struct str text = request_param(r, "limit");

    *limit = PAGE_DEFAULT;
    return text.n == 0 || str_to_i64(text, 1, PAGE_MAX, limit) ||
           refuse_param(r, "limit", "a whole number from 1 to 500");
}

bool request_cursor(struct request *r, struct str *after)
{
    struct str text = request_param(r, "cursor");
    struct buf plain;
    bool ok;

    *after = STR_NONE;
    if (text.n == 0) {
        return true;
    }
    buf_init(&plain, 1024);
    ok = base64_decode(&plain, text) && buf_ok(&plain) && str_is_utf8(buf_str(&plain));
    if (ok) {
        *after = arena_dup(r->a, buf_str(&plain));
    }
    buf_fini(&plain);
    return ok || refuse_param(r, "cursor", "a next_cursor of this collection");
}

void cursor_write(struct jw *w, struct str last)
{
    struct buf text;

    if (last.n == 0) {
        jw_null(w, "next_cursor");
        return;
    }
    buf_init(&text, 2048);
    base64url_add(&text, last);
    jw_str(w, "next_cursor", buf_str(&text));
    buf_fini(&text);
}

bool request_time(struct request *r, const char *name, struct wall *out)
{
    struct str text = request_param(r, name);

    *out = (struct wall){0};
    return text.n == 0 || wall_parse(text, out) ||
           refuse_param(r, name, "a time as in 2026-11-21T08:00:00Z");
}

bool request_resume(void *ctx, const struct err *err, struct request **out)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    r->pending = NULL;
    *out = r;
    if (err != NULL) {
        reply_error(r, err);
        return false;
    }
    return true;
}

struct str tenant_key(struct request *r, const char *key)
{
    return arena_printf(r->a, "{%.*s}:%s", STR_ARG(r->who.tenant->id), key);
}

void call_script(struct request *r, struct call *call, const char *name)
{
    call_init_script(call, name, tenant_key(r, ""));
}

/* ---- idempotency ---- */

/*
 * The path counts, not the route: POST …/7/replay and …/8/replay with one key are two requests. So
 * does the query, as part of what must be the same.
 */
static struct str idempotency_key(struct request *r)
{
    struct str text = arena_printf(r->a, "%s %.*s|%.*s", r->route->method,
                                   STR_ARG(http_req_path(r->http)), STR_ARG(r->idempotency));

    return arena_printf(r->a, "k:%.*s",
                        STR_ARG(vault_hash_arena(r->who.tenant->vault, r->a, "idempotency", text)));
}

static struct str body_print(struct request *r)
{
    uint8_t body[SHA256_BYTES], all[SHA256_BYTES];
    struct hasher h;
    struct buf hex;

    if (r->print.n > 0) {
        return r->print;
    }
    if (r->nhashers > 0) {
        hasher_done(&r->hashers[0], body);
        r->nhashers = 0;
    } else {
        sha256(http_req_body(r->http), body);
    }
    hasher_init(&h, HASH_SHA256);
    hasher_add(&h, str_make(body, sizeof(body)));
    hasher_add(&h, http_req_query(r->http));
    hasher_done(&h, all);
    buf_init(&hex, 64);
    hex_add(&hex, str_make(all, 16));
    r->print = arena_dup(r->a, buf_str(&hex));
    buf_fini(&hex);
    return r->print;
}

/* Without a key the commit is made repeatable all the same: its reply may be lost, and it is asked
 * again. */
static struct str unit_id(struct request *r)
{
    char id[ID_BYTES];

    if (r->unit.n == 0) {
        id_new(id);
        r->unit = arena_printf(r->a, "q:%s", id);
    }
    return r->unit;
}

void idempotency_checks(struct request *r, struct commit *c)
{
    if (r->idempotency.n > 0) {
        commit_check_new(c, idempotency_key(r), body_print(r));
    } else {
        commit_once(c, unit_id(r));
    }
}

static void remember_reply(struct request *r, struct commit *c, int status, struct str body)
{
    struct buf sealed, plain;

    buf_init(&plain, REPLY_KEPT_MAX);
    buf_init(&sealed, REPLY_KEPT_MAX + 64);
    buf_addf(&plain, "%d ", status);
    buf_add(&plain, body);
    if (buf_ok(&plain)) { /* else a repetition does the work again, which is repeatable */
        vault_seal(r->who.tenant->vault, STR("idempotency"), "r", buf_str(&plain), &sealed);
    }
    commit_remember(c, idempotency_key(r), body_print(r), buf_str(&sealed));
    buf_fini(&plain);
    buf_fini(&sealed);
}

void idempotency_writes(struct request *r, struct commit *c, int status, struct str body)
{
    if (r->idempotency.n > 0) {
        remember_reply(r, c, status, body);
    }
}

static void reply_again(struct request *r, struct str sealed)
{
    struct str text, status, body;
    int64_t code;

    if (!vault_open_arena(r->who.tenant->vault, r->a, STR("idempotency"), "r", sealed, &text,
                          &r->err) ||
        !str_cut(text, ' ', &status, &body) || !str_to_i64(status, 200, 299, &code)) {
        err_set(&r->err, ERR_DAMAGED,
                "the first reply to this Idempotency-Key cannot be read back");
        reply_error(r, &r->err);
        return;
    }
    reply_json(r, (int)code, body);
}

static void refuse_reuse(struct request *r)
{
    err_set(&r->err, ERR_IDEMPOTENCY,
            "this Idempotency-Key was used with another body; take a new one");
    err_member(&r->err, "Idempotency-Key");
    reply_error(r, &r->err);
}

bool idempotency_answered(struct request *r, const struct commit_outcome *o, bool *done)
{
    *done = o->result == COMMIT_OK;
    if (o->result == COMMIT_DIFFERS) {
        refuse_reuse(r);
        return true;
    }
    if (o->result != COMMIT_DUPLICATE) {
        return false;
    }
    if (r->idempotency.n == 0) {
        *done = true; /* it was carried out the first time; the answer was lost on the way */
        return false;
    }
    reply_again(r, o->value);
    return true;
}

static void on_looked(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    struct request *r;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (o->result == COMMIT_DIFFERS) {
        refuse_reuse(r);
    } else if (o->result == COMMIT_DUPLICATE && o->value.n > 0) {
        reply_again(r, o->value);
    } else {
        r->then(r); /* the first time, or after a first time that did not come to its end */
    }
}

static void look(struct request *r, handler_fn *next, bool keep)
{
    struct commit *c;

    if (r->idempotency.n == 0) {
        next(r);
        return;
    }
    r->then = next;
    c = commit_new(r->who.tenant->id);
    commit_check_new(c, idempotency_key(r), body_print(r));
    if (keep) {
        commit_remember(c, idempotency_key(r), body_print(r), STR_NONE);
    }
    r->pending = commit_run(engine_store(r->e), &c, on_looked, r);
}

void idempotency_peek(struct request *r, handler_fn *next)
{
    look(r, next, false);
}

void idempotency_open(struct request *r, handler_fn *next)
{
    look(r, next, true);
}

struct closing { /* of idempotency_close(); in the arena */
    int status;
    struct str body;
};

static void on_closed(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    const struct closing *closing;
    struct request *r;

    (void)o;
    if (request_resume(ctx, err, &r)) {
        closing = r->user;
        reply_json(r, closing->status, closing->body);
    }
}

void idempotency_close(struct request *r, int status, struct str body, const char *what,
                       struct str subject)
{
    struct closing *closing;
    struct commit *c;

    if (r->idempotency.n == 0 && what == NULL) {
        reply_json(r, status, body);
        return;
    }
    closing = ARENA_NEW(r->a, struct closing);
    *closing = (struct closing){.status = status, .body = body};
    r->user = closing;
    c = commit_new(r->who.tenant->id);
    commit_once(c, unit_id(r));
    if (r->idempotency.n > 0) {
        remember_reply(r, c, status, body);
    }
    if (what != NULL) {
        audit_write(r, c, what, subject);
    }
    r->pending = commit_run(engine_store(r->e), &c, on_closed, r);
}

/* ---- audit ---- */

struct str audit_entry(struct request *r, const char *what, struct str subject)
{
    struct buf text, sealed;
    struct str out;
    struct jw w;

    buf_init(&text, 16 * 1024);
    buf_init(&sealed, 16 * 1024 + SEAL_EXTRA_BYTES);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_wall(&w, "at", wall_now());
    jw_str(&w, "key", r->who.key_id);
    jw_str(&w, "by", r->who.key_name);
    jw_z(&w, "role", api_key_role_name(r->who.role));
    jw_str(&w, "from", http_req_peer(r->http));
    jw_z(&w, "what", what);
    jw_str(&w, "subject", str_slice(subject, 0, 512));
    jw_close(&w, '}');
    vault_seal(r->who.tenant->vault, STR("au"), "b", buf_str(&text), &sealed);
    out = arena_dup(r->a, buf_str(&sealed));
    buf_fini(&text);
    buf_fini(&sealed);
    return out;
}

void audit_write(struct request *r, struct commit *c, const char *what, struct str subject)
{
    commit_log(c, STR("au"), audit_entry(r, what, subject));
}
