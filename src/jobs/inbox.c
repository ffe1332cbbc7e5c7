/*
 * inbox: executes what was accepted: a person's words and taps, failed statuses, events of the CMMS, the
 * CMMS's refusals. One item: OPEN -> READ -> DECIDE -> COMMIT; a conflict reads again. The commit that holds
 * the effects also ends the item, so it happens once however often it is tried.
 */
#include "jobs_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "domain/cmms_event.h"
#include "domain/order_store.h"
#include "domain/talk.h"
#include "domain/user_store.h"

#include <stdio.h>

#define INBOX_MAGIC    0x1b0c5001u
#define CONFLICTS_MAX  8
#define RETRY_MS       300

struct inbox_job {
    uint32_t magic;
    struct engine_tenant *et;
    struct lane_item *item;
    struct op *pending;
    struct timer *retry;
    struct arena *a;    /* the input, for the life of the job */
    struct arena *work; /* reads and plan, anew for each try */
    struct mono began;
    int conflicts;
    bool gave_up; /* its plan was impossible: only its end is left to be written */
    void (*read)(struct inbox_job *j); /* (re)starts from fresh reads */
    struct plan plan;
    /* a person's item */
    struct inbound in;
    struct str sender_id;
    /* an event's, or a refusal's */
    struct json *json;
    struct cmms_event event;
    struct cmms_reads reads;
    struct cmms_view view;
    struct str reason;
    /* a failed status */
    struct str message_id;
};

static void job_free(struct inbox_job *j)
{
    op_cancel(&j->pending);
    timer_free(&j->retry);
    json_free(&j->json);
    arena_free(&j->a);
    arena_free(&j->work);
    lane_item_done(&j->item);
    mem_free(&j);
}

static struct str item_key(struct inbox_job *j)
{
    return arena_printf(j->a, "i:%.*s", STR_ARG(j->item->id));
}

/* ---- the end of an item ---- */

static void run_plan(struct inbox_job *j);

static void on_retry(void *ctx)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (!lane_item_live(j->item)) {
        job_free(j); /* its lease is over: it comes again, here or elsewhere */
        return;
    }
    arena_reset(j->work);
    j->read(j);
}

static void job_again(struct inbox_job *j, const struct err *err)
{
    log_warn("inbound item put off", LF_STR("tenant", j->et->t.id), LF_STR("item", j->item->id),
             LF_Z("reason", err->msg));
    if (j->retry == NULL) {
        j->retry = timer_new(j->et->e->loop, on_retry, j);
    }
    timer_start(j->retry, RETRY_MS);
}

static void on_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL && err_retry(err->code)) {
        job_again(j, err);
    } else if (err != NULL) {
        /* The plan itself is impossible: say so and end the item rather than try for ever. */
        log_error("inbound item cannot be carried out", LF_STR("tenant", j->et->t.id),
                  LF_STR("item", j->item->id), LF_Z("reason", err->msg));
        metric_add(METRIC_DAMAGED, 1);
        if (j->gave_up) {
            job_free(j);
            return;
        }
        j->gave_up = true;
        arena_reset(j->work);
        plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
        run_plan(j);
    } else if (outcome->result == COMMIT_CONFLICT && ++j->conflicts <= CONFLICTS_MAX) {
        arena_reset(j->work);
        j->read(j);
    } else if (outcome->result == COMMIT_CONFLICT) {
        struct err busy = {0};

        j->conflicts = 0;
        err_set(&busy, ERR_STORE_CONFLICT, "what it reads keeps changing");
        job_again(j, &busy);
    } else {
        if (outcome->result == COMMIT_FENCED) {
            metric_add(METRIC_FENCED, 1);
        }
        if (j->in.kind == INBOUND_MESSAGE && j->json == NULL) {
            histogram_add(HISTOGRAM_COMMAND, mono_now().us - j->began.us);
        }
        job_free(j);
    }
}

static void plan_lease(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    lane_check_lease(c, j->item);
}

