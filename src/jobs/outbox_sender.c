/*
 * outbox_sender: a sender and its pace. Paused: token or account are in trouble, everything waits
 * until a probe passes (sender_probe.c), a reload, or somebody says so. Resting: the provider asked
 * for silence of a known length. Slow: after "too fast" the rate is halved, at most once a second,
 * and grows by 5 % a second.
 *
 * All of that holds for all gateways and through restarts, so it stands in sn:<sender>, and claims
 * and grants go by it. Here is only what an answer means for it, and the workers' life.
 */
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbox_int.h"

#include <stdio.h>

#define REST_MOST   ((int64_t)24 * 3600 * 1000)
#define SLOWEST_PCT 5
#define NOTE_US     ((int64_t)1000000)

struct outbox *outbox_find(struct engine_tenant *et, struct str queue)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eqz(queue, et->outboxes[i].queue)) {
            return &et->outboxes[i];
        }
    }
    return NULL;
}

bool outbox_grants(struct outbox *ob)
{
    return lane_worker_has_slot(ob->worker);
}

void outbox_apply_rate(struct outbox *ob)
{
    struct rate rate;

    sender_rate(ob->sender, &rate);
    lane_worker_rate(ob->worker, &rate);
    outbox_ways_rate(ob);
    lane_worker_ways(ob->worker, ob->et->t.conf->failover_paused_after_ms);
}

/* ---- what an answer says about the sender ---- */

/* Two numbers of one account share its limits. */
static bool same_account(const struct sender *a, const struct sender *b)
{
    if (a->provider != b->provider) {
        return false;
    }
    return a->provider == PROVIDER_TWILIO ? str_eq(a->account_sid, b->account_sid)
                                          : str_eq(a->access_token, b->access_token);
}

/* Of many answers that say the same the log needs one. */
static bool worth_a_line(struct outbox *ob)
{
    int64_t now = mono_now().us;

    if (ob->noted.us > 0 && now - ob->noted.us < NOTE_US) {
        return false;
    }
    ob->noted.us = now;
    return true;
}

void outbox_slow_down(struct attempt *at)
{
    at->slow = true;
    if (at->o.retry_after_ms == 0 && worth_a_line(at->ob)) {
        log_warn("provider asks for a slower pace", LF_STR("tenant", at->ob->et->t.id),
                 LF_STR("sender", at->ob->sender->id), LF_STR("reason", at->o.title));
    }
}

void outbox_rest(struct attempt *at, int64_t ms)
{
    at->rest_ms = ms < REST_MOST ? ms : REST_MOST;
    if (worth_a_line(at->ob)) {
        log_warn("sender rests", LF_STR("tenant", at->ob->et->t.id),
                 LF_STR("sender", at->ob->sender->id), LF_INT("ms", at->rest_ms),
                 LF_STR("reason", at->o.title));
    }
}

void outbox_pause(struct attempt *at)
{
    struct outbox *ob = at->ob;

    at->stop = true;
    if (worth_a_line(ob)) {
        log_error("sender paused: its messages stay queued", LF_STR("tenant", ob->et->t.id),
                  LF_STR("sender", ob->sender->id), LF_STR("reason", at->o.title));
        alert_raise(ob->et, arena_printf(at->a, "sender:%.*s", STR_ARG(ob->sender->id)), "critical",
                    at->o.title, at->o.advice);
    }
}

static void tell_one(struct attempt *at, const struct sender *s, struct commit *c)
{
    int64_t token = at->item->token;

    if (at->slow) {
        commit_sender(c, s->id, "slow", SLOWEST_PCT, token, at->o.title, at->o.advice);
    }
    if (at->rest_ms > 0) {
        commit_sender(c, s->id, "rest", at->rest_ms, token, at->o.title, at->o.advice);
    }
    if (at->stop) {
        commit_sender(c, s->id, "pause", 0, token, at->o.title, at->o.advice);
    }
}

void outbox_tell(struct attempt *at, struct commit *c)
{
    struct engine_tenant *et = at->ob->et;

    if (!at->slow && at->rest_ms == 0 && !at->stop) {
        return;
    }
    if (at->ob->gone != NULL) {
        tell_one(at, at->ob->gone, c);
        return;
    }
    for (size_t i = 0; i < et->noutboxes; i++) {
        const struct outbox *other = &et->outboxes[i];

        if (other == at->ob || (at->o.scope == SCOPE_ACCOUNT && !at->stop &&
                                same_account(at->ob->sender, other->sender))) {
            tell_one(at, other->sender, c);
        }
    }
}

