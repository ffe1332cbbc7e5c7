/*
 * app_int: a request on its way through a handler, the table of routes, and what all handlers use.
 *
 * A handler gets a request whose credential and role were checked and whose body is whole. It
 * answers with one of the reply_*() functions, at once or from the callback of the operation it
 * left in r->pending. When the client hangs up, r->pending is cancelled and the request is gone.
 */
#ifndef CREWLINE_APP_INT_H
#define CREWLINE_APP_INT_H

#include "app/app.h"
#include "base/list.h"
#include "base/map.h"
#include "domain/api_key.h"
#include "domain/message.h"
#include "domain/plan.h"
#include "providers/provider.h"

#define REQUEST_MAGIC       0x0a995004u

struct identity { /* who asks */
    struct engine_tenant *et;
    const struct tenant *tenant;
    unsigned role;
    bool broadcast;
    struct str key_id, key_name; /* for the audit trail */
};

struct route;
struct request;
typedef void handler_fn(struct request *r);
struct request {
    uint32_t magic;
    struct app *app;
    struct engine *e;
    struct http_req *http;
    struct arena *a; /* of the http request */
    const struct route *route;
    struct str args[3]; /* the {…} of the path, in order, decoded */
    struct identity who;
    bool known; /* who was looked up at the head */
    struct op *pending;
    struct mono began;
    struct json *body; /* parsed on demand, freed with the request */
    struct buf out;    /* the body of the answer under way, freed with the request */
    struct err err;
    struct str idempotency; /* Idempotency-Key, or empty */
    struct str unit,
        print; /* what makes this request's commits repeatable; fingerprint of the body */
    struct hasher *hashers; /* webhooks: one for each secret; uploads: one for the fingerprint */
    size_t nhashers;
    struct meta_secrets *secrets; /* webhooks: those; till the end of the request */
    struct web_session *session;       /* whose browser it is (web.h), or NULL */
    struct str cookie;                  /* Set-Cookie of the answer, or empty */
    handler_fn *then;                   /* behind a look at the idempotency key */
    void *user;                         /* of the handler, in the arena */
    void (*on_gone)(struct request *r); /* frees what is not in the arena */
};

#define ROUTE_PUBLIC    (1u << 0) /* no key needed; one that is given is looked at */
#define ROUTE_NOT_READY (1u << 1) /* served before the engine is ready */
#define ROUTE_META      (1u << 2) /* raw: signature over the body */
#define ROUTE_TWILIO    (1u << 3)
#define ROUTE_UPLOAD    (1u << 4) /* up to 16 MiB */
#define ROUTE_LOOPBACK  (1u << 5) /* no key needed from loopback */
#define ROUTE_META_GET  (1u << 6) /* the handshake: its token is its credential */
#define ROUTE_PAGE      (1u << 7) /* for browsers: what goes wrong is a page too (web.h) */
#define ROUTE_WEBHOOK   (ROUTE_META | ROUTE_TWILIO | ROUTE_META_GET)

struct route {
    const char *method, *path; /* "/api/v1/messages/{id}" */
    unsigned roles, flags;
    handler_fn *run;
    const char *tag, *summary; /* of OpenAPI */
    const char *query; /* names of its parameters in openapi.c, separated by blanks; or NULL */
    const char *request, *reply; /* names of the schemas in openapi_schemas.c, or NULL */
    int status;                  /* of success */
};
extern const struct route routes[];
extern const size_t nroutes;
/**
 * The route of a method and of a path as received (still encoded, so that "%2F" stays inside its
 * part);
 * @args are decoded into @a. NULL with *allow filled ("GET, POST") when only the method is wrong.
 * HEAD finds what GET finds.
 */
const struct route *route_find(struct arena *a, struct str method, struct str path,
                               struct str args[3], struct buf *allow);

