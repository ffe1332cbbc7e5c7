/*
 * evidence: the timeline of a work order in a form that proves itself.
 *
 * In the store, each entry of ot:<order> is "<n>|<link>|<sealed entry>". The commit that appends it makes the
 * link: SHA-1 of the link before, n, and the HMAC-SHA256 of the entry by the tenant's key, so that many gateways
 * make one chain. Who can write to Redis but has not the tenant's key can neither change an entry, nor put one
 * in, nor take one out of the middle, nor change their order, unseen. What he can do is cut off the newest: only a
 * head that is kept elsewhere shows that. TIMELINE_KEPT entries are kept, so the oldest may be missing; n tells.
 *
 * Exported (GET /api/v1/work_orders/{number}/timeline?export=evidence), everything of the timeline, messages
 * too, is one chain of SHA-256: the hash of an item covers the one before it and the item's compact JSON; the
 * first covers the head of the document. `crewline prove --order FILE` checks it without a gateway and names
 * the item that was changed. Whoever recomputes all hashes behind a change gets another head: so the head is what
 * to keep apart (print it, mail it), and "seal", the HMAC of it by the tenant's key, is what a gateway with
 * that key can confirm. It proves what crewline recorded and when, not that what people wrote is true.
 */
#ifndef CREWLINE_DOMAIN_EVIDENCE_H
#define CREWLINE_DOMAIN_EVIDENCE_H

#include "domain/tenant.h"

#define EVIDENCE_FORMAT "crewline-evidence-1"
#define EVIDENCE_LINK   40 /* hex */
#define EVIDENCE_HASH   64

/* ---- in the store ---- */

/** What commit_chain() takes for an entry of @key: its digest, then the sealed entry. */
void evidence_entry_seal(const struct tenant *t, struct str key, struct str entry, struct buf *out);

struct evidence_chain { /* zeroed for the first entry */
    int64_t n;          /* of the last one seen */
    struct str link;
    bool begun, broken;
};
/**
 * Opens an entry as stored, and looks whether it fits behind the one before; false: it does not open. Where the
 * chain breaks, @chain->broken is set and it goes on from here. Entries of before there was a chain are none.
 * @chain NULL: it is not looked at.
 */
bool evidence_entry_open(const struct tenant *t, struct arena *a, struct str key, struct str stored,
                         struct evidence_chain *chain, struct str *entry, struct err *err);

/* ---- exported ---- */

struct evidence {
    char hash[EVIDENCE_HASH + 1];
    int64_t n;
    bool broken; /* of the stored chain */
};
void evidence_begin(struct evidence *e, struct str tenant, struct str order, struct wall at, struct buf *out);
/** @item: a JSON object. */
void evidence_item(struct evidence *e, struct str item, struct buf *out);
void evidence_end(struct evidence *e, const struct tenant *t, struct buf *out);

struct evidence_found {
    struct str order, head, seal, tenant;
    int64_t items, broken;
    bool stored_broken; /* says the export: the chain in the store did not hold */
};
/** @told: one item, counted from 1, that does not fit its hash; 0: the head of the document. */
typedef void evidence_broken_fn(void *ctx, int64_t n, const struct json *item);
/**
 * Checks an export by itself. False: it is none (ERR_INVALID, ERR_BAD_JSON); true also where it is broken. Texts
 * of *out live in @a.
 */
bool evidence_check(struct arena *a, struct str text, struct evidence_found *out, evidence_broken_fn *told,
                    void *ctx, struct err *err);
/** Was it this tenant's gateway that made it, with this head? */
bool evidence_sealed_by(const struct tenant *t, const struct evidence_found *found);

#endif
