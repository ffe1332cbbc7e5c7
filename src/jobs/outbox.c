/*
 * outbox: hands messages to their provider, one at a time for a person and class, at the sender's rate.
 * One attempt: OPEN -> CHECK -> (CONTENT) -> SEND -> RECORD. The attempt was counted by the claim, before
 * the first byte went out; a reaped item is an attempt whose end nobody knows.
 */
#include "jobs_int.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

#include <stdio.h>

#define PROBE_MS        60000
#define RECORD_RETRY_MS 250
#define LAST_MS         ((int64_t)24 * 3600 * 1000) /* without an expiry of its own a message is tried a day */

static void send_free(struct attempt *at)
{
    op_cancel(&at->pending);
    timer_free(&at->retry);
    arena_free(&at->a);
    lane_item_done(&at->item);
    mem_free(&at);
}

/* ---- recording what came of it ---- */

static void record(struct attempt *at);

static void on_record_retry(void *ctx)
{
    record(obj_check(ctx, ATTEMPT_MAGIC));
}

static void on_evidence(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    (void)outcome;
    at->pending = NULL;
    if (err != NULL) {
        log_warn("a finished send is not recorded yet", LF_STR("message", at->m.id), LF_Z("reason", err->msg));
        at->late = true;
        timer_start(at->retry, RECORD_RETRY_MS);
        return;
    }
    send_free(at);
}

/* The lease went to somebody else while the provider accepted: what we know is evidence, like a status. */
static void record_evidence(struct attempt *at)
{
    struct commit *c = commit_new(at->ob->et->t.id);
    struct str hash = vault_hash_arena(at->ob->et->t.vault, at->a, "pid", at->o.provider_id);

    commit_status(c, at->m.id, hash, "sent", wall_now(), STR("by an answer that came late"));
    commit_provider_id(c, hash, at->m.id, PROVIDER_ID_KEEP_MS);
    at->pending = commit_run(at->ob->et->e->store, &c, on_evidence, at);
}

static void on_recorded(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err != NULL) {
        /* It stays here until Redis is back; the ring of finished sends is the slots themselves. */
        log_warn("a finished attempt is not recorded yet", LF_STR("message", at->m.id), LF_Z("reason", err->msg));
        timer_start(at->retry, RECORD_RETRY_MS);
        return;
    }
    if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        if (at->o.cls == OUTCOME_SENT) {
            record_evidence(at);
            return;
        }
    }
    send_free(at);
}

/* The end of a message that will not be delivered, told to the CMMS and on the order's timeline. */
static void record_failure(struct attempt *at, struct plan *p, const char *state)
{
    struct buf data;
    struct jw w;

    if (at->ob->et->t.conf->message_status_events != STATUS_EVENTS_NONE) {
        buf_init(&data, 64 * 1024);
        jw_init(&w, &data);
        jw_open(&w, NULL, '{');
        jw_open(&w, "message", '{');
        jw_str(&w, "id", at->m.id);
        jw_z(&w, "state", state);
        if (at->m.order_number.n > 0) {
            jw_str(&w, "work_order", at->m.order_number);
        }
        jw_open(&w, "reason", '{');
        jw_int(&w, "code", at->o.code);
        jw_str(&w, "text", at->o.title);
        jw_str(&w, "advice", at->o.advice);
        jw_close(&w, '}');
        jw_close(&w, '}');
        jw_close(&w, '}');
        plan_event(p, "gateway.message.status_changed.v1", at->m.order_number.n > 0 ? at->m.order_number : at->m.id,
                   arena_dup(at->a, buf_str(&data)), at->m.cause);
        buf_fini(&data);
    }
    if (at->m.order_id.n > 0) {
        plan_entry(p, at->m.order_id, "message", at->m.user,
                   arena_printf(at->a, "message %.*s %s: %.*s", STR_ARG(at->m.id), state, STR_ARG(at->o.title)));
    }
}

static struct str failure_detail(struct attempt *at)
{
    return arena_printf(at->a, "%lld|%.*s|%.*s", (long long)at->o.code, STR_ARG(at->o.title), STR_ARG(at->o.advice));
}

