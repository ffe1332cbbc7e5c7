/*
 * world: a whole gateway in the test's own process: a private Redis, the engine with its workers,
 * the app on a free port, and one server that plays the CMMS and Meta at once. Two tenants: "acme"
 * (Meta sender "main", callbacks to the CMMS) and "beta" (Meta sender "main" too, its CMMS polls),
 * each with a key of every role.
 */
#ifndef CREWLINE_TESTS_APP_WORLD_H
#define CREWLINE_TESTS_APP_WORLD_H

#include "app/app.h"
#include "fake/redis_fixture.h"
#include "harness.h"
#include "jobs/engine.h"

enum who {
    NOBODY,
    ACME_ADMIN,
    ACME_CMMS,
    ACME_VIEWER,
    BETA_ADMIN,
    BETA_CMMS,
    BETA_VIEWER,
    WHO_COUNT
};

struct world {
    struct loop *loop;
    struct settings *settings;
    struct i18n *i18n;
    struct redis_fixture *redis;
    struct engine *engine;
    struct app *app;
    struct http_client *client;
    struct http_server *outside; /* CMMS and Meta */
    struct arena *a;
    struct str keys[WHO_COUNT];
    bool ready;
    /* the CMMS */
    int cmms_status; /* what it answers; 200 at first */
    size_t posts;    /* callbacks that came with `watch` in them */
    const char *watch;
    size_t sends;                        /* messages that Meta took */
    size_t templates, templates_deleted; /* "pump_report" that Meta has; deletions of any */
    int meta_status;                     /* what Meta answers; 200 at first */
};

/** Starts everything; one for the whole program. */
struct world *world_new(void);
void world_free(struct world **owner);
/** Runs the loop for @ms. */
void world_run(struct world *w, int64_t ms);
/** For commits and plans: the int behind @ctx becomes 1, or -1 when it failed. */
void world_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome);
/** An event of ours about @subject into the stream of @tenant, as plan.c writes one. */
void world_emit(struct world *w, const char *tenant, const char *subject);

/* One request and its answer; all of it lives in the world's arena. */
struct reply_to {
    int status; /* 0: no answer (err says why) */
    struct str body, type, allow, cache, policy, nosniff, retry_after, disposition, location, cookie, referrer;
    struct json *j; /* the body where it is JSON, else NULL; freed by the world */
    struct err err;
    int64_t ms;
};
struct ask {
    enum who who;
    const char *method, *path;
    struct str body;
    const char *type; /* NULL: application/json where there is a body */
    const char *key;  /* Idempotency-Key, or NULL */
    const char *accept;
    const char *extra[8]; /* further headers: name, value, …; ends with NULL */
    const char *bearer;   /* instead of the key of @who */
};
struct reply_to ask(struct world *w, const struct ask *q);
/** The usual: JSON body or NULL. */
struct reply_to ask_json(struct world *w, enum who who, const char *method, const char *path,
                         const char *body);

/** Begins without waiting; ask_end() waits for it. ask_drop() hangs up. */
struct flight;
struct flight *ask_begin(struct world *w, const struct ask *q);
bool flight_done(const struct flight *f);
struct reply_to ask_end(struct world *w, struct flight **f);
void ask_drop(struct flight **f);

/** RFC 3339 of a time @days from now, for send_at. */
struct str in_days(struct world *w, int days);

/* Looking into answers: texts of members by dotted path, "" for none. */
struct str at(const struct reply_to *r, const char *path);
int64_t at_int(const struct reply_to *r, const char *path);
size_t items(const struct reply_to *r);

/** CHECKs that it is a problem of this status (and slug, member; NULL: any), with all that a
 * problem has. */
void check_problem(const char *label, const struct reply_to *r, int status, const char *slug,
                   const char *member);

#endif
