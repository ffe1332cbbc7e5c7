/*
 * import_rows: people out of an uploaded file, one after the other: the objects of a JSON array, or
 * the lines of a CSV table with a header. Nothing is read ahead, so 16 MiB are worked off in
 * slices.
 *
 * CSV after RFC 4180, separated by commas or semicolons (the header tells). Columns are the members
 * of a person; lists (roles, teams, opted_out) are separated by ';', ',' or '|' inside their cell;
 * preferences are JSON, or columns of their own: quiet_hours ("22:00-06:00"),
 * preferences.classes.<class> (true, false). An empty cell says nothing.
 */
#ifndef CREWLINE_IMPORT_ROWS_H
#define CREWLINE_IMPORT_ROWS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define IMPORT_COLUMNS_MAX 32
#define IMPORT_ROWS_MAX    200000

struct array_scan { /* where we are in a JSON array, byte by byte */
    enum { SCAN_START, SCAN_VALUE, SCAN_NESTED, SCAN_SCALAR, SCAN_AFTER, SCAN_END, SCAN_BAD } state;
    int depth;
    bool in_string, escaped, first;
};
struct import_source {
    struct str text; /* borrowed */
    bool csv;
    size_t at;  /* the next byte */
    size_t began; /* of the JSON element under way */
    size_t row; /* of the row taken last, from 1; the header is none */
    struct array_scan scan;
    /* the rest of a line that was too long: at the beginning of a cell, in quotes, in the rest of one */
    enum { SKIP_NONE, SKIP_CELL, SKIP_QUOTED, SKIP_PLAIN } skip;
    char delimiter;
    struct str columns[IMPORT_COLUMNS_MAX];
    size_t ncolumns;
};

/** Reads the header of a CSV; ERR_INVALID for a column that is none of a person's. Columns live in
 * @a. */
bool import_open(struct arena *a, struct str text, bool csv, struct import_source *out,
                 struct err *err);
/**
 * JSON: looks at the next @bytes of the text, before a row is taken, so that a broken file changes
 * nothing. False with ERR_BAD_JSON (place), or with no error: call again. CSV has nothing to check.
 */
bool import_check(struct import_source *s, size_t *at, size_t bytes, struct err *err);

enum import_took { IMPORT_ROW, IMPORT_BAD_ROW, IMPORT_MORE, IMPORT_DONE };
/**
 * The next row: *out is the caller's to free. IMPORT_BAD_ROW: @err says why; go on with the next.
 * IMPORT_MORE: none yet, and much was looked at; call again. A row has 64 KiB at most.
 */
enum import_took import_next(struct import_source *s, struct arena *a, struct json **out,
                             struct err *err);

#endif
