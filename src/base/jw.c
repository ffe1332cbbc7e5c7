/*
 * jw: the JSON writer. Text goes straight into the buffer; only nesting and commas are kept.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "json_int.h"

void jw_init(struct jw *w, struct buf *out)
{
    w->out = out;
    w->depth = 0;
    w->comma[0] = false;
}

static void lead(struct jw *w, const char *name)
{
    if (w->comma[w->depth]) {
        buf_add_char(w->out, ',');
    }
    w->comma[w->depth] = true;
    if (name != NULL) {
        json_escape_add(w->out, str_of(name));
        buf_add_char(w->out, ':');
    }
}

void jw_open(struct jw *w, const char *name, char brace)
{
    lead(w, name);
    buf_add_char(w->out, brace);
    assert(w->depth + 1 < JW_DEPTH_MAX);
    w->comma[++w->depth] = false;
}

void jw_close(struct jw *w, char brace)
{
    assert(w->depth > 0);
    w->depth--;
    buf_add_char(w->out, brace);
}

void jw_str(struct jw *w, const char *name, struct str s)
{
    lead(w, name);
    json_escape_add(w->out, s);
}

void jw_z(struct jw *w, const char *name, const char *z)
{
    jw_str(w, name, str_of(z));
}

void jw_int(struct jw *w, const char *name, int64_t v)
{
    lead(w, name);
    buf_add_i64(w->out, v);
}

static void add_real(struct buf *out, double v)
{
    char text[32];
    double again;
    int n;

    if (!isfinite(v)) {
        buf_addz(out, "null");
        return;
    }
    /* The shorter form where it reads back the same: 0.1 and not 0.10000000000000001. */
    n = snprintf(text, sizeof(text), "%.15g", v);
    if (!str_to_double(str_make(text, (size_t)n), &again) || again != v) {
        n = snprintf(text, sizeof(text), "%.17g", v);
    }
    buf_add(out, str_make(text, (size_t)n));
    /* A real stays a real on the way back. */
    if (strpbrk(text, ".eE") == NULL) {
        buf_addz(out, ".0");
    }
}

void jw_real(struct jw *w, const char *name, double v)
{
    lead(w, name);
    add_real(w->out, v);
}

void jw_bool(struct jw *w, const char *name, bool v)
{
    jw_raw(w, name, v ? STR("true") : STR("false"));
}

void jw_null(struct jw *w, const char *name)
{
    jw_raw(w, name, STR("null"));
}

void jw_wall(struct jw *w, const char *name, struct wall t)
{
    char text[WALL_TEXT_BYTES];

    if (t.ms == 0) {
        jw_null(w, name);
    } else {
        jw_z(w, name, wall_format(t, text));
    }
}

void jw_raw(struct jw *w, const char *name, struct str json)
{
    lead(w, name);
    buf_add(w->out, json);
}

static void add_value(struct buf *out, json_t *j);

static void add_object(struct buf *out, json_t *j)
{
    bool comma = false;

    buf_add_char(out, '{');
    for (void *it = json_object_iter(j); it != NULL; it = json_object_iter_next(j, it)) {
        if (comma) {
            buf_add_char(out, ',');
        }
        comma = true;
        json_escape_add(out, str_make(json_object_iter_key(it), json_object_iter_key_len(it)));
        buf_add_char(out, ':');
        add_value(out, json_object_iter_value(it));
    }
    buf_add_char(out, '}');
}

static void add_array(struct buf *out, json_t *j)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        add_value(out, json_array_get(j, i));
    }
    buf_add_char(out, ']');
}

/* Recurses as deep as the value: parsed ones are 32 levels deep at most, ours are shallow. */
static void add_value(struct buf *out, json_t *j)
{
    switch (j == NULL ? JANSSON_NULL : json_typeof(j)) {
    case JANSSON_OBJECT:
        add_object(out, j);
        break;
    case JANSSON_ARRAY:
        add_array(out, j);
        break;
    case JANSSON_STRING:
        json_escape_add(out, str_make(json_string_value(j), json_string_length(j)));
        break;
    case JSON_INTEGER:
        buf_add_i64(out, json_integer_value(j));
        break;
    case JANSSON_REAL:
        add_real(out, json_real_value(j));
        break;
    case JSON_TRUE:
        buf_addz(out, "true");
        break;
    case JSON_FALSE:
        buf_addz(out, "false");
        break;
    case JANSSON_NULL:
        buf_addz(out, "null");
        break;
    }
}

void jw_json(struct jw *w, const char *name, const struct json *j)
{
    lead(w, name);
    add_value(w->out, json_in(j));
}
