/*
 * media_read: one stored file on its way out: sealed bytes come from the back end, whole chunks are
 * opened in the pool, what they held goes to the sink, in order. At most a few chunks are in
 * memory.
 */
#include "base/mem.h"
#include "media_int.h"

#include <assert.h>
#include <stdio.h>

#define HELD_MAX (8 * MEDIA_SEALED_CHUNK)

struct media_reader {
    struct op op; /* first: its address is ours */
    struct engine_tenant *et;
    struct media_store *ms;
    struct op *source;
    struct media_sink sink;
    char record[128];
    bool busy, dropped, wants_pause, slowed, whole; /* whole: the source has no more */
    struct buf held;                                /* sealed, not yet opened */
    struct err err;
    /* the pool's while busy */
    struct sealer *sealer;
    struct buf work, text;
    bool last, opened_last;
    int64_t chunks;
    struct err work_err;
};

static void step(struct media_reader *r);

static void reader_free(struct media_reader *r)
{
    op_cancel(&r->source);
    if (r->busy) {
        r->dropped = true; /* the pool has its buffers */
        return;
    }
    sealer_free(&r->sealer);
    buf_fini(&r->held);
    buf_fini(&r->work);
    buf_fini(&r->text);
    mem_free(&r);
}

static void end(struct media_reader *r, const struct err *err)
{
    struct media_sink sink = r->sink;
    struct err own = {0};

    if (err != NULL) {
        own = *err;
    }
    reader_free(r);
    sink.on_end(sink.ctx, own.code == ERR_NONE ? NULL : &own);
}

static bool damaged(struct media_reader *r, const char *why)
{
    return err_set(&r->err, ERR_DAMAGED, "the stored file %s", why);
}

/* ---- chunks ---- */

static void open_chunk(void *ctx)
{
    struct media_reader *r = ctx;

    buf_reset(&r->text);
    media_chunk_open(r->sealer, r->chunks++, r->last, buf_str(&r->work), &r->text, &r->work_err);
}

static void on_opened(void *ctx)
{
    struct media_reader *r = ctx;

    r->busy = false;
    if (r->dropped) {
        reader_free(r);
        return;
    }
    if (r->work_err.code != ERR_NONE) {
        damaged(r, "was changed since it was kept");
        end(r, &r->err);
        return;
    }
    r->opened_last = r->last;
    r->busy = true; /* whoever cancels us in there leaves the freeing to us */
    r->sink.on_bytes(r->sink.ctx, buf_str(&r->text));
    r->busy = false;
    if (r->dropped) {
        reader_free(r);
    } else {
        step(r);
    }
}

static bool open_header(struct media_reader *r)
{
    struct buf key;
    bool ok;

    if (!str_starts(buf_str(&r->held), STR(MEDIA_MAGIC))) {
        return damaged(r, "has another form, perhaps a newer version's");
    }
    buf_init(&key, SEAL_KEY_BYTES + 1);
    ok = vault_open(r->et->t.vault, str_of(r->record), "k",
                    str_slice(buf_str(&r->held), 4, MEDIA_HEADER), &key, &r->err) &&
         key.n == SEAL_KEY_BYTES;
    if (ok) {
        r->sealer = sealer_new((const uint8_t *)key.p);
        mem_wipe(key.p, key.n);
        buf_drop(&r->held, MEDIA_HEADER);
    }
    buf_fini(&key);
    return ok || damaged(r, "is not the one that was kept");
}

static void open_next(struct media_reader *r)
{
    size_t n = r->held.n < MEDIA_SEALED_CHUNK ? r->held.n : MEDIA_SEALED_CHUNK;

    buf_reset(&r->work);
    buf_add(&r->work, str_slice(buf_str(&r->held), 0, n));
    buf_drop(&r->held, n);
    r->last = r->held.n == 0; /* the one before the end has something behind it */
    r->busy = true;
    loop_work(r->et->e->loop, open_chunk, on_opened, r);
}

/* A chunk may be the last one as long as nothing is behind it. */
static bool chunk_ready(const struct media_reader *r)
{
    return r->held.n > MEDIA_SEALED_CHUNK || (r->whole && r->held.n > 0);
}

static void flow(struct media_reader *r)
{
    bool slow = r->wants_pause || r->held.n > HELD_MAX / 2;

    if (r->source != NULL && slow != r->slowed) {
        r->slowed = slow;
        r->ms->backend->pause(r->source, slow);
    }
}

static void step(struct media_reader *r)
{
    if (r->busy) {
        flow(r);
        return;
    }
    if (r->sealer == NULL && r->held.n >= MEDIA_HEADER && !open_header(r)) {
        end(r, &r->err);
        return;
    }
    if (r->sealer != NULL && chunk_ready(r) && !r->wants_pause) {
        open_next(r);
    } else if (r->whole && r->held.n == 0 && r->opened_last) {
        end(r, NULL);
        return;
    } else if (r->whole && (r->sealer == NULL || r->held.n == 0)) {
        damaged(r, "was cut off");
        end(r, &r->err);
        return;
    }
    flow(r);
}

/* ---- the source ---- */

static void on_sealed(void *ctx, struct str bytes)
{
    struct media_reader *r = ctx;

    buf_add(&r->held, bytes);
    assert(buf_ok(&r->held)); /* the source was told to wait long before */
    step(r);
}

static void on_source_end(void *ctx, const struct err *err)
{
    struct media_reader *r = ctx;

    r->source = NULL;
    if (err != NULL) {
        end(r, err);
        return;
    }
    r->whole = true;
    step(r);
}

static void read_cancelled(struct op *op)
{
    reader_free((struct media_reader *)(void *)op);
}

struct op *media_read(struct engine_tenant *et, struct str name, const struct media_sink *sink)
{
    struct media_reader *r = MEM_NEW(struct media_reader);
    struct media_store *ms = et->e->media;
    struct media_source source = {on_sealed, on_source_end, r};

    *r = (struct media_reader){.op = {read_cancelled}, .et = et, .ms = ms, .sink = *sink};
    snprintf(r->record, sizeof(r->record), "mb:%.*s", STR_ARG(name));
    buf_init(&r->held, HELD_MAX);
    buf_init(&r->work, MEDIA_SEALED_CHUNK);
    buf_init(&r->text, MEDIA_CHUNK);
    r->source = ms->backend->get(ms, &et->t, name, &source);
    return &r->op;
}

void media_read_pause(struct op *op)
{
    ((struct media_reader *)(void *)op)->wants_pause = true;
}

void media_read_resume(struct op *op)
{
    struct media_reader *r = (struct media_reader *)(void *)op;

    r->wants_pause = false;
    step(r);
}
