/*
 * arena: memory that lives as long as one request or job and is freed in one stroke. What comes out
 * is never freed singly. Blocks are kept by arena_reset() up to a bound, so a reused arena does not
 * touch the heap.
 */
#ifndef CREWLINE_BASE_ARENA_H
#define CREWLINE_BASE_ARENA_H

#include <stdarg.h>

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **owner);
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t bytes);    /* zeroed, aligned for any type */
void *arena_room(struct arena *a, size_t bytes);     /* for who fills it: not zeroed */
struct str arena_dup(struct arena *a, struct str s); /* copy, NUL behind it; STR_NONE stays */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_alloc((a), sizeof(type) * (count)))

#endif
