/* api_dead_letters: what was given up, with the reasons; its replay, one by one or all that fit. */
#include "dead_letter.h"

#include "base/mem.h"

#include <stdio.h>

#define PIECE        50 /* replayed at once, in one call of the store */
#define FAILURES_MAX 100

/* ---- the list ---- */

static bool dead_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    const enum dead_kind *wanted = l->user;
    enum dead_kind kind;
    struct dead d;

    if ((wanted != NULL && (!dead_kind_of(id, &kind) || kind != *wanted)) ||
        !dead_read(r, l->a, row, &d)) {
        return false;
    }
    dead_write(r, &d, &l->w);
    return true;
}

void api_dead_letter_list(struct request *r)
{
    static const char *const fields[] = {"b", NULL};
    struct listing *l = ARENA_NEW(r->a, struct listing);
    struct str kind = request_param(r, "kind");
    enum dead_kind *wanted = NULL;

    if (kind.n > 0) {
        wanted = ARENA_NEW(r->a, enum dead_kind);
        if (!dead_kind_named(kind, wanted)) {
            err_set(&r->err, ERR_INVALID, "kind: \"%.*s\" is none of message, callback, inbound",
                    STR_ARG(str_slice(kind, 0, 60)));
            reply_error(r, &r->err);
            return;
        }
    }
    *l = (struct listing){.user = wanted,
                          .sifted = wanted != NULL,
                          .index = STR("dl"),
                          .order = "score",
                          .prefix = "dl:",
                          .fields = fields,
                          .row = dead_row};
    listing_start(r, l);
}

static void begin_dead(struct request *r, struct call *call, struct str from, int64_t limit)
{
    call_script(r, call, "dead");
    call_str(call, from);
    call_int(call, limit);
}

/* ---- one ---- */

static void on_replayed(struct replay *p, const struct err *err,
                        const struct commit_outcome *outcome)
{
    struct request *r;
    bool done;

    if (!request_resume(p->r, err, &r)) {
        return;
    }
    if (replay_done(p, outcome)) {
        reply_json(r, 202, p->body);
    } else if (!idempotency_answered(r, outcome, &done)) {
        err_set(&r->err, ERR_STORE_CONFLICT, "it could not be put back; ask again");
        reply_error(r, &r->err);
    }
}

static void cancel_replay(struct request *r)
{
    op_cancel(&((struct replay *)r->user)->pending);
}

static void on_dead(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct replay *p;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    p = ARENA_NEW(r->a, struct replay);
    *p = (struct replay){.r = r, .a = r->a, .key = true, .done = on_replayed};
    if (!dead_read(r, r->a, reply_at(reply, 1), &p->d)) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no dead letter \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
    } else if (!replay_start(p, &r->err)) {
        reply_error(r, &r->err);
    } else {
        r->user = p;
        r->on_gone = cancel_replay;
    }
}

void api_dead_letter_replay(struct request *r)
{
    struct call call;

    begin_dead(r, &call, STR_NONE, 1);
    call_str(&call, r->args[0]);
    r->pending = store_run(engine_store(r->e), &call, on_dead, r);
}

/* ---- all that fit ---- */

struct wanted { /* members left out fit everything */
    bool any_kind;
    enum dead_kind kind;
    struct str type, subject, reason, user;
    struct wall from, to;
};
struct many {
    struct request *r;
    struct wanted want;
    bool dry, more;
    struct arena *a; /* of the piece */
    char cursor[200];
    struct replay slots[PIECE];
    size_t nslots, waiting;
    int64_t matched, replayed, failed;
    struct buf failures; /* JSON array under way */
    struct jw w;
};

static void next_piece(struct many *m);

static void many_free(struct request *r)
{
    struct many *m = r->user;

    for (size_t i = 0; i < m->nslots; i++) {
        op_cancel(&m->slots[i].pending);
    }
    arena_free(&m->a);
    buf_fini(&m->failures);
}

static void finish(struct many *m)
{
    struct request *r = m->r;
    struct jw w;

    jw_close(&m->w, ']');
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_int(&w, "matched", m->matched);
    jw_int(&w, "replayed", m->replayed);
    jw_int(&w, "failed", m->failed);
    jw_raw(&w, "failures", buf_str(&m->failures));
    jw_close(&w, '}');
    many_free(r);
    r->on_gone = NULL;
    idempotency_close(r, 202, buf_str(&r->out), NULL, STR_NONE);
}

static void failed(struct many *m, const struct dead *d, const struct err *err)
{
    if (m->failed++ < FAILURES_MAX) {
        jw_open(&m->w, NULL, '{');
        jw_str(&m->w, "id", d->id);
        jw_z(&m->w, "reason", err->msg);
        jw_close(&m->w, '}');
    }
}

static void piece_done(struct many *m)
{
    m->nslots = 0;
    arena_reset(m->a);
    if (m->more) {
        next_piece(m);
    } else {
        finish(m);
    }
}

