/* accept: what came in becomes durable. One commit a loop turn carries all of it (store/commit). */
#include "jobs_int.h"

#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/cmms_event.h"

#include <stdio.h>

void inbox_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str lane, struct str id,
               struct str text, bool grant)
{
    static const struct rate none = {0, 0, 0, 0};
    struct str key = arena_printf(a, "i:%.*s", STR_ARG(id));

    commit_hset(c, key, STR("b"), job_seal(et, a, key, "b", text));
    commit_enqueue(c, STR(QUEUE_IN), lane, id, (struct wall){0}, grant && et->in != NULL && lane_worker_has_slot(et->in),
                   &none);
}

static void handed(struct engine_tenant *et, struct str lane, struct str id, int64_t token, struct str text)
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
    struct str lane, id, text; /* inbound item, or empty for a plain status */
    enum inbound_kind kind;
};
struct webhook {
    struct op op;
    struct arena *a;
    struct engine *e;
    struct webhook_unit *units;
    size_t nunits, waiting;
    struct err err; /* the first one */
    accept_fn *on_done;
    void *ctx;
};

static void webhook_free(struct webhook *w)
{
    arena_free(&w->a);
    mem_free(&w);
}

static void webhook_cancel(struct op *op)
{
    struct webhook *w = LIST_OF(op, struct webhook, op);

    if (w->nunits == 0) { /* the deferred end is under way */
        w->on_done = NULL;
        return;
    }
    for (size_t i = 0; i < w->nunits; i++) {
        op_cancel(&w->units[i].pending);
    }
    webhook_free(w);
}

static void webhook_finish(void *ctx)
{
    struct webhook *w = ctx;

    if (w->on_done != NULL) {
        w->on_done(w->ctx, w->err.code == ERR_NONE ? NULL : &w->err);
    }
    webhook_free(w);
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
            handed(u->et, u->lane, u->id, commit_result_int(outcome, 0), u->text);
        }
    }
    if (--w->waiting == 0) {
        webhook_finish(w);
    }
}

static struct engine_tenant *route(struct engine *e, enum provider_kind provider, const struct inbound *in,
                                   const struct sender **sender)
{
    const struct settings *s = e->o.settings;
    const struct tenant_settings *t = NULL;

    *sender = provider == PROVIDER_TWILIO ? settings_sender_twilio(s, in->account, in->number_id, &t)
              : in->number_id.n > 0       ? settings_sender_meta(s, in->number_id, &t)
                                          : settings_sender_meta_account(s, in->account, &t);
    return *sender == NULL ? NULL : engine_tenant_find(e, t->id);
}

static const char *const state_words[] = {[DELIVERY_SENT] = "sent",
                                          [DELIVERY_DELIVERED] = "delivered",
                                          [DELIVERY_READ] = "read",
                                          [DELIVERY_FAILED] = "failed"};

/* A status that only moves a message up needs no decision: straight to the script, no queue. */
static bool plain_status(const struct engine_tenant *et, const struct inbound *in)
{
    enum status_events told = et->t.conf->message_status_events;

    return in->kind == INBOUND_STATUS && in->state != DELIVERY_NONE && told != STATUS_EVENTS_ALL &&
           (in->state != DELIVERY_FAILED);
}

static void unit_status(struct webhook_unit *u, const struct inbound *in, struct commit *c)
{
    char hash[VAULT_HASH_CHARS + 1];
    struct str id = STR_NONE;
    int64_t attempt;

    vault_hash(u->et->t.vault, "pid", in->provider_id, hash);
    if (!correlation_check(vault_mac_key(u->et->t.vault), u->et->t.id, in->correlation, &id, &attempt)) {
        id = STR_NONE;
    }
    commit_status(c, id, str_of(hash), state_words[in->state], in->at, STR("by webhook"));
}

/* The lane of a person, so that his commands run in the order accepted; of a message for its statuses. */
static void unit_item(struct webhook_unit *u, const struct inbound *in, const struct sender *sender,
                      struct commit *c)
{
    struct arena *a = u->w->a;
    struct vault *v = u->et->t.vault;
    char id[ID_BYTES];
    struct str key, who;
    struct buf text;

    id_new(id);
    u->id = arena_dup(a, str_of(id));
    key = vault_hash_arena(v, a, "in", in->provider_id.n > 0 ? in->provider_id : in->raw);
    if (in->kind == INBOUND_STATUS) {
        u->lane = arena_printf(a, "%ds:%.*s", PRIO_HIGH, STR_ARG(key));
        key = arena_printf(a, "s:%.*s:%d", STR_ARG(key), (int)in->state);
    } else {
        who = vault_hash_arena(v, a, "phone", in->phone.n > 0 ? in->phone : in->bsuid);
        u->lane = arena_printf(a, "%dp:%.*s", PRIO_REPLY, STR_ARG(who));
        key = arena_printf(a, "w:%.*s", STR_ARG(key));
    }
    buf_init(&text, 1 << 20);
    buf_addf(&text, "%c%.*s\n", ITEM_WEBHOOK, STR_ARG(sender->id));
    inbound_encode(in, &text);
    u->text = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    commit_check_new(c, key, STR_NONE);
    commit_remember(c, key, STR_NONE, u->id);
    inbox_put(u->et, a, c, u->lane, u->id, u->text, true);
}

