/*
 * units: a store on a Redis of its own, units of work run on it, and what came of them.
 */
#ifndef CREWLINE_TESTS_STORE_UNITS_H
#define CREWLINE_TESTS_STORE_UNITS_H

#include "commit_int.h"
#include "store/lane.h"
#include "world.h"

#define T     STR("acme")
#define OUT   STR("out:main")
#define AT(n) ((struct wall){n})

struct got {
    struct world *w;
    struct op *op;
    int calls;
    bool done;
    enum err_code code;
    enum commit_result result;
    char value[64], results[6][32];
    size_t nresults;
    struct op **cancel; /* what the callback cancels */
};

/** Ready; we are "gw1", leases last 30 s. */
struct world *open_world(const char *conf);
/** Runs @c; *g is filled in when it is answered. */
void start(struct world *w, struct commit *c, struct got *g);
struct got run(struct world *w, struct commit *c); /* and waits */
const char *redis(struct world *w, const char *words);
#define CHECK_REDIS(w, words, want) CHECK_Z(words, str_of(redis(w, words)), want)

/* Units under construction: of a document, of a message into a lane, of what a lease allows. */
struct commit *doc(const char *key, int64_t version, const char *body);
struct commit *message(const char *id, const char *lane, int64_t not_before,
                       enum commit_grant grant, const struct rate *rate);
struct commit *held(const char *lane, const char *id, const char *token);

#endif
