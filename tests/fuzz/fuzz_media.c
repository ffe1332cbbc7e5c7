/*
 * What files begin with, and what an export of a timeline may hold: any bytes. A type that is found
 * is one of the table, and the same by its own name; a document that is no export is refused, one
 * that is has no more broken items than items and an end.
 */
#include <stdlib.h>

#include "domain/evidence.h"
#include "domain/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void count(void *ctx, int64_t nth, const struct json *item)
{
    (void)nth;
    (void)item;
    ++*(int64_t *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_make((const char *)data, n), head = str_slice(text, 0, MEDIA_HEAD_BYTES);
    const struct media_type *type = media_type_of(head, STR_NONE);
    struct arena *a = arena_new();
    struct evidence_found found;
    struct medium m;
    struct err err = {0};
    int64_t broken = 0;

    if (type != NULL && media_type_named(str_of(type->mime)) != type) {
        abort();
    }
    if (evidence_check(a, text, &found, count, &broken, &err) &&
        (broken != found.broken || broken > found.items + 1)) {
        abort();
    }
    if (medium_decode(a, text, 1, &m, &err)) {
        m.mime = type != NULL ? str_of(type->mime) : STR_NONE;
        m.id = m.id.n > 0 ? m.id : STR("x");
        if (str_find_char(media_filename(a, &m), '/', 0) != SIZE_MAX) {
            abort();
        }
    }
    arena_free(&a);
    return 0;
}
