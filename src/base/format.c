/*
 * format: the conversions that keys, ids and texts are made of, without the general printf, which
 * costs ten times as much; a command makes some forty such texts. What it does not know it leaves
 * to printf.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base_int.h"

#define DIGITS_MAX 20

struct out {
    char *p;
    size_t n, room;
};

static bool put(struct out *o, const char *p, size_t n)
{
    if (n > o->room - o->n) {
        return false;
    }
    if (n > 0) {
        memcpy(o->p + o->n, p, n);
    }
    o->n += n;
    return true;
}

static bool put_number(struct out *o, uint64_t u, bool minus)
{
    char text[DIGITS_MAX + 1], *p = text + sizeof(text);

    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    if (minus) {
        *--p = '-';
    }
    return put(o, p, (size_t)(text + sizeof(text) - p));
}

static bool put_signed(struct out *o, int64_t v)
{
    return put_number(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

/* One conversion, behind its '%'. Returns where the format goes on, NULL: not one of ours, or no
 * room. */
static const char *convert(struct out *o, const char *f, va_list *ap)
{
    const char *text;
    int n;

    if (f[0] == '.' && f[1] == '*' && f[2] == 's') {
        n = va_arg(*ap, int);
        text = va_arg(*ap, const char *);
        if (n < 0 || (n > 0 && text == NULL)) {
            return NULL;
        }
        return put(o, text, n == 0 ? 0 : strnlen(text, (size_t)n)) ? f + 3 : NULL;
    }
    if (f[0] == 's') {
        text = va_arg(*ap, const char *);
        return text != NULL && put(o, text, strlen(text)) ? f + 1 : NULL;
    }
    if (f[0] == 'd') {
        return put_signed(o, va_arg(*ap, int)) ? f + 1 : NULL;
    }
    if (f[0] == 'l' && f[1] == 'l' && f[2] == 'd') {
        return put_signed(o, va_arg(*ap, long long)) ? f + 3 : NULL;
    }
    if (f[0] == 'z' && f[1] == 'u') {
        return put_number(o, va_arg(*ap, size_t), false) ? f + 2 : NULL;
    }
    return NULL;
}

size_t format_fast(char *to, size_t room, const char *fmt, va_list from)
{
    struct out o = {to, 0, room};
    const char *f = fmt;
    va_list ap;

    va_copy(ap, from);
    while (f != NULL && *f != '\0') {
        size_t n = strcspn(f, "%");

        if (n > 0) {
            f = put(&o, f, n) ? f + n : NULL;
        } else {
            f = convert(&o, f + 1, &ap);
        }
    }
    va_end(ap);
    return f == NULL ? SIZE_MAX : o.n;
}
