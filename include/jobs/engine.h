/*
 * engine: what runs by itself: the store, the tenants with their vaults, and for each tenant a worker for
 * inbound items, one a sender for outbound messages, one for callbacks. Owned by main; the app asks it to
 * accept things and reads through it.
 *
 * Start: connect -> policy check -> vaults -> workers -> ready. Stop: stop claiming, let what is in flight
 * end (to a deadline), free. A killed engine loses nothing: leases run out and others go on.
 */
#ifndef CREWLINE_JOBS_ENGINE_H
#define CREWLINE_JOBS_ENGINE_H

#include "domain/inbound.h"
#include "domain/plan.h"
#include "domain/tenant.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "providers/provider.h"
#include "store/lane.h"
#include "store/store.h"

struct engine;
struct engine_tenant; /* a tenant with its workers */

struct engine_options {
    struct settings *settings; /* borrowed */
    const struct i18n *i18n;   /* borrowed */
    struct str redis_url;      /* of the settings, or of the private Redis */
    bool work;                 /* false: command line, no workers */
    void (*on_ready)(void *ctx); /* once, when requests may be accepted */
    void (*on_failed)(void *ctx, const struct err *err); /* a tenant's vault does not open, … */
    void *ctx;
};
bool engine_new(struct loop *l, const struct engine_options *o, struct engine **out, struct err *err);
void engine_stop(struct engine *e, int64_t deadline_ms, loop_fn *on_stopped, void *ctx);
void engine_free(struct engine **owner);
void engine_reloaded(struct engine *e); /* the settings changed: rates, tokens; paused senders try again */

struct store *engine_store(struct engine *e);
struct http_client *engine_http(struct engine *e);
struct loop *engine_loop(struct engine *e);
const struct settings *engine_settings(const struct engine *e);
bool engine_ready(const struct engine *e);
size_t engine_tenants(const struct engine *e);
struct engine_tenant *engine_tenant_at(struct engine *e, size_t i);
struct engine_tenant *engine_tenant_find(struct engine *e, struct str id); /* NULL: none */
const struct tenant *engine_tenant(const struct engine_tenant *et);

/*
 * Schema of the stored data, one number a tenant (document "schema"). This version writes and reads
 * ENGINE_SCHEMA; what is newer is refused at the start and left alone.
 */
#define ENGINE_SCHEMA 1
int64_t engine_schema(const struct engine_tenant *et);

/* The senders of a tenant; what all gateways know of one is read from sn:<sender>. */
struct sender_health {
    const struct sender *sender;
    int64_t in_flight; /* of this gateway */
};
size_t engine_senders(const struct engine_tenant *et, struct sender_health *out, size_t max);
/** Lets a paused or resting sender go on, on all gateways. NULL: there is no such sender. */
struct op *engine_sender_resume(struct engine_tenant *et, struct str id, commit_fn *on_done, void *ctx);
/*
 * Alarms that are on, by this gateway's last look (alerts.every_s): a queue that stands still, webhooks that
 * do not come, clocks apart, Redis nearly full, the CMMS not taking events. All gateways see the same.
 */
struct alarm {
    struct str component, severity, text, advice; /* severity: warning, critical */
    struct wall since;
};
size_t engine_alarms(const struct engine_tenant *et, struct alarm *out, size_t max);
/** "ok", "degraded", "down" for the callback endpoint, with a reason. */
const char *engine_callback_health(const struct engine_tenant *et, struct str *reason);

/*
 * Running a plan: decide() is called with fresh reads until its commit holds (a conflict: again, at most
 * 8 times). @check adds the caller's own checks, @write its own writes behind the plan's. When it is done,
 * granted messages have been handed to the outbox.
 */
struct plan_run {
    void (*checks)(void *ctx, struct commit *c);
    void (*writes)(void *ctx, struct commit *c);
    /** @outcome as of commit; for CONFLICT the caller reads again. The plan's grants were handed on. */
    commit_fn *on_done;
    void *ctx;
};
struct op *engine_run_plan(struct engine *e, struct engine_tenant *et, struct plan *p,
                           const struct plan_run *run);

/* Accepting: durable when on_done says so. */
enum accept_result { ACCEPT_OK, ACCEPT_DUPLICATE, ACCEPT_CONFLICT };
typedef void accept_fn(void *ctx, const struct err *err);
/**
 * Items of one verified webhook. Each goes to the tenant of its number, if @allowed says that the signature
 * was made with a secret of that sender; others and unknown numbers are kept aside. One callback when all of
 * it is kept (also what was a duplicate), or the first error.
 */
struct op *accept_webhook(struct engine *e, enum provider_kind provider, const struct inbound_batch *batch,
                          bool (*allowed)(void *ctx, const struct sender *s), void *allowed_ctx,
                          accept_fn *on_done, void *ctx);
/** One event of the CMMS (its JSON text as received). */
typedef void accept_event_fn(void *ctx, const struct err *err, enum accept_result result);
struct cmms_event;
struct op *accept_event(struct engine *e, struct engine_tenant *et, const struct cmms_event *event,
                        struct str text, accept_event_fn *on_done, void *ctx);

#endif
