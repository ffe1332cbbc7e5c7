/* api_senders: the state of each sender of the tenant, and letting a paused one go on. */
#include "app_int.h"

#define SENDERS_SHOWN 64

static void write_text(struct jw *w, const char *name, struct str text)
{
    if (text.n > 0) {
        jw_str(w, name, text);
    } else {
        jw_null(w, name);
    }
}

/* Of the whole portfolio. */
static void write_tier(const struct sender *s, const struct depth_sample *q, struct jw *w)
{
    jw_str(w, "portfolio", sender_portfolio(s));
    if (q->people_most > 0) {
        jw_int(w, "limit", q->people_most);
        jw_int(w, "used_today", q->people);
    } else {
        jw_null(w, "limit");
        jw_null(w, "used_today");
    }
    if (q->told || q->people_most > 0) {
        jw_z(w, "limit_from", q->told ? "provider" : "configuration");
    } else {
        jw_null(w, "limit_from");
    }
}

static void write_place(const struct depth_sample *q, struct jw *w)
{
    if (q->via.n == 0) {
        jw_null(w, "replaced_by");
        return;
    }
    jw_open(w, "replaced_by", '{');
    jw_str(w, "sender", q->via);
    jw_wall(w, "since", q->via_since);
    jw_close(w, '}');
}

/* What holds for all gateways is in @q, what this one has under way in @h. */
static void write_sender(const struct sender_health *h, const struct depth_sample *q, struct jw *w)
{
    const struct sender *s = h->sender;
    int64_t queued = q->scheduled;

    for (size_t p = 0; p < PRIO_COUNT; p++) {
        queued += q->items[p];
    }
    jw_open(w, NULL, '{');
    jw_str(w, "id", s->id);
    jw_z(w, "provider", provider_of(s->provider)->name);
    jw_str(w, "number", s->number);
    jw_z(w, "state", q->paused || q->rests.ms > 0 ? "paused" : "ok");
    write_text(w, "reason", q->why);
    write_text(w, "advice", q->advice);
    if (q->rests.ms > 0) {
        jw_wall(w, "until", q->rests);
    } else {
        jw_null(w, "until");
    }
    write_place(q, w);
    jw_null(w, "quality"); /* told by the provider's webhooks; unknown so far */
    write_tier(s, q, w);
    jw_int(w, "rate_per_second", s->rate_per_second);
    jw_int(w, "percent", q->percent);
    jw_int(w, "in_flight", h->in_flight);
    jw_int(w, "queued", queued);
    jw_close(w, '}');
}

static void on_depths(struct request *r, struct depths *d, const struct err *err)
{
    struct sender_health senders[SENDERS_SHOWN];
    size_t n = engine_senders(r->who.et, senders, ARRAY_LEN(senders));
    bool all = r->args[0].n == 0;
    struct jw w;

    if (err != NULL) {
        reply_error(r, err);
        return;
    }
    reply_begin(r, &w);
    if (all) {
        jw_open(&w, NULL, '{');
        jw_open(&w, "items", '[');
    }
    for (size_t i = 0; i < n; i++) {
        const struct depth_sample *q = depths_sender(d, r->who.tenant, senders[i].sender->id);

        if (q != NULL && (all || str_eq(senders[i].sender->id, r->args[0]))) {
            write_sender(&senders[i], q, &w);
        }
    }
    if (all) {
        jw_close(&w, ']');
        jw_null(&w, "next_cursor");
        jw_close(&w, '}');
        reply_built(r, 200, &r->out);
    } else {
        idempotency_close(r, 200, buf_str(&r->out), "sender.resume", r->args[0]);
    }
}

/* There are at most 64 senders: one page. */
void api_sender_list(struct request *r)
{
    struct depths *d = ARENA_NEW(r->a, struct depths);

    *d = (struct depths){.only = r->who.et, .done = on_depths};
    depths_read(r, d);
}

static void on_resumed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;

    (void)outcome;
    if (request_resume(ctx, err, &r)) {
        api_sender_list(r);
    }
}

void api_sender_resume(struct request *r)
{
    r->pending = engine_sender_resume(r->who.et, r->args[0], on_resumed, r);
    if (r->pending == NULL) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no sender \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
    }
}
