/*
 * err: every failure there is: code, HTTP status, problem slug, worth retrying.
 * A function that can fail returns bool and takes struct err * last; err_set() and err_wrap()
 * return false. Messages: lower case, no full stop, active voice, reason and offending value, no
 * secrets.
 */
#ifndef CREWLINE_BASE_ERR_H
#define CREWLINE_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#define ERR_LIST(X)                                               \
    X(ERR_BAD_REQUEST, 400, "bad-request", false)                 \
    X(ERR_BAD_JSON, 400, "bad-json", false)                       \
    X(ERR_BAD_SIGNATURE, 401, "bad-signature", false)             \
    X(ERR_UNAUTHORIZED, 401, "unauthorized", false)               \
    X(ERR_FORBIDDEN, 403, "forbidden", false)                     \
    X(ERR_NOT_FOUND, 404, "not-found", false)                     \
    X(ERR_METHOD, 405, "method-not-allowed", false)               \
    X(ERR_NOT_ACCEPTABLE, 406, "not-acceptable", false)           \
    X(ERR_REQUEST_TIMEOUT, 408, "request-timeout", false)         \
    X(ERR_CONFLICT, 409, "conflict", false)                       \
    X(ERR_IDEMPOTENCY, 409, "idempotency-key-reused", false)      \
    X(ERR_CONFIRM, 409, "confirmation-needed", false)             \
    X(ERR_GONE, 410, "gone", false)                               \
    X(ERR_LENGTH_REQUIRED, 411, "length-required", false)         \
    X(ERR_TOO_LONG, 413, "too-long", false)                       \
    X(ERR_URI_TOO_LONG, 414, "uri-too-long", false)               \
    X(ERR_MEDIA_TYPE, 415, "unsupported-media-type", false)       \
    X(ERR_INVALID, 422, "invalid", false)                         \
    X(ERR_TOO_MANY, 429, "too-many-requests", true)               \
    X(ERR_HEADERS_TOO_LONG, 431, "headers-too-long", false)       \
    X(ERR_INTERNAL, 500, "internal", false)                       \
    X(ERR_NOT_IMPLEMENTED, 501, "not-implemented", false)         \
    X(ERR_STORE_UNAVAILABLE, 503, "store-unavailable", true)      \
    X(ERR_STORE_FULL, 503, "store-full", true)                    \
    X(ERR_STORE_REPLY, 500, "store-reply", false)                 \
    X(ERR_STORE_CONFLICT, 503, "store-conflict", true)            \
    X(ERR_OVERLOAD, 503, "overload", true)                        \
    X(ERR_SHUTTING_DOWN, 503, "shutting-down", true)              \
    X(ERR_VERSION, 505, "http-version", false)                    \
    X(ERR_CONFIG, 500, "configuration", false)                    \
    X(ERR_IO, 500, "io", false)                                   \
    X(ERR_CRYPTO, 500, "crypto", false)                           \
    X(ERR_DAMAGED, 500, "damaged-record", false)                  \
    X(ERR_NET_NOT_SENT, 502, "not-sent", true)                    \
    X(ERR_NET_AMBIGUOUS, 502, "ambiguous", true)                  \
    X(ERR_NET_FORBIDDEN_ADDRESS, 422, "forbidden-address", false) \
    X(ERR_TIMEOUT, 504, "timeout", true)                          \
    X(ERR_PROVIDER, 502, "provider-refused", false)               \
    X(ERR_CANCELLED, 500, "cancelled", false)

enum err_code {
    ERR_NONE,
#define X(code, status, slug, retry) code,
    ERR_LIST(X)
#undef X
        ERR_COUNT
};

struct err {
    enum err_code code;
    char member[96]; /* the offending member or parameter ("data.workorder.number"), or "" */
    char msg[256];
    int64_t retry_after_s; /* 0: the code's default */
};

int err_status(enum err_code code);
const char *err_slug(enum err_code code);
bool err_retry(enum err_code code);

/** Both return false, so that `return err_set(...)` reads well; @err may be NULL. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Puts "context: " in front of the message. */
bool err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Names the offending member; returns false. */
bool err_member(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
