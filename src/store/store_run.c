#include <assert.h>

#include "base/mem.h"

#include "store_int.h"

#define SPARE_MAX 4096

static struct pending *pending_new(struct store *s)
{
    struct pending *p = s->spare;

    if (p == NULL) {
        return mem_new(sizeof(*p));
    }
    s->spare = (struct pending *)(void *)p->queue.next;
    s->nspare--;
    return p;
}

static void pending_free(struct pending *p)
{
    struct store *s = p->s;

    mem_free(&p->bytes);
    if (s->nspare >= SPARE_MAX) {
        mem_free(&p);
        return;
    }
    p->queue.next = (struct list *)(void *)s->spare;
    s->spare = p;
    s->nspare++;
}

/* Nobody waits for it any more. */
static void let_go(struct pending *p)
{
    struct store *s = p->s;

    p->on_reply = NULL;
    list_del(&p->wheel);
    s->stats.pending--;
    s->pending_bytes -= p->n;
    mem_free(&p->bytes);
}

static void deliver(struct pending *p, const struct err *err, const struct reply *reply)
{
    reply_fn *on_reply = p->on_reply;
    void *ctx = p->ctx;

    if (on_reply != NULL) {
        let_go(p);
    }
    if (p->place == IN_SENT) {
        pending_free(p);
    } else {
        list_del(&p->queue);
        pending_free(p);
    }
    if (on_reply != NULL) {
        on_reply(ctx, err, reply);
    }
}

static void came_back(struct pending *p)
{
    if (p->s->cluster != NULL) {
        cluster_back(p);
    }
}

static void on_cancel(struct op *op)
{
    struct pending *p = (struct pending *)(void *)op;

    assert(p->on_reply != NULL);
    let_go(p);
    if (p->place == IN_READY || p->place == IN_HELD) {
        came_back(p);
        reply_drop(p->reply);
    }
    if (p->place != IN_SENT) {
        list_del(&p->queue);
        pending_free(p);
    }
}

static void wheel_add(struct store *s, struct pending *p)
{
    list_add_tail(&s->wheel[(p->deadline_us >> WHEEL_SHIFT) % WHEEL_SLOTS], &p->wheel);
}

static void place_fresh(struct store *s, struct pending *p)
{
    p->node = s->first;
    if (s->cluster != NULL) {
        p->slot = cluster_slot(p);
        p->node = cluster_route(s, p);
        if (p->node == NULL) {
            cluster_park(s, p);
            return;
        }
    }
    list_add_tail(&p->node->fresh, &p->queue);
}

struct op *store_run_for(struct store *s, struct call *c, int64_t deadline_ms, reply_fn *on_reply,
                         void *ctx)
{
    struct pending *p = pending_new(s);

    assert(on_reply != NULL);
    store_tick_start(s);
    *p = (struct pending){.op = {on_cancel}, .s = s, .script = c->script, .on_reply = on_reply};
    p->ctx = ctx;
    p->asked_us = mono_now().us;
    p->deadline_us = p->asked_us + deadline_ms * 1000;
    p->seq = ++s->seq;
    s->stats.calls++;
    s->stats.pending++;
    list_init(&p->queue);
    if (!buf_ok(&c->resp)) {
        p->doom = ERR_STORE_REPLY;
    } else if (s->pending_bytes + c->resp.n > PENDING_BYTES_MAX) {
        p->doom = ERR_STORE_UNAVAILABLE;
    }
    if (p->doom != ERR_NONE) {
        p->place = IN_DOOMED;
        list_add_tail(&s->doomed, &p->queue);
        call_fini(c);
    } else {
        struct str bytes = call_seal(c);

        p->from = (uint32_t)(bytes.p - c->resp.p);
        p->n = buf_take(&c->resp, &p->bytes);
        s->pending_bytes += p->n;
        p->place = IN_FRESH;
        place_fresh(s, p);
    }
    wheel_add(s, p);
    return &p->op;
}

