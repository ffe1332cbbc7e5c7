/* web_settings: what the two sides of /whatsapp/settings share: showing it, and saving it. */
#ifndef CREWLINE_APP_WEB_SETTINGS_H
#define CREWLINE_APP_WEB_SETTINGS_H

#include "domain/consent.h"
#include "web.h"

#define ALL_CLASSES ((1u << CLASS_COUNT) - 1)

struct settings_values { /* as the form has them */
    unsigned on;
    struct str language, timezone, from, to;
    const char *bad_language, *bad_timezone, *bad_from, *bad_to; /* keys of what is wrong */
    struct err err;                                              /* the first of it */
};
/** As kept of @u. */
struct settings_values settings_values_of(struct request *r, const struct user *u);
/** Classes that are shown as on. */
unsigned settings_on(const struct user *u);
/** The language he is spoken to in. */
struct str settings_language(struct request *r, const struct user *u);
/** The page with these values, of r->session. */
void settings_show(struct request *r, const struct settings_values *v, int status);
/** There is no session: says what to do. */
void settings_refuse(struct request *r);

#endif
