/*
 * cmms_event: what follows from an event of the CMMS. Shape check when it comes in (names the member), keys
 * to read, then a pure decision: the table of types is in cmms_event.c, one function per type.
 */
#ifndef CREWLINE_DOMAIN_CMMS_EVENT_H
#define CREWLINE_DOMAIN_CMMS_EVENT_H

#include "domain/plan.h"

struct cmms_event {
    struct str id, source, type, subject;
    struct wall time, accepted; /* accepted: by us; 0: not known */
    enum prio prio;          /* of its lane */
    const struct json *data; /* object; borrowed from the parsed event */
    struct str lane;         /* key of what it is about: events of one lane are executed in order */
    struct str mark_key;     /* order id for the "older than the copy" rule, or empty */
    int64_t mark;            /* -1: none */
};
/** ERR_INVALID or ERR_BAD_REQUEST naming the member. Unknown types are refused with ERR_INVALID. */
bool cmms_event_parse(struct arena *a, const struct json *j, struct cmms_event *out, struct err *err);

/** The inbound lane of events about @what (e->lane). */
struct str cmms_event_lane(const struct tenant *t, struct arena *a, enum prio prio, struct str what);
/** Nothing can follow from it, whatever is kept: a reading that no threshold is about. */
bool cmms_event_is_idle(const struct tenant *t, const struct cmms_event *e);

/*
 * What the decision reads, in steps: cmms_event_phones() tells the phones that are named, the caller
 * looks up whom the index (ux) names for each and fills `owners`; cmms_event_sets() (behind it) tells the sets
 * whose `members` are meant, CMMS_SLICE of them at a time, each with a decision of its own; cmms_event_reads()
 * tells the documents:
 * the order, the people, those who have the phones.
 */
#define CMMS_USERS_MAX  320
#define CMMS_PHONES_MAX 130
#define CMMS_SLICE      256
struct cmms_reads {
    struct str order_id; /* or empty */
    struct str matter;   /* ref, or empty */
    struct str users[CMMS_USERS_MAX];
    size_t nusers;
    struct str phones[CMMS_PHONES_MAX], owners[CMMS_PHONES_MAX]; /* owner empty: nobody has it */
    size_t nphones;
    struct str sets[2]; /* keys of sets of people who want to hear of it */
    size_t nsets;
    struct str *members; /* of them, filled in by the caller, CMMS_SLICE at most */
    size_t nmembers;
};
void cmms_event_sets(struct arena *a, const struct cmms_event *e, struct cmms_reads *out);
void cmms_event_phones(struct arena *a, const struct cmms_event *e, struct cmms_reads *out);
void cmms_event_reads(struct arena *a, const struct tenant *t, const struct cmms_event *e, struct cmms_reads *out);
struct cmms_view {
    struct order *order;   /* as kept, or NULL */
    int64_t order_version; /* also of one that does not open: what the CMMS tells now mends it */
    const struct matter *matter; /* as kept, or NULL */
    int64_t matter_version; /* likewise */
    struct user **users;   /* in the order of the reads; NULL: unknown, or damaged */
    int64_t *versions;     /* of the users' documents; 0: absent */
    bool *damaged;         /* there is a record, but it does not open */
};
bool cmms_event_decide(const struct cmms_event *e, const struct cmms_reads *reads, const struct cmms_view *view,
                       struct plan *p, struct err *err);
/** The CMMS refused an event of ours (409/422): the order goes back, the person is told. */
void cmms_refused(const struct json *event, struct str reason, const struct cmms_view *view, size_t nusers,
                  struct plan *p);

/** The matter that a refused event was about, to be read for it; or empty. */
struct str cmms_refused_matter(struct arena *a, const struct json *event);

/* Broadcasts are too large for a plan: jobs/broadcast_event.c carries them out. */
enum cmms_broadcast { CMMS_BROADCAST_NONE, CMMS_BROADCAST_REQUESTED, CMMS_BROADCAST_CANCELLED };
struct broadcast;
enum cmms_broadcast cmms_broadcast_of(const struct cmms_event *e);
/** data.broadcast.id, else the subject, else the event's own id. */
struct str cmms_broadcast_id(struct arena *a, const struct cmms_event *e);
/** Of training material: what is to be kept; else NULL. */
const struct json *cmms_training_of(const struct cmms_event *e);
bool cmms_broadcast_read(struct arena *a, const struct cmms_event *e, struct wall now, struct broadcast *out,
                         struct err *err);

#endif
