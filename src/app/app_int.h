/*
 * app_int: a request on its way through a handler, the table of routes, and what all handlers use.
 *
 * A handler gets a request whose credential and role were checked and whose body is whole. It answers with
 * one of the reply_*() functions, at once or from the callback of the operation it left in r->pending. When
 * the client hangs up, r->pending is cancelled and the request is gone.
 */
#ifndef CREWLINE_APP_INT_H
#define CREWLINE_APP_INT_H

#include "app/app.h"
#include "base/map.h"
#include "domain/api_key.h"

#define REQUEST_MAGIC  0x0a995004u
#define WEBHOOK_SECRETS_MAX 32

struct identity { /* who asks */
    struct engine_tenant *et;
    const struct tenant *tenant;
    unsigned role;
    bool broadcast;
    struct str key_id, key_name; /* for the audit trail */
};

struct route;
struct request {
    uint32_t magic;
    struct app *app;
    struct engine *e;
    struct http_req *http;
    struct arena *a; /* of the http request */
    const struct route *route;
    struct str args[3]; /* the {…} of the path, in order, decoded */
    struct identity who;
    struct op *pending;
    struct mono began;
    struct json *body;  /* parsed on demand, freed with the request */
    struct err err;
    struct str idempotency; /* Idempotency-Key, or empty */
    struct hasher *hashers; /* webhooks: one for each secret */
    size_t nhashers;
    void *user;             /* of the handler, in the arena */
    void (*on_gone)(struct request *r); /* frees what is not in the arena */
};

#define ROUTE_PUBLIC   (1u << 0) /* no key needed; one that is given is looked at */
#define ROUTE_NOT_READY (1u << 1) /* served before the engine is ready */
#define ROUTE_META     (1u << 2) /* raw: signature over the body */
#define ROUTE_TWILIO   (1u << 3)
#define ROUTE_UPLOAD   (1u << 4) /* up to 16 MiB */
#define ROUTE_LOOPBACK (1u << 5) /* no key needed from loopback */

typedef void handler_fn(struct request *r);
struct route {
    const char *method, *path; /* "/api/v1/messages/{id}" */
    unsigned roles, flags;
    handler_fn *run;
    const char *summary;       /* of OpenAPI */
    const char *request, *reply; /* names of the schemas in openapi_schemas.c, or NULL */
    int status;                /* of success */
};
extern const struct route routes[];
extern const size_t nroutes;
/** The route of a method and path; NULL with *allow filled ("GET, POST") when only the method is wrong. */
const struct route *route_find(struct str method, struct str path, struct str args[3], struct buf *allow);

struct app {
    struct loop *loop;
    struct settings *settings;
    const struct i18n *i18n;
    struct engine *engine; /* NULL until it is ready */
    struct http_server *server;
    struct tls_server *tls;
    struct map *key_cache; /* secret hash -> cached identity; short lived */
    struct str meta_secrets[WEBHOOK_SECRETS_MAX], meta_tokens[WEBHOOK_SECRETS_MAX];
    size_t nmeta_secrets, nmeta_tokens;
    struct buf openapi;    /* rendered once */
};

/* replies */
void reply_json(struct request *r, int status, struct str body);
void reply_empty(struct request *r, int status);
void reply_text(struct request *r, int status, const char *type, struct str body);
void reply_error(struct request *r, const struct err *err); /* problem+json by the err table */
void problem_render(const struct err *err, struct buf *body);
/** Begins a JSON body in r's arena; reply_built() ends it. */
struct buf *reply_begin(struct request *r, struct jw *w);
void reply_built(struct request *r, int status, struct buf *body);

/* request */
/** The body as JSON; answers 400/415/413 itself and returns NULL when there is none. */
const struct json *request_json(struct request *r);
struct str request_param(struct request *r, const char *name); /* of the query, or STR_NONE */
/** ?limit= (1 to 500, default 50); answers 400 itself. */
bool request_limit(struct request *r, int64_t *limit);
/** ?cursor=: opaque to callers; a plain string inside; answers 400 itself when it does not open. */
bool request_cursor(struct request *r, struct str *after);
void cursor_write(struct jw *w, struct str last); /* "next_cursor" */
/** ?name= as RFC 3339; *out 0 when absent; answers 400 itself. */
bool request_time(struct request *r, const char *name, struct wall *out);

/*
 * Idempotency-Key (24 h in the contract; kept for 8 days): put the checks and the writes into the commit that
 * does the work; a repeated key answers the first reply again, one with another body 409.
 */
void idempotency_checks(struct request *r, struct commit *c);
void idempotency_writes(struct request *r, struct commit *c, int status, struct str body);
/** Answers DUPLICATE and DIFFERS; false for OK and the rest, which are the handler's. */
bool idempotency_answered(struct request *r, const struct commit_outcome *o);

/* An entry of the append-only audit trail (stream au), within the commit that does what it tells. */
void audit_write(struct request *r, struct commit *c, const char *what, struct str subject);

/** Who asks: fills r->who and calls @next, or answers 401/403. */
void auth_check(struct request *r, handler_fn *next);
void auth_forget(struct app *app); /* cached keys, after a revocation */
void auth_fini(struct app *app);

/* handlers, by file */
handler_fn webhook_meta_get, webhook_meta_post, webhook_twilio_incoming, webhook_twilio_status;
handler_fn api_event_post, api_outbox_get;
handler_fn api_message_post, api_message_get, api_message_list, api_send_test;
handler_fn api_user_list, api_user_post, api_user_get, api_user_put, api_user_delete, api_user_import;
handler_fn api_order_list, api_order_get, api_order_timeline;
handler_fn api_key_list, api_key_post, api_key_delete, api_audit_list;
handler_fn api_callback_list, api_dead_letter_list, api_sender_list;
handler_fn health_live, health_ready, health_metrics, api_openapi;
void webhook_meta_headers(struct request *r); /* on_headers: hashers over the body */

#endif
