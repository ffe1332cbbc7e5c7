/*
 * link: a link made for one person: it opens one page for him, for a while, once. The token is
 * "<tenant>.<wall ms until>.<person, base64url>.<mac>", the mac keyed (vault) over purpose, person and end: who
 * reads it can see whose it is, and cannot make another.
 *
 * Once: whoever opens it sets link_used_key() with NX until its end, and refuses when it is there.
 */
#ifndef CREWLINE_DOMAIN_LINK_H
#define CREWLINE_DOMAIN_LINK_H

#include "domain/tenant.h"

#define LINK_SETTINGS    "settings" /* purpose: /whatsapp/settings */
#define LINK_SETTINGS_MS ((int64_t)15 * 60 * 1000)

struct link {
    struct str person;
    struct wall until;
};
struct str link_token(struct arena *a, const struct tenant *t, const char *purpose, struct str person,
                      struct wall until);
/** Whose vault opens it; empty: it is no token. */
struct str link_tenant(struct str token);
/** ERR_FORBIDDEN: not ours, of another purpose, or over; the text says which, for the person to read. */
bool link_open(struct arena *a, const struct tenant *t, const char *purpose, struct str token, struct wall now,
               struct link *out, struct err *err);
/** "lk:<mac>" of a token that link_open() took. */
struct str link_used_key(struct arena *a, struct str token);

#endif
