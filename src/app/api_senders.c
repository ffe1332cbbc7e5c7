/* api_senders: the state of each sender of the tenant, and letting a paused one go on. */
#include "app_int.h"

#define SENDERS_SHOWN 64

static void write_sender(const struct sender_health *h, int64_t queued, struct jw *w)
{
    const struct sender *s = h->sender;

    jw_open(w, NULL, '{');
    jw_str(w, "id", s->id);
    jw_z(w, "provider", provider_of(s->provider)->name);
    jw_str(w, "number", s->number);
    jw_z(w, "state", h->paused ? "paused" : "ok");
    if (h->reason.n > 0) {
        jw_str(w, "reason", h->reason);
    } else {
        jw_null(w, "reason");
    }
    jw_null(w, "quality"); /* told by the provider's webhooks; unknown so far */
    if (s->daily_people > 0) {
        jw_int(w, "limit", s->daily_people);
    } else {
        jw_null(w, "limit");
    }
    jw_null(w, "used_today");
    jw_int(w, "rate_per_second", s->rate_per_second);
    jw_int(w, "in_flight", h->in_flight);
    jw_int(w, "queued", queued);
    jw_close(w, '}');
}

static int64_t depth_of(const struct reply *queue)
{
    int64_t n = reply_int(reply_at(queue, 1)); /* for later */

    for (size_t p = 0; p < PRIO_COUNT; p++) {
        n += reply_int(reply_at(reply_at(queue, 2 + p), 1));
    }
    return n;
}

static void on_depths(void *ctx, const struct err *err, const struct reply *reply)
{
    struct sender_health senders[SENDERS_SHOWN];
    struct request *r;
    size_t n;
    struct jw w;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    n = engine_senders(r->who.et, senders, ARRAY_LEN(senders));
    reply_begin(r, &w);
    if (r->args[0].n == 0) {
        jw_open(&w, NULL, '{');
        jw_open(&w, "items", '[');
    }
    for (size_t i = 0; i < n; i++) {
        if (r->args[0].n == 0 || str_eq(senders[i].sender->id, r->args[0])) {
            write_sender(&senders[i], depth_of(reply_at(reply, i)), &w);
        }
    }
    if (r->args[0].n == 0) {
        jw_close(&w, ']');
        jw_null(&w, "next_cursor");
        jw_close(&w, '}');
    }
    if (r->args[0].n == 0) {
        reply_built(r, 200, &r->out);
    } else {
        idempotency_close(r, 200, buf_str(&r->out), "sender.resume", r->args[0]);
    }
}

/* There are at most 64 senders: one page. */
void api_sender_list(struct request *r)
{
    struct sender_health senders[SENDERS_SHOWN];
    size_t n = engine_senders(r->who.et, senders, ARRAY_LEN(senders));
    struct call call;

    call_script(r, &call, "depths");
    for (size_t i = 0; i < n; i++) {
        call_str(&call,
                 arena_printf(r->a, QUEUE_OUT_PREFIX "%.*s", STR_ARG(senders[i].sender->id)));
    }
    r->pending = store_run(engine_store(r->e), &call, on_depths, r);
}

void api_sender_resume(struct request *r)
{
    if (!engine_sender_resume(r->who.et, r->args[0])) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no sender \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
        return;
    }
    api_sender_list(r);
}
