/*
 * http_server_int: a server, its connections and their requests, as the files of http_server see
 * them. http_server.c        listening, limits, draining, the end http_server_conn.c   a
 * connection: reading, writing, lingering, closing http_server_parse.c  bytes into requests
 *   http_server_reply.c  replies into bytes, in the order of the requests
 *   http_server_req.c    what a request says
 *   http_server_watch.c  deadlines
 * A handler is only ever called while input is taken, when a connection closes or when a deadline
 * is over, never from inside http_reply() or http_stream_*(): what these cause waits for
 * conn_touch().
 */
#ifndef CREWLINE_NET_HTTP_SERVER_INT_H
#define CREWLINE_NET_HTTP_SERVER_INT_H

#include <llhttp.h>
#include <uv.h>

#include "base/list.h"
#include "base/map.h"
#include "net/http_server.h"
#include "net/tls.h"

#include "http_gate_int.h"

#define SERVER_MAGIC 0x48545356u
#define CONN_MAGIC   0x434f4e4eu
#define REQ_MAGIC    0x48524551u

#define READ_BYTES       (64 * 1024)   /* one buffer for all: it is used up before the next read */
#define READ_TURN_BYTES  (256 * 1024)  /* of one connection in one turn of the loop */
#define PIPELINE_MAX     64            /* open requests of one connection; then it is not read */
#define UNSENT_MAX       (1024 * 1024) /* reply bytes the client does not take; then the same */
#define OUT_BYTES_MAX    (256 * 1024 * 1024)
#define LINGER_MS        5000              /* how long a closed connection may still send */
#define LINGER_BYTES_MAX (8 * 1024 * 1024) /* and how much */
#define SPARE_REQS_MAX   256
#define SPARE_BUFS_MAX   64
#define SPARE_BUF_BYTES  (64 * 1024)
#define BODY_LIMIT       (1024 * 1024) /* unless the handler says otherwise */
#define SKIP_BODY_MAX                                                          \
    (64 * 1024) /* an unwanted body up to here is read, to keep the connection \
                 */

enum watch {
    WATCH_NONE,
    WATCH_IDLE,
    WATCH_HEAD,
    WATCH_HELD,
    WATCH_BODY,
    WATCH_WRITE,
    WATCH_HALF,
    WATCH_LINGER
};
#define WATCH_KINDS (WATCH_LINGER + 1)

/* http_req_hold(); going on waits for conn_resume(), since handlers are called then. */
enum hold { HOLD_NONE, HOLD_ON, HOLD_OVER };

/* What becomes of the next piece of a body. */
enum body_fit { BODY_FITS, BODY_TOO_LONG, BODY_OVER_ADDRESS, BODY_OVER_TOTAL };

enum phase {
    PHASE_HEAD, /* the next bytes begin a request */
    PHASE_BODY, /* the next bytes are a body, of conn.cur or of nobody's interest */
    PHASE_LAST  /* no more requests: what comes is dropped */
};

struct http_req {
    uint32_t magic;
    struct conn *c;
    struct http_req *next; /* in conn.first, or among the spare ones */
    struct arena *arena;
    struct gate_head head;
    struct pairs headers;
    struct str target, path, query, peer;
    struct pairs params;
    enum { PARAMS_UNREAD, PARAMS_READ, PARAMS_BAD } params_state;
    int64_t number;
    size_t limit;
    size_t body_bytes; /* of it, here; counted until the request is released */
    struct hasher *hash;
    size_t nhash;
    void *user;
    struct str body;
    struct buf body_buf; /* a body that came in more than one piece */
    struct buf out;      /* what is to be sent once the requests before this one are answered */
    loop_fn *on_room;    /* http_stream_wait() */
    void *on_room_ctx;
    bool told; /* the handler knows it and has not answered: on_gone is due */
    bool replied, streaming, done;
    bool keep;     /* the client would keep the connection */
    bool complete; /* the body is whole */
    bool close;    /* the reply said so */
    bool abrupt, reset;
    struct pair fields[]; /* header_fields_max, and one for the Host of an absolute target */
};

struct addr_count {
    size_t n; /* connections */
    size_t body_bytes;
    struct str key;
    char key_bytes[16];
};

struct listener {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct list node;
    struct http_server *s; /* NULL: the server is gone */
    struct tls_server *tls;
    bool is_pipe;
};

