/*
 * jobs_int: what the files of this room share: the engine's structs. engine.c owns them; inbox*.c,
 * outbox*.c and callbacks.c work on the lanes of one tenant; accept.c puts things in; job.c holds
 * what all of them need.
 */
#ifndef CREWLINE_JOBS_INT_H
#define CREWLINE_JOBS_INT_H

#include "base/list.h"
#include "base/map.h"
#include "domain/consent.h"
#include "domain/assist.h"
#include "domain/failover.h"
#include "jobs/engine.h"
#include "jobs/metrics.h"

/*
 * Anything under way that has operations of its own: in the engine's list from job_begin() to
 * job_end(). What is left when the engine is freed is dropped: its operations are cancelled, it is
 * freed and tells nobody; its lease runs out and others go on.
 */
struct job {
    struct list node;
    void (*drop)(struct job *job);
};

struct outbox { /* one sender of one tenant */
    struct engine_tenant *et;
    const struct sender *sender;
    struct sender *gone; /* it is not configured any more (outbox_gone.c): nothing but its id; or NULL */
    const struct provider *provider;
    char *queue;
    struct lane_worker *worker;
    struct lane_way *ways; /* the other senders, in whose place its messages may not wait */
    size_t nways;
    struct map *content_sids; /* Twilio: shape -> char * HX sid */
    struct mono noted;        /* when it was last said of it that it is in trouble */
    struct mono paced;        /* since then so many were answered: */
    int64_t answers;
};

struct callbacks {
    bool off;         /* the CMMS answered 410 */
    char reason[200]; /* why it fails now, or "" */
    int64_t failing;  /* attempts failed in a row */
    bool taken;       /* the last one that was answered was taken, or refused for what it says */
};

struct engine_tenant {
    struct engine *e;
    struct tenant t;
    struct lane_worker *in, *cb;
    struct outbox *outboxes;
    size_t noutboxes;
    struct outbox **gone; /* of senders that are not configured any more */
    size_t ngone;
    struct callbacks callbacks;
    struct chores *chores;
    struct alarms *alarms;
    int marks; /* blue ticks under way */
    struct op *loading;
    struct approvals *approvals; /* of templates (approvals.h) */
    struct template_sync *syncing; /* a job; or NULL */
    struct timer *again;         /* loading is tried again */
    bool loaded;
    int64_t schema; /* of the stored data */
};

struct engine {
    struct loop *loop;
    struct engine_options o;
    struct store *store;
    struct http_client *http;
    struct engine_tenant *tenants;
    size_t ntenants, nloaded;
    struct templates *templates; /* the catalogue */
    struct media_store *media;   /* where files of people lie */
    struct list jobs;            /* struct job */
    bool ready, failed, stopping, closing;
    size_t stopping_workers;
    struct timer *stop_timer;
    loop_fn *on_stopped;
    void *stop_ctx;
    char owner[32];
    char store_reason[200];
    int64_t translate_failures; /* of the service, in a row (translate.c) */
    struct mono translate_rests_until;
};

#define INBOX_SLOTS    256
#define OUTBOX_SLOTS   384 /* at most: outbox_slots() */
#define OUTBOX_STREAMS 256 /* over HTTP/2 */
#define ENGINE_CONNECTIONS 64 /* to one host over HTTP/1.1 */
#define CALLBACK_SLOTS 64
#define WINDOW_MS      ((int64_t)24 * 3600 * 1000)

void inbox_start(struct engine_tenant *et);
void outbox_start(struct engine_tenant *et);
/** One of @sender, whose queue is worked on from now on. */
void outbox_init(struct outbox *ob, struct engine_tenant *et, const struct sender *sender);
void outbox_fini(struct outbox *ob);
/**
 * What waits for senders that no gateway has in its configuration any more goes as if they were paused.
 * @ids: those there are now; what was here before and is none of these rests.
 */
void outboxes_gone(struct engine_tenant *et, const struct str *ids, size_t n);
void outboxes_gone_fini(struct engine_tenant *et);
/** May a message be granted to it at once? The script goes by what all gateways know of it. */
bool outbox_grants(struct outbox *ob);
void outbox_apply_rate(struct outbox *ob);
/** By the sender's id; NULL: there is no such sender. */
struct outbox *outbox_of_sender(struct engine_tenant *et, struct str sender);
struct outbox *outbox_find(struct engine_tenant *et, struct str queue);
/** All of a tenant's senders go on: the credentials are new. */
void senders_resume(struct engine_tenant *et);
void callbacks_start(struct engine_tenant *et);
void callbacks_resume(struct engine_tenant *et);

/**
 * Tells the provider that what a person said to @sender_id was read (his blue ticks): best effort,
 * and only while nothing else waits. For when its effects and replies are on their way.
 */
void read_mark(struct engine_tenant *et, struct str sender_id, const struct inbound *in);

void job_begin(struct engine *e, struct job *job, void (*drop)(struct job *job));
void job_end(struct job *job);

/** How long to wait before the @tries-th try to record something: 250 ms, doubling to 10 s. */
int64_t job_retry_ms(int tries);
/**
 * Bodies of lane items: what a grant hands over inside this process is plain text, what Redis holds
 * is sealed, always. Opened into @a. ERR_DAMAGED when it is missing or does not open.
 */
