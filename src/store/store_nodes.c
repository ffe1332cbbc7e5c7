#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#include "commit_int.h"
#include "store_int.h"

/* ---- health ---- */

/* The store is as well as the worst of its nodes; but while some answer, their tenants are served.
 */
static const int worst_first[] = {
    [STORE_DOWN] = 3, [STORE_CONNECTING] = 2, [STORE_WEAK] = 1, [STORE_READY] = 0};

void nodes_tell(struct store *s)
{
    const struct node *worst = NULL;
    enum store_health missing = STORE_DOWN;

    LIST_EACH(it, &s->nodes)
    {
        const struct node *node = LIST_OF(it, struct node, list);

        if (!node->used) {
            continue;
        }
        if (s->cluster != NULL && node->health == STORE_READY) {
            missing = STORE_PARTLY;
        }
        if (worst == NULL || worst_first[node->health] > worst_first[worst->health]) {
            worst = node;
        }
    }
    if (worst == NULL) {
        return; /* no map yet: whoever looks for it tells */
    }
    if (s->cluster != NULL && s->cluster->uncovered > 0 && worst->health != STORE_DOWN) {
        store_set_health(s, missing, "redis %s: %zu of %d slots have no server", s->url.shown,
                         s->cluster->uncovered, CLUSTER_SLOTS);
        return;
    }
    store_set_health(s, worst->health == STORE_DOWN ? missing : worst->health, "%s", worst->reason);
}

void node_set_health(struct node *node, enum store_health health, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(node->reason, sizeof(node->reason), fmt, ap);
    va_end(ap);
    node->health = health;
    nodes_tell(node->s);
}

/* ---- the connection of a node ---- */

bool nodes_find(struct conn *c)
{
    struct store *s = c->s;

    if (s->sentinel != NULL) {
        return sentinel_find(c);
    }
    if (s->cluster != NULL) {
        return c->node != NULL ? c->node->used : cluster_find(c);
    }
    c->to = s->url.places[0];
    return true;
}

void node_tell_up(struct node *node)
{
    const struct conn *c = &node->conn;
    char fault[REASON_BYTES];

    hello_policy(&c->hello, node->s->durability, c->shown, fault, sizeof(fault));
    if (fault[0] != '\0') {
        node_set_health(node, STORE_WEAK, "%s", fault);
    } else {
        node_set_health(node, STORE_READY, "redis at %s answers", c->shown);
    }
}

void node_refuses(struct node *node, struct str why)
{
    if (!node->refuses) {
        node->refuses = true;
        node_set_health(node, STORE_DOWN, "redis at %s refuses: %.*s", node->conn.shown,
                        STR_ARG(why));
    }
}

static void on_up(struct conn *c)
{
    struct store *s = c->s;
    struct node *node = c->node;

    s->stats.reconnects += node->was_up ? 1 : 0;
    node->was_up = true;
    node->refuses = false;
    c->attempts = 0;
    node->hold_ms = node->hold_until_us = 0;
    memset(node->script_missing, 0, scripts_count());
    if (node->witness == NULL) {
        node_tell_up(node);
    } else {
        node_set_health(node, STORE_CONNECTING, "redis at %s is asked for its replicas", c->shown);
        witness_start(node);
    }
    lanes_wake_all(s);
}

static void on_lost(struct conn *c, const char *why)
{
    witness_stop(c->node, "its server is gone");
    node_set_health(c->node, STORE_DOWN, "redis at %s is not available: %s", c->shown, why);
    if (c->s->sentinel != NULL) {
        sentinel_look(c->s);
    } else if (c->s->cluster != NULL) {
        cluster_look(c->s);
    }
}

static void on_pong(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)reply;
    (void)privdata;
    conn_answered(ac->data);
}

static void on_info(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;

    (void)privdata;
    conn_answered(c);
    if (reply != NULL && !c->s->closing && c->node->refuses &&
        str_find(reply_str(reply), STR("cluster_state:ok")) != SIZE_MAX) {
        c->node->refuses = false;
        node_tell_up(c->node);
    }
}

static void on_beat(struct conn *c)
{
    struct call call;

    call_init(&call);
    if (c->node->refuses) { /* with nobody asking it would be down for ever */
        call_str(&call, STR("CLUSTER"));
        call_str(&call, STR("INFO"));
        conn_send_call(c, &call, on_info, NULL);
        return;
    }
    call_str(&call, STR("PING"));
    conn_send_call(c, &call, on_pong, NULL);
}

static const struct conn_role role = {"main", SILENT_MS, nodes_find, hello_main,
                                      on_up,  on_lost,   on_beat};

/* ---- life ---- */

struct node *node_new(struct store *s)
{
    struct node *node = MEM_NEW(struct node);

    node->s = s;
    node->used = true;
    node->health = STORE_CONNECTING;
    snprintf(node->reason, sizeof(node->reason), "%s", s->reason);
    node->script_missing = mem_new(scripts_count() + 1);
    list_init(&node->fresh);
    list_init(&node->retry);
    list_add_tail(&s->nodes, &node->list);
    conn_init(&node->conn, s, &role);
    node->conn.node = node;
    node->witness = witness_new(node);
    return node;
}

struct node *node_at(struct store *s, const struct place *place)
{
    struct node *spare = NULL;

    LIST_EACH(it, &s->nodes)
    {
        struct node *node = LIST_OF(it, struct node, list);

        if (place_eq(&node->conn.to, place)) {
            spare = node;
            break;
        }
        if (!node->used && node->conn.state == CONN_WAITING && list_empty(&node->fresh) &&
            list_empty(&node->retry)) {
            spare = node; /* of a server that is gone */
        }
    }
    if (spare == NULL) {
        spare = node_new(s);
        spare->used = false;
    }
    if (!spare->used) {
        spare->used = true;
        spare->conn.to = *place;
        spare->health = STORE_CONNECTING;
        snprintf(spare->reason, sizeof(spare->reason), "redis at %s:%d is being connected to",
                 place->host, place->port);
        conn_start(&spare->conn);
    }
    return spare;
}

void nodes_free(struct store *s)
{
    while (!list_empty(&s->nodes)) {
        struct node *node = LIST_OF(s->nodes.next, struct node, list);

        list_del(&node->list);
        run_free(&node->fresh);
        run_free(&node->retry);
        witness_free(&node->witness);
        replies_free(&node->conn.replies);
        mem_free(&node->script_missing);
        mem_free(&node);
    }
}
