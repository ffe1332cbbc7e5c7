#include "domain/view.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/command.h"
#include "domain/order_store.h"
#include "domain/training.h"
#include "domain/user_store.h"

#include <stdio.h>

/* His midnight is not known before he is; a day has 25 hours at most. */
#define COMPLETED_MS ((int64_t)26 * 3600 * 1000)

struct view_op {
    struct op op;
    struct op *pending;
    const struct tenant *tenant;
    struct arena *a;
    struct view_query query;
    view_fn *on_done;
    void *ctx;
};

static void view_cancel(struct op *op)
{
    struct view_op *v = LIST_OF(op, struct view_op, op);

    op_cancel(&v->pending);
    mem_free(&v);
}

static struct doc doc_of(const struct reply *r)
{
    return (struct doc){reply_int(reply_at(r, 0)), reply_str(reply_at(r, 1))};
}

static bool read_person(const struct view_op *op, struct str id, const struct reply *r,
                        struct user **out, struct err *err)
{
    struct doc doc = doc_of(r);

    *out = NULL;
    if (id.n == 0 || doc.body.n == 0) {
        return true;
    }
    *out = ARENA_NEW(op->a, struct user);
    return user_open(op->tenant, op->a, id, &doc, *out, err);
}

/* One record of many does not open: the turn goes on without it, and somebody is told. */
static void set_aside(const struct view_op *op, struct view *view, struct err *err)
{
    log_error("record set aside: it does not open", LF_STR("tenant", op->tenant->id),
              LF_Z("reason", err->msg));
    view->ndamaged++;
    *err = (struct err){0};
}

static void read_orders(const struct view_op *op, const struct reply *list, struct view *view,
                        struct err *err)
{
    for (size_t i = 0; i + 3 < reply_len(list) && view->norders < ARRAY_LEN(view->orders); i += 4) {
        struct str id = arena_dup(op->a, reply_str(reply_at(list, i)));
        struct doc doc = {reply_int(reply_at(list, i + 1)), reply_str(reply_at(list, i + 2))};
        struct order *o = ARENA_NEW(op->a, struct order);

        if (!order_open(op->tenant, op->a, id, &doc, o, err)) {
            set_aside(op, view, err);
            continue;
        }
        view->orders[view->norders++] =
            (struct view_order){o, (unsigned)reply_int(reply_at(list, i + 3))};
    }
}

static void read_matters(const struct view_op *op, const struct reply *list, struct view *view,
                         struct err *err)
{
    for (size_t i = 0; i + 3 < reply_len(list) && view->nmatters < ARRAY_LEN(view->matters);
         i += 4) {
        struct str ref = arena_dup(op->a, reply_str(reply_at(list, i)));
        struct doc doc = {reply_int(reply_at(list, i + 1)), reply_str(reply_at(list, i + 2))};
        struct matter *m = ARENA_NEW(op->a, struct matter);

        if (!matter_open(op->tenant, op->a, ref, &doc, m, err)) {
            set_aside(op, view, err);
            continue;
        }
        view->matters[view->nmatters++] =
            (struct view_matter){m, (unsigned)reply_int(reply_at(list, i + 3))};
    }
}

/* What was open between him and us is lost with a damaged conversation; the next turn writes a new
 * one. */
static void read_conversation(const struct view_op *op, const struct reply *r, struct view *view,
                              struct err *err)
{
    struct doc doc = doc_of(r);
    struct str options = reply_str(reply_at(r, 2)), text = STR_NONE;
    struct str key = conversation_key(op->a, view->person);

    view->conversation.version = doc.version;
    if (doc.body.n > 0 &&
        (!vault_open_arena(op->tenant->vault, op->a, key, "b", doc.body, &text, err) ||
         !conversation_decode(op->a, text, doc.version, &view->conversation, err))) {
        set_aside(op, view, err);
        view->conversation = (struct conversation){.version = doc.version};
    }
    if (options.n == 0) {
        return;
    }
    if (!vault_open_arena(op->tenant->vault, op->a, key, "op", options, &text, err)) {
        set_aside(op, view, err);
        return;
    }
    conversation_options_decode(op->a, text, wall_now(), &view->conversation);
}

static void read_training(const struct view_op *op, const struct reply *list, struct view *view,
                          struct err *err)
{
    struct str text;

