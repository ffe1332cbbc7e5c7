/*
 * matter: what people are asked about besides work orders and broadcasts: a scheduled maintenance, an
 * alert, a round of a checklist. A small machine of states in one document, which goes on by two things
 * only: what a person says (talk), and its clock.
 *
 *   y:<ref>   HASH v version, b sealed JSON {"clock", "over", "is": what it is, by its kind's codec}
 *   yl        ZSET ref -> wall ms of the last change: for the retention, which drops what is over, and the list of
 *             a work order when that is gone
 *   ya        ZSET alert's id -> wall ms of its first raise: what GET /api/v1/alerts lists
 *   bq        field "<person>|y": refs of those that wait for a word of his, the newest first, a line each,
 *             at most MATTER_ASKED_MAX
 *   <ref>     "<letter of the kind>:<id as the CMMS named it>"
 *
 * The clock: a plan that writes a matter with a clock also puts an inbound item (letter Y) for that time.
 * When it strikes, jobs read the matter and whom it wants (matter_wants()) and ask for a decision
 * (matter_strike()), which must set the clock anew, or stop it (0). An item whose matter's clock stands later
 * by now, or stands still, is over: so a clock may be moved freely, and strikes once. To tell others what
 * one person said, his turn sets the clock to now.
 *
 * A matter of many people is told in slices: what a strike could not do within PLAN_MESSAGES_MAX it notes in
 * the document, and sets the clock to now again.
 */
#ifndef CREWLINE_DOMAIN_MATTER_H
#define CREWLINE_DOMAIN_MATTER_H

#include "domain/order.h"
#include "domain/tenant.h"
#include "domain/user.h"
#include "store/commit.h"

#define MATTER_ID_MAX    128
#define MATTER_ASKED_MAX 32
#define MATTER_ITEM      'Y' /* inbound item: the ref, a line end, the clock's wall ms */

enum matter_kind {
    MATTER_PM,              /* "p": pm.h */
    MATTER_TEAM,            /* "t": team.h */
    MATTER_CHECKLIST,       /* "c": checklist.h */
    MATTER_ORDER_CHECKLIST, /* "o": the list of a work order, whose id it has; plain field ck of o:<id> */
    MATTER_ALERT,           /* "a": alert.h */
    MATTER_READING,         /* "r": threshold.h */
    MATTER_KINDS
};
struct matter {
    enum matter_kind kind;
    struct str id;
    struct str body;   /* JSON object, by the codec of its kind */
    struct wall clock; /* when it goes on by itself; 0: it waits for people alone */
    bool clock_kept;   /* planned with the clock it was read with: its item stands, none is put */
    bool over;         /* nobody is asked any more; what is said to it is told so */
    int64_t version;   /* as read; 0: new */
};

/** Printable, without blanks, 1 to MATTER_ID_MAX bytes. */
bool matter_id_ok(struct str id);
struct str matter_ref(struct arena *a, enum matter_kind kind, struct str id);
bool matter_ref_parse(struct str ref, enum matter_kind *kind, struct str *id);
struct str matter_key(struct arena *a, struct str ref); /* "y:<ref>" */
/** Its inbound lane: strikes of one matter come one after the other. */
struct str matter_lane(const struct tenant *t, struct arena *a, struct str ref);
/** Texts in @a. ERR_DAMAGED when it does not open. */
bool matter_open(const struct tenant *t, struct arena *a, struct str ref, const struct doc *doc,
                 struct matter *out, struct err *err);
void matter_check(const struct matter *m, struct commit *c);
/** Document, index, and the item of its clock (a marked write: then true). */
bool matter_put(const struct tenant *t, struct arena *a, const struct matter *m, struct wall now,
                struct commit *c);

/* ---- the clock strikes ---- */

#define MATTER_ASSIGNEES_MAX 64
#define MATTER_PEOPLE_MAX 256 /* read for one strike; more are cut off, and logged */
#define MATTER_GROUPS_MAX 1001 /* all that a rung and the audience of an alert may name, and its site */
struct matter_wants { /* whom a decision needs: the union */
    struct str ids[MATTER_PEOPLE_MAX], teams[MATTER_GROUPS_MAX], sites[MATTER_GROUPS_MAX];
    size_t nids, nteams, nsites;
    unsigned roles; /* all who have one of them */
    struct str order_id; /* or empty */
    struct str team;     /* what is known of its group is asked too; or empty */
    /* A slice of many: the next `most` (0: MATTER_PEOPLE_MAX) of them by id, behind `after`. */
    struct str after;
    size_t most;
};
struct matter_view {
    const struct matter *m;
    const struct user *const *people; /* those of the wants who are known, each once */
    size_t npeople;
    struct str last;           /* id of the last one looked at, also if he is not known */
    bool more;                 /* there are others behind him */
    const struct order *order; /* or NULL */
    /* of a team that talks in a group (team.h) */
    bool suspended;            /* nothing can be said there now */
    const struct str *outside; /* ids of those who are not known to be in it */
    size_t noutside;
    bool refused;              /* what was said there is not taken */
    struct str missed;         /* or did not reach this person alone */
};
struct plan;
/** Everything in *out lives in @a. */
void matter_wants(struct arena *a, const struct tenant *t, const struct matter *m, struct matter_wants *out);
/** Plans what follows, the matter itself included. */
void matter_strike(const struct matter_view *v, struct plan *p);

#endif
