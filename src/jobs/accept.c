/*
 * accept: what came in becomes durable. One commit a loop turn carries all of it (store/commit). A
 * client that hangs up is not waited for, but its commits go on: an item that is granted to us and
 * then forgotten would wait for its lease to run out.
 */
#include "alarms.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/cmms_event.h"
#include "jobs_int.h"

#include <stdio.h>

#define ITEM_BYTES_MAX ((size_t)6 << 20) /* sealed, it still fits a commit */

void inbox_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str lane,
               struct str id, struct str text, bool grant)
{
    struct str key = arena_printf(a, "i:%.*s", STR_ARG(id));

    grant = grant && et->in != NULL && lane_worker_has_slot(et->in);
    commit_item(c, lane, id, job_seal(et, a, key, "b", text), grant ? GRANT_ANSWER : GRANT_NONE);
}

void inbox_handed(struct engine_tenant *et, struct str lane, struct str id, int64_t token,
                  struct str text)
{
    if (et->in == NULL) {
        return;
    }
    if (token > 0) {
        lane_granted(et->in, lane, id, token, text, (struct wall){0});
    } else {
        lane_worker_wake(et->in);
    }
}

/* ---- webhooks ---- */

struct webhook;
struct webhook_unit { /* one item on its way */
    struct webhook *w;
    struct op *pending;
    struct engine_tenant *et;
    const struct inbound *item; /* as it came; only while it is put in */
    struct str lane, id, text;  /* inbound item, or empty for a plain status */
    enum inbound_kind kind;
};
struct webhook {
    struct op op;
    struct job job;
    struct arena *a;
    struct engine *e;
    struct webhook_unit *units;
    size_t nunits, waiting;
    struct err err;     /* the first one */
    accept_fn *on_done; /* NULL: nobody waits any more */
    void *ctx;
};

static void webhook_finish(void *ctx);

static void webhook_free(struct webhook *w)
{
    job_end(&w->job);
    loop_defer_cancel(w->e->loop, webhook_finish, w);
    for (size_t i = 0; i < w->nunits; i++) {
        op_cancel(&w->units[i].pending);
    }
    arena_free(&w->a);
    mem_free(&w);
}

static void drop_webhook(struct job *job)
{
    webhook_free(LIST_OF(job, struct webhook, job));
}

static void webhook_cancel(struct op *op)
{
    struct webhook *w = LIST_OF(op, struct webhook, op);

    w->on_done = NULL;
    if (w->nunits == 0 || w->e->closing) {
        webhook_free(w);
    }
}

static void webhook_finish(void *ctx)
{
    struct webhook *w = ctx;
    accept_fn *on_done = w->on_done;
    void *done_ctx = w->ctx;
    struct err err = w->err;

    webhook_free(w);
    if (on_done != NULL) {
        on_done(done_ctx, err.code == ERR_NONE ? NULL : &err);
    }
}

static void count_unit(const struct webhook_unit *u, const struct commit_outcome *outcome)
{
    if (outcome->result == COMMIT_DUPLICATE) {
        metric_add(METRIC_INBOUND_DUPLICATE, 1);
    } else if (u->kind == INBOUND_STATUS) {
        metric_add(METRIC_STATUSES, 1);
    } else {
        metric_add(u->kind == INBOUND_MESSAGE ? METRIC_INBOUND : METRIC_INBOUND_UNKNOWN, 1);
    }
}

static void on_unit_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct webhook_unit *u = ctx;
    struct webhook *w = u->w;

    u->pending = NULL;
    if (err != NULL) {
        if (w->err.code == ERR_NONE) {
            w->err = *err;
        }
    } else {
        count_unit(u, outcome);
        if (outcome->result == COMMIT_OK && u->text.n > 0) {
            inbox_handed(u->et, u->lane, u->id, commit_result_int(outcome, 0), u->text);
        }
    }
    if (--w->waiting == 0) {
        webhook_finish(w);
    }
}

