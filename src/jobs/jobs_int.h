/*
 * jobs_int: what the files of this room share: the engine's structs. engine.c owns them; inbox.c, outbox.c
 * and callbacks.c work on the lanes of one tenant; accept.c puts things in.
 */
#ifndef CREWLINE_JOBS_INT_H
#define CREWLINE_JOBS_INT_H

#include "base/map.h"
#include "jobs/engine.h"
#include "jobs/metrics.h"

struct outbox { /* one sender of one tenant */
    struct engine_tenant *et;
    const struct sender *sender;
    const struct provider *provider;
    char *queue;
    struct lane_worker *worker;
    bool paused;
    char reason[200];         /* of the pause */
    struct timer *probe;      /* a paused sender is tried again every minute */
    struct op *probing;
    struct map *content_sids; /* Twilio: shape -> char * HX sid */
    int64_t factor_pct;       /* of the configured rate: halved by 130429 and the like, grows 5 % a second */
    struct timer *growth;
};

struct callbacks {
    bool off;                 /* the CMMS answered 410 */
    char reason[200];         /* why it fails now, or "" */
    int64_t failing;          /* attempts failed in a row */
};

struct engine_tenant {
    struct engine *e;
    struct tenant t;
    struct lane_worker *in, *cb;
    struct outbox *outboxes;
    size_t noutboxes;
    struct callbacks callbacks;
    struct op *loading;
    int64_t schema; /* of the stored data */
};

struct engine {
    struct loop *loop;
    struct engine_options o;
    struct store *store;
    struct http_client *http;
    struct engine_tenant *tenants;
    size_t ntenants, nloaded;
    bool ready, stopping;
    size_t stopping_workers;
    struct timer *stop_timer;
    loop_fn *on_stopped;
    void *stop_ctx;
    char owner[32];
    char store_reason[200];
};

#define INBOX_SLOTS     256
#define OUTBOX_SLOTS    256
#define CALLBACK_SLOTS  64
#define PROVIDER_ID_KEEP_MS ((int64_t)90 * 86400 * 1000)
#define WINDOW_MS           ((int64_t)24 * 3600 * 1000)

void inbox_start(struct engine_tenant *et);
bool outbox_start(struct engine_tenant *et);
void outbox_fini(struct outbox *ob);
void outbox_resume(struct outbox *ob);
struct outbox *outbox_find(struct engine_tenant *et, struct str queue);
void callbacks_start(struct engine_tenant *et);

/*
 * Bodies: sealed ones begin with the seal's format byte; what a grant hands over inside this process is
 * plain text. Opened into @a.
 */
bool job_body(struct engine_tenant *et, struct arena *a, struct str key, const char *field, struct str body,
              struct str *out, struct err *err);
/** Sealed into an arena. */
struct str job_seal(struct engine_tenant *et, struct arena *a, struct str key, const char *field, struct str text);

/* Inbound items: one letter, then what it is. */
#define ITEM_WEBHOOK 'W' /* sender id, line end, inbound JSON */
#define ITEM_EVENT   'E' /* CloudEvent of the CMMS */
#define ITEM_REFUSED 'R' /* {"reason":…,"event":{…}}: the CMMS refused an event of ours */
/** Adds an inbound item to a commit under way (in its writes); a marked write. */
void inbox_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str lane, struct str id,
               struct str text, bool grant);

#endif
