#include "http_client_int.h"

#include <assert.h>

#include "base/mem.h"

/* A field with CR, LF or NUL would be another field. */
static bool text_is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0') {
            return false;
        }
    }
    return true;
}

const char *http_op_fault(const struct http_call *call)
{
    if (!text_is_clean(call->url)) {
        return "url has a line break";
    }
    for (size_t i = 0; i < call->nheaders; i++) {
        const struct pair *h = &call->headers[i];

        if (h->name.n == 0 || !text_is_clean(h->name) || !text_is_clean(h->value) ||
            str_find_char(h->name, ':', 0) != SIZE_MAX) {
            return "a header field has a line break or no name";
        }
    }
    return NULL;
}

/* Room for the header lines of @call: each becomes "name: value" or, when empty, "name;". */
static size_t header_bytes(const struct http_call *call)
{
    size_t n = 0;

    for (size_t i = 0; i < call->nheaders; i++) {
        n += call->headers[i].name.n + call->headers[i].value.n + 3;
    }
    if (call->basic_user.n > 0) {
        n += (call->basic_user.n + call->basic_password.n + 1 + 2) / 3 * 4 +
             sizeof("Authorization: Basic ");
    }
    return n;
}

struct writer {
    char *p;
    struct curl_slist *node; /* the next free one */
    struct curl_slist *last;
};

static char *put(char *p, struct str s)
{
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    return p + s.n;
}

static void add_line(struct http_op *op, struct writer *w, char *line)
{
    struct curl_slist *node = w->node++;

    node->data = line;
    node->next = NULL;
    if (w->last == NULL) {
        op->headers = node;
    } else {
        w->last->next = node;
    }
    w->last = node;
}

static void add_headers(struct http_op *op, const struct http_call *call, struct writer *w)
{
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    bool typed = false;

    for (size_t i = 0; i < call->nheaders; i++) {
        const struct pair *h = &call->headers[i];
        char *line = w->p;

        typed = typed || str_ieq(h->name, STR("content-type"));
        w->p = put(w->p, h->name);
        w->p = put(w->p, h->value.n == 0 ? STR(";") : STR(": "));
        w->p = put(w->p, h->value);
        *w->p++ = '\0';
        add_line(op, w, line);
    }
    if (call->basic_user.n > 0) {
        struct buf both, text;
        char *line = w->p;

        buf_init(&both, 4096);
        buf_init(&text, 8192);
        buf_add(&both, call->basic_user);
        buf_add_char(&both, ':');
        buf_add(&both, call->basic_password);
        base64_add(&text, buf_str(&both));
        w->p = put(w->p, STR("Authorization: Basic "));
        w->p = put(w->p, buf_str(&text));
        *w->p++ = '\0';
        mem_wipe(both.p, both.n);
        mem_wipe(text.p, text.n);
        buf_fini(&both);
        buf_fini(&text);
        add_line(op, w, line);
    }
    /* libcurl waits a second for "100 Continue" above 1 MiB, and calls any body, even none, a form.
     */
    if (call->body.n > 0 || strcmp(call->method, "POST") == 0) {
        add_line(op, w, no_expect);
        if (!typed) {
            add_line(op, w, no_type);
        }
    }
}

static size_t signature_bytes(const struct http_call *call)
{
    return call->sigv4_key.n == 0
               ? 0
               : call->sigv4_region.n + call->sigv4_key.n + call->sigv4_secret.n + 32;
}

static void add_signature(struct http_op *op, const struct http_call *call, struct writer *w)
{
    if (call->sigv4_key.n == 0) {
        return;
    }
    op->sigv4 = w->p;
    w->p = put(w->p, STR("aws:amz:"));
    w->p = put(w->p, call->sigv4_region);
    w->p = put(w->p, STR(":s3"));
    *w->p++ = '\0';
    op->sigv4_key = w->p;
    w->p = put(w->p, call->sigv4_key);
    *w->p++ = '\0';
    op->sigv4_secret = w->p;
    w->p = put(w->p, call->sigv4_secret);
    *w->p++ = '\0';
}

/* One allocation: the struct, the header nodes, the texts, the body. */
struct http_op *http_op_new(const struct http_call *call)
{
    size_t nodes = call->nheaders + 3, method_n = strlen(call->method);
    size_t bytes = sizeof(struct http_op) + nodes * sizeof(struct curl_slist) + method_n + 1 +
                   call->url.n + 1 + header_bytes(call) + signature_bytes(call);
    struct http_op *op = mem_new(bytes + call->body.n);
    struct writer w = {0};

    op->magic = HTTP_CALL_MAGIC;
    op->bytes = bytes;
    w.node = (struct curl_slist *)(void *)(op + 1);
    w.p = (char *)(w.node + nodes);
    op->method = w.p;
    w.p = put(w.p, str_make(call->method, method_n + 1));
    op->url = w.p;
    w.p = put(w.p, call->url);
    *w.p++ = '\0';
    add_headers(op, call, &w);
    add_signature(op, call, &w);
    assert((size_t)(w.p - (char *)op) <= bytes);
    op->body = str_make(w.p, call->body.n);
    put(w.p, call->body);
    list_init(&op->node);
    list_init(&op->all);
    return op;
}
