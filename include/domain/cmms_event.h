/*
 * cmms_event: what follows from an event of the CMMS. Shape check when it comes in (names the member), keys
 * to read, then a pure decision: the table of types is in cmms_event.c, one function per type.
 */
#ifndef CREWLINE_DOMAIN_CMMS_EVENT_H
#define CREWLINE_DOMAIN_CMMS_EVENT_H

#include "domain/plan.h"

struct cmms_event {
    struct str id, source, type, subject;
    struct wall time;
    const struct json *data; /* object; borrowed from the parsed event */
    struct str lane;         /* key of what it is about: events of one lane are executed in order */
    struct str mark_key;     /* order id for the "older than the copy" rule, or empty */
    int64_t mark;            /* -1: none */
};
/** ERR_INVALID or ERR_BAD_REQUEST naming the member. Unknown types are refused with ERR_INVALID. */
bool cmms_event_parse(struct arena *a, const struct json *j, struct cmms_event *out, struct err *err);

/* What the decision reads: the order and the people it names. */
struct cmms_reads {
    struct str order_id; /* or empty */
    struct str users[160];
    size_t nusers;
};
void cmms_event_reads(struct arena *a, const struct tenant *t, const struct cmms_event *e, struct cmms_reads *out);
struct cmms_view {
    struct order *order; /* as kept, or NULL */
    struct user **users; /* in the order of the reads; NULL: unknown */
    size_t nusers;
    struct str *phone_owner; /* ids of people found by the phones of unknown users, same order; or empty */
};
bool cmms_event_decide(const struct cmms_event *e, const struct cmms_reads *reads, const struct cmms_view *view,
                       struct plan *p, struct err *err);
/** The CMMS refused an event of ours (409/422): the order goes back, the person is told. */
void cmms_refused(const struct json *event, struct str reason, const struct cmms_view *view, struct plan *p);

#endif
