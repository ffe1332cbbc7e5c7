/*
 * api_outbox: GET /api/v1/outbox: the events for a CMMS that polls, in order, from a cursor. The
 * cursor is the sequence of the last event seen. With ?wait= an empty answer waits: a look at the
 * counter of events ten times a second, which costs less than a subscription for each request and
 * is heard from every instance.
 */
#include "app_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/metrics.h"

#define SLICE     100
#define BYTES_MAX ((size_t)8 << 20) /* of one answer: the rest is behind the cursor */
#define LOOK_MS   100
#define WAIT_MAX  30

struct outbox_get {
    int64_t after, limit, n;
    struct mono until;
    struct timer *timer;
    struct jw w;
};

static void drop_timer(struct request *r)
{
    struct outbox_get *g = r->user;

    timer_free(&g->timer);
}

static void fail(struct request *r, const struct err *err)
{
    struct err own = *err;

    drop_timer(r);
    reply_error(r, &own);
}

static void answer(struct request *r)
{
    struct outbox_get *g = r->user;

    jw_close(&g->w, ']');
    jw_str(&g->w, "next_cursor", arena_printf(r->a, "%lld", (long long)g->after));
    jw_close(&g->w, '}');
    drop_timer(r);
    reply_built(r, 200, &r->out);
}

static void read_events(struct request *r);

static void write_event(struct request *r, struct outbox_get *g, struct str id, struct str sealed)
{
    struct err err = {0};
    struct str number, rest, stored;
    struct buf text;
    int64_t sequence = 0;

    str_cut(id, '-', &number, &rest);
    str_to_i64(number, 1, INT64_MAX, &sequence);
    g->after = sequence;
    if (!vault_open_arena(r->who.tenant->vault, r->a, STR("ev"), "b", sealed, &stored, &err)) {
        log_error("event left out of the outbox: its record does not open",
                  LF_STR("tenant", r->who.tenant->id), LF_INT("sequence", sequence),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return;
    }
    buf_init(&text, stored.n + 64);
    event_render(stored, sequence, &text);
    jw_raw(&g->w, NULL, buf_str(&text));
    buf_fini(&text);
    g->n++;
}

static void look_again(struct request *r);

static void on_events(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct outbox_get *g = r->user;

    r->pending = NULL;
    if (err != NULL) {
        fail(r, err);
        return;
    }
    for (size_t i = 0; i < reply_len(reply) && r->out.n < BYTES_MAX; i++) {
        const struct reply *entry = reply_at(reply, i);

        write_event(r, g, reply_str(reply_at(entry, 0)),
                    reply_str(reply_at(reply_at(entry, 1), 1)));
    }
    if (g->n < g->limit && reply_len(reply) == SLICE && r->out.n < BYTES_MAX) {
        read_events(r);
    } else if (g->n == 0 && g->until.us > mono_now().us && !r->app->draining) {
        look_again(r);
    } else {
        answer(r);
    }
}

static void read_events(struct request *r)
{
    struct outbox_get *g = r->user;
    int64_t left = g->limit - g->n;
    struct call call;

    call_init(&call);
    call_str(&call, STR("XRANGE"));
    call_str(&call, tenant_key(r, "ev"));
    call_str(&call, arena_printf(r->a, "(%lld", (long long)g->after));
    call_str(&call, STR("+"));
    call_str(&call, STR("COUNT"));
    call_int(&call, left < SLICE ? left : SLICE);
    r->pending = store_run(engine_store(r->e), &call, on_events, r);
}

/* ---- waiting ---- */

static void on_counter(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct outbox_get *g = r->user;

    r->pending = NULL;
    if (err != NULL) {
        fail(r, err);
    } else if (reply_int(reply) > g->after) {
        read_events(r);
    } else {
        look_again(r);
    }
}

static void on_look(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct outbox_get *g = r->user;
    struct call call;

    if (r->app->draining || !engine_ready(r->e) || mono_now().us >= g->until.us) {
        answer(r);
        return;
    }
    call_init(&call);
    call_str(&call, STR("GET"));
    call_str(&call, tenant_key(r, "seq"));
    r->pending = store_run(engine_store(r->e), &call, on_counter, r);
}

static void look_again(struct request *r)
{
    struct outbox_get *g = r->user;
    int64_t left_ms = (g->until.us - mono_now().us) / 1000;

    if (g->timer == NULL) {
        g->timer = timer_new(r->app->loop, on_look, r);
    }
    timer_start(g->timer, left_ms < 1 ? 1 : left_ms < LOOK_MS ? left_ms : LOOK_MS);
}

static bool whole_number(struct request *r, const char *name, int64_t max, const char *what,
                         int64_t *out)
{
    struct str text = request_param(r, name);

    if (text.n == 0 || str_to_i64(text, 0, max, out)) {
        return true;
    }
    err_set(&r->err, ERR_BAD_REQUEST, "?%s= is \"%.*s\"; it is %s", name,
            STR_ARG(str_slice(text, 0, 60)), what);
    err_member(&r->err, "%s", name);
    reply_error(r, &r->err);
    return false;
}

void api_outbox_get(struct request *r)
{
    struct outbox_get *g = ARENA_NEW(r->a, struct outbox_get);
    int64_t wait_s = 0;

    if (!whole_number(r, "cursor", INT64_MAX, "a next_cursor of the outbox", &g->after) ||
        !whole_number(r, "after", INT64_MAX, "a next_cursor of the outbox", &g->after) ||
        !whole_number(r, "wait", 3600, "a number of seconds; more than 30 count as 30", &wait_s) ||
        !request_limit(r, &g->limit)) {
        return;
    }
    g->until.us = mono_now().us + (wait_s > WAIT_MAX ? WAIT_MAX : wait_s) * 1000000;
    r->user = g;
    r->on_gone = drop_timer;
    reply_begin(r, &g->w);
    jw_open(&g->w, NULL, '{');
    jw_open(&g->w, "items", '[');
    read_events(r);
}
