/*
 * The gate against llhttp: what the gate passes, llhttp must read the same way, field by field,
 * with the same body, whatever the pieces in which it comes. Aborts on the first difference. The
 * first byte of the input chooses the size of the pieces.
 */
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http_gate_int.h"

#define FIELDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf names, values, body; /* "name\n", "value\n" */
    size_t fields;
    int64_t length;
    bool chunked, head, end;
};

static void die(const char *why)
{
    fprintf(stderr, "the gate and llhttp differ: %s\n", why);
    abort();
}

static int on_name(llhttp_t *p, const char *at, size_t n)
{
    struct seen *s = p->data;

    buf_add(&s->names, str_make(at, n));
    return 0;
}

static int on_name_end(llhttp_t *p)
{
    struct seen *s = p->data;

    buf_add_char(&s->names, '\n');
    s->fields++;
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct seen *s = p->data;

    buf_add(&s->values, str_make(at, n));
    return 0;
}

static int on_value_end(llhttp_t *p)
{
    struct seen *s = p->data;

    buf_add_char(&s->values, '\n');
    return 0;
}

static int on_head(llhttp_t *p)
{
    struct seen *s = p->data;

    s->head = true;
    s->chunked = (p->flags & F_CHUNKED) != 0;
    s->length = (p->flags & F_CONTENT_LENGTH) != 0 ? (int64_t)p->content_length : -1;
    p->upgrade = 0;
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct seen *s = p->data;

    buf_add(&s->body, str_make(at, n));
    return 0;
}

static int on_end(llhttp_t *p)
{
    struct seen *s = p->data;

    s->end = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_field_complete = on_name_end,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

/* llhttp keeps blanks behind a value; they are no part of it. */
static void check_fields(const struct gate_head *head, const struct seen *s)
{
    struct str names = buf_str(&s->names), values = buf_str(&s->values), name, value;

    if (s->fields != head->nfields) {
        die("number of fields");
    }
    for (size_t i = 0; i < head->nfields; i++) {
        str_cut(names, '\n', &name, &names);
        str_cut(values, '\n', &value, &values);
        if (!str_eq(name, head->fields[i].name)) {
            die("field name");
        }
        if (!str_eq(str_trim(value), str_trim(head->fields[i].value))) {
            die("field value");
        }
    }
}

/* The data of a chunked body, read by the book; false: not whole, or not by the book. */
static bool reference(struct str text, struct buf *out)
{
    for (;;) {
        size_t line = str_find(text, STR("\r\n"));
        size_t n = 0, at = 0;

        if (line == SIZE_MAX) {
            return false;
        }
        for (; at < line && strchr("0123456789abcdefABCDEF", text.p[at]) != NULL; at++) {
            n = n * 16 +
                (size_t)(text.p[at] <= '9' ? text.p[at] - '0' : (text.p[at] | 32) - 'a' + 10);
        }
        text = str_slice(text, line + 2, text.n);
        if (at == 0 || at > 15) {
            return false;
        }
        if (n == 0) {
            return true;
        }
        if (text.n < n || text.n - n < 2) {
            return false;
        }
        buf_add(out, str_slice(text, 0, n));
        text = str_slice(text, n + 2, text.n);
    }
}

static void feed(llhttp_t *p, struct str bytes)
{
    if (llhttp_execute(p, bytes.p, bytes.n) != HPE_OK) {
        die(llhttp_get_error_reason(p));
    }
}

static void check_chunked(struct str rest, size_t step, llhttp_t *p, struct seen *s)
{
    struct str all = rest;
    struct chunk_gate g;
    enum chunk_step last = CHUNK_PASS;
    struct buf want;

    chunk_gate_init(&g);
    while (rest.n > 0 && last != CHUNK_ENDED && last != CHUNK_BAD) {
        struct str piece = str_slice(rest, 0, step);
        size_t used = 0;
        struct err err = {0};

        last = chunk_gate_feed(&g, piece, &used, &err);
        if (last == CHUNK_PASS) {
            feed(p, str_slice(piece, 0, used));
        } else if (last == CHUNK_ENDED) {
            feed(p, STR("\r\n"));
        } else if (last == CHUNK_BAD && err.code == ERR_NONE) {
            die("refused without a reason");
        }
        rest = str_slice(rest, used, rest.n);
    }
    if (s->end != (last == CHUNK_ENDED)) {
        die("end of the chunks");
    }
    if (last == CHUNK_ENDED) {
        buf_init(&want, 1 << 24);
        if (!reference(all, &want) || !str_eq(buf_str(&want), buf_str(&s->body))) {
            die("data of the chunks");
        }
        buf_fini(&want);
    }
}

static void check_sized(struct str rest, size_t step, int64_t length, llhttp_t *p,
                        const struct seen *s)
{
    struct str body = str_slice(rest, 0, (uint64_t)length < rest.n ? (size_t)length : rest.n);
    size_t n = body.n;

    for (struct str left = body; left.n > 0; left = str_slice(left, step, left.n)) {
        feed(p, str_slice(left, 0, step));
    }
    if (s->body.n != n || s->end != (n == (size_t)length)) {
        die("body with a length");
    }
}

/* The end must be found at the same place however the bytes come. */
static void check_pieces(struct str bytes, size_t step, const struct http_gate_limits *limits,
                         long whole)
{
    size_t seen = 0;
    long n = 0;

    for (size_t have = 0; n == 0 && seen < bytes.n; seen = have) {
        have = have + step < bytes.n ? have + step : bytes.n;
        n = http_gate(str_slice(bytes, 0, have), seen, limits, NULL);
    }
    if (n != whole && !(n < 0 && whole < 0)) {
        die("the same head in pieces");
    }
}

/*
 * It may refuse more than we do, since the server then answers 400, but only what is listed here:
 * methods and targets, and blanks where it expects none. Another reason is worth a look.
 */
static void check_refusal(llhttp_t *p, const struct seen *s)
{
    static const char *const known[] = {
        "Request has invalid `Transfer-Encoding`", /* a tab behind "chunked" */
        "Invalid character in Content-Length",     /* a tab behind the digits */
    };
    const char *reason = llhttp_get_error_reason(p);

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(reason, known[i]) == 0) {
            return;
        }
    }
    if (s->fields != 0) {
        die(reason);
    }
}

