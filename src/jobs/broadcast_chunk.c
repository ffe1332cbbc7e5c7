/*
 * broadcast_chunk: reads a chunk of a broadcast: who is meant, their documents and their windows;
 * in a later round also what each was told before.
 *
 * The first round, the one with everybody in it, reads with plain commands: Redis 7.0 hashes every
 * string that enters Lua wholly, so a document costs five times as much in a script, and Redis is
 * what limits a broadcast. Nothing is lost by it: a chunk is read ahead anyway, so what its commit
 * relies on, the commit checks.
 */
#include <assert.h>

#include "base/mem.h"
#include "broadcast_int.h"

struct chunk_ask { /* a call that is out */
    struct broadcast_reading *of;
    struct op *op;
    size_t nth; /* of the row or of the sender that it is about */
};

static struct engine *engine_of(const struct broadcast_reading *r)
{
    return r->run->j->et->e;
}

static struct str tenant_of(const struct broadcast_reading *r)
{
    return r->run->j->et->t.id;
}

static size_t windows_of(const struct broadcast_reading *r)
{
    size_t n = r->run->j->et->t.conf->nsenders;

    return n < BROADCAST_WINDOWS ? n : BROADCAST_WINDOWS;
}

/* ---- calls that are out ---- */

static void on_nothing(void *ctx);

static void drop_asks(struct broadcast_reading *r)
{
    loop_defer_cancel(engine_of(r)->loop, on_nothing, r);
    for (size_t i = 0; r->out > 0; i++) {
        r->out -= r->asks[i].op != NULL;
        op_cancel(&r->asks[i].op);
    }
    r->asks = NULL;
    r->nasks = 0;
}

static void on_cancel(struct op *op)
{
    drop_asks((struct broadcast_reading *)(void *)op);
}

/* The reading may be gone when this returns. */
static void finish(struct broadcast_reading *r, const struct err *err)
{
    assert(r->out == 0);
    r->into->ready = err == NULL;
    r->on_read(r->ctx, err);
}

static void on_nothing(void *ctx)
{
    finish(ctx, NULL);
}

static void asks_begin(struct broadcast_reading *r, size_t most)
{
    r->asks = ARENA_ARRAY(r->into->a, struct chunk_ask, most);
    r->nasks = 0;
}

static void ask(struct broadcast_reading *r, struct call *call, size_t nth, reply_fn *on_reply)
{
    struct chunk_ask *a = &r->asks[r->nasks++];

    a->of = r;
    a->nth = nth;
    a->op = store_run(engine_of(r)->store, call, on_reply, a);
    r->out++;
}

/* NULL: it failed, and with it the chunk; the others need not be waited for. */
static struct broadcast_reading *answered(struct chunk_ask *a, const struct err *err)
{
    struct broadcast_reading *r = a->of;

    a->op = NULL;
    r->out--;
    if (err != NULL) {
        drop_asks(r);
        finish(r, err);
        return NULL;
    }
    return r;
}

static void settle(struct broadcast_reading *r)
{
    if (r->out == 0) {
        finish(r, NULL);
    }
}

/* ---- rows ---- */

/* @line lives as long as the chunk. */
static void set_line(struct chunk_row *row, struct str line)
{
    struct str person, verdict;
    int64_t v = NOTIFY_YES;

    str_cut(line, ' ', &person, &verdict);
    str_to_i64(verdict, 0, NOTIFY_REMOVED, &v);
    row->person = person;
    row->verdict = (int)v;
}

static void set_doc(struct arena *a, struct chunk_row *row, const struct reply *version,
                    const struct reply *body)
{
    row->doc = (struct doc){reply_int(version), arena_dup(a, reply_str(body))};
}

static void set_windows(struct chunk *c, size_t sender, const struct reply *column)
{
    for (size_t i = 0; i < c->n; i++) {
        c->rows[i].windows[sender] = reply_int(reply_at(column, i));
    }
}

static void set_lines(struct chunk *c, struct str text)
{
    struct str rest = arena_dup(c->a, text), line;
    size_t most = 1;

    for (size_t at = str_find_char(rest, '\n', 0); at != SIZE_MAX;
         at = str_find_char(rest, '\n', at + 1)) {
        most++;
    }
    c->rows = ARENA_ARRAY(c->a, struct chunk_row, most);
    c->n = 0;
    while (rest.n > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.n > 0) {
            set_line(&c->rows[c->n++], line);
        }
    }
}

/* ---- the first round: its people ---- */

static void on_person(void *ctx, const struct err *err, const struct reply *reply)
{
    struct chunk_ask *a = ctx;
    struct broadcast_reading *r = answered(a, err);

    if (r != NULL) {
        set_doc(r->into->a, &r->into->rows[a->nth], reply_at(reply, 0), reply_at(reply, 1));
        settle(r);
    }
}

static void on_windows(void *ctx, const struct err *err, const struct reply *reply)
{
    struct chunk_ask *a = ctx;
    struct broadcast_reading *r = answered(a, err);

    if (r != NULL) {
        set_windows(r->into, a->nth, reply);
        settle(r);
    }
}

/* Whoever was left out when it was accepted stays so: nobody looks at his document. */
static void ask_people(struct broadcast_reading *r, size_t id_bytes_max)
{
    struct chunk *c = r->into;
    struct str before = arena_printf(c->a, "{%.*s}:u:", STR_ARG(tenant_of(r)));
    char *key = arena_room(c->a, before.n + id_bytes_max); /* for one after the other */
    struct call call;

    memcpy(key, before.p, before.n);
    for (size_t i = 0; i < c->n; i++) {
        struct str person = c->rows[i].person;

        if (c->rows[i].verdict != NOTIFY_YES) {
            continue;
        }
        memcpy(key + before.n, person.p, person.n);
        call_init(&call);
        call_str(&call, STR("HMGET"));
        call_str(&call, str_make(key, before.n + person.n));
        call_str(&call, STR("v"));
        call_str(&call, STR("b"));
        ask(r, &call, i, on_person);
    }
}