/* Owned by the app, while they count, and by each webhook that began with them, however many reloads ago. */
struct meta_secrets {
    size_t refs;
    struct str text[WEBHOOK_SECRETS_MAX];
    struct hmac_key keys[WEBHOOK_SECRETS_MAX];
    size_t n;
};
/** One owner less; the last one wipes them. */
void meta_secrets_drop(struct meta_secrets **owner);

struct app {
    struct loop *loop;
    struct settings *settings;
    const struct i18n *i18n;
    struct engine *engine; /* NULL until it is ready */
    struct http_server *server;
    struct tls_server *tls;
    struct map *key_cache; /* secret hash -> cached identity; short lived */
    struct str meta_tokens[WEBHOOK_SECRETS_MAX];
    size_t nmeta_tokens;
    struct meta_secrets *meta_secrets; /* since the last reload */
    struct buf openapi;   /* rendered once */
    bool draining;        /* long polls end at once */
    size_t big_events;    /* big bodies of events that are worked on, and those that wait */
    struct list big_waiting;
    struct mono ready_at; /* the last look for those without a key, believed for a second */
    int ready_level;
};

/** Behind the end of all requests. */
void api_events_fini(struct app *app);

/* replies */
void reply_json(struct request *r, int status, struct str body);
void reply_empty(struct request *r, int status);
void reply_text(struct request *r, int status, const char *type, struct str body);
void reply_error(struct request *r, const struct err *err); /* problem+json by the err table */
void problem_render(const struct err *err, struct buf *body);
/** With further header fields; one that every reply has takes the place of that. */
void reply_with(struct request *r, int status, const char *type, struct str body,
                const struct http_field *extra, size_t nextra);
/** Begins a JSON body in r->out; reply_built() sends it (ERR_INTERNAL where it outgrew its cap). */
struct buf *reply_begin(struct request *r, struct jw *w);
void reply_built(struct request *r, int status, struct buf *body);
/** Begins a streamed answer with the headers that every reply has; @file: name of the attachment,
 * or NULL. */
void reply_stream(struct request *r, const char *type, const char *file);
/**
 * First line of every continuation: clears r->pending and answers @err. False: answered, @r is
 * gone.
 */
bool request_resume(void *ctx, const struct err *err, struct request **out);

/* request */
/** The body as JSON; answers 400/415/413 itself and returns NULL when there is none. */
const struct json *request_json(struct request *r);
struct str request_param(struct request *r, const char *name); /* of the query, or STR_NONE */
/** ?name=: true or 1, false, 0 or nothing; answers 400 itself: what is not clear must not count as no. */
bool request_flag(struct request *r, const char *name, bool *out);
/** ?limit= (1 to 500, default 50); answers 400 itself. */
bool request_limit(struct request *r, int64_t *limit);
/** ?cursor=: opaque to callers; a plain string inside; answers 400 itself when it does not open. */
bool request_cursor(struct request *r, struct str *after);
void cursor_write(struct jw *w, struct str last); /* "next_cursor" */
/** ?name= as RFC 3339; *out 0 when absent; answers 400 itself. */
bool request_time(struct request *r, const char *name, struct wall *out);

/*
 * Idempotency-Key (24 h in the contract; kept for 8 days): put the checks and the writes into the
 * commit that does the work; a repeated key answers the first reply again, one with another body
 * 409.
 */
void idempotency_checks(struct request *r, struct commit *c);
void idempotency_writes(struct request *r, struct commit *c, int status, struct str body);
/**
 * Answers DUPLICATE and DIFFERS; false for OK and the rest, which are the handler's. Without a key
 * the checks still make the commit repeatable; its own repetition then counts as done: false, and
 * *done.
 */
bool idempotency_answered(struct request *r, const struct commit_outcome *o, bool *done);
/*
 * Work of several commits, each repeatable by itself (a batch of events, an import): _open() keeps
 * the key, answers what was answered before or calls @next; _close() keeps the reply, writes the
 * audit entry @what (NULL: none) and answers.
 */
void idempotency_open(struct request *r, handler_fn *next);
/** Answers what was answered before under this key, else calls @next; before every POST with a key.
 */
