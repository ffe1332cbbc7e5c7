/*
 * view: all that a decision about one person needs, in one round trip (script person.lua): who he is, his
 * conversation, his open orders (assigned, his teams', a supervisor's site's), the order that the quoted
 * message was about, the orders that a typed number could mean.
 */
#ifndef CREWLINE_DOMAIN_VIEW_H
#define CREWLINE_DOMAIN_VIEW_H

#include "base/embed.h"
#include "domain/conversation.h"
#include "domain/matter.h"
#include "domain/order.h"
#include "domain/tenant.h"
#include "domain/user.h"
#include "store/commit.h"

/** The scripts of this room, for store_scripts_add(). */
extern const struct embedded domain_scripts[];

#define VIEW_ORDERS_MAX 64 /* of each kind, most urgent first */

#define VIEW_ASSIGNED (1u << 0) /* to him by name */
#define VIEW_TEAM     (1u << 1) /* to one of his teams */
#define VIEW_SITE     (1u << 2) /* he supervises its site */
#define VIEW_NAMED    (1u << 3) /* its number fits what was typed; perhaps not his */
#define VIEW_QUOTED   (1u << 4) /* the quoted message was about it */
#define VIEW_LAST     (1u << 5) /* conversation.last_order */

#define VIEW_MATTERS_MAX 64
#define VIEW_ASKED    (1u << 0) /* of a matter: it waits for a word of his; NAMED and QUOTED as of orders */
#define VIEW_OF_ORDER (1u << 6) /* of a matter: the round of the checklist of an order in the view */

struct training;
struct view_matter {
    struct matter *matter;
    unsigned flags;
};
struct view_order {
    struct order *order;
    unsigned flags;
};
struct view {
    const struct tenant *tenant;
    struct user *user; /* NULL: unknown */
    struct str person; /* his id; a stranger's is "~" and the hash of his address */
    struct user *supervisor; /* of that person, or NULL */
    struct conversation conversation;
    struct view_order orders[4 * VIEW_ORDERS_MAX];
    size_t norders;
    struct view_matter matters[VIEW_MATTERS_MAX]; /* those that wait for him, the newest first; then others */
    size_t nmatters;
    struct wall *completed; /* when he completed orders, as far back as any day of his may have begun */
    size_t ncompleted;
    int64_t open_total; /* STATUS counts it; may exceed what is listed */
    size_t ndamaged; /* records that did not open and were left out: logged */
    struct str asset_id, asset_name; /* that the query's asset names, or empty */
    struct training *training; /* kept, the oldest first; asked for by the query */
    size_t ntraining;
    struct str quoted_message; /* our id of the quoted message, or empty */
    struct str original; /* of the message that a tap or a quote asks the original of (translate.h), or empty */
    struct str quoted_broadcast; /* the broadcast that it is of, or empty */
    struct str roll_call, to_ack; /* broadcasts that asked him last: is he safe; to confirm, and he has not yet */
};

struct view_query {
    struct str phone, bsuid;   /* who; or user: by id */
    struct str user;
    struct str typed;          /* canonical order number typed, or empty */
    struct str order_id;       /* order a button names, or empty */
    struct str matter;         /* ref that a button names, or empty */
    struct str asset;          /* first word of what may be a report of a fault, or empty */
    bool training;             /* what is kept of it is wanted */
    struct str quoted;         /* provider's id of the quoted message, or empty */
};
typedef void view_fn(void *ctx, const struct err *err, const struct view *view);
/** The view lives in @a, which must outlive the call. */
struct op *view_load(struct store *s, const struct tenant *t, struct arena *a, const struct view_query *q,
                     view_fn *on_done, void *ctx);

#endif
