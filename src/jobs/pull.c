/*
 * pull: what people wrote to a Twilio number while nobody answered its webhook. Twilio gives a
 * message up after 15 s, but keeps it in its list: at the start and every hour the pages from the
 * last pull on are read and accepted as the webhook would have been, with the same key, so what was
 * heard is not heard twice.
 *
 * tp: HASH sender -> wall ms up to which its list has been read. It moves when all pages were kept;
 * a pull that fails is tried again some times, and then an hour later from where it was. The first
 * pull of a sender only notes the time: what was written before we were there is not ours to carry
 * out. A time that lies ahead was noted by a clock that was; where the list agrees with the clock of
 * now, it is read as far back as repeats are known, and the time noted anew.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"
#include "providers/twilio_messages.h"

#define HOUR_MS    ((int64_t)3600 * 1000)
#define OVERLAP_MS (10 * 60 * 1000) /* their clock, and what was being posted meanwhile */
#define OLDEST_MS  ((int64_t)7 * 24 * HOUR_MS) /* repeats are known for 8 days */
#define PAGES_MAX  100                         /* of 100 in one pull of one sender */
#define SLICE      100                         /* accepted at once */
#define CALL_MS    20000
#define TRIES_MAX  5

struct pull {
    struct chore_run *run;
    struct engine_tenant *et;
    struct op *pending;
    struct timer *again;
    struct arena *a; /* of this sender's pages */
    size_t at;       /* sender */
    struct wall since, began;
    struct outgoing next;
    size_t pages;
    struct inbound *said; /* the newest first */
    size_t nsaid, cap, left;
    int tries;
    bool ahead; /* the time noted is yet to come */
};

static void sender_begin(void *ctx);
static void page_ask(struct pull *p);

static void pull_free(struct pull *p)
{
    op_cancel(&p->pending);
    timer_free(&p->again);
    arena_free(&p->a);
    mem_free(&p);
}

static const struct sender *sender_of(const struct pull *p)
{
    return &p->et->t.conf->senders[p->at];
}

static void sender_done(struct pull *p)
{
    p->at++;
    p->tries = 0;
    sender_begin(p);
}

/* ---- the end of one sender ---- */

static void on_noted(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct pull *p = ctx;

    (void)outcome;
    p->pending = NULL;
    if (err != NULL) { /* the next pull reads the same again, and knows all of it */
        log_warn("pull not noted", LF_STR("tenant", p->et->t.id), LF_Z("reason", err->msg));
    }
    sender_done(p);
}

static void sender_note(struct pull *p)
{
    struct commit *c = commit_new(p->et->t.id);

    log_debug("pulled", LF_STR("tenant", p->et->t.id), LF_STR("sender", sender_of(p)->id),
              LF_INT("pages", (int64_t)p->pages), LF_INT("messages", (int64_t)p->nsaid));

    if (p->ahead) {
        commit_hset(c, STR("tp"), sender_of(p)->id,
                    arena_printf(p->a, "%lld", (long long)p->began.ms));
    } else {
        commit_hmax(c, STR("tp"), sender_of(p)->id, p->began.ms);
    }
    p->pending = commit_run(p->et->e->store, &c, on_noted, p);
}

static void sender_failed(struct pull *p, const struct err *err)
{
    log_warn("messages missed meanwhile could not be pulled", LF_STR("tenant", p->et->t.id),
             LF_STR("sender", sender_of(p)->id), LF_Z("reason", err->msg));
    if (++p->tries < TRIES_MAX && err_retry(err->code)) {
        timer_start(p->again, job_retry_ms(p->tries + 2));
    } else {
        sender_done(p);
    }
}

/* ---- pages ---- */

static bool ours(void *ctx, const struct sender *s)
{
    return s == sender_of(ctx);
}

static void slice_accept(struct pull *p);

static void on_kept(void *ctx, const struct err *err)
{
    struct pull *p = ctx;

    p->pending = NULL;
    if (err != NULL) {
        sender_failed(p, err);
    } else {
        slice_accept(p);
    }
}

static void slice_accept(struct pull *p)
{
    struct inbound slice[SLICE];
    const struct inbound_batch batch = {slice, p->left < SLICE ? p->left : SLICE};

    if (p->left == 0) {
        sender_note(p);
        return;
    }
    for (size_t i = 0; i < batch.n; i++) {
        slice[i] = p->said[--p->left];
    }
    p->pending = accept_webhook(p->et->e, PROVIDER_TWILIO, &batch, ours, p, on_kept, p);
}

