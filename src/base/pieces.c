#include "base/pieces.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

/* Sizes in steps of 32 up to 256 bytes, then of 256 up to 2 KiB. */
#define FINE_STEP   32
#define FINE_MOST   256
#define COARSE_STEP 256
#define MOST        2048
#define FINE        (FINE_MOST / FINE_STEP)
#define SIZES       (FINE + (MOST - FINE_MOST) / COARSE_STEP)
#define KEPT_BYTES  ((size_t)256 * 1024) /* of each size */

#if defined(__SANITIZE_ADDRESS__)
#define PIECES_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PIECES_OFF 1
#endif
#endif
#ifndef PIECES_OFF
#define PIECES_OFF 0
#endif

struct piece {
    union {
        size_t size;        /* in use: its place in kept[]; SIZES: from the heap */
        struct piece *next; /* kept */
    } u;
    _Alignas(16) char data[];
};
static _Thread_local struct {
    struct piece *first;
    size_t n;
} kept[SIZES];

static size_t size_of(size_t bytes)
{
    if (bytes <= FINE_MOST) {
        return (bytes == 0 ? 0 : bytes - 1) / FINE_STEP;
    }
    return bytes <= MOST ? FINE + (bytes - FINE_MOST - 1) / COARSE_STEP : SIZES;
}

static size_t bytes_of(size_t size)
{
    return size < FINE ? (size + 1) * FINE_STEP : FINE_MOST + (size - FINE + 1) * COARSE_STEP;
}

static struct piece *piece_of(void *data)
{
    return (struct piece *)(void *)((char *)data - offsetof(struct piece, data));
}

static struct piece *from_heap(struct piece *old, size_t bytes)
{
    return mem_resize(old, bytes > SIZE_MAX - sizeof(*old) ? SIZE_MAX : sizeof(*old) + bytes);
}

void *piece_new(size_t bytes)
{
    size_t size = size_of(bytes);
    struct piece *p;

    if (PIECES_OFF) {
        return mem_resize(NULL, bytes);
    }
    if (size < SIZES && kept[size].first != NULL) {
        p = kept[size].first;
        kept[size].first = p->u.next;
        kept[size].n--;
    } else {
        p = from_heap(NULL, size < SIZES ? bytes_of(size) : bytes);
    }
    p->u.size = size;
    return p->data;
}

void *piece_zeroed(size_t count, size_t bytes)
{
    size_t all =
        bytes > 0 && count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes; /* which aborts */

    return memset(piece_new(all), 0, all);
}

void *piece_resize(void *data, size_t bytes)
{
    struct piece *p;
    size_t had;
    void *more;

    if (PIECES_OFF) {
        return mem_resize(data, bytes);
    }
    if (data == NULL) {
        return piece_new(bytes);
    }
    p = piece_of(data);
    if (p->u.size == SIZES) {
        p = from_heap(p, bytes);
        return p->data;
    }
    had = bytes_of(p->u.size);
    if (bytes <= had) {
        return data;
    }
    more = piece_new(bytes);
    memcpy(more, data, had);
    piece_free(data);
    return more;
}

char *piece_dupz(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(piece_new(bytes), text, bytes);
}

void piece_free(void *data)
{
    struct piece *p;
    size_t size;

    if (PIECES_OFF || data == NULL) {
        mem_free(&data);
        return;
    }
    p = piece_of(data);
    size = p->u.size;
    if (size < SIZES && kept[size].n < KEPT_BYTES / bytes_of(size)) {
        p->u.next = kept[size].first;
        kept[size].first = p;
        kept[size].n++;
    } else {
        mem_free(&p);
    }
}
