/*
 * order_store: work orders in Redis. o:<id> document; on HASH canonical number -> id; onr ZSET of reversed
 * canonical numbers "321CBA|<id>" (score 0: unique endings by prefix); oa:<user> ZSET of his open orders by
 * urgency; oc:<user> LIST of what he completed, "<wall ms>|<order id>", and of what was reopened ("0|…"); og:<team>, os:<site> ZSETs of open orders by
 * urgency; od ZSET of open ones by their next reminder (wall ms); as HASH asset id in lower case -> "<id>
<name>",
 * as last heard; ol ZSET of all ids by time of last change; ot:<id> LIST of timeline entries (sealed, chained:
 * domain/evidence.h).
 */
#ifndef CREWLINE_DOMAIN_ORDER_STORE_H
#define CREWLINE_DOMAIN_ORDER_STORE_H

#include "domain/order.h"
#include "domain/tenant.h"
#include "store/commit.h"

#define TIMELINE_KEPT  500
#define ASSET_ID_MAX   128
#define COMPLETED_KEPT 200 /* of one person: what STATUS counts is of today */

struct str order_key(struct arena *a, struct str id);
/** Its field of on, and its member of onr. */
struct str order_number_key(struct arena *a, const struct order *o);
struct str order_number_end(struct arena *a, const struct order *o);
void order_check(const struct order *o, struct commit *c);
/** False: too long to be kept. */
bool order_put(const struct tenant *t, struct arena *a, const struct order *o, const struct order *before,
               struct wall now, struct commit *c);
/** An asset that was named: people name it again when they report a fault. */
void asset_put(struct arena *a, struct str id, struct str name, struct commit *c);
bool order_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
                struct order *out, struct err *err);
void order_timeline_put(const struct tenant *t, struct arena *a, struct str order_id, const char *kind, struct str who, struct str text, struct str more,
                        struct wall at, struct commit *c);

#endif
