/*
 * json_build: values made by us. With our heap jansson cannot run out of memory, so what it still
 * refuses (a bad name, a cycle) is our own bug and is asserted.
 */
#include <assert.h>
#include <math.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base_int.h"
#include "json_int.h"

struct json *json_new_object(void)
{
    json_once();
    return json_out(json_object());
}

struct json *json_new_array(void)
{
    json_once();
    return json_out(json_array());
}

/* @s with U+FFFD for every byte that is not UTF-8. */
static json_t *repaired(struct str s)
{
    struct buf b;
    json_t *j;

    buf_init(&b, SIZE_MAX / 2);
    for (size_t i = 0; i < s.n;) {
        size_t step = utf8_step((const unsigned char *)s.p + i, s.n - i);

        buf_add(&b, step == 0 ? STR("\xef\xbf\xbd") : str_make(s.p + i, step));
        i += step == 0 ? 1 : step;
    }
    j = json_stringn(b.p, b.n);
    buf_fini(&b);
    return j;
}

struct json *json_new_str(struct str s)
{
    json_t *j;

    json_once();
    j = json_stringn(s.p == NULL ? "" : s.p, s.n);
    if (j == NULL) {
        j = repaired(s);
    }
    assert(j != NULL);
    return json_out(j);
}

struct json *json_new_int(int64_t v)
{
    json_once();
    return json_out(json_integer(v));
}

struct json *json_new_real(double v)
{
    json_once();
    /* JSON has no infinity: null says "no number" without breaking the document. */
    return json_out(isfinite(v) ? json_real(v) : json_null());
}

struct json *json_new_bool(bool v)
{
    return json_out(v ? json_true() : json_false());
}

struct json *json_new_null(void)
{
    return json_out(json_null());
}

struct json *json_dup(const struct json *j)
{
    return json_out(json_deep_copy(json_in(j)));
}

void json_set(struct json *obj, const char *name, struct json *value)
{
    int rc;

    json_forget();
    rc = json_object_set_new(json_in(obj), name, json_in(value));
    assert(rc == 0);
    (void)rc;
}

void json_set_str(struct json *obj, const char *name, struct str s)
{
    json_set(obj, name, json_new_str(s));
}

void json_set_int(struct json *obj, const char *name, int64_t v)
{
    json_set(obj, name, json_new_int(v));
}

void json_del(struct json *obj, const char *name)
{
    json_forget();
    json_object_del(json_in(obj), name);
}

void json_push(struct json *arr, struct json *value)
{
    int rc = json_array_append_new(json_in(arr), json_in(value));

    assert(rc == 0);
    (void)rc;
}

bool json_eq(const struct json *a, const struct json *b)
{
    return a == b || (a != NULL && b != NULL && json_equal(json_in(a), json_in(b)) == 1);
}

void json_dump(const struct json *j, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_json(&w, NULL, j);
}
