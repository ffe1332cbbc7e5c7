/*
 * store_int: what the files of the Redis connection share.
 *
 *   store.c          life, health, turns and ticks
 *   store_nodes.c    the servers that calls go to: one, or the masters of a cluster; health
 *   store_sentinel.c which server is the master now     store_cluster.c  which one has which slot
 *   store_replicas.c how many replicas have what a node answered
 *   store_run.c      calls: queues, deadlines, delivery
 *   store_rows.c     rows of a turn as one call of their script
 *   store_conn.c     one connection: address, back-off, silence, hiredis' event hooks
 *   store_hello.c    what is said first on a connection: AUTH, ROLE, scripts, policy
 *   store_sub.c      the connection for subscriptions
 *   store_errors.c   the table of error replies
 *   store_scripts.c  the table of scripts      store_call.c, store_reply.c, store_url.c
 *   commit_int.h     commits and lanes, which the end of a turn begins with
 *
 * A call belongs to one node (server) and is in one place at a time:
 *   fresh    never sent, in the order asked
 *   retry    sent once and to be asked again, ascending by seq; all of it goes before fresh
 *   sent     in hiredis' list, which answers in order and, on a disconnect, says NULL for each
 *   held     answered, but not yet by enough replicas
 *   ready    answered, but this turn has called back for long enough: it waits for the next
 *   doomed   refused at sight, fails at the end of this turn
 * and, while somebody waits for it, in one slot of the deadline wheel. A call that nobody waits for
 * any more stays behind without bytes (detached) when it is sent: its reply is due all the same.
 */
#ifndef CREWLINE_STORE_STORE_INT_H
#define CREWLINE_STORE_STORE_INT_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "net/loop.h"
#include "store/store.h"

/* One slot is 2^15 us; a call that is due later than the wheel is long is passed over until then.
 */
#define WHEEL_SLOTS     128
#define WHEEL_SHIFT     15
#define TICK_MS         33
#define SILENT_MS       2000
#define GUIDE_SILENT_MS 500 /* a Sentinel, or a cluster's node that is asked for the map */
#define BEAT_MS         5000
#define BACKOFF_MIN_MS  10
#define BACKOFF_MAX_MS  1000
#define HOLD_MIN_MS     20
#define HOLD_MAX_MS     250
/* hiredis moves what a partial write left over to the front, so its buffer is kept short. */
#define SEND_WINDOW_BYTES ((size_t)256 * 1024)
#define PENDING_BYTES_MAX ((size_t)512 << 20)
#define REASON_BYTES      400
/* Callbacks of one kind run for so long before the rest of the loop gets its turn. */
#define TURN_US 1000

/* ---- url ---- */
#define PLACES_MAX  16
#define HOST_BYTES  256
#define SHOWN_BYTES 280
struct place {
    char host[HOST_BYTES]; /* or the path of a Unix socket */
    int port;              /* 0: a Unix socket */
};
void place_set(struct place *p, struct str host, int port);
bool place_eq(const struct place *a, const struct place *b);

enum store_mode { STORE_SINGLE, STORE_SENTINEL, STORE_CLUSTER };
struct store_url {
    enum store_mode mode;
    struct place *places; /* the server; the Sentinels; some of the cluster's nodes */
    size_t nplaces;
    char *master; /* the name that Sentinels know it by */
    int64_t db;
    char *user, *password; /* or NULL */
    char shown[200];       /* without user and password */
};
bool store_url_parse(struct str text, struct store_url *out, struct err *err);
void store_url_fini(struct store_url *u);

/* ---- scripts ---- */
struct script {
    const char *name; /* with ".lua" */
    char *text;
    size_t bytes;
    char head[80]; /* "$7 EVALSHA $40 <sha> $1 1" in RESP */
    size_t head_bytes;
};
size_t scripts_count(void);
const struct script *scripts_at(size_t i);
void scripts_freeze(int by); /* stores in existence: no more tables may be added */

/* ---- errors ---- */
enum store_action {
    ACT_RELOAD,
    ACT_WAIT,
    ACT_RECONNECT,
    ACT_FULL,
    ACT_MOVED,
    ACT_ASK,
    ACT_PARK, /* as ACT_WAIT where there is no cluster */
    ACT_FAIL
};
enum store_action store_action_of(struct str reply_failure);

/* ---- replies ---- */
struct replies; /* where those of one connection live; the reader's privdata */
struct replies *replies_new(void);
void replies_free(struct replies **owner);
extern redisReplyObjectFunctions store_reply_functions;
/** A root outlives its callback until reply_drop(). */
void reply_keep(struct reply *root);
void reply_drop(struct reply *root);
/** The error that @r is or that stands somewhere inside it, or NULL. */
const struct reply *reply_failure(const struct reply *r);
struct str reply_error_text(const struct reply *r);

/* ---- calls ---- */
#define CALL_HEAD 16 /* room in front of the arguments for "*argc\r\n" */
/** Writes the head; the whole command is from there to the end of c->resp. */
struct str call_seal(struct call *c);
/** One argument of @n parts. */
void call_joined(struct call *c, const struct str *parts, size_t n);
int script_index(const char *name); /* its index in the table */

