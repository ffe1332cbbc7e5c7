/*
 * broadcast_audience: who is meant: PHONES -> EVERYBODY -> NAMED -> done. In slices, so that
 * neither Redis nor the loop is held; chunks are written while the next slice is read. Who is named
 * twice, or named and in a team, is meant once.
 */
#include "base/mem.h"
#include "broadcast_int.h"
#include "domain/user_store.h"

#define SLICE        400
#define FLUSH_CHUNKS 128 /* written at once: an fsync each would take longer than the reading */
#define DOCS         64

enum stage { STAGE_PHONES, STAGE_ALL, STAGE_NAMED, STAGE_END };
struct audience_scan {
    struct engine_tenant *et;
    struct arena *a;    /* the caller's: results */
    struct arena *work; /* of a slice */
    const struct broadcast *b;
    bool keep;
    struct broadcast_result *out;
    audience_fn *on_done;
    void *ctx;
    struct op *reading, *writing;
    enum stage stage;
    size_t at; /* in phones, or in the names */
    struct str after;
    struct map *named; /* ids that nobody has met yet */
    struct str *names;
    size_t nnames;
    int64_t *people; /* by sender */
    /* chunks: the one under construction, and those to be written */
    struct buf lines;
    size_t nlines;
    struct call call;
    size_t ncalled;
    int64_t chunks;
    char list[ID_BYTES]; /* see include/domain/broadcast.h */
    struct err err;
    bool finished;
};

static void step(struct audience_scan *s);

void audience_cancel(struct audience_scan **owner)
{
    struct audience_scan *s = *owner;

    if (s == NULL) {
        return;
    }
    op_cancel(&s->reading);
    op_cancel(&s->writing);
    if (s->ncalled > 0) {
        call_fini(&s->call);
    }
    buf_fini(&s->lines);
    map_free(&s->named);
    arena_free(&s->work);
    mem_free(owner);
}

/* ---- chunks ---- */

static void on_written(void *ctx, const struct err *err, const struct reply *reply);

static void write_out(struct audience_scan *s)
{
    s->ncalled = 0;
    s->writing = store_run(s->et->e->store, &s->call, on_written, s);
}

static void close_chunk(struct audience_scan *s)
{
    if (s->nlines == 0) {
        return;
    }
    if (s->ncalled == 0) {
        call_init_script(&s->call, "snapshot",
                         arena_printf(s->work, "{%.*s}:", STR_ARG(s->et->t.id)));
        call_str(&s->call, str_of(s->list));
    }
    call_int(&s->call, s->chunks++);
    call_str(&s->call, buf_str(&s->lines));
    s->ncalled++;
    buf_reset(&s->lines);
    s->nlines = 0;
}

static void add_line(struct audience_scan *s, struct str id, enum notify_verdict verdict)
{
    if (!s->keep) {
        return;
    }
    buf_add(&s->lines, id);
    if (verdict != NOTIFY_YES) {
        buf_addf(&s->lines, " %d", (int)verdict);
    }
    buf_add_char(&s->lines, '\n');
    if (++s->nlines == BROADCAST_CHUNK) {
        close_chunk(s);
    }
}

/* ---- one person ---- */

static void skip(struct audience_scan *s, struct str who, const char *reason)
{
    s->out->nskipped++;
    if (s->out->nshown < BROADCAST_SKIPPED_SHOWN) {
        s->out->skipped[s->out->nshown++] = (struct broadcast_skip){arena_dup(s->a, who), reason};
    }
}

static void count_lang(struct audience_scan *s, const struct user *u)
{
    size_t nth = broadcast_text_for(s->b, &s->et->t, u), i = 0;
    struct str code =
        s->b->langs[nth].n > 0 ? s->b->langs[nth] : lang_code(broadcast_lang(s->b, &s->et->t, u));

    while (i < s->out->nlangs && !str_eq(s->out->langs[i].code, code)) {
        i++;
    }
    if (i == s->out->nlangs && i < BROADCAST_LANGS_MAX) {
        s->out->langs[s->out->nlangs++].code = arena_dup(s->a, code);
    }
    if (i < s->out->nlangs) {
        s->out->langs[i].n++;
    }
}

static size_t sender_of(const struct audience_scan *s, const struct user *u)
{
    const struct tenant_settings *conf = s->et->t.conf;

    for (size_t i = 0; i < conf->nsenders; i++) {
        if (str_eq(conf->senders[i].id, u->sender)) {
            return i;
        }
    }
    return 0;
}

