/*
 * twilio: Programmable Messaging for WhatsApp and the Content API as they behave. Requests:
 * twilio_route.c, twilio_send.c (messages), twilio_message.c (reading them back), twilio_content.c.
 * Webhooks: twilio_hook.c. Source: Twilio REST API and webhook documentation.
 */
#ifndef CREWLINE_SANDBOX_TWILIO_H
#define CREWLINE_SANDBOX_TWILIO_H

#include "answer.h"
#include "base/err.h"
#include "base/text.h"
#include "hooks.h"
#include "ledger.h"
#include "sandbox.h"

bool twilio_route(struct sandbox *sb, struct http_req *r);
size_t twilio_limit(struct http_req *r); /* 0: not Twilio's */

void twilio_refuse(struct sandbox *sb, struct http_req *r, int status, int64_t code,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void twilio_refuse_trigger(struct sandbox *sb, struct http_req *r, const struct trigger *t);
void twilio_answer(struct sandbox *sb, struct http_req *r, int status, struct str body);

void twilio_send(struct sandbox *sb, struct http_req *r, struct number *account);
void twilio_list(struct sandbox *sb, struct http_req *r, struct number *account);
void twilio_message(struct sandbox *sb, struct http_req *r, struct number *account, struct str sid);
void twilio_message_json(const struct entry *e, struct jw *w);
/** Paths below /v1/Content. @rest: what follows, without the slash. */
void twilio_content(struct sandbox *sb, struct http_req *r, struct number *account,
                    struct str rest);

/* Content resources */
struct content {
    char *sid, *account, *language;
    struct json *spec; /* friendly_name, language, variables, types */
    char *approval_name, *approval_category;
    const char *approval; /* unsubmitted, received, pending, approved, rejected, paused, disabled */
    int64_t created_ms;
};
struct contents *contents_new(void);
void contents_free(struct contents **owner);
struct content *content_find(struct contents *c, struct str sid);
bool content_set_approval(struct content *c, struct str status);
/**
 * The type that WhatsApp shows, filled in: kind, text and @extra members (buttons, rows, media).
 * @vars: ContentVariables or NULL. Fails with Twilio's code in *code.
 */
bool content_render(struct arena *a, const struct content *c, const struct json *vars,
                    struct str *kind, struct str *text, struct jw *extra, int64_t *code);

/* Webhooks */
void twilio_hook_status(struct sandbox *sb, const struct entry *e, enum status_step step);
/** @more: further pairs of this kind of message (Body, ButtonPayload, MediaUrl0 …). */
void twilio_hook_inbound(struct sandbox *sb, const struct entry *e, const char *message_type,
                         const struct pair *more, size_t nmore, hook_done_fn *done, void *ctx);

#endif
