/* template_sync_int: one sync under way, shared by template_sync.c (the story: lock, list, look,
 * write) and template_register.c (deleting and registering). */
#ifndef CREWLINE_JOBS_TEMPLATE_SYNC_INT_H
#define CREWLINE_JOBS_TEMPLATE_SYNC_INT_H

#include "approvals.h"
#include "jobs/templates.h"
#include "providers/templates.h"

#define SYNC_KEYS_MAX 2000 /* templates of one account that are looked at */

struct template_sync {
    struct job job;
    struct engine_tenant *et;
    struct op *pending;
    struct arena *a;    /* of the whole */
    struct arena *work; /* of one call */
    bool again;         /* wished for once more meanwhile */
    struct str want;    /* as read; empty: only a look */
    struct str *removals;
    size_t nremovals;
    const struct template_def **defs;
    size_t ndefs;
    int64_t later_ms; /* the provider asked for patience; 0: it did not */
    /* the account at hand */
    size_t at; /* sender */
    const struct sender *s;
    const struct template_calls *calls;
    const struct provider *provider;
    struct outgoing next;
    struct map *found; /* "name|language" -> struct template_listed */
    struct template_listed *list[SYNC_KEYS_MAX];
    size_t nlist, step;
    bool cut; /* there are more: what is not in the list may be there all the same */
    struct template_state state; /* of the one at hand */
    struct str lost;             /* which cannot be sent any more, for people */
    size_t nlost;
    struct str replaced; /* Twilio: what it takes the place of */
};

void sync_http(struct template_sync *y, const struct outgoing *out, http_done_fn *on_done);
/** Why an answer is no good, for people; *later: it is worth asking again. */
struct str sync_trouble(struct template_sync *y, const struct err *err,
                        const struct http_answer *answer, bool *later);
static inline bool sync_good(const struct err *err, const struct http_answer *answer)
{
    return err == NULL && answer->status >= 200 && answer->status < 300;
}
struct str sync_account(const struct template_sync *y);
/** The next account, or the end. */
void sync_next_account(struct template_sync *y);
/** Deletes at the provider what is to go, then sync_removed(). */
void sync_remove(struct template_sync *y);
void sync_removed(struct template_sync *y);
/** Registers what is wanted and not there, then sync_next_account(). */
void sync_register(struct template_sync *y);
/** Keeps a state, and calls @on_kept with the commit's outcome. */
void sync_keep(struct template_sync *y, struct str key, const struct template_state *s,
               commit_fn *on_kept);

#endif
