/*
 * outbox_sender: a sender and its pace. Paused: token or account are in trouble, everything waits
 * until a probe passes (each minute), a reload, or somebody says so. Resting: the provider asked
 * for silence of a known length. Slow: after "too fast" the rate is halved, at most once a second,
 * and grows by 5 % a second.
 */
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

#include <stdio.h>

#define PROBE_MS           60000
#define REST_MOST          ((int64_t)24 * 3600 * 1000)
#define SLOWEST_PCT        5
#define STEP_PCT           5
#define STEP_MS            1000
#define ASSUMED_PER_SECOND 80 /* of a sender without a configured rate, once it must go slowly */

struct outbox *outbox_find(struct engine_tenant *et, struct str queue)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eqz(queue, et->outboxes[i].queue)) {
            return &et->outboxes[i];
        }
    }
    return NULL;
}

static bool resting(const struct outbox *ob)
{
    return timer_running(ob->rest);
}

bool outbox_grants(struct outbox *ob)
{
    return !ob->paused && !resting(ob) && ob->factor_pct == 100 && lane_worker_has_slot(ob->worker);
}

/* Two numbers of one account share its limits. */
static bool same_account(const struct sender *a, const struct sender *b)
{
    if (a->provider != b->provider) {
        return false;
    }
    return a->provider == PROVIDER_TWILIO ? str_eq(a->account_sid, b->account_sid)
                                          : str_eq(a->access_token, b->access_token);
}

/* ---- pace ---- */

void outbox_apply_rate(struct outbox *ob)
{
    struct rate rate;

    sender_rate(ob->sender, &rate);
    if (rate.interval_us > 0) {
        rate.interval_us = rate.interval_us * 100 / ob->factor_pct;
    } else if (ob->factor_pct < 100) {
        rate.interval_us = (int64_t)1000000 * 100 / (ASSUMED_PER_SECOND * ob->factor_pct);
        rate.burst = 4;
    }
    lane_worker_rate(ob->worker, &rate);
}

static void on_growth(void *ctx)
{
    struct outbox *ob = ctx;

    ob->factor_pct = ob->factor_pct + STEP_PCT > 100 ? 100 : ob->factor_pct + STEP_PCT;
    outbox_apply_rate(ob);
    if (ob->factor_pct < 100) {
        timer_start(ob->growth, STEP_MS);
    }
}

static void set_pace(struct outbox *ob, int64_t pct)
{
    ob->factor_pct = pct < SLOWEST_PCT ? SLOWEST_PCT : pct;
    ob->slowed = mono_now();
    outbox_apply_rate(ob);
    timer_start(ob->growth, STEP_MS);
}

/* One refusal is many: all that was on its way is refused with it. So it is halved once for all of
 * them. */
static void halve(struct outbox *ob)
{
    if (ob->slowed.us > 0 && mono_now().us - ob->slowed.us < STEP_MS * 1000) {
        return;
    }
    set_pace(ob, ob->factor_pct / 2);
    log_warn("provider asks for a slower pace", LF_STR("tenant", ob->et->t.id),
             LF_STR("sender", ob->sender->id), LF_INT("percent", ob->factor_pct));
}

void outbox_slow_down(struct outbox *ob, enum outcome_scope scope)
{
    for (size_t i = 0; i < ob->et->noutboxes; i++) {
        struct outbox *other = &ob->et->outboxes[i];

        if (other == ob || (scope == SCOPE_ACCOUNT && same_account(ob->sender, other->sender))) {
            halve(other);
        }
    }
}

/* ---- rest ---- */

static void obey(struct outbox *ob)
{
    lane_worker_pause(ob->worker, ob->paused || resting(ob));
}

static void on_rested(void *ctx)
{
    struct outbox *ob = ctx;

    if (!ob->paused) {
        ob->reason[0] = '\0';
    }
    obey(ob);
}

static void rest(struct outbox *ob, int64_t ms, struct str reason)
{
    if (resting(ob)) {
        return; /* the first word counts; if it was too short the next answer says so */
    }
    snprintf(ob->reason, sizeof(ob->reason), "%.*s", STR_ARG(reason));
    timer_start(ob->rest, ms < REST_MOST ? ms : REST_MOST);
    obey(ob);
    log_warn("sender rests", LF_STR("tenant", ob->et->t.id), LF_STR("sender", ob->sender->id),
             LF_INT("ms", ms), LF_STR("reason", reason));
}

void outbox_rest(struct outbox *ob, enum outcome_scope scope, int64_t ms, struct str reason)
{
    for (size_t i = 0; i < ob->et->noutboxes; i++) {
        struct outbox *other = &ob->et->outboxes[i];

        if (other == ob || (scope == SCOPE_ACCOUNT && same_account(ob->sender, other->sender))) {
            rest(other, ms, reason);
        }
    }
}

/* ---- pause ---- */

