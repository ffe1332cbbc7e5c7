/*
 * api_broadcast_people: GET /api/v1/broadcasts/{id}/recipients: whom it was meant for, where his
 * message is, what he answered; as JSON page by page, or all of it as CSV. Read chunk by chunk,
 * each one round trip, as they were written when it was accepted.
 */
#include "api_broadcasts.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/user_store.h"

#define CHUNKS_MAX 64 /* round trips of one page: a rare state gives short pages with a cursor */
#define BACKLOG    ((size_t)1 << 20)

struct people {
    struct broadcast_look look; /* first: broadcast_look() knows it by this */
    struct str state;           /* filter, or empty */
    int64_t limit, n;           /* 0: all (CSV) */
    int64_t chunk;
    size_t row; /* the next one in it */
    int scanned;
    bool csv, started;
    struct arena *a; /* of a chunk */
    struct jw w;
};

static void next_chunk(struct request *r);

static void drop_people(struct request *r)
{
    struct people *p = r->user;

    arena_free(&p->a);
}

/* ---- one of them ---- */

struct recipient {
    struct user user;
    struct str state, reason, message, answer;
    struct wall answered;
};

static bool is_any(struct str s, const char *const *of)
{
    for (size_t i = 0; of[i] != NULL; i++) {
        if (str_eqz(s, of[i])) {
            return true;
        }
    }
    return false;
}

/* Why it came to nothing, out of the last line of its timeline. */
static struct str reason_of(struct people *p, struct str timeline)
{
    struct str line = STR_NONE, state, tail, ms, detail, title, advice;

    while (timeline.n > 0) {
        str_cut(timeline, '\n', &line, &timeline);
    }
    str_cut(line, ',', &state, &tail);
    str_cut(tail, ',', &ms, &detail);
    message_state_error(p->a, state, detail, NULL, &title, &advice);
    return title;
}

/*
 * A cancelled broadcast takes what waits out of the lanes bit by bit; it is cancelled all the same.
 * Whose message is named and not there any more was told, or not: nobody knows.
 */
static struct str state_of(const struct people *p, struct str message, struct str state,
                           struct str flags)
{
    static const char *const waiting[] = {"queued", "sending", NULL};

    if (state.n == 0) {
        state = message.n > 0 ? STR("unknown") : STR("queued"); /* its chunk's turn has not come */
    }
    return is_any(state, waiting) && str_eqz(p->look.state.state, "cancelled") &&
                   str_find_char(flags, 'f', 0) == SIZE_MAX
               ? STR("cancelled")
               : state;
}

static void read_row(struct request *r, struct people *p, const struct reply *row,
                     struct recipient *out)
{
    struct doc doc = {reply_int(reply_at(row, 1)), reply_str(reply_at(row, 2))};
    struct str line = reply_str(reply_at(row, 0)), id, verdict,
               answer = reply_str(reply_at(row, 8)), at;
    const struct reply *message = reply_at(row, 3);
    struct err err = {0};
    int64_t v = NOTIFY_YES;

    *out = (struct recipient){0};
    str_cut(line, ' ', &id, &verdict);
    str_to_i64(verdict, 0, NOTIFY_REMOVED, &v);
    if (doc.version == 0 || !user_open(r->who.tenant, p->a, id, &doc, &out->user, &err)) {
        out->user = (struct user){.id = id};
    }
    if (v != NOTIFY_YES) {
        out->state = STR("skipped");
        out->reason = str_of(notify_reason((enum notify_verdict)v));
    } else if (reply_kind(message) != REPLY_NIL && reply_str(message).n == 0) {
        out->state = STR("skipped");
        out->reason = STR("he could not be written to any more when his turn came");
    } else {
        out->message = reply_str(message);
        out->state =
            state_of(p, out->message, reply_str(reply_at(row, 4)), reply_str(reply_at(row, 5)));
        out->reason = str_eqz(out->state, "unknown")
                          ? STR("the record of his message is gone: with him, or for its age")
                          : reason_of(p, reply_str(reply_at(row, 9)));
    }
    if (str_cut(answer, '|', &out->answer, &at)) {
        str_to_i64(at, 0, INT64_MAX, &out->answered.ms);
    }
}

static bool is_silent(const struct people *p, const struct recipient *x)
{
    static const char *const had_it[] = {"sent", "delivered", "read", NULL};

    return p->look.b.ask != BROADCAST_ASK_NONE && x->answer.n == 0 && is_any(x->state, had_it);
}

static bool wanted(const struct people *p, const struct recipient *x)
{
    return p->state.n == 0 || str_eq(p->state, x->state) || str_eq(p->state, x->answer) ||
           (str_eqz(p->state, "answered") && x->answer.n > 0) ||
           (str_eqz(p->state, "silent") && is_silent(p, x));
}

static void write_json(const struct recipient *x, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "user", x->user.id);
    jw_str(w, "name", x->user.name);
    jw_str(w, "phone", x->user.phone);
    jw_str(w, "language", x->user.language);
    jw_str(w, "state", x->state);
    if (x->reason.n > 0) {
        jw_str(w, "reason", x->reason);
    }
    if (x->message.n > 0) {
        jw_str(w, "message", x->message);
    } else {
        jw_null(w, "message");
    }
    if (x->answer.n > 0) {
        jw_str(w, "answer", x->answer);
    } else {
        jw_null(w, "answer");
    }
    jw_wall(w, "answered_at", x->answered);
    jw_close(w, '}');
}

