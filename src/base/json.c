#include "base/json.h"

#include "base/crypto.h"
#include "base/pieces.h"
#include "json_int.h"

#define JSON_INDEX_MAX 1000000

/*
 * Where json_member_at() stood last, so that a walk by index costs one step a member; jansson
 * itself knows only iterators.
 */
static _Thread_local struct {
    const json_t *object;
    size_t i;
    void *iter;
} walk;

void json_once(void)
{
    static bool done;
    size_t seed;

    if (!done) {
        /* Outsiders choose member names: a seed they do not know keeps them from colliding. */
        random_bytes(&seed, sizeof(seed));
        json_object_seed(seed | 1);
        json_set_alloc_funcs(piece_new, piece_free); /* a webhook is some hundred of them */
        done = true;
    }
}

void json_forget(void)
{
    walk.object = NULL;
}

void json_free(struct json **owner)
{
    if (*owner != NULL) {
        json_forget();
        json_decref(json_in(*owner));
        *owner = NULL;
    }
}

struct json *json_ref(struct json *j)
{
    return json_out(json_incref(json_in(j)));
}

enum json_kind json_kind(const struct json *j)
{
    if (j == NULL) {
        return JSON_NONE;
    }
    switch (json_typeof(json_in(j))) {
    case JANSSON_OBJECT:
        return JSON_OBJECT;
    case JANSSON_ARRAY:
        return JSON_ARRAY;
    case JANSSON_STRING:
        return JSON_STRING;
    case JSON_INTEGER:
        return JSON_INT;
    case JANSSON_REAL:
        return JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_BOOL;
    case JANSSON_NULL:
        return JSON_NULL;
    }
    return JSON_NONE;
}

struct json *json_get(const struct json *j, const char *name)
{
    return json_out(json_object_get(json_in(j), name));
}

struct json *json_path(const struct json *j, const char *path)
{
    const json_t *at = json_in(j);
    struct str rest = str_of(path), step;

    while (rest.n > 0 && at != NULL) {
        int64_t i;

        str_cut(rest, '.', &step, &rest);
        if (json_typeof(at) == JANSSON_ARRAY) {
            at = str_to_i64(step, 0, JSON_INDEX_MAX, &i) ? json_array_get(at, (size_t)i) : NULL;
        } else {
            at = json_object_getn(at, step.p, step.n);
        }
    }
    return json_out((json_t *)(uintptr_t)at);
}

size_t json_len(const struct json *j)
{
    /* Both answer 0 for what is not theirs. */
    return json_kind(j) == JSON_ARRAY ? json_array_size(json_in(j)) : json_object_size(json_in(j));
}

struct json *json_at(const struct json *j, size_t i)
{
    return json_out(json_array_get(json_in(j), i));
}

struct json *json_member_at(const struct json *j, size_t i, struct str *name)
{
    json_t *o = json_in(j);

    if (i >= json_object_size(o)) {
        *name = STR_NONE;
        return NULL;
    }
    if (walk.object != o || i < walk.i) {
        walk.object = o;
        walk.i = 0;
        walk.iter = json_object_iter(o);
    }
    for (; walk.i < i; walk.i++) {
        walk.iter = json_object_iter_next(o, walk.iter);
    }
    *name = str_make(json_object_iter_key(walk.iter), json_object_iter_key_len(walk.iter));
    return json_out(json_object_iter_value(walk.iter));
}

struct str json_str(const struct json *j)
{
    /* Both answer for what is no string: NULL and 0. */
    return str_make(json_string_value(json_in(j)), json_string_length(json_in(j)));
}

struct str json_get_str(const struct json *j, const char *name)
{
    return json_str(json_get(j, name));
}

struct str json_get_text(const struct json *j, const char *name, struct arena *a)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) == JSON_INT) {
        return arena_printf(a, "%lld", (long long)json_integer_value(json_in(v)));
    }
    return arena_dup(a, json_str(v));
}

int64_t json_as_int(const struct json *j, int64_t otherwise)
{
    return json_kind(j) == JSON_INT ? json_integer_value(json_in(j)) : otherwise;
}

double json_as_real(const struct json *j, double otherwise)
{
    enum json_kind kind = json_kind(j);

    return kind == JSON_INT || kind == JSON_REAL ? json_number_value(json_in(j)) : otherwise;
}

bool json_as_bool(const struct json *j, bool otherwise)
{
    return json_kind(j) == JSON_BOOL ? json_typeof(json_in(j)) == JSON_TRUE : otherwise;
}

int64_t json_get_int(const struct json *j, const char *name, int64_t otherwise)
{
    return json_as_int(json_get(j, name), otherwise);
}

double json_get_real(const struct json *j, const char *name, double otherwise)
{
    return json_as_real(json_get(j, name), otherwise);
}

bool json_get_bool(const struct json *j, const char *name, bool otherwise)
{
    return json_as_bool(json_get(j, name), otherwise);
}