/* Behind the effects: the window of the speaker, the state of a failed message, and the item's own end. */
static void plan_end(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (j->plan.speaker.n > 0) {
        commit_hmax(c, arena_printf(j->work, "w:%.*s", STR_ARG(j->sender_id)), j->plan.speaker, j->in.at.ms);
    }
    if (j->message_id.n > 0) {
        commit_status(c, j->message_id, STR_NONE,
                      j->in.state == DELIVERY_FAILED      ? "failed"
                      : j->in.state == DELIVERY_READ      ? "read"
                      : j->in.state == DELIVERY_DELIVERED ? "delivered"
                                                          : "sent",
                      j->in.at,
                      arena_printf(j->work, "%lld %.*s", (long long)j->in.error.code, STR_ARG(j->in.error.title)));
    }
    lane_finish(c, j->item);
    commit_delete(c, item_key(j));
}

static void run_plan(struct inbox_job *j)
{
    const struct plan_run run = {plan_lease, plan_end, on_planned, j};

    j->pending = engine_run_plan(j->et->e, j->et, &j->plan, &run);
}

/* ---- a person said something ---- */

static void on_view(void *ctx, const struct err *err, const struct view *view)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        job_again(j, err);
        return;
    }
    plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
    if (view->user != NULL) {
        j->plan.speaker = view->user->id;
        j->plan.spoken_to = j->sender_id;
        j->plan.spoken_at = j->in.at;
    }
    talk_decide(view, &j->in, j->sender_id, &j->plan);
    run_plan(j);
}

static void read_person(struct inbox_job *j)
{
    struct view_query query = {0};

    talk_query(j->work, &j->et->t, &j->in, &query);
    j->pending = view_load(j->et->e->store, &j->et->t, j->work, &query, on_view, j);
}

/* ---- a status that needs a decision: the CMMS is told ---- */

static void tell_status(struct inbox_job *j, const struct message *m)
{
    const struct provider *provider = provider_of(tenant_sender(j->et->t.conf, j->sender_id)->provider);
    const struct provider_error *row = provider->error_find(j->in.error.code, 0);
    const char *state = j->in.state == DELIVERY_FAILED ? "failed" : j->in.state == DELIVERY_READ ? "read" : "delivered";
    struct buf data;
    struct jw w;

    buf_init(&data, 64 * 1024);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "message", '{');
    jw_str(&w, "id", m->id);
    jw_z(&w, "state", state);
    if (m->order_number.n > 0) {
        jw_str(&w, "work_order", m->order_number);
    }
    if (j->in.state == DELIVERY_FAILED) {
        jw_open(&w, "reason", '{');
        jw_int(&w, "code", j->in.error.code);
        jw_str(&w, "text", row != NULL ? str_of(row->title) : j->in.error.title);
        jw_str(&w, "advice", row != NULL ? str_of(row->advice) : STR(""));
        jw_close(&w, '}');
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    plan_event(&j->plan, "gateway.message.status_changed.v1", m->order_number.n > 0 ? m->order_number : m->id,
               arena_dup(j->work, buf_str(&data)), m->cause);
    if (m->order_id.n > 0 && j->in.state == DELIVERY_FAILED) {
        plan_entry(&j->plan, m->order_id, "message", m->user,
                   arena_printf(j->work, "message %.*s failed: %s", STR_ARG(m->id),
                                row != NULL ? row->title : "the provider says so"));
    }
    buf_fini(&data);
}

static void on_message_read(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct err own = {0};
    struct message m;
    struct str text;

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        job_again(j, err);
        return;
    }
    plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
    if (docs[0].version > 0 &&
        job_body(j->et, j->work, arena_printf(j->work, "m:%.*s", STR_ARG(j->message_id)), "b", docs[0].body, &text,
                 &own) &&
        message_decode(j->work, text, &m, &own)) {
        if (j->et->t.conf->message_status_events != STATUS_EVENTS_NONE) {
            tell_status(j, &m);
        }
        if (j->in.state == DELIVERY_FAILED) {
            metric_add(METRIC_SEND_FAILED, 1);
        }
    } else {
        j->message_id = STR_NONE; /* no message of ours */
    }
    run_plan(j);
}

