/*
 * i18n_int: what the i18n files know of one another: compiled patterns (i18n_pattern.c), what ICU
 * does for a language (i18n_format.c), catalogues and word lists (i18n.c), and the words behind
 * commands.
 */
#ifndef CREWLINE_DOMAIN_I18N_INT_H
#define CREWLINE_DOMAIN_I18N_INT_H

#include "base/map.h"
#include "domain/i18n.h"

/* CLDR's plural categories; a pattern need not have all of them, but always "other". */
enum plural_form { FORM_ZERO, FORM_ONE, FORM_TWO, FORM_FEW, FORM_MANY, FORM_OTHER, FORM_COUNT };
enum time_style { TIME_DATE, TIME_CLOCK, TIME_BOTH, TIME_STYLE_COUNT };

struct lang_format; /* one per language: plural rules, digits, date formats */

/** Keeps @code. */
struct lang_format *lang_format_new(const char *code);
void lang_format_free(struct lang_format **owner);
enum plural_form lang_format_plural(struct lang_format *f, int64_t n);
void lang_format_int(struct lang_format *f, int64_t n, struct buf *out);
void lang_format_time(struct lang_format *f, struct str timezone, struct wall t,
                      enum time_style style, struct buf *out);
bool plural_form_parse(struct str keyword, enum plural_form *out);

enum node_kind { NODE_TEXT, NODE_ARG, NODE_NUMBER, NODE_TIME, NODE_SELECT, NODE_PLURAL, NODE_HASH };

struct branch {
    struct branch *next;
    struct str key; /* of a select; "other" fits all */
    bool exact;     /* =N of a plural */
    int64_t n;
    enum plural_form form;
    struct node *body;
};

struct node {
    struct node *next;
    enum node_kind kind;
    struct str text; /* NODE_TEXT: what stands there; else the parameter's name */
    enum time_style style;
    struct branch *branches;
};

/** Compiles @text; everything lives in @a. ERR_CONFIG saying what is wrong. */
bool pattern_compile(struct arena *a, struct str text, struct node **out, struct err *err);
/** Does every parameter of @p occur in @of, used in the same way? Else *odd names one that does
 * not. */
bool pattern_fits(const struct node *p, const struct node *of, struct str *odd);

struct word_list;
/* A word may stand in several lists: "done" is a status and a way to say that it is done. */
struct word_use {
    struct word_use *next;
    const struct word_list *list;
};
struct word_list {
    struct str key;    /* "commands.my_work" */
    struct str *words; /* as written */
    struct str *plain; /* normalized */
    size_t n;
    struct word_list *next; /* of the language */
};

struct lang {
    struct str code, name;
    bool rtl;
    struct map *patterns; /* key -> struct node */
    struct map *lists;    /* key -> struct word_list */
    struct map *words;    /* normalized word -> struct word_use */
    struct word_list *all_lists;
    struct lang_format *format;
    const struct lang *english; /* itself in English */
};

/** The lists that hold the normalized @word in @l itself (not English), or NULL. */
const struct word_use *lang_word_uses(const struct lang *l, struct str word);
const struct word_list *lang_list(const struct lang *l, const char *key);

bool text_is_ascii(struct str s);
/** The fast way for ASCII: as i18n_normalize() into @out (@s.n bytes of room), or SIZE_MAX: not
 * ASCII. */
size_t normalize_ascii(struct str s, char *out);
/** How many isolates @text opens and does not close. */
size_t bidi_open(struct str text);
/** Length of the blank or emoji at the start of @s, 0 when there is none: what separates words. */
size_t blank_length(struct str s);

#endif