static struct engine_tenant *route(struct engine *e, enum provider_kind provider,
                                   const struct inbound *in, const struct sender **sender)
{
    const struct settings *s = e->o.settings;
    const struct tenant_settings *t = NULL;

    *sender = provider == PROVIDER_TWILIO
                  ? settings_sender_twilio(s, in->account, in->number_id, &t)
              : in->number_id.n > 0 ? settings_sender_meta(s, in->number_id, &t)
                                    : settings_sender_meta_account(s, in->account, &t);
    return *sender == NULL ? NULL : engine_tenant_find(e, t->id);
}

/* Any word about a message of ours says that the provider has it, also one that we do not know. */
static const char *const state_words[] = {[DELIVERY_NONE] = "sent",
                                          [DELIVERY_SENT] = "sent",
                                          [DELIVERY_DELIVERED] = "delivered",
                                          [DELIVERY_READ] = "read",
                                          [DELIVERY_FAILED] = "failed"};

static struct str correlated(const struct webhook_unit *u, const struct inbound *in)
{
    struct str id = STR_NONE;
    int64_t attempt;

    return correlation_check(vault_mac_key(u->et->t.vault), u->et->t.id, in->correlation, &id,
                             &attempt)
               ? id
               : STR_NONE;
}

/* A status that only moves a message up needs no decision: straight to the script, no queue. */
static bool plain_status(const struct webhook_unit *u, const struct inbound *in)
{
    bool all = u->et->t.conf->message_status_events == STATUS_EVENTS_ALL;

    if (in->kind != INBOUND_STATUS || (in->provider_id.n == 0 && in->correlation.n == 0)) {
        return false;
    }
    switch (in->state) {
    case DELIVERY_NONE:
        return correlated(u, in).n > 0;
    case DELIVERY_SENT:
        return true;
    case DELIVERY_DELIVERED:
    case DELIVERY_READ:
        return !all && in->group_id.n == 0; /* there it tells who is in the group */
    case DELIVERY_FAILED:
        break;
    }
    return false;
}

static void unit_status(struct webhook_unit *u, const struct inbound *in, struct commit *c)
{
    char hash[VAULT_HASH_CHARS + 1];
    struct str id;
    int64_t attempt;

    if ((in->state == DELIVERY_SENT || in->state == DELIVERY_NONE) &&
        correlation_check(vault_mac_key(u->et->t.vault), u->et->t.id, in->correlation, &id,
                          &attempt)) {
        commit_status_sent(c, id, attempt, in->at, STR("by webhook"));
        return;
    }
    vault_hash(u->et->t.vault, "pid", in->provider_id, hash);
    commit_status(c, correlated(u, in), str_of(hash), state_words[in->state], in->at,
                  STR("by webhook"));
}

/* Packed, in the arena; what is too large to be kept whole loses the end of its longest texts. */
static struct str encode(struct arena *a, const struct inbound *in)
{
    struct str out;
    struct buf text;

    if (!inbound_encode_within(in, ITEM_BYTES_MAX, &text)) {
        log_warn("webhook item is too large, the ends of its texts are not kept",
                 LF_INT("bytes", (int64_t)in->raw.n));
    }
    out = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* Not printed: a record has NULs in it. */
static struct str webhook_text(struct arena *a, const struct sender *sender, struct str record)
{
    struct str out;
    struct buf text;

    buf_init(&text, ITEM_BYTES_MAX + 256);
    buf_add_char(&text, ITEM_WEBHOOK);
    buf_add(&text, sender->id);
    buf_add_char(&text, '\n');
    buf_add(&text, record);
    out = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* What tells an item from another one; the same in each repetition of the webhook. */
static struct str item_hash(const struct webhook_unit *u, const char *what)
{
    const struct inbound *in = u->item;
    struct arena *a = u->w->a;

    return vault_hash_arena(u->et->t.vault, a, what,
                            in->provider_id.n > 0 ? in->provider_id
                            : in->raw.n > 0       ? in->raw
                                                  : encode(a, in));
}

struct str inbox_order_lane(struct engine_tenant *et, struct arena *a, struct str order_id)
{
    return cmms_event_lane(&et->t, a, PRIO_HIGH, arena_printf(a, "o:%.*s", STR_ARG(order_id)));
}

/* The lane of a person, so that his commands run in the order accepted; of a message for its
 * statuses. */
static void unit_item(struct webhook_unit *u, const struct inbound *in, const struct sender *sender,
                      struct commit *c)
{
    struct arena *a = u->w->a;
    struct str key = item_hash(u, "in"), record = encode(a, in), who;
    char id[ID_BYTES];

