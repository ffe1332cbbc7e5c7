/*
 * store: Redis. One pipelined asynchronous connection (hiredis) for commands and scripts, one for
 * subscriptions; everything a loop turn asks for goes out in one write at the end of the turn.
 *
 * hiredis 0.14 has no timeouts: every call has its own deadline, and a connection that is silent for 2 s
 * while a reply is due is dead. On a disconnect pending calls are asked again on the next connection,
 * with the same bytes, until their deadline (3 s by default): so whatever is called must be idempotent.
 * Scripts are loaded at connect, and again on NOSCRIPT.
 *
 * With Sentinels the address of the master is asked for before every connection and followed when it
 * changes; what is pending is asked again at the new one.
 *
 * In a cluster every tenant is in one slot, so on one master; there is a connection to each. MOVED is
 * followed. While a slot is on its way, reads of one key follow ASK; scripts wait for its end, since half
 * of a tenant is no tenant, and fail at their deadline. A master that is missing is STORE_PARTLY.
 *
 * With @replicas in the options a call is answered when so many replicas have all that it wrote (WAIT);
 * with too few it fails at its deadline as if Redis were gone, though it may have been carried out, and
 * the health is STORE_DOWN.
 *
 * Error replies have their row in one table (store_errors.c): NOSCRIPT reload and ask again; LOADING,
 * BUSY, MASTERDOWN, TRYAGAIN, CLUSTERDOWN wait and ask again until the deadline; READONLY reconnect and
 * ask again; OOM, MISCONF, NOREPLICAS -> ERR_STORE_FULL at once; anything else ERR_STORE_REPLY.
 */
#ifndef CREWLINE_STORE_STORE_H
#define CREWLINE_STORE_STORE_H

#include "base/buf.h"
#include "base/embed.h"
#include "base/err.h"
#include "net/loop.h"

struct store;

enum store_durability { STORE_ALWAYS, STORE_RELAXED };
struct store_options {
    struct str url;      /* redis://[user:pass@]host:port/db, unix:///path?db=n,
                            redis+sentinel://[user:pass@]host:port,host:port/name/db,
                            redis+cluster://[user:pass@]host:port,host:port */
    enum store_durability durability;
    int64_t deadline_ms; /* 3000 */
    int64_t replicas;    /* that must have what is called back as done; 0: none */
};
enum store_health {
    STORE_CONNECTING,
    STORE_READY,
    STORE_PARTLY, /* some masters of a cluster are missing: the tenants of the others are served */
    STORE_WEAK, /* connected, but appendonly, appendfsync or maxmemory-policy is weaker than asked */
    STORE_DOWN
};
/** Called on every change of health; @reason is a sentence for people. */
typedef void store_health_fn(void *ctx, enum store_health health, const char *reason);

/**
 * Adds a table of embedded scripts (names "x.lua") to those of the store; before store_new(). A script
 * is common.lua followed by its own text; its name for call_init_script() is without ".lua".
 */
void store_scripts_add(const struct embedded *table);

/**
 * Never fails for a Redis that is not there: the health tells, and it is tried for ever with back-off (10 ms
 * to 1 s). ERR_CONFIG for an address that cannot be one, or that this build does not speak (rediss).
 * User, password, path and name are percent-encoded; Sentinels get user and password too. @on_health may be NULL.
 * STORE_RELAXED accepts any appendonly and appendfsync; maxmemory-policy is noeviction for both.
 * Like timers, a store that waits to connect again does not keep the loop running by itself.
 */
bool store_new(struct loop *l, const struct store_options *o, store_health_fn *on_health, void *ctx,
               struct store **out, struct err *err);
/** Whether @url is one; ERR_CONFIG with the reason. */
bool store_url_ok(struct str url, struct err *err);
enum store_health store_health(const struct store *s, const char **reason);
/**
 * Drops what is pending without calling back; its ops are gone, so whoever holds one cancels it before.
 * May be called in any callback of the store.
 */
void store_free(struct store **owner);

/*
 * A reply, borrowed from the call back. An error anywhere in a reply fails the call, so there are none
 * inside lists.
 */
struct reply;
enum reply_kind { REPLY_NIL, REPLY_STR, REPLY_INT, REPLY_LIST };
enum reply_kind reply_kind(const struct reply *r); /* REPLY_NIL for NULL */
struct str reply_str(const struct reply *r);       /* strings and statuses; else STR_NONE */
int64_t reply_int(const struct reply *r);          /* integers, and strings that are one; else 0 */
size_t reply_len(const struct reply *r);
const struct reply *reply_at(const struct reply *r, size_t i);

/* A command or script call under construction: its bytes in RESP, ready to be written. */
struct call {
    struct buf resp; /* arguments */
    uint32_t argc;
    int script;      /* index in the script table, or -1 */
    uint32_t nkeys;
};
#define CALL_BYTES_MAX ((size_t)32 << 20)
void call_init(struct call *c);                       /* a plain command: then call_str("HGET"), … */
void call_init_script(struct call *c, const char *script, struct str key); /* one key: the tenant's prefix */
void call_str(struct call *c, struct str s);
void call_int(struct call *c, int64_t v);
void call_fini(struct call *c);

typedef void reply_fn(void *ctx, const struct err *err, const struct reply *reply);
/**
 * Takes @c's bytes (call_fini() is then a no-op). Calls @on_reply once; never after op_cancel().
 * Cancelled, it may still be carried out when it was sent already.
 * Fails: ERR_STORE_UNAVAILABLE (deadline), ERR_STORE_FULL, ERR_STORE_REPLY (our bug).
 */
struct op *store_run(struct store *s, struct call *c, reply_fn *on_reply, void *ctx);
/** The same with a deadline of its own in ms. */
struct op *store_run_for(struct store *s, struct call *c, int64_t deadline_ms, reply_fn *on_reply,
                         void *ctx);

/**
 * One row of a script that takes rows: arguments of which each row has the same number, and a list as the
 * answer, with one element for each row. Rows that are asked for in one turn, for one script and key, go out
 * as one call: call_str() and call_int() add the row's arguments to the call returned, then
 * store_row_run(), with nothing between that could begin another row.
 * It should only read: a row of which nobody wants to know any more is asked all the same.
 */
struct call *store_row(struct store *s, const char *script, struct str key);
/** Calls @on_reply once with the row's element; never after op_cancel(). Fails: as store_run(). */
struct op *store_row_run(struct store *s, reply_fn *on_reply, void *ctx);

/**
 * Messages published on @channel, on the connection for subscriptions; survives reconnects. What is
 * published while that connection is down is not heard: subscribers look for themselves then.
 */
typedef void message_fn(void *ctx, struct str channel, struct str payload);
void store_subscribe(struct store *s, struct str channel, message_fn *on_message, void *ctx);

struct store_stats {
    int64_t calls;        /* asked for */
    int64_t reasked;      /* sent once more, after a disconnect or an error that passes */
    int64_t reconnects;
    int64_t redirects;    /* MOVED and ASK, in a cluster */
    int64_t reply_us_max; /* from store_run() to the reply */
    size_t pending;
};
void store_stats(const struct store *s, struct store_stats *out);

/* "{acme}:" - the prefix that is KEYS[1] of every script, so that a tenant is one slot. */
#define TENANT_ID_MAX 63
bool store_tenant_id_ok(struct str id); /* [a-z0-9][a-z0-9_-]{0,62} */

#endif