struct op *store_run(struct store *s, struct call *c, reply_fn *on_reply, void *ctx)
{
    return store_run_for(s, c, s->deadline_ms, on_reply, ctx);
}

/* To be asked again, in the order asked. The walk is short: what comes back comes back in order. */
void run_again(struct pending *p)
{
    struct list *retry, *after;

    if (p->s->cluster != NULL) {
        p->node = cluster_route(p->s, p);
        if (p->node == NULL) {
            cluster_park(p->s, p);
            return;
        }
    }
    retry = &p->node->retry;
    after = retry->prev;
    while (after != retry && LIST_OF(after, struct pending, queue)->seq > p->seq) {
        after = after->prev;
    }
    p->place = IN_RETRY;
    list_add_tail(after->next, &p->queue);
}

static void ask_again(struct pending *p)
{
    if (p->on_reply == NULL) {
        pending_free(p);
    } else {
        run_again(p);
    }
}

static void hold(struct node *node)
{
    int64_t now = mono_now().us;

    if (now < node->hold_until_us) {
        return; /* the others that were under way say the same */
    }
    node->hold_ms = node->hold_ms == 0 ? HOLD_MIN_MS : node->hold_ms * 2;
    node->hold_ms = node->hold_ms > HOLD_MAX_MS ? HOLD_MAX_MS : node->hold_ms;
    node->hold_until_us = now + node->hold_ms * 1000;
}

static void on_error_reply(struct pending *p, struct str text)
{
    struct node *node;
    struct err err = {0};

    switch (store_action_of(text)) {
    case ACT_RELOAD:
        if (p->script < 0) {
            break;
        }
        p->node->script_missing[p->script] = true;
        ask_again(p);
        return;
    case ACT_WAIT:
        hold(p->node);
        ask_again(p);
        return;
    case ACT_RECONNECT:
        node = p->node;
        ask_again(p);
        conn_drop(&node->conn, "%.*s", STR_ARG(text));
        return;
    case ACT_PARK:
        if (p->s->cluster == NULL) {
            hold(p->node);
            ask_again(p);
        } else {
            if (str_starts(text, STR("CLUSTERDOWN"))) {
                node_refuses(p->node, text);
            }
            cluster_park(p->s, p);
        }
        return;
    case ACT_MOVED:
    case ACT_ASK:
        if (p->s->cluster == NULL) {
            err_set(&err, ERR_STORE_REPLY,
                    "redis: %.*s: it is a cluster: its address must begin with redis+cluster://",
                    STR_ARG(text));
            deliver(p, &err, NULL);
            return;
        }
        if (store_action_of(text) == ACT_MOVED) {
            cluster_moved(p, text);
        } else {
            cluster_ask(p, text);
        }
        return;
    case ACT_FULL:
        err_set(&err, ERR_STORE_FULL, "redis: %.*s", STR_ARG(text));
        deliver(p, &err, NULL);
        return;
    case ACT_FAIL:
        break;
    }
    err_set(&err, ERR_STORE_REPLY, "redis: %.*s", STR_ARG(text));
    deliver(p, &err, NULL);
}

static void hold_answer(struct pending *p, struct reply *reply)
{
    reply_keep(reply);
    p->reply = reply;
    p->place = IN_HELD;
    if (list_empty(&p->wheel)) {
        wheel_add(p->s, p);
    }
    witness_hold(p);
}

static void settle(struct pending *p, struct reply *reply)
{
    const struct reply *error = reply_failure(reply);

    if (error == NULL && p->node->witness != NULL && !p->confirmed) {
        hold_answer(p, reply);
        return;
    }
    came_back(p);
    if (error != NULL) {
        on_error_reply(p, reply_error_text(error));
        return;
    }
    p->node->hold_ms = 0;
    p->node->conn.backoff_ms = 0;
    if (p->node->refuses) {
        p->node->refuses = false;
        node_tell_up(p->node);
    }
    deliver(p, NULL, reply);
}

static bool turn_is_over(int64_t since_us)
{
    return mono_now().us - since_us > TURN_US;
}