    id_new(id);
    u->id = arena_dup(a, str_of(id));
    if (in->kind == INBOUND_STATUS) {
        u->lane = arena_printf(a, "%ds:%.*s", PRIO_HIGH, STR_ARG(key));
        key = arena_printf(a, "s:%.*s:%d", STR_ARG(key), (int)in->state);
        if (in->group_id.n > 0) { /* each of those in it has his own */
            who = in->phone.n > 0 ? in->phone : in->bsuid;
            key = arena_printf(a, "%.*s:%.*s", STR_ARG(key),
                               STR_ARG(vault_hash_arena(u->et->t.vault, a, "phone", who)));
        }
    } else {
        who = vault_hash_arena(u->et->t.vault, a, "phone", in->phone.n > 0 ? in->phone : in->bsuid);
        u->lane = arena_printf(a, "%dp:%.*s", PRIO_REPLY, STR_ARG(who));
        key = arena_printf(a, "w:%.*s", STR_ARG(key));
    }
    u->text = webhook_text(a, sender, record);
    commit_check_new(c, key, STR_NONE);
    commit_remember(c, key, STR_NONE, u->id);
    inbox_put(u->et, a, c, u->lane, u->id, u->text, true);
}

/* Kept for the operator: signed, but for no number of ours, or by the wrong hand. */
static void unit_aside(struct webhook_unit *u, const struct inbound *in, struct commit *c)
{
    struct arena *a = u->w->a;
    struct str key = arena_printf(a, "x:%.*s", STR_ARG(item_hash(u, "aside")));

    commit_check_new(c, key, STR_NONE);
    commit_remember(c, key, STR_NONE, STR_NONE);
    kept_write(u->et, a, c, in);
}

static void unit_start(struct webhook_unit *u, enum provider_kind provider,
                       const struct inbound *item,
                       bool (*allowed)(void *ctx, const struct sender *s), void *allowed_ctx)
{
    const struct sender *sender;
    struct inbound in = *item;
    struct wall now = wall_now();
    struct commit *c;

    /* No word from the future: it would keep a 24-hour window open that is closed. */
    in.at = in.at.ms > 0 && in.at.ms < now.ms ? in.at : now;
    u->kind = in.kind;
    u->item = item;
    u->et = route(u->w->e, provider, &in, &sender);
    if (u->et == NULL || !allowed(allowed_ctx, sender)) {
        log_warn("webhook item is for no number of ours, kept aside",
                 LF_STR("number_id", in.number_id));
        u->et = u->et != NULL ? u->et : &u->w->e->tenants[0];
        c = commit_new(u->et->t.id);
        unit_aside(u, item, c);
    } else {
        alarms_heard(u->et, sender);
        c = commit_new(u->et->t.id);
        if (plain_status(u, &in)) {
            unit_status(u, &in, c);
        } else {
            unit_item(u, &in, sender, c);
        }
    }
    u->pending = commit_run(u->w->e->store, &c, on_unit_kept, u);
}

struct op *accept_webhook(struct engine *e, enum provider_kind provider,
                          const struct inbound_batch *batch,
                          bool (*allowed)(void *ctx, const struct sender *s), void *allowed_ctx,
                          accept_fn *on_done, void *ctx)
{
    struct webhook *w = MEM_NEW(struct webhook);

    *w = (struct webhook){
        .op = {webhook_cancel}, .a = arena_new(), .e = e, .on_done = on_done, .ctx = ctx};
    job_begin(e, &w->job, drop_webhook);
    w->units = ARENA_ARRAY(w->a, struct webhook_unit, batch->n + 1);
    for (size_t i = 0; i < batch->n; i++) {
        struct webhook_unit *u = &w->units[w->nunits++];

        u->w = w;
        w->waiting++;
        unit_start(u, provider, &batch->items[i], allowed, allowed_ctx);
    }
    if (batch->n == 0) {
        loop_defer(e->loop, webhook_finish, w);
    }
    return &w->op;
}

/* ---- events of the CMMS ---- */

struct event_op {
    struct op op;
    struct job job;
    struct op *pending;
    struct arena *a;
    struct engine_tenant *et;
    struct str lane, id, text;
    accept_event_fn *on_done; /* NULL: nobody waits any more */
    void *ctx;
};

static void event_free(struct event_op *ev)
{
    job_end(&ev->job);
    op_cancel(&ev->pending);
    arena_free(&ev->a);
    mem_free(&ev);
}

static void drop_event(struct job *job)
{
    event_free(LIST_OF(job, struct event_op, job));
}

static void event_cancel(struct op *op)
{
    struct event_op *ev = LIST_OF(op, struct event_op, op);

    ev->on_done = NULL;
    if (ev->et->e->closing) {
        event_free(ev);
    }
}

static void on_event_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct event_op *ev = ctx;
    enum accept_result result = ACCEPT_OK;
    accept_event_fn *on_done = ev->on_done;
    void *done_ctx = ev->ctx;