/* It is our clock that is wrong: by it, what is known already would be said for the first time. */
static bool behind(const struct pull *p, const struct inbound_batch *page)
{
    return p->ahead && page->n > 0 && page->items[0].at.ms > p->began.ms + OVERLAP_MS;
}

/* Of a page what was said to us since the last pull. Is there more on the next one? */
static bool pick(struct pull *p, const struct inbound_batch *page)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct inbound *in = &page->items[i];

        if (in->at.ms < p->since.ms) {
            return false;
        }
        if (in->kind != INBOUND_MESSAGE) {
            continue;
        }
        if (p->nsaid == p->cap) {
            size_t cap = p->cap == 0 ? SLICE : 4 * p->cap;
            struct inbound *more = ARENA_ARRAY(p->a, struct inbound, cap);

            if (p->nsaid > 0) {
                memcpy(more, p->said, p->nsaid * sizeof(*more));
            }
            p->said = more;
            p->cap = cap;
        }
        p->said[p->nsaid++] = *in;
    }
    return page->n > 0;
}

static void on_page(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct pull *p = ctx;
    struct inbound_batch page;
    struct err own = {0};

    p->pending = NULL;
    if (err != NULL || !twilio_messages_parse(p->a, sender_of(p), answer->status, answer->body,
                                              &page, &p->next, &own)) {
        sender_failed(p, err != NULL ? err : &own);
        return;
    }
    if (behind(p, &page)) {
        err_set(&own, ERR_PROVIDER, "the clock of this machine is behind");
        sender_failed(p, &own);
        return;
    }
    if (pick(p, &page) && p->next.method != NULL && ++p->pages < PAGES_MAX) {
        page_ask(p);
        return;
    }
    if (p->pages == PAGES_MAX) {
        log_error("more messages were missed than one pull reads: the oldest are left",
                  LF_STR("tenant", p->et->t.id), LF_STR("sender", sender_of(p)->id));
    }
    p->left = p->nsaid;
    slice_accept(p);
}

static void page_ask(struct pull *p)
{
    const struct http_call call = {.method = p->next.method,
                                   .url = p->next.url,
                                   .headers = p->next.headers,
                                   .nheaders = p->next.nheaders,
                                   .basic_user = p->next.basic_user,
                                   .basic_password = p->next.basic_password,
                                   .flags = HTTP_IDEMPOTENT,
                                   .timeout_ms = CALL_MS,
                                   .response_bytes_max = (size_t)4 << 20};

    p->pending = http_call_start(p->et->e->http, &call, on_page, p);
}

static void on_since(void *ctx, const struct err *err, const struct reply *reply)
{
    struct pull *p = ctx;
    int64_t last = reply_int(reply);

    p->pending = NULL;
    if (err != NULL) {
        sender_failed(p, err);
        return;
    }
    p->began = wall_now();
    p->ahead = false;
    if (last == 0) {
        sender_note(p);
        return;
    }
    p->ahead = last > p->began.ms + OVERLAP_MS;
    p->since.ms = !p->ahead && last - OVERLAP_MS > p->began.ms - OLDEST_MS
                      ? last - OVERLAP_MS
                      : p->began.ms - OLDEST_MS;
    arena_reset(p->a);
    p->said = NULL;
    p->nsaid = p->cap = p->pages = 0;
    twilio_messages_build(p->a, sender_of(p), STR_NONE, p->since, &p->next);
    page_ask(p);
}

/* ---- senders, one after the other ---- */

/* Also to try again, from its first page. */
static void sender_begin(void *ctx)
{
    struct pull *p = ctx;
    struct chore_run *run = p->run;
    struct call call;

    while (p->at < p->et->t.conf->nsenders && sender_of(p)->provider != PROVIDER_TWILIO) {
        p->at++;
    }
    if (p->at == p->et->t.conf->nsenders) {
        chore_state_set(run, NULL);
        pull_free(p);
        chore_done(run, false);
        return;
    }
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, arena_printf(p->a, "{%.*s}:tp", STR_ARG(p->et->t.id)));
    call_str(&call, sender_of(p)->id);
    p->pending = store_run(p->et->e->store, &call, on_since, p);
}

static void pull_run(struct chore_run *run)
{
    struct pull *p = MEM_NEW(struct pull);

    *p = (struct pull){.run = run, .et = chore_tenant(run), .a = arena_new()};
    p->again = timer_new(p->et->e->loop, sender_begin, p);
    chore_state_set(run, p);
    sender_begin(p);
}

static void pull_cancel(struct chore_run *run)
{
    struct pull *p = chore_state(run);

    if (p != NULL) {
        pull_free(p);
    }
}

const struct chore chore_pull = {"pull", HOUR_MS, true, pull_run, pull_cancel};
