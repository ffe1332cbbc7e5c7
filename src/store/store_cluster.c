#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

#include "store_int.h"

/*
 * A cluster gives each of 16384 slots to a master; a key's slot is CRC16 of what stands in its
 * braces, so a tenant is in one. We keep the map (CLUSTER SLOTS, from any node), correct it by
 * every MOVED, and ask for it anew then and when a node is lost.
 *
 * While a slot is handed over, its old owner answers ASK for keys that it does not have, and a call
 * that reads one key is asked at the new owner, behind ASKING. A script is not: the keys that it
 * works on are not named in the call, half of them may still be at the old owner, and the new one
 * would take them for absent and begin anew beside them. Its key, the bare prefix "{acme}:", exists
 * nowhere, so that the old owner answers ASK for every script from the first moment of the
 * hand-over on, and whoever runs one runs it with all keys. Scripts of such a tenant wait until the
 * slot has its owner again, or their deadline.
 *
 * Calls of a slot that is under way keep their order: none goes to a node while some are out at
 * another, and none overtakes those that are parked.
 *
 * Source: Redis cluster specification, "Redirection and resharding"; Redis 7.0, cluster.c
 * getNodeByQuery().
 */

#define LOOKS_MAX 4 /* at one node; then another may know better */

static const uint16_t crc_rows[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                      0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                      0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};

/* CRC-16/XMODEM, half a byte at a time. */
static uint16_t crc16(struct str text)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t byte = (uint8_t)text.p[i];

        crc = (uint16_t)((crc << 4) ^ crc_rows[(crc >> 12) ^ (byte >> 4)]);
        crc = (uint16_t)((crc << 4) ^ crc_rows[(crc >> 12) ^ (byte & 15)]);
    }
    return crc;
}

/* The nth argument of a command in RESP, from 0; STR_NONE if there is none. */
static struct str argument(struct str resp, size_t nth)
{
    struct str line, rest;
    int64_t n = 0;

    str_cut(resp, '\n', &line, &rest);
    for (size_t i = 0; rest.n > 0; i++) {
        str_cut(rest, '\n', &line, &rest);
        if (line.n < 3 || !str_to_i64(str_slice(line, 1, line.n - 1), 0, INT64_MAX, &n)) {
            return STR_NONE;
        }
        if (i == nth) {
            return str_slice(rest, 0, (size_t)n);
        }
        rest = str_slice(rest, (size_t)n + 2, rest.n);
    }
    return STR_NONE;
}

int cluster_slot(const struct pending *p)
{
    struct str resp = str_make(p->bytes + p->from, p->n - p->from);
    struct str key = argument(resp, p->script >= 0 ? 3 : 1);
    size_t open, close;

    if (key.p == NULL) {
        return -1;
    }
    open = str_find_char(key, '{', 0);
    close = open == SIZE_MAX ? SIZE_MAX : str_find_char(key, '}', open);
    if (close != SIZE_MAX && close > open + 1) {
        key = str_slice(key, open + 1, close);
    }
    return crc16(key) % CLUSTER_SLOTS;
}

/* ---- where a call goes ---- */

static struct node *any_node(struct store *s)
{
    struct node *found = NULL;

    LIST_EACH(it, &s->nodes)
    {
        struct node *node = LIST_OF(it, struct node, list);

        if (node->used && (found == NULL || node->conn.state == CONN_UP)) {
            found = node;
        }
    }
    return found;
}

struct node *cluster_route(struct store *s, struct pending *p)
{
    const struct slot *slot;

    if (p->slot < 0) {
        return any_node(s);
    }
    slot = &s->cluster->slots[p->slot];
    if (slot->node == NULL || slot->parked || (slot->out > 0 && slot->out_at != slot->node)) {
        return NULL;
    }
    return slot->node;
}

/* In order: what comes back was asked before what waits already. */
void cluster_park(struct store *s, struct pending *p)
{
    struct list *after = s->cluster->parked.prev;

    if (p->on_reply == NULL) {
        run_again(p);
        return;
    }
    while (after != &s->cluster->parked && LIST_OF(after, struct pending, queue)->seq > p->seq) {
        after = after->prev;
    }
    p->place = IN_RETRY;
    p->node = NULL;
    p->asking = false;
    list_add_tail(after->next, &p->queue);
    if (p->slot >= 0) {
        s->cluster->slots[p->slot].parked = true;
    }
}