static void told_one(const struct outbox *ob, const struct provider_error *row, int64_t tries,
                     struct commit *c)
{
    struct str id = ob->sender->id, why = str_of(row->title), advice = str_of(row->advice);

    if (row->cls == OUTCOME_SENDER_STOPPED) {
        commit_sender(c, id, "pause", 0, 0, why, advice);
    } else {
        commit_sender(c, id, "slow", SLOWEST_PCT, 0, why, advice);
        commit_sender(c, id, "rest",
                      row->retry_after_ms > 0 ? row->retry_after_ms : outbox_backoff_ms(tries), 0,
                      why, advice);
    }
}

static void told_pair(const struct outbox *ob, struct str user, int64_t tries, struct commit *c)
{
    const struct sender *s = ob->sender;
    int64_t wait_ms = outbox_backoff_ms(tries);
    struct arena *a = arena_new();

    if (s->pair_interval_ms > 0 && user.n > 0) {
        wait_ms = wait_ms > s->pair_interval_ms ? wait_ms : s->pair_interval_ms;
        commit_ahead(c, arena_printf(a, "pr:%s", ob->queue), user,
                     (wait_ms + (s->pair_burst - 1) * s->pair_interval_ms) * 1000);
    }
    arena_free(&a);
}

void sender_told(struct engine_tenant *et, struct str sender, struct str user,
                 const struct provider_error *row, int64_t tries, struct commit *c)
{
    struct outbox *ob = outbox_of_sender(et, sender);

    if (ob == NULL) {
        return;
    }
    if (row->scope == SCOPE_PAIR) {
        told_pair(ob, user, tries, c);
        return;
    }
    for (size_t i = 0; i < et->noutboxes; i++) {
        const struct outbox *other = &et->outboxes[i];

        if (other == ob || (row->scope == SCOPE_ACCOUNT && row->cls == OUTCOME_THROTTLED &&
                            same_account(ob->sender, other->sender))) {
            told_one(other, row, tries, c);
        }
    }
    if (row->alert && worth_a_line(ob)) {
        struct arena *a = arena_new();
        bool stopped = row->cls == OUTCOME_SENDER_STOPPED;

        log_warn("sender held back by a status", LF_STR("tenant", et->t.id),
                 LF_STR("sender", sender), LF_Z("reason", row->title));
        alert_raise(et, arena_printf(a, "sender:%.*s", STR_ARG(sender)),
                    stopped ? "critical" : "warning", str_of(row->title), str_of(row->advice));
        arena_free(&a);
    }
}

/* ---- on again ---- */

static void resume_write(struct commit *c, struct str sender)
{
    commit_sender(c, sender, "resume", 100, 0, STR_NONE, STR_NONE);
}

/* The tier stands with what is known of the sender, so that all gateways go by the one set last. */
static void tier_write(struct commit *c, const struct tenant_settings *t, const struct sender *s)
{
    struct str portfolio = sender_portfolio(s);

    commit_tier(c, s->id, portfolio, tenant_portfolio_people(t, portfolio));
}

static struct commit *resume_begin(struct engine_tenant *et)
{
    struct commit *c = commit_new(et->t.id);
    char id[ID_BYTES];

    id_new(id);
    commit_once(c, str_of(id));
    return c;
}

struct op *engine_sender_resume(struct engine_tenant *et, struct str id, commit_fn *on_done,
                                void *ctx)
{
    struct commit *c;

    if (tenant_sender(et->t.conf, id) == NULL) {
        return NULL;
    }
    c = resume_begin(et);
    resume_write(c, id);
    return commit_run(et->e->store, &c, on_done, ctx);
}

struct resume { /* at the start and after a reload: nobody waits for it */
    struct job job;
    struct op *pending;
};

static void resume_free(struct resume *r)
{
    job_end(&r->job);
    op_cancel(&r->pending);
    mem_free(&r);
}

static void drop_resume(struct job *job)
{
    resume_free(LIST_OF(job, struct resume, job));
}

