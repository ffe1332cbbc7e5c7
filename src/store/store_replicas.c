#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/mem.h"

#include "store_int.h"

/*
 * durability.replicas: what a node answered is called back when so many replicas have it. A second
 * connection to the same server asks them: WAIT would hold up all calls behind it on theirs. WAIT
 * asks for what its own connection wrote last, so a PUBLISH goes in front: it is passed on to
 * replicas, and so stands behind all that was answered before; no file is written for it. In a
 * cluster it is not passed on; there any command takes the mark.
 *
 * One WAIT is under way at a time, for all that was answered before it; answers gather meanwhile.
 * With too few replicas it is asked again and again; whoever waits fails at his deadline, as if
 * Redis were gone. What was written stays and is found when it is asked again.
 *
 * Only the server that gave an answer can vouch for it: when either connection is lost, what was
 * held is asked again from the beginning.
 *
 * A replica that "has" it has it in memory; its own appendfsync says when it is on its disk.
 *
 * Source: Redis 7.0, replication.c waitCommand(), server.c processCommand() ("c->woff"), pubsub.c
 * publishCommand().
 */

#define WAIT_MS "1000"

struct witness {
    struct conn conn;
    struct node *node;
    struct list held, asked; /* answered; of these, those that the WAIT under way is about */
    bool asking, unmarked, enough;
};

/* ---- what is held ---- */

static struct pending *take_first(struct list *from)
{
    struct pending *p = LIST_OF(from->next, struct pending, queue);

    list_del(&p->queue);
    return p;
}

static void ask_all_again(struct witness *w)
{
    struct list *lists[] = {&w->asked, &w->held};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        while (!list_empty(lists[i])) {
            run_unhold(take_first(lists[i]));
        }
    }
}

static void move(struct list *from, struct list *to)
{
    while (!list_empty(from)) {
        list_add_tail(to, &take_first(from)->queue);
    }
}

void witness_hold(struct pending *p)
{
    list_add_tail(&p->node->witness->held, &p->queue);
}

/* ---- asking ---- */

static void take(struct witness *w, int64_t have)
{
    struct store *s = w->node->s;
    bool enough = have >= s->replicas;

    if (enough) {
        while (!list_empty(&w->asked)) {
            run_confirmed(take_first(&w->asked));
        }
    }
    if (!enough) {
        node_set_health(w->node, STORE_DOWN,
                        "redis at %s is not enough: %d of %d replicas have what it writes "
                        "(durability.replicas)",
                        w->node->conn.shown, (int)have, (int)s->replicas);
    } else if (!w->enough) {
        node_tell_up(w->node);
    }
    w->enough = enough;
    run_drain(s);
}

static void on_marked(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    struct witness *w = LIST_OF(c, struct witness, conn);

    (void)privdata;
    conn_answered(c);
    w->unmarked = reply == NULL || reply_failure(reply) != NULL;
}

static void on_waited(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    struct witness *w = LIST_OF(c, struct witness, conn);
    const struct reply *error;

    (void)privdata;
    conn_answered(c);
    w->asking = false;
    if (reply == NULL || c->s->closing) {
        return;
    }
    error = reply_failure(reply);
    if (error != NULL || w->unmarked) {
        conn_drop(c, "%.*s",
                  STR_ARG(error != NULL ? reply_error_text(error) : STR("PUBLISH is refused")));
        return;
    }
    take(w, reply_int(reply));
}

static void ask(struct conn *c)
{
    struct witness *w = LIST_OF(c, struct witness, conn);
    struct call call;

    if (w->asking) {
        return;
    }
    move(&w->held, &w->asked);
    w->asking = w->unmarked = true;
    call_init(&call);
    if (c->s->cluster == NULL) {
        call_str(&call, STR("PUBLISH"));
        call_str(&call, STR("crewline:replicas"));
        call_str(&call, STR(""));
    } else {
        call_str(&call, STR("TIME"));
    }
    conn_send_call(c, &call, on_marked, NULL);
    call_init(&call);
    call_str(&call, STR("WAIT"));
    call_int(&call, c->s->replicas);
    call_str(&call, STR(WAIT_MS));
    conn_send_call(c, &call, on_waited, NULL);
}

void witness_turn(struct node *node)
{
    struct witness *w = node->witness;

    if (w != NULL && w->conn.state == CONN_UP &&
        (!w->enough || !list_empty(&w->held) || !list_empty(&w->asked))) {
        ask(&w->conn);
    }
}

/* ---- the connection ---- */

/* The very server: a name may have several addresses. */
static bool find(struct conn *c)
{
    const struct conn *of = &LIST_OF(c, struct witness, conn)->node->conn;
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    char text[INET6_ADDRSTRLEN];
    const void *ip;

    if (of->state != CONN_UP || of->ac == NULL) {
        return false;
    }
    c->to = of->to;
    if (c->to.port != 0 && getpeername(of->ac->c.fd, (struct sockaddr *)&a, &n) == 0) {
        ip = a.ss_family == AF_INET ? (const void *)&((struct sockaddr_in *)(void *)&a)->sin_addr
                                    : (const void *)&((struct sockaddr_in6 *)(void *)&a)->sin6_addr;
        place_set(&c->to, str_of(inet_ntop(a.ss_family, ip, text, sizeof(text))), c->to.port);
    }
    return true;
}

static void on_up(struct conn *c)
{
    c->attempts = 0;
    c->backoff_ms = 0;
    ask(c);
}

static void on_lost(struct conn *c, const char *why)
{
    struct witness *w = LIST_OF(c, struct witness, conn);
    struct node *node = w->node;

    w->asking = w->enough = false;
    if (node->conn.state != CONN_UP) {
        return;
    }
    if (!list_empty(&w->held) || !list_empty(&w->asked)) {
        conn_drop(&node->conn, "replicas cannot be asked for: %s", why);
    } else {
        node_set_health(node, STORE_DOWN, "replicas of redis at %s cannot be asked for: %s",
                        node->conn.shown, why);
    }
}

static const struct conn_role role = {"replicas", SILENT_MS, find, hello_sub, on_up, on_lost, ask};

struct witness *witness_new(struct node *node)
{
    struct witness *w;

    if (node->s->replicas == 0) {
        return NULL;
    }
    w = MEM_NEW(struct witness);
    w->node = node;
    list_init(&w->held);
    list_init(&w->asked);
    conn_init(&w->conn, node->s, &role);
    return w;
}

void witness_free(struct witness **owner)
{
    struct witness *w = *owner;

    if (w == NULL) {
        return;
    }
    run_free(&w->held);
    run_free(&w->asked);
    replies_free(&w->conn.replies);
    mem_free(owner);
}

void witness_start(struct node *node)
{
    if (node->witness != NULL) {
        conn_start(&node->witness->conn);
    }
}

void witness_stop(struct node *node, const char *why)
{
    struct witness *w = node->witness;

    if (w != NULL) {
        ask_all_again(w);
        conn_drop(&w->conn, "%s", why);
    }
}