static void write_sent(struct attempt *at, struct commit *c)
{
    struct str key = arena_printf(at->a, "m:%.*s", STR_ARG(at->m.id));
    struct str hash = vault_hash_arena(at->ob->et->t.vault, at->a, "pid", at->o.provider_id);

    commit_message_state(c, at->m.id, "sent", wall_now(),
                         at->item->sends > 1 ? STR("possible_duplicate") : STR_NONE);
    commit_provider_id(c, hash, at->m.id, PROVIDER_ID_KEEP_MS);
    commit_hset(c, key, STR("pi"), job_seal(at->ob->et, at->a, key, "pi", at->o.provider_id));
    lane_finish(c, at->item);
}

static void write_put_off(struct attempt *at, struct commit *c, int64_t wait_ms)
{
    /* Certainly not accepted: the attempt that the claim counted did not happen. */
    commit_hincr(c, arena_printf(at->a, "m:%.*s", STR_ARG(at->m.id)), STR("n"), -1);
    lane_put_off(c, at->item, (struct wall){wall_now().ms + wait_ms});
}

static void record_writes(void *ctx, struct commit *c)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    switch (at->then) {
    case THEN_SENT:
        write_sent(at, c);
        break;
    case THEN_LATER:
        write_put_off(at, c, at->wait_ms);
        break;
    case THEN_HOLD:
        commit_message_state(c, at->m.id, "uncertain", wall_now(), STR("no answer; a status settles it"));
        lane_put_off(c, at->item, (struct wall){wall_now().ms + at->wait_ms});
        break;
    case THEN_UNCERTAIN:
        commit_message_state(c, at->m.id, "uncertain", wall_now(), STR("no answer, and not sent again"));
        lane_finish(c, at->item);
        break;
    case THEN_FAILED:
        commit_message_state(c, at->m.id, "failed", wall_now(), failure_detail(at));
        lane_finish(c, at->item);
        break;
    case THEN_EXPIRED:
        commit_message_state(c, at->m.id, "expired", wall_now(), STR_NONE);
        lane_finish(c, at->item);
        break;
    case THEN_DROP:
        lane_finish(c, at->item);
        break;
    }
}

static void record_checks(void *ctx, struct commit *c)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    lane_check_lease(c, at->item);
}

static void record(struct attempt *at)
{
    static const char *const told[] = {[THEN_FAILED] = "failed", [THEN_EXPIRED] = "expired", [THEN_UNCERTAIN] = "uncertain"};
    const struct plan_run run = {record_checks, record_writes, on_recorded, at};

    if (at->late) {
        record_evidence(at);
        return;
    }
    if (at->retry == NULL) {
        at->retry = timer_new(at->ob->et->e->loop, on_record_retry, at);
    }
    plan_init(&at->plan, at->a, &at->ob->et->t, wall_now(), at->m.cause);
    if (at->then == THEN_FAILED || at->then == THEN_EXPIRED || at->then == THEN_UNCERTAIN) {
        record_failure(at, &at->plan, told[at->then]);
    }
    at->pending = engine_run_plan(at->ob->et->e, at->ob->et, &at->plan, &run);
}

static void attempt_end(struct attempt *at, enum then then, int64_t wait_ms)
{
    at->then = then;
    at->wait_ms = wait_ms;
    record(at);
}

/* ---- what an outcome means for message and sender ---- */

/* Age is the exponent: no counter to keep, and a restart does not begin again at one second. */
int64_t outbox_backoff_ms(int64_t age_ms)
{
    int64_t ms = age_ms / 4;

    ms = ms < 1000 ? 1000 : ms > 60000 ? 60000 : ms;
    return ms + (int64_t)random_below((uint32_t)(ms / 4 + 1));
}

int64_t outbox_max_sends(const struct settings *s, const struct message *m)
{
    return m->max_sends > 0 ? m->max_sends : m->prio == PRIO_CRITICAL ? s->max_sends_critical : s->max_sends_normal;
}