struct node;
enum pending_place { IN_FRESH, IN_RETRY, IN_SENT, IN_HELD, IN_READY, IN_DOOMED };
struct pending {
    struct op op; /* first: the caller holds this */
    struct store *s;
    struct node *node;
    struct list queue;   /* fresh, retry, held, ready or doomed */
    struct reply *reply; /* IN_HELD, IN_READY */
    struct list wheel;
    uint64_t seq;
    int64_t asked_us, deadline_us;
    char *bytes; /* ours until answered or detached */
    uint32_t from;
    int slot; /* in a cluster, or -1 */
    size_t n;
    enum pending_place place;
    enum err_code doom;
    int script;         /* or -1 */
    bool again;         /* asked before */
    bool asking;        /* its node does not own the slot yet: ASKING goes in front */
    bool moving;        /* its slot was on its way when it was last asked */
    bool confirmed;     /* enough replicas have it */
    reply_fn *on_reply; /* NULL: detached */
    void *ctx;
};

void run_ready(struct store *s);  /* as many as fit into a turn */
bool run_feed(struct node *node); /* true: there is more than the window takes */
void run_doomed(struct store *s);
bool run_expire(struct store *s, int64_t now_us); /* false: more than fits into a turn */
void run_again(struct pending *p);                /* where it belongs by now, in the order asked */
void run_unhold(struct pending *p);               /* its answer is void: to be asked again */
void run_confirmed(struct pending *p);            /* its answer counts: ready */
void run_drain(struct store *s);                  /* calls back what is ready, now or soon */
void run_free(struct list *queue);
void run_free_all(struct store *s);

/* ---- rows ---- */
void rows_flush(struct store *s); /* the end of a turn: what was gathered becomes calls */
void rows_free_all(struct store *s);

/* ---- connection ---- */
struct conn;
enum conn_state { CONN_WAITING, CONN_RESOLVING, CONN_CONNECTING, CONN_HELLO, CONN_UP };

struct hello {
    size_t due;
    bool failed, loading, policy_hidden;
    char appendonly[16], appendfsync[16], maxmemory_policy[24];
    char why[REASON_BYTES];
};

struct conn_role {
    const char *name;
    int64_t silent_ms; /* with a reply due: it is dead then */
    /** Puts where it leads into c->to. False: not known yet; conn_start() when it is. */
    bool (*find)(struct conn *c);
    /** Sends what comes first; conn_hello_done() when it is answered. */
    void (*hello)(struct conn *c);
    void (*up)(struct conn *c);
    /** The connection is gone or could not be made. */
    void (*lost)(struct conn *c, const char *why);
    /** Every BEAT_MS without a word from Redis. */
    void (*beat)(struct conn *c);
};

