/*
 * callbacks: posts the events to the CMMS, in order for each subject, signed after Standard
 * Webhooks
 * ("v1," + base64 HMAC-SHA256 of id.timestamp.body with the decoded whsec_ secret; two signatures
 * while rotating. Source: standardwebhooks.com, spec/standard-webhooks.md). 2xx settles; 409 and
 * 422 are the CMMS's refusal and become work for the inbox; 410 switches the endpoint off; the rest
 * is tried again by the schedule, then a dead letter.
 */
#include "jobs_int.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

#define CALLBACK_MAGIC     0x0cb05003u
#define REASON_MAX         500
#define FAILING_ALERT      3 /* failures in a row, whatever their subject */
#define RETRY_AFTER_MOST_S 86400
#define GONE_MS            1000
#define RECORD_MS          3000 /* of a lease, for what came of the post */
#define ANSWER_MAX         ((size_t)64 * 1024) /* what is behind it is not read */

struct callback {
    uint32_t magic;
    struct job job;
    struct engine_tenant *et;
    struct lane_item *item;
    struct op *pending;
    struct timer *retry;
    struct arena *a;
    struct arena *scratch; /* of one try to record */
    int tries;             /* to record */
    struct str stored;     /* the event without its sequence */
    struct mono began;
    struct buf answer; /* its body, and before that of its head */
    int status;
    int64_t retry_after_s;
    enum { END_DONE, END_REFUSED, END_LATER, END_GONE, END_DEAD } end; /* gone: later, and no try */
    struct str reason;
    int64_t wait_ms;
    struct str refusal_id, refusal_lane, refusal;
};

static void callback_free(struct callback *cb)
{
    job_end(&cb->job);
    op_cancel(&cb->pending);
    timer_free(&cb->retry);
    arena_free(&cb->a);
    arena_free(&cb->scratch);
    buf_fini(&cb->answer);
    lane_item_done(&cb->item);
    mem_free(&cb);
}

static void drop_callback(struct job *job)
{
    callback_free(LIST_OF(job, struct callback, job));
}

static void record(struct callback *cb);

static void on_record_retry(void *ctx)
{
    record(obj_check(ctx, CALLBACK_MAGIC));
}

/* Beyond the lease the event is posted again anyway: at least once, always the same. */
static void record_again(struct callback *cb, const struct err *err)
{
    if (!lane_item_live(cb->item)) {
        callback_free(cb);
        return;
    }
    if (cb->tries == 0) {
        log_warn("a finished callback is not recorded yet", LF_STR("tenant", cb->et->t.id),
                 LF_STR("sequence", cb->item->id), LF_Z("reason", err->msg));
    }
    if (cb->retry == NULL) {
        cb->retry = timer_new(cb->et->e->loop, on_record_retry, cb);
    }
    timer_start(cb->retry, job_retry_ms(cb->tries++));
}

static void on_recorded(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct callback *cb = obj_check(ctx, CALLBACK_MAGIC);

    cb->pending = NULL;
    if (err != NULL) {
        record_again(cb, err);
        return;
    }
    if (outcome->result == COMMIT_OK && cb->end == END_REFUSED) {
        inbox_handed(cb->et, cb->refusal_lane, cb->refusal_id, commit_result_int(outcome, 0),
                     cb->refusal);
    } else if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
    }
    callback_free(cb);
}

static void write_refusal(struct callback *cb, struct commit *c)
{
    char id[ID_BYTES];
    struct buf text;
    struct jw w;

    id_new(id);
    cb->refusal_id = arena_dup(cb->scratch, str_of(id));
    cb->refusal_lane = arena_printf(cb->scratch, "%dr:%.*s", PRIO_REPLY, STR_ARG(cb->item->lane));
    buf_init(&text, cb->stored.n + 64 * REASON_MAX);
    buf_add_char(&text, ITEM_REFUSED);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_str(&w, "reason", cb->reason);
    jw_raw(&w, "event", cb->stored);
    jw_close(&w, '}');
    cb->refusal = arena_dup(cb->scratch, buf_str(&text));
    buf_fini(&text);
    inbox_put(cb->et, cb->scratch, c, cb->refusal_lane, cb->refusal_id, cb->refusal, true);
}

