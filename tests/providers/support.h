/* What the tests of the providers share: fixtures by folder, and items compared member by member.
 */
#ifndef CREWLINE_TESTS_PROVIDERS_SUPPORT_H
#define CREWLINE_TESTS_PROVIDERS_SUPPORT_H

#include "base/json.h"
#include "harness.h"
#include "providers/provider.h"

/* A text in a static table. */
#define S(z)                   \
    {                          \
        "" z "", sizeof(z) - 1 \
    }

/* One item that a fixture must give; @items is how many it gives in all. */
struct want {
    const char *file;
    size_t items, at;
    bool raw;
    struct inbound in; /* texts left out must be empty */
};

void want_check(const struct want *want, const struct inbound *got);
/** What is stored and read again is the same item. */
void round_trip_check(struct arena *a, const char *label, const struct inbound *in);

/** The file's bytes; the caller's to buf_fini(). @folder and @file are below tests/data/providers.
 */
void fixture(const char *folder, const char *file, struct buf *out);
/** Calls @each with "<sub>/<name>" for every file of the folder, sorted; returns how many. */
size_t fixtures_each(const char *folder, const char *sub, void (*each)(const char *file, void *ctx),
                     void *ctx);
struct json *fixture_json(const char *folder, const char *file);

#endif