    ev->pending = NULL;
    if (err == NULL) {
        if (outcome->result == COMMIT_OK) {
            metric_add(METRIC_EVENTS_IN, 1);
            if (ev->text.n > 0) {
                inbox_handed(ev->et, ev->lane, ev->id, commit_result_int(outcome, 0), ev->text);
            }
        } else if (outcome->result == COMMIT_DIFFERS) {
            result = ACCEPT_CONFLICT;
        } else { /* seen before, or older than what was accepted */
            metric_add(METRIC_EVENTS_DUPLICATE, 1);
            result = ACCEPT_DUPLICATE;
        }
    }
    event_free(ev);
    if (on_done != NULL) {
        on_done(done_ctx, err, result);
    }
}

struct op *accept_event(struct engine *e, struct engine_tenant *et, const struct cmms_event *event,
                        struct str text, accept_event_fn *on_done, void *ctx)
{
    struct event_op *ev = MEM_NEW(struct event_op);
    struct arena *a = arena_new();
    struct commit *c = commit_new(et->t.id);
    bool marked = event->mark_key.n > 0 && event->mark >= 0;
    uint8_t digest[SHA256_BYTES];
    char id[ID_BYTES];
    struct buf print;
    struct str key;

    *ev = (struct event_op){.op = {event_cancel}, .a = a, .et = et, .on_done = on_done, .ctx = ctx};
    job_begin(e, &ev->job, drop_event);
    id_new(id);
    ev->id = arena_dup(a, str_of(id));
    ev->text = arena_printf(a, "%c%.*s", ITEM_EVENT, STR_ARG(text));
    ev->lane = cmms_event_lane(&et->t, a, event->prio, event->lane);
    /* With the length in front, so that no two pairs of source and id give the same text. */
    key = arena_printf(a, "%zu|%.*s|%.*s", event->source.n, STR_ARG(event->source),
                       STR_ARG(event->id));
    key = arena_printf(a, "e:%.*s", STR_ARG(vault_hash_arena(et->t.vault, a, "event", key)));
    sha256(text, digest);
    buf_init(&print, 64);
    hex_add(&print, str_make(digest, 16));
    commit_check_new(c, key, buf_str(&print));
    if (marked) {
        commit_check_mark(c, event->mark_key, event->mark);
    }
    commit_remember(c, key, buf_str(&print), ev->id);
    if (marked) {
        commit_mark(c, event->mark_key, event->mark);
    }
    if (cmms_event_is_idle(&et->t, event)) {
        ev->text = STR_NONE; /* seen, and over */
        commit_ended(c, STR(QUEUE_IN), ev->id);
    } else {
        inbox_put(et, a, c, ev->lane, ev->id, ev->text, true);
    }
    buf_fini(&print);
    ev->pending = commit_run(e->store, &c, on_event_kept, ev);
    return &ev->op;
}
