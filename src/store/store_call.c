#include <assert.h>

#include "base/mem.h"

#include "store_int.h"

#define CALL_FIRST_BYTES 256

/*
 * The bytes are put down as Redis wants to read them, "$5\r\nhello\r\n", while the caller names the
 * arguments: one buffer from here to the socket, and the same one when it has to be asked again.
 * How many there are stands in front and is known last, so the head is written into room kept for
 * it.
 */
static void start(struct call *c)
{
    *c = (struct call){.script = -1};
    buf_init(&c->resp, CALL_BYTES_MAX);
    buf_reserve(&c->resp, CALL_FIRST_BYTES);
    buf_grew(&c->resp, CALL_HEAD);
}

void call_init(struct call *c)
{
    start(c);
}

static char *put_number(char *end, uint64_t v)
{
    do {
        *--end = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return end;
}

/* An argument of @n bytes, which the caller fills in; NULL when the call has become too long. */
static char *argument(struct call *c, size_t n)
{
    char digits[20], *end = digits + sizeof(digits), *from = put_number(end, n), *to;
    size_t ndigits = (size_t)(end - from);

    to = buf_reserve(&c->resp, 1 + ndigits + 2 + n + 2);
    if (to == NULL) {
        return NULL;
    }
    *to++ = '$';
    memcpy(to, from, ndigits);
    to += ndigits;
    memcpy(to, "\r\n", 2);
    to += 2;
    memcpy(to + n, "\r\n", 2);
    buf_grew(&c->resp, 1 + ndigits + 2 + n + 2);
    c->argc++;
    return to;
}

void call_str(struct call *c, struct str s)
{
    char *to = argument(c, s.n);

    if (to != NULL && s.n > 0) {
        memcpy(to, s.p, s.n);
    }
}

void call_joined(struct call *c, const struct str *parts, size_t n)
{
    size_t all = 0;
    char *to;

    for (size_t i = 0; i < n; i++) {
        all += parts[i].n;
    }
    to = argument(c, all);
    for (size_t i = 0; to != NULL && i < n; i++) {
        if (parts[i].n > 0) {
            memcpy(to, parts[i].p, parts[i].n);
            to += parts[i].n;
        }
    }
}

void call_int(struct call *c, int64_t v)
{
    char text[21], *end = text + sizeof(text);
    char *from = put_number(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

    if (v < 0) {
        *--from = '-';
    }
    call_str(c, str_make(from, (size_t)(end - from)));
}

int script_index(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < scripts_count(); i++) {
        const char *have = scripts_at(i)->name;

        if (strncmp(have, name, n) == 0 && strcmp(have + n, ".lua") == 0) {
            return (int)i;
        }
    }
    assert(false);
    return -1;
}

void call_init_script(struct call *c, const char *script, struct str key)
{
    const struct script *s;

    start(c);
    c->script = script_index(script);
    s = scripts_at((size_t)c->script);
    buf_add(&c->resp, str_make(s->head, s->head_bytes));
    c->argc = 3;
    c->nkeys = 1;
    call_str(c, key);
}

struct str call_seal(struct call *c)
{
    char *end = c->resp.p + CALL_HEAD, *from;

    assert(c->argc > 0 && buf_ok(&c->resp));
    memcpy(end - 2, "\r\n", 2);
    from = put_number(end - 2, c->argc);
    *--from = '*';
    return str_make(from, c->resp.n - (size_t)(from - c->resp.p));
}

void call_fini(struct call *c)
{
    buf_fini(&c->resp);
}

bool store_tenant_id_ok(struct str id)
{
    if (id.n == 0 || id.n > TENANT_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.n; i++) {
        char ch = id.p[i];
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');

        if (!word && (i == 0 || (ch != '_' && ch != '-'))) {
            return false;
        }
    }
    return true;
}