static void on_one(struct replay *p, const struct err *err, const struct commit_outcome *outcome)
{
    struct many *m = p->r->user;
    struct err busy = {0};

    if (err == NULL && !replay_done(p, outcome)) {
        err_set(&busy, ERR_STORE_CONFLICT, "it could not be put back; ask again");
        err = &busy;
    }
    if (err != NULL) {
        failed(m, &p->d, err);
    } else {
        m->replayed++;
    }
    if (--m->waiting == 0) {
        piece_done(m);
    }
}

static bool has(struct str text, struct str part)
{
    return part.n == 0 || str_find(text, part) != SIZE_MAX;
}

static bool fits(const struct wanted *want, const struct dead *d)
{
    return (want->any_kind || want->kind == d->kind) && has(d->reason, want->reason) &&
           (want->type.n == 0 || str_eq(want->type, d->type)) &&
           (want->subject.n == 0 || str_eq(want->subject, d->subject)) &&
           (want->user.n == 0 || str_eq(want->user, d->m.user)) && d->at.ms >= want->from.ms &&
           (want->to.ms == 0 || d->at.ms <= want->to.ms);
}

static void on_piece(void *ctx, const struct err *err, const struct reply *reply)
{
    struct many *m = ctx;
    struct request *r = m->r;

    r->pending = NULL;
    if (err != NULL) {
        many_free(r);
        r->on_gone = NULL;
        reply_error(r, err);
        return;
    }
    m->more = reply_str(reply_at(reply, 0)).n > 0;
    snprintf(m->cursor, sizeof(m->cursor), "%.*s", STR_ARG(reply_str(reply_at(reply, 0))));
    m->waiting = 1; /* ours, until all are begun */
    for (size_t i = 1; i < reply_len(reply); i++) {
        struct replay *p = &m->slots[m->nslots];
        struct err own = {0};

        *p = (struct replay){.r = r, .a = m->a, .done = on_one};
        if (!dead_read(r, m->a, reply_at(reply, i), &p->d) || !fits(&m->want, &p->d)) {
            continue;
        }
        m->matched++;
        if (m->dry) {
            continue;
        }
        if (!replay_start(p, &own)) {
            failed(m, &p->d, &own);
            continue;
        }
        m->nslots++;
        m->waiting++;
    }
    if (--m->waiting == 0) {
        piece_done(m);
    }
}

static void next_piece(struct many *m)
{
    struct call call;

    begin_dead(m->r, &call, str_of(m->cursor), PIECE);
    m->r->pending = store_run(engine_store(m->r->e), &call, on_piece, m);
}

/* A misspelt member would make the filter let everything through: unknown ones are refused. */
static bool read_wanted(const struct json *j, struct arena *a, struct wanted *out, struct err *err)
{
    const struct {
        const char *name;
        struct str *text;
        struct wall *time;
    } members[] = {
        {"type",    &out->type,    NULL      },
        {"subject", &out->subject, NULL      },
        {"reason",  &out->reason,  NULL      },
        {"user",    &out->user,    NULL      },
        {"from",    NULL,          &out->from},
        {"to",      NULL,          &out->to  },
    };

    out->any_kind = true;
    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "the body is not an object");
    }
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name, text = json_str(json_member_at(j, i, &name));
        size_t k = 0;

        json_member_at(j, i, &name);
        if (str_eqz(name, "kind") && dead_kind_named(text, &out->kind)) {
            out->any_kind = false;
        }
        if (str_eqz(name, "kind") && !out->any_kind) {
            continue;
        }
        while (k < ARRAY_LEN(members) && !str_eqz(name, members[k].name)) {
            k++;
        }
        if (text.n == 0 || k == ARRAY_LEN(members) ||
            (members[k].time != NULL && !wall_parse(text, members[k].time))) {
            err_set(err, ERR_INVALID,
                    "\"%.*s\" is none of kind (callback, inbound, message), type, subject, reason, "
                    "user, from, to, or has no such value",
                    STR_ARG(str_slice(name, 0, 40)));
            return err_member(err, "%.*s", STR_ARG(str_slice(name, 0, 40)));
        }
        if (members[k].text != NULL) {
            *members[k].text = arena_dup(a, text);
        }
    }
    return true;
}

static void replay_many(struct request *r)
{
    struct many *m = ARENA_NEW(r->a, struct many);
    const struct json *j = request_json(r);

    if (j == NULL) {
        return;
    }
    *m = (struct many){.r = r};
    if (!request_flag(r, "dry_run", &m->dry)) {
        return;
    }
    if (!read_wanted(j, r->a, &m->want, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    m->a = arena_new();
    buf_init(&m->failures, 256 * 1024);
    jw_init(&m->w, &m->failures);
    jw_open(&m->w, NULL, '[');
    r->user = m;
    r->on_gone = many_free;
    next_piece(m);
}

void api_dead_letter_replay_many(struct request *r)
{
    idempotency_open(r, replay_many);
}
