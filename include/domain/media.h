/*
 * media: files that people send to an order: what is known of one, which types are taken, and the link to
 * it. Pure. me:<id> is its document (sealed JSON); om:<order id> and mp:<person> ZSETs of the ids of an order and
 * of a person by time; mx:media ZSET of all by time; mb:<name> document of a stored content (one a tenant), which media point to; mq HASH:
 * field v holds the bytes that the tenant keeps. The bytes themselves are jobs/media.h's.
 *
 *   "fetching"  the person was answered, the file is on its way
 *   "kept"      it is stored; with an order, the CMMS has been told
 *   "failed"    it could not be had: `reason` says why, and so did we to the person
 *
 * A medium may have no order yet: the person was asked which one, and his answer gives it one.
 */
#ifndef CREWLINE_DOMAIN_MEDIA_H
#define CREWLINE_DOMAIN_MEDIA_H

#include "domain/inbound.h"
#include "domain/order.h"
#include "domain/plan.h"
#include "domain/tenant.h"

enum media_kind { MEDIA_PHOTO, MEDIA_VIDEO, MEDIA_VOICE, MEDIA_DOCUMENT, MEDIA_KIND_COUNT };
const char *media_kind_name(enum media_kind kind); /* "photo" */
/** As the provider calls it: for words to the person, before the file is seen. */
enum media_kind media_kind_told(const struct inbound *in);

struct medium {
    struct str id, order_id, order_number; /* the order's may be empty */
    struct str person, name;               /* who sent it */
    struct str sender;                     /* the number of ours that he sent it to */
    struct str provider_id;                /* of his message */
    enum media_kind kind;
    bool quoted; /* he sent it in answer to a message about that order */
    struct str caption, filename;
    struct str state, reason; /* reason of "failed": expired too_large type full lost */
    struct wall at, stored;
    struct str mime, sha256, blob; /* of what is kept: type by its bytes, lower-case hex, its name */
    int64_t bytes;
    int64_t version;
};
struct str medium_key(struct arena *a, struct str id);
void medium_encode(const struct medium *m, struct buf *out);
bool medium_decode(struct arena *a, struct str text, int64_t version, struct medium *out, struct err *err);
bool medium_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
                 struct medium *out, struct err *err);
/** Into a commit: the document at its next version, and its place in the indexes. */
void medium_check(const struct medium *m, struct commit *c);
void medium_put(const struct tenant *t, struct arena *a, const struct medium *m, struct commit *c);
/** The API's shape, with a link that is good for media.link_s from now on where the file is kept. */
void medium_write(const struct tenant *t, const struct medium *m, struct wall now, struct jw *w, const char *name);

/* ---- what is taken ---- */

struct media_type {
    const char *mime, *ending; /* "image/jpeg", "jpg" */
    enum media_kind kind;
};
#define MEDIA_HEAD_BYTES 4096
/**
 * The type of a file that begins with @head (MEDIA_HEAD_BYTES of it, or all), by its bytes alone; @told, the
 * provider's word, only chooses between types that look alike (sound or film in one container). NULL: none
 * that is taken.
 */
const struct media_type *media_type_of(struct str head, struct str told);
const struct media_type *media_type_named(struct str mime);
/** The most a file of this kind may have. */
int64_t media_bytes_max(const struct settings *s, enum media_kind kind);
/** A name to save it under: the sender's without what a file system or a header could take amiss. */
struct str media_filename(struct arena *a, const struct medium *m);

/* ---- links ---- */

/** A new id; its end tells the tenant, so that a link finds it. */
struct str media_id_new(struct arena *a, const struct tenant *t);
/** Could @id be one of @t? */
bool media_id_is_of(struct str id, const struct tenant *t);
/** <public_url>/media/<id>?exp=<unix seconds>&sig=<HMAC-SHA256 by the tenant's key> */
struct str media_link(struct arena *a, const struct tenant *t, struct str id, struct wall expires);
/** In constant time. The time itself is the caller's to look at. */
bool media_link_signed(const struct tenant *t, struct str id, struct str exp, struct str sig);

/* ---- what follows ---- */

/**
 * @m, stored, is told: to the CMMS (gateway.workorder.media_attached.v1) and in the order's timeline. The one
 * place where a stored medium meets its order: what is to be made of a voice note's words begins here.
 */
void media_announce(struct plan *p, const struct medium *m, const struct order *o);
/** It could not be had: told to the person (@u may be NULL) and, with an order, in its timeline. */
void media_lost(struct plan *p, const struct medium *m, const struct user *u);

#endif
