/*
 * approvals: what is known of the approval of templates, per account of a provider. Redis has it
 * (HASH ap:<account>, and apv, account -> number of changes); each gateway keeps a copy and looks
 * every few seconds whether another one has changed it. A copy that is behind does no harm: a
 * template that was paused meanwhile is refused, and that is written down as well (outbox_form).
 */
#ifndef CREWLINE_JOBS_APPROVALS_H
#define CREWLINE_JOBS_APPROVALS_H

#include "domain/template.h"
#include "jobs_int.h"

/** A Meta number's WhatsApp Business Account, a Twilio number's account; empty: not configured. */
struct str sender_account(const struct sender *s);

void approvals_start(struct engine_tenant *et);
void approvals_stop(struct engine_tenant *et);
/** Has it been read once? Before that nothing is known, which is not the same as nothing there. */
bool approvals_ready(const struct engine_tenant *et);
/** NULL: nothing was heard of it. Valid until the loop turns. */
const struct template_state *approvals_find(const struct engine_tenant *et, struct str account,
                                            struct str name, struct str language);
/** Every one known of the account, in no order: for (size_t it = 0; …;). *key is "name|language".
 */
const struct template_state *approvals_next(const struct engine_tenant *et, struct str account,
                                            size_t *it, struct str *key);
/** "name|language" */
struct str approval_key(struct arena *a, struct str name, struct str language);
/** A key for people: "name (language)". */
struct str approval_words(struct arena *a, struct str key);
/** Writes the state; a marked write, as is erasing. */
void approvals_write(struct arena *a, struct commit *c, struct str account, struct str key,
                     const struct template_state *s);
void approvals_erase(struct arena *a, struct commit *c, struct str account, struct str key);
/** Behind the commit: our own copy. NULL: it is gone. */
void approvals_know(struct engine_tenant *et, struct str account, struct str key,
                    const struct template_state *s);
/** Tells the operator of a state that keeps messages back; nothing for a good one. */
void approvals_tell(struct engine_tenant *et, struct str key, const struct template_state *s);
/** The provider thinks otherwise of what it is for. */
void approvals_tell_category(struct engine_tenant *et, struct str key, struct str before,
                             struct str after);

#endif
