/*
 * dead_letter: what was given up: a callback ("cb:<sequence>"), an inbound item ("in:<item>"), a
 * message
 * ("out:<id>": failed, expired, or uncertain to the end). A replay puts the first two back into
 * their lane as they are; a message has ended and stays so: the same is said again in a new one.
 */
#ifndef CREWLINE_APP_DEAD_LETTER_H
#define CREWLINE_APP_DEAD_LETTER_H

#include "app_int.h"

enum dead_kind { DEAD_CALLBACK, DEAD_INBOUND, DEAD_MESSAGE, DEAD_KINDS };
bool dead_kind_of(struct str id, enum dead_kind *out);
bool dead_kind_named(struct str name, enum dead_kind *out); /* "callback", "inbound", "message" */

struct dead { /* views into what it was read from, and @a */
    enum dead_kind kind;
    struct str id, item; /* "cb:17", "17" */
    struct str lane, reason;
    int64_t tries;
    struct wall at;
    bool has_event; /* the event of a callback, where it is kept */
    struct str event_id, type, subject, event_time;
    struct message m;
    struct message_record rec;
    struct doc person; /* of m.user, where the row has it */
    bool withdrawn;    /* it is of a broadcast that was cancelled */
};
/** A row of rows.lua or dead.lua. False: it does not open, or is nothing that people would look
 * for. */
bool dead_read(struct request *r, struct arena *a, const struct reply *row, struct dead *out);
void dead_write(struct request *r, const struct dead *d, struct jw *w);

/*
 * One replay, in a struct that lives until done(). @key: the request's Idempotency-Key covers it.
 * Refused at once: false with r->err, and done() is not called.
 */
struct replay {
    struct request *r;
    struct arena *a;
    struct dead d;
    bool key;
    void (*done)(struct replay *p, const struct err *err, const struct commit_outcome *outcome);
    /* under way */
    struct op *pending;
    struct str id;   /* of what is queued now: the dead letter's, or of the new message */
    struct str body; /* the answer for this one */
    struct plan plan;
};
bool replay_start(struct replay *p, struct err *err);
/** Whether the outcome says that it is done: by this commit, or by one that came before. */
bool replay_done(struct replay *p, const struct commit_outcome *outcome);

#endif