static void ask_windows(struct broadcast_reading *r, size_t sender)
{
    const struct tenant_settings *conf = r->run->j->et->t.conf;
    const struct chunk *c = r->into;
    struct call call;

    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, arena_printf(c->a, "{%.*s}:w:%.*s", STR_ARG(tenant_of(r)),
                                 STR_ARG(conf->senders[sender].id)));
    for (size_t i = 0; i < c->n; i++) {
        call_str(&call, c->rows[i].person);
    }
    ask(r, &call, sender, on_windows);
}

/* All in one turn, so in one write. */
static void read_people(struct broadcast_reading *r)
{
    struct str lines = r->lines[r->into->nth - r->first];
    size_t senders = windows_of(r);

    set_lines(r->into, lines);
    asks_begin(r, r->into->n + senders + 1);
    ask_people(r, lines.n);
    for (size_t k = 0; k < senders && r->into->n > 0; k++) {
        ask_windows(r, k);
    }
    if (r->out == 0) {
        loop_defer(engine_of(r)->loop, on_nothing, r);
    }
}

/* ---- the first round: the lines of this chunk and of some behind it ---- */

static void on_lines(void *ctx, const struct err *err, const struct reply *reply)
{
    struct broadcast_reading *r = answered(ctx, err);

    if (r == NULL) {
        return;
    }
    r->first = r->into->nth;
    r->nlines = reply_len(reply);
    for (size_t i = 0; i < r->nlines; i++) {
        r->lines[i] = arena_dup(r->a, reply_str(reply_at(reply, i)));
    }
    read_people(r);
}

/* Those of an accepted broadcast never change, so they may be as old as they are. */
static void read_lines(struct broadcast_reading *r)
{
    const struct broadcast_run *run = r->run;
    struct str list = run->state.list.n > 0 ? run->state.list : run->id;
    int64_t nth = r->into->nth, end = nth + BROADCAST_LINES_AHEAD;
    struct call call;

    if (r->a == NULL) {
        r->a = arena_new();
    }
    arena_reset(r->a);
    r->nlines = 0;
    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, arena_printf(r->into->a, "{%.*s}:bl:%.*s", STR_ARG(tenant_of(r)),
                                 STR_ARG(list)));
    call_int(&call, nth);
    for (int64_t i = nth + 1; i < end && i < run->state.chunks; i++) {
        call_int(&call, i);
    }
    asks_begin(r, 1);
    ask(r, &call, 0, on_lines);
}

/* ---- later rounds ---- */

/* What he was told in the round before. */
static void set_told(struct arena *a, struct chunk_row *row, const struct reply *r)
{
    row->message = arena_dup(a, reply_str(reply_at(r, 3)));
    row->state = arena_dup(a, reply_str(reply_at(r, 4)));
    row->flags = arena_dup(a, reply_str(reply_at(r, 5)));
    row->queue = arena_dup(a, reply_str(reply_at(r, 6)));
    row->lane = arena_dup(a, reply_str(reply_at(r, 7)));
}

/* Rows, then a column of windows for each sender. */
static void on_told(void *ctx, const struct err *err, const struct reply *reply)
{
    struct broadcast_reading *r = answered(ctx, err);
    size_t senders, n = reply_len(reply);
    struct chunk *c;

    if (r == NULL) {
        return;
    }
    c = r->into;
    senders = windows_of(r);
    c->n = n < senders ? 0 : n - senders;
    c->rows = ARENA_ARRAY(c->a, struct chunk_row, c->n + 1);
    for (size_t i = 0; i < c->n; i++) {
        const struct reply *from = reply_at(reply, i);

        set_line(&c->rows[i], arena_dup(c->a, reply_str(reply_at(from, 0))));
        set_doc(c->a, &c->rows[i], reply_at(from, 1), reply_at(from, 2));
        set_told(c->a, &c->rows[i], from);
    }
    for (size_t k = 0; k < senders; k++) {
        set_windows(c, k, reply_at(reply, c->n + k));
    }
    settle(r);
}

static void read_told(struct broadcast_reading *r)
{
    const struct tenant_settings *conf = r->run->j->et->t.conf;
    struct call call;

    call_init_script(&call, "chunk", arena_printf(r->into->a, "{%.*s}:", STR_ARG(tenant_of(r))));
    call_str(&call, r->run->id);
    call_int(&call, r->into->nth);
    call_str(&call, STR("1"));
    call_str(&call, STR("1"));
    for (size_t i = 0; i < windows_of(r); i++) {
        call_str(&call, conf->senders[i].id);
    }
    asks_begin(r, 1);
    ask(r, &call, 0, on_told);
}

/* ---- a chunk ---- */

struct op *broadcast_chunk_read(struct broadcast_run *run, int64_t nth, struct chunk *into,
                                chunk_read_fn *on_read, void *ctx)
{
    struct broadcast_reading *r = &run->reading;

    assert(r->out == 0);
    r->op.cancel = on_cancel;
    r->run = run;
    r->into = into;
    r->on_read = on_read;
    r->ctx = ctx;
    if (into->a == NULL) {
        into->a = arena_new();
    }
    arena_reset(into->a);
    into->nth = nth;
    into->ready = false;
    if (run->round > 1) {
        read_told(r);
    } else if (nth >= r->first && nth - r->first < (int64_t)r->nlines) {
        read_people(r);
    } else {
        read_lines(r);
    }
    return &r->op;
}

void broadcast_reading_fini(struct broadcast_reading *r)
{
    arena_free(&r->a);
    r->nlines = 0;
}