struct conn {
    uint32_t magic;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_write_t write_req;
    uv_shutdown_t shutdown_req;
    struct http_server *s; /* NULL: the server is gone, only the close callback is to come */
    struct list all, watched, dirty;
    enum watch watch;
    int64_t due_ms;
    struct addr_count *addr;
    struct tls_conn *tls;
    llhttp_t parser;
    struct chunk_gate chunk;
    int64_t body_left;      /* of a body with a Content-Length */
    struct buf in;          /* the beginning of a head; or whole requests while too many are open */
    size_t in_seen;         /* of it, already searched for the end of the head */
    struct buf out;         /* to be written */
    struct buf writing;     /* being written by libuv */
    int64_t handed;         /* bytes given to libuv, ever */
    int64_t taken;          /* bytes that the client took, at the last look of the watch */
    struct http_req *first; /* open requests, oldest first */
    struct http_req *last;
    struct http_req *cur; /* whose body is arriving */
    size_t nopen;
    int64_t nrequests;
    size_t window_bytes; /* of a body, since the watch began to look */
    size_t dropped;      /* bytes received in PHASE_LAST */
    int64_t read_turn;
    size_t read_bytes; /* in that turn */
    enum phase phase;
    enum hold hold; /* of conn.cur, between its head and its body */
    size_t parsed_fields;
    bool saw_head, saw_end; /* what llhttp's callbacks saw */
    enum body_fit fit;      /* of the body that arrives */
    bool keep;              /* the message being read keeps the connection */
    bool crlf_ok;           /* one empty line may follow a body (RFC 9112 2.2) */
    bool is_pipe, loopback, trusted, counted;
    bool corked; /* inside conn_input(): what is written is flushed at its end */
    bool cut;    /* the last reply closes: requests behind it are dropped */
    bool abrupt; /* no lingering; with reset, not even a FIN */
    bool reset;
    bool broken; /* writing failed */
    bool reading, eof, lingering, closed;
    char peer[48];
};

struct cidr {
    uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits;
};

struct http_server {
    uint32_t magic;
    struct loop *l;
    struct http_server_options o;
    struct http_gate_limits limits;
    struct http_handler h;
    void *ctx;
    struct list listeners, conns, dirty;
    struct list watches[WATCH_KINDS];
    struct timer *timer;
    int64_t timer_due; /* 0: not running */
    struct map *addrs;
    struct cidr *trusted;
    size_t ntrusted;
    bool trust_pipes;
    int port;
    struct http_req *spare_reqs;
    size_t nspare_reqs;
    struct buf spare_bufs[SPARE_BUFS_MAX];
    size_t nspare_bufs;
    struct buf scratch, plain; /* of one function at a time: rendering for TLS, decrypted input */
    char date[48];             /* of second date_s */
    int64_t date_s;
    bool retiring, draining, dirty_due, drained;
    loop_fn *on_drained;
    void *on_drained_ctx;
    struct http_server_stats stats;
    char read_buf[READ_BYTES];
};

/* http_server.c */
/** Counts @n bytes of a body that are taken in on @c; anything but BODY_FITS: they may not be. */
enum body_fit conn_count_body(struct conn *c, size_t n);
void conn_uncount_body(struct conn *c, size_t n);

/* http_server_conn.c */
struct conn *conn_new(struct http_server *s, struct listener *from);
void conn_open(struct conn *c, struct tls_server *tls);
void conn_free(struct conn *c); /* accept failed: never opened */
void conn_close(struct conn *c);
/** Writes what can be written, then closes, lingers, reads on or pauses as the state asks. */
void conn_settle(struct conn *c);
/** conn_settle() later in this turn. */
void conn_touch(struct conn *c);
void conn_resume(void *server); /* settles all that were touched; a deferred call */
/** Plain bytes for the client, after what is there already. */
void conn_send(struct conn *c, struct str plain);
/** The buffer where bytes to the wire go; not for TLS. */
struct buf *conn_out(struct conn *c);
size_t conn_unsent(const struct conn *c);
/** Nothing is read: too much is open or unsent, or a request is held. */
bool conn_is_paused(const struct conn *c);
void conn_count_down(struct conn *c);

/* http_server_parse.c */
void parse_init(struct conn *c);
/** Takes what it can of @bytes and returns how many; calls handlers. */
size_t parse_bytes(struct conn *c, struct str bytes);
/** Refuses @r, or what would have become a request (NULL), and takes no more requests. */
void parse_refuse(struct conn *c, struct http_req *r, const struct err *err);
struct http_req *req_new(struct conn *c);
void req_release(struct http_req *r);

/* http_server_reply.c */
void conn_reply_error(struct http_req *r, const struct err *err);
void reply_continue(struct http_req *r);
/** Renders an error for a connection that never becomes one (over the limits). */
void reply_refusal(struct http_server *s, const struct err *err, struct buf *out);

/* http_server_req.c */
bool req_begin(struct http_req *r, struct err *err);
bool cidr_parse(struct str text, struct cidr *out);
/** @text without a prefix length, in one of @list? */
bool cidr_match(const struct cidr *list, size_t n, struct str text);

/* http_server_watch.c */
void watch_update(struct conn *c);
void watch_stop(struct conn *c);
void watch_tick(void *server);

#endif
