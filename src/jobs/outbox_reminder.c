/*
 * outbox_reminder: a reminder that had to wait (for the end of somebody's quiet hours, mostly)
 * looks at its order again before it is sent: of one that is done meanwhile nobody is reminded.
 */
#include <assert.h>

#include "base/mem.h"
#include "domain/order_store.h"
#include "outbox_int.h"

static void on_order(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct order o;
    struct err own = {0};

    at->pending = NULL;
    if (err != NULL) {
        outbox_put_back(at);
        return;
    }
    assert(n == 1);
    /* What does not open is not ours to judge: better once too often. */
    if (docs[0].version == 0 ||
        (order_open(&at->ob->et->t, at->a, at->m.order_id, &docs[0], &o, &own) &&
         !order_is_open(&o))) {
        at->o.title = STR("its work order is closed");
        attempt_end(at, THEN_NEEDLESS, 0);
        return;
    }
    at->order_seen = true;
    outbox_begin(at);
}

bool outbox_reminder_waited(const struct attempt *at)
{
    return !at->order_seen && at->m.send_at.ms > 0 && at->m.order_id.n > 0 &&
           str_eqz(at->m.cls, user_class_name(CLASS_REMINDERS));
}

void outbox_reminder(struct attempt *at)
{
    struct engine_tenant *et = at->ob->et;
    struct str key = order_key(at->a, at->m.order_id);

    at->pending = fetch_run(et->e->store, et->t.id, &key, 1, on_order, at);
}
