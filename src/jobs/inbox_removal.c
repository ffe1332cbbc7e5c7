/*
 * inbox_removal: a person goes. First the person (so that nobody plans another message), then slice
 * by slice what was said to him: the records hold his number and the words. What stays is the hash
 * in the audit trail, and what the CMMS itself said in its orders.
 */
#include "base/list.h"
#include "base/mem.h"
#include "inbox_int.h"
#include "media_int.h"

#define SLICE 100

static void read_slice(struct inbox_job *j);

static void finish(struct inbox_job *j)
{
    inbox_plan(j, j->event.id);
    inbox_run(j);
}

/* ---- the files he sent, one after the other ---- */

static void read_file(struct inbox_job *j);

static void on_file_gone(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
    } else if (!inbox_over(j)) {
        arena_reset(j->work);
        read_file(j);
    }
}

static void on_file(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
    } else if (reply_len(reply) == 0) {
        finish(j);
    } else {
        j->pending = media_forget(j->et, reply_str(reply_at(reply, 0)), j->reads->users[0],
                                  on_file_gone, j);
    }
}

static void read_file(struct inbox_job *j)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("ZRANGE"));
    call_str(&call, arena_printf(j->work, "{%.*s}:mp:%.*s", STR_ARG(j->et->t.id),
                                 STR_ARG(j->reads->users[0])));
    call_int(&call, 0);
    call_int(&call, 0);
    j->pending = store_run(j->et->e->store, &call, on_file, j);
}

/* ---- the messages ---- */

static void delete_message(struct inbox_job *j, struct str id, const struct reply *row,
                           struct commit *c)
{
    struct str order = reply_str(reply_at(row, 0)), queue = reply_str(reply_at(row, 1)),
               lane = reply_str(reply_at(row, 2));

    if (queue.n > 0 && lane.n > 0) {
        commit_withdraw(c, queue, lane, id);
    }
    commit_delete(c, arena_printf(j->work, "m:%.*s", STR_ARG(id)));
    commit_zrem(c, STR("mx"), id);
    commit_zrem(c, arena_printf(j->work, "mu:%.*s", STR_ARG(j->reads->users[0])), id);
    if (order.n > 0) {
        commit_zrem(c, arena_printf(j->work, "mo:%.*s", STR_ARG(order)), id);
    }
}

static void on_deleted(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (inbox_slice_kept(j, err, outcome)) {
        read_slice(j);
    }
}

/* Where the next slice begins, then {id, {order, queue, lane}} of each, from said.lua. */
static void on_slice(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct commit *c;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    if (reply_len(reply) < 2) {
        j->said_before = arena_dup(j->a, reply_str(reply_at(reply, 0)));
        if (j->said_before.n == 0) {
            read_file(j);
        } else if (!inbox_over(j)) {
            arena_reset(j->work);
            read_slice(j);
        }
        return;
    }
    j->said_before = STR_NONE; /* from the newest on again: until there is nothing */
    c = commit_new(j->et->t.id);
    lane_check_lease(c, j->item);
    for (size_t i = 1; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);

        delete_message(j, reply_str(reply_at(row, 0)), reply_at(row, 1), c);
    }
    j->pending = commit_run(j->et->e->store, &c, on_deleted, j);
}

static void read_slice(struct inbox_job *j)
{
    struct call call;

    call_init_script(&call, "said", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->reads->users[0]);
    call_str(&call, j->said_before);
    call_int(&call, SLICE);
    j->pending = store_run(j->et->e->store, &call, on_slice, j);
}

/* ---- the person himself ---- */

static void on_gone(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct err busy = {0};

    if (err == NULL && outcome->result == COMMIT_CONFLICT) {
        j->pending = NULL;
        err_set(&busy, ERR_STORE_CONFLICT, "the person is being changed");
        inbox_again(j, &busy);
    } else if (inbox_slice_kept(j, err, outcome)) {
        read_slice(j);
    }
}

static void check_lease(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    lane_check_lease(c, j->item);
}

void inbox_read_removal(struct inbox_job *j)
{
    const struct plan_run run = {check_lease, NULL, on_gone, j};

    j->said_before = STR_NONE;
    if (j->plan.gone == NULL) { /* gone already: a try before this one came so far */
        read_slice(j);
        return;
    }
    j->pending = engine_run_plan(j->et->e, j->et, &j->plan, &run);
}