static void on_resumed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct resume *r = ctx;

    (void)outcome;
    r->pending = NULL;
    if (err != NULL) {
        log_warn(
            "senders were not told: paused ones are tried every minute, the tier is the old one",
            LF_Z("reason", err->msg));
    }
    resume_free(r);
}

static void tell_all(struct engine_tenant *et, bool resume)
{
    struct resume *r;
    struct commit *c;

    if (et->t.conf->nsenders > 0) {
        r = MEM_NEW(struct resume);
        job_begin(et->e, &r->job, drop_resume);
        c = resume_begin(et);
        for (size_t i = 0; i < et->t.conf->nsenders; i++) {
            tier_write(c, et->t.conf, &et->t.conf->senders[i]);
            if (resume) {
                resume_write(c, et->t.conf->senders[i].id);
            }
        }
        r->pending = commit_run(et->e->store, &c, on_resumed, r);
    }
}

void senders_resume(struct engine_tenant *et)
{
    tell_all(et, true);
}

size_t engine_senders(const struct engine_tenant *et, struct sender_health *out, size_t max)
{
    size_t n = 0;

    for (; n < et->noutboxes && n < max; n++) {
        struct lane_stats stats;

        lane_worker_stats(et->outboxes[n].worker, &stats);
        out[n] = (struct sender_health){et->outboxes[n].sender, (int64_t)stats.out};
    }
    return n;
}

/* ---- how much is held ---- */

/*
 * What is claimed is an attempt, though it waits here for a connection: should we be killed, nobody
 * knows that it never left. So no more is held than is on its way, and what goes out in AHEAD_MS.
 * Over HTTP/2 all of it is.
 */
#define AHEAD_MS 50
#define PACE_MS  20

size_t outbox_slots(int64_t per_s, bool http2)
{
    int64_t most = ENGINE_CONNECTIONS + ENGINE_CONNECTIONS / 8 + per_s * AHEAD_MS / 1000;

    if (http2) {
        return OUTBOX_STREAMS;
    }
    return most > OUTBOX_SLOTS ? OUTBOX_SLOTS : (size_t)most;
}

void outbox_answered(struct outbox *ob, bool http2)
{
    int64_t us = mono_now().us - ob->paced.us;

    ob->answers++;
    if (us >= PACE_MS * 1000) {
        lane_worker_slots(ob->worker, outbox_slots(ob->answers * 1000000 / us, http2));
        ob->answers = 0;
        ob->paced = mono_now();
    }
}

/* ---- life ---- */

void outbox_init(struct outbox *ob, struct engine_tenant *et, const struct sender *sender)
{
    struct lane_options o = {.tenant = et->t.id,
                             .record = LANE_MESSAGE,
                             .slots = outbox_slots(0, false),
                             .lease_ms = et->e->o.settings->lease_ms,
                             .on_item = outbox_on_item,
                             .ctx = ob};
    char queue[128];

    *ob = (struct outbox){.et = et, .sender = sender};
    ob->provider = provider_of(sender->provider);
    snprintf(queue, sizeof(queue), QUEUE_OUT_PREFIX "%.*s", STR_ARG(sender->id));
    ob->queue = mem_dupz(str_of(queue));
    o.queue = str_of(ob->queue);
    sender_rate(sender, &o.rate);
    outbox_ways_make(ob);
    o.ways = ob->ways;
    o.nways = ob->nways;
    o.ways_after_ms = et->t.conf->failover_paused_after_ms;
    ob->content_sids = map_new();
    ob->worker = lane_worker_new(et->e->loop, et->e->store, &o);
    lane_worker_wake(ob->worker);
}

void outbox_start(struct engine_tenant *et)
{
    et->outboxes = mem_array(et->t.conf->nsenders + 1, sizeof(*et->outboxes));
    for (size_t i = 0; i < et->t.conf->nsenders; i++) {
        outbox_init(&et->outboxes[i], et, &et->t.conf->senders[i]);
    }
    et->noutboxes = et->t.conf->nsenders;
    tell_all(et, false);
}

void outbox_fini(struct outbox *ob)
{
    struct str key;
    void *sid;

    lane_worker_free(&ob->worker);
    for (size_t it = 0; ob->content_sids != NULL && map_next(ob->content_sids, &it, &key, &sid);) {
        mem_free(&sid);
    }
    map_free(&ob->content_sids);
    mem_free(&ob->queue);
    mem_free(&ob->ways);
}