    view->training = ARENA_ARRAY(op->a, struct training, reply_len(list) + 1);
    for (size_t i = 0; i < reply_len(list); i++) {
        if (!vault_open_arena(op->tenant->vault, op->a, STR(TRAINING_KEY), "e",
                              reply_str(reply_at(list, i)), &text, err)) {
            set_aside(op, view, err);
        } else if (training_decode(op->a, text, &view->training[view->ntraining])) {
            view->ntraining++;
        }
    }
}

static void read_completed(const struct view_op *op, const struct reply *list, struct view *view)
{
    view->completed = ARENA_ARRAY(op->a, struct wall, reply_len(list) + 1);
    for (size_t i = 0; i < reply_len(list); i++) {
        view->ncompleted += str_to_i64(reply_str(reply_at(list, i)), 0, INT64_MAX,
                                       &view->completed[view->ncompleted].ms);
    }
}

static bool read_view(const struct view_op *op, const struct reply *r, struct view *view,
                      struct err *err)
{
    struct str user = arena_dup(op->a, reply_str(reply_at(r, 0)));
    struct str supervisor = arena_dup(op->a, reply_str(reply_at(r, 6)));

    view->tenant = op->tenant;
    view->person = arena_dup(op->a, reply_str(reply_at(r, 9)));
    view->quoted_broadcast = arena_dup(op->a, reply_str(reply_at(r, 10)));
    view->roll_call = arena_dup(op->a, reply_str(reply_at(r, 11)));
    view->to_ack = arena_dup(op->a, reply_str(reply_at(r, 12)));
    str_cut(arena_dup(op->a, reply_str(reply_at(r, 14))), '\n', &view->asset_id, &view->asset_name);
    view->quoted_message = arena_dup(op->a, reply_str(reply_at(r, 3)));
    read_completed(op, reply_at(r, 4), view);
    view->open_total = reply_int(reply_at(r, 5));
    read_conversation(op, reply_at(r, 2), view, err);
    if (!read_person(op, supervisor, reply_at(r, 7), &view->supervisor, err)) {
        set_aside(op, view, err);
        view->supervisor = NULL;
    }
    read_orders(op, reply_at(r, 8), view, err);
    read_matters(op, reply_at(r, 13), view, err);
    read_training(op, reply_at(r, 15), view, err);
    return read_person(op, user, reply_at(r, 1), &view->user, err);
}

static void on_person(void *ctx, const struct err *err, const struct reply *reply)
{
    struct view_op *op = ctx;
    struct view *view = ARENA_NEW(op->a, struct view);
    struct err own = {0};

    op->pending = NULL;
    if (err == NULL && !read_view(op, reply, view, &own)) {
        err = &own;
    }
    op->on_done(op->ctx, err, err == NULL ? view : NULL);
    mem_free(&op);
}

static struct str hashed(const struct view_op *op, const char *what, struct str text)
{
    return text.n == 0 ? text : vault_hash_arena(op->tenant->vault, op->a, what, text);
}

static struct str reversed(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);

    for (size_t i = 0; i < s.n; i++) {
        out[i] = s.p[s.n - 1 - i];
    }
    return str_make(out, s.n);
}

struct op *view_load(struct store *s, const struct tenant *t, struct arena *a,
                     const struct view_query *q, view_fn *on_done, void *ctx)
{
    struct view_op *op = MEM_NEW(struct view_op);
    struct call *row;

    *op = (struct view_op){
        .op = {view_cancel}, .tenant = t, .a = a, .query = *q, .on_done = on_done, .ctx = ctx};
    row = store_row(s, "person", arena_printf(a, "{%.*s}:", STR_ARG(t->id)));
    call_str(row, q->user);
    call_str(row, hashed(op, "phone", q->phone));
    call_str(row, hashed(op, "bsuid", q->bsuid));
    call_str(row, reversed(a, q->typed));
    call_str(row, q->order_id);
    call_str(row, hashed(op, "pid", q->quoted));
    call_int(row, VIEW_ORDERS_MAX);
    call_int(row, wall_now().ms - COMPLETED_MS);
    call_str(row, q->matter);
    call_str(row, q->asset);
    call_str(row, q->training ? STR("1") : STR(""));
    op->pending = store_row_run(s, on_person, op);
    return &op->op;
}