static void fetch_message(struct inbox_job *j)
{
    struct str key = arena_printf(j->work, "m:%.*s", STR_ARG(j->message_id));

    j->pending = fetch_run(j->et->e->store, j->et->t.id, &key, 1, on_message_read, j);
}

static void on_message_found(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        job_again(j, err);
        return;
    }
    j->message_id = arena_dup(j->a, reply_str(reply));
    if (j->message_id.n == 0) {
        plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
        run_plan(j);
        return;
    }
    fetch_message(j);
}

static void read_status(struct inbox_job *j)
{
    char hash[VAULT_HASH_CHARS + 1];
    struct call call;
    struct str id;
    int64_t attempt;

    if (correlation_check(vault_mac_key(j->et->t.vault), j->et->t.id, j->in.correlation, &id, &attempt)) {
        j->message_id = id;
        fetch_message(j);
        return;
    }
    vault_hash(j->et->t.vault, "pid", j->in.provider_id, hash);
    call_init(&call);
    call_str(&call, STR("GET"));
    call_str(&call, arena_printf(j->work, "{%.*s}:p:%s", STR_ARG(j->et->t.id), hash));
    j->pending = store_run(j->et->e->store, &call, on_message_found, j);
}

/* ---- kept, nothing to decide yet ---- */

static void read_nothing(struct inbox_job *j)
{
    plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
    run_plan(j);
}

/* ---- events of the CMMS, and its refusals ---- */

static void decide_event(struct inbox_job *j)
{
    struct err err = {0};

    plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->event.id.n > 0 ? j->event.id : j->item->id);
    if (j->reason.n > 0) {
        cmms_refused(json_get(j->json, "event"), j->reason, &j->view, j->reads.nusers, &j->plan);
    } else if (!cmms_event_decide(&j->event, &j->reads, &j->view, &j->plan, &err)) {
        log_error("event has no effect", LF_STR("tenant", j->et->t.id), LF_STR("event", j->event.id),
                  LF_Z("reason", err.msg));
        plan_init(&j->plan, j->work, &j->et->t, wall_now(), j->item->id);
    }
    run_plan(j);
}

static bool open_reads(struct inbox_job *j, const struct doc *docs, struct err *err)
{
    size_t at = 0;

    j->view = (struct cmms_view){0};
    j->view.versions = ARENA_ARRAY(j->work, int64_t, j->reads.nusers + 1);
    j->view.damaged = ARENA_ARRAY(j->work, bool, j->reads.nusers + 1);
    j->view.users = ARENA_ARRAY(j->work, struct user *, j->reads.nusers + 1);
    if (j->reads.order_id.n > 0) {
        j->view.order_version = docs[at].version;
        if (docs[at].version > 0) {
            j->view.order = ARENA_NEW(j->work, struct order);
            if (!order_open(&j->et->t, j->work, j->reads.order_id, &docs[at], j->view.order, err)) {
                return false;
            }
        }
        at++;
    }
    for (size_t i = 0; i < j->reads.nusers; i++, at++) {
        j->view.versions[i] = docs[at].version;
        if (docs[at].version > 0) {
            j->view.users[i] = ARENA_NEW(j->work, struct user);
            if (!user_open(&j->et->t, j->work, j->reads.users[i], &docs[at], j->view.users[i], err)) {
                return false;
            }
        }
    }
    return true;
}

static void on_event_docs(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct err own = {0};

    (void)n;
    j->pending = NULL;
    if (err == NULL && !open_reads(j, docs, &own)) {
        metric_add(METRIC_DAMAGED, 1);
        err = &own;
    }
    if (err != NULL) {
        job_again(j, err);
        return;
    }
    decide_event(j);
}

