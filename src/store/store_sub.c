#include "base/log.h"
#include "base/mem.h"

#include "commit_int.h"
#include "store_int.h"

static void on_message(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    struct str kind = reply_str(reply_at(reply, 0)), channel = reply_str(reply_at(reply, 1));

    (void)privdata;
    if (reply == NULL || c->s->closing) {
        return;
    }
    if (str_eqz(kind, "subscribe")) {
        conn_answered(c);
        return;
    }
    if (!str_eqz(kind, "message")) {
        return;
    }
    LIST_EACH(it, &c->s->subscriptions)
    {
        struct subscription *sub = LIST_OF(it, struct subscription, node);

        if (str_eqz(channel, sub->channel)) {
            sub->on_message(sub->ctx, channel, reply_str(reply_at(reply, 2)));
            if (c->s->closing) {
                return;
            }
        }
    }
}

static void say_subscribe(struct conn *c, const struct subscription *sub)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("SUBSCRIBE"));
    call_str(&call, str_of(sub->channel));
    conn_send_call(c, &call, on_message, NULL);
}

static void on_up(struct conn *c)
{
    LIST_EACH(it, &c->s->subscriptions)
    {
        say_subscribe(c, LIST_OF(it, struct subscription, node));
    }
    c->backoff_ms = 0;
    lanes_wake_all(c->s); /* what was published meanwhile is lost */
}

static void on_lost(struct conn *c, const char *why)
{
    if (c->attempts == 1) {
        log_warn("redis subscription lost", LF_Z("redis", c->shown), LF_Z("why", why));
    }
}

/*
 * A subscriber only listens, so a dead peer would go unnoticed. hiredis cannot match the answer to
 * a PING in this mode; subscribing again is answered in a way that it knows, and changes nothing.
 */
static void on_beat(struct conn *c)
{
    if (!list_empty(&c->s->subscriptions)) {
        say_subscribe(c, LIST_OF(c->s->subscriptions.next, struct subscription, node));
    }
}

static const struct conn_role role = {"subscriptions", SILENT_MS, nodes_find, hello_sub,
                                      on_up,           on_lost,   on_beat};

void store_sub_init(struct store *s)
{
    list_init(&s->subscriptions);
    conn_init(&s->sub, s, &role);
}

void store_sub_fini(struct store *s)
{
    while (!list_empty(&s->subscriptions)) {
        struct subscription *sub = LIST_OF(s->subscriptions.next, struct subscription, node);

        list_del(&sub->node);
        mem_free(&sub->channel);
        mem_free(&sub);
    }
}

void store_subscribe(struct store *s, struct str channel, message_fn *fn, void *ctx)
{
    struct subscription *sub = MEM_NEW(struct subscription);
    bool first = list_empty(&s->subscriptions);

    sub->channel = mem_dupz(channel);
    sub->on_message = fn;
    sub->ctx = ctx;
    list_add_tail(&s->subscriptions, &sub->node);
    if (first) {
        conn_start(&s->sub);
    } else if (s->sub.state == CONN_UP) {
        say_subscribe(&s->sub, sub);
    }
}