static void write_dead(struct callback *cb, struct commit *c)
{
    const struct dead_letter d = {"cb:",          "callback", cb->item->id,
                                  cb->item->lane, cb->reason, cb->item->sends + 1};

    dead_letter_write(cb->et, cb->scratch, c, &d);
}

static void record(struct callback *cb)
{
    struct commit *c = commit_new(cb->et->t.id);
    struct str ledger;

    arena_reset(cb->scratch);
    ledger = arena_printf(cb->scratch, "cb:%.*s", STR_ARG(cb->item->id));
    lane_check_lease(c, cb->item);
    switch (cb->end) {
    case END_REFUSED:
        write_refusal(cb, c);
        lane_finish(c, cb->item);
        commit_ended(c, STR(QUEUE_CB), cb->item->id);
        commit_delete(c, ledger);
        break;
    case END_DONE:
        lane_finish(c, cb->item);
        commit_ended(c, STR(QUEUE_CB), cb->item->id);
        if (cb->item->sends > 0) {
            commit_delete(c, ledger);
        }
        break;
    case END_LATER:
        commit_hincr(c, ledger, STR("n"), 1);
        commit_hset(c, ledger, STR("e"), cb->reason);
        lane_put_off(c, cb->item, cb->wait_ms);
        break;
    case END_GONE:
        lane_put_off(c, cb->item, GONE_MS);
        break;
    case END_DEAD:
        write_dead(cb, c);
        lane_finish(c, cb->item);
        commit_delete(c, ledger);
        break;
    }
    cb->pending = commit_run(cb->et->e->store, &c, on_recorded, cb);
}

/* ---- judging the answer ---- */

static struct str refusal_reason(struct callback *cb, struct str body)
{
    struct json *j = NULL;
    struct str reason = STR_NONE;

    if (json_parse(body, ANSWER_MAX, &j, NULL)) {
        reason = i18n_cut(cb->a, arena_dup(cb->a, json_get_str(j, "reason")), REASON_MAX);
        json_free(&j);
    }
    return reason.n > 0 ? reason : STR("the CMMS gave no reason");
}

static void raise_alarm(struct callback *cb)
{
    alert_raise(
        cb->et, STR("callbacks"), "critical",
        arena_printf(cb->a, "the CMMS does not take its events: %.*s", STR_ARG(cb->reason)),
        STR("look at the callback endpoint; the events wait, and /api/v1/outbox has them too"));
}

static void endpoint_heard(struct engine_tenant *et)
{
    et->t.cmms_away = et->callbacks.off || et->callbacks.failing >= FAILING_ALERT;
}

static void endpoint_taken(struct engine_tenant *et)
{
    et->callbacks.failing = 0;
    et->callbacks.taken = true;
    endpoint_heard(et);
}

static void endpoint_failing(struct callback *cb)
{
    struct callbacks *state = &cb->et->callbacks;

    snprintf(state->reason, sizeof(state->reason), "%.*s", STR_ARG(cb->reason));
    state->taken = false;
    if (++state->failing == FAILING_ALERT) {
        log_error("the CMMS does not take its events", LF_STR("tenant", cb->et->t.id),
                  LF_STR("reason", cb->reason));
        raise_alarm(cb);
    }
    endpoint_heard(cb->et);
}

static void end_dead(struct callback *cb)
{
    cb->end = END_DEAD;
    metric_add(METRIC_CALLBACKS_DEAD, 1);
    log_error("event given up: dead letter", LF_STR("tenant", cb->et->t.id),
              LF_STR("sequence", cb->item->id), LF_STR("reason", cb->reason));
    record(cb);
}

static void end_failed(struct callback *cb, int64_t retry_after_s)
{
    const struct settings *s = cb->et->e->o.settings;
    int64_t tries = cb->item->sends; /* before this one */

    endpoint_failing(cb);
    if (tries >= (int64_t)s->ncallback_schedule) {
        end_dead(cb);
        return;
    }
    cb->end = END_LATER;
    cb->wait_ms = s->callback_schedule_ms[tries];
    cb->wait_ms += (int64_t)random_below((uint32_t)(cb->wait_ms / 10 + 1));
    retry_after_s = retry_after_s < RETRY_AFTER_MOST_S ? retry_after_s : RETRY_AFTER_MOST_S;
    if (retry_after_s * 1000 > cb->wait_ms) {
        cb->wait_ms = retry_after_s * 1000;
    }
    metric_add(METRIC_CALLBACKS_RETRIED, 1);
    record(cb);
}