/* @r: reply whose lists behind the second are windows, one a sender; NULL: not read. */
static void take(struct audience_scan *s, const struct user *u, const struct reply *r, size_t nth)
{
    enum notify_verdict verdict = broadcast_verdict(s->b, u);
    size_t sender = sender_of(s, u);
    int64_t window;

    add_line(s, u->id, verdict);
    if (verdict != NOTIFY_YES) {
        skip(s, u->id, notify_reason(verdict));
        return;
    }
    s->out->recipients++;
    count_lang(s, u);
    s->people[sender]++;
    window = r == NULL ? 0 : reply_int(reply_at(reply_at(r, 2 + sender), nth));
    if (wall_now().ms - window < WINDOW_MS) {
        s->out->session++;
    } else {
        s->out->template_++;
    }
}

/* ---- a slice ---- */

static void call_slice(struct audience_scan *s, struct call *call, const struct str *ids, size_t n)
{
    const struct tenant_settings *conf = s->et->t.conf;
    size_t senders = s->keep ? 0 : conf->nsenders;

    call_init_script(call, "audience", arena_printf(s->work, "{%.*s}:", STR_ARG(s->et->t.id)));
    call_str(call, s->after);
    call_int(call, SLICE);
    call_int(call, (int64_t)senders);
    for (size_t i = 0; i < senders; i++) {
        call_str(call, conf->senders[i].id);
    }
    for (size_t i = 0; i < n; i++) {
        call_str(call, ids[i]);
    }
}

struct late { /* people without a record in the index: kept by a version before it */
    struct audience_scan *s;
    struct str *ids;
    size_t n, at;
};

static void read_late(struct late *l);

static void on_late(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct late *l = ctx;
    struct audience_scan *s = l->s;

    s->reading = NULL;
    if (err != NULL) {
        s->err = *err;
        step(s);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct err own = {0};
        struct user u;

        if (docs[i].version == 0 ||
            !user_open(&s->et->t, s->work, l->ids[l->at + i], &docs[i], &u, &own)) {
            if (s->stage == STAGE_NAMED) {
                skip(s, l->ids[l->at + i], "no such person");
            }
        } else if (s->stage == STAGE_NAMED || audience_fits(&s->b->to, &u)) {
            map_del(s->named, u.id);
            take(s, &u, NULL, 0);
        }
    }
    l->at += n;
    read_late(l);
}

static void read_late(struct late *l)
{
    struct audience_scan *s = l->s;
    size_t n = l->n - l->at < DOCS ? l->n - l->at : DOCS;
    struct str *keys;

    if (n == 0) {
        step(s);
        return;
    }
    keys = ARENA_ARRAY(s->work, struct str, n);
    for (size_t i = 0; i < n; i++) {
        keys[i] = user_key(s->work, l->ids[l->at + i]);
    }
    s->reading = fetch_run(s->et->e->store, s->et->t.id, keys, n, on_late, l);
}

static void on_slice(void *ctx, const struct err *err, const struct reply *reply)
{
    struct audience_scan *s = ctx;
    const struct reply *ids = reply_at(reply, 0), *records = reply_at(reply, 1);
    size_t n = err == NULL ? reply_len(ids) : 0;
    struct late *late = ARENA_NEW(s->work, struct late);

    s->reading = NULL;
    if (err != NULL) {
        s->err = *err;
        step(s);
        return;
    }
    late->s = s;
    late->ids = ARENA_ARRAY(s->work, struct str, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct str id = reply_str(reply_at(ids, i));
        struct user u;

        if (!audience_decode(id, reply_str(reply_at(records, i)), &u)) {
            late->ids[late->n++] = arena_dup(s->work, id);
        } else if (s->stage == STAGE_NAMED || audience_fits(&s->b->to, &u)) {
            map_del(s->named, id);
            take(s, &u, s->keep ? NULL : reply, i);
        }
    }
    if (s->stage == STAGE_ALL) {
        if (n < SLICE) {
            s->stage = STAGE_NAMED;
        } else {
            s->after = arena_dup(s->a, reply_str(reply_at(ids, n - 1)));
        }
    }
    read_late(late);
}

/* ---- stages ---- */

static void on_owners(void *ctx, const struct err *err, const struct reply *reply)
{
    struct audience_scan *s = ctx;

    s->reading = NULL;
    if (err != NULL) {
        s->err = *err;
    }
    for (size_t i = 0; err == NULL && i < reply_len(reply); i++, s->at++) {
        struct str owner = reply_str(reply_at(reply, i));

        if (owner.n > 0) {
            map_put(s->named, owner, s);
        } else {
            skip(s, s->b->to.phones[s->at], "nobody has this number");
        }
    }
    step(s);
}

static void read_phones(struct audience_scan *s)
{
    size_t left = s->b->to.nphones - s->at, n = left < SLICE ? left : SLICE;
    struct call call;

    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, arena_printf(s->work, "{%.*s}:ux", STR_ARG(s->et->t.id)));
    for (size_t i = 0; i < n; i++) {
        call_str(&call,
                 vault_hash_arena(s->et->t.vault, s->work, "phone", s->b->to.phones[s->at + i]));
    }
    s->reading = store_run(s->et->e->store, &call, on_owners, s);
}

