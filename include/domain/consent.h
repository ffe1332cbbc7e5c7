/*
 * consent: what a person wants to get changed by something else than his own words here: the provider refused a
 * message because he stopped it there, the provider tells so, an administrator changed his preferences. The CMMS
 * hears of each change (gateway.person.opted_out, opted_in, preferences_changed).
 *
 * Providers know of marketing and of everything. What we say is about people's work, but for the class
 * "training": that is what marketing means here.
 */
#ifndef CREWLINE_DOMAIN_CONSENT_H
#define CREWLINE_DOMAIN_CONSENT_H

#include "domain/inbound.h"
#include "domain/plan.h"

#define CONSENT_ITEM 'O' /* inbound item: person, line end, bits of the classes that he stopped */
#define STOPPED_ITEM 'Q' /* the same, when it is in his record: what waits of them is not to be said */
#define MOVED_ITEM   'N' /* person, line end, the number that is his no more: what waits for that likewise */

/** What a refusal with the provider's @code stops: bits of classes. @cls: that of the message refused. */
unsigned consent_refused(int64_t code, struct str cls);
/** The item; and its text behind the letter (false: it does not read). */
struct plan_input consent_input(const struct tenant *t, struct arena *a, char item, struct str person,
                                unsigned classes);
bool consent_item_read(struct str text, struct str *person, unsigned *classes);
/** Is @m one of those that he stopped with @classes? Answers to him never are. */
bool consent_stops(unsigned classes, const struct message *m);
/** What the provider says of him (INBOUND_OPT_OUT); false: nothing that changes anything. */
bool consent_told(const struct inbound *in, bool *stops, unsigned *classes);

/** He stopped them, or wants them again: the person and the event, where that is a change. */
void consent_stop(struct plan *p, const struct user *kept, unsigned classes, const char *via);
void consent_resume(struct plan *p, const struct user *kept, unsigned classes, const char *via);
/** The event that he has proven that the number is his. */
void consent_verified(struct plan *p, const struct user *u, const char *via);
/** What @now stopped or switched off and @before had not: what waits of it is not said (plan.stopped). */
void consent_withdraw(struct plan *p, const struct user *now, const struct user *before);
/** What waits for a number that is its person's no more is not said there: it may be another's by now. */
void consent_moved(struct plan *p);
/** consent_withdraw(), and the events of what differs between two states of one person. */
void consent_changed(struct plan *p, const struct user *now, const struct user *before, const char *via);

#endif
