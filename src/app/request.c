/* request: what handlers ask of a request: body, parameters, paging, idempotency, audit. */
#include "app_int.h"
#include "base/mem.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX     500
#define REPLY_KEPT_MAX (64 * 1024)

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
        err_set(&r->err, ERR_MEDIA_TYPE, "the body is \"%.*s\"; this path takes application/json", STR_ARG(type));
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

    err_set(&r->err, ERR_BAD_REQUEST, "?%s= is \"%.*s\"; it is %s", name, STR_ARG(str_slice(got, 0, 60)), want);
    err_member(&r->err, "%s", name);
    reply_error(r, &r->err);
    return false;
}

bool request_limit(struct request *r, int64_t *limit)
{
    struct str text = request_param(r, "limit");

    *limit = PAGE_DEFAULT;
    return text.n == 0 || str_to_i64(text, 1, PAGE_MAX, limit) || refuse_param(r, "limit", "a whole number from 1 to 500");
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
    return text.n == 0 || wall_parse(text, out) || refuse_param(r, name, "a time as in 2026-11-21T08:00:00Z");
}

/* ---- idempotency ---- */

static struct str idempotency_key(struct request *r)
{
    struct str text = arena_printf(r->a, "%s %s|%.*s", r->route->method, r->route->path, STR_ARG(r->idempotency));

    return arena_printf(r->a, "k:%.*s", STR_ARG(vault_hash_arena(r->who.tenant->vault, r->a, "idempotency", text)));
}

static struct str body_print(struct request *r)
{
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    struct str out;

    sha256(http_req_body(r->http), digest);
    buf_init(&hex, 64);
    hex_add(&hex, str_make(digest, 16));
    out = arena_dup(r->a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

void idempotency_checks(struct request *r, struct commit *c)
{
    if (r->idempotency.n > 0) {
        commit_check_new(c, idempotency_key(r), body_print(r));
    }
}

void idempotency_writes(struct request *r, struct commit *c, int status, struct str body)
{
    struct buf sealed, plain;

    if (r->idempotency.n == 0) {
        return;
    }
    buf_init(&plain, REPLY_KEPT_MAX);
    buf_init(&sealed, REPLY_KEPT_MAX + 64);
    buf_addf(&plain, "%d ", status);
    buf_add(&plain, body);
    vault_seal(r->who.tenant->vault, STR("idempotency"), "r", buf_str(&plain), &sealed);
    commit_remember(c, idempotency_key(r), body_print(r), buf_str(&sealed));
    buf_fini(&plain);
    buf_fini(&sealed);
}

bool idempotency_answered(struct request *r, const struct commit_outcome *o)
{
    struct str text, status, body;
    int64_t code;

    if (o->result == COMMIT_DIFFERS) {
        err_set(&r->err, ERR_IDEMPOTENCY, "this Idempotency-Key was used with another body");
        reply_error(r, &r->err);
        return true;
    }
    if (o->result != COMMIT_DUPLICATE) {
        return false;
    }
    if (!vault_open_arena(r->who.tenant->vault, r->a, STR("idempotency"), "r", o->value, &text, &r->err) ||
        !str_cut(text, ' ', &status, &body) || !str_to_i64(status, 200, 299, &code)) {
        err_set(&r->err, ERR_DAMAGED, "the first reply to this Idempotency-Key cannot be read back");
        reply_error(r, &r->err);
        return true;
    }
    reply_json(r, (int)code, body);
    return true;
}

/* ---- audit ---- */

void audit_write(struct request *r, struct commit *c, const char *what, struct str subject)
{
    struct buf text, sealed;
    struct jw w;

    buf_init(&text, 4096);
    buf_init(&sealed, 4200);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_wall(&w, "at", wall_now());
    jw_str(&w, "key", r->who.key_id);
    jw_str(&w, "by", r->who.key_name);
    jw_z(&w, "role", api_key_role_name(r->who.role));
    jw_str(&w, "from", http_req_peer(r->http));
    jw_z(&w, "what", what);
    jw_str(&w, "subject", subject);
    jw_close(&w, '}');
    vault_seal(r->who.tenant->vault, STR("au"), "b", buf_str(&text), &sealed);
    commit_log(c, STR("au"), buf_str(&sealed));
    buf_fini(&text);
    buf_fini(&sealed);
}