/* Those of them that everybody's turn has not met. */
static void list_names(struct audience_scan *s)
{
    struct str key;
    void *value;

    s->names = ARENA_ARRAY(s->a, struct str, map_len(s->named) + 1);
    for (size_t it = 0; map_next(s->named, &it, &key, &value);) {
        s->names[s->nnames++] = arena_dup(s->a, key);
    }
}

static void read_named(struct audience_scan *s)
{
    size_t left, n;
    struct call call;

    if (s->names == NULL) {
        list_names(s);
        s->at = 0;
    }
    left = s->nnames - s->at;
    n = left < SLICE ? left : SLICE;
    if (n == 0) {
        s->stage = STAGE_END;
        step(s);
        return;
    }
    call_slice(s, &call, s->names + s->at, n);
    s->at += n;
    s->reading = store_run(s->et->e->store, &call, on_slice, s);
}

static void read_all(struct audience_scan *s)
{
    struct call call;

    call_slice(s, &call, NULL, 0);
    s->reading = store_run(s->et->e->store, &call, on_slice, s);
}

static void finish(struct audience_scan *s)
{
    const struct tenant_settings *conf = s->et->t.conf;

    for (size_t i = 0; i < conf->nsenders; i++) {
        int64_t rate = conf->senders[i].rate_per_second;
        int64_t seconds = rate > 0 ? (s->people[i] + rate - 1) / rate : 0;

        s->out->seconds = seconds > s->out->seconds ? seconds : s->out->seconds;
    }
    s->on_done(s->ctx, s->err.code != ERR_NONE ? &s->err : NULL, s->chunks);
}

static void step(struct audience_scan *s)
{
    if (s->reading != NULL) {
        return;
    }
    if (s->err.code != ERR_NONE || s->stage == STAGE_END) {
        if (s->writing == NULL && s->err.code == ERR_NONE) {
            close_chunk(s);
            if (s->ncalled > 0) {
                write_out(s);
            }
        }
        if (s->writing == NULL && !s->finished) {
            s->finished = true;
            finish(s);
        }
        return;
    }
    if (s->ncalled >= FLUSH_CHUNKS && s->writing == NULL) {
        write_out(s);
    } else if (s->ncalled >= 2 * FLUSH_CHUNKS) {
        return; /* Redis is behind: on_written() goes on */
    }
    arena_reset(s->work);
    switch (s->stage) {
    case STAGE_PHONES:
        if (s->at < s->b->to.nphones) {
            read_phones(s);
            return;
        }
        s->stage = audience_scans(&s->b->to) ? STAGE_ALL : STAGE_NAMED;
        step(s);
        return;
    case STAGE_ALL:
        read_all(s);
        return;
    case STAGE_NAMED:
        read_named(s);
        return;
    case STAGE_END:
        return;
    }
}

static void on_written(void *ctx, const struct err *err, const struct reply *reply)
{
    struct audience_scan *s = ctx;

    (void)reply;
    s->writing = NULL;
    if (err != NULL && s->err.code == ERR_NONE) {
        s->err = *err;
    }
    step(s);
}

struct audience_scan *audience_start(struct engine_tenant *et, struct arena *a,
                                     const struct broadcast *b, bool keep,
                                     struct broadcast_result *out, audience_fn *on_done, void *ctx)
{
    struct audience_scan *s = MEM_NEW(struct audience_scan);

    *s = (struct audience_scan){.et = et,
                                .a = a,
                                .work = arena_new(),
                                .b = b,
                                .keep = keep,
                                .out = out,
                                .on_done = on_done,
                                .ctx = ctx,
                                .named = map_new()};
    buf_init(&s->lines, 64 * 1024);
    id_new(s->list);
    *out = (struct broadcast_result){0};
    out->skipped = ARENA_ARRAY(a, struct broadcast_skip, BROADCAST_SKIPPED_SHOWN);
    s->people = ARENA_ARRAY(a, int64_t, et->t.conf->nsenders + 1);
    for (size_t i = 0; i < b->to.nusers; i++) {
        map_put(s->named, b->to.users[i], s);
    }
    if (s->b->to.nphones == 0 && !audience_scans(&b->to) && map_len(s->named) == 0) {
        s->stage = STAGE_END;
    }
    step(s);
    return s;
}

struct str audience_list(const struct audience_scan *s)
{
    return str_of(s->list);
}

struct str audience_senders(const struct audience_scan *s, struct arena *a)
{
    const struct tenant_settings *conf = s->et->t.conf;
    struct str out = STR("");

    for (size_t i = 0; i < conf->nsenders; i++) {
        if (s->people[i] > 0) {
            out = arena_printf(a, "%.*s%s%.*s=%lld", STR_ARG(out), out.n > 0 ? " " : "",
                               STR_ARG(conf->senders[i].id), (long long)s->people[i]);
        }
    }
    return out;
}
