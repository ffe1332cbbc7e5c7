/*
 * json_parse: RFC 8259 text into jansson's values, with our rules checked in the same pass: no
 * duplicate members, no NUL, valid UTF-8, depth and size limits. jansson's own lexer takes a
 * function call a byte: 8 us for a webhook of 550 bytes, where this takes 2. tests/base and the
 * fuzz target hold both against each other.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base_int.h"
#include "json_int.h"

struct parser {
    const char *p, *end;
    unsigned depth;
    const char *why;    /* the first mistake, at p */
    struct buf scratch; /* strings with escapes, long numbers */
};

static json_t *parse_value(struct parser *ps);

static json_t *fail(struct parser *ps, const char *why)
{
    if (ps->why == NULL) {
        ps->why = ps->p == ps->end ? "text ends too early" : why;
    }
    return NULL;
}

/* The next byte that is no blank, or 0 at the end: a NUL fits nowhere, so the two need not differ.
 */
static char peek(struct parser *ps)
{
    while (ps->p < ps->end &&
           (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\r' || *ps->p == '\t')) {
        ps->p++;
    }
    return ps->p < ps->end ? *ps->p : '\0';
}

/* Four hexadecimal digits at @p + @at. */
static bool hex4(const struct parser *ps, size_t at, uint32_t *out)
{
    uint32_t v = 0;

    if ((size_t)(ps->end - ps->p) < at + 4) {
        return false;
    }
    for (size_t i = at; i < at + 4; i++) {
        unsigned c = (unsigned char)ps->p[i];
        unsigned digit = c - '0', letter = (c | 0x20) - 'a';

        if (digit > 9 && letter > 5) {
            return false;
        }
        v = v << 4 | (digit <= 9 ? digit : letter + 10);
    }
    *out = v;
    return true;
}

static void add_point(struct buf *out, uint32_t c)
{
    char utf8[4];
    size_t n = 0;

    if (c < 0x80) {
        utf8[n++] = (char)c;
    } else if (c < 0x800) {
        utf8[n++] = (char)(0xc0 | c >> 6);
        utf8[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        utf8[n++] = (char)(0xe0 | c >> 12);
        utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        utf8[n++] = (char)(0xf0 | c >> 18);
        utf8[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        utf8[n++] = (char)(0x80 | (c & 0x3f));
    }
    buf_add(out, str_make(utf8, n));
}

/* \uXXXX, or two of them that make one character; p stands on the backslash. */
static bool parse_unicode(struct parser *ps)
{
    uint32_t c, low;
    size_t n = 6;

    if (!hex4(ps, 2, &c)) {
        fail(ps, "escape \\u needs four hexadecimal digits");
        return false;
    }
    if (c >= 0xd800 && c <= 0xdbff && hex4(ps, 8, &low) && ps->p[6] == '\\' && ps->p[7] == 'u' &&
        low >= 0xdc00 && low <= 0xdfff) {
        c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
        n = 12;
    }
    if (c == 0 || (c >= 0xd800 && c <= 0xdfff)) {
        fail(ps, c == 0 ? "NUL in a string" : "half a surrogate pair");
        return false;
    }
    add_point(&ps->scratch, c);
    ps->p += n;
    return true;
}

static bool parse_escape(struct parser *ps)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *hit;

    if (ps->end - ps->p < 2) {
        ps->p = ps->end;
        fail(ps, NULL);
        return false;
    }
    if (ps->p[1] == 'u') {
        return parse_unicode(ps);
    }
    hit = ps->p[1] == '\0' ? NULL : strchr(from, ps->p[1]);
    if (hit == NULL) {
        fail(ps, "unknown escape");
        return false;
    }
    buf_add_char(&ps->scratch, to[hit - from]);
    ps->p += 2;
    return true;
}

/*
 * The string whose opening quote p stands on. *out lies in the text or, with escapes, in scratch,
 * where it lasts until the next string.
 */
static bool parse_string(struct parser *ps, struct str *out)
{
    const char *from = ++ps->p;
    bool copied = false;

    for (;;) {
        size_t left = (size_t)(ps->end - ps->p), step;
        unsigned char c;

        ps->p += clean_run((const unsigned char *)ps->p, left);
        left = (size_t)(ps->end - ps->p);
        c = left == 0 ? 0 : (unsigned char)*ps->p;
        if (c == '"') {
            break;
        }
        if (c == '\\') {
            if (!copied) {
                buf_reset(&ps->scratch);
                copied = true;
            }
            buf_add(&ps->scratch, str_make(from, (size_t)(ps->p - from)));
            if (!parse_escape(ps)) {
                return false;
            }
            from = ps->p;
            continue;
        }
        step = c < 0x80 ? 0 : utf8_step((const unsigned char *)ps->p, left);
        if (step == 0) {
            fail(ps, c == 0     ? "NUL in a string"
                     : c < 0x20 ? "control character in a string"
                                : "not valid UTF-8");
            return false;
        }
        ps->p += step;
    }
    *out = str_make(from, (size_t)(ps->p - from));
    if (copied) {
        buf_add(&ps->scratch, *out);
        *out = buf_str(&ps->scratch);
    }
    ps->p++;
    return true;
}

static json_t *parse_real(struct parser *ps, struct str text)
{
    double v;

    /* strtod() needs a NUL behind the number. */
    buf_reset(&ps->scratch);
    buf_add(&ps->scratch, text);
    v = strtod(ps->scratch.p, NULL);
    return isfinite(v) ? json_real(v) : fail(ps, "number is too large");
}

static void skip_digits(struct parser *ps)
{
    while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9') {
        ps->p++;
    }
}

static bool at_digit(const struct parser *ps)
{
    return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

static json_t *parse_number(struct parser *ps)
{
    const char *from = ps->p;
    bool real = false;
    struct str text;
    int64_t v;

    ps->p += *ps->p == '-';
    if (!at_digit(ps)) {
        return fail(ps, "digit expected");
    }
    if (*ps->p == '0') {
        ps->p++;
    } else {
        skip_digits(ps);
    }
    if (ps->p < ps->end && *ps->p == '.') {
        real = true;
        ps->p++;
        if (!at_digit(ps)) {
            return fail(ps, "digit expected");
        }
        skip_digits(ps);
    }
    if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
        real = true;
        ps->p++;
        ps->p += ps->p < ps->end && (*ps->p == '+' || *ps->p == '-');
        if (!at_digit(ps)) {
            return fail(ps, "digit expected");
        }
        skip_digits(ps);
    }
    text = str_make(from, (size_t)(ps->p - from));
    if (real) {
        return parse_real(ps, text);
    }
    if (!str_to_i64(text, INT64_MIN, INT64_MAX, &v)) {
        ps->p = from;
        return fail(ps, "integer is too large");
    }
    return json_integer(v);
}

static json_t *parse_word(struct parser *ps, struct str word, json_t *value)
{
    if (!str_starts(str_make(ps->p, (size_t)(ps->end - ps->p)), word)) {
        return fail(ps, "value expected");
    }
    ps->p += word.n;
    return value;
}

/* After an item: true when another follows; p then stands behind the comma. */
static bool parse_comma(struct parser *ps, char closing, const char *why)
{
    char c = peek(ps);

    if (c == ',') {
        ps->p++;
        return true;
    }
    if (c == closing) {
        ps->p++;
    } else {
        fail(ps, why);
    }
    return false;
}

static json_t *parse_array(struct parser *ps)
{
    json_t *array = json_array();

    ps->p++;
    if (peek(ps) == ']') {
        ps->p++;
        return array;
    }
    do {
        json_t *item = parse_value(ps);

        if (item == NULL) {
            break;
        }
        json_array_append_new(array, item);
    } while (parse_comma(ps, ']', "',' or ']' expected"));
    if (ps->why != NULL) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static bool parse_member(struct parser *ps, json_t *object)
{
    char few[64], *name = few;
    size_t before = json_object_size(object);
    const char *start;
    struct str key;
    json_t *value;

    if (peek(ps) != '"') {
        fail(ps, "name in quotes expected");
        return false;
    }
    start = ps->p;
    if (!parse_string(ps, &key)) {
        return false;
    }
    /* The value may use scratch, so a name that lies there moves away. */
    if (key.p == ps->scratch.p) {
        name = key.n < sizeof(few) ? few : mem_resize(NULL, key.n);
        memcpy(name, key.p, key.n);
        key.p = name;
    }
    if (peek(ps) != ':') {
        fail(ps, "':' expected");
        value = NULL;
    } else {
        ps->p++;
        value = parse_value(ps);
    }
    if (value != NULL) {
        json_object_setn_new_nocheck(object, key.p, key.n, value);
        if (json_object_size(object) == before) {
            ps->p = start;
            fail(ps, "duplicate member");
        }
    }
    if (name != few) {
        mem_free(&name);
    }
    return ps->why == NULL;
}

static json_t *parse_object(struct parser *ps)
{
    json_t *object = json_object();

    ps->p++;
    if (peek(ps) == '}') {
        ps->p++;
        return object;
    }
    while (parse_member(ps, object) && parse_comma(ps, '}', "',' or '}' expected")) {
        continue;
    }
    if (ps->why != NULL) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Recurses at most JSON_DEPTH_MAX deep. */
static json_t *parse_value(struct parser *ps)
{
    struct str s;
    json_t *j;
    char c = peek(ps);

    switch (c) {
    case '{':
    case '[':
        if (ps->depth == JSON_DEPTH_MAX) {
            return fail(ps, "nested deeper than 32 levels");
        }
        ps->depth++;
        j = c == '{' ? parse_object(ps) : parse_array(ps);
        ps->depth--;
        return j;
    case '"':
        return parse_string(ps, &s) ? json_stringn_nocheck(s.p, s.n) : NULL;
    case 't':
        return parse_word(ps, STR("true"), json_true());
    case 'f':
        return parse_word(ps, STR("false"), json_false());
    case 'n':
        return parse_word(ps, STR("null"), json_null());
    default:
        if (c == '-' || (c >= '0' && c <= '9')) {
            return parse_number(ps);
        }
        return fail(ps, "value expected");
    }
}

/* Line and byte of the mistake, both from 1. The text itself may be secret and stays out of it. */
static bool refuse(const struct parser *ps, struct str text, struct err *err)
{
    size_t line = 1, from = 0, at = text.n == 0 ? 0 : (size_t)(ps->p - text.p);

    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\n') {
            line++;
            from = i + 1;
        }
    }
    return err_set(err, ERR_BAD_JSON, "line %zu, column %zu: %s", line, at - from + 1, ps->why);
}

bool json_parse(struct str text, size_t max_bytes, struct json **out, struct err *err)
{
    struct parser ps = {.p = text.p, .end = text.n == 0 ? text.p : text.p + text.n};
    json_t *j;

    if (text.n > max_bytes) {
        return err_set(err, ERR_TOO_LONG, "JSON of %zu bytes is longer than %zu", text.n,
                       max_bytes);
    }
    json_once();
    /* What comes out of escapes and numbers is never longer than the text. */
    buf_init(&ps.scratch, text.n);
    j = parse_value(&ps);
    if (j != NULL && (peek(&ps) != '\0' || ps.p != ps.end)) {
        fail(&ps, "end of the text expected");
        json_decref(j);
        j = NULL;
    }
    buf_fini(&ps.scratch);
    if (j == NULL) {
        return refuse(&ps, text, err);
    }
    *out = json_out(j);
    return true;
}
