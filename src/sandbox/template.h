/*
 * template: Meta's message templates: created, reviewed, approved or refused, filled in by sends.
 */
#ifndef CREWLINE_SANDBOX_TEMPLATE_H
#define CREWLINE_SANDBOX_TEMPLATE_H

#include "sandbox.h"

struct template
{
    char *id, *waba, *name, *language, *category;
    const char *status; /* PENDING, APPROVED, … */
    const char *reason;
    bool named; /* {{first_name}} instead of {{1}} */
    struct json *components;
    int64_t seq;
};

struct templates;
struct templates *templates_new(void);
void templates_free(struct templates **owner);
struct template *template_find(struct templates *t, const char *waba, struct str name,
                               struct str language);
struct template *template_by_id(struct templates *t, struct str id);
/** Any of that name in the account: tells "no such template" from "no such language". */
size_t template_count(const struct templates *t);
struct template *template_at(const struct templates *t, size_t i);
/** Checks and adds; the error is Meta's: code 100 with @subcode. @components is copied. */
struct template *template_add(struct sandbox *sb, const char *waba, const struct json *spec,
                              int64_t *subcode, struct err *err);
bool template_remove(struct templates *t, struct template *which);
bool template_edit(struct sandbox *sb, struct template *t, const struct json *components,
                   int64_t *subcode, struct err *err);
/** Sets the status and tells the gateway by webhook. @status: one of Meta's words. */
bool template_set_status(struct sandbox *sb, struct template *t, struct str status,
                         const char *reason);

/** Component "BODY" and the like; NULL: it has none. */
const struct json *template_component(const struct template *t, const char *type);
/** How many different variables @text has. */
size_t template_variables(struct str text);
/** Every account starts with it, as Meta's do. */
void template_seed(struct sandbox *sb, const char *waba);
void template_json(const struct template *t, struct jw *w);

#endif
