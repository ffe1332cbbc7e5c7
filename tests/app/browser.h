/*
 * browser: what tests of pages do: links, forms with their token and cookie, and a look at what
 * came of it.
 */
#ifndef CREWLINE_TESTS_APP_BROWSER_H
#define CREWLINE_TESTS_APP_BROWSER_H

#include "domain/link.h"
#include "world.h"

#define SETTINGS "/whatsapp/settings"
#define FORM     "application/x-www-form-urlencoded"
#define ORIGIN   "http://gateway.test" /* of the world's public URL */

/** Of the world that all of this is about; first. */
void browser_use(struct world *w);

/* What it keeps between two requests. */
struct browser {
    const char *cookie; /* "name=value", or "" */
    const char *token;  /* of the page's form */
};
struct reply_to browser_get(const struct browser *b, const char *path);
/** With the cookie of a fresh link to his settings. */
struct browser browser_opened(size_t tenant, const char *id);
/** Sends the form of the settings: @form without its token. */
struct reply_to browser_post(const struct browser *b, const char *form);
struct reply_to browser_json(const struct browser *b, const char *body);
/** The path of a link to the settings of @id, over in @ms. */
const char *link_of(size_t tenant, const char *id, int64_t ms);

const struct tenant *tenant_at(size_t i);
/** Makes a verified person; @more: further members of the JSON, each after a comma. */
void person(enum who who, const char *id, const char *more);
struct reply_to user_read(enum who who, const char *id);
bool is_on(const struct reply_to *user, const char *cls);
/** Events of @type about @id in the outbox of @who. */
size_t events_of(enum who who, const char *type, const char *id);

bool has(struct str text, const char *part);
/** What stands between two texts, or "". */
const char *between(struct str text, const char *from, const char *to);

/* One command on Redis; @more and @most may be NULL. Of a list the first. */
struct redis_answer {
    bool done;
    struct str text;
    int64_t n;
};
struct redis_answer redis(const char *what, struct str key, const char *more, const char *most);

#endif