static void unpark(struct store *s)
{
    struct list all;

    list_init(&all);
    while (!list_empty(&s->cluster->parked)) {
        struct pending *p = LIST_OF(s->cluster->parked.next, struct pending, queue);

        list_del(&p->queue);
        list_add_tail(&all, &p->queue);
        if (p->slot >= 0) {
            s->cluster->slots[p->slot].parked = false;
        }
    }
    while (!list_empty(&all)) {
        struct pending *p = LIST_OF(all.next, struct pending, queue);

        list_del(&p->queue);
        run_again(p);
    }
}

void cluster_tick(struct store *s)
{
    if (!list_empty(&s->cluster->parked)) {
        unpark(s);
    }
}

void cluster_out(struct pending *p)
{
    if (p->slot >= 0) {
        struct slot *slot = &p->s->cluster->slots[p->slot];

        slot->out++;
        slot->out_at = p->node;
    }
}

void cluster_back(struct pending *p)
{
    if (p->slot >= 0) {
        p->s->cluster->slots[p->slot].out--;
    }
}

/* "MOVED 3999 10.0.0.7:6379"; without a host it is the one that says so. */
static bool redirect(const struct pending *p, struct str text, struct place *out)
{
    struct str word, host;
    size_t colon = SIZE_MAX;
    int64_t port;

    str_cut(text, ' ', &word, &text);
    str_cut(text, ' ', &word, &host);
    for (size_t i = 0; i < host.n; i++) {
        colon = host.p[i] == ':' ? i : colon;
    }
    if (colon == SIZE_MAX || !str_to_i64(str_slice(host, colon + 1, host.n), 1, 65535, &port)) {
        return false;
    }
    host = colon == 0 ? str_of(p->node->conn.to.host) : str_slice(host, 0, colon);
    place_set(out, host, (int)port);
    return true;
}

void cluster_moved(struct pending *p, struct str text)
{
    struct store *s = p->s;
    struct place place;

    s->stats.redirects++;
    if (p->slot >= 0 && redirect(p, text, &place)) {
        s->cluster->slots[p->slot].node = node_at(s, &place);
    }
    cluster_look(s);
    run_again(p);
}

void cluster_ask(struct pending *p, struct str text)
{
    struct place place;

    p->s->stats.redirects++;
    p->moving = true;
    if (p->script >= 0 || !redirect(p, text, &place)) {
        cluster_park(p->s, p);
        return;
    }
    p->node = node_at(p->s, &place);
    p->asking = true;
    p->place = IN_RETRY;
    list_add_tail(&p->node->retry, &p->queue);
}

/* ---- the map ---- */

/* Where calls wait that are not sent: those whose slot has another owner now go there. */
static void reroute(struct store *s, struct node *node, struct list *queue)
{
    LIST_EACH_SAFE(it, next, queue)
    {
        struct pending *p = LIST_OF(it, struct pending, queue);

        if (p->slot < 0 ? !node->used : s->cluster->slots[p->slot].node != node && !p->asking) {
            list_del(&p->queue);
            run_again(p);
        }
    }
}

static void settle_nodes(struct store *s)
{
    LIST_EACH(it, &s->nodes)
    {
        struct node *node = LIST_OF(it, struct node, list);

        reroute(s, node, &node->fresh);
        reroute(s, node, &node->retry);
        if (!node->used) {
            conn_drop(&node->conn, "it has no part in the cluster any more");
        }
    }
    unpark(s);
    nodes_tell(s);
    if (s->sub.state == CONN_WAITING && !list_empty(&s->subscriptions) &&
        !timer_running(s->sub.retry)) {
        conn_start(&s->sub);
    }
}