/* Switched off it is asked nothing more, and to have been asked is no try of the event. */
static void endpoint_gone(struct callback *cb)
{
    struct callbacks *state = &cb->et->callbacks;

    cb->reason = STR("the endpoint answered 410 Gone");
    if (!state->off) {
        state->off = true;
        snprintf(state->reason, sizeof(state->reason), "%.*s", STR_ARG(cb->reason));
        lane_worker_pause(cb->et->cb, true);
        log_error(
            "callbacks switched off: the endpoint answered 410; a reload (SIGHUP) tries again",
            LF_STR("tenant", cb->et->t.id));
        raise_alarm(cb);
    }
    endpoint_heard(cb->et);
    cb->end = END_GONE;
    record(cb);
}

void callbacks_resume(struct engine_tenant *et)
{
    if (et->callbacks.off) {
        et->callbacks = (struct callbacks){0};
        endpoint_heard(et);
        lane_worker_pause(et->cb, false);
    }
}

static void judge(struct callback *cb)
{
    if (cb->status >= 200 && cb->status < 300) {
        endpoint_taken(cb->et);
        if (!cb->et->callbacks.off) {
            cb->et->callbacks.reason[0] = '\0';
        }
        metric_add(METRIC_CALLBACKS_OK, 1);
        cb->end = END_DONE;
        record(cb);
        return;
    }
    if (cb->status == 409 || cb->status == 422) {
        endpoint_taken(cb->et);
        cb->reason = refusal_reason(cb, buf_str(&cb->answer));
        metric_add(METRIC_CALLBACKS_REFUSED, 1);
        cb->end = END_REFUSED;
        record(cb);
        return;
    }
    if (cb->status == 410) {
        endpoint_gone(cb);
        return;
    }
    cb->reason = arena_printf(cb->a, "the endpoint answered %d", cb->status);
    end_failed(cb, cb->retry_after_s);
}

static bool on_head(void *ctx, const struct http_answer *head)
{
    struct callback *cb = obj_check(ctx, CALLBACK_MAGIC);

    cb->status = head->status;
    cb->retry_after_s = head->retry_after_s;
    return true;
}

static bool on_body(void *ctx, struct str bytes)
{
    struct callback *cb = obj_check(ctx, CALLBACK_MAGIC);

    buf_add(&cb->answer, bytes);
    return true;
}

/* An answer with more to say than is read is an answer: its status stands in its head. */
static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct callback *cb = obj_check(ctx, CALLBACK_MAGIC);

    cb->pending = NULL;
    histogram_add(HISTOGRAM_CALLBACK, mono_now().us - cb->began.us);
    if (err != NULL && !(err->code == ERR_TOO_LONG && cb->status > 0)) {
        cb->reason = arena_dup(cb->a, str_of(err->msg));
        end_failed(cb, 0);
        return;
    }
    if (answer != NULL) {
        on_head(cb, answer);
    }
    judge(cb);
}

/* ---- posting ---- */

/* Fails where the secret is not base64 behind "whsec_": the settings have refused that at the
 * start. */
static void sign_with(struct str secret, struct str text, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    struct buf key;

    if (secret.n == 0) {
        return;
    }
    buf_init(&key, 256);
    if (base64_decode(&key,
                      str_slice(secret, str_starts(secret, STR("whsec_")) ? 6 : 0, secret.n))) {
        hmac_sha256(buf_str(&key), text, mac);
        if (out->n > 0) {
            buf_add_char(out, ' ');
        }
        buf_addz(out, "v1,");
        base64_add(out, str_make(mac, sizeof(mac)));
        mem_wipe(key.p, key.n);
    }
    buf_fini(&key);
}

/* Behind the end of the lease an answer could not be recorded, and the event would be posted beside it. */
static int64_t patience_ms(const struct callback *cb)
{
    int64_t most = cb->et->e->o.settings->callback_timeout_ms;
    int64_t left = (cb->item->until.us - mono_now().us) / 1000;

    return left < 1 ? 1 : left < most ? left : most;
}