static void check_head(struct str bytes, size_t step, long n, const struct gate_head *head)
{
    struct seen s = {.length = -1};
    struct str rest = str_slice(bytes, (size_t)n, bytes.n);
    llhttp_t p;
    llhttp_errno_t code;

    buf_init(&s.names, 1 << 20);
    buf_init(&s.values, 1 << 20);
    buf_init(&s.body, 1 << 24);
    llhttp_init(&p, HTTP_REQUEST, &settings);
    p.data = &s;
    code = llhttp_execute(&p, bytes.p, (size_t)n);
    if (code == HPE_OK) {
        if (!s.head || s.chunked != head->chunked || s.length != head->content_length) {
            die("framing");
        }
        check_fields(head, &s);
        if (head->chunked) {
            check_chunked(rest, step, &p, &s);
        } else if (head->content_length > 0) {
            check_sized(rest, step, head->content_length, &p, &s);
        } else if (!s.end) {
            die("a request without a body");
        }
    } else {
        check_refusal(&p, &s);
    }
    buf_fini(&s.names);
    buf_fini(&s.values);
    buf_fini(&s.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_gate_limits limits = {4096, FIELDS_MAX};
    struct pair fields[FIELDS_MAX];
    struct gate_head head = {.fields = fields};
    struct err err = {0};
    struct str bytes;
    size_t step;
    long n;

    if (size < 2) {
        return 0;
    }
    step = (size_t)data[0] + 1;
    bytes = str_make(data + 1, size - 1);
    n = http_gate(bytes, 0, &limits, &err);
    if ((n < 0) != (err.code != ERR_NONE)) {
        die("result and error");
    }
    check_pieces(bytes, step, &limits, n);
    if (n > 0) {
        if (!http_gate_head(str_slice(bytes, 0, (size_t)n), &limits, &head, &err)) {
            die("passed once, refused the second time");
        }
        check_head(bytes, step, n, &head);
    }
    return 0;
}
