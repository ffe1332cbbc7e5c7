/*
 * control: what tests and the page ask of the sandbox itself, below /_sandbox/, and the page's
 * files.
 *
 *   GET    state                    numbers, phones, timing       GET  stats     counters
 *   PUT    config                   as the configuration file     GET/PUT/DELETE faults
 *   GET    messages?to=&after=&limit=&direction=out|in|all        DELETE messages
 *   GET    messages/{id}
 *   POST   inbound                  a phone says, taps or sends something
 *   POST   read     {"phone"}       it was looked at              GET  events    what happens, as
 * SSE POST   status   {"id","status","code"?}                       a status by hand POST   window
 * {"phone","to"?,"open":true|false}             the 24-hour window POST   template
 * {"name","language","status","reason"?}        a review by hand, told by webhook POST   content
 * {"sid","status"}                              the same for Twilio POST   webhook
 * {"number"?,"field","value"}                   any Meta webhook, signed POST   handshake
 * {"number"?}                                  Meta's GET with hub.challenge GET    media/{id} a
 * file, for the page
 */
#ifndef CREWLINE_SANDBOX_CONTROL_H
#define CREWLINE_SANDBOX_CONTROL_H

#include "sandbox.h"

#define CONTROL "/_sandbox/"

bool control_route(struct sandbox *sb, struct http_req *r);
size_t control_limit(struct http_req *r); /* 0: not ours */

#endif
