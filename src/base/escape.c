/*
 * escape: JSON strings as text. On the path of every message, so clean runs are copied whole.
 */
#include "base/text.h"
#include "base_int.h"

/* The letter behind the backslash, or 0 where only \u00XX will do. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    case '"':
    case '\\':
        return (char)c;
    default:
        return 0;
    }
}

static void add_special(struct buf *out, unsigned char c)
{
    static const char digit[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', digit[c >> 4], digit[c & 15]};
    char letter = short_escape(c);

    if (c >= 0x80) {
        buf_add(out, STR("\xef\xbf\xbd"));
    } else if (letter != 0) {
        text[1] = letter;
        buf_add(out, str_make(text, 2));
    } else {
        buf_add(out, str_make(text, sizeof(text)));
    }
}

/* The usual case, in which nothing is escaped: @to has room for @s and its quotes. */
static void add_clean(struct buf *out, char *to, struct str s)
{
    *to = '"';
    if (s.n > 0) {
        memcpy(to + 1, s.p, s.n);
    }
    to[1 + s.n] = '"';
    buf_grew(out, s.n + 2);
}

void json_escape_add(struct buf *out, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    char *to = s.n > SIZE_MAX / 8 ? NULL : buf_reserve(out, s.n + 2);
    size_t i, from = 0;

    if (to == NULL) {
        out->over = true;
        return;
    }
    i = clean_run(p, s.n);
    if (i == s.n) {
        add_clean(out, to, s);
        return;
    }
    buf_add_char(out, '"');
    while (i < s.n) {
        size_t step;

        i += clean_run(p + i, s.n - i);
        if (i == s.n) {
            break;
        }
        step = p[i] >= 0x80 ? utf8_step(p + i, s.n - i) : 0;
        if (step > 0) {
            i += step;
            continue;
        }
        buf_add(out, str_make(p + from, i - from));
        add_special(out, p[i]);
        from = ++i;
    }
    if (s.n > from) {
        buf_add(out, str_make(p + from, s.n - from));
    }
    buf_add_char(out, '"');
}
