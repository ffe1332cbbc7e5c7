/*
 * events: what the page hears while it is open, as server-sent events: message, status, typing,
 * phones.
 */
#ifndef CREWLINE_SANDBOX_EVENTS_H
#define CREWLINE_SANDBOX_EVENTS_H

#include "ledger.h"

struct events *events_new(struct sandbox *sb);
void events_free(struct events **owner);
void events_open(struct sandbox *sb, struct http_req *r); /* GET /_sandbox/events */
void events_message(struct sandbox *sb, const struct entry *e);
void events_status(struct sandbox *sb, const struct entry *e);
/** The business is typing to, or has read what was said by, @phone. */
void events_typing(struct sandbox *sb, const struct number *n, struct str phone, struct str id);
void events_world(struct sandbox *sb); /* numbers or phones changed, or the ledger was cleared */

#endif
