/*
 * http_client_int: what the files of the HTTP client share.
 *
 *   http_client.c        calls: who waits, who runs, how it ends
 *   http_client_host.c   hosts: how many calls each may have at libcurl
 *   http_client_call.c   the copy of a call in one allocation, as libcurl wants it
 *   http_client_easy.c   one attempt on one easy handle: options, libcurl's callbacks, the outcome
 *   http_client_watch.c  libcurl's sockets and timer on libuv
 *   http_client_addr.c   forbidden addresses, URLs, Retry-After: pure
 *
 * A call waits in its host's queue and holds no easy handle there, so a hundred thousand waiting
 * calls cost their own bytes only, and one slow host stops nobody else. It gets a slot (an easy
 * handle with its buffers, from the pool) when the host has room.
 */
#ifndef CREWLINE_NET_HTTP_CLIENT_INT_H
#define CREWLINE_NET_HTTP_CLIENT_INT_H

#include <curl/curl.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/list.h"
#include "base/map.h"
#include "net/http_client.h"

#define HTTP_CLIENT_MAGIC    0x48434c49u
#define HTTP_CALL_MAGIC      0x4843414cu
#define HTTP_SLOT_MAGIC      0x48534c4fu
#define HTTP_WATCH_MAGIC     0x48574154u
#define HTTP_ADD_MAX         32   /* calls handed to libcurl in one turn of the loop */
#define HTTP_STREAMS_MAX     64   /* in flight on one HTTP/2 connection */
#define HTTP_H2_CONNS_MAX    4    /* HTTP/2 connections a host: 256 calls in flight */
#define HTTP_CONNECTING_MAX  8    /* TLS handshakes a host at a time, each 0.3 ms of the loop */
#define HTTP_HOSTS_MAX       1024 /* beyond, hosts without calls are forgotten */
#define HTTP_SLOTS_KEPT_MAX  256  /* idle easy handles kept */
#define HTTP_FIELDS_MAX      128  /* header fields of an answer */
#define HTTP_HEAD_MAX        (64 * 1024) /* their bytes */
#define HTTP_ONE_WRITE_MAX   16384       /* bodies that go out with the head */
#define HTTP_BODY_DEFAULT    (1024 * 1024)
#define HTTP_TIMEOUT_MS      30000 /* for a call that names none */
#define HTTP_CONNECT_MS      10000
#define HTTP_SWEEP_MS        100 /* how exactly a deadline is kept while a call waits for its host */
#define HTTP_RETRY_AFTER_MAX (7 * 86400)

struct http_slot;

struct http_host {
    struct list node;     /* in client.hosts */
    struct list runnable; /* in client.runnable while something waits and there is room */
    struct list queue;    /* of http_op.node, in the order of their start */
    struct str key;       /* "https://host:port" as the caller wrote it */
    size_t active;
    size_t connecting;     /* of these: handed over, and no connection for it yet */
    bool https, warm;      /* warm: a connection has stood since the host was last out of reach */
    bool h2;               /* the last answer came over HTTP/2 */
    size_t h2_room;        /* in flight over the HTTP/2 connections that stand */
    struct http_op *probe; /* the one call beyond it, which opens the next connection */
};

enum http_op_state {
    HTTP_OP_QUEUED,  /* in its host's queue */
    HTTP_OP_RUNNING, /* libcurl has it */
    HTTP_OP_FAILED,  /* over before libcurl saw it: in client.failed, told in the next turn */
    HTTP_OP_DOOMED   /* cancelled inside one of libcurl's callbacks: ends without a word */
};

struct http_op {
    uint32_t magic;
    struct op op;
    struct http_client *c;
    struct list node; /* in host.queue or client.failed */
    struct list all;  /* in client.calls */
    enum http_op_state state;
    struct http_host *host; /* NULL where the URL is bad */
    struct http_slot *slot; /* while RUNNING or DOOMED */
    http_done_fn *on_done;
    void *ctx;
    bool (*on_data)(void *ctx, struct str bytes);
    bool (*on_head)(void *ctx, const struct http_answer *head);
    int64_t body_bytes;
    size_t (*on_want)(void *ctx, char *out, size_t room);
    const char *sigv4, *sigv4_key, *sigv4_secret; /* "aws:amz:<region>:s3", or NULL; in one allocation */
    bool starved;      /* libcurl waits for more of the body */
    bool paused, held; /* held: libcurl keeps a piece that we did not take */
    int64_t deadline_us;
    size_t response_bytes_max;
    unsigned flags;
    bool https, connecting;
    enum err_code fail_code;
    const char *fail_reason;
    const char *method, *url; /* with a NUL, behind this struct like all that follows */
    struct str body;
    struct curl_slist *headers;
    size_t bytes; /* of this allocation but the body: wiped in the end */
};

struct http_field {
    uint32_t name_at, name_n, value_at, value_n; /* in slot.head */
};

