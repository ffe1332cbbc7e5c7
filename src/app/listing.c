/*
 * listing: collections, page by page. Records are read, opened and written in slices of some 50,
 * one round trip each, so that neither Redis nor the loop is held; CSV goes out as a stream, at the
 * client's pace.
 */
#include "app_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/metrics.h"

#define SLICE 50
#define SCAN \
    1000 /* index entries looked at in one round trip, where a filter skips records unread */
#define SCANS_MAX 20 /* round trips of one page: a rare filter gives short pages with a cursor */
#define BACKLOG   ((size_t)1 << 20)

static void next_slice(struct request *r);

static void drop_arena(struct request *r)
{
    struct listing *l = r->user;

    arena_free(&l->a);
}

static void finish(struct request *r, struct listing *l)
{
    drop_arena(r);
    if (l->csv_head != NULL) {
        buf_fini(&r->out);
        http_stream_end(r->http);
        return;
    }
    jw_close(&l->w, ']');
    cursor_write(&l->w, l->more ? l->last : STR_NONE);
    jw_close(&l->w, '}');
    reply_built(r, 200, &r->out);
}

static void on_room(void *ctx)
{
    next_slice(obj_check(ctx, REQUEST_MAGIC));
}

/* What is written so far goes out; true: go on at once. */
static bool flush(struct request *r)
{
    http_stream_write(r->http, buf_str(&r->out));
    buf_reset(&r->out);
    if (http_stream_backlog(r->http) > BACKLOG) {
        http_stream_wait(r->http, on_room, r);
        return false;
    }
    return true;
}

static void take_rows(struct request *r, struct listing *l, const struct reply *reply)
{
    for (size_t i = 1; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);

        if (l->row(r, l, reply_str(reply_at(row, 0)), row)) {
            l->n++;
        }
        if (l->limit > 0 && l->n == l->limit && i + 1 < reply_len(reply)) {
            /* The page ends inside the slice: the next one begins behind this row. */
            l->last = str_eqz(str_of(l->order), "score")
                          ? arena_printf(r->a, "%.*s|%.*s", STR_ARG(reply_str(reply_at(row, 1))),
                                         STR_ARG(reply_str(reply_at(row, 0))))
                          : arena_dup(r->a, reply_str(reply_at(row, 0)));
            l->more = true;
            return;
        }
    }
    l->last = arena_dup(r->a, reply_str(reply_at(reply, 0)));
    l->more = l->last.n > 0;
}

static void on_slice(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct listing *l = r->user;

    r->pending = NULL;
    if (err != NULL && l->started && l->csv_head != NULL) {
        log_warn("export cut off", LF_STR("tenant", r->who.tenant->id), LF_Z("reason", err->msg));
        drop_arena(r);
        buf_fini(&r->out);
        http_req_break(r->http, STR_NONE); /* half a file must not look whole */
        return;
    }
    if (err != NULL) {
        drop_arena(r);
        reply_error(r, err);
        return;
    }
    if (l->csv_head != NULL && !l->started) {
        reply_stream(r, "text/csv; charset=utf-8; header=present", l->csv_file);
        buf_init(&r->out, (size_t)16 << 20);
        buf_addz(&r->out, l->csv_head);
    }
    l->started = true;
    l->scanned++;
    take_rows(r, l, reply);
    arena_reset(l->a);
    if (!l->more || (l->limit > 0 && l->n >= l->limit) ||
        (l->csv_head == NULL && l->scanned >= SCANS_MAX)) {
        if (l->csv_head != NULL) {
            flush(r);
        }
        finish(r, l);
        return;
    }
    if (l->csv_head == NULL || flush(r)) {
        next_slice(r);
    }
}

static void bound(struct request *r, struct listing *l)
{
    if (l->last.n == 0) {
        return;
    }
    l->from = str_eqz(str_of(l->order), "score") ? l->last
                                                 : arena_printf(r->a, "(%.*s", STR_ARG(l->last));
}

static void next_slice(struct request *r)
{
    struct listing *l = r->user;
    int64_t left = l->limit > 0 ? l->limit - l->n : SLICE;
    struct call call;

    bound(r, l);
    call_script(r, &call, "rows");
    call_str(&call, l->index);
    call_str(&call, str_of(l->order));
    call_str(&call, l->from);
    call_str(&call, l->to);
    call_int(&call, left < SLICE && !l->sifted ? left : SLICE);
    call_int(&call, l->filter != NULL ? SCAN : SLICE);
    call_str(&call, str_of(l->prefix));
    call_str(&call, str_of(l->filter != NULL ? l->filter : ""));
    call_str(&call, l->value);
    for (size_t i = 0; l->fields[i] != NULL; i++) {
        call_str(&call, str_of(l->fields[i]));
    }
    r->pending = store_run(engine_store(r->e), &call, on_slice, r);
}

/* "score|id"; Redis would refuse what is none. Answers 400 itself. */
static bool place_ok(struct request *r, const struct listing *l)
{
    struct str score, id;
    double number;

    if (l->order[0] != 's' || l->last.n == 0 ||
        (str_cut(l->last, '|', &score, &id) && str_to_double(score, &number))) {
        return true;
    }
    err_set(&r->err, ERR_BAD_REQUEST, "?cursor= is not a next_cursor of this collection");
    err_member(&r->err, "cursor");
    reply_error(r, &r->err);
    return false;
}

void listing_start(struct request *r, struct listing *l)
{
    if (l->csv_head == NULL) {
        if (!request_limit(r, &l->limit)) {
            return;
        }
        reply_begin(r, &l->w);
        jw_open(&l->w, NULL, '{');
        jw_open(&l->w, "items", '[');
    }
    if (!request_cursor(r, &l->last) || !place_ok(r, l)) {
        return;
    }
    if (l->from.n == 0 && l->order[0] != 's') {
        l->from = l->order[0] == 'u' ? STR("-") : STR("+");
    }
    if (l->to.n == 0 && l->order[0] != 's') {
        l->to = l->order[0] == 'u' ? STR("+") : STR("-");
    }
    l->a = arena_new();
    r->user = l;
    r->on_gone = drop_arena;
    next_slice(r);
}

/* ---- CSV ---- */

bool request_wants_csv(struct request *r)
{
    struct str accept = http_req_header(r->http, STR("Accept")), item, type, rest;

    while (accept.n > 0) {
        str_cut(accept, ',', &item, &accept);
        str_cut(item, ';', &type, &rest);
        type = str_trim(type);
        if (str_ieq(type, STR("text/csv"))) {
            return true;
        }
        if (str_ieq(type, STR("application/json"))) {
            return false; /* named first: preferred */
        }
    }
    return false;
}

void csv_cell(struct buf *out, struct str text, bool last)
{
    buf_add_char(out, '"');
    if (text.n > 0 && memchr("=+-@\t\r\n", text.p[0], 7) != NULL) {
        buf_add_char(out, '\'');
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') {
            buf_add_char(out, '"');
        }
        buf_add_char(out, text.p[i]);
    }
    buf_addz(out, last ? "\"\r\n" : "\",");
}
