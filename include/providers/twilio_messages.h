/*
 * twilio_messages: Twilio's own list of messages, for what no webhook told: inbound ones that were given
 * up after 15 s of our absence, and whether a send without an answer was accepted. Pure, as provider.h.
 */
#ifndef CREWLINE_PROVIDERS_TWILIO_MESSAGES_H
#define CREWLINE_PROVIDERS_TWILIO_MESSAGES_H

#include "providers/provider.h"

/**
 * Messages to @sender (@person STR_NONE: from anybody) or, with @person (E.164 or BSUID), from @sender to
 * that person, of @since's day (UTC) and later, newest first.
 */
void twilio_messages_build(struct arena *a, const struct sender *s, struct str person, struct wall since,
                           struct outgoing *out);
/**
 * A page: inbound messages become items as the webhook's, with `event` "recovered"; what the list does not
 * have (payloads, places, addresses of files) makes them INBOUND_UNSUPPORTED with `raw`. Outbound ones
 * become INBOUND_STATUS items with `text` the body and `at` the time of acceptance. @next: the request of the
 * next page; method NULL: this was the last.
 */
bool twilio_messages_parse(struct arena *a, const struct sender *s, int status, struct str body,
                           struct inbound_batch *out, struct outgoing *next, struct err *err);
/**
 * Whether an outbound item of the list may be @m, handed over at @sent or up to a minute later: same
 * person, same words (blanks and marks aside). The caller leaves out sids that it knows already.
 */
bool twilio_messages_same(const struct inbound *item, const struct message *m, struct wall sent);

#endif