static void write_csv(const struct recipient *x, struct buf *out)
{
    char text[WALL_TEXT_BYTES];

    csv_cell(out, x->user.id, false);
    csv_cell(out, x->user.name, false);
    csv_cell(out, x->user.phone, false);
    csv_cell(out, x->user.language, false);
    csv_cell(out, x->state, false);
    csv_cell(out, x->reason, false);
    csv_cell(out, x->message, false);
    csv_cell(out, x->answer, false);
    csv_cell(out, x->answered.ms > 0 ? str_of(wall_format(x->answered, text)) : STR_NONE, true);
}

/* ---- page and file ---- */

static void finish(struct request *r, struct people *p)
{
    bool more = p->chunk < p->look.state.chunks;

    drop_people(r);
    if (p->csv) {
        http_stream_write(r->http, buf_str(&r->out));
        buf_fini(&r->out);
        http_stream_end(r->http);
        return;
    }
    jw_close(&p->w, ']');
    cursor_write(&p->w,
                 more ? arena_printf(r->a, "%lld:%zu", (long long)p->chunk, p->row) : STR_NONE);
    jw_close(&p->w, '}');
    reply_built(r, 200, &r->out);
}

static void on_room(void *ctx)
{
    next_chunk(obj_check(ctx, REQUEST_MAGIC));
}

static void take_rows(struct request *r, struct people *p, const struct reply *reply)
{
    size_t n = reply_len(reply);

    while (p->row < n && (p->limit == 0 || p->n < p->limit)) {
        struct recipient x;

        read_row(r, p, reply_at(reply, p->row++), &x);
        if (!wanted(p, &x)) {
            continue;
        }
        p->n++;
        if (p->csv) {
            write_csv(&x, &r->out);
        } else {
            write_json(&x, &p->w);
        }
    }
    if (p->row >= n) {
        p->chunk++;
        p->row = 0;
    }
}

static void on_chunk(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct people *p = r->user;

    r->pending = NULL;
    if (err != NULL && p->csv && p->started) {
        log_warn("export cut off", LF_STR("tenant", r->who.tenant->id), LF_Z("reason", err->msg));
        drop_people(r);
        buf_fini(&r->out);
        http_req_break(r->http, STR_NONE); /* half a file must not look whole */
        return;
    }
    if (err != NULL) {
        drop_people(r);
        reply_error(r, err);
        return;
    }
    if (p->csv && !p->started) {
        reply_stream(r, "text/csv; charset=utf-8; header=present", "recipients.csv");
        buf_init(&r->out, (size_t)16 << 20);
        buf_addz(&r->out, "user,name,phone,language,state,reason,message,answer,answered_at\r\n");
    }
    p->started = true;
    p->scanned++;
    take_rows(r, p, reply);
    arena_reset(p->a);
    if (p->chunk >= p->look.state.chunks || (p->limit > 0 && p->n >= p->limit) ||
        (!p->csv && p->scanned >= CHUNKS_MAX)) {
        finish(r, p);
        return;
    }
    if (p->csv) {
        http_stream_write(r->http, buf_str(&r->out));
        buf_reset(&r->out);
        if (http_stream_backlog(r->http) > BACKLOG) {
            http_stream_wait(r->http, on_room, r);
            return;
        }
    }
    next_chunk(r);
}

static void next_chunk(struct request *r)
{
    struct people *p = r->user;
    struct call call;

    call_script(r, &call, "chunk");
    call_str(&call, r->args[0]);
    call_int(&call, p->chunk);
    call_str(&call, STR("1"));
    call_str(&call, STR("1"));
    r->pending = store_run(engine_store(r->e), &call, on_chunk, r);
}

/* ---- the request ---- */

static bool read_cursor(struct request *r, struct people *p)
{
    struct str after = STR_NONE, chunk, row;
    int64_t nth = 0;

    if (!request_cursor(r, &after)) {
        return false;
    }
    if (after.n > 0 && str_cut(after, ':', &chunk, &row) &&
        str_to_i64(chunk, 0, INT32_MAX, &p->chunk) && str_to_i64(row, 0, BROADCAST_CHUNK, &nth)) {
        p->row = (size_t)nth;
    }
    return true;
}

static void begin(struct request *r)
{
    struct people *p = r->user;

    if (p->csv && p->look.state.chunks == 0) {
        p->look.state.chunks = 1; /* an empty file has its header too */
    }
    p->a = arena_new();
    r->on_gone = drop_people;
    if (!p->csv) {
        reply_begin(r, &p->w);
        jw_open(&p->w, NULL, '{');
        jw_open(&p->w, "items", '[');
    }
    if (p->chunk >= p->look.state.chunks) {
        finish(r, p);
    } else {
        next_chunk(r);
    }
}

void api_broadcast_recipients(struct request *r)
{
    static const char *const states[] = {
        "queued",    "sending", "sent",    "delivered", "read",   "failed", "uncertain", "expired",
        "cancelled", "skipped", "unknown", "answered",  "silent", "ack",    "safe",      "help",
        NULL};
    struct people *p = ARENA_NEW(r->a, struct people);

    p->csv = request_wants_csv(r);
    p->state = request_param(r, "state");
    p->look.then = begin;
    if (p->state.n > 0 && !is_any(p->state, states)) {
        err_set(
            &r->err, ERR_BAD_REQUEST,
            "?state= is \"%.*s\"; it is a state of messages, or skipped, unknown, answered, "
            "silent, ack, safe or help",
            STR_ARG(str_slice(p->state, 0, 40)));
        err_member(&r->err, "state");
        reply_error(r, &r->err);
    } else if ((p->csv || request_limit(r, &p->limit)) && read_cursor(r, p)) {
        broadcast_look(r, &p->look);
    }
}
