#include "store/lane.h"

#include <assert.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#include "lane_int.h"

#define CLAIM_MOST    64
#define SERIAL_SPREAD ((uint64_t)1 << 40)
/*
 * An idle worker still looks twice a minute: another instance may have died with a lease of which
 * nobody was told, or a wake may have been lost. This is all that an idle gateway does.
 */
#define LOOK_MS        30000
#define RETRY_MS       500
#define SIP_MS         5
#define MARGIN_MOST_MS 1000
/* Slots promised to commit_enqueue() are free again when no grant has come in this time. */
#define HOPE_US 20000

struct item {
    struct lane_item pub; /* first: what the others see */
    struct list node;     /* in fresh or out */
    char bytes[];
};

struct lanes *lanes_of(struct store *s)
{
    if (s->lanes == NULL) {
        s->lanes = MEM_NEW(struct lanes);
        list_init(&s->lanes->all);
        list_init(&s->lanes->due);
        s->lanes->by_queue = map_new();
    }
    return s->lanes;
}

void lanes_free(struct store *s)
{
    if (s->lanes != NULL) {
        assert(list_empty(&s->lanes->all));
        map_free(&s->lanes->by_queue);
        mem_free(&s->lanes);
    }
}

/* Something is to be done at the end of this turn. */
static void make_due(struct lane_worker *w)
{
    if (list_empty(&w->due)) {
        list_add_tail(&w->s->lanes->due, &w->due);
    }
}

static size_t slots_free(const struct lane_worker *w)
{
    size_t used = w->nout + w->nfresh;

    return used >= w->o.slots ? 0 : w->o.slots - used;
}

/* A claim costs the same for one lane as for many, so a busy worker lets some slots come free. */
static bool worth_a_claim(const struct lane_worker *w)
{
    return slots_free(w) >= (w->more ? w->o.slots / 4 : 1);
}

void lane_worker_slots(struct lane_worker *w, size_t slots)
{
    w->o.slots = slots > 0 ? slots : 1;
}

void lane_worker_wake(struct lane_worker *w)
{
    w->wanted = true;
    make_due(w);
}

static void on_timer(void *ctx)
{
    struct lane_worker *w = obj_check(ctx, WORKER_MAGIC);

    w->more = false;
    lane_worker_wake(w);
}

/* ---- life ---- */

struct lane_worker *lane_worker_new(struct loop *l, struct store *s, const struct lane_options *o)
{
    struct lane_worker *w = MEM_NEW(struct lane_worker);
    struct buf name;
    char *text = NULL;

    assert(store_tenant_id_ok(o->tenant) && o->queue.n > 0 && o->slots > 0 && o->lease_ms > 0);
    w->magic = WORKER_MAGIC;
    w->s = s;
    w->o = *o;
    buf_init(&name, 512);
    buf_addf(&name, "{%.*s}:", STR_ARG(o->tenant));
    w->prefix = mem_dupz(buf_str(&name));
    buf_add(&name, o->queue);
    buf_take(&name, &text);
    w->name = text;
    w->o.tenant = str_of(w->tenant = mem_dupz(o->tenant));
    w->o.queue = str_of(w->queue = mem_dupz(o->queue));
    random_bytes(&w->serial, sizeof(w->serial));
    w->serial %= SERIAL_SPREAD;
    w->timer = timer_new(l, on_timer, w);
    list_init(&w->due);
    list_init(&w->fresh);
    list_init(&w->out);
    list_init(&w->node);
    list_add_tail(&lanes_of(s)->all, &w->node);
    assert(map_get(s->lanes->by_queue, str_of(w->name)) == NULL); /* a claim names only the owner */
    map_put(s->lanes->by_queue, str_of(w->name), w);
    lane_worker_wake(w);
    return w;
}

static void forget(struct list *items, bool ours)
{
    while (!list_empty(items)) {
        struct item *it = LIST_OF(items->next, struct item, node);

        list_del(&it->node);
        it->pub.worker = NULL;
        if (ours) {
            mem_free(&it);
        }
    }
}

