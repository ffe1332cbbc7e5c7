/*
 * provider: Meta's Cloud API and Twilio behind one const struct each. Pure: bytes and structs in, bytes
 * and structs out; jobs do the HTTP. Facts with their sources stand in the provider's own header comments.
 */
#ifndef CREWLINE_PROVIDERS_PROVIDER_H
#define CREWLINE_PROVIDERS_PROVIDER_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/text.h"
#include "domain/inbound.h"
#include "domain/message.h"
#include "domain/settings.h"
#include "net/http_client.h"

/* A request to a provider, ready for http_call_start(). All of it lives in the arena. */
struct outgoing {
    const char *method;
    struct str url;
    struct pair headers[4];
    size_t nheaders;
    struct str basic_user, basic_password; /* Twilio; else STR_NONE */
    struct str body;
};
/** As a call, with the limits that it names; @out must outlive it. */
struct http_call outgoing_call(const struct outgoing *out, unsigned flags, int64_t timeout_ms);

/*
 * Correlation: what travels with a send and comes back with its statuses: "<message id>.<attempt>.<mac>".
 * The mac (keyed, 16 hex digits) keeps others who see the account from moving our states.
 */
#define CORRELATION_MAX 96
void correlation_make(const struct hmac_key *key, struct str tenant, struct str message_id, int64_t attempt,
                      char out[CORRELATION_MAX]);
bool correlation_check(const struct hmac_key *key, struct str tenant, struct str text, struct str *message_id,
                       int64_t *attempt);

enum outcome_class {
    OUTCOME_SENT,       /* accepted; provider_id is set */
    OUTCOME_NOT_SENT,   /* certainly not accepted: retry with back-off, not counted */
    OUTCOME_AMBIGUOUS,  /* may have been accepted */
    OUTCOME_THROTTLED,  /* over a limit: certainly not accepted, comes later; scope says whose */
    OUTCOME_REFUSED,    /* will never be accepted as it is */
    OUTCOME_OPTED_OUT,  /* refused: the person does not want messages */
    OUTCOME_NEED_TEMPLATE, /* refused: outside the 24-hour window */
    OUTCOME_SENDER_STOPPED /* token, account or number is in trouble: nothing goes until it is mended */
};
enum outcome_scope { SCOPE_MESSAGE, SCOPE_PAIR, SCOPE_SENDER, SCOPE_ACCOUNT };

struct outcome {
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;            /* tell the operator */
    int64_t tries_max;     /* NOT_SENT: give up after that many; 0: no bound but expiry */
    int64_t retry_after_ms; /* 0: the caller's own back-off */
    struct str provider_id;
    int64_t code;          /* the provider's error code; 0: none */
    struct str title;      /* what it means, in plain words */
    struct str advice;     /* what to do about it */
    struct str details;    /* the provider's own text */
};

/* One row of a provider's error table, in providers/<name>/<name>_errors.c. */
struct provider_error {
    int64_t code, subcode; /* subcode 0: any */
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;
    int64_t tries_max, retry_after_ms;
    const char *title, *advice;
};

struct provider {
    const char *name; /* "meta", "twilio" */
    enum provider_kind kind;
    /**
     * Items of a verified webhook body. Unknown kinds become INBOUND_OTHER and never fail; only what is no
     * JSON object (or no form) at all gives ERR_BAD_REQUEST. At most INBOUND_ITEMS_MAX items.
     */
    bool (*parse)(struct arena *a, struct str body, struct inbound_batch *out, struct err *err);
    /** Against the provider's limits (lengths, counts, types): ERR_INVALID naming member, limit and value. */
    bool (*check)(const struct message *m, struct err *err);
    /**
     * The request that sends @m. @correlation may be STR_NONE. Twilio with options needs a Content sid:
     * content_key() tells which, content_build() makes the request that creates it.
     */
    bool (*build)(struct arena *a, const struct sender *s, const struct message *m, struct str correlation,
                  struct str callback_base, struct outgoing *out, struct err *err);
    /** What an answer means. @status 0: none came (@err tells: ERR_NET_*, ERR_TIMEOUT). */
    void (*outcome)(struct arena *a, int status, struct str body, int64_t retry_after_s,
                    const struct err *err, struct outcome *out);
    /** The row of a code in a failed status webhook. */
    const struct provider_error *(*error_find)(int64_t code, int64_t subcode);
    /** A cheap call that proves that the credentials work, for `check` and for a paused sender. */
    bool (*probe)(struct arena *a, const struct sender *s, struct outgoing *out);
};
extern const struct provider provider_meta, provider_twilio;
const struct provider *provider_of(enum provider_kind kind);

#define INBOUND_ITEMS_MAX 4096

/* Meta's signature: "sha256=" and 64 lower-case hex digits of HMAC-SHA256(app secret, raw body). */
bool meta_signature_parse(struct str header, uint8_t mac[32]);
/** The handshake: 200 with the challenge, 400 or 403. @token is ours; compared in constant time. */
int meta_handshake(const struct pairs *query, const struct str *tokens, size_t ntokens, struct str *challenge);

/**
 * As provider_twilio.parse, with the query of the URL that was called (without '?'): the correlation of a
 * status is its `c`, which twilio_build() put into StatusCallback. The query is part of what Twilio
 * signed. Forms carry no time: `at` is 0. A form with several media gives an item for each; the first
 * has the sid as provider_id, the others "<sid>:<n>".
 */
bool twilio_parse_query(struct arena *a, struct str body, struct str query, struct inbound_batch *out,
                        struct err *err);

/*
 * Twilio's signature: base64 HMAC-SHA1(auth token, URL + sorted parameters). @url is the configured one
 * plus the target as received; both forms, with and without the port, are tried. For JSON bodies the
 * bodySHA256 parameter of the URL is compared.
 */
bool twilio_signature_ok(struct str auth_token, struct str url, const struct pairs *form, struct str raw_json,
                         struct str header);

/*
 * Twilio has no inline buttons: a Content resource carries them. The key names the shape (kind, number of
 * lines and options, titles, language); equal keys share one HX sid, since texts and ids are variables.
 */
bool twilio_content_needed(const struct sender *s, const struct message *m);
void twilio_content_key(const struct message *m, struct buf *key);
void twilio_content_build(struct arena *a, const struct sender *s, const struct message *m, struct outgoing *out);
bool twilio_content_sid(struct arena *a, int status, struct str body, struct str *sid);
/** The fallback: the options numbered in the text ("Reply 1, 2 or 3"), without descriptions or sections if too long. */
void twilio_numbered_text(struct arena *a, const struct message *m, struct str hint, struct str *text);

#endif
