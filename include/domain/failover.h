/*
 * failover: the other ways to a person when the number a message goes by does not reach him.
 *
 * A sender that is paused (token, account): its messages stay in its queue and its lanes, and after the
 * tenant's failover.paused_after_ms they are claimed by the next sender in the order of the configuration that
 * is not paused (store/lua/claim.lua). What that one cannot say (failover_can_say) waits where it is, with what
 * is behind it in its lane, for its own sender: nothing is lost, nothing overtakes. Only a mark that something
 * was read is dropped. A critical message does not wait for that: it goes the way below, at once. A sender
 * that no gateway has in its configuration any more, while messages wait for it, is as one that is paused.
 *
 * A critical message that is not delivered in failover.critical_after_ms, or fails: a message of its own, which
 * names it, says it again by the next way: each other WhatsApp sender of the tenant once, in the order of the
 * configuration, then an SMS where `channels` asks for it. An inbound item of the letter FAILOVER_ITEM waits for
 * that time from the message's acceptance on (jobs/inbox_failover.c).
 *
 * The bound: whatever ends in the middle of a hand-over (the gateway, the connection), the next way is taken
 * at most delivery.lease_ms + failover.critical_after_ms after it; where critical_after_ms is more than
 * delivery.uncertain_hold_critical_ms, one more hand-over by the same sender comes before that, and that hold
 * counts too. What is said again by another way is not handed over once more by its own; an SMS has a lane of
 * its own, since it would wait there for the hold of the message that it stands for.
 */
#ifndef CREWLINE_DOMAIN_FAILOVER_H
#define CREWLINE_DOMAIN_FAILOVER_H

#include "base/text.h"
#include "domain/message.h"
#include "domain/settings.h"
#include "domain/tenant.h"
#include "store/commit.h"

#define FAILOVER_SMS_CHARS_MAX 1000 /* some seven parts */

/** May another sender say @m than the one it was put to? What it quotes is left out then. */
bool failover_can_say(const struct message *m);

struct failover_step {
    const struct sender *sender;
    bool sms;
};
/**
 * The way after the one that @m took. @usable tells which senders may be used now (by their place in the
 * configuration), NULL: all. False: there is none, or it is not critical.
 */
bool failover_next(const struct tenant_settings *t, const struct message *m, const bool *usable,
                   struct failover_step *out);
/**
 * Makes @m, a copy of the one that did not reach him, the message of the next way; its id is always the same
 * for the same step. @answer: how to answer, behind the words of an SMS.
 */
void failover_take(struct arena *a, struct message *m, const struct failover_step *step, struct wall now,
                   struct str answer);

/*
 * The item that looks after a critical message: "<letter><message id>", due at @at. It belongs into the commit
 * that accepts the message; a marked write. @name, and the time of those that are due at once, tell items of one
 * message apart.
 */
#define FAILOVER_ITEM 'F'
void failover_watch(const struct tenant *t, struct arena *a, struct commit *c, struct str message_id,
                    const char *name, struct wall at);

#endif