void lane_worker_free(struct lane_worker **owner)
{
    struct lane_worker *w = *owner;

    if (w == NULL) {
        return;
    }
    obj_check(w, WORKER_MAGIC);
    *owner = NULL;
    op_cancel(&w->claiming);
    timer_free(&w->timer);
    list_del(&w->node);
    list_del(&w->due);
    map_del(w->s->lanes->by_queue, str_of(w->name));
    forget(&w->fresh, true);
    forget(&w->out, false); /* lane_item_done() frees them */
    if (w->gone != NULL) {
        *w->gone = true;
    }
    mem_free(&w->prefix);
    mem_free(&w->name);
    mem_free(&w->tenant);
    mem_free(&w->queue);
    w->magic = 0;
    mem_free(&w);
}

void lane_worker_stop(struct lane_worker *w, loop_fn *on_idle, void *ctx)
{
    assert(!w->stopping && on_idle != NULL);
    w->stopping = true;
    w->on_idle = on_idle;
    w->idle_ctx = ctx;
    timer_stop(w->timer);
    make_due(w);
}

void lane_worker_rate(struct lane_worker *w, const struct rate *rate)
{
    w->o.rate = *rate;
    lane_worker_wake(w);
}

void lane_worker_ways(struct lane_worker *w, int64_t after_ms)
{
    w->o.ways_after_ms = after_ms;
    lane_worker_wake(w);
}

void lane_worker_pause(struct lane_worker *w, bool paused)
{
    if (w->paused && !paused) {
        lane_worker_wake(w);
    }
    w->paused = paused;
}

void lane_worker_stats(const struct lane_worker *w, struct lane_stats *out)
{
    *out = w->stats;
    out->out = w->nout + w->nfresh;
}

/* ---- items ---- */

static struct str keep(char **to, struct str s)
{
    struct str copy = {*to, s.n};

    if (s.p == NULL) {
        return STR_NONE;
    }
    if (s.n > 0) {
        memcpy(*to, s.p, s.n);
    }
    (*to)[s.n] = '\0';
    *to += s.n + 1;
    return copy;
}

/* A copy in one piece, waiting to be handed out. */
static struct item *item_new(struct lane_worker *w, const struct lane_item *from)
{
    size_t bytes = from->lane.n + from->id.n + from->body.n + from->state.n + from->via.n + 5;
    struct item *it = mem_resize(NULL, sizeof(*it) + bytes);
    char *to = it->bytes;

    it->pub = *from;
    it->pub.worker = w;
    it->pub.lane = keep(&to, from->lane);
    it->pub.id = keep(&to, from->id);
    it->pub.body = keep(&to, from->body);
    it->pub.state = keep(&to, from->state);
    it->pub.via = keep(&to, from->via);
    list_init(&it->node);
    list_add_tail(&w->fresh, &it->node);
    w->nfresh++;
    make_due(w);
    return it;
}

static struct mono lease_end(struct mono asked, int64_t lease_ms)
{
    int64_t margin = lease_ms / 10 > MARGIN_MOST_MS ? MARGIN_MOST_MS : lease_ms / 10;

    return (struct mono){asked.us + (lease_ms - margin) * 1000};
}

size_t lane_worker_room(struct lane_worker *w)
{
    size_t left = w->paused || w->stopping ? 0 : slots_free(w);

    w->hoped = mono_now().us >= w->hoped_until_us ? 0 : w->hoped;
    return left > w->hoped ? left - w->hoped : 0;
}

bool lane_worker_has_slot(struct lane_worker *w)
{
    if (lane_worker_room(w) == 0) {
        return false;
    }
    w->hoped++;
    w->hoped_until_us = mono_now().us + HOPE_US;
    return true;
}

void lane_granted(struct lane_worker *w, struct str lane, struct str id, int64_t token,
                  struct str body, struct wall window)
{
    struct commits *hub = commits_of(w->s);
    struct lane_item item = {.lane = lane, .id = id, .token = token, .granted = true, .body = body};
    /* The lease began when Redis carried the unit out: not before the call was made. */
    struct mono asked = hub->answering ? hub->asked : mono_now();

    if (!hub->answering) {
        asked.us -= w->s->deadline_ms * 1000;
    }
    if (w->o.record == LANE_MESSAGE) {
        item.state = STR("sending");
        item.sends = 1;
    }
    item.window = window;
    item.until = lease_end(asked, hub->lease_ms);
    w->hoped -= w->hoped > 0 ? 1 : 0;
    w->stats.granted++;
    item_new(w, &item);
}

bool lane_item_live(const struct lane_item *item)
{
    return mono_now().us < item->until.us;
}

