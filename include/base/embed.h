/*
 * embed: files compiled into the binary by deps/embed.py (Lua scripts, catalogues, pages).
 * A table is sorted by name and ends with a row whose name is NULL; every text has a NUL behind it.
 */
#ifndef CREWLINE_BASE_EMBED_H
#define CREWLINE_BASE_EMBED_H

#include "base/str.h"

struct embedded {
    const char *name;
    const char *data;
    size_t bytes;
};

/** The text of @name in @table, or STR_NONE. */
struct str embed_find(const struct embedded *table, struct str name);

#endif
