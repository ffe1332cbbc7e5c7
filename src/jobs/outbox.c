/*
 * outbox: hands messages to their provider, one at a time for a person and class, at the sender's
 * rate. One attempt: OPEN -> (LOOKUP) -> FORM -> CHECK -> (CONTENT) -> SEND -> (HISTORY) -> RECORD.
 * The attempt was counted by the claim, before the first byte went out; a reaped item is an attempt
 * whose end nobody knows.
 */
#include "alarms.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

#define LAST_MS \
    ((int64_t)24 * 3600 * 1000) /* so long a provider may refuse for reasons that pass */
#define PAIR_WAIT_MS    6000
#define THROTTLED_MS    1000
#define STOPPED_MS      1000
#define BACKOFF_MOST_MS 60000

/* ---- what an outcome means for message and sender ---- */

int64_t outbox_backoff_ms(int64_t tries)
{
    int64_t ms = 1000;

    while (tries-- > 0 && ms < BACKOFF_MOST_MS) {
        ms *= 2;
    }
    ms = ms > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : ms;
    return ms + (int64_t)random_below((uint32_t)(ms / 4 + 1));
}

int64_t outbox_max_sends(const struct settings *s, const struct message *m)
{
    return m->max_sends > 0           ? m->max_sends
           : m->prio == PRIO_CRITICAL ? s->max_sends_critical
                                      : s->max_sends_normal;
}

/* Also behind the last hand-over: evidence decides it better than we can. */
static void end_ambiguous(struct attempt *at)
{
    const struct settings *s = at->ob->et->e->o.settings;

    metric_add(METRIC_SEND_AMBIGUOUS, 1);
    attempt_end(at, THEN_HOLD,
                at->m.prio == PRIO_CRITICAL ? s->uncertain_hold_critical_ms : s->uncertain_hold_ms);
}

/* A limit never fails a message, and is no attempt. */
static void end_throttled(struct attempt *at)
{
    int64_t wait = at->o.retry_after_ms > 0    ? at->o.retry_after_ms
                   : at->o.scope == SCOPE_PAIR ? PAIR_WAIT_MS
                                               : THROTTLED_MS;

    metric_add(METRIC_SEND_THROTTLED, 1);
    if (at->o.scope == SCOPE_SENDER || at->o.scope == SCOPE_ACCOUNT) {
        outbox_slow_down(at);
        if (at->o.retry_after_ms > 0) {
            outbox_rest(at, at->o.retry_after_ms);
            wait = THROTTLED_MS; /* the sender waits; the message goes when it does */
        }
    }
    attempt_end(at, THEN_LATER, wait);
}

/* Certainly not accepted, and worth another try: how often, and since when, stands in the record.
 */
static void judge_refusals(struct attempt *at)
{
    bool often = at->o.tries_max > 0 && at->few >= at->o.tries_max;
    bool long_ = at->refused_since.ms > 0 && wall_now().ms - at->refused_since.ms > LAST_MS;

    if (often || long_) {
        attempt_end(at, at->item->sends > 1 ? THEN_UNCERTAIN : THEN_FAILED, 0);
        return;
    }
    metric_add(METRIC_SEND_RETRIED, 1);
    at->refused = true;
    attempt_end(at, THEN_LATER,
                at->o.retry_after_ms > 0 ? at->o.retry_after_ms : outbox_backoff_ms(at->refusals));
}

static void on_history(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err == NULL) { /* else it counts as the first: to be tried once more harms nobody */
        at->refusals = reply_int(reply_at(reply, 0));
        at->refused_since.ms = reply_int(reply_at(reply, 1));
        at->few = reply_int(reply_at(reply, 2));
    }
    judge_refusals(at);
}

static void end_not_sent(struct attempt *at)
{
    struct call call;

    at->item->begun = false; /* certain by now, should its lease run out while Redis is away */
    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call,
             arena_printf(at->a, "{%.*s}:m:%.*s", STR_ARG(at->ob->et->t.id), STR_ARG(at->m.id)));
    call_str(&call, STR("r"));
    call_str(&call, STR("rf"));
    call_str(&call, STR("rl"));
    at->pending = store_run(at->ob->et->e->store, &call, on_history, at);
}