void lane_check_lease(struct commit *c, const struct lane_item *item)
{
    commit_check_lease(c, item->worker->o.queue, item->lane, item->id, item->token);
}

void lane_check_leased(struct commit *c, const struct lane_item *item)
{
    commit_check_leased(c, item->worker->o.queue, item->lane, item->id, item->token);
}

void lane_finish(struct commit *c, const struct lane_item *item)
{
    commit_finish(c, item->worker->o.queue, item->lane, item->id);
}

void lane_put_off(struct commit *c, const struct lane_item *item, int64_t wait_ms)
{
    commit_put_off(c, item->worker->o.queue, item->lane, wait_ms);
}

void lane_hold(struct commit *c, const struct lane_item *item, struct wall over, struct str detail)
{
    commit_hold(c, item->worker->o.queue, item->lane, item->id, over, item->window, detail);
}

void lane_item_done(struct lane_item **owner)
{
    struct item *it = (struct item *)(void *)*owner;
    struct lane_worker *w;

    if (it == NULL) {
        return;
    }
    *owner = NULL;
    w = it->pub.worker;
    list_del(&it->node);
    mem_free(&it);
    if (w == NULL) {
        return; /* the worker went first */
    }
    obj_check(w, WORKER_MAGIC);
    assert(w->nout > 0);
    w->nout--;
    w->stats.done++;
    if (w->hungry && worth_a_claim(w)) {
        lane_worker_wake(w);
    } else if (w->hungry && !w->stopping && !timer_running(w->timer)) {
        timer_start(w->timer, SIP_MS);
    } else if (w->stopping && w->nout == 0) {
        make_due(w);
    }
}

/* ---- claims ---- */

static bool give_on(const struct list *items, const struct lane_item *again)
{
    LIST_EACH(it, items)
    {
        struct lane_item *held = &LIST_OF(it, struct item, node)->pub;

        if (!held->begun && !held->reaped && held->sends == again->sends &&
            str_eq(held->id, again->id) && str_eq(held->lane, again->lane)) {
            held->begun = true; /* by the one who gets it now: that one's end is what counts */
            return true;
        }
    }
    return false;
}

/*
 * The lease that ran out was our own (this process stood still, or Redis was away), and its holder
 * knows that the message is with nobody. The same number means the same attempt, since every claim
 * counts one.
 */
static bool never_begun(struct lane_worker *w, const struct lane_item *again)
{
    return w->o.record == LANE_MESSAGE && (give_on(&w->out, again) || give_on(&w->fresh, again));
}

static void take_row(struct lane_worker *w, const struct reply *row)
{
    struct lane_item item = {0};

    item.lane = reply_str(reply_at(row, 0));
    item.id = reply_str(reply_at(row, 1));
    item.token = reply_int(reply_at(row, 2));
    item.reaped = reply_int(reply_at(row, 3)) != 0;
    item.body = reply_str(reply_at(row, 4));
    item.state = reply_str(reply_at(row, 5));
    item.sends = reply_int(reply_at(row, 6));
    item.window = (struct wall){reply_int(reply_at(row, 7))};
    item.via = reply_str(reply_at(row, 8));
    item.more = reply_int(reply_at(row, 9)) != 0;
    item.counts = reply_int(reply_at(row, 10)) != 0;
    item.void_sends = reply_int(reply_at(row, 11));
    item.until = lease_end(w->asked, w->o.lease_ms);
    w->stats.claimed++;
    w->stats.reaped += item.reaped ? 1 : 0;
    item.reaped = item.reaped && !never_begun(w, &item);
    item_new(w, &item);
}

static void on_claimed(void *ctx, const struct err *err, const struct reply *reply)
{
    struct lane_worker *w = obj_check(ctx, WORKER_MAGIC);
    size_t n = reply_len(reply);
    int64_t wait_ms;

    w->claiming = NULL;
    if (w->stopping || w->wanted) {
        make_due(w);
    }
    if (err != NULL || n == 0) {
        /* Asked again with the same serial: what this one leased, if Redis got it, comes then. */
        if (err != NULL && !err_retry(err->code)) {
            log_error("claim failed", LF_Z("queue", w->name), LF_Z("why", err->msg));
        }
        timer_start(w->timer, RETRY_MS);
        return;
    }
    w->serial++;
    for (size_t i = 1; i < n; i++) {
        take_row(w, reply_at(reply, i));
    }
    wait_ms = reply_int(reply_at(reply, 0));
    w->hungry = false; /* a full claim says 0, and the next one finds whether there are slots */
    w->more = wait_ms == 0;
    if (w->more) {
        lane_worker_wake(w);
        return;
    }
    wait_ms = wait_ms < 0 || wait_ms > LOOK_MS ? LOOK_MS : wait_ms;
    timer_start(w->timer, lost_over(&w->lost, w->asked) || wait_ms < RETRY_MS ? wait_ms : RETRY_MS);
}

