#include "base/buf.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "base_int.h"

#define BUF_FIRST_BYTES 64

/* What an empty buffer points to, so that p is never NULL; cap 0 says that it is not ours to free.
 */
static char nothing[1];

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.p = nothing, .max = max};
}

static void give_back(struct buf *b)
{
    if (b->cap > 0) {
        mem_free(&b->p);
    }
    buf_init(b, b->max);
}

void buf_fini(struct buf *b)
{
    give_back(b);
}

void buf_fini_secret(struct buf *b)
{
    mem_wipe(b->p, b->cap);
    give_back(b);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->over = false;
    if (b->cap > 0) {
        b->p[0] = '\0';
    }
}

char *buf_grow(struct buf *b, size_t n)
{
    size_t want, cap;

    if (b->over || n > b->max || b->n > b->max - n) {
        b->over = true;
        return NULL;
    }
    want = b->n + n + 1;
    cap = b->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->cap;
    while (cap < want) {
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    }
    /* Doubling must not overshoot the limit by half of it; +1 is the NUL. */
    if (cap - 1 > b->max) {
        cap = b->max + 1;
    }
    b->p = mem_resize(b->cap > 0 ? b->p : NULL, cap);
    b->cap = cap;
    b->p[b->n] = '\0';
    return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
    assert(b->n + n < b->cap || n == 0);
    b->n += n;
    if (b->cap > 0) {
        b->p[b->n] = '\0';
    }
}

void buf_add(struct buf *b, struct str s)
{
    char *to;

    if (s.n == 0) {
        return;
    }
    to = buf_reserve(b, s.n);
    if (to != NULL) {
        memcpy(to, s.p, s.n);
        buf_grew(b, s.n);
    }
}

void buf_addz(struct buf *b, const char *z)
{
    buf_add(b, str_of(z));
}

void buf_add_char(struct buf *b, char c)
{
    char *to = buf_reserve(b, 1);

    if (to != NULL) {
        to[0] = c;
        to[1] = '\0';
        b->n++;
    }
}

void buf_add_i64(struct buf *b, int64_t v)
{
    char text[20], *p = text + sizeof(text);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    if (v < 0) {
        *--p = '-';
    }
    buf_add(b, str_make(p, (size_t)(text + sizeof(text) - p)));
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    char few[256], *to;
    size_t fast = format_fast(few, sizeof(few), fmt, ap);
    va_list again;
    int n;

    if (fast != SIZE_MAX) {
        buf_add(b, str_make(few, fast));
        return;
    }
    va_copy(again, ap);
    n = vsnprintf(few, sizeof(few), fmt, ap);
    assert(n >= 0);
    if ((size_t)n < sizeof(few)) {
        buf_add(b, str_make(few, (size_t)n));
    } else if ((to = buf_reserve(b, (size_t)n)) != NULL) {
        /* reserve keeps one byte more, for the NUL */
        vsnprintf(to, (size_t)n + 1, fmt, again);
        buf_grew(b, (size_t)n);
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->n) {
        buf_cut(b, 0);
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    buf_cut(b, b->n - n);
}

void buf_cut(struct buf *b, size_t n)
{
    if (n < b->n) {
        b->n = n;
        b->p[n] = '\0';
    }
}

size_t buf_take(struct buf *b, char **out)
{
    size_t n = b->n;

    *out = b->cap > 0 ? b->p : mem_dupz(STR_NONE);
    buf_init(b, b->max);
    return n;
}