static void end_sent(struct attempt *at)
{
    alarms_sent(at->ob->et, at->ob->sender);
    metric_add(METRIC_SENT, 1);
    metric_add(METRIC_SEND_RESENT, at->item->sends > 1);
    histogram_add(HISTOGRAM_QUEUE, (wall_now().ms - at->m.created.ms) * 1000);
    attempt_end(at, THEN_SENT, 0);
}

static void alert(struct attempt *at)
{
    alert_raise(at->ob->et, arena_printf(at->a, "sender:%.*s", STR_ARG(at->ob->sender->id)),
                "warning", at->o.title, at->o.advice);
}

bool outbox_held_back(struct attempt *at)
{
    if (at->o.cls == OUTCOME_THROTTLED) {
        end_throttled(at);
        return true;
    }
    if (at->o.cls == OUTCOME_SENDER_STOPPED) {
        outbox_pause(at);
        attempt_end(at, THEN_LATER, STOPPED_MS);
        return true;
    }
    return false;
}

static void end_by_outcome(struct attempt *at)
{
    if (outbox_form_refused(at)) {
        return;
    }
    /* A pause raises its own, and so does a group that does not take what is said there. */
    if (at->o.alert && at->o.cls != OUTCOME_SENDER_STOPPED &&
        !(at->m.group.n > 0 && at->o.cls == OUTCOME_REFUSED)) {
        alert(at);
    }
    switch (at->o.cls) {
    case OUTCOME_SENT:
        end_sent(at);
        break;
    case OUTCOME_NOT_SENT:
        end_not_sent(at);
        break;
    case OUTCOME_AMBIGUOUS:
        end_ambiguous(at);
        break;
    case OUTCOME_THROTTLED:
    case OUTCOME_SENDER_STOPPED:
        outbox_held_back(at);
        break;
    case OUTCOME_REFUSED:
    case OUTCOME_OPTED_OUT:
    case OUTCOME_NEED_TEMPLATE:
        attempt_end(at, THEN_FAILED, 0);
        break;
    }
}

/* ---- sending ---- */

/* Somebody deleted the Content resource that our memory names: another one is made. */
static bool content_lost(const struct attempt *at)
{
    return at->content_key.n > 0 && at->o.cls == OUTCOME_REFUSED &&
           (at->o.code == 21655 || at->o.code == 92006);
}

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    histogram_add(HISTOGRAM_SEND, mono_now().us - at->began.us);
    outbox_answered(at->own, answer != NULL && answer->http2);
    at->ob->provider->outcome(at->a, answer == NULL ? 0 : answer->status,
                              answer == NULL ? STR_NONE : answer->body,
                              answer == NULL ? 0 : answer->retry_after_s, err, &at->o);
    if (at->o.cls != OUTCOME_SENT) {
        log_info("attempt not accepted", LF_STR("tenant", at->ob->et->t.id),
                 LF_STR("message", at->m.id), LF_INT("class", at->o.cls),
                 LF_INT("code", at->o.code), LF_STR("title", at->o.title));
    }
    if (content_lost(at)) {
        outbox_content_forget(at);
        at->o.cls = OUTCOME_NOT_SENT;
        at->o.alert = false;
        at->o.tries_max = 2;
    }
    end_by_outcome(at);
}

/* It has not begun: where Redis still has the lease as ours it goes back uncounted. */
void outbox_put_back(struct attempt *at)
{
    at->o = (struct outcome){.cls = OUTCOME_NOT_SENT};
    attempt_end(at, THEN_LATER, 0);
}

void outbox_send(struct attempt *at)
{
    struct engine *e = at->ob->et->e;
    char correlation[CORRELATION_MAX];
    struct outgoing out = {0};
    struct http_call call;
    struct err err = {0};

    if (!lane_item_live(at->item)) {
        outbox_put_back(at); /* too late to begin */
        return;
    }
    correlation_make(vault_mac_key(at->ob->et->t.vault), at->ob->et->t.id, at->m.id,
                     at->item->void_sends + at->item->sends, correlation);
    if (!at->ob->provider->build(at->a, at->ob->sender, &at->m, str_of(correlation),
                                 e->o.settings->public_url, &out, &err)) {
        attempt_end_here(at, THEN_FAILED, arena_dup(at->a, str_of(err.msg)).p,
                         "correct the message; it was not sent");
        return;
    }
    call = outgoing_call(&out, 0, e->o.settings->send_timeout_ms);
    at->began = mono_now();
    at->item->begun = true;
    at->pending = http_call_start(e->http, &call, on_answer, at);
}

