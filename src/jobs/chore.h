/*
 * chore: what a tenant does by the clock: pulls, polls, retention, alarms. One table (chore.c) of
 * names, intervals and functions. Every gateway keeps the same clock, and Redis lets one of them
 * go: who sets ch:<name> first (for the interval) runs it. If that gateway dies in the middle
 * nobody notices until the next interval, so a chore does bounded work, may be cut off anywhere and
 * may be run twice.
 *
 * A chore whose work was not done in one run (more to delete, more to fetch) says so and comes
 * again at once, a piece at a time: nothing on the loop over 1 ms.
 */
#ifndef CREWLINE_JOBS_CHORE_H
#define CREWLINE_JOBS_CHORE_H

#include "jobs_int.h"

struct chore_run; /* one run; the chore ends it with chore_done() */

struct chore {
    const char *name; /* ch:<name> */
    int64_t every_ms; /* over all gateways together */
    bool at_start;    /* also as soon as a gateway has started, whoever ran it last: what happened
                         while it was down may be its business */
    /** Begins a run; it may end before this returns. */
    void (*run)(struct chore_run *run);
    /** Drops what run() began and did not end, and what chore_state() says; the run goes
     * afterwards. */
    void (*cancel)(struct chore_run *run);
};

struct engine_tenant *chore_tenant(const struct chore_run *run);
/** What the chore keeps from callback to callback and from piece to piece; NULL at the first. */
void chore_state_set(struct chore_run *run, void *state);
void *chore_state(const struct chore_run *run);
/** The end of a run, or of a piece of it: @again: there is more to do, run() is called anew soon.
 */
void chore_done(struct chore_run *run, bool again);

extern const struct chore chore_held; /* held.c: what waited in vain for a person's word */
extern const struct chore chore_templates; /* template_sync.c: how approvals stand */
extern const struct chore chore_pull; /* pull.c: what was said while we were away */
extern const struct chore chore_retention; /* retention.c: what is too old goes */
extern const struct chore chore_reminders; /* reminders.c: orders that are due */
extern const struct chore chore_media;     /* media_forget.c: files that are too old go */
extern const struct chore chore_senders; /* sender_probe.c: paused ones are tried */

void chores_start(struct engine_tenant *et);
/** No more begin; what is under way is cancelled. */
void chores_stop(struct engine_tenant *et);

#endif