bool job_item_body(struct engine_tenant *et, struct arena *a, struct str key,
                   const struct lane_item *item, struct str *out, struct err *err);
/** Sealed into an arena. */
struct str job_seal(struct engine_tenant *et, struct arena *a, struct str key, const char *field,
                    struct str text);

/*
 * Dead letters: dl:<id> HASH b sealed {"kind","sequence","lane","reason","tries","at"}, listed in
 * dl by time. An id is "cb:<sequence>" or "in:<item>"; "sequence" is what comes behind the colon,
 * to be put back into its queue and lane by a replay.
 */
struct dead_letter {
    const char *prefix, *kind; /* "cb:", "callback"; "in:", "inbound" */
    struct str item, lane, reason;
    int64_t tries;
};
void dead_letter_write(struct engine_tenant *et, struct arena *a, struct commit *c,
                       const struct dead_letter *d);

/**
 * What was signed but is nobody's to act upon, kept for the operator: "kept" LIST of sealed items,
 * the newest KEPT_MOST, the texts of one cut where it is more than KEPT_BYTES.
 */
#define KEPT_MOST  1000
#define KEPT_BYTES (512 * 1024)
void kept_write(struct engine_tenant *et, struct arena *a, struct commit *c,
                const struct inbound *in);

/* A message that came to a bad end: for the CMMS and its order's timeline, and for its own timeline
 * as "code|title|advice", in one line. */
void ended_tell(struct plan *p, const struct message *m, const char *state,
                const struct outcome *why);
struct str ended_detail(struct arena *a, const struct outcome *why);
/** Given up, and nobody knows whether it arrived: a dead letter. */
void ended_uncertain(struct arena *a, struct commit *c, const struct message *m,
                     const struct outcome *why);
/* jump.c: for who judges by age. The clocks as they stood when they were looked at last: */
struct jump_watch {
    struct mono mono, frozen; /* frozen: until then */
    struct wall wall;
};
#define RETENTION_FROZEN_MS ((int64_t)24 * 3600 * 1000)
/** Has the wall clock gained a minute on the other, within the last @for_ms? @what follows from it: for the log. */
bool jump_frozen(struct jump_watch *c, struct mono mono, struct wall wall, int64_t for_ms, const char *what);
/** The same through restarts, of what is dropped for its age: the call to ask Redis, and its answer. */
void jump_ask(struct engine_tenant *et, struct call *call);
bool jump_answered(struct engine_tenant *et, const struct reply *reply);

/** @s without line ends: one ends an entry of a timeline. */
struct str ended_line(struct arena *a, struct str s);

/**
 * Tells the CMMS (gateway.system.alert.v1), and the people of the tenant's `alerts.users`, that
 * something of ours is in trouble, or by @severity "ok" that it is over; at most once an hour for
 * each @component and severity, whatever the number of gateways.
 */
void alert_raise(struct engine_tenant *et, struct str component, const char *severity,
                 struct str text, struct str advice);

/* Inbound items: one letter, then what it is. */
#define ITEM_WEBHOOK   'W'           /* sender id, line end, inbound JSON */
#define ITEM_EVENT     'E'           /* CloudEvent of the CMMS */
#define ITEM_FAILOVER  FAILOVER_ITEM /* 'F', message id: domain/failover.h */
#define ITEM_REFUSED   'R' /* {"reason":…,"event":{…}}: the CMMS refused an event of ours */
#define ITEM_MATTER    MATTER_ITEM   /* 'Y', ref, clock: domain/matter.h */
#define ITEM_CONSENT   CONSENT_ITEM  /* 'O': domain/consent.h */
#define ITEM_STOPPED   STOPPED_ITEM  /* 'Q': likewise */
#define ITEM_MOVED     MOVED_ITEM    /* 'N': likewise */
#define ITEM_REMINDER  'D'           /* order id: its next reminder has come */
#define ITEM_BROADCAST 'B' /* a round of a broadcast, or the sweep of a cancelled one */
#define ITEM_ASSIST    ASSIST_ITEM   /* 'A': domain/assist.h */
#define ITEM_GROUP     'G' /* a team's group did not get a message: inbox_group.c */
#define ITEM_MEDIUM    'M' /* a file is to be fetched, or has got its order: inbox_media.c */
/** The provider refused because he stopped @classes there: his record is to say so. */
void consent_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str person,
                 unsigned classes);
/**
 * @m, to a team's group, was not taken, or did not reach one of them (the keyed hash of his phone): it goes to
 * the members, or to him (inbox_group.c). A marked write.
 */
void group_refused_put(const struct tenant *t, struct arena *a, struct commit *c,
                       const struct message *m, struct str missed, struct str title,
                       struct str advice);
/** The lane of what the CMMS tells about an order, and of its reminders. */
struct str inbox_order_lane(struct engine_tenant *et, struct arena *a, struct str order_id);
/** Adds an inbound item to a commit under way (in its writes); a marked write. */
void inbox_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str lane,
               struct str id, struct str text, bool grant);
/** Behind inbox_put(): @token is its result. The item goes to the worker, or the worker looks for
 * it. */
void inbox_handed(struct engine_tenant *et, struct str lane, struct str id, int64_t token,
                  struct str text);

#endif
