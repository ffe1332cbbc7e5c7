/*
 * translate: the free text of the CMMS (titles, descriptions, notes) in the language of who is told,
 * by a service: LibreTranslate's API, or Apertium's (apertium-apy). The CMMS is taken to write in the
 * tenant's default language. Here: what is wanted for an event, a request and its answer, and the table that
 * notices look things up in; jobs/translate.c asks and remembers:
 *   tr:<hash of dialect, languages and text>   the translation, sealed; gone after translate.cache_days
 *   to:<message id>                 what the message said in the CMMS's own words, sealed; likewise
 */
#ifndef CREWLINE_DOMAIN_TRANSLATE_H
#define CREWLINE_DOMAIN_TRANSLATE_H

#include "domain/cmms_event.h"

#define TRANSLATE_MOST      16   /* texts of one event, in all languages */
#define TRANSLATE_TEXT_MAX  2000 /* bytes; a longer text stays as it is */
#define TRANSLATE_WITHIN_MS 2000 /* from the acceptance of the event on */

struct translation {
    struct str lang; /* of our catalogues: "es" */
    struct str text; /* as the CMMS wrote it */
    struct str out;  /* translated; empty: it is not */
};
struct translations {
    struct translation v[TRANSLATE_MOST];
    size_t n;
};

/** What the people in @v should read in another language; nothing for what is critical. Texts of @e and @a. */
void translate_wanted(struct arena *a, const struct tenant *t, const struct cmms_event *e,
                      const struct cmms_reads *reads, const struct cmms_view *v, struct translations *out);
/** STR_NONE: it is not translated. */
struct str translate_find(const struct translations *t, struct str lang, struct str text);
/** What distinguishes it in the cache. */
struct str translate_name(struct arena *a, const struct tenant *t, const struct translation *one);

struct translate_request {
    struct str url, body;
    const char *content_type;
};
/** False: the service knows no such language. */
bool translate_request(struct arena *a, const struct tenant *t, const struct translation *one,
                       struct translate_request *out);
/** From an answer of status 200. False: it holds no translation, or the text itself. */
bool translate_answer(struct arena *a, const struct tenant *t, const struct translation *one, struct str body,
                      struct str *out);

#endif