void idempotency_peek(struct request *r, handler_fn *next);
void idempotency_close(struct request *r, int status, struct str body, const char *what,
                       struct str subject);

/* An entry of the append-only audit trail (stream au), within the commit that does what it tells.
 */
void audit_write(struct request *r, struct commit *c, const char *what, struct str subject);
/** The sealed entry itself, for a script that writes it. */
struct str audit_entry(struct request *r, const char *what, struct str subject);

/** In on_headers: refuses what cannot be a key before its body is taken in. False: answered. */
bool auth_looks_good(struct request *r);
/** Who asks, once for each request: fills r->who and calls @next, or answers 401/403/503. */
void auth_check(struct request *r, handler_fn *next);
void auth_forget(struct app *app); /* cached keys, after a revocation */
void auth_fini(struct app *app);

/*
 * Collections: pages of records by an index (script rows.lua), read in slices so that the loop is
 * not held.
 */
struct listing {
    struct str index;  /* a ZSET behind the tenant's prefix */
    const char *order; /* "up", "down": by member; "score": largest score first */
    struct str from,
        to; /* up, down: bounds as ZRANGEBYLEX takes them; score: "score|id" to go on at */
    const char *prefix;        /* of the records: "m:" */
    const char *const *fields; /* ends with NULL */
    bool sifted;               /* row() leaves many out: it is given more than a page asks for */
    const char *filter;        /* plain field that must hold @value; NULL: none */
    struct str value;
    /** Writes one item to l->w, or one line to r->out for CSV; false: filtered out. */
    bool (*row)(struct request *r, struct listing *l, struct str id, const struct reply *fields);
    void *user;
    struct arena *a; /* for a row: reset with every slice */
    const char *csv_head,
        *csv_file; /* CSV instead of JSON: header line, name of the file; else NULL */
    int64_t limit; /* 0: all (CSV) */
    /* under way */
    struct jw w;
    int64_t n, scanned;
    struct str last;
    bool more, started;
};
/** Answers with the collection. Sets limit and bounds from ?limit= and ?cursor= ("up", "down",
 * "score"). */
void listing_start(struct request *r, struct listing *l);
/** Does the client prefer text/csv? */
bool request_wants_csv(struct request *r);
/** One cell with its quotes; what a spreadsheet would take for a formula gets an apostrophe. */
void csv_cell(struct buf *out, struct str text, bool last);

/* Parts that several handlers share. */
struct str tenant_key(struct request *r, const char *key); /* "{acme}:" and @key */
void call_script(struct request *r, struct call *call, const char *name);
/** A message's hash: MESSAGE_RECORD_FIELDS from @from on in a reply. */
struct message_record {
    struct str sealed, state, timeline;
    int64_t sends;
    struct str again; /* the message that says it again by another way, where that was read */
};
#define MESSAGE_RECORD_FIELDS "b", "s", "tl", "n"
struct message_record message_record_of(const struct reply *list, size_t from);
/** False: there is none, or it does not open (logged). */
bool message_record_open(struct request *r, struct arena *a, struct str id,
                         const struct message_record *rec, struct message *out);
/** The API's shape; @whole: with its timeline. */
void message_view_write(const struct message *m, const struct message_record *rec,
                        const struct provider *provider, bool whole, struct jw *w,
                        const char *name);
/** Code, title and advice of a failed state's detail; STR_NONE: it tells none. */
struct str message_state_error(struct arena *a, struct str state, struct str detail,
                               const struct provider *provider, struct str *title,
                               struct str *advice);
