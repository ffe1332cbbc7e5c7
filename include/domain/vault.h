/*
 * vault: sealing and hashing for one tenant. The tenant's data key is random, wrapped by the master key
 * and kept in Redis (vk); the keys for look-up hashes and correlations are derived from it. Everything
 * personal goes through here before it reaches Redis, and comes back through here.
 * AAD is "tenant|record|field", so a blob copied to another record does not open.
 */
#ifndef CREWLINE_DOMAIN_VAULT_H
#define CREWLINE_DOMAIN_VAULT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"

struct vault;

/** A new wrapped data key for @tenant, appended to @wrapped. */
void vault_key_make(const uint8_t master[32], struct str tenant, struct buf *wrapped);
/** Opens a wrapped key with @master, else with @previous (NULL: none). ERR_DAMAGED when neither fits. */
bool vault_new(const uint8_t master[32], const uint8_t *previous, struct str tenant, struct str wrapped,
               struct vault **out, struct err *err);
/**
 * Where @wrapped opens with @previous only: the same key wrapped by @master, appended to @out, so that the
 * previous master key can be forgotten. False: nothing to do.
 */
bool vault_key_rewrap(const uint8_t master[32], const uint8_t *previous, struct str tenant, struct str wrapped,
                      struct buf *out);
void vault_free(struct vault **owner);

/** @record is the key it is kept at ("u:17"), @field one letter or name of the part. Appends to @out. */
void vault_seal(struct vault *v, struct str record, const char *field, struct str text, struct buf *out);
bool vault_open(struct vault *v, struct str record, const char *field, struct str sealed, struct buf *out,
                struct err *err);
/** The same into an arena. */
bool vault_open_arena(struct vault *v, struct arena *a, struct str record, const char *field,
                      struct str sealed, struct str *out, struct err *err);

#define VAULT_HASH_CHARS 32 /* 16 bytes in hex */
/** Keyed hash for look-ups: @what keeps namespaces apart ("phone", "pid", …). Written with a NUL. */
void vault_hash(const struct vault *v, const char *what, struct str text, char out[VAULT_HASH_CHARS + 1]);
struct str vault_hash_arena(const struct vault *v, struct arena *a, const char *what, struct str text);
/** Key of correlation MACs; lives as long as the vault. */
const struct hmac_key *vault_mac_key(const struct vault *v);

#endif
