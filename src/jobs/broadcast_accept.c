/*
 * broadcast_accept: AUDIENCE -> COMMIT. What the commit makes is the broadcast with its audience;
 * before it there are only chunks that nobody points to.
 */
#include "base/list.h"
#include "base/mem.h"
#include "broadcast_int.h"

struct accepting {
    struct op op;
    struct job job;
    struct op *pending;
    struct audience_scan *scan;
    struct engine_tenant *et;
    struct arena *own; /* of what must outlive the caller: the item for a grant */
    struct arena *a;
    struct broadcast_accept o;
    struct broadcast_result result;
    struct broadcast_item item;
};

static void accepting_free(struct accepting *x)
{
    job_end(&x->job);
    op_cancel(&x->pending);
    audience_cancel(&x->scan);
    arena_free(&x->own);
    mem_free(&x);
}

static void drop_accepting(struct job *job)
{
    accepting_free(LIST_OF(job, struct accepting, job));
}

static void accepting_cancel(struct op *op)
{
    struct accepting *x = LIST_OF(op, struct accepting, op);

    x->o.on_done = NULL;
    if (x->pending == NULL || x->et->e->closing) {
        accepting_free(x);
    }
}

static void finish(struct accepting *x, const struct err *err, const struct commit_outcome *outcome)
{
    struct broadcast_accept o = x->o;
    struct broadcast_result result = x->result;

    accepting_free(x);
    if (o.on_done != NULL) {
        o.on_done(o.ctx, err, &result, outcome);
    }
}

/* ---- the commit ---- */

static void on_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct accepting *x = ctx;

    x->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_OK) {
        metric_add(METRIC_BROADCASTS, 1);
        inbox_handed(x->et, x->item.lane, x->item.id, commit_result_int(outcome, 0), x->item.text);
    }
    finish(x, err, outcome);
}

static struct str sealed_body(struct accepting *x, struct str key)
{
    struct buf text;
    struct str out;
    struct jw w;

    buf_init(&text, (size_t)4 << 20);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    broadcast_write(x->o.b, &w);
    jw_close(&w, '}');
    out = job_seal(x->et, x->own, key, "b", buf_str(&text));
    buf_fini(&text);
    return out;
}

static struct str decimal(struct accepting *x, int64_t v)
{
    return arena_printf(x->own, "%lld", (long long)v);
}

static void write_record(struct accepting *x, struct commit *c, struct str key, int64_t chunks)
{
    const struct broadcast *b = x->o.b;
    bool later = b->send_at.ms > b->created.ms;
    char stem[ID_TIME_BYTES]; /* of one time with its place in bx: told.lua */

    id_of_time(broadcast_begins(b), stem);
    commit_doc(c, key, 1, sealed_body(x, key));
    commit_doc_field(c, "st", later ? STR("scheduled") : STR("sending"));
    commit_doc_field(c, "at", decimal(x, b->created.ms));
    commit_doc_field(c, "nc", decimal(x, chunks));
    commit_doc_field(c, "cu", STR("0"));
    commit_doc_field(c, "rd", STR("1"));
    commit_doc_field(c, "rs", str_of(stem));
    commit_doc_field(c, "fs", str_of(stem));
    commit_doc_field(c, "ra", decimal(x, broadcast_begins(b).ms));
    commit_doc_field(c, "ls", audience_list(x->scan));
    commit_doc_field(c, "sn", audience_senders(x->scan, x->own));
}

static void keep(struct accepting *x, int64_t chunks)
{
    const struct broadcast *b = x->o.b;
    struct str key = arena_printf(x->own, "b:%.*s", STR_ARG(b->id));
    struct str counts = arena_printf(x->own, "bc:%.*s", STR_ARG(b->id));
    struct commit *c = commit_new(x->et->t.id);

    x->o.checks(x->o.ctx, c);
    commit_check_version(c, key, 0);
    write_record(x, c, key, chunks);
    commit_zadd(c, STR("bx"), (double)broadcast_begins(b).ms, b->id);
    if (chunks > 0) {
        commit_persist(c, arena_printf(x->own, "bl:%.*s", STR_ARG(audience_list(x->scan))));
    }
    commit_fields(c, counts);
    commit_field(c, STR("total"), decimal(x, x->result.recipients));
    commit_field(c, STR("queued"), decimal(x, x->result.recipients));
    commit_field(c, STR("skipped"), decimal(x, x->result.nskipped));
    broadcast_item_put(x->et, x->own, c, b->send_at.ms <= b->created.ms, b->prio, 'r', b->id, 1,
                       b->send_at, &x->item);
    x->o.writes(x->o.ctx, c, &x->result);
    x->pending = commit_run(x->et->e->store, &c, on_kept, x);
}

/* ---- the audience is known ---- */

static void on_audience(void *ctx, const struct err *err, int64_t chunks)
{
    struct accepting *x = ctx;
    int64_t most = x->et->t.conf->broadcast_confirm_above, n = x->result.recipients;
    struct err own = {0};

    if (err != NULL) {
        own = *err; /* it belongs to the scan, which goes */
        finish(x, &own, NULL);
        return;
    }
    if (x->o.dry_run) {
        finish(x, NULL, NULL);
        return;
    }
    if (!x->o.confirmed && n > most && x->o.b->confirm != n) {
        err_set(&own, ERR_CONFIRM,
                "%lld people would get this; above %lld it is confirmed by \"confirm\": %lld",
                (long long)n, (long long)most, (long long)n);
        err_member(&own, "confirm");
        finish(x, &own, NULL);
        return;
    }
    keep(x, chunks);
}

struct op *broadcast_accept(struct engine *e, struct engine_tenant *et, struct arena *a,
                            const struct broadcast_accept *o)
{
    struct accepting *x = MEM_NEW(struct accepting);

    *x =
        (struct accepting){.op = {accepting_cancel}, .et = et, .own = arena_new(), .a = a, .o = *o};
    job_begin(e, &x->job, drop_accepting);
    x->scan = audience_start(et, a, o->b, !o->dry_run, &x->result, on_audience, x);
    return &x->op;
}
