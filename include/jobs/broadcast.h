/*
 * broadcast: one message to many, at work (what is kept where: domain/broadcast.h).
 *
 * Accepting: the audience is read in slices, and who is meant is written down as chunks; then one commit makes
 * the broadcast and puts an inbound item (letter B) into the queue. The item, leased like any other, expands
 * chunk after chunk: each in one commit with the cursor, which it checks, so that however often a gateway dies in
 * it, and though several of these commits may be out, everybody is told once. Behind the last chunk it stays and
 * tells the CMMS every 5 s how it stands, until the end; the end is looked for more often while the broadcast is
 * young.
 * Cancelling is one script (commit_broadcast_cancel); an item of its own then sweeps the lanes.
 */
#ifndef CREWLINE_JOBS_BROADCAST_H
#define CREWLINE_JOBS_BROADCAST_H

#include "domain/broadcast.h"
#include "jobs/engine.h"

#define BROADCAST_SKIPPED_SHOWN 1000 /* all of them stand in the list of recipients */
#define BROADCAST_LANGS_MAX     32

struct broadcast_skip {
    struct str who; /* id, or the phone that nobody has */
    const char *reason;
};
struct broadcast_result {
    int64_t recipients, nskipped;
    struct broadcast_skip *skipped;
    size_t nshown;
    struct {
        struct str code;
        int64_t n;
    } langs[BROADCAST_LANGS_MAX];
    size_t nlangs;
    int64_t session, template_; /* dry run: inside and outside the 24-hour window */
    int64_t seconds;            /* at the senders' rates; 0: they have none */
};

struct broadcast_accept {
    const struct broadcast *b;
    bool dry_run;   /* writes nothing, asks for no confirmation */
    bool confirmed; /* by whoever sends it: no number is asked for */
    void (*checks)(void *ctx, struct commit *c);
    void (*writes)(void *ctx, struct commit *c, const struct broadcast_result *result);
    /** ERR_CONFIRM says the number. CONFLICT: there is one of this id. @outcome NULL: dry run. */
    void (*on_done)(void *ctx, const struct err *err, const struct broadcast_result *result,
                    const struct commit_outcome *outcome);
    void *ctx;
};
/** Results live in @a. Cancelled, a commit that has left goes on. */
struct op *broadcast_accept(struct engine *e, struct engine_tenant *et, struct arena *a,
                            const struct broadcast_accept *o);

/** ERR_INVALID naming the text that a provider of the tenant would not take as it would be sent. */
bool broadcast_check(struct arena *a, const struct tenant *t, const struct broadcast *b, struct err *err);

struct broadcast_state { /* as read */
    int64_t version; /* 0: there is none */
    struct str body, state, stem, senders, told;
    struct str first; /* how message ids of its first round begin */
    struct str list;  /* of its audience; empty: it is named as the broadcast */
    int64_t chunks, cursor, round;
    struct wall accepted, began, told_at; /* began: the present round */
    bool end_told;
    struct broadcast_counts counts;
};
void broadcast_call(struct arena *a, const struct tenant *t, struct str id, struct call *out);
void broadcast_state_read(struct arena *a, const struct reply *r, struct broadcast_state *out);
bool broadcast_open(struct arena *a, const struct tenant *t, struct str id, const struct broadcast_state *s,
                    struct broadcast *out, struct err *err);
/** Messages a second at the senders' rates (0: no limit), and seconds until none is queued any more. */
void broadcast_pace(const struct tenant *t, const struct broadcast_state *s, int64_t *rate, int64_t *eta_s);

/** Writes of a cancellation: at once, and an item that sweeps. */
void broadcast_cancel(struct engine_tenant *et, struct arena *a, struct str id, struct commit *c);
/** Another round, to the silent; the caller has commit_check_version() on b:<id> at @s->version. */
void broadcast_resend(struct engine_tenant *et, struct arena *a, struct str id,
                      const struct broadcast_state *s, enum prio prio, struct commit *c);
/** After a commit with one of these: the worker looks. */
void broadcast_wake(struct engine_tenant *et);

#endif
