#include "alarms.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

#define ALARMS_MAX      64
#define NEARLY_FULL_PCT 90
#define NEARLY_USED_PCT 90
#define CLOCKS_APART_MS 60000
#define CALLBACKS       "callbacks"
#define FROZEN_MS       600000
#define GONE_MAX        16
#define GONE_LOOKS      3 /* so many looks nobody had the sender configured, or saw the alarm */

struct ears { /* of one sender, in this process */
    int64_t heard_ms, sent_ms;
};

struct active {
    char component[96];
    char text[200];
    const char *severity, *advice;
    int64_t since_ms;
    bool seen; /* in this look */
};

struct alarms {
    struct engine_tenant *et;
    struct timer *timer;
    struct op *looking, *keeping;
    struct ears *ears; /* by the order of conf->senders */
    struct jump_watch clocks;
    struct active on[ALARMS_MAX];
    size_t n;
};

/* ---- what is on ---- */

static struct active *find(struct alarms *all, struct str component)
{
    for (size_t i = 0; i < all->n; i++) {
        if (str_eqz(component, all->on[i].component)) {
            return &all->on[i];
        }
    }
    return NULL;
}

/* It is on, in this look; told again each look, since alert_raise() says it once an hour. */
static void on(struct alarms *all, const char *component, const char *severity, struct str text,
               const char *advice)
{
    struct active *al = find(all, str_of(component));

    if (al == NULL) {
        if (all->n == ALARMS_MAX) {
            return;
        }
        al = &all->on[all->n++];
        *al = (struct active){.since_ms = wall_now().ms};
        snprintf(al->component, sizeof(al->component), "%s", component);
        log_warn("alarm", LF_STR("tenant", all->et->t.id), LF_Z("component", component),
                 LF_STR("text", text));
    }
    al->severity = severity;
    al->advice = advice;
    al->seen = true;
    snprintf(al->text, sizeof(al->text), "%.*s", STR_ARG(text));
    alert_raise(all->et, str_of(component), severity, text, str_of(advice));
}

static void tell_over(struct alarms *all, struct str component)
{
    log_info("alarm over", LF_STR("tenant", all->et->t.id), LF_STR("component", component));
    alert_raise(all->et, component, "ok", STR("it is well again"), STR(""));
}

/* What was not seen in this look is over. */
static void clear(struct alarms *all)
{
    for (size_t i = 0; i < all->n;) {
        struct active *al = &all->on[i];

        if (al->seen) {
            al->seen = false;
            i++;
            continue;
        }
        tell_over(all, str_of(al->component));
        *al = all->on[--all->n];
    }
}

/* ---- the rules ---- */

static int64_t waits_ms(const struct reply *ages, size_t queue, int prio, int64_t now_ms)
{
    int64_t since = reply_int(reply_at(reply_at(ages, queue), (size_t)prio));

    return since > 0 && since < now_ms ? now_ms - since : 0;
}

/*
 * Bulk may wait for its rate for hours, and what a paused sender has waits for its provider:
 * that is told as a paused sender. All else waits for nothing that takes minutes.
 */
static void judge_queue(struct alarms *all, struct arena *a, const char *queue, int last_prio,
                        const struct reply *ages, size_t nth, int64_t now_ms)
{
    int64_t worst = 0;
    char component[96];

    for (int p = 0; p <= last_prio; p++) {
        int64_t ms = waits_ms(ages, nth, p, now_ms);

        worst = ms > worst ? ms : worst;
    }
    if (worst > all->et->t.conf->alert_queue_age_s * 1000) {
        snprintf(component, sizeof(component), "queue:%s", queue);
        on(all, component, "critical",
           arena_printf(a, "work in queue %s has been waiting for %lld s", queue,
                        (long long)(worst / 1000)),
           "look at the log and at /readyz of the gateways; nothing is lost, it goes on when the "
           "cause is mended");
    }
}

static void judge_queues(struct alarms *all, struct arena *a, const struct reply *ages,
                         int64_t now_ms)
{
    judge_queue(all, a, QUEUE_IN, PRIO_LOW, ages, 0, now_ms);
    for (size_t i = 0; i < all->et->noutboxes; i++) {
        if (reply_int(reply_at(reply_at(ages, 1 + i), PRIO_COUNT)) == 0) {
            judge_queue(all, a, all->et->outboxes[i].queue, PRIO_REPLY, ages, 1 + i, now_ms);
        }
    }
}

static void judge_silence(struct alarms *all, struct arena *a, const struct reply *silent,
                          int64_t now_ms)
{
    for (size_t i = 0; i < all->et->t.conf->nsenders; i++) {
        int64_t since = reply_int(reply_at(silent, i));
        struct str id = all->et->t.conf->senders[i].id;
        int64_t most = all->et->t.conf->alert_silence_s * 1000;

        if (most > 0 && since > 0 && now_ms - since > most) {
            on(all, arena_printf(a, "webhooks:%.*s", STR_ARG(id)).p, "warning",
               arena_printf(a, "sender %.*s sends, but no webhook has come back for %lld s",
                            STR_ARG(id), (long long)((now_ms - since) / 1000)),
               "check the webhook subscription and its URL at the provider, and that the public "
               "URL reaches a gateway");
        }
    }
}

