/*
 * read_mark: blue ticks. Once a person's words are carried out, and a little behind the replies
 * they led to, the provider is told that they were read. Best effort: one try, nowhere recorded, in
 * no queue and counted by nothing; left out while there is anything better to do. What is left out
 * is made good by the next one, since a mark covers all that came before it.
 *
 * Only for Meta: Twilio marks as read only by showing "typing…", which behind our reply would
 * announce another one for 25 s.
 */
#include "base/mem.h"
#include "jobs_int.h"

#define MARKS_MAX  16 /* of a tenant, under way at once */
#define BUSY_ITEMS 8  /* a worker that holds more has people waiting */
#define BEHIND_MS  100
#define TIMEOUT_MS 5000

struct mark {
    struct job job;
    struct outbox *ob;
    struct timer *behind;
    struct op *pending;
    struct arena *a;
    struct str wamid;
};

static void mark_free(struct mark *m)
{
    m->ob->et->marks--;
    job_end(&m->job);
    timer_free(&m->behind);
    op_cancel(&m->pending);
    arena_free(&m->a);
    mem_free(&m);
}

static void drop_mark(struct job *job)
{
    mark_free(LIST_OF(job, struct mark, job));
}

static bool busy(const struct lane_worker *worker)
{
    struct lane_stats stats;

    lane_worker_stats(worker, &stats);
    return stats.out > BUSY_ITEMS;
}

static void on_marked(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct mark *m = ctx;

    (void)err;
    (void)answer;
    m->pending = NULL;
    mark_free(m);
}

static void on_behind(void *ctx)
{
    struct mark *m = ctx;
    const struct message said = {.kind = MESSAGE_READ, .quoted = m->wamid};
    struct engine_tenant *et = m->ob->et;
    struct outgoing out = {0};
    struct http_call call;
    struct err err = {0};

    if (et->e->stopping || !outbox_grants(m->ob) || busy(et->in) || busy(m->ob->worker) ||
        !m->ob->provider->build(m->a, m->ob->sender, &said, STR_NONE, STR_NONE, &out, &err)) {
        mark_free(m);
        return;
    }
    call = outgoing_call(&out, 0, TIMEOUT_MS);
    m->pending = http_call_start(et->e->http, &call, on_marked, m);
}

static struct outbox *marking(struct engine_tenant *et, struct str sender_id)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eq(et->outboxes[i].sender->id, sender_id)) {
            return et->outboxes[i].sender->provider == PROVIDER_META ? &et->outboxes[i] : NULL;
        }
    }
    return NULL;
}

void read_mark(struct engine_tenant *et, struct str sender_id, const struct inbound *in)
{
    struct outbox *ob = marking(et, sender_id);
    struct mark *m;

    if (ob == NULL || et->marks >= MARKS_MAX || in->provider_id.n == 0 || in->group_id.n > 0 ||
        in->type == INBOUND_REACTION) {
        return;
    }
    m = MEM_NEW(struct mark);
    *m = (struct mark){.ob = ob, .a = arena_new()};
    m->wamid = arena_dup(m->a, in->provider_id);
    m->behind = timer_new(et->e->loop, on_behind, m);
    et->marks++;
    job_begin(et->e, &m->job, drop_mark);
    timer_start(m->behind, BEHIND_MS);
}
