/*
 * inbox_reminder: the time of an order's reminder has come: the order, then its assignees, then
 * telling them. An item that comes twice, or late, finds the next time set and does nothing.
 */
#include "base/mem.h"
#include "domain/order_store.h"
#include "domain/reminder.h"
#include "inbox_int.h"

/* Where od and the order differ (it was put ahead, it is closed), od is put right. */
static void write_index(struct inbox_job *j, struct commit *c)
{
    const struct order *o = j->view.order;

    if (o != NULL && order_is_open(o) && o->remind.ms > 0) {
        commit_zadd(c, STR("od"), (double)o->remind.ms, o->id);
    } else if (o != NULL || j->view.order_version == 0) {
        commit_zrem(c, STR("od"), j->reads->order_id);
    }
}

void inbox_decide_reminder(struct inbox_job *j)
{
    inbox_plan(j, STR_NONE);
    j->also_write = reminder_decide(j->reads, &j->view, &j->plan) ? NULL : write_index;
    inbox_run(j);
}

static void on_order(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct order *o = ARENA_NEW(j->work, struct order);
    struct err own = {0};

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    j->reads->nusers = 0;
    if (docs[0].version > 0 &&
        order_open(&j->et->t, j->work, j->reads->order_id, &docs[0], o, &own)) {
        for (size_t i = 0; i < o->nassignees; i++) {
            j->reads->users[j->reads->nusers++] = arena_dup(j->a, o->assignees[i].id);
        }
    }
    inbox_read_docs(j);
}

static void read_order(struct inbox_job *j)
{
    struct str key = order_key(j->work, j->reads->order_id);

    j->pending = fetch_run(j->et->e->store, j->et->t.id, &key, 1, on_order, j);
}

bool inbox_open_reminder(struct inbox_job *j, struct str text, struct err *err)
{
    if (text.n == 0) {
        return err_set(err, ERR_DAMAGED, "a reminder of no order");
    }
    j->reads = ARENA_NEW(j->a, struct cmms_reads);
    j->reads->order_id = text;
    j->decide = inbox_decide_reminder;
    j->read = read_order;
    return true;
}
