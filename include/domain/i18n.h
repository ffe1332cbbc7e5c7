/*
 * i18n: texts in people's languages: catalogues config/locales/<code>.json (embedded, or from
 * CREWLINE_CONFIG_DIR), with plurals, dates, times and numbers through ICU in the person's language and
 * time zone. A catalogue is a flat object of key -> pattern. Patterns (ICU MessageFormat's core):
 *   {name}  {n, number}  {t, date}  {t, time}  {t, datetime}  {s, select, a {…} other {…}}
 *   {n, plural, =0 {…} one {# order} other {# orders}}  and '' for an apostrophe before a brace.
 * Arrays of strings are word lists (commands.<id>, status.<name>, words.done, lang.names …); a word may stand
 * in several of them. A catalogue of the operator's, <config_dir>/locales/<code>.json, adds to the built-in
 * one or takes the place of its keys; what it lacks is taken from there, then from English.
 * A value that runs the other way than the text around it (an identifier in Arabic, an Arabic title in English)
 * is wrapped in Unicode isolates (U+2068 … U+2069); what it has of such marks itself ends with it.
 * English is complete and is what a missing key falls back to; deps/locales_check.py (run by the build)
 * refuses catalogues whose keys, parameters or length limits ("<key>@max", or "<prefix>.@max" for all keys
 * below, in UTF-16 units) do not fit English. i18n_new() refuses patterns that do not parse or ask for a
 * parameter that English lacks: ERR_CONFIG naming file and key. So a call that brings English's parameters
 * never fails.
 */
#ifndef CREWLINE_DOMAIN_I18N_H
#define CREWLINE_DOMAIN_I18N_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct i18n;

bool i18n_new(const char *config_dir, struct i18n **out, struct err *err); /* NULL: embedded only */
void i18n_free(struct i18n **owner);

struct lang;
/** BCP 47 look-up: "es-MX" -> es; unknown or empty -> @otherwise -> en. Never NULL. */
const struct lang *i18n_lang(const struct i18n *i, struct str code, struct str otherwise);
struct str lang_code(const struct lang *l);
bool lang_is_rtl(const struct lang *l);
size_t i18n_langs(const struct i18n *i, const struct lang **out, size_t max);
/** By its name in any language or its code: "español", "Spanish", "es". NULL: unknown. */
const struct lang *i18n_lang_named(const struct i18n *i, struct str name);
/** Its own name: "Español". */
struct str lang_name(const struct lang *l);

enum arg_kind { ARG_STR, ARG_ID, ARG_INT, ARG_TIME };
struct text_arg {
    const char *name;
    enum arg_kind kind; /* as ARG_STR; says that it is an identifier */
    struct str s;
    int64_t i;
    struct wall t;
};
#define ARG_S(name, value)  ((struct text_arg){name, ARG_STR, value, 0, {0}})
#define ARG_IDENT(name, value) ((struct text_arg){name, ARG_ID, value, 0, {0}})
#define ARG_N(name, value)  ((struct text_arg){name, ARG_INT, {0, 0}, value, {0}})
#define ARG_T(name, value)  ((struct text_arg){name, ARG_TIME, {0, 0}, 0, value})

/**
 * Appends the text of @key; @timezone is an IANA name (unknown: UTC). A key that English lacks, or a parameter
 * of the key that @args lacks, is our bug (asserts); what the key does not ask for is left out.
 */
void i18n_add(const struct lang *l, struct str timezone, const char *key, const struct text_arg *args,
              size_t n, struct buf *out);
struct str i18n_text(struct arena *a, const struct lang *l, struct str timezone, const char *key,
                     const struct text_arg *args, size_t n);
#define I18N(a, l, tz, key, ...)                                                              \
    i18n_text((a), (l), (tz), (key),                                                          \
              (const struct text_arg[]){{NULL, ARG_STR, {0, 0}, 0, {0}}, ##__VA_ARGS__} + 1,  \
              sizeof((const struct text_arg[]){{NULL, ARG_STR, {0, 0}, 0, {0}}, ##__VA_ARGS__}) / \
                      sizeof(struct text_arg) - 1)

/**
 * Appends @text as words are compared: case folded (NFKC), blanks squeezed, emoji and the punctuation at both
 * ends dropped, digits of every script as 0 to 9, dashes as '-'. What people leave out or
 * mix is made alike (accents of Latin letters, Arabic hamza on alef, vowel signs, final yeh and teh marbuta; Hindi nukta).
 */
void i18n_normalize(struct str text, struct buf *out);
/** Appends @value as it stands in a text that runs from right to left or (@rtl false) from left to right. */
void i18n_add_value(bool rtl, struct str value, struct buf *out);
/** A text that stands for itself: marks that would turn what comes after it are closed or left out. In @a. */
struct str i18n_paragraph(struct arena *a, struct str text);
/** At most @max code points, cut between grapheme clusters, with "…" in @a; @text itself where it fits. */
struct str i18n_cut(struct arena *a, struct str text, size_t max);
/** Is the normalized @word in the word list @key of @l or of English? */
bool i18n_is_word(const struct lang *l, const char *key, struct str word);
/** Walks the word list @key of @l (not English's): the @i-th word or STR_NONE. */
struct str i18n_word(const struct lang *l, const char *key, size_t i);

bool timezone_ok(struct str name); /* an IANA name that ICU knows */
/** The zones that people choose from, by name: "Africa/Abidjan" …; at most @max. They live as long as the process. */
size_t timezone_names(struct str *out, size_t max);
/** The local time of @t: minutes of the day, and the wall time of that day's midnight. */
void timezone_local(struct str name, struct wall t, int32_t *minutes, struct wall *midnight);
/** The local time of @t and back, as milliseconds that count local days from 1970 on. */
int64_t timezone_shift(struct str name, struct wall t);
struct wall timezone_wall(struct str name, int64_t local_ms);
/** Is it a time zone of @region ("US", ISO 3166)? */
bool timezone_of(struct str name, const char *region);

#endif