static void on_reply(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct pending *p = privdata;
    struct store *s = p->s;

    (void)ac;
    conn_answered(&p->node->conn);
    if (s->closing || (reply != NULL && p->on_reply == NULL)) {
        came_back(p);
        pending_free(p);
        return;
    }
    if (reply == NULL) {
        came_back(p);
        ask_again(p);
        return;
    }
    if (s->heard_us - p->asked_us > s->stats.reply_us_max) {
        s->stats.reply_us_max = s->heard_us - p->asked_us;
    }
    if (list_empty(&s->ready) && !turn_is_over(s->heard_us)) {
        settle(p, reply);
        return;
    }
    /* One read brings thousands of small replies; their callbacks must not hold the loop. */
    reply_keep(reply);
    p->reply = reply;
    p->place = IN_READY;
    list_del(&p->wheel); /* answered in time */
    list_add_tail(&s->ready, &p->queue);
}

void run_unhold(struct pending *p)
{
    came_back(p);
    reply_drop(p->reply);
    run_again(p);
}

void run_confirmed(struct pending *p)
{
    p->confirmed = true;
    p->place = IN_READY;
    list_del(&p->wheel);
    list_add_tail(&p->s->ready, &p->queue);
}

void run_ready(struct store *s)
{
    int64_t since_us = mono_now().us;

    while (!list_empty(&s->ready) && !s->closing && !turn_is_over(since_us)) {
        struct pending *p = LIST_OF(s->ready.next, struct pending, queue);
        struct reply *reply = p->reply;

        list_del(&p->queue);
        p->place = IN_SENT;
        settle(p, reply);
        reply_drop(reply);
    }
}

void run_drain(struct store *s)
{
    run_ready(s);
    if (!s->closing && !list_empty(&s->ready)) {
        timer_start(s->drain, 0);
    }
}

/* ---- sending ---- */

static struct pending *next_to_send(struct node *node)
{
    struct list *from = !list_empty(&node->retry) ? &node->retry : &node->fresh;

    return list_empty(from) ? NULL : LIST_OF(from->next, struct pending, queue);
}

static void on_asking(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)reply;
    (void)privdata;
    conn_answered(ac->data);
}

/* A script that Redis has lost goes right in front of the call that needs it. */
static bool send_one(struct node *node, struct pending *p)
{
    struct conn *c = &node->conn;

    if (p->script >= 0 && node->script_missing[p->script]) {
        node->script_missing[p->script] = false;
        hello_load_script(c, (size_t)p->script);
    }
    if (p->asking) {
        struct call asking;

        call_init(&asking);
        call_str(&asking, STR("ASKING"));
        conn_send_call(c, &asking, on_asking, NULL);
    }
    if (redisAsyncFormattedCommand(c->ac, on_reply, p, p->bytes + p->from, p->n - p->from) != 0) {
        return false; /* it is being closed */
    }
    list_del(&p->queue);
    p->place = IN_SENT;
    p->asking = false;
    if (p->s->cluster != NULL) {
        cluster_out(p);
    }
    c->silent_ms = c->due == 0 ? 0 : c->silent_ms;
    c->due++;
    p->s->stats.reasked += p->again ? 1 : 0;
    p->again = true;
    return true;
}

static bool may_send(struct node *node)
{
    const struct conn *c = &node->conn;

    if (c->state != CONN_UP || c->ac == NULL || c->blocked) {
        return false;
    }
    if (node->hold_until_us != 0) {
        if (mono_now().us < node->hold_until_us) {
            return false;
        }
        node->hold_until_us = 0;
    }
    return true;
}

bool run_feed(struct node *node)
{
    struct pending *p;

    if (list_empty(&node->fresh) && list_empty(&node->retry)) {
        return false;
    }
    if (!may_send(node)) {
        return false;
    }
    while ((p = next_to_send(node)) != NULL) {
        if (conn_unsent_bytes(&node->conn) >= SEND_WINDOW_BYTES) {
            return true;
        }
        if (!send_one(node, p)) {
            return false;
        }
    }
    return false;
}

/* ---- failing ---- */

