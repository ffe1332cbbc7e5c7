/*
 * user_store: people in Redis. u:<id> document (plain fields: te teams, si site, ro roles); ux HASH keyed
 * hash of phone or BSUID -> id; ul ZSET of all ids (score 0, lexical: for paging); ut:<team>, us:<site> and
 * ur:<role> ZSETs of ids (score 0); fa:<asset>, fs:<site> ZSETs of those who follow them, supervisors of the
 * site among them; ua HASH id -> what audiences are chosen by (domain/broadcast.h).
 */
#ifndef CREWLINE_DOMAIN_USER_STORE_H
#define CREWLINE_DOMAIN_USER_STORE_H

#include "domain/tenant.h"
#include "domain/user.h"
#include "store/commit.h"

#define USER_SESSION_MS ((int64_t)12 * 3600 * 1000) /* a browser session of his lives no longer */

/** 1 to 128 bytes without blanks, control characters and '|', not beginning with '~' (strangers). */
bool user_id_ok(struct str id);
struct str user_key(struct arena *a, struct str id); /* "u:<id>" */
struct str conversation_key(struct arena *a, struct str user_id);
void user_check(const struct user *u, struct commit *c);
/** Writes the document (version + 1) and moves the indexes from @before (NULL: new). */
void user_put(const struct tenant *t, struct arena *a, const struct user *u, const struct user *before,
              struct commit *c);
/** Deletes the person, the conversation, the indexes and the windows; messages are the caller's. */
void user_delete(const struct tenant *t, struct arena *a, const struct user *u, struct commit *c);
bool user_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
               struct user *out, struct err *err);

/** Ids after @after (exclusive), at most @limit. */
typedef void user_ids_fn(void *ctx, const struct err *err, const struct str *ids, size_t n);
struct op *user_ids(struct store *s, const struct tenant *t, struct str after, size_t limit,
                    user_ids_fn *on_done, void *ctx);

#endif