static void end_ambiguous(struct attempt *at)
{
    const struct settings *s = at->ob->et->e->o.settings;

    metric_add(METRIC_SEND_AMBIGUOUS, 1);
    if (at->item->sends >= outbox_max_sends(s, &at->m)) {
        at->o.title = STR("it is not known whether the provider accepted it");
        at->o.advice = STR("it was not sent again, so as not to reach the person twice");
        attempt_end(at, THEN_UNCERTAIN, 0);
        return;
    }
    attempt_end(at, THEN_HOLD, at->m.prio == PRIO_CRITICAL ? s->uncertain_hold_critical_ms : s->uncertain_hold_ms);
}

static void end_throttled(struct attempt *at)
{
    int64_t wait = at->o.retry_after_ms > 0 ? at->o.retry_after_ms : at->o.scope == SCOPE_PAIR ? 6000 : 1000;

    metric_add(METRIC_SEND_THROTTLED, 1);
    if (at->o.scope != SCOPE_PAIR && at->o.scope != SCOPE_MESSAGE) {
        outbox_slow_down(at->ob);
    }
    attempt_end(at, THEN_LATER, wait);
}

static void end_not_sent(struct attempt *at)
{
    int64_t since = at->m.send_at.ms > at->m.created.ms ? at->m.send_at.ms : at->m.created.ms;
    int64_t age = wall_now().ms - since;

    if (age > LAST_MS || (at->o.tries_max > 0 && age > at->o.tries_max * 60000)) {
        at->o.title = at->o.title.n > 0 ? at->o.title : STR("the provider could not be reached for a day");
        metric_add(METRIC_SEND_FAILED, 1);
        attempt_end(at, THEN_FAILED, 0);
        return;
    }
    metric_add(METRIC_SEND_RETRIED, 1);
    attempt_end(at, THEN_LATER, at->o.retry_after_ms > 0 ? at->o.retry_after_ms : outbox_backoff_ms(age));
}

static void end_by_outcome(struct attempt *at)
{
    switch (at->o.cls) {
    case OUTCOME_SENT:
        metric_add(at->item->sends > 1 ? METRIC_SEND_RESENT : METRIC_SENT, 1);
        if (at->item->sends > 1) {
            metric_add(METRIC_SENT, 1);
        }
        histogram_add(HISTOGRAM_QUEUE, (wall_now().ms - at->m.created.ms) * 1000);
        attempt_end(at, THEN_SENT, 0);
        break;
    case OUTCOME_NOT_SENT:
        end_not_sent(at);
        break;
    case OUTCOME_AMBIGUOUS:
        end_ambiguous(at);
        break;
    case OUTCOME_THROTTLED:
        end_throttled(at);
        break;
    case OUTCOME_SENDER_STOPPED:
        outbox_pause(at->ob, at->o.title);
        attempt_end(at, THEN_LATER, 1000);
        break;
    case OUTCOME_REFUSED:
    case OUTCOME_OPTED_OUT:
    case OUTCOME_NEED_TEMPLATE:
        metric_add(METRIC_SEND_FAILED, 1);
        attempt_end(at, THEN_FAILED, 0);
        break;
    }
}

/* ---- sending ---- */

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    histogram_add(HISTOGRAM_SEND, mono_now().us - at->began.us);
    at->ob->provider->outcome(at->a, answer == NULL ? 0 : answer->status, answer == NULL ? STR_NONE : answer->body,
                              answer == NULL ? 0 : answer->retry_after_s, err, &at->o);
    if (at->o.cls != OUTCOME_SENT) {
        log_info("attempt not accepted", LF_STR("tenant", at->ob->et->t.id), LF_STR("message", at->m.id),
                 LF_INT("class", at->o.cls), LF_INT("code", at->o.code), LF_STR("title", at->o.title));
    }
    end_by_outcome(at);
}

static void refuse(struct attempt *at, int64_t code, const char *title, const char *advice)
{
    at->o = (struct outcome){.cls = OUTCOME_REFUSED, .code = code, .title = str_of(title), .advice = str_of(advice)};
    metric_add(METRIC_SEND_FAILED, 1);
    attempt_end(at, THEN_FAILED, 0);
}

