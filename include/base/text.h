/*
 * text: encodings of bytes as text: base64, hex, percent/form encoding, JSON string escaping,
 * and ids.
 */
#ifndef CREWLINE_BASE_TEXT_H
#define CREWLINE_BASE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

void base64_add(struct buf *out, struct str bytes);    /* standard alphabet, padded */
void base64url_add(struct buf *out, struct str bytes); /* URL alphabet, no padding */
bool base64_decode(struct buf *out, struct str text);  /* both alphabets, padding optional */
void hex_add(struct buf *out, struct str bytes);       /* lower case */
bool hex_decode(struct buf *out, struct str text);     /* either case */
void percent_add(struct buf *out, struct str bytes);   /* RFC 3986: unreserved stay */
/** Decodes %XX once; @plus makes '+' a blank (forms). False on a broken escape or a NUL. */
bool percent_decode(struct buf *out, struct str text, bool plus);

struct pair {
    struct str name, value;
};
struct pairs {
    struct pair *v;
    size_t n;
};
#define FORM_PAIRS_MAX 256
/** application/x-www-form-urlencoded or a query: decoded pairs in wire order, in @a. */
bool form_parse(struct arena *a, struct str text, struct pairs *out, struct err *err);
/** The first value of @name, or STR_NONE. */
struct str pairs_get(const struct pairs *p, struct str name);

/** Appends @s as a JSON string with its quotes. @s must be UTF-8; bad bytes become U+FFFD. */
void json_escape_add(struct buf *out, struct str s);

#define ID_BYTES      27 /* 26 characters and a NUL */
#define ID_TIME_BYTES 11 /* of which the first 10 are the time */
/**
 * A new id: ULID (48 bit wall ms, 80 bit random, Crockford base32), so ids sort by birth.
 * Within one millisecond of one process they still ascend (the random part is counted up).
 */
void id_new(char out[ID_BYTES]);
bool id_is(struct str s);
/** The wall time an id was made at; 0 for something else. */
struct wall id_time(struct str s);
/** What an id of @t begins with: ids sort by birth, so times are bounds of ids. */
void id_of_time(struct wall t, char out[ID_TIME_BYTES]);

#endif