/* {first, last, {host, port, …} of the master, …} */
static size_t take_range(struct conn *c, const struct reply *range)
{
    struct cluster *cl = c->s->cluster;
    const struct reply *master = reply_at(range, 2);
    int64_t from = reply_int(reply_at(range, 0)), to = reply_int(reply_at(range, 1));
    int64_t port = reply_int(reply_at(master, 1));
    struct str host = reply_str(reply_at(master, 0));
    struct place place;
    struct node *node;

    if (from < 0 || to < from || to >= CLUSTER_SLOTS || port < 1 || port > 65535 ||
        host.n >= HOST_BYTES) {
        return 0;
    }
    place_set(&place, host.n == 0 || str_eqz(host, "?") ? str_of(c->to.host) : host, (int)port);
    node = node_at(c->s, &place);
    for (int64_t i = from; i <= to; i++) {
        cl->slots[i].node = node;
    }
    return (size_t)(to - from + 1);
}

bool cluster_take(struct conn *c, const struct reply *r)
{
    struct store *s = c->s;
    struct cluster *cl = s->cluster;
    size_t covered = 0;

    if (reply_len(r) == 0) {
        return false;
    }
    for (size_t i = 0; i < CLUSTER_SLOTS; i++) {
        cl->slots[i].node = NULL;
    }
    for (size_t i = 0; i < reply_len(r); i++) {
        covered += take_range(c, reply_at(r, i));
    }
    LIST_EACH(it, &s->nodes)
    {
        LIST_OF(it, struct node, list)->used = false;
    }
    for (size_t i = 0; i < CLUSTER_SLOTS; i++) {
        if (cl->slots[i].node != NULL) {
            cl->slots[i].node->used = true;
        }
    }
    cl->known = true;
    cl->uncovered = covered >= CLUSTER_SLOTS ? 0 : CLUSTER_SLOTS - covered;
    settle_nodes(s);
    return true;
}

static void on_map(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;

    (void)privdata;
    conn_answered(c);
    if (reply == NULL || c->s->closing) {
        return;
    }
    if (reply_failure(reply) != NULL || !cluster_take(c, reply)) {
        conn_drop(c, "it does not tell the map of the cluster");
    }
}

static void ask_for_map(struct conn *c)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("CLUSTER"));
    call_str(&call, STR("SLOTS"));
    conn_send_call(c, &call, on_map, NULL);
}

void cluster_look(struct store *s)
{
    struct cluster *cl = s->cluster;

    if (cl->conn.state != CONN_UP || cl->conn.due > 0) {
        return; /* it is being asked for */
    }
    if (cl->looks++ >= LOOKS_MAX) {
        cl->looks = 0;
        conn_drop(&cl->conn, "another one may know the map better");
        return;
    }
    ask_for_map(&cl->conn);
}

bool cluster_find(struct conn *c)
{
    const struct node *node = any_node(c->s);

    if (node != NULL) {
        c->to = node->conn.to;
    }
    return node != NULL;
}

/* Those of the address and those of the map, in turn: any may be down. */
static bool find(struct conn *c)
{
    struct store *s = c->s;
    size_t n = s->cluster->next++, at = s->url.nplaces;

    LIST_EACH(it, &s->nodes)
    {
        at++;
    }
    n %= at;
    if (n < s->url.nplaces) {
        c->to = s->url.places[n];
        return true;
    }
    n -= s->url.nplaces;
    LIST_EACH(it, &s->nodes)
    {
        if (n-- == 0) {
            c->to = LIST_OF(it, struct node, list)->conn.to;
            return true;
        }
    }
    return false;
}

static void on_up(struct conn *c)
{
    c->attempts = 0;
    c->backoff_ms = 0;
}

static void on_lost(struct conn *c, const char *why)
{
    struct store *s = c->s;

    if (!s->cluster->known && c->attempts >= s->url.nplaces) {
        store_set_health(s, STORE_DOWN, "redis %s is not available: %s: %s", s->url.shown, c->shown,
                         why);
    }
}

static const struct conn_role role = {"map", GUIDE_SILENT_MS, find,       hello_map,
                                      on_up, on_lost,         ask_for_map};

void cluster_start(struct store *s)
{
    s->cluster = MEM_NEW(struct cluster);
    list_init(&s->cluster->parked);
    conn_init(&s->cluster->conn, s, &role);
    conn_start(&s->cluster->conn);
}

void cluster_free(struct store *s)
{
    if (s->cluster != NULL) {
        run_free(&s->cluster->parked);
        replies_free(&s->cluster->conn.replies);
        mem_free(&s->cluster);
    }
}