/* ---- before the attempt ---- */

void outbox_go(struct attempt *at)
{
    bool options = at->m.kind == MESSAGE_BUTTONS || at->m.kind == MESSAGE_LIST;
    struct err err = {0};

    if (!at->ob->provider->check(&at->m, &err)) {
        attempt_end_here(at, THEN_FAILED, arena_dup(at->a, str_of(err.msg)).p,
                         "shorten or correct the message; it was not sent");
    } else if (at->ob->sender->provider == PROVIDER_TWILIO && options && at->m.noptions > 0) {
        outbox_content(at);
    } else {
        outbox_send(at);
    }
}

/* A hold is over without evidence. */
static bool handed_over_enough(const struct attempt *at)
{
    return at->item->sends > outbox_max_sends(at->ob->et->e->o.settings, &at->m);
}

void outbox_begin(struct attempt *at)
{
    if (at->item->reaped) {
        end_ambiguous(at); /* whoever had it died or stalled in the middle */
    } else if (str_eqz(at->item->state, "behind")) {
        outbox_put_back(at); /* and those before it go first */
    } else if (at->uncounted && str_eqz(at->item->state, "withdrawn")) {
        attempt_end(at, THEN_CANCELLED, 0);
    } else if ((at->uncounted || at->item->sends > 1) && !at->looked &&
               outbox_lookup_possible(at)) {
        outbox_lookup(at);
    } else if (at->uncounted || handed_over_enough(at)) {
        attempt_end_here(at, THEN_UNCERTAIN, "it is not known whether the provider accepted it",
                         "it was not sent again, so as not to reach the person twice");
    } else if (at->m.expires.ms > 0 && at->m.expires.ms <= wall_now().ms) {
        attempt_end_here(at, THEN_EXPIRED, "it expired before it could be sent", "");
    } else if (at->ob->gone != NULL) {
        outbox_gone(at);
    } else if (outbox_reminder_waited(at)) {
        outbox_reminder(at);
    } else if (outbox_merge_possible(at)) {
        outbox_merge(at);
    } else if (at->ob == at->own || outbox_via(at)) {
        outbox_form(at);
    }
}

static bool is_decided(struct str state)
{
    static const char *const decided[] = {"sent",   "delivered", "read",
                                          "failed", "expired",   "cancelled"};

    for (size_t i = 0; i < ARRAY_LEN(decided); i++) {
        if (str_eqz(state, decided[i])) {
            return true;
        }
    }
    return false;
}

static void drop_attempt(struct job *job)
{
    attempt_free(LIST_OF(job, struct attempt, job));
}

void outbox_on_item(void *ctx, struct lane_item *item)
{
    struct outbox *ob = ctx;
    struct attempt *at = mem_resize(NULL, sizeof(*at)); /* some KB: zeroed once, in what follows */
    struct err err = {0};
    struct str text;

    *at = (struct attempt){
        .magic = ATTEMPT_MAGIC, .own = ob, .item = item, .a = arena_new(), .scratch = arena_new()};
    at->ob = item->via.n > 0 ? outbox_of_sender(ob->et, item->via) : ob;
    at->ob = at->ob != NULL ? at->ob : ob; /* one that was configured when it began */
    job_begin(ob->et->e, &at->job, drop_attempt);
    at->m.id = arena_dup(at->a, item->id);
    at->uncounted = str_eqz(item->state, "withdrawn") || str_eqz(item->state, "stopped");
    if (is_decided(item->state)) {
        attempt_end(at, THEN_DROP, 0); /* decided meanwhile, by a status or by hand */
    } else if (job_item_body(ob->et, at->a, arena_printf(at->a, "m:%.*s", STR_ARG(item->id)), item,
                             &text, &err) &&
               message_decode(at->a, text, &at->m, &err)) {
        outbox_begin(at);
    } else {
        log_error("message set aside: its record does not open", LF_STR("tenant", ob->et->t.id),
                  LF_STR("message", item->id), LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        at->m = (struct message){.id = arena_dup(at->a, item->id)};
        attempt_end_here(at, THEN_FAILED, "its record is damaged", "see the log");
    }
}
