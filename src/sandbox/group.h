/*
 * group: groups of a Meta number, with their participants. Configured, not created by the API: they
 * are there, people come and go, and Meta may suspend one. Each change is told to the gateway by the
 * webhook that Meta would send. What the business says to one goes out once, and shows on each
 * participant's phone as a copy with statuses of its own.
 * Source: WhatsApp Groups API: reference, webhooks, error codes.
 */
#ifndef CREWLINE_SANDBOX_GROUP_H
#define CREWLINE_SANDBOX_GROUP_H

#include "base/err.h"
#include "ledger.h"

#define GROUP_PEOPLE_MAX 8

struct group {
    char *id;
    struct number *number;
    struct phone *people[GROUP_PEOPLE_MAX];
    size_t npeople;
    bool suspended;
};

struct groups *groups_new(void);
void groups_free(struct groups **owner);

/** {"id","number"?: Meta's id or E.164,"participants"?: [E.164, …],"suspended"?}: new, or changed. */
bool group_configure(struct sandbox *sb, const struct json *j, struct err *err);
void groups_state(const struct sandbox *sb, struct jw *w); /* a list */
/** NULL: @n has no such group. */
struct group *group_find(const struct sandbox *sb, const struct number *n, struct str id);
bool group_has(const struct group *g, const struct phone *p);
/** Puts @e, accepted for the group, on the phones of its participants, and plans what becomes of it there. */
void group_deliver(struct sandbox *sb, const struct group *g, const struct entry *e);
/** The provider's id of a message, also of a copy on a phone. */
struct str group_message_id(struct str id);

#endif
