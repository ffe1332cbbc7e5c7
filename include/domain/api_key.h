/*
 * api_key: keys for the API. A secret is "cw_<tenant>_<key id>_<43 characters>": the tenant comes from the
 * credential, so a look-up touches one tenant only. Stored as a hash in ak (HASH key id -> JSON); the
 * secret is shown once, when it is made.
 */
#ifndef CREWLINE_DOMAIN_API_KEY_H
#define CREWLINE_DOMAIN_API_KEY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "store/commit.h"

#define KEY_CMMS   (1u << 0)
#define KEY_ADMIN  (1u << 1)
#define KEY_VIEWER (1u << 2)
#define KEY_ANY    (KEY_CMMS | KEY_ADMIN | KEY_VIEWER)

struct api_key {
    struct str id, name;
    unsigned role;     /* one KEY_* */
    bool broadcast;    /* may broadcast: cmms and admin unless said otherwise */
    struct wall created;
    struct str hash;   /* SHA-256 of the secret, hex */
};
const char *api_key_role_name(unsigned role);
bool api_key_role_parse(struct str name, unsigned *out);

/** A new key of @tenant; @secret gets the only copy of the secret. */
void api_key_make(struct arena *a, struct str tenant, struct str name, unsigned role, bool broadcast,
                  struct api_key *out, struct buf *secret);
/** Takes a secret apart; false for anything that does not have its form. */
bool api_key_parse(struct str secret, struct str *tenant, struct str *id);
bool api_key_fits(const struct api_key *key, struct str secret); /* constant time */
void api_key_put(const struct api_key *key, struct commit *c);
void api_key_revoke(struct str id, struct commit *c);
bool api_key_decode(struct arena *a, struct str text, struct api_key *out);
/** The API's shape; @secret only when it was just made (else STR_NONE). */
void api_key_write(const struct api_key *key, struct str secret, struct jw *w, const char *name);

#endif