void outbox_send(struct attempt *at)
{
    struct engine *e = at->ob->et->e;
    char correlation[CORRELATION_MAX];
    struct outgoing out = {0};
    struct http_call call;
    struct err err = {0};

    if (!lane_item_live(at->item)) {
        send_free(at); /* too late to begin: the lease runs out and the item comes again */
        return;
    }
    correlation_make(vault_mac_key(at->ob->et->t.vault), at->ob->et->t.id, at->m.id, at->item->sends, correlation);
    if (!at->ob->provider->build(at->a, at->ob->sender, &at->m, str_of(correlation), e->o.settings->public_url, &out,
                                 &err)) {
        refuse(at, 0, arena_dup(at->a, str_of(err.msg)).p, "correct the message; it was not sent");
        return;
    }
    call = (struct http_call){.method = out.method,
                              .url = out.url,
                              .headers = out.headers,
                              .nheaders = out.nheaders,
                              .basic_user = out.basic_user,
                              .basic_password = out.basic_password,
                              .body = out.body,
                              .timeout_ms = e->o.settings->send_timeout_ms,
                              .response_bytes_max = 256 * 1024};
    at->began = mono_now();
    at->pending = http_call_start(e->http, &call, on_answer, at);
}

/* ---- before the attempt ---- */

static bool window_open(const struct attempt *at)
{
    return at->m.kind == MESSAGE_TEMPLATE || wall_now().ms - at->item->window.ms < WINDOW_MS;
}

static void begin(struct attempt *at)
{
    struct err err = {0};

    if (at->item->reaped) {
        end_ambiguous(at); /* whoever had it died or stalled in the middle */
    } else if (at->m.expires.ms > 0 && at->m.expires.ms <= wall_now().ms) {
        at->o.title = STR("it expired before it could be sent");
        metric_add(METRIC_SEND_EXPIRED, 1);
        attempt_end(at, THEN_EXPIRED, 0);
    } else if (!window_open(at)) {
        refuse(at, 0, "outside the 24-hour window: this person has not written to this number for a day",
               "ask the person to write once, or send a template");
    } else if (!at->ob->provider->check(&at->m, &err)) {
        refuse(at, 0, arena_dup(at->a, str_of(err.msg)).p, "shorten or correct the message; it was not sent");
    } else if (at->ob->sender->provider == PROVIDER_TWILIO && at->m.noptions > 0) {
        outbox_content(at);
    } else {
        outbox_send(at);
    }
}

static void on_item(void *ctx, struct lane_item *item)
{
    struct outbox *ob = ctx;
    struct attempt *at = MEM_NEW(struct attempt);
    struct err err = {0};
    struct str text;

    *at = (struct attempt){.magic = ATTEMPT_MAGIC, .ob = ob, .item = item, .a = arena_new()};
    if (!job_body(ob->et, at->a, arena_printf(at->a, "m:%.*s", STR_ARG(item->id)), "b", item->body, &text, &err) ||
        !message_decode(at->a, text, &at->m, &err)) {
        log_error("message set aside: its record does not open", LF_STR("tenant", ob->et->t.id),
                  LF_STR("message", item->id), LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        at->m.id = arena_dup(at->a, item->id);
        refuse(at, 0, "its record is damaged", "see the log");
        return;
    }
    if (str_eqz(item->state, "cancelled") || str_eqz(item->state, "failed") || str_eqz(item->state, "expired") ||
        str_eqz(item->state, "sent") || str_eqz(item->state, "delivered") || str_eqz(item->state, "read")) {
        attempt_end(at, THEN_DROP, 0); /* decided meanwhile, by a status or by hand */
        return;
    }
    begin(at);
}

/* ---- the sender: rate, pause, resume ---- */

struct outbox *outbox_find(struct engine_tenant *et, struct str queue)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eqz(queue, et->outboxes[i].queue)) {
            return &et->outboxes[i];
        }
    }
    return NULL;
}

static void apply_rate(struct outbox *ob)
{
    struct rate rate;

    sender_rate(ob->sender, &rate);
    if (rate.interval_us > 0) {
        rate.interval_us = rate.interval_us * 100 / ob->factor_pct;
    } else if (ob->factor_pct < 100) {
        rate.interval_us = 1000000 / (80 * ob->factor_pct / 100 + 1);
        rate.burst = 4;
    }
    lane_worker_rate(ob->worker, &rate);
}

