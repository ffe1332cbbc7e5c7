/* books_int: the walk through the books: books_read.c takes stock, books.c judges it. */
#ifndef CREWLINE_JOBS_BOOKS_INT_H
#define CREWLINE_JOBS_BOOKS_INT_H

#include "jobs/books.h"
#include "jobs_int.h"

struct books_entry { /* an inbound item, or an event that is not settled */
    struct books_entry *next;
    struct str id;
    bool accepted, record, damaged, dead, lane, doubtful;
    int ended;
};

struct books {
    struct op op;
    struct job job;
    struct engine_tenant *et;
    struct books_options o;
    struct op *pending;
    struct arena *a, *scratch; /* of all; of one reply */
    struct map *inputs, *events, *messages, *lanes;
    struct books_entry *all_inputs, *all_events;
    struct books_result result;
    size_t step;
    char cursor[128];
    int64_t turn, newest, offset, sequence;
    char cut[64]; /* the line that the last piece of ended ids broke off in */
};

/*
 * A step asks for a piece and takes the answer; true: there is another piece. What was kept from
 * one piece to the next is in cursor, turn and offset, which each step finds empty.
 */
struct books_step {
    void (*ask)(struct books *b);
    bool (*take)(struct books *b, const struct reply *reply);
};

extern const struct books_step books_reads[]; /* ends with {NULL, NULL} */

/* For steps: where it goes, and what does not balance. */
void books_send(struct books *b, struct call *call);
struct str books_key(struct books *b, const char *key); /* "{acme}:" and @key */
void books_found(struct books *b, const char *kind, struct str id, const char *reason);

#define BOOKS_DAMAGED "its record does not open"

#endif
