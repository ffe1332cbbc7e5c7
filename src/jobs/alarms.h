/*
 * alarms: every gateway looks at its tenants from time to time, through Redis, and by the same
 * facts comes to the same alarms: a queue that stands still, a number that sends and hears no
 * webhook, a Redis that is nearly full, clocks that do not agree, a CMMS that takes nothing, a
 * sender that was taken out of the configuration while messages wait for it. Each is told when it begins, every hour while it lasts, and when it is over (severity "ok"). A paused
 * sender is told by whoever pauses it. When the clock has jumped ahead, ages and silence mean nothing for
 * a while: they are not judged.
 *
 * What is on is kept in Redis too (al), until its end is told: when the gateways that knew of it are gone, any other
 * that does not see it tells its end, after some looks in which nobody saw it.
 */
#ifndef CREWLINE_JOBS_ALARMS_H
#define CREWLINE_JOBS_ALARMS_H

#include "jobs_int.h"

void alarms_start(struct engine_tenant *et);
void alarms_stop(struct engine_tenant *et);
/** A verified webhook for @sender came in; a message was handed over to its provider. */
void alarms_heard(struct engine_tenant *et, const struct sender *sender);
void alarms_sent(struct engine_tenant *et, const struct sender *sender);

#endif
