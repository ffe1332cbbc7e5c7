/*
 * meta: the WhatsApp Cloud API as its documentation and its answers in the field describe it.
 * Requests: meta_route.c finds the handler, meta_check.c and meta_interactive.c judge bodies,
 * meta_template.c keeps templates, meta_media.c files. Webhooks: meta_hook.c.
 * Source: Meta, WhatsApp Business Platform, Cloud API reference and error codes.
 */
#ifndef CREWLINE_SANDBOX_META_H
#define CREWLINE_SANDBOX_META_H

#include "answer.h"
#include "base/err.h"
#include "base/text.h"
#include "hooks.h"
#include "ledger.h"
#include "sandbox.h"

struct group;

/* A send being judged. All text lives in the request's arena or its JSON. */
struct draft {
    struct sandbox *sb;
    struct number *number;
    struct arena *arena;
    const struct json *body;
    struct str to;    /* as given */
    struct str phone; /* E.164 or BSUID */
    bool by_bsuid;
    const struct group *group; /* then `phone` is its id */
    struct str kind, text, quote, correlation, category;
    struct buf extra; /* JSON members for the ledger */
    struct jw w;      /* writes them */
    bool template;
    struct str fetch; /* a media link that Meta would fetch */
    /* Why it is refused */
    int64_t code, subcode;
    char details[256];
};
/** Notes why and returns false. */
bool draft_refuse(struct draft *d, int64_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Whether @obj has only the members in @known ("body|preview_url"); Meta refuses others. */
bool draft_only(struct draft *d, const struct json *obj, const char *name, const char *known);
/** The string member @name of @obj with @min to @max characters; refused with @code otherwise. */
bool draft_text(struct draft *d, const struct json *obj, const char *path, const char *name,
                size_t min, size_t max, struct str *out);

bool meta_check(struct draft *d); /* everything but rate, window and templates' existence */
bool meta_check_interactive(struct draft *d, const struct json *j);
bool meta_check_media(struct draft *d, const struct json *j, const char *kind, const char *member);
bool meta_check_template(struct draft *d, const struct json *j);

/** True when the path is Meta's; it is then answered. */
bool meta_route(struct sandbox *sb, struct http_req *r);
/** Limit of the body that the path may have; 0: not Meta's. */
size_t meta_limit(struct http_req *r);

/** Answers with Meta's error envelope and counts it. @status 0: the code's usual one. */
void meta_refuse(struct sandbox *sb, struct http_req *r, int status, int64_t code, int64_t subcode,
                 const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void meta_refuse_trigger(struct sandbox *sb, struct http_req *r, const struct trigger *t);
/** The title of @code: "Re-engagement message". */
const char *meta_title(int64_t code);
/** 200 with @body, compact JSON. */
void meta_answer(struct sandbox *sb, struct http_req *r, struct str body);

void meta_send(struct sandbox *sb, struct http_req *r, struct number *n);

/* Webhooks */
void meta_hook_status(struct sandbox *sb, const struct entry *e, enum status_step step, int64_t us);
void meta_hook_inbound(struct sandbox *sb, const struct entry *e, struct str message_json,
                       hook_done_fn *done, void *ctx);
/** Opens a value: messaging_product and metadata are in it. */
void meta_hook_open(struct jw *w, const struct number *n);
/** Posts {"object":…,"entry":[{"id":waba,"changes":[{"value":@value,"field":@field}]}]}. */
void meta_hook_value(struct sandbox *sb, const struct number *n, const char *field,
                     struct str value, hook_done_fn *done, void *ctx);
/** Non-ASCII as \uXXXX and "/" as "\/", as Meta writes its webhooks. */
void meta_escape(struct buf *out, struct str json);

#endif
