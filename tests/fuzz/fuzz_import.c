/* Files of people, as JSON and as CSV: every row ends, and what was checked in slices is what is
 * read. */
#include <assert.h>

#include "import_rows.h"

static size_t rows_of(struct arena *a, struct str text, bool csv, size_t slice)
{
    struct import_source s;
    struct json *j = NULL;
    struct err err = {0};
    size_t checked = 0, rows = 0;
    enum import_took took;

    if (!import_open(a, text, csv, &s, &err)) {
        assert(err.code != ERR_NONE);
        return 0;
    }
    while (!import_check(&s, &checked, slice, &err)) {
        if (err.code != ERR_NONE) {
            return 0;
        }
    }
    while ((took = import_next(&s, a, &j, &err)) != IMPORT_DONE) {
        assert((took == IMPORT_ROW) == (json_kind(j) == JSON_OBJECT));
        json_free(&j);
        rows += took != IMPORT_MORE;
    }
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_make(data, n);
    struct arena *a = arena_new();

    assert(rows_of(a, text, false, 1) == rows_of(a, text, false, n + 1));
    assert(rows_of(a, text, true, 1) <= n + 1);
    arena_free(&a);
    return 0;
}
