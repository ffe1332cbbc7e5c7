/*
 * broadcast_int: shared by broadcast.c (state, texts checked, cancel, resend), broadcast_accept.c
 * (the commit that accepts), broadcast_audience.c (who is meant), broadcast_chunk.c (a chunk read),
 * broadcast_round.c (chunk by chunk) and broadcast_watch.c (how it stands, the end).
 */
#ifndef CREWLINE_JOBS_BROADCAST_INT_H
#define CREWLINE_JOBS_BROADCAST_INT_H

#include "inbox_int.h"
#include "jobs/broadcast.h"

/* ---- who is meant ---- */

struct audience_scan;
typedef void audience_fn(void *ctx, const struct err *err, int64_t chunks);
/** Fills @out (in @a) and, where @keep, writes bl:<audience_list()>. Told with the number of chunks. */
struct audience_scan *audience_start(struct engine_tenant *et, struct arena *a,
                                     const struct broadcast *b, bool keep,
                                     struct broadcast_result *out, audience_fn *on_done, void *ctx);
void audience_cancel(struct audience_scan **owner);
struct str audience_list(const struct audience_scan *s);
/** "<sender>=<people> …" of whom it chose. */
struct str audience_senders(const struct audience_scan *s, struct arena *a);

/* ---- items ---- */

/* B<mode><id> LF <round>: mode 'r' a round, 's' the sweep of a cancelled one. */
struct str broadcast_item_text(struct arena *a, char mode, struct str id, int64_t round);
struct broadcast_item {
    struct str lane, id, text;
};
/** Puts it into the queue; a marked write. */
void broadcast_item_put(struct engine_tenant *et, struct arena *a, struct commit *c, bool grant,
                        enum prio prio, char mode, struct str id, int64_t round,
                        struct wall not_before, struct broadcast_item *out);

#define BROADCAST_WINDOWS 8
struct chunk_row {
    struct str person;
    int verdict; /* NOTIFY_YES, or why he was left out when it was accepted */
    struct doc doc;
    struct str message, state, flags, queue, lane;
    int64_t windows[BROADCAST_WINDOWS]; /* his last word to each of the first senders (ms, 0: none) */
    bool told;      /* this turn decides about him: */
    struct str now; /* the message he gets, or empty: left out */
};
struct chunk {
    struct broadcast_run *run;
    struct arena *a;
    int64_t nth;
    struct chunk_row *rows;
    size_t n;
    bool ready;   /* read */
    bool decided; /* its messages are in: */
    struct plan plan;
    struct arena *work;      /* of the plan */
    struct mono waits_until; /* for free slots, at most */
    struct op *pending;      /* its commit is out */
    bool yield;              /* and gives the item back */
    bool kept;               /* it took effect; one before it was not answered yet */
};
/* The reading of a chunk, one at a time. What is out of it is cancelled by its op. */
#define BROADCAST_LINES_AHEAD 16 /* chunks whose lines are read in one call */
struct chunk_ask;
typedef void chunk_read_fn(void *ctx, const struct err *err);
struct broadcast_reading { /* zeroed at first; of its run */
    struct op op;          /* first: the caller holds this */
    struct broadcast_run *run;
    struct chunk *into;
    struct chunk_ask *asks; /* in its arena: */
    size_t nasks, out;      /* made, and not answered yet */
    chunk_read_fn *on_read;
    void *ctx;
    struct arena *a; /* of lines that are read ahead, of the chunks from first on: */
    struct str lines[BROADCAST_LINES_AHEAD];
    size_t nlines;
    int64_t first;
};
struct form { /* the message in one language */
    const struct lang *l;
    size_t nth;
    struct message m;
};
#define FORMS_MAX 64
#define BROADCAST_OUT_MAX 3 /* commits of chunks: with Redis, on their way there, on their way back */
#define BROADCAST_CHUNKS  5 /* and one that is decided, and one being read */
struct broadcast_run { /* of an inbox_job: its work on a broadcast */
    struct inbox_job *j;
    struct str id;
    int64_t round;
    bool sweep, swept;
    struct broadcast_state state;
    struct broadcast_ids ids;
    struct broadcast b;
    struct chunk chunks[BROADCAST_CHUNKS]; /* from state.cursor on, each in its place: */
    int64_t next;                          /* those before it are out, up to BROADCAST_OUT_MAX */
    struct op *ahead;                      /* one is being read */
    struct broadcast_reading reading;
    struct form forms[FORMS_MAX];
    size_t nforms;
    struct timer *room; /* a chunk that is decided waits for free slots: */
    bool waiting;
    int64_t ungranted; /* chunks to go without asking for a grant: the last one got none */
    struct str told; /* counts in the event of this turn */
    bool end;
};

/**
 * Reads chunk @nth of the run's round into @into, whose arena is made or emptied and whose rows live in it.
 * Calls: @on_read once, with into->ready unless it failed; never after op_cancel().
 * Fails: as store_run(), at the first call that does.
 */
struct op *broadcast_chunk_read(struct broadcast_run *run, int64_t nth, struct chunk *into,
                                chunk_read_fn *on_read, void *ctx);
/** What it keeps between chunks; nothing may be out any more. */
void broadcast_reading_fini(struct broadcast_reading *r);
/** Goes on with the round from the chunk that the cursor names. */
void broadcast_round(struct inbox_job *j);
/** Nothing of it is waited for any more; commits that have left go on, and their grants reach the outboxes. */
void broadcast_round_stop(struct broadcast_run *run);
/** How it stands: told, and the end where it has come. */
void broadcast_watch(struct inbox_job *j);
void broadcast_run_free(struct inbox_job *j);
/** Nothing (more) to do: the item ends. */
void broadcast_finish(struct inbox_job *j);

#endif