static void read_event(struct inbox_job *j)
{
    struct str keys[ARRAY_LEN(j->reads.users) + 1];
    size_t n = 0;

    if (j->reads.order_id.n > 0) {
        keys[n++] = order_key(j->work, j->reads.order_id);
    }
    for (size_t i = 0; i < j->reads.nusers; i++) {
        keys[n++] = user_key(j->work, j->reads.users[i]);
    }
    if (n == 0) {
        struct err none = {0};

        if (open_reads(j, NULL, &none)) {
            decide_event(j);
        }
        return;
    }
    j->pending = fetch_run(j->et->e->store, j->et->t.id, keys, n, on_event_docs, j);
}

/* ---- opening an item ---- */

static bool open_webhook(struct inbox_job *j, struct str text, struct err *err)
{
    struct str json;

    if (!str_cut(text, '\n', &j->sender_id, &json) || tenant_sender(j->et->t.conf, j->sender_id) == NULL) {
        return err_set(err, ERR_DAMAGED, "it names a sender that is not configured any more");
    }
    if (!inbound_decode(j->a, json, &j->in, err)) {
        return false;
    }
    j->read = j->in.kind == INBOUND_MESSAGE ? read_person : j->in.kind == INBOUND_STATUS ? read_status : read_nothing;
    return true;
}

static bool open_event(struct inbox_job *j, struct str text, struct err *err)
{
    if (!json_parse(text, (size_t)4 << 20, &j->json, err) ||
        !cmms_event_parse(j->a, j->json, &j->event, err)) {
        return false;
    }
    cmms_event_phones(j->a, &j->event, &j->reads);
    cmms_event_reads(j->a, &j->et->t, &j->event, &j->reads);
    j->read = read_event;
    return true;
}

static bool open_refusal(struct inbox_job *j, struct str text, struct err *err)
{
    const struct json *data;

    if (!json_parse(text, (size_t)4 << 20, &j->json, err)) {
        return false;
    }
    j->reason = json_get_str(j->json, "reason");
    data = json_path(j->json, "event.data");
    j->reads.order_id = json_str(json_path(data, "workorder.id"));
    if (json_str(json_path(data, "person.id")).n > 0) {
        j->reads.users[j->reads.nusers++] = json_str(json_path(data, "person.id"));
    }
    j->read = read_event;
    return true;
}

static bool open_item(struct inbox_job *j, struct err *err)
{
    struct str text, rest;

    if (!job_body(j->et, j->a, item_key(j), "b", j->item->body, &text, err)) {
        return false;
    }
    rest = str_slice(text, 1, text.n);
    switch (text.p[0]) {
    case ITEM_WEBHOOK:
        return open_webhook(j, rest, err);
    case ITEM_EVENT:
        return open_event(j, rest, err);
    case ITEM_REFUSED:
        return open_refusal(j, rest, err);
    default:
        return err_set(err, ERR_DAMAGED, "an item of the unknown kind \"%c\"", text.p[0]);
    }
}

static void on_item(void *ctx, struct lane_item *item)
{
    struct inbox_job *j = MEM_NEW(struct inbox_job);
    struct err err = {0};

    *j = (struct inbox_job){.magic = INBOX_MAGIC, .et = ctx, .item = item, .a = arena_new(), .work = arena_new()};
    j->began = mono_now();
    if (!open_item(j, &err)) {
        /* Nothing can be done with it; the record stays (i:<id> is kept) and the operator is told. */
        log_error("inbound item set aside", LF_STR("tenant", j->et->t.id), LF_STR("item", item->id),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        j->read = read_nothing;
    }
    j->read(j);
}

void inbox_start(struct engine_tenant *et)
{
    const struct lane_options o = {.tenant = et->t.id,
                                   .queue = STR(QUEUE_IN),
                                   .record = LANE_INBOUND,
                                   .slots = INBOX_SLOTS,
                                   .lease_ms = et->e->o.settings->lease_ms,
                                   .on_item = on_item,
                                   .ctx = et};

    et->in = lane_worker_new(et->e->loop, et->e->store, &o);
    lane_worker_wake(et->in);
}
