/*
 * http_server: HTTP/1.1 for providers, the CMMS, admins and tests. Bytes pass the strict gate
 * (net/http_gate.h), then llhttp in strict mode. Requests on one connection are answered in the order
 * they came (pipelining); bodies are collected up to a limit that the handler sets when it has seen the
 * headers, and may be hashed while they arrive.
 *
 * Life of a request: on_headers (decide: limit, hasher, hold, or refuse at once) -> on_request (body
 * whole) -> http_reply(), now or later. If the client hangs up first, on_gone is called once and the request is
 * gone when it returns. A request lives until its reply is written or it is gone.
 *
 * Bodies have a limit each, and two over all of them that are held at once: one for an address, one
 * for the whole. Of one that goes beyond, nothing is kept: its request is answered 503.
 *
 * The server itself answers what the gate, llhttp, the limits and the timeouts refuse, by calling
 * on_error for the body of the answer, so that app/problem.c alone renders problem+json.
 */
#ifndef CREWLINE_NET_HTTP_SERVER_H
#define CREWLINE_NET_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/text.h"
#include "net/loop.h"

struct http_server;
struct http_req;

struct http_server_options {
    size_t header_bytes_max;     /* 16 KiB, the raw block with the request line */
    size_t header_fields_max;    /* 64 */
    int64_t header_timeout_ms;   /* 10 s from the first byte to the end of the headers */
    int64_t body_min_bytes_s;    /* 1024 bytes a second after that, averaged over 5 s (or over
                                    header_timeout_ms where that is shorter) */
    int64_t idle_timeout_ms;     /* 60 s between requests */
    size_t connections_max;      /* 10,000 */
    size_t connections_per_address_max; /* 200; 0: no limit. Unix/loopback proxies: see trusted */
    const struct str *trusted_proxies;  /* addresses whose X-Forwarded-For is believed */
    size_t ntrusted_proxies;     /* "10.0.0.7", "fd00::/8", "unix" for unix sockets; not counted above */
    size_t body_bytes_total_max; /* 256 MiB: bodies taken in whose requests are open still; 0: no limit */
    size_t body_bytes_per_address_max; /* 32 MiB; counted as connections_per_address_max; 0: no limit */
    int64_t half_close_ms;       /* 2 s: how long a client that only closed its sending side may wait */
};
extern const struct http_server_options http_server_defaults;

struct http_handler {
    /** Headers are in. May call http_req_limit(), http_req_hash(), http_req_hold() or http_reply(). */
    void (*on_headers)(void *ctx, struct http_req *r);
    /** The body is whole; not called when on_headers replied. */
    void (*on_request)(void *ctx, struct http_req *r);
    /**
     * The client hung up, or broke the rules in its body, before the reply was given (a stream:
     * ended); @user may be cleaned up. @r must not be touched afterwards.
     */
    void (*on_gone)(void *ctx, struct http_req *r);
    /**
     * Renders the answer to something refused before or while it was a request: whole header lines
     * with CRLF, and the body. Content-Length, Date, Connection and Retry-After are added here.
     */
    void (*on_error)(void *ctx, const struct err *err, struct buf *headers, struct buf *body);
};

struct http_server *http_server_new(struct loop *l, const struct http_server_options *o,
                                    const struct http_handler *h, void *ctx);
/**
 * Listens on "host:port", "[v6]:port" or "unix:/path"; several times for several places. With @tls
 * (net/tls.h) it speaks HTTPS. Fails: ERR_IO ("cannot listen on 127.0.0.1:8080: address in use").
 * Port 0 takes a free one; http_server_port() tells the first one taken.
 */
struct tls_server;
bool http_server_listen(struct http_server *s, struct str where, struct tls_server *tls,
                        struct err *err);
/** Is @where of such a form? Nothing is opened. */
bool http_listen_ok(struct str where);
int http_server_port(const struct http_server *s);
/** From now on every answer closes its connection; new ones are still taken. Before http_server_drain(). */
void http_server_retire(struct http_server *s);
/** No new connections or requests; open requests are finished; @on_drained when none is left. */
void http_server_drain(struct http_server *s, loop_fn *on_drained, void *ctx);
/** Closes all connections at once; what is open is told on_gone. Not from inside a handler. */
void http_server_free(struct http_server **owner);