void run_doomed(struct store *s)
{
    while (!list_empty(&s->doomed) && !s->closing) {
        struct pending *p = LIST_OF(s->doomed.next, struct pending, queue);
        struct err err = {0};

        if (p->doom == ERR_STORE_REPLY) {
            err_set(&err, p->doom, "a call to redis is over %zu bytes", CALL_BYTES_MAX);
        } else {
            err_set(&err, p->doom, "redis is too slow: %zu bytes wait for it", s->pending_bytes);
        }
        deliver(p, &err, NULL);
    }
}

static void expire_one(struct store *s, struct pending *p)
{
    struct err err = {0};
    int64_t ms = (p->deadline_us - p->asked_us) / 1000;

    if (p->moving) {
        err_set(&err, ERR_STORE_UNAVAILABLE,
                "slot %d of redis %s is on its way to another server and did not arrive within "
                "%lld ms: end the resharding, or mend it with redis-cli --cluster fix",
                p->slot, s->url.shown, (long long)ms);
    } else if (p->place == IN_HELD) {
        err_set(&err, ERR_STORE_UNAVAILABLE,
                "redis at %s has it, but fewer than %d replicas had it within %lld ms",
                p->node->conn.shown, (int)s->replicas, (long long)ms);
        came_back(p);
        reply_drop(p->reply);
    } else if (p->node != NULL && p->node->conn.state == CONN_UP) {
        err_set(&err, ERR_STORE_UNAVAILABLE, "redis at %s did not answer within %lld ms",
                p->node->conn.shown, (long long)ms);
    } else {
        err_set(&err, ERR_STORE_UNAVAILABLE, "%s", p->node == NULL ? s->reason : p->node->reason);
    }
    if (p->place == IN_SENT) {
        /* Its reply is still to come and must find its place in the order. */
        reply_fn *fn = p->on_reply;
        void *ctx = p->ctx;

        let_go(p);
        fn(ctx, &err, NULL);
    } else {
        deliver(p, &err, NULL);
    }
}

static void move_all(struct list *from, struct list *to)
{
    while (!list_empty(from)) {
        struct list *node = from->next;

        list_del(node);
        list_add_tail(to, node);
    }
}

/* One slot of the wheel. Moved aside first: callbacks cancel others of it and ask anew. */
static bool expire_slot(struct store *s, struct list *slot, int64_t now_us)
{
    int64_t since_us = mono_now().us;
    struct list due;

    list_init(&due);
    move_all(slot, &due);
    while (!list_empty(&due) && !s->closing && !turn_is_over(since_us)) {
        struct pending *p = LIST_OF(due.next, struct pending, wheel);

        list_del(&p->wheel);
        if (p->deadline_us > now_us) {
            wheel_add(s, p);
        } else {
            expire_one(s, p);
        }
    }
    if (list_empty(&due)) {
        return true;
    }
    move_all(&due, slot);
    return false;
}

bool run_expire(struct store *s, int64_t now_us)
{
    int64_t to = now_us >> WHEEL_SHIFT;

    if (to - s->wheel_at > WHEEL_SLOTS) {
        s->wheel_at = to - WHEEL_SLOTS;
    }
    for (; s->wheel_at < to; s->wheel_at++) {
        if (!expire_slot(s, &s->wheel[s->wheel_at % WHEEL_SLOTS], now_us)) {
            return false;
        }
    }
    return true;
}

void run_free(struct list *queue)
{
    while (!list_empty(queue)) {
        struct pending *p = LIST_OF(queue->next, struct pending, queue);

        list_del(&p->queue);
        if (p->place == IN_READY || p->place == IN_HELD) {
            reply_drop(p->reply);
        }
        mem_free(&p->bytes);
        mem_free(&p);
    }
}

/* What was sent came back through on_reply() when the connection closed. */
void run_free_all(struct store *s)
{
    run_free(&s->ready);
    run_free(&s->doomed);
    while (s->spare != NULL) {
        struct pending *p = pending_new(s);

        mem_free(&p);
    }
}
