/*
 * json_int: jansson, whose kinds bear the names that base/json.h gives ours. They are renamed while
 * its header is read, so its json_is_*() macros cannot be used: ask json_typeof().
 */
#ifndef CREWLINE_JSON_INT_H
#define CREWLINE_JSON_INT_H

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_REAL   JANSSON_REAL
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_REAL
#undef JSON_NULL

#include "base/json.h"

/** struct json is never defined: it is a json_t under another name. */
static inline json_t *json_in(const struct json *j)
{
    return (json_t *)(void *)(uintptr_t)j;
}

static inline struct json *json_out(json_t *j)
{
    return (struct json *)(void *)j;
}

/** Before jansson is used: its hash seed and its heap. Cheap when done already. */
void json_once(void);
/** Forgets where json_member_at() stood; whatever changes or frees an object calls it. */
void json_forget(void);

#endif