static void on_probed(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct outbox *ob = ctx;

    ob->probing = NULL;
    if (!ob->paused) {
        return;
    }
    if (err == NULL && answer->status >= 200 && answer->status < 300) {
        /* That the credentials work does not prove that sending does: begin with a few. */
        set_pace(ob, SLOWEST_PCT);
        outbox_resume(ob);
    } else {
        timer_start(ob->probe, PROBE_MS);
    }
}

static void on_probe(void *ctx)
{
    struct outbox *ob = ctx;
    struct arena *a = arena_new();
    struct outgoing out = {0};

    if (ob->probing == NULL && ob->provider->probe(a, ob->sender, &out)) {
        const struct http_call call = {.method = out.method,
                                       .url = out.url,
                                       .headers = out.headers,
                                       .nheaders = out.nheaders,
                                       .basic_user = out.basic_user,
                                       .basic_password = out.basic_password,
                                       .body = out.body,
                                       .flags = HTTP_IDEMPOTENT,
                                       .timeout_ms = 10000};

        ob->probing = http_call_start(ob->et->e->http, &call, on_probed, ob);
    } else {
        timer_start(ob->probe, PROBE_MS);
    }
    arena_free(&a);
}

void outbox_pause(struct outbox *ob, struct str reason, struct str advice)
{
    struct arena *a;

    snprintf(ob->reason, sizeof(ob->reason), "%.*s", STR_ARG(reason));
    if (ob->paused) {
        return;
    }
    ob->paused = true;
    obey(ob);
    log_error("sender paused: its messages stay queued", LF_STR("tenant", ob->et->t.id),
              LF_STR("sender", ob->sender->id), LF_STR("reason", reason));
    timer_start(ob->probe, PROBE_MS);
    a = arena_new();
    alert_raise(ob->et, arena_printf(a, "sender:%.*s", STR_ARG(ob->sender->id)), "critical", reason,
                advice);
    arena_free(&a);
}

void outbox_resume(struct outbox *ob)
{
    if (!ob->paused && !resting(ob)) {
        return;
    }
    ob->paused = false;
    ob->reason[0] = '\0';
    timer_stop(ob->probe);
    timer_stop(ob->rest);
    op_cancel(&ob->probing);
    obey(ob);
    log_info("sender resumed", LF_STR("tenant", ob->et->t.id), LF_STR("sender", ob->sender->id));
}

bool engine_sender_resume(struct engine_tenant *et, struct str id)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eq(et->outboxes[i].sender->id, id)) {
            outbox_resume(&et->outboxes[i]);
            return true;
        }
    }
    return false;
}

size_t engine_senders(const struct engine_tenant *et, struct sender_health *out, size_t max)
{
    size_t n = 0;

    for (; n < et->noutboxes && n < max; n++) {
        const struct outbox *ob = &et->outboxes[n];
        bool waits = ob->paused || resting(ob);
        struct lane_stats stats;

        lane_worker_stats(ob->worker, &stats);
        out[n] = (struct sender_health){ob->sender, waits, str_of(waits ? ob->reason : ""),
                                        (int64_t)stats.out};
    }
    return n;
}

/* ---- life ---- */

static void start_one(struct engine_tenant *et, struct outbox *ob, const struct sender *sender)
{
    struct lane_options o = {.tenant = et->t.id,
                             .record = LANE_MESSAGE,
                             .slots = OUTBOX_SLOTS,
                             .lease_ms = et->e->o.settings->lease_ms,
                             .on_item = outbox_on_item,
                             .ctx = ob};
    char queue[128];

    *ob = (struct outbox){.et = et, .sender = sender, .factor_pct = 100};
    ob->provider = provider_of(sender->provider);
    snprintf(queue, sizeof(queue), QUEUE_OUT_PREFIX "%.*s", STR_ARG(sender->id));
    ob->queue = mem_dupz(str_of(queue));
    o.queue = str_of(ob->queue);
    sender_rate(sender, &o.rate);
    ob->content_sids = map_new();
    ob->probe = timer_new(et->e->loop, on_probe, ob);
    ob->rest = timer_new(et->e->loop, on_rested, ob);
    ob->growth = timer_new(et->e->loop, on_growth, ob);
    ob->worker = lane_worker_new(et->e->loop, et->e->store, &o);
    lane_worker_wake(ob->worker);
}

void outbox_start(struct engine_tenant *et)
{
    et->outboxes = mem_array(et->t.conf->nsenders + 1, sizeof(*et->outboxes));
    for (size_t i = 0; i < et->t.conf->nsenders; i++) {
        start_one(et, &et->outboxes[i], &et->t.conf->senders[i]);
    }
    et->noutboxes = et->t.conf->nsenders;
}

void outbox_fini(struct outbox *ob)
{
    struct str key;
    void *sid;

    op_cancel(&ob->probing);
    timer_free(&ob->probe);
    timer_free(&ob->rest);
    timer_free(&ob->growth);
    lane_worker_free(&ob->worker);
    for (size_t it = 0; ob->content_sids != NULL && map_next(ob->content_sids, &it, &key, &sid);) {
        mem_free(&sid);
    }
    map_free(&ob->content_sids);
    mem_free(&ob->queue);
}
