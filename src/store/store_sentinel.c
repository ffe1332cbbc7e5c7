#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

#include "store_int.h"

/*
 * Sentinels watch a master and its replicas, and elect a new master when it dies. We ask one of
 * them where the master is and stay subscribed there to hear when it changes. A connection that
 * subscribes answers nothing else, so looking anew is a new connection, to the next Sentinel:
 * whoever told us something that turned out wrong is not asked twice in a row.
 *
 * Source: Redis documentation, "Sentinel client spec" and "High availability with Redis Sentinel":
 * replies of SENTINEL get-master-addr-by-name are {ip, port} or nil; "+switch-master" says "name
 * oldip oldport newip newport"; a client checks with ROLE that it reached a master.
 */

#define SWITCHED "+switch-master"

static void found(struct store *s, struct str host, struct str port)
{
    struct sentinel *se = s->sentinel;
    struct conn *waiting[] = {&s->first->conn, &s->sub};
    struct place place;
    int64_t n;

    if (host.n == 0 || host.n >= HOST_BYTES || !str_to_i64(port, 1, 65535, &n)) {
        return;
    }
    place_set(&place, host, (int)n);
    if (se->known && !place_eq(&place, &se->master)) {
        log_warn("redis has another master", LF_Z("name", s->url.master), LF_STR("host", host),
                 LF_INT("port", n));
    }
    se->master = place;
    se->known = se->telling = true;
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        struct conn *c = waiting[i];
        bool moved = !place_eq(&c->to, &place);

        if (c->state == CONN_WAITING && (moved || !timer_running(c->retry))) {
            if (c == &s->sub && list_empty(&s->subscriptions)) {
                continue;
            }
            conn_start(c);
        } else if (moved) {
            conn_drop(c, "the master of the name %s is another one now", s->url.master);
        }
    }
    se->telling = false;
}

bool sentinel_take(struct conn *c, const struct reply *r)
{
    if (reply_len(r) != 2) {
        return false;
    }
    found(c->s, reply_str(reply_at(r, 0)), reply_str(reply_at(r, 1)));
    return true;
}

bool sentinel_find(struct conn *c)
{
    if (c->s->sentinel->known) {
        c->to = c->s->sentinel->master;
    }
    return c->s->sentinel->known;
}

void sentinel_look(struct store *s)
{
    struct sentinel *se = s->sentinel;

    if (se->telling) {
        return;
    }
    se->known = false;
    if (se->conn.state == CONN_UP) {
        conn_drop(&se->conn, "looking for the master again");
    }
}

/* ---- the connection to a Sentinel ---- */

static bool find(struct conn *c)
{
    struct sentinel *se = c->s->sentinel;

    c->to = c->s->url.places[se->next++ % c->s->url.nplaces];
    return true;
}

static void on_message(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    struct str words[5] = {STR_NONE}, rest;

    (void)privdata;
    if (reply == NULL || c->s->closing) {
        return;
    }
    if (str_eqz(reply_str(reply_at(reply, 0)), "subscribe")) {
        conn_answered(c);
        return;
    }
    rest = reply_str(reply_at(reply, 2));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        str_cut(rest, ' ', &words[i], &rest);
    }
    if (str_eqz(words[0], c->s->url.master)) {
        found(c->s, words[3], words[4]);
    }
}

static void listen_to(struct conn *c)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("SUBSCRIBE"));
    call_str(&call, STR(SWITCHED));
    conn_send_call(c, &call, on_message, NULL);
}

static void on_up(struct conn *c)
{
    c->attempts = 0;
    c->backoff_ms = 0;
    listen_to(c);
}

static void on_lost(struct conn *c, const char *why)
{
    struct node *node = c->s->first;

    if (node->conn.state != CONN_UP && c->attempts >= c->s->url.nplaces) {
        node_set_health(node, STORE_DOWN, "no Sentinel tells where redis %s is: %s: %s",
                        c->s->url.master, c->shown, why);
    }
}

static const struct conn_role role = {"sentinel", GUIDE_SILENT_MS, find,     hello_sentinel,
                                      on_up,      on_lost,         listen_to};

void sentinel_start(struct store *s)
{
    s->sentinel = MEM_NEW(struct sentinel);
    conn_init(&s->sentinel->conn, s, &role);
    conn_start(&s->sentinel->conn);
}

void sentinel_free(struct store *s)
{
    if (s->sentinel != NULL) {
        replies_free(&s->sentinel->conn.replies);
        mem_free(&s->sentinel);
    }
}
