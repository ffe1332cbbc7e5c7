/*
 * link: what a message names by URL is fetched, as the providers do before they deliver it. What
 * cannot be fetched makes the message fail later (Meta 131053, Twilio 63019).
 */
#ifndef CREWLINE_SANDBOX_LINK_H
#define CREWLINE_SANDBOX_LINK_H

#include "ledger.h"

void link_fetch(struct sandbox *sb, struct entry *e, struct str url);
/** Gives up what is being fetched, at the end. */
void link_close(struct sandbox *sb);
/** What was fetched for the entry, or NULL: shown by the page as /_sandbox/media/<id>. */
struct str link_media_id(const struct entry *e, char out[40]);

#endif
