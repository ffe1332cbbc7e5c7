/*
 * talk: what follows when a person says, taps or sends something. Pure: a view and an inbound item in, a
 * plan out. The engine of the conversation: order resolution (quote, button, only one, else ask and
 * remember), the open question, commands, free text. One function per command in talk_*.c, one table.
 *
 * Payloads of buttons and rows carry what they act on, so a tap means the same a week later:
 *   "<action>:<order id>"  ack start complete complete_anyway view escalate
 *   "pick:<command>:<order id>"  the answer to "which order?"
 *   "lang:<code>"  "optout:<class|all|none>"
 */
#ifndef CREWLINE_DOMAIN_TALK_H
#define CREWLINE_DOMAIN_TALK_H

#include "domain/command.h"
#include "domain/inbound.h"
#include "domain/plan.h"
#include "domain/view.h"

/** What must be read before talk_decide(): fills the query from the item (parses the command once). */
void talk_query(struct arena *a, const struct tenant *t, const struct inbound *in, struct view_query *out);
/** @sender_id: the number of ours that was spoken to; answers go out by it. Always answers or says why not. */
void talk_decide(const struct view *v, const struct inbound *in, struct str sender_id, struct plan *p);

/** The orders that the options of @m act on, a line each: plain field oo, so that a number finds what it names. */
struct str talk_options_orders(struct arena *a, const struct message *m);

/**
 * The payload of "Read it" (TEMPLATE_WAITING), where something waits for that word: it follows by itself, and
 * nothing is said.
 */
#define TALK_READING "reading"

#endif
