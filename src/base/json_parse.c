/*
 * json_parse: jansson behind our limits. Depth and NUL are seen by one look over the bytes before jansson,
 * which recurses, begins; duplicates, UTF-8 and the grammar are its own.
 */
#include "base/json.h"
#include "base_int.h"
#include "json_int.h"

struct scan {
    size_t line, column, depth;
};

/*
 * The look before jansson, which recurses: depth and NUL. Returns NULL or what is wrong, with the
 * place in @s. Braces inside strings do not count.
 */
static const char *scan(struct str text, struct scan *s)
{
    const char *line = text.p, *why = NULL;
    bool quoted = false;
    size_t i = 0;

    *s = (struct scan){1, 0, 0};
    for (; i < text.n && why == NULL; i++) {
        char c = text.p[i];

        if (c == '\0') {
            why = "NUL byte";
        } else if (quoted) {
            /* What follows a backslash is stepped over, but a NUL there must still be seen. */
            if (c == '\\' && i + 1 < text.n && text.p[i + 1] != '\0') {
                i++;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            why = ++s->depth > JSON_DEPTH_MAX ? "nested deeper than 32 levels" : NULL;
        } else if (c == '}' || c == ']') {
            s->depth -= s->depth > 0;
        } else if (c == '\n') {
            s->line++;
            line = text.p + i + 1;
        }
    }
    s->column = why == NULL ? 0 : (size_t)(text.p + i - line);
    return why;
}

/* jansson quotes the text it stumbled over: that may be a secret or a phone number, so it is cut.
 */
static bool refuse(struct err *err, const json_error_t *e)
{
    struct str why = str_of(e->text);
    size_t near = str_find(why, STR(" near '"));

    return err_set(err, ERR_BAD_JSON, "line %d, column %d: %.*s", e->line < 1 ? 1 : e->line,
                   e->column < 0 ? 0 : e->column, (int)(near < why.n ? near : why.n), why.p);
}

bool json_parse(struct str text, size_t max_bytes, struct json **out, struct err *err)
{
    const char *why;
    json_error_t e;
    struct scan s;
    json_t *j;

    if (text.n > max_bytes) {
        return err_set(err, ERR_TOO_LONG, "JSON of %zu bytes is longer than %zu", text.n,
                       max_bytes);
    }
    if (text.n == 0) {
        return err_set(err, ERR_BAD_JSON, "line 1, column 0: JSON is empty");
    }
    why = scan(text, &s);
    if (why != NULL) {
        return err_set(err, ERR_BAD_JSON, "line %zu, column %zu: %s", s.line, s.column, why);
    }
    json_once();
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (j == NULL) {
        return refuse(err, &e);
    }
    *out = json_out(j);
    return true;
}
