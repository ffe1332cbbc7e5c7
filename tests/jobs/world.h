/*
 * world: a real engine in the test's own process, against a private Redis and one loopback server
 * that plays Meta, Twilio and the CMMS. One tenant, "acme", with a Meta sender "main" and a Twilio
 * sender "tw". Redis is emptied for each world; times are short (see world_start()).
 */
#ifndef CREWLINE_TESTS_JOBS_WORLD_H
#define CREWLINE_TESTS_JOBS_WORLD_H

#include "domain/cmms_event.h"
#include "fake/redis_fixture.h"
#include "harness.h"
#include "jobs/engine.h"
#include "jobs/metrics.h"
#include "net/http_server.h"

#define ANA            "+12025550117"
#define BEN            "+12025550118"
#define TWILIO_SMS     "+12025550188" /* tw's number for SMS */
#define POSTS          512
#define TWILIO_NUMBER  "+12025550177" /* tw's own */
#define TWILIO_ACCOUNT "AC0123456789abcdef0123456789abcdef"

enum how { ANSWER, HANG, RESET, HALF };
struct act {    /* what the provider or the CMMS does to one request */
    int status; /* 0: the usual good answer */
    const char *body;
    int retry_after_s;
    enum how how;
};
struct post { /* a request that came in */
    struct str path, body, to, text, correlation, id;
    int64_t at_ms;
    bool answered, sms;
};

#define MADE_MAX 2400
struct made { /* a template that was registered */
    bool meta, gone;
    char id[40];
    struct str body;
};
struct world_templates {
    const char *status; /* how all of them stand; NULL: under review */
    struct made made[MADE_MAX];
    size_t nmade, nsubmitted, nlists, ndeleted, nrefused;
    int refuse_status; /* from the refuse_from-th on */
    int list_status;   /* of Meta's list; 0: good */
    size_t refuse_from;
    const char *refuse_body;
};

struct world {
    struct loop *loop;
    struct settings *settings;
    struct i18n *i18n;
    struct redis_fixture *redis; /* of the program */
    struct engine *engine;
    struct engine_tenant *et;
    struct http_server *outside;
    struct arena *a;
    bool ready, stopped;
    enum err_code failed;
    char failure[256];
    struct act sends[32], hooks[32]; /* in order; behind the last: the usual */
    size_t nsends, nhooks, asends, ahooks;
    struct post sent[POSTS], hooked[POSTS]; /* messages; callbacks */
    struct str marked;                      /* the message that was marked as read last */
    struct act mark;                        /* what is done to marks */
    size_t nmarked, nsent, nhooked, nalerts, ncontent, nprobes;
    int probe_status, content_status; /* 0: good */
    int64_t content_stall_ms; /* the process stands still so long while the next resource is made */
    const char *list;         /* Twilio's list of messages: its items, or NULL: none */
    int list_status;
    size_t nlists; /* how often it was read */
    struct world_templates t;
    /* a file that somebody sent: what is asked of the provider is answered so */
    struct str file;
    int place_status, file_status; /* 0: good */
    bool file_hangs;
    size_t nfiles, nfiles_signed; /* requests for it; those that came with a credential */
    struct http_req *hanging[64];
    size_t nhanging;
    /* the last call of accept_*(): */
    int accepted; /* callbacks */
    enum err_code accept_code;
    enum accept_result accept_result;
};

struct world_options {
    const char *config;   /* members of the file, with a comma behind: "\"delivery\":{…}," */
    const char *tenant;   /* members of the tenant, likewise */
    const char *failover; /* object; NULL: nothing goes by another way */
    bool no_callbacks, no_start, keep_data, no_work;
};
/** Redis emptied (unless keep_data), engine ready, Ana (u1) and Ben (u2) known, verified, in the
 * window. */
struct world *world_new(const struct world_options *o);
void world_start(struct world *w); /* an engine; world_new() does it */
/** engine_stop() with @deadline_ms, then engine_free(): nothing may be left (the sanitizer looks).
 */
