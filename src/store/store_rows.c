#include <assert.h>
#include <string.h>

#include "base/mem.h"

#include "store_int.h"

/* So few that their callbacks together stay well below a turn (TURN_US). */
#define ROWS_MAX 16

struct row {
    struct op op;       /* first: the caller holds this */
    reply_fn *on_reply; /* NULL: nobody waits */
    void *ctx;
};

/* The rows of one script and key and turn: one call. */
struct rows {
    struct list node; /* in the store's rows_open or rows_sent */
    struct store *s;
    struct op *asking;
    struct call call; /* while it is open */
    size_t n;
    struct row row[ROWS_MAX];
    size_t key_bytes;
    char key[];
};

static void rows_free(struct rows *r)
{
    list_del(&r->node);
    mem_free(&r);
}

static void on_cancel(struct op *op)
{
    struct row *row = (struct row *)(void *)op;

    assert(row->on_reply != NULL);
    row->on_reply = NULL;
}

static void on_rows(void *ctx, const struct err *err, const struct reply *reply)
{
    struct rows *r = ctx;
    struct store *s = r->s;
    struct err own = {0};

    r->asking = NULL;
    if (err == NULL && reply_len(reply) != r->n) {
        err_set(&own, ERR_STORE_REPLY, "a script answered %zu of %zu rows", reply_len(reply), r->n);
        err = &own;
    }
    store_enter(s);
    for (size_t i = 0; i < r->n && !s->closing; i++) {
        reply_fn *on_reply = r->row[i].on_reply;

        if (on_reply != NULL) {
            r->row[i].on_reply = NULL;
            on_reply(r->row[i].ctx, err, err == NULL ? reply_at(reply, i) : NULL);
        }
    }
    if (!s->closing) {
        rows_free(r); /* else it goes with the rest */
    }
    store_leave(s);
}

static void rows_send(struct rows *r)
{
    list_del(&r->node);
    list_add_tail(&r->s->rows_sent, &r->node);
    r->asking = store_run(r->s, &r->call, on_rows, r);
}

static struct rows *rows_for(struct store *s, const struct call *like, struct str key)
{
    LIST_EACH_SAFE(it, next, &s->rows_open)
    {
        struct rows *r = LIST_OF(it, struct rows, node);

        if (r->call.script == like->script && str_eq(str_make(r->key, r->key_bytes), key)) {
            if (r->n < ROWS_MAX) {
                return r;
            }
            rows_send(r);
        }
    }
    return NULL;
}

struct call *store_row(struct store *s, const char *script, struct str key)
{
    struct call like = {.script = script_index(script)};
    struct rows *r = rows_for(s, &like, key);

    if (r == NULL) {
        r = mem_new(sizeof(*r) + key.n);
        r->s = s;
        r->key_bytes = key.n;
        memcpy(r->key, key.p, key.n);
        call_init_script(&r->call, script, key);
        list_init(&r->node);
        list_add_tail(&s->rows_open, &r->node);
    }
    s->row_of = r;
    return &r->call;
}

struct op *store_row_run(struct store *s, reply_fn *on_reply, void *ctx)
{
    struct rows *r = s->row_of;
    struct row *row = &r->row[r->n++];

    assert(on_reply != NULL);
    s->row_of = NULL;
    *row = (struct row){{on_cancel}, on_reply, ctx};
    return &row->op;
}

void rows_flush(struct store *s)
{
    while (!list_empty(&s->rows_open)) {
        rows_send(LIST_OF(s->rows_open.next, struct rows, node));
    }
}

void rows_free_all(struct store *s)
{
    while (!list_empty(&s->rows_open)) {
        struct rows *r = LIST_OF(s->rows_open.next, struct rows, node);

        call_fini(&r->call);
        rows_free(r);
    }
    while (!list_empty(&s->rows_sent)) {
        rows_free(LIST_OF(s->rows_sent.next, struct rows, node));
    }
}
