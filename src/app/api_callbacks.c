/*
 * api_callbacks: events that the CMMS has not taken yet and are to be tried again, with the
 * reasons; and a try at once. It sends the same event: same id, same sequence.
 */
#include "app_int.h"
#include "domain/plan.h"

struct callback_list {
    int64_t limit, at;
};
static void refuse(struct request *r, enum err_code code, const char *fmt, struct str value)
{
    err_set(&r->err, code, fmt, STR_ARG(str_slice(value, 0, 60)));
    reply_error(r, &r->err);
}

/* id, type and subject of a stored event. */
static void write_event(struct request *r, struct arena *a, struct str sealed, struct jw *w)
{
    struct str text;
    struct json *j = NULL;
    struct err err = {0};

    if (sealed.n == 0 ||
        !vault_open_arena(r->who.tenant->vault, a, STR("ev"), "b", sealed, &text, &err) ||
        !json_parse(text, (size_t)4 << 20, &j, &err)) {
        jw_null(w, "event");
        return;
    }
    jw_open(w, "event", '{');
    jw_str(w, "id", json_get_str(j, "id"));
    jw_str(w, "type", json_get_str(j, "type"));
    jw_str(w, "subject", json_get_str(j, "subject"));
    jw_str(w, "time", json_get_str(j, "time"));
    jw_close(w, '}');
    json_free(&j);
}

/* ---- callbacks that fail now ---- */

static void write_callback(struct request *r, const struct reply *row, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "id", reply_str(reply_at(row, 0)));
    jw_str(w, "sequence", reply_str(reply_at(row, 0)));
    jw_z(w, "state", reply_int(reply_at(row, 2)) > 0 ? "waiting" : "trying");
    jw_int(w, "tries", reply_int(reply_at(row, 3)));
    jw_str(w, "reason", reply_str(reply_at(row, 4)));
    jw_wall(w, "next_try_at", (struct wall){reply_int(reply_at(row, 2))});
    jw_int(w, "waiting_behind", reply_int(reply_at(row, 5)));
    write_event(r, r->a, reply_str(reply_at(row, 6)), w);
    jw_close(w, '}');
}

static void on_failing(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct jw w;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (size_t i = 1; i < reply_len(reply); i++) {
        write_callback(r, reply_at(reply, i), &w);
    }
    jw_close(&w, ']');
    cursor_write(&w, reply_int(reply_at(reply, 0)) < 0
                         ? STR_NONE
                         : arena_printf(r->a, "%lld", (long long)reply_int(reply_at(reply, 0))));
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

void api_callback_list(struct request *r)
{
    int64_t limit, at = 0;
    struct str after;
    struct call call;

    if (!request_limit(r, &limit) || !request_cursor(r, &after)) {
        return;
    }
    if (after.n > 0 && !str_to_i64(after, 0, INT32_MAX, &at)) {
        refuse(r, ERR_BAD_REQUEST, "?cursor= is not a next_cursor of this collection%.*s",
               STR_NONE);
        return;
    }
    call_script(r, &call, "failing");
    call_int(&call, at);
    call_int(&call, limit);
    r->pending = store_run(engine_store(r->e), &call, on_failing, r);
}

/* ---- try it now ---- */

static void accepted(struct request *r, struct str id)
{
    struct jw w;

    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", id);
    jw_z(&w, "state", "queued");
    jw_close(&w, '}');
}

static void on_retried(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (str_eqz(reply_str(reply), "none")) {
        refuse(r, ERR_NOT_FOUND, "event \"%.*s\" does not wait for another try", r->args[0]);
        return;
    }
    accepted(r, r->args[0]); /* "busy": it is being tried this moment */
    idempotency_close(r, 202, buf_str(&r->out), NULL, STR_NONE);
}

/* The subject tells the lane. */
static bool event_lane_of(struct request *r, struct str sealed, struct str *out)
{
    struct json *j = NULL;
    struct buf lane;
    struct str text;
    struct err err = {0};

    if (!vault_open_arena(r->who.tenant->vault, r->a, STR("ev"), "b", sealed, &text, &err) ||
        !json_parse(text, (size_t)4 << 20, &j, &err)) {
        return false;
    }
    buf_init(&lane, 128);
    event_lane(r->who.tenant, json_get_str(j, "subject"), &lane);
    *out = arena_dup(r->a, buf_str(&lane));
    buf_fini(&lane);
    json_free(&j);
    return true;
}

static void on_event(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct str lane;
    struct call call;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (reply_len(reply) == 0 ||
        !event_lane_of(r, reply_str(reply_at(reply_at(reply_at(reply, 0), 1), 1)), &lane)) {
        refuse(r, ERR_NOT_FOUND, "there is no event \"%.*s\"", r->args[0]);
        return;
    }
    call_script(r, &call, "retry");
    call_str(&call, lane);
    call_str(&call, r->args[0]);
    call_str(&call, audit_entry(r, "callback.replay", r->args[0]));
    r->pending = store_run(engine_store(r->e), &call, on_retried, r);
}

static bool has_endpoint(struct request *r)
{
    if (r->who.tenant->conf->callback_url.n > 0) {
        return true;
    }
    refuse(r, ERR_CONFLICT, "tenant \"%.*s\" has no callback URL: its CMMS polls /api/v1/outbox",
           r->who.tenant->id);
    return false;
}

static void callback_replay(struct request *r)
{
    int64_t sequence;
    struct call call;
    struct str id;

    if (!str_to_i64(r->args[0], 1, INT64_MAX, &sequence) ||
        !str_eq(r->args[0], arena_printf(r->a, "%lld", (long long)sequence))) {
        refuse(r, ERR_NOT_FOUND, "there is no event \"%.*s\"", r->args[0]);
        return;
    }
    if (!has_endpoint(r)) {
        return;
    }
    id = arena_printf(r->a, "%lld-0", (long long)sequence);
    call_init(&call);
    call_str(&call, STR("XRANGE"));
    call_str(&call, tenant_key(r, "ev"));
    call_str(&call, id);
    call_str(&call, id);
    r->pending = store_run(engine_store(r->e), &call, on_event, r);
}

void api_callback_replay(struct request *r)
{
    idempotency_open(r, callback_replay);
}
