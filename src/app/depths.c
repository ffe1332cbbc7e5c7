/* depths: what waits in the queues, one script for each tenant, one tenant after the other. */
#include "app_int.h"
#include "base/mem.h"

#define DEADLINE_MS 500
#define SENDERS_MAX 64
#define TENANTS_MAX 256 /* looked at for those who see all of them */

static void next_tenant(struct request *r);

static size_t queues_of(struct request *r, const struct engine_tenant *et,
                        struct str out[SENDERS_MAX + 2])
{
    struct sender_health senders[SENDERS_MAX];
    size_t n = engine_senders(et, senders, SENDERS_MAX);

    out[0] = STR(QUEUE_IN);
    out[1] = STR(QUEUE_CB);
    for (size_t i = 0; i < n; i++) {
        out[2 + i] = arena_printf(r->a, QUEUE_OUT_PREFIX "%.*s", STR_ARG(senders[i].sender->id));
    }
    return n + 2;
}

static struct depth_sample *add(struct request *r, struct depths *d)
{
    struct depth_sample *bigger;

    if (d->n == d->cap) {
        d->cap = d->cap == 0 ? 16 : 2 * d->cap;
        bigger = ARENA_ARRAY(r->a, struct depth_sample, d->cap);
        if (d->n > 0) {
            memcpy(bigger, d->v, d->n * sizeof(*bigger));
        }
        d->v = bigger;
    }
    return &d->v[d->n++];
}

static struct engine_tenant *tenant_at(struct request *r, const struct depths *d)
{
    return d->only != NULL ? d->only : engine_tenant_at(r->e, d->at);
}

static void take_sender(struct request *r, struct depth_sample *s, const struct reply *reply)
{
    int64_t waits = reply_int(reply_at(reply, 0));

    s->paused = waits < 0;
    s->rests.ms = waits > 0 ? waits : 0;
    s->why = arena_dup(r->a, reply_str(reply_at(reply, 1)));
    s->advice = arena_dup(r->a, reply_str(reply_at(reply, 2)));
    s->percent = reply_int(reply_at(reply, 3));
    s->people = reply_int(reply_at(reply, 4));
    s->people_most = reply_int(reply_at(reply, 5));
    s->told = reply_int(reply_at(reply, 6)) != 0;
    s->via = arena_dup(r->a, reply_str(reply_at(reply, 7)));
    s->via_since.ms = reply_int(reply_at(reply, 8));
}

static void take(struct request *r, struct depths *d, struct str queue, const struct reply *reply)
{
    struct depth_sample *s = add(r, d);
    int64_t now = wall_now().ms;

    *s = (struct depth_sample){.tenant = engine_tenant(tenant_at(r, d)), .queue = queue};
    s->in_flight = reply_int(reply_at(reply, 0));
    s->scheduled = reply_int(reply_at(reply, 1));
    for (size_t p = 0; p < PRIO_COUNT; p++) {
        const struct reply *row = reply_at(reply, 2 + p);
        int64_t since = reply_int(reply_at(row, 2));

        s->items[p] = reply_int(reply_at(row, 1));
        s->oldest_ms[p] = s->items[p] > 0 && since > 0 && since < now ? now - since : 0;
    }
    take_sender(r, s, reply_at(reply, 2 + PRIO_COUNT));
}

static void on_depths(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct str queues[SENDERS_MAX + 2];
    struct depths *d = r->user;
    size_t n;

    r->pending = NULL;
    if (err != NULL) {
        d->done(r, d, err);
        return;
    }
    n = queues_of(r, tenant_at(r, d), queues);
    for (size_t i = 0; i < n; i++) {
        take(r, d, queues[i], reply_at(reply, i));
    }
    d->at++;
    next_tenant(r);
}

static void next_tenant(struct request *r)
{
    struct str queues[SENDERS_MAX + 2];
    struct depths *d = r->user;
    size_t all = d->only != NULL ? 1 : engine_tenants(r->e), n;
    const struct tenant *t;
    struct call call;

    if (d->at >= all || d->at >= TENANTS_MAX) {
        d->done(r, d, NULL);
        return;
    }
    t = engine_tenant(tenant_at(r, d));
    n = queues_of(r, tenant_at(r, d), queues);
    call_init_script(&call, "depths", arena_printf(r->a, "{%.*s}:", STR_ARG(t->id)));
    for (size_t i = 0; i < n; i++) {
        call_str(&call, queues[i]);
    }
    r->pending = store_run_for(engine_store(r->e), &call, DEADLINE_MS, on_depths, r);
}

void depths_read(struct request *r, struct depths *d)
{
    r->user = d;
    next_tenant(r);
}

const struct depth_sample *depths_sender(const struct depths *d, const struct tenant *t,
                                         struct str sender)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i].tenant == t && str_starts(d->v[i].queue, STR(QUEUE_OUT_PREFIX)) &&
            str_eq(str_slice(d->v[i].queue, strlen(QUEUE_OUT_PREFIX), SIZE_MAX), sender)) {
            return &d->v[i];
        }
    }
    return NULL;
}
