/*
 * What the two providers share and nobody else sees: the growing batch, ids of people, limits in
 * characters, and the way from a row of an error table to an outcome.
 */
#ifndef CREWLINE_PROVIDERS_PROVIDER_INT_H
#define CREWLINE_PROVIDERS_PROVIDER_INT_H

#include "providers/provider.h"

#define WEBHOOK_BYTES_MAX \
    (8 * 1024 * 1024) /* the listener stops earlier; this is for direct callers */
#define ANSWER_BYTES_MAX (1024 * 1024)
#define OUTGOING_MAX     (256 * 1024)

/** A new zeroed item at the end of @out, or NULL when INBOUND_ITEMS_MAX are there. @cap starts at
 * 0. */
struct inbound *batch_add(struct arena *a, struct inbound_batch *out, size_t *cap);

/** "+" and the digits of @s, whatever stands between them; STR_NONE when it is no phone number. */
struct str phone_of(struct arena *a, struct str s);
/** Two capitals, a dot, then letters, digits and dots: never digits only, never a '+'. */
bool bsuid_is(struct str s);
/** @s in @a, with U+FFFD for what is no UTF-8. */
struct str text_dup(struct arena *a, struct str s);
/** What was written to @b, moved to @a; @b is emptied. */
struct str buf_to_arena(struct arena *a, struct buf *b);

/** ERR_INVALID naming member, limit and value unless @s has @min to @max code points of UTF-8. */
bool limit_chars(struct str s, const char *member, size_t min, size_t max, struct err *err);
/** The same for a parameter of a template: no line break, tab or more than four blanks in a row. */
bool limit_param(struct str s, const char *member, size_t max, struct err *err);
/** Ids of @m->options within @id_max and unique, titles within @title_max, unique and not blank. */
bool limit_options(const struct message *m, size_t id_max, size_t title_max, struct err *err);
/** Where there is a phone or an id, it must be one; neither is for the builder to refuse. */
bool limit_address(const struct message *m, struct err *err);
bool limit_place(const struct message *m, struct err *err);
/** ERR_INVALID: @member @why. */
bool refuse(struct err *err, const char *member, const char *why);

/** Rows are sorted by code, then subcode, the one with subcode 0 first; NULL when there is none. */
const struct provider_error *error_row(const struct provider_error *rows, size_t n, int64_t code,
                                       int64_t subcode);
/** Everything but provider_id, code and details. */
void outcome_of_row(const struct provider_error *row, int64_t retry_after_s, struct outcome *out);
/** No answer came: @err tells how far it got. */
void outcome_of_silence(struct arena *a, const struct err *err, struct outcome *out);

#endif
