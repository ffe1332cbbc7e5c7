/* api_access: API keys and the audit trail; admins only. A key's secret is told once, when it is
 * made. */
#include "app_int.h"
#include "base/log.h"

#include <stdlib.h>

#define NAME_MAX 100

/* ---- keys ---- */

struct key_post {
    struct str reply;
    struct api_key key;
};

static int by_id(const void *a, const void *b)
{
    return str_cmp(((const struct api_key *)a)->id, ((const struct api_key *)b)->id);
}

static void on_keys(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct api_key *keys;
    struct str after;
    int64_t limit;
    size_t n = 0, shown;
    struct jw w;

    if (!request_resume(ctx, err, &r) || !request_limit(r, &limit) || !request_cursor(r, &after)) {
        return;
    }
    keys = ARENA_ARRAY(r->a, struct api_key, reply_len(reply) / 2 + 1);
    for (size_t i = 0; i + 1 < reply_len(reply); i += 2) {
        if (api_key_decode(r->a, reply_str(reply_at(reply, i + 1)), &keys[n]) &&
            (after.n == 0 || str_cmp(keys[n].id, after) > 0)) {
            n++;
        }
    }
    qsort(keys, n, sizeof(*keys), by_id);
    shown = n < (size_t)limit ? n : (size_t)limit;
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (size_t i = 0; i < shown; i++) {
        api_key_write(&keys[i], STR_NONE, &w, NULL);
    }
    jw_close(&w, ']');
    cursor_write(&w, shown < n ? keys[shown - 1].id : STR_NONE);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

void api_key_list(struct request *r)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("HGETALL"));
    call_str(&call, tenant_key(r, "ak"));
    r->pending = store_run(engine_store(r->e), &call, on_keys, r);
}

static void on_key_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct key_post *p;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    p = r->user;
    log_info("api key created", LF_STR("tenant", r->who.tenant->id), LF_STR("key", p->key.id),
             LF_Z("role", api_key_role_name(p->key.role)));
    reply_json(r, 201, p->reply);
}

static bool key_shape(struct request *r, const struct json *j, unsigned *role, struct str *name)
{
    *name = str_trim(json_get_str(j, "name"));
    if (!api_key_role_parse(json_get_str(j, "role"), role)) {
        err_set(&r->err, ERR_INVALID, "role is \"%.*s\"; it is cmms, admin or viewer",
                STR_ARG(str_slice(json_get_str(j, "role"), 0, 40)));
        err_member(&r->err, "role");
    } else if (name->n == 0 || name->n > NAME_MAX) {
        err_set(&r->err, ERR_INVALID,
                "name is missing or longer than %d bytes; it tells people who uses the key",
                NAME_MAX);
        err_member(&r->err, "name");
    } else if (json_get(j, "broadcast") != NULL &&
               json_kind(json_get(j, "broadcast")) != JSON_BOOL) {
        err_set(&r->err, ERR_INVALID, "broadcast is not true or false");
        err_member(&r->err, "broadcast");
    } else {
        return true;
    }
    reply_error(r, &r->err);
    return false;
}

void api_key_post(struct request *r)
{
    struct key_post *p = ARENA_NEW(
        r->a, struct key_post); /* before the body: that may answer, and the arena is gone */
    const struct json *j = request_json(r);
    struct buf secret, body;
    struct commit *c;
    unsigned role;
    struct str name;
    struct jw w;

    if (j == NULL || !key_shape(r, j, &role, &name)) {
        return;
    }
    buf_init(&secret, 512);
    buf_reserve(&secret, 256);
    buf_init(&body, 4096);
    api_key_make(r->a, r->who.tenant->id, name, role, json_get_bool(j, "broadcast", true), &p->key,
                 &secret);
    jw_init(&w, &body);
    api_key_write(&p->key, buf_str(&secret), &w, NULL);
    p->reply = arena_dup(r->a, buf_str(&body));
    r->user = p;
    c = commit_new(r->who.tenant->id);
    idempotency_checks(r, c);
    api_key_put(&p->key, c);
    idempotency_writes(r, c, 201, p->reply);
    audit_write(r, c, "key.create", p->key.id);
    buf_fini_secret(&secret);
    buf_fini_secret(&body);
    r->pending = commit_run(engine_store(r->e), &c, on_key_kept, r);
}

static void on_key_gone(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    auth_forget(r->app);
    log_info("api key revoked", LF_STR("tenant", r->who.tenant->id), LF_STR("key", r->args[0]));
    reply_empty(r, 204);
}

static void on_key_found(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct commit *c;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (reply_kind(reply) == REPLY_NIL) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no key \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
        return;
    }
    c = commit_new(r->who.tenant->id);
    idempotency_checks(r, c);
    api_key_revoke(r->args[0], c);
    audit_write(r, c, "key.revoke", r->args[0]);
    r->pending = commit_run(engine_store(r->e), &c, on_key_gone, r);
}

void api_key_delete(struct request *r)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, tenant_key(r, "ak"));
    call_str(&call, r->args[0]);
    r->pending = store_run(engine_store(r->e), &call, on_key_found, r);
}

/* ---- the trail ---- */

struct audit_list {
    int64_t limit;
};

static void on_trail(void *ctx, const struct err *err, const struct reply *reply)
{
    struct str last = STR_NONE, text;
    struct audit_list *list;
    struct request *r;
    struct jw w;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    list = r->user;
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (size_t i = 0; i < reply_len(reply) && (int64_t)i < list->limit; i++) {
        const struct reply *entry = reply_at(reply, i);
        struct err own = {0};

        last = reply_str(reply_at(entry, 0));
        if (vault_open_arena(r->who.tenant->vault, r->a, STR("au"), "b",
                             reply_str(reply_at(reply_at(entry, 1), 1)), &text, &own)) {
            /* The entry is an object: its id goes in front. */
            jw_raw(&w, NULL,
                   arena_printf(r->a, "{\"id\":\"%.*s\",%.*s", STR_ARG(last),
                                STR_ARG(str_slice(text, 1, text.n))));
        }
    }
    jw_close(&w, ']');
    cursor_write(&w, (int64_t)reply_len(reply) > list->limit ? last : STR_NONE);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

/* Ids of a stream: "<ms>-<n>". What is none of them would make Redis refuse the command. */
static bool stream_id(struct str s)
{
    struct str ms, n;
    int64_t v;

    return str_cut(s, '-', &ms, &n) && str_to_i64(ms, 0, INT64_MAX, &v) &&
           str_to_i64(n, 0, INT64_MAX, &v);
}

void api_audit_list(struct request *r)
{
    struct audit_list *list = ARENA_NEW(r->a, struct audit_list);
    struct str after;
    struct call call;

    if (!request_limit(r, &list->limit) || !request_cursor(r, &after)) {
        return;
    }
    if (after.n > 0 && !stream_id(after)) {
        err_set(&r->err, ERR_BAD_REQUEST, "?cursor= is not a next_cursor of this collection");
        err_member(&r->err, "cursor");
        reply_error(r, &r->err);
        return;
    }
    r->user = list;
    call_init(&call);
    call_str(&call, STR("XREVRANGE"));
    call_str(&call, tenant_key(r, "au"));
    call_str(&call, after.n > 0 ? arena_printf(r->a, "(%.*s", STR_ARG(after)) : STR("+"));
    call_str(&call, STR("-"));
    call_str(&call, STR("COUNT"));
    call_int(&call, list->limit + 1);
    r->pending = store_run(engine_store(r->e), &call, on_trail, r);
}
