/*
 * buf: owned bytes that grow up to a cap. Past the cap it refuses and remembers, so code appends
 * freely and asks buf_ok() once, at the end. Always has a NUL behind its last byte.
 */
#ifndef CREWLINE_BASE_BUF_H
#define CREWLINE_BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap, max;
    bool over;
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
void buf_fini_secret(struct buf *b); /* wiped first; reserve the room, growing leaves copies */
void buf_reset(struct buf *b);       /* empty again, keeps the memory, forgets the overflow */

void buf_add(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t v);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/** buf_reserve() where there is no room yet, or the limit is near. */
char *buf_grow(struct buf *b, size_t n);

/** Room for @n more bytes at the end, or NULL; the caller writes, then buf_grew(). */
static inline char *buf_reserve(struct buf *b, size_t n)
{
    if (!b->over && b->n < b->cap && n < b->cap - b->n && n <= b->max - b->n) {
        return b->p + b->n;
    }
    return buf_grow(b, n);
}

void buf_grew(struct buf *b, size_t n);
/** Drop the first @n bytes. */
void buf_drop(struct buf *b, size_t n);
/** Shorten to @n bytes. */
void buf_cut(struct buf *b, size_t n);

static inline bool buf_ok(const struct buf *b)
{
    return !b->over;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

/** Moves the bytes out: *out is the caller's to mem_free(); the buffer is empty again. */
size_t buf_take(struct buf *b, char **out);

#endif