static bool portfolio_seen(const struct tenant_settings *t, size_t before, struct str portfolio)
{
    for (size_t i = 0; i < before; i++) {
        if (str_eq(sender_portfolio(&t->senders[i]), portfolio)) {
            return true;
        }
    }
    return false;
}

/* Senders of one portfolio have one tier. */
static void judge_tiers(struct alarms *all, struct arena *a, const struct reply *tiers)
{
    const struct tenant_settings *t = all->et->t.conf;

    for (size_t i = 0; i < t->nsenders; i++) {
        const struct reply *row = reply_at(tiers, i);
        struct str portfolio = sender_portfolio(&t->senders[i]);
        int64_t used = reply_int(reply_at(row, 0)), most = reply_int(reply_at(row, 1));

        if (most == 0 || used * 100 < most * NEARLY_USED_PCT || portfolio_seen(t, i, portfolio)) {
            continue;
        }
        on(all, arena_printf(a, "tier:%.*s", STR_ARG(portfolio)).p,
           used >= most ? "critical" : "warning",
           arena_printf(a,
                        "%lld of the %lld people of portfolio %.*s that may be written to first in "
                        "24 hours have been",
                        (long long)used, (long long)most, STR_ARG(portfolio)),
           "who has not written for a day waits until there is room, and nothing fails; use the "
           "limit with good quality and the provider raises it, or set daily_people");
    }
}

static void judge_redis(struct alarms *all, struct arena *a, const struct reply *r)
{
    int64_t now_ms = reply_int(reply_at(r, 0)), apart = wall_now().ms - now_ms;
    int64_t percent = reply_int(reply_at(r, 2));

    if (reply_int(reply_at(r, 1)) != 0) {
        on(all, "clock", "warning",
           STR("the clock of Redis was set back; ours goes at half speed until it has caught up"),
           "keep the clocks by NTP; schedules run late for a while, nothing is lost");
    } else if (apart > CLOCKS_APART_MS || apart < -CLOCKS_APART_MS) {
        on(all, "clock", "warning",
           arena_printf(a, "the clocks of this gateway and of Redis are %lld s apart",
                        (long long)(apart / 1000)),
           "keep the clocks of all machines by NTP");
    }
    if (percent >= NEARLY_FULL_PCT) {
        on(all, "redis", "critical",
           arena_printf(a, "Redis has used %lld %% of its memory", (long long)percent),
           "raise maxmemory; when it is full, new work is refused with 503");
    }
}

/* What waits for a sender that was taken out of the configuration: from now on it goes by another. */
static void judge_gone(struct alarms *all, struct arena *a, const struct reply *gone)
{
    struct str ids[GONE_MAX];
    size_t n = 0;

    for (size_t i = 0; i + 1 < reply_len(gone) && n < GONE_MAX; i += 2) {
        struct str id = ids[n++] = reply_str(reply_at(gone, i));

        on(all, arena_printf(a, "sender_gone:%.*s", STR_ARG(id)).p, "critical",
           arena_printf(a, "messages wait at sender %.*s, which is not configured (people: %lld)",
                        STR_ARG(id), (long long)reply_int(reply_at(gone, i + 1))),
           "they go by another sender of the tenant, as if it were paused; what only it can say waits: "
           "put it back into the configuration, or cancel these");
    }
    outboxes_gone(all->et, ids, n);
}

static void judge_callbacks(struct alarms *all, struct arena *a)
{
    struct str reason;

    if (strcmp(engine_callback_health(all->et, &reason), "ok") != 0) {
        on(all, CALLBACKS, "critical",
           arena_printf(a, "the CMMS does not take its events: %.*s", STR_ARG(reason)),
           "look at the callback endpoint; the events wait, and /api/v1/outbox has them too");
    }
}

/* ---- what other gateways saw, and who was here before us ---- */

/* Whether the CMMS takes its events, only our own events can say. */
static bool over_known(const struct engine_tenant *et, struct str component)
{
    return et->callbacks.taken || et->cb == NULL || !str_eqz(component, CALLBACKS);
}

/*
 * The end of what nobody has seen for some looks: who knew of it is gone. It is told until alert_raise() has
 * said it and taken it out.
 */
static void clear_unseen(struct alarms *all, const struct reply *unseen)
{
    for (size_t i = 0; i < reply_len(unseen); i++) {
        struct str component = reply_str(reply_at(unseen, i));

        if (find(all, component) == NULL && over_known(all->et, component)) {
            tell_over(all, component);
        }
    }
}

static void on_kept(void *ctx, const struct err *err, const struct reply *r)
{
    struct alarms *all = ctx;

    (void)err; /* the next look does it again */
    (void)r;
    all->keeping = NULL;
}

