/* crowd: many people, and a broadcast "b1" to them: what the tests of broadcasts begin with. */
#ifndef CREWLINE_TESTS_JOBS_CROWD_H
#define CREWLINE_TESTS_JOBS_CROWD_H

#include "jobs/broadcast.h"
#include "world.h"

#define TO_CROWD "{\"text\":\"Leave hall B\",\"audience\":{\"teams\":[\"crowd\"]}}"

struct asked { /* what came of one */
    bool done, kept;
    enum err_code code;
    int64_t recipients, nskipped;
};
/** Asks for the broadcast @id as the API does, accepted crowd_ago_ms ago. */
struct asked ask(struct world *w, const char *id, const char *body, bool dry_run);
extern int64_t crowd_ago_ms;

/** p1 to p<n>, verified, inside the window of main. */
void crowd(struct world *w, int n);
/** Nothing is handed over: what is expanded waits in its lanes. */
void stand_still(struct world *w);

/** Chunks of b1, and one of its counts. */
int64_t expanded(struct world *w);
int64_t count(struct world *w, const char *name);

/** For commits of one's own: the check that makes it once, and the bool behind @ctx when it is kept. */
void crowd_once(void *ctx, struct commit *c);
void crowd_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome);

#endif