/* Kept for the operator: signed, but for no number of ours, or by the wrong hand. */
static void unit_aside(struct webhook_unit *u, const struct inbound *in, struct commit *c)
{
    struct arena *a = u->w->a;
    struct str key = vault_hash_arena(u->et->t.vault, a, "aside", in->raw.n > 0 ? in->raw : in->provider_id);
    struct buf text;

    buf_init(&text, 1 << 20);
    inbound_encode(in, &text);
    key = arena_printf(a, "x:%.*s", STR_ARG(key));
    commit_check_new(c, key, STR_NONE);
    commit_remember(c, key, STR_NONE, STR_NONE);
    commit_log(c, STR("aside"), job_seal(u->et, a, STR("aside"), "b", buf_str(&text)));
    buf_fini(&text);
}

struct op *accept_webhook(struct engine *e, enum provider_kind provider, const struct inbound_batch *batch,
                          bool (*allowed)(void *ctx, const struct sender *s), void *allowed_ctx,
                          accept_fn *on_done, void *ctx)
{
    struct webhook *w = MEM_NEW(struct webhook);

    *w = (struct webhook){.op = {webhook_cancel}, .a = arena_new(), .e = e, .on_done = on_done, .ctx = ctx};
    w->units = ARENA_ARRAY(w->a, struct webhook_unit, batch->n + 1);
    for (size_t i = 0; i < batch->n; i++) {
        const struct inbound *in = &batch->items[i];
        struct webhook_unit *u = &w->units[w->nunits++];
        const struct sender *sender;
        struct commit *c;

        u->w = w;
        u->kind = in->kind;
        u->et = route(e, provider, in, &sender);
        if (u->et == NULL || !allowed(allowed_ctx, sender)) {
            log_warn("webhook item is for no number of ours, kept aside", LF_STR("number_id", in->number_id));
            u->et = u->et != NULL ? u->et : &e->tenants[0];
            c = commit_new(u->et->t.id);
            unit_aside(u, in, c);
        } else {
            c = commit_new(u->et->t.id);
            if (plain_status(u->et, in)) {
                unit_status(u, in, c);
            } else {
                unit_item(u, in, sender, c);
            }
        }
        w->waiting++;
        u->pending = commit_run(e->store, &c, on_unit_kept, u);
    }
    if (batch->n == 0) {
        loop_defer(e->loop, webhook_finish, w);
    }
    return &w->op;
}

/* ---- events of the CMMS ---- */

struct event_op {
    struct op op;
    struct op *pending;
    struct arena *a;
    struct engine_tenant *et;
    struct str lane, id, text;
    accept_event_fn *on_done;
    void *ctx;
};

static void event_free(struct event_op *op)
{
    arena_free(&op->a);
    mem_free(&op);
}

static void event_cancel(struct op *op)
{
    struct event_op *ev = LIST_OF(op, struct event_op, op);

    op_cancel(&ev->pending);
    event_free(ev);
}

static void on_event_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct event_op *op = ctx;
    enum accept_result result = ACCEPT_OK;

    op->pending = NULL;
    if (err == NULL) {
        if (outcome->result == COMMIT_OK) {
            metric_add(METRIC_EVENTS_IN, 1);
            handed(op->et, op->lane, op->id, commit_result_int(outcome, 0), op->text);
        } else if (outcome->result == COMMIT_DIFFERS) {
            result = ACCEPT_CONFLICT;
        } else { /* seen before, or older than what was accepted */
            metric_add(METRIC_EVENTS_DUPLICATE, 1);
            result = ACCEPT_DUPLICATE;
        }
    }
    op->on_done(op->ctx, err, result);
    event_free(op);
}

struct op *accept_event(struct engine *e, struct engine_tenant *et, const struct cmms_event *event,
                        struct str text, accept_event_fn *on_done, void *ctx)
{
    struct event_op *op = MEM_NEW(struct event_op);
    struct arena *a = arena_new();
    struct commit *c = commit_new(et->t.id);
    uint8_t digest[SHA256_BYTES];
    char id[ID_BYTES];
    struct buf print;
    struct str key;

    *op = (struct event_op){.op = {event_cancel}, .a = a, .et = et, .on_done = on_done, .ctx = ctx};
    id_new(id);
    op->id = arena_dup(a, str_of(id));
    op->text = arena_printf(a, "%c%.*s", ITEM_EVENT, STR_ARG(text));
    op->lane = arena_printf(a, "%de:%.*s", PRIO_HIGH,
                            STR_ARG(vault_hash_arena(et->t.vault, a, "lane", event->lane)));
    key = arena_printf(a, "e:%.*s", STR_ARG(vault_hash_arena(et->t.vault, a, "event",
                       arena_printf(a, "%.*s|%.*s", STR_ARG(event->source), STR_ARG(event->id)))));
    sha256(text, digest);
    buf_init(&print, 64);
    hex_add(&print, str_make(digest, 16));
    commit_check_new(c, key, buf_str(&print));
    if (event->mark_key.n > 0 && event->mark >= 0) {
        commit_check_mark(c, event->mark_key, event->mark);
    }
    commit_remember(c, key, buf_str(&print), op->id);
    if (event->mark_key.n > 0 && event->mark >= 0) {
        commit_mark(c, event->mark_key, event->mark);
    }
    inbox_put(et, a, c, op->lane, op->id, op->text, true);
    buf_fini(&print);
    op->pending = commit_run(e->store, &c, on_event_kept, op);
    return &op->op;
}
