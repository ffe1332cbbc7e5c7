/*
 * cmms_int: one event of the CMMS being decided, shared by cmms_event.c (types, shape, reads),
 * cmms_orders.c (what follows for an order) and cmms_people.c (who is who).
 */
#ifndef CREWLINE_DOMAIN_CMMS_INT_H
#define CREWLINE_DOMAIN_CMMS_INT_H

#include "domain/cmms_event.h"

struct turn {
    const struct cmms_event *e;
    const struct cmms_reads *reads;
    const struct cmms_view *view;
    struct plan *p;
    struct order *fresh;      /* as the event says it is now, or NULL */
    const struct order *kept; /* as we had it, or NULL */
    struct user **people;     /* of the reads: as read, as changed or created now; NULL: unknown */
};

typedef bool event_fn(struct turn *t, struct err *err);
event_fn cmms_order_created, cmms_order_assigned, cmms_order_updated, cmms_order_status,
    cmms_order_priority, cmms_order_deleted, cmms_person_upserted, cmms_person_removed, cmms_pm_due,
    cmms_checklist_due;
event_fn cmms_order_comment, cmms_order_parts, cmms_order_due, cmms_request_created,
    cmms_request_status, cmms_asset_status,
    cmms_alert_raised, cmms_alert_cleared, cmms_reading;

const struct json *cmms_order_of(const struct cmms_event *e);
const struct json *cmms_requester_of(const struct cmms_event *e); /* of a request */
/** Somebody as an event names him; @j may be NULL. Views into @j, ids in @a. */
void cmms_named(struct arena *a, const struct json *j, struct order_person *out);

/* people */
/** Whom the index of phones names, of what was read; empty: nobody. */
struct str cmms_phone_owner(const struct cmms_reads *reads, struct str phone);
/**
 * The id of somebody named without one: his who has the phone, else one made of the phone's hash.
 * Empty: no phone either.
 */
struct str cmms_person_id(struct arena *a, const struct tenant *t, const struct cmms_reads *reads,
                          const struct order_person *named);
/** The phone of a named person in E.164, or empty. */
struct str cmms_person_phone(struct arena *a, const struct order_person *named);
/** Known and not removed, or NULL. */
struct user *cmms_person_of(const struct turn *t, struct str id);
/** Those of t->fresh whom nobody knows yet, and consent told now. */
void cmms_meet(struct turn *t);
/** Who asked for something, met for the first time perhaps; NULL: nobody that can be told. */
const struct user *cmms_meet_requester(struct turn *t, struct order_person *who);

/* orders */
void cmms_keep_order(struct turn *t);
typedef void tell_fn(struct turn *t, const struct user *to, void *arg);
void cmms_each_assignee(struct turn *t, tell_fn *tell, void *arg);

/* matters: cmms_matters.c */
bool cmms_is_matter(struct str type);
/** Its object in the event's data. */
const struct json *cmms_matter_of(const struct cmms_event *e);
/** Empty: the event is about none. */
struct str cmms_matter_ref(struct arena *a, const struct cmms_event *e);
/** Those of @before who are not among @now wait for it no more. True: there are some. */
bool cmms_matter_left(struct turn *t, const struct str *before, size_t nbefore, const struct str *now,
                      size_t nnow);
/** Checks that object, and fills e->lane. */
bool cmms_matter_subject(struct arena *a, struct cmms_event *out, struct err *err);

/* alerts: cmms_alert.c */
bool cmms_alert_subject(struct arena *a, const struct json *j, struct err *err);
bool cmms_reading_subject(struct arena *a, const struct json *j, struct err *err);
/** The id of the matter a reading is about. */
struct str cmms_reading_id(struct arena *a, const struct json *j);
/** A reading older than one taken before is no news. */
void cmms_reading_mark(struct arena *a, const struct json *j, struct cmms_event *out);

/* broadcasts */
bool cmms_broadcast_subject(struct arena *a, struct cmms_event *out, struct err *err);

#endif
