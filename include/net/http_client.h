/*
 * http_client: outgoing HTTP(S) on the loop through libcurl multi (multi_socket). Connections and TLS
 * sessions are kept per host, HTTP/2 is used where offered, no redirects are followed, no proxies are
 * taken from the environment.
 *
 * libcurl re-posts by itself: with POSTFIELDS on a reused connection that the server closes, 7.88 opens
 * a new one and posts again, so the provider accepts twice. Therefore a body that is not HTTP_IDEMPOTENT
 * goes through a read callback without a seek callback, and CURLE_SEND_FAIL_REWIND (65) is ambiguous.
 *
 * How an attempt ended, as the callback's err:
 *   NULL                       an answer came; its status may be anything
 *   ERR_NET_NOT_SENT           DNS, connect, TLS failed, or nothing or not all was uploaded (not 65)
 *   ERR_NET_AMBIGUOUS          timeout, reset, empty or half answer, error 65, after all was uploaded
 *   ERR_NET_FORBIDDEN_ADDRESS  the name resolved to addresses that HTTP_PUBLIC_ONLY forbids, and no other
 *   ERR_TOO_LONG               the answer's body is over response_bytes_max, or its head over 64 KiB
 *   ERR_CANCELLED              http_call.on_data returned false
 *   ERR_INVALID                no http(s) URL, or a line break in a header field
 * Messages name the host, never path or query.
 */
#ifndef CREWLINE_NET_HTTP_CLIENT_H
#define CREWLINE_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "net/loop.h"

struct http_client;
struct http_answer;

struct http_client_options {
    size_t connections_per_host_max; /* 64 on HTTP/1.1; 4 are enough on HTTP/2 */
    const char *ca_file;             /* NULL: the system's */
    const char *user_agent;          /* "crewline/0.1" */
    /*
     * Body and head in one write, for bodies up to 16 KiB that may be sent once only. They then go through
     * POSTFIELDS, and the hook that libcurl calls before each request refuses a second one of the same
     * call. Saves a quarter of the CPU of a transfer; an attempt that fails after its head went out is
     * ambiguous. Off: the read callback, always.
     */
    bool one_write;
};

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o);
/** Cancels what is in flight without calling back. Not from a callback of this client. */
void http_client_free(struct http_client **owner);

/**
 * Reads the certificates of the trusted issuers now (some 20 ms, without any network), so that the first
 * TLS connection does not hold the loop for it. They are read once for the life of the client.
 */
void http_client_warm(struct http_client *c);

#define HTTP_WANT_LATER SIZE_MAX
#define HTTP_IDEMPOTENT (1u << 0) /* may be sent again by libcurl itself */
#define HTTP_PUBLIC_ONLY (1u << 1) /* refuse loopback, private, link-local, multicast addresses */

struct http_call {
    const char *method; /* "GET", "POST", … */
    struct str url;
    const struct pair *headers;
    size_t nheaders;
    struct str basic_user, basic_password; /* or STR_NONE */
    struct str body;
    /*
     * A body that is made while it goes out: @body_bytes of it, taken by @on_want, which fills @out with at most
     * @room bytes and gives their number, or HTTP_WANT_LATER: asked again after http_call_resume(). Not sent again.
     */
    int64_t body_bytes;
    size_t (*on_want)(void *ctx, char *out, size_t room);
    /* AWS Signature Version 4: "us-east-1", and the keys; the hash of the body is a header of the caller's. */
    struct str sigv4_region, sigv4_key, sigv4_secret;
    unsigned flags;
    int64_t timeout_ms;        /* whole attempt, waiting for a connection included; 0: 30 s */
    size_t response_bytes_max; /* 0: 1 MiB; counted as it arrives, nothing is decompressed */
    /*
     * Streams the answer's body instead of collecting it; return false to stop. NULL: collect. It may
     * cancel its own call and start others.
     */
    bool (*on_data)(void *ctx, struct str bytes);
    /** With on_data: status and headers, before the first piece; return false to stop (ERR_CANCELLED). */
    bool (*on_head)(void *ctx, const struct http_answer *head);
};

struct http_answer {
    int status;
    struct pairs headers; /* names in lower case */
    struct str body;
    int64_t retry_after_s; /* from Retry-After (seconds or date); 0: none */
    bool http2;
};
typedef void http_done_fn(void *ctx, const struct err *err, const struct http_answer *answer);

/** Everything in @call is copied. Calls @on_done once, never before it returns; never after op_cancel(). */
struct op *http_call_start(struct http_client *c, const struct http_call *call, http_done_fn *on_done,
                           void *ctx);
/**
 * A call with on_data takes no more in from the next piece on, so that what comes need not be held, until it
 * is resumed; its deadline goes on. Resume it from anywhere but the client's own callbacks.
 */
void http_call_pause(struct op *op);
void http_call_resume(struct op *op);
/**
 * Whether crewline calls such a URL at all: http or https, a host, no credentials (else ERR_INVALID). With
 * @public_only also whether its host is forbidden at sight: a literal address in any spelling that is not
 * public, or a name for this machine (ERR_NET_FORBIDDEN_ADDRESS). Other names are seen at the socket.
 */
bool http_url_check(struct str url, bool public_only, struct err *err);

struct http_client_stats {
    size_t in_flight; /* waiting for a connection included */
    int64_t started, done, failed, connections_opened;
};
void http_client_stats(const struct http_client *c, struct http_client_stats *out);

#endif
