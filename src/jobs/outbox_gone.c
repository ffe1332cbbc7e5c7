/*
 * outbox_gone: queues of senders that were taken out of the configuration while messages waited for
 * them. Such a sender is one that is paused: its messages go by another one of the tenant
 * (outbox_via.c), and what only it can say waits, with an alarm (alarms.c). Here nothing is sent by
 * it: its first item pauses it for all gateways. It goes on by its probe when it is configured again.
 */
#include "base/mem.h"
#include "outbox_int.h"

static struct outbox *find(const struct engine_tenant *et, struct str id)
{
    for (size_t i = 0; i < et->ngone; i++) {
        if (str_eq(et->gone[i]->sender->id, id)) {
            return et->gone[i];
        }
    }
    return NULL;
}

static void add(struct engine_tenant *et, struct str id)
{
    struct outbox *ob = MEM_NEW(struct outbox);
    struct sender *s = MEM_NEW(struct sender);

    s->id = str_of(mem_dupz(id));
    outbox_init(ob, et, s);
    ob->gone = s;
    et->gone = mem_resize(et->gone, (et->ngone + 1) * sizeof(*et->gone));
    et->gone[et->ngone++] = ob;
}

void outboxes_gone(struct engine_tenant *et, const struct str *ids, size_t n)
{
    for (size_t i = 0; i < et->ngone; i++) {
        bool now = false;

        for (size_t k = 0; k < n; k++) {
            now = now || str_eq(et->gone[i]->sender->id, ids[k]);
        }
        lane_worker_pause(et->gone[i]->worker, !now);
    }
    for (size_t k = 0; k < n; k++) {
        if (find(et, ids[k]) == NULL) {
            add(et, ids[k]);
        }
    }
}

void outbox_gone(struct attempt *at)
{
    at->local = at->stop = true;
    at->o = (struct outcome){.cls = OUTCOME_NOT_SENT,
                             .title = STR("it is not in the configuration"),
                             .advice = STR("put the sender back, or let its messages go by another")};
    attempt_end(at, THEN_LATER, 0);
}

void outboxes_gone_fini(struct engine_tenant *et)
{
    for (size_t i = 0; i < et->ngone; i++) {
        struct outbox *ob = et->gone[i];
        struct sender *s = ob->gone;
        char *id = (char *)s->id.p;

        outbox_fini(ob);
        mem_free(&ob);
        mem_free(&s);
        mem_free(&id);
    }
    mem_free(&et->gone);
    et->ngone = 0;
}