struct http_slot {
    uint32_t magic;
    struct list node; /* in client.slots while idle */
    struct http_client *c;
    CURL *easy;
    char *url;             /* of the last call: what url_parts was made of */
    CURLU *url_parts;
    struct http_op *call;  /* NULL while idle */
    size_t handed;         /* body bytes given to libcurl by on_read() */
    bool once;             /* the body stands in POSTFIELDS and may go out once only */
    unsigned requests;     /* how often libcurl began to send the request */
    bool refused, allowed; /* an address of the host was forbidden, or was not */
    bool too_long, stopped;
    bool answer_begun, head_whole;
    bool is_https, is_signed; /* how the options stand now */
    struct buf head, body;
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t nfields;
    struct pair pairs[HTTP_FIELDS_MAX];
    char reason[CURL_ERROR_SIZE];
};

struct http_client {
    uint32_t magic;
    struct loop *l;
    CURLM *multi;
    CURLSH *share; /* TLS sessions */
    uv_idle_t pump;
    uv_timer_t keep; /* holds the loop while something is in flight */
    struct timer *timer, *sweep;
    int64_t timer_due_us;
    bool kick;        /* libcurl asked for a timeout of 0 ms */
    unsigned in_curl; /* libcurl is on the stack */
    unsigned calling; /* a caller's http_done_fn is on the stack */
    unsigned handles_open;
    struct map *host_of;
    struct list hosts, runnable, failed, calls, slots;
    struct list doomed; /* http_op.node */
    size_t idle_slots, connections_per_host_max;
    bool one_write;
    char *ca_file, *user_agent;
    struct http_watch **watches; /* by descriptor */
    size_t nwatches;
    struct http_client_stats stats;
};

/* http_client.c */
void http_client_wake(struct http_client *c);
/** Reports what libcurl finished; after every call into it. */
void http_client_deliver(struct http_client *c);
/** @call has its connection, the request goes out next. */
void http_client_connected(struct http_op *call);
void http_client_closed_one(struct http_client *c);

/* http_client_host.c */
struct http_host *http_host_get(struct http_client *c, struct str key, bool https);
/** Puts @host where it belongs, after its queue or its room changed. */
void http_host_settle(struct http_client *c, struct http_host *host);
void http_host_started(struct http_host *host, struct http_op *call);
/** @reached: the call had a connection. */
void http_host_ended(struct http_host *host, struct http_op *call, bool reached);
void http_host_forget_idle(struct http_client *c);

/* http_client_call.c */
/** What is wrong with @call at sight, or NULL. */
const char *http_op_fault(const struct http_call *call);
/** A copy of @call as libcurl wants it: method, url, headers, body. The rest is the caller's to
 * set. */
struct http_op *http_op_new(const struct http_call *call);

/* http_client_easy.c */
struct http_slot *http_slot_new(struct http_client *c);
void http_slot_free(struct http_slot **owner);
/** Sets the options of @call; curl_multi_add_handle() is the caller's. */
void http_slot_prepare(struct http_slot *s, struct http_op *call, int64_t timeout_ms);
/** Forgets the call; the memory of big answers goes back. */
void http_slot_reset(struct http_slot *s);
void http_slot_answer(struct http_slot *s, struct http_answer *out);

/* How an attempt went, and what that means. */
struct http_attempt {
    CURLcode code;
    bool refused, allowed, too_long, stopped;
    bool request_sent; /* the header block went out */
    bool answer_begun; /* at least one line came back */
    bool answer_whole; /* its head did, to the empty line */
    /*
     * @uploaded counts what libcurl took, not CURLINFO_SIZE_UPLOAD: that starts at 0 again when
     * libcurl retries, so a body that died with its first connection would count as not sent when
     * the second connection is refused. Taken and not written is rare, and only makes an attempt
     * ambiguous.
     */
    size_t body_n, uploaded;
};
enum err_code http_attempt_class(const struct http_attempt *a);
void http_slot_attempt(const struct http_slot *s, CURLcode code, struct http_attempt *out);

/* http_client_watch.c */
int http_watch_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp);
int http_watch_timer(CURLM *multi, long ms, void *userp);
curl_socket_t http_watch_open(void *clientp, curlsocktype purpose, struct curl_sockaddr *addr);
int http_watch_close(void *clientp, curl_socket_t fd);
void http_watch_on_timer(void *ctx);
/** Runs what libcurl has due. */
void http_watch_timeout(struct http_client *c);
/** Closes what is still watched. */
void http_watch_fini(struct http_client *c);

/* http_client_addr.c */
bool http_addr_public(const struct sockaddr *sa);
/** @text is a numeric IPv4 or IPv6 address, without brackets; false also where it is none. */
bool http_addr_text_public(const char *text);
/** Seconds from @now_s, 0 for none, nonsense or the past. */
int64_t http_retry_after(struct str value, int64_t now_s);
/** Scheme, authority and nothing else of @url; false where crewline does not call such a URL. */
bool http_url_origin(struct str url, struct str *origin, bool *https);

#endif
