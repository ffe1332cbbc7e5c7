/*
 * json: jansson's values behind our rules. Parsing rejects duplicate members, depth over 32, NUL,
 * invalid UTF-8, integers over 64 bits and what is larger than the caller's limit, in one pass of
 * our own (src/base/json_parse.c), because jansson's lexer takes four times as long. Values are
 * reference counted by jansson; here a `struct json *` from a getter is borrowed from its parent
 * and one from json_parse() or json_new_*() is the caller's to json_free(). For output in bulk use
 * `struct jw`, which writes straight into a buf.
 */
#ifndef CREWLINE_BASE_JSON_H
#define CREWLINE_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct json;

enum json_kind {
    JSON_NONE,
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_REAL,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};
#define JSON_DEPTH_MAX 32

/** ERR_BAD_JSON with line and column, ERR_TOO_LONG over @max_bytes. */
bool json_parse(struct str text, size_t max_bytes, struct json **out, struct err *err);
void json_free(struct json **owner);
struct json *json_ref(struct json *j); /* one more owner */

enum json_kind json_kind(const struct json *j); /* JSON_NONE for NULL */
/** Member of an object; NULL when @j is no object or lacks it. */
struct json *json_get(const struct json *j, const char *name);
/** By a dotted path: "entry.0.changes"; NULL when any step is missing. */
struct json *json_path(const struct json *j, const char *path);
size_t json_len(const struct json *j); /* array or object */
struct json *json_at(const struct json *j, size_t i);
/** Walk an object's members in order: i = 0.. json_len(). */
struct json *json_member_at(const struct json *j, size_t i, struct str *name);

/** Text of a string, STR_NONE for anything else (NULL included). */
struct str json_str(const struct json *j);
struct str json_get_str(const struct json *j, const char *name);
/** A string, or an integer printed (ids come as both); written into @a. */
struct str json_get_text(const struct json *j, const char *name, struct arena *a);
int64_t json_get_int(const struct json *j, const char *name, int64_t otherwise);
double json_get_real(const struct json *j, const char *name, double otherwise);
bool json_get_bool(const struct json *j, const char *name, bool otherwise);
/** The same for a value itself (array items); @otherwise for another kind. A real takes integers.
 */
int64_t json_as_int(const struct json *j, int64_t otherwise);
double json_as_real(const struct json *j, double otherwise);
bool json_as_bool(const struct json *j, bool otherwise);

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_str(struct str s);
struct json *json_new_int(int64_t v);
struct json *json_new_real(double v);
struct json *json_new_bool(bool v);
struct json *json_new_null(void);
struct json *json_dup(const struct json *j); /* deep copy */
/** Takes @value (even on failure); replaces a member of that name. */
void json_set(struct json *obj, const char *name, struct json *value);
void json_set_str(struct json *obj, const char *name, struct str s);
void json_set_int(struct json *obj, const char *name, int64_t v);
void json_del(struct json *obj, const char *name);
void json_push(struct json *arr, struct json *value); /* takes @value */
bool json_eq(const struct json *a, const struct json *b);
/** Compact, members in insertion order. */
void json_dump(const struct json *j, struct buf *out);

/* Writer: jw_* calls nest as the text does; it puts the commas. A NULL name inside arrays. */
#define JW_DEPTH_MAX 32
struct jw {
    struct buf *out;
    uint32_t depth;
    bool comma[JW_DEPTH_MAX];
};
void jw_init(struct jw *w, struct buf *out);
void jw_open(struct jw *w, const char *name, char brace); /* '{' or '[' */
void jw_close(struct jw *w, char brace);                  /* '}' or ']' */
void jw_str(struct jw *w, const char *name, struct str s);
void jw_z(struct jw *w, const char *name, const char *z);
void jw_int(struct jw *w, const char *name, int64_t v);
void jw_real(struct jw *w, const char *name, double v);
void jw_bool(struct jw *w, const char *name, bool v);
void jw_null(struct jw *w, const char *name);
void jw_wall(struct jw *w, const char *name, struct wall t);  /* RFC 3339, null for 0 */
void jw_raw(struct jw *w, const char *name, struct str json); /* already JSON */
void jw_json(struct jw *w, const char *name, const struct json *j);

#endif