static void put_rate(struct call *call, const struct rate *rate)
{
    call_int(call, rate->interval_us);
    call_int(call, rate->burst);
    call_int(call, rate->pair_interval_ms);
    call_int(call, rate->pair_burst);
    call_int(call, rate->reserve);
}

static void claim(struct lane_worker *w)
{
    size_t want = slots_free(w);
    struct call call;

    w->wanted = false;
    if (w->paused || w->stopping) {
        return;
    }
    if (!worth_a_claim(w)) {
        w->hungry = true; /* when slots are free again; the free ones are not idle for long */
        if (want > 0 && !timer_running(w->timer)) {
            timer_start(w->timer, SIP_MS);
        }
        return;
    }
    want = want > CLAIM_MOST ? CLAIM_MOST : want;
    timer_stop(w->timer);
    w->asked = mono_now();
    call_init_script(&call, "claim", str_of(w->prefix));
    call_str(&call, str_of(commits_of(w->s)->owner));
    call_int(&call, (int64_t)w->serial);
    call_str(&call, w->o.queue);
    call_int(&call, (int64_t)want);
    call_int(&call, w->o.lease_ms);
    call_str(&call, str_make(&(char){(char)w->o.record}, 1));
    put_rate(&call, &w->o.rate);
    lost_put(&w->lost, &call);
    if (w->o.nways > 0) {
        call_int(&call, w->o.ways_after_ms);
    }
    for (size_t i = 0; i < w->o.nways; i++) {
        call_str(&call, w->o.ways[i].sender);
        put_rate(&call, &w->o.ways[i].rate);
    }
    w->claiming = store_run(w->s, &call, on_claimed, w);
}

/* Hands out what came, for as long as a callback may take; the rest in the next turn. False: the
 * worker was freed meanwhile. */
static bool hand_out(struct lane_worker *w)
{
    int64_t since_us = mono_now().us;
    bool gone = false;

    w->gone = &gone;
    for (size_t n = w->nfresh; n > 0 && !gone && w->nfresh > 0; n--) {
        struct item *it = LIST_OF(w->fresh.next, struct item, node);

        list_del(&it->node);
        list_add_tail(&w->out, &it->node);
        w->nfresh--;
        w->nout++;
        w->o.on_item(w->o.ctx, &it->pub);
        if (!gone && w->nfresh > 0 && mono_now().us - since_us > TURN_US) {
            make_due(w);
            break;
        }
    }
    if (!gone) {
        w->gone = NULL;
    }
    return !gone;
}

static void worker_turn(struct lane_worker *w)
{
    if (!hand_out(w)) {
        return;
    }
    if (w->wanted && w->claiming == NULL) {
        claim(w);
    }
    if (w->on_idle != NULL && w->claiming == NULL && w->nout + w->nfresh == 0) {
        loop_fn *on_idle = w->on_idle;

        w->on_idle = NULL;
        on_idle(w->idle_ctx);
    }
}

static void on_next_turn(void *ctx)
{
    (void)ctx; /* that there is one is enough: it ends in lanes_turn() */
}

/*
 * Items are settled with commits and commits bring grants, so this comes before commits_flush();
 * what becomes due while it runs waits for the next turn.
 */
void lanes_turn(struct store *s)
{
    struct list due;

    if (s->lanes == NULL || list_empty(&s->lanes->due)) {
        return;
    }
    list_init(&due);
    while (!list_empty(&s->lanes->due)) {
        struct list *node = s->lanes->due.next;

        list_del(node);
        list_add_tail(&due, node);
    }
    while (!list_empty(&due)) {
        struct lane_worker *w = LIST_OF(due.next, struct lane_worker, due);

        list_del(&w->due);
        worker_turn(w);
    }
    if (!list_empty(&s->lanes->due)) {
        loop_defer(s->l, on_next_turn, NULL);
    }
}
