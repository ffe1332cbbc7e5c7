/*
 * str: a borrowed view of bytes (pointer and length), and what can be asked of one.
 * Never owns, never ends in NUL by promise. `str_of("literal")` and `STR("literal")` make one.
 */
#ifndef CREWLINE_BASE_STR_H
#define CREWLINE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){("" literal ""), sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
#define STR_ARG(s)   (int)(s).n, (s).p /* for "%.*s" */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline struct str str_of(const char *z)
{
    return (struct str){z, z == NULL ? 0 : strlen(z)};
}

static inline struct str str_make(const void *p, size_t n)
{
    return (struct str){p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

/** ASCII case is ignored; other bytes compare as they are. */
bool str_ieq(struct str a, struct str b);
/** -1, 0, 1 in unsigned byte order; a prefix sorts first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/** Index of the first @c at or after @from, or SIZE_MAX. */
size_t str_find_char(struct str s, char c, size_t from);
size_t str_find(struct str s, struct str needle);
/** Without ASCII blanks (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);
/** Bytes [from, to), clamped to the view. */
struct str str_slice(struct str s, size_t from, size_t to);
/**
 * Cut @s at the first @sep: *head before it, *tail after it; false (and *head = s, *tail empty)
 * where there is none. Loop: while (rest.n) { str_cut(rest, ',', &item, &rest); ... }
 */
bool str_cut(struct str s, char sep, struct str *head, struct str *tail);

/** The only number parser: decimal, optional '-', no blanks, whole view, within [min, max]. */
bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out);
bool str_to_double(struct str s, double *out);

/** Compares in a time that depends on the lengths only. */
bool str_eq_secret(struct str a, struct str b);

/** Valid UTF-8 (no surrogates, no overlong forms, up to U+10FFFF) and without NUL. */
bool str_is_utf8(struct str s);
/** Code points in valid UTF-8. */
size_t str_utf8_len(struct str s);

/** E.164: "+" and 8 to 15 digits, the first not 0. */
bool str_is_e164(struct str s);

#endif
