/*
 * matter_int: what the kinds of matters (pm.c, …) share: each gives whom a strike of its clock wants, and
 * what follows; talk_<kind>.c has what people say to it.
 */
#ifndef CREWLINE_DOMAIN_MATTER_INT_H
#define CREWLINE_DOMAIN_MATTER_INT_H

#include "domain/matter.h"
#include "domain/plan.h"

typedef void matter_wants_fn(struct arena *a, const struct tenant *t, const struct matter *m,
                             struct matter_wants *out);
/** False: its body does not decode; it is over then. */
typedef bool matter_strike_fn(const struct matter_view *v, struct plan *p, struct err *err);
matter_wants_fn pm_wants, team_wants, checklist_wants, alert_wants, reading_wants;
matter_strike_fn pm_strike, team_strike, checklist_strike, alert_strike, reading_strike;

/**
 * The assignees of an event's member @name, ids or objects with one: into the arena and into @out, which has
 * room for MATTER_ASSIGNEES_MAX. False where one is none, or there are too many, or nobody.
 */
bool matter_assignees(struct arena *a, const struct json *list, const char *name, struct str *out, size_t *n,
                      struct err *err);
/** Once, unless empty or too many. */
void matter_wants_person(struct matter_wants *w, struct str id);
struct pm;
/** Its document as it is now. */
void pm_keep(struct arena *a, const struct pm *pm, struct matter *m);
/** Of those read; NULL: not known. */
const struct user *matter_person(const struct matter_view *v, struct str id);

/* Payloads of buttons and rows: "y:<letter>:<action>:<id>"; an action with arguments has commas: "set,3,done". */
struct str matter_payload(struct arena *a, const struct matter *m, const char *action);
bool matter_payload_parse(struct str payload, struct str *ref, struct str *action, struct arena *a);

#endif
