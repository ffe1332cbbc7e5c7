/*
 * reminder: when people are reminded of an order that is not done: some times before it is due, when it is,
 * and again and again after that, by the tenant's setting `reminders`. Each open order with a due date knows
 * its next time (order.remind), and od (ZSET order id -> wall ms) finds it; jobs/reminders.c goes by that.
 * Times that were missed are one reminder: the next one is always later than now. Times of a due date that
 * is new to us count from when its event was accepted: one that came while the event waited was missed too.
 * One that waits for the end of somebody's quiet hours is not said when its order is closed by then.
 */
#ifndef CREWLINE_DOMAIN_REMINDER_H
#define CREWLINE_DOMAIN_REMINDER_H

#include "domain/cmms_event.h"

/** The first time after @after at which to remind of what is due at @due; 0: there is none. */
struct wall reminder_next(const struct tenant_settings *c, struct wall due, struct wall after);
/**
 * The time of view->order has come: its assignees (of the reads) are told, and its next time is set. False: it
 * has not, or there is no such order any more; nothing is planned.
 */
bool reminder_decide(const struct cmms_reads *reads, const struct cmms_view *view, struct plan *p);

/** The CMMS reminded by itself: is that one which has been told just now? */
bool reminder_told(const struct order *kept, struct wall now);
/** So it is told now: ours of about the same time is not. */
void reminder_tell(const struct tenant_settings *c, struct order *o, struct wall now);

#endif