static void on_growth(void *ctx)
{
    struct outbox *ob = ctx;

    ob->factor_pct = ob->factor_pct + 5 > 100 ? 100 : ob->factor_pct + 5;
    apply_rate(ob);
    if (ob->factor_pct < 100) {
        timer_start(ob->growth, 1000);
    }
}

void outbox_slow_down(struct outbox *ob)
{
    if (ob->growth != NULL && timer_running(ob->growth) && ob->factor_pct <= 5) {
        return;
    }
    if (ob->growth == NULL) {
        ob->growth = timer_new(ob->et->e->loop, on_growth, ob);
    }
    ob->factor_pct = ob->factor_pct / 2 < 5 ? 5 : ob->factor_pct / 2;
    log_warn("provider asks for a slower pace", LF_STR("sender", ob->sender->id), LF_INT("percent", ob->factor_pct));
    apply_rate(ob);
    timer_start(ob->growth, 1000);
}

static void on_probed(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct outbox *ob = ctx;

    ob->probing = NULL;
    if (err == NULL && answer->status >= 200 && answer->status < 300) {
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

    if (ob->provider->probe(a, ob->sender, &out)) {
        const struct http_call call = {.method = out.method,
                                       .url = out.url,
                                       .headers = out.headers,
                                       .nheaders = out.nheaders,
                                       .basic_user = out.basic_user,
                                       .basic_password = out.basic_password,
                                       .flags = HTTP_IDEMPOTENT,
                                       .timeout_ms = 10000};

        ob->probing = http_call_start(ob->et->e->http, &call, on_probed, ob);
    }
    arena_free(&a);
}

void outbox_pause(struct outbox *ob, struct str reason)
{
    snprintf(ob->reason, sizeof(ob->reason), "%.*s", STR_ARG(reason));
    if (ob->paused) {
        return;
    }
    ob->paused = true;
    lane_worker_pause(ob->worker, true);
    log_error("sender paused: its messages stay queued", LF_STR("tenant", ob->et->t.id),
              LF_STR("sender", ob->sender->id), LF_STR("reason", reason));
    timer_start(ob->probe, PROBE_MS);
}

void outbox_resume(struct outbox *ob)
{
    if (!ob->paused) {
        return;
    }
    ob->paused = false;
    ob->reason[0] = '\0';
    timer_stop(ob->probe);
    lane_worker_pause(ob->worker, false);
    log_info("sender resumed", LF_STR("tenant", ob->et->t.id), LF_STR("sender", ob->sender->id));
}

bool outbox_start(struct engine_tenant *et)
{
    et->noutboxes = et->t.conf->nsenders;
    et->outboxes = mem_array(et->noutboxes + 1, sizeof(*et->outboxes));
    for (size_t i = 0; i < et->noutboxes; i++) {
        struct outbox *ob = &et->outboxes[i];
        struct lane_options o = {.tenant = et->t.id,
                                 .record = LANE_MESSAGE,
                                 .slots = OUTBOX_SLOTS,
                                 .lease_ms = et->e->o.settings->lease_ms,
                                 .on_item = on_item,
                                 .ctx = ob};
        char queue[128];

        *ob = (struct outbox){.et = et, .sender = &et->t.conf->senders[i], .factor_pct = 100};
        ob->provider = provider_of(ob->sender->provider);
        snprintf(queue, sizeof(queue), QUEUE_OUT_PREFIX "%.*s", STR_ARG(ob->sender->id));
        ob->queue = mem_dupz(str_of(queue));
        o.queue = str_of(ob->queue);
        sender_rate(ob->sender, &o.rate);
        ob->content_sids = map_new();
        ob->probe = timer_new(et->e->loop, on_probe, ob);
        ob->worker = lane_worker_new(et->e->loop, et->e->store, &o);
        lane_worker_wake(ob->worker);
    }
    return true;
}

void outbox_fini(struct outbox *ob)
{
    struct str key;
    void *sid;

    op_cancel(&ob->probing);
    timer_free(&ob->probe);
    timer_free(&ob->growth);
    lane_worker_free(&ob->worker);
    for (size_t it = 0; ob->content_sids != NULL && map_next(ob->content_sids, &it, &key, &sid);) {
        mem_free(&sid);
    }
    map_free(&ob->content_sids);
    mem_free(&ob->queue);
}