static void post(struct callback *cb, struct str id, struct str body)
{
    const struct tenant_settings *conf = cb->et->t.conf;
    const struct settings *s = cb->et->e->o.settings;
    struct str stamp = arena_printf(cb->a, "%lld", (long long)(wall_now().ms / 1000));
    struct pair headers[4];
    struct http_call call;
    struct buf text, signature;

    buf_init(&text, body.n + 256);
    buf_init(&signature, 512);
    buf_addf(&text, "%.*s.%.*s.", STR_ARG(id), STR_ARG(stamp));
    buf_add(&text, body);
    sign_with(conf->signing_secret, buf_str(&text), &signature);
    sign_with(conf->signing_secret_previous, buf_str(&text), &signature);
    headers[0] = (struct pair){STR("Content-Type"), STR("application/cloudevents+json")};
    headers[1] = (struct pair){STR("webhook-id"), id};
    headers[2] = (struct pair){STR("webhook-timestamp"), stamp};
    headers[3] = (struct pair){STR("webhook-signature"), buf_str(&signature)};
    /* Repeating a callback is allowed (same id, same bytes), so libcurl may do it on a stale
     * connection. */
    call = (struct http_call){.method = "POST",
                              .url = conf->callback_url,
                              .headers = headers,
                              .nheaders = signature.n > 0 ? 4 : 3,
                              .body = body,
                              .flags = HTTP_IDEMPOTENT |
                                       (s->allow_private_callbacks ? 0 : HTTP_PUBLIC_ONLY),
                              .timeout_ms = patience_ms(cb),
                              .response_bytes_max = ANSWER_MAX,
                              .on_head = on_head,
                              .on_data = on_body};
    cb->began = mono_now();
    cb->pending = http_call_start(cb->et->e->http, &call, on_answer, cb);
    buf_fini(&text);
    buf_fini(&signature);
}

static struct str event_id(struct callback *cb)
{
    struct json *j = NULL;
    struct str id = STR_NONE;

    if (json_parse(cb->stored, (size_t)2 << 20, &j, NULL)) {
        id = arena_dup(cb->a, json_get_str(j, "id"));
        json_free(&j);
    }
    return id;
}

static void on_item(void *ctx, struct lane_item *item)
{
    struct callback *cb = MEM_NEW(struct callback);
    struct engine_tenant *et = ctx;
    struct err err = {0};
    struct buf body;
    int64_t sequence = 0;

    *cb = (struct callback){
        .magic = CALLBACK_MAGIC, .et = et, .item = item, .a = arena_new(), .scratch = arena_new()};
    buf_init(&cb->answer, ANSWER_MAX);
    job_begin(et->e, &cb->job, drop_callback);
    if (!job_item_body(et, cb->a, STR("ev"), item, &cb->stored, &err) ||
        !str_to_i64(item->id, 1, INT64_MAX, &sequence)) {
        metric_add(METRIC_DAMAGED, 1);
        cb->reason = arena_dup(cb->a, str_of(err.msg));
        end_dead(cb);
        return;
    }
    if (item->reaped && item->sends > (int64_t)et->e->o.settings->ncallback_schedule) {
        cb->reason = STR("its tries ended with the gateway that made them, or with their lease");
        end_dead(cb);
        return;
    }
    buf_init(&body, cb->stored.n + 64);
    event_render(cb->stored, sequence, &body);
    post(cb, event_id(cb), buf_str(&body));
    buf_fini(&body);
}

void callbacks_start(struct engine_tenant *et)
{
    const struct settings *s = et->e->o.settings;
    int64_t lease_ms = s->callback_timeout_ms + RECORD_MS;
    const struct lane_options o = {.tenant = et->t.id,
                                   .queue = STR(QUEUE_CB),
                                   .record = LANE_EVENT,
                                   .slots = CALLBACK_SLOTS,
                                   .lease_ms = s->lease_ms > lease_ms ? s->lease_ms : lease_ms,
                                   .on_item = on_item,
                                   .ctx = et};

    if (et->t.conf->callback_url.n == 0) {
        return; /* the CMMS polls the outbox */
    }
    et->cb = lane_worker_new(et->e->loop, et->e->store, &o);
    lane_worker_wake(et->cb);
}
