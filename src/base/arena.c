#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>

#include "base/mem.h"
#include "base_int.h"

#define ARENA_BLOCK_BYTES 4096
#define ARENA_KEEP_BYTES  (64 * 1024)
#define ARENA_ALIGN       alignof(max_align_t)

/* Under the address sanitizer what was not handed out, or was before a reset, is poisoned. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *used;  /* the first one is filled */
    struct block *spare; /* kept by the last reset, empty */
};

struct arena *arena_new(void)
{
    return MEM_NEW(struct arena);
}

static void drop(struct block *b)
{
    ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
    mem_free(&b);
}

static void drop_all(struct block *b)
{
    while (b != NULL) {
        struct block *next = b->next;

        drop(b);
        b = next;
    }
}

void arena_free(struct arena **owner)
{
    if (*owner != NULL) {
        drop_all((*owner)->used);
        drop_all((*owner)->spare);
        mem_free(owner);
    }
}

void arena_reset(struct arena *a)
{
    size_t kept = 0;
    struct block *b = a->spare;

    for (; b != NULL; b = b->next) {
        kept += b->size;
    }
    b = a->used;
    a->used = NULL;
    while (b != NULL) {
        struct block *next = b->next;

        if (kept + b->size <= ARENA_KEEP_BYTES) {
            kept += b->size;
            b->used = 0;
            ASAN_POISON_MEMORY_REGION(b->data, b->size);
            b->next = a->spare;
            a->spare = b;
        } else {
            drop(b);
        }
        b = next;
    }
}

static struct block *new_block(size_t size)
{
    struct block *b = mem_resize(NULL, sizeof(*b) + size);

    b->next = NULL;
    b->size = size;
    b->used = 0;
    ASAN_POISON_MEMORY_REGION(b->data, b->size);
    return b;
}

/* A block with @bytes free: a spare one or a new one, in front of the list or behind its head. */
static struct block *more(struct arena *a, size_t bytes)
{
    struct block *b = a->spare;
    size_t size;

    if (b != NULL && b->size >= bytes) {
        a->spare = b->next;
    } else {
        size = a->used == NULL ? ARENA_BLOCK_BYTES : 2 * a->used->size;
        size = size > ARENA_KEEP_BYTES / 4 ? ARENA_KEEP_BYTES / 4 : size;
        b = new_block(bytes > size ? bytes : size);
    }
    /* What fills its block at once must not hide the room left in the present head. */
    if (a->used != NULL && b->size - bytes < a->used->size - a->used->used) {
        b->next = a->used->next;
        a->used->next = b;
    } else {
        b->next = a->used;
        a->used = b;
    }
    return b;
}

static void *take(struct arena *a, size_t bytes)
{
    struct block *b = a->used;
    size_t need = (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    char *p;

    assert(need >= bytes);
    if (b == NULL || b->size - b->used < need) {
        b = more(a, need);
    }
    p = b->data + b->used;
    b->used += need;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

void *arena_room(struct arena *a, size_t bytes)
{
    return take(a, bytes == 0 ? 1 : bytes);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    return memset(arena_room(a, bytes), 0, bytes == 0 ? 1 : bytes);
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p;

    if (s.p == NULL) {
        return s;
    }
    p = take(a, s.n + 1);
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return str_make(p, s.n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    char few[256], *p;
    size_t fast;
    va_list ap;
    int n;

    va_start(ap, fmt);
    fast = format_fast(few, sizeof(few), fmt, ap);
    va_end(ap);
    if (fast != SIZE_MAX) {
        return arena_dup(a, str_make(few, fast));
    }
    va_start(ap, fmt);
    n = vsnprintf(few, sizeof(few), fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if ((size_t)n < sizeof(few)) {
        return arena_dup(a, str_make(few, (size_t)n));
    }
    p = take(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return str_make(p, (size_t)n);
}