/** Answers with the timeline of an order, from its @from-th entry on. */
void timeline_answer(struct request *r, struct str order_id, int64_t from, int64_t limit);
/** The whole of it, as a document that proves itself (domain/evidence.h). */
void timeline_export(struct request *r, struct str order_id, struct str number);
/** Answers with the files of an order, newest first. */
void media_answer(struct request *r, struct str order_id);
void user_fetch(struct request *r, struct str id, fetch_fn *on_done);
/** The person as kept, NULL where there is none; false: answered. A tombstone comes with removed set. */
bool user_open_kept(struct request *r, struct str id, const struct doc *doc, struct user **out);
void user_not_found(struct request *r, struct str id);
/** ERR_INVALID naming "id": an id that cannot be a lane or part of a key. */
bool user_id_check(struct str id, struct err *err);
/**
 * What @j makes of a person: put into @p, with a welcome for whom it is new and not verified.
 * @before: as kept, or NULL. *fresh: nobody had this id.
 */
bool user_change(struct plan *p, const struct json *j, struct str id, const struct user *before,
                 bool *fresh, struct err *err);
/** Hash of a phone in the index of people. */
struct str phone_hash(struct request *r, struct arena *a, struct str phone);
/** "~" and a hash: the name of somebody who is no user, for lanes and indexes. */
struct str stranger_id(struct request *r, struct str phone);

/* What waits in the queues of one tenant or of all. */
struct depth_sample {
    const struct tenant *tenant;
    struct str queue;
    int64_t in_flight, scheduled;
    int64_t items[PRIO_COUNT];
    int64_t oldest_ms[PRIO_COUNT]; /* how long the first lane has been ready */
    /* of an "out:" queue: its sender, as all gateways know it */
    bool paused;
    struct wall rests;       /* until then; 0: it does not */
    struct str why, advice;
    int64_t percent;         /* of its rate in force */
    int64_t people;          /* of its portfolio: written to outside their window within 24 h; */
    int64_t people_most;     /* so many may be; 0: no tier */
    bool told;               /* that is what the provider told */
    struct str via;          /* who speaks in its place, or empty */
    struct wall via_since;
};
struct depths {
    struct engine_tenant *only; /* NULL: all tenants */
    /** @err: Redis did not answer within 500 ms; what was read so far is there. */
    void (*done)(struct request *r, struct depths *d, const struct err *err);
    struct depth_sample *v;
    size_t n, cap, at;
};
void depths_read(struct request *r, struct depths *d); /* uses r->user */
/** What was read of a sender; NULL: nothing. */
const struct depth_sample *depths_sender(const struct depths *d, const struct tenant *t,
                                         struct str sender);

/* handlers, by file */
handler_fn webhook_meta_get, webhook_meta_post, webhook_twilio_incoming, webhook_twilio_status;
handler_fn api_event_post, api_outbox_get;
handler_fn api_message_post, api_message_get, api_message_list, api_send_test;
handler_fn api_broadcast_post, api_broadcast_list, api_broadcast_get, api_broadcast_recipients,
    api_broadcast_cancel, api_broadcast_resend, api_emergency_post;
handler_fn api_user_list, api_user_post, api_user_get, api_user_put, api_user_delete,
    api_user_import;
handler_fn api_order_list, api_order_get, api_order_timeline, api_order_media,
    api_media_get;
handler_fn api_team_post;
handler_fn api_asset_qr_svg, api_asset_qr_png;
handler_fn api_alert_list, api_alert_get;
handler_fn api_key_list, api_key_post, api_key_delete, api_audit_list;
handler_fn api_callback_list, api_callback_replay, api_dead_letter_list, api_dead_letter_replay,
    api_dead_letter_replay_many;
handler_fn api_sender_list, api_sender_resume;
handler_fn api_template_list, api_template_post, api_template_get, api_template_delete,
    api_template_sync;
handler_fn web_static, web_settings_get, web_settings_post, web_verify_get,
    web_verify_post;
handler_fn health_live, health_ready, health_metrics, api_openapi, api_docs;
/* on_headers: no body is taken in without a signature; Meta's is checked while it arrives */
void webhook_meta_headers(struct request *r);
void webhook_twilio_headers(struct request *r);

/* OpenAPI: components/schemas, sorted by name; each a JSON object. */
struct openapi_schema {
    const char *name, *json;
};
extern const struct openapi_schema openapi_schemas[];
extern const size_t nopenapi_schemas;

#endif