struct http_server_stats {
    size_t connections;
    size_t body_bytes; /* taken in, of requests that are open still */
    int64_t accepted, refused_address, refused_total, requests, bad_requests;
    int64_t bodies_refused_address, bodies_refused_total;
};
void http_server_stats(const struct http_server *s, struct http_server_stats *out);

/* What a request says. All of it is borrowed from the request. */
struct str http_req_method(const struct http_req *r);  /* "GET" */
struct str http_req_target(const struct http_req *r);  /* as received, origin form: path and query */
struct str http_req_path(const struct http_req *r);    /* decoded once; always starts with '/' */
struct str http_req_query(const struct http_req *r);   /* raw, without '?' */
const struct pairs *http_req_params(struct http_req *r); /* the query, decoded; NULL when malformed */
struct str http_req_header(const struct http_req *r, struct str name); /* first; STR_NONE: absent */
size_t http_req_header_count(const struct http_req *r, struct str name);
const struct pairs *http_req_headers(const struct http_req *r); /* in wire order */
int64_t http_req_content_length(const struct http_req *r); /* -1: chunked or none */
struct str http_req_body(const struct http_req *r);    /* in on_request and later */
struct str http_req_peer(const struct http_req *r);    /* address of the client, proxies resolved */
bool http_req_is_loopback(const struct http_req *r);   /* the TCP peer, proxies not resolved */
struct arena *http_req_arena(struct http_req *r);
struct loop *http_req_loop(struct http_req *r);

/** In on_headers: the most the body may have (default 1 MiB); more is answered 413. */
void http_req_limit(struct http_req *r, size_t body_bytes_max);
/**
 * In on_headers: the @n hashers at @h, initialised, are fed with the body as it arrives (after transfer
 * decoding): several, because which secret signed it is not known before it may be parsed. Borrowed.
 */
void http_req_hash(struct http_req *r, struct hasher *h, size_t n);
/**
 * In on_headers: no body is read, beyond what the read of the head brought (64 KiB at most), and no
 * "100 Continue" is sent, until http_req_go(), or http_reply() refuses it. Its pace does not count
 * meanwhile; how long it is held is up to the caller, who keeps to a deadline of his own.
 */
void http_req_hold(struct http_req *r);
/** Lets a held request go on, once; in on_headers or later. Its on_request comes from the loop. */
void http_req_go(struct http_req *r);
/** The owner's context for this request. */
void http_req_set_user(struct http_req *r, void *user);
void *http_req_user(const struct http_req *r);

/** 1 for the first request of its connection, 2 for the next … */
int64_t http_req_number(const struct http_req *r);
/**
 * Breaks off: writes @raw as it stands (STR_NONE: nothing), then closes the connection, with a reset
 * where nothing was written. Instead of http_reply(); @r must not be touched afterwards. For the
 * simulated providers, whose faults are part of what the gateway must survive.
 */
void http_req_break(struct http_req *r, struct str raw);

struct http_field {
    const char *name;
    struct str value;
};
struct http_reply {
    int status;
    const char *content_type;        /* NULL: none */
    const struct http_field *fields; /* further headers; copied */
    size_t nfields;
    struct str body;                 /* copied; HEAD sends its length only */
    bool close;                      /* close the connection afterwards */
};
/**
 * Answers @r, once; @r must not be touched afterwards. Date, Content-Length and Connection are added
 * here. In on_headers it answers before the body: a short one is then read and forgotten, otherwise
 * the connection closes.
 */
void http_reply(struct http_req *r, const struct http_reply *reply);
/*
 * A body of unknown length, in pieces (CSV export, long lists): start, write, end. on_gone tells when
 * the client went away, or when a request before this one closed the connection.
 * http_stream_backlog(): bytes not yet taken by the client; wait above 1 MiB.
 */
void http_stream_start(struct http_req *r, const struct http_reply *head);
void http_stream_write(struct http_req *r, struct str bytes);
size_t http_stream_backlog(const struct http_req *r);
/** Calls @on_room once, later, when the backlog is small again; never after on_gone or the end. */
void http_stream_wait(struct http_req *r, loop_fn *on_room, void *ctx);
void http_stream_end(struct http_req *r);

#endif
