/*
 * pack: records as we store them, beside JSON, which costs ten times as much to read and is what
 * everybody else gets. One byte of version, then members: one byte of tag, the length in 7-bit
 * groups (lowest first), the bytes. Members may be absent and come in any order; a reader steps
 * over tags that it does not know, so a record grows by new tags and its version changes only when
 * an old tag changes its meaning.
 */
#ifndef CREWLINE_BASE_PACK_H
#define CREWLINE_BASE_PACK_H

#include "base/buf.h"

/** Begins a record. Records may stand inside each other as the value of a tag. */
void pack_begin(struct buf *out, uint8_t version);
/** Nothing is written for an empty text and for 0. What is no UTF-8, or NUL, becomes U+FFFD. */
void pack_str(struct buf *out, uint8_t tag, struct str text);
void pack_int(struct buf *out, uint8_t tag, int64_t v);
void pack_real(struct buf *out, uint8_t tag, double v);
/** Bytes as they are: a record made before. */
void pack_bytes(struct buf *out, uint8_t tag, struct str bytes);

struct unpack {
    struct str rest;
    bool broken; /* a length went past the end */
};
/** The version, or -1 for an empty record. */
int unpack_begin(struct unpack *u, struct str record);
/** The next member, a view into the record; false at the end, or when it is broken. */
bool unpack_next(struct unpack *u, uint8_t *tag, struct str *value);
int64_t unpack_int(struct str value); /* 0 for what is none */
double unpack_real(struct str value);

#endif