void world_stop(struct world *w, int64_t deadline_ms);
void world_kill(
    struct world *w); /* engine_free() without a stop: as a crash, but for what is in flight */
void world_free(struct world **owner);
void world_done(void); /* at the end of the program: the Redis */

void world_run(struct world *w, int64_t ms);
#define UNTIL(w, label, cond)                                                           \
    do {                                                                                \
        for (int64_t until_end_ = mono_now().us + 8000000; !(cond);) {                  \
            if (mono_now().us > until_end_) {                                           \
                test_fail(__FILE__, __LINE__, "%s: waited 8 s for %s", (label), #cond); \
                break;                                                                  \
            }                                                                           \
            world_run((w), 3);                                                          \
        }                                                                               \
    } while (0)

/** One Redis command on the tenant: "HGET m:%s s" becomes HGET {acme}:m:… s (first key only). */
const char *redis_get(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t redis_int(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str message_state(struct world *w, struct str id);
struct str message_timeline(struct world *w, struct str id);
/** Queues are empty: nothing waits, nothing is leased. */
bool idle(struct world *w);

/* Putting in. */
void put_event(struct world *w, const char *id, const char *type, const char *data);
/** The member that is wrong in such an event; empty: none is. */
struct str event_fault(const char *type, const char *data);
void put_event_text(struct world *w, const char *json);
void put_inbound(struct world *w, const struct inbound *in);
void put_text(struct world *w, const char *phone, const char *id, const char *text);
/** A button or a row of that payload. */
void put_tap(struct world *w, const char *phone, const char *id, const char *payload);
/** A photo, to the Meta sender; with "twilio" as @caption's beginning, to the other. */
void put_photo(struct world *w, const char *phone, const char *id, const char *caption);
void put_status(struct world *w, struct str provider_id, struct str correlation,
                enum delivery_state state, int64_t code);
/** The same, of the sender "main" or "tw". */
void put_status_of(struct world *w, const char *sender, struct str provider_id,
                   struct str correlation, enum delivery_state state, int64_t code);
struct message_options {
    enum prio prio;
    const char *sender; /* NULL: "main" */
    int64_t max_sends, expires_in_ms;
    bool buttons, strange; /* strange: to somebody who never wrote */
    const char *cls;       /* preference class, or NULL */
    const char *text;      /* NULL: "hello" */
    const char *user;      /* NULL: "u1" */
    const char *form;      /* its template: one of three values */
    bool named;            /* its caller wants it by that template, in en_US */
    int64_t asked_before_ms; /* accepted so long ago, to be sent now */
};
/** Accepted when it returns; its id. */
struct str put_message(struct world *w, const struct message_options *o);

/** The sender "main" goes on; done when it returns. */
void put_resume(struct world *w);

/** An item of Twilio's list of messages (w->list): accepted @ago_s ago. */
const char *world_listed(struct world *w, const char *sid, const char *to, const char *body,
                         const char *status, int ago_s);

/* Looking. */
bool get_user(struct world *w, const char *id, struct user *out);
bool get_order(struct world *w, const char *id, struct order *out);
/** Whether the timeline of an order has an entry of @kind with @text in it ("" any). */
bool has_entry(struct world *w, const char *order, const char *kind, const char *text);
/** The text of the n-th event in the stream, or empty. */
struct str stream_event(struct world *w, int64_t sequence);
int stream_events(struct world *w, const char *type, const char *part);
int sent_to(struct world *w, const char *phone, const char *part);
/** The dead letter of @id ("in:…", "cb:…"; NULL: the only one) as JSON text, or empty. */
struct str dead_letter(struct world *w, const char *id);
/** The body of a document, opened, or empty. */
struct str record(struct world *w, const char *key);
/** The newest item that was kept for the operator, opened. */
struct str kept(struct world *w);

#endif
