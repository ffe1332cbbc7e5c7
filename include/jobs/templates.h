/*
 * templates: a tenant's message templates at its providers: what is known of each approval, and the sync that
 * registers what is not there, asks how the rest stands, and deletes what is to go. One gateway at a time
 * does it for a tenant, step by step, and it may be cut off anywhere: what is wanted stands in Redis (ts) until
 * it was done.
 *
 *   ts  HASH want: wall ms of the wish to register; at: of the last look; later: not before (the provider asked
 *       for patience); "rm|<name>": to be deleted everywhere
 *   tl  who is at it; ends by itself
 *
 * Without a wish the states are asked for every hour, every minute while one is pending or paused. Meta also
 * tells by webhook (inbox_template.c).
 */
#ifndef CREWLINE_JOBS_TEMPLATES_H
#define CREWLINE_JOBS_TEMPLATES_H

#include "domain/template.h"
#include "jobs/engine.h"

/* In a commit: everything is to be registered; a name is to be deleted at the providers. */
void templates_want(struct commit *c);
void templates_unwant(struct arena *a, struct commit *c, struct str name);
/** Behind that commit: begins at once, or when the one under way is done. */
void templates_sync(struct engine_tenant *et);

struct template_account { /* accounts of the tenant's senders, each once */
    enum provider_kind provider;
    struct str id;
};
size_t templates_accounts(const struct engine_tenant *et, struct template_account *out, size_t max);
/** NULL: nothing was heard of it. Valid until the loop turns. */
const struct template_state *templates_state(const struct engine_tenant *et, struct str account,
                                             struct str name, struct str language);
/** Every state known of an account, in no order: for (size_t it = 0; …;). */
const struct template_state *templates_next(const struct engine_tenant *et, struct str account, size_t *it,
                                            struct str *name, struct str *language);
/** Those that the operator made, from the reply to HGETALL td: damaged ones are left out. Returns how many. */
size_t templates_made(struct arena *a, const struct reply *reply, struct template_def *out, size_t max);
#define TEMPLATES_MADE_MAX 500

#endif