struct resolve;
struct conn {
    struct list all; /* in the store's conns */
    struct store *s;
    struct node *node; /* whose calls it carries, or NULL */
    const struct conn_role *role;
    struct place to;
    char shown[SHOWN_BYTES]; /* the same for people */
    enum conn_state state;
    redisAsyncContext *ac;
    struct poller *poller;
    unsigned want;
    bool blocked; /* the socket took less than all; wait for POLLER_WRITE */
    struct timer *retry, *beat;
    int64_t backoff_ms;
    unsigned attempts;
    struct replies *replies;
    size_t due; /* replies that are to come */
    int64_t silent_ms;
    bool heard; /* since the last beat */
    struct resolve *resolving;
    struct hello hello;
    char why[REASON_BYTES]; /* why we close it; "": hiredis tells */
};
void conn_init(struct conn *c, struct store *s, const struct conn_role *role);
void conn_start(struct conn *c); /* at once, if it waits */
void conn_drop(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void conn_fini(struct conn *c);
/** Sends one command outside the queue; fn gets NULL when the connection goes first. */
void conn_send_call(struct conn *c, struct call *call, redisCallbackFn *fn, void *privdata);
void conn_answered(struct conn *c);
void conn_hello_done(struct conn *c);
size_t conn_unsent_bytes(const struct conn *c);
void conn_flush(struct conn *c);
void conn_apply(struct conn *c); /* tells the loop what is wanted of the socket */
void conn_wake(struct conn *c);  /* a turn more, when the socket takes more */
void conn_tick(struct conn *c, int64_t elapsed_ms);
bool conn_is_watched(const struct conn *c);

void hello_main(struct conn *c);
void hello_sub(struct conn *c);
void hello_sentinel(struct conn *c);
void hello_map(struct conn *c);
/** One sentence on what is weaker than asked, or "". */
void hello_policy(const struct hello *h, enum store_durability asked, const char *where, char *out,
                  size_t out_bytes);
void hello_load_script(struct conn *c, size_t script);

/* ---- replicas ---- */
struct witness; /* the connection that asks how many have what its node answered */
/** NULL: none is needed. */
struct witness *witness_new(struct node *node);
void witness_free(struct witness **owner);
void witness_start(struct node *node); /* the node's connection is up */
void witness_stop(struct node *node, const char *why);
void witness_hold(struct pending *p); /* until enough have it */
void witness_turn(struct node *node); /* asks, if there is anything to ask for */

/* ---- nodes ---- */

/* A server that calls go to. There is one, or in a cluster one for each master. */
struct node {
    struct list list;
    struct store *s;
    struct conn conn;
    struct witness *witness; /* or NULL: nobody asks for replicas */
    struct list fresh, retry;
    int64_t hold_ms, hold_until_us; /* LOADING, BUSY: nothing is sent until then */
    bool *script_missing;
    bool was_up;
    bool refuses; /* it says that its cluster is down */
    bool used;    /* by the map of the cluster; always where there is none */
    enum store_health health;
    char reason[REASON_BYTES];
};
struct node *node_new(struct store *s);
void nodes_free(struct store *s);
/** That of a cluster which listens at @place, made and connected to if need be. */
struct node *node_at(struct store *s, const struct place *place);
void nodes_tell(struct store *s); /* the store's health, by theirs */
void node_tell_up(struct node *node);
void node_refuses(struct node *node,
                  struct str why); /* until it answers a call, or says otherwise */
/** The place of a server that has what we need: find() of those who do not care which. */
bool nodes_find(struct conn *c);
void node_set_health(struct node *node, enum store_health health, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Sentinel ---- */
struct sentinel {
    struct conn conn;
    size_t next; /* of the url's places */
    bool known, telling;
    struct place master;
};
void sentinel_start(struct store *s);
void sentinel_free(struct store *s);
/** The master, if it is known; else it will be, and who waits is started. */
bool sentinel_find(struct conn *c);
/** What was known does not lead there any more. */
void sentinel_look(struct store *s);
/** The answer to "get-master-addr-by-name". False: it does not know the name. */
bool sentinel_take(struct conn *c, const struct reply *r);

/* ---- cluster ---- */
#define CLUSTER_SLOTS 16384
struct slot {
    struct node *node, *out_at; /* its owner, if known; where calls of it are out */
    uint32_t out;
    bool parked; /* calls of it wait, so all do */
};
struct cluster {
    struct conn conn; /* to the one that is asked for the map */
    size_t next, looks;
    bool known;
    size_t uncovered; /* slots without an owner */
    struct list
        parked; /* calls that can go nowhere now, ascending by seq but for the last tick's */
    struct slot slots[CLUSTER_SLOTS];
};
void cluster_start(struct store *s);
void cluster_free(struct store *s);
int cluster_slot(const struct pending *p);
/** Where @p goes, or NULL: it is to be parked. */
struct node *cluster_route(struct store *s, struct pending *p);
void cluster_park(struct store *s, struct pending *p);
void cluster_out(struct pending *p);  /* sent */
void cluster_back(struct pending *p); /* answered, or its connection is gone */
void cluster_tick(struct store *s);
void cluster_look(struct store *s); /* the map is wrong, or a node is gone */
bool cluster_take(struct conn *c, const struct reply *r);
/** "MOVED 3999 10.0.0.7:6379" */
void cluster_moved(struct pending *p, struct str text);
/** "ASK 3999 10.0.0.7:6379": to be asked there, once. */
void cluster_ask(struct pending *p, struct str text);
/** A server of the cluster for who does not care which. */
bool cluster_find(struct conn *c);

/* ---- subscriptions ---- */
struct subscription {
    struct list node;
    char *channel;
    message_fn *on_message;
    void *ctx;
};

#define STORE_MAGIC 0x53544f52u
struct store {
    uint32_t magic;
    struct loop *l;
    struct store_url url;
    enum store_durability durability;
    int64_t deadline_ms, replicas;
    store_health_fn *on_health;
    void *ctx;
    enum store_health health;
    char reason[REASON_BYTES];

    struct list conns, nodes;
    struct node *first; /* of nodes; the only one, but for a cluster */
    struct conn sub;
    struct sentinel *sentinel; /* or NULL */
    struct cluster *cluster;   /* or NULL */
    struct loop_hook *hook;
    struct timer *tick, *drain;
    int64_t ticked_us, heard_us;
    bool ticking, tick_late;

    struct list ready, doomed;
    struct list wheel[WHEEL_SLOTS];
    int64_t wheel_at; /* the next slot to look at, counted from the epoch of the clock */
    uint64_t seq;
    size_t pending_bytes;
    struct pending *spare; /* linked through queue.next */
    size_t nspare;

    struct list rows_open, rows_sent;
    struct rows *row_of; /* between store_row() and store_row_run() */
    struct list subscriptions;
    struct commits *commits; /* or NULL; commit_int.h */
    struct lanes *lanes;
    struct store_stats stats;
    unsigned depth; /* callbacks of ours on the stack; store_free() waits for the last */
    bool closing;
};
void store_enter(struct store *s);
void store_leave(struct store *s); /* @s may be gone afterwards */
void store_tick_start(struct store *s);
void store_set_health(struct store *s, enum store_health health, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void store_sub_init(struct store *s);
void store_sub_fini(struct store *s);

#endif