/* A second round trip, for what is on is judged here; and only while something is. */
static void keep(struct alarms *all, int64_t now_ms)
{
    char key[TENANT_ID_MAX + 8];
    struct call call;

    if (all->n == 0 || all->keeping != NULL) {
        return;
    }
    snprintf(key, sizeof(key), "{%.*s}:al", STR_ARG(all->et->t.id));
    call_init(&call);
    call_str(&call, STR("ZADD"));
    call_str(&call, str_of(key));
    for (size_t i = 0; i < all->n; i++) {
        call_int(&call, now_ms);
        call_str(&call, str_of(all->on[i].component));
    }
    all->keeping = store_run(all->et->e->store, &call, on_kept, all);
}

/* ---- a look ---- */

static void on_looked(void *ctx, const struct err *err, const struct reply *r)
{
    struct alarms *all = ctx;
    struct arena *a;
    bool frozen;

    all->looking = NULL;
    timer_start(all->timer, all->et->t.conf->alert_every_s * 1000);
    if (err != NULL) {
        return; /* a Redis that does not answer is told by /readyz; there is nowhere to keep an
                   alert */
    }
    a = arena_new();
    frozen = jump_frozen(&all->clocks, mono_now(), (struct wall){reply_int(reply_at(r, 0))},
                         FROZEN_MS, "queues and silence are not judged for ten minutes");
    if (!frozen) {
        judge_queues(all, a, reply_at(r, 3), reply_int(reply_at(r, 0)));
        judge_silence(all, a, reply_at(r, 4), reply_int(reply_at(r, 0)));
    }
    judge_tiers(all, a, reply_at(r, 5));
    judge_redis(all, a, r);
    judge_callbacks(all, a);
    judge_gone(all, a, reply_at(r, 6));
    if (!frozen) {
        clear(all); /* else what was on stays so: nobody knows */
        clear_unseen(all, reply_at(r, 7));
    }
    keep(all, reply_int(reply_at(r, 0)));
    arena_free(&a);
}

static void on_time(void *ctx)
{
    struct alarms *all = ctx;
    struct engine_tenant *et = all->et;
    char prefix[TENANT_ID_MAX + 4];
    struct call call;

    snprintf(prefix, sizeof(prefix), "{%.*s}:", STR_ARG(et->t.id));
    call_init_script(&call, "alarms", str_of(prefix));
    call_int(&call, (int64_t)(1 + et->noutboxes));
    call_str(&call, STR(QUEUE_IN));
    for (size_t i = 0; i < et->noutboxes; i++) {
        call_str(&call, str_of(et->outboxes[i].queue));
    }
    call_int(&call, GONE_LOOKS * et->t.conf->alert_every_s * 1000);
    for (size_t i = 0; i < et->t.conf->nsenders; i++) {
        call_str(&call, et->t.conf->senders[i].id);
        call_int(&call, all->ears[i].heard_ms);
        call_int(&call, all->ears[i].sent_ms);
        all->ears[i].sent_ms = 0;
    }
    all->looking = store_run(et->e->store, &call, on_looked, all);
}

/* ---- life ---- */

static struct ears *ears_of(struct engine_tenant *et, const struct sender *sender)
{
    size_t i = (size_t)(sender - et->t.conf->senders);

    return et->alarms == NULL || i >= et->t.conf->nsenders ? NULL : &et->alarms->ears[i];
}

void alarms_heard(struct engine_tenant *et, const struct sender *sender)
{
    struct ears *ears = ears_of(et, sender);

    if (ears != NULL) {
        ears->heard_ms = wall_now().ms;
    }
}

void alarms_sent(struct engine_tenant *et, const struct sender *sender)
{
    struct ears *ears = ears_of(et, sender);

    if (ears != NULL && ears->sent_ms == 0) {
        ears->sent_ms = wall_now().ms;
    }
}

void alarms_start(struct engine_tenant *et)
{
    struct alarms *all = et->alarms = MEM_NEW(struct alarms);

    all->et = et;
    all->ears = mem_array(et->t.conf->nsenders + 1, sizeof(*all->ears));
    all->timer = timer_new(et->e->loop, on_time, all);
    timer_start(all->timer, all->et->t.conf->alert_every_s * 1000);
}

void alarms_stop(struct engine_tenant *et)
{
    struct alarms *all = et->alarms;

    if (all != NULL) {
        op_cancel(&all->looking);
        op_cancel(&all->keeping);
        timer_free(&all->timer);
        mem_free(&all->ears);
        mem_free(&et->alarms);
    }
}

size_t engine_alarms(const struct engine_tenant *et, struct alarm *out, size_t max)
{
    size_t n = 0;

    for (; et->alarms != NULL && n < et->alarms->n && n < max; n++) {
        const struct active *al = &et->alarms->on[n];

        out[n] = (struct alarm){str_of(al->component),
                                str_of(al->severity),
                                str_of(al->text),
                                str_of(al->advice),
                                {al->since_ms}};
    }
    return n;
}
