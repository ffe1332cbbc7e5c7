/*
 * say: a phone says, taps or sends something: POST /_sandbox/inbound. Answers when the gateway has
 * answered the webhook.
 */
#ifndef CREWLINE_SANDBOX_SAY_H
#define CREWLINE_SANDBOX_SAY_H

#include "sandbox.h"

void say_request(struct sandbox *sb, struct http_req *r);
/** Media that every page offers: "photo", "voice", "document". */
struct str sample_media(struct str name, const char **mime, const char **filename);

#endif
