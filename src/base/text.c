#include "base/text.h"

/* Value of a character in both base64 alphabets, 64 for what is in neither. */
static unsigned base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26u;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52u;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : 64;
}

static void base64_encode(struct buf *out, struct str bytes, const char *alphabet, bool pad)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t left = bytes.n;
    char *to;

    /* A limit, not arithmetic: no body comes near it, and bytes.n * 4 stays far from overflow. */
    to = bytes.n > SIZE_MAX / 8 ? NULL : buf_reserve(out, (bytes.n + 2) / 3 * 4);
    if (to == NULL) {
        out->over = true;
        return;
    }
    for (; left >= 3; left -= 3, p += 3, to += 4) {
        to[0] = alphabet[p[0] >> 2];
        to[1] = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        to[2] = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        to[3] = alphabet[p[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? p[1] : 0;

        *to++ = alphabet[p[0] >> 2];
        *to++ = alphabet[(p[0] & 3) << 4 | second >> 4];
        if (left == 2) {
            *to++ = alphabet[(second & 15) << 2];
        } else if (pad) {
            *to++ = '=';
        }
        if (pad) {
            *to++ = '=';
        }
    }
    buf_grew(out, (size_t)(to - (out->p + out->n)));
}

void base64_add(struct buf *out, struct str bytes)
{
    base64_encode(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                  true);
}

void base64url_add(struct buf *out, struct str bytes)
{
    base64_encode(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                  false);
}

bool base64_decode(struct buf *out, struct str text)
{
    size_t pads = 0, start = out->n;
    unsigned bits = 0, have = 0;

    while (pads < 2 && text.n > 0 && text.p[text.n - 1] == '=') {
        pads++;
        text.n--;
    }
    if (text.n % 4 == 1 || (pads > 0 && (text.n + pads) % 4 != 0)) {
        return false;
    }
    if (buf_reserve(out, text.n / 4 * 3 + 2) == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        unsigned v = base64_value((unsigned char)text.p[i]);

        if (v > 63) {
            buf_cut(out, start);
            return false;
        }
        bits = (bits << 6 | v) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out->p[out->n++] = (char)(bits >> have & 0xff);
        }
    }
    buf_grew(out, 0);
    /* Bits left over must be 0, so that bytes have one text only. */
    if ((bits & ((1u << have) - 1)) != 0) {
        buf_cut(out, start);
        return false;
    }
    return true;
}

void hex_add(struct buf *out, struct str bytes)
{
    static const char digit[] = "0123456789abcdef";
    char *to = bytes.n > SIZE_MAX / 4 ? NULL : buf_reserve(out, bytes.n * 2);

    if (to == NULL) {
        out->over = true;
        return;
    }
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];

        to[2 * i] = digit[c >> 4];
        to[2 * i + 1] = digit[c & 15];
    }
    buf_grew(out, bytes.n * 2);
}

/* 16 for what is no hexadecimal digit. */
static unsigned hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

bool hex_decode(struct buf *out, struct str text)
{
    char *to;

    if (text.n % 2 != 0 || (to = buf_reserve(out, text.n / 2)) == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.n / 2; i++) {
        unsigned hi = hex_value((unsigned char)text.p[2 * i]);
        unsigned lo = hex_value((unsigned char)text.p[2 * i + 1]);

        if (hi > 15 || lo > 15) {
            buf_grew(out, 0);
            return false;
        }
        to[i] = (char)(hi << 4 | lo);
    }
    buf_grew(out, text.n / 2);
    return true;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void percent_add(struct buf *out, struct str bytes)
{
    static const char digit[] = "0123456789ABCDEF";
    char *to = bytes.n > SIZE_MAX / 4 ? NULL : buf_reserve(out, bytes.n * 3), *start = to;

    if (to == NULL) {
        out->over = true;
        return;
    }
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];

        if (is_unreserved(c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digit[c >> 4];
            *to++ = digit[c & 15];
        }
    }
    buf_grew(out, (size_t)(to - start));
}

/* Decodes into @to, which has room for text.n bytes: *n of them are written. */
static bool percent_to(char *to, struct str text, bool plus, size_t *n)
{
    size_t at = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            unsigned hi, lo;

            if (text.n - i < 3) {
                return false;
            }
            hi = hex_value((unsigned char)text.p[i + 1]);
            lo = hex_value((unsigned char)text.p[i + 2]);
            if (hi > 15 || lo > 15) {
                return false;
            }
            c = (unsigned char)(hi << 4 | lo);
            i += 2;
        }
        if (c == '\0') {
            return false;
        }
        to[at++] = (char)c;
    }
    *n = at;
    return true;
}

bool percent_decode(struct buf *out, struct str text, bool plus)
{
    char *to = buf_reserve(out, text.n);
    size_t n = 0;
    bool ok;

    if (to == NULL) {
        return false;
    }
    ok = percent_to(to, text, plus, &n);
    buf_grew(out, ok ? n : 0);
    return ok;
}

static bool form_decode(struct arena *a, struct str text, struct str *out)
{
    char *to = arena_alloc(a, text.n + 1);
    size_t n;

    if (!percent_to(to, text, true, &n)) {
        return false;
    }
    *out = str_make(to, n);
    return true;
}

bool form_parse(struct arena *a, struct str text, struct pairs *out, struct err *err)
{
    struct str rest = text, item, name, value;
    struct pairs got = {NULL, 0};
    size_t count = text.n == 0 ? 0 : 1;

    for (size_t at = 0; (at = str_find_char(text, '&', at)) != SIZE_MAX; at++) {
        count++;
    }
    got.v = ARENA_ARRAY(a, struct pair, count > FORM_PAIRS_MAX ? FORM_PAIRS_MAX : count);
    while (rest.n > 0) {
        str_cut(rest, '&', &item, &rest);
        if (item.n == 0) {
            continue;
        }
        if (got.n == FORM_PAIRS_MAX) {
            return err_set(err, ERR_BAD_REQUEST, "form has more than %d fields", FORM_PAIRS_MAX);
        }
        str_cut(item, '=', &name, &value);
        if (!form_decode(a, name, &got.v[got.n].name) ||
            !form_decode(a, value, &got.v[got.n].value)) {
            return err_set(err, ERR_BAD_REQUEST, "field %zu of the form is not percent-encoded",
                           got.n + 1);
        }
        got.n++;
    }
    *out = got;
    return true;
}

struct str pairs_get(const struct pairs *p, struct str name)
{
    for (size_t i = 0; i < p->n; i++) {
        if (str_eq(p->v[i].name, name)) {
            return p->v[i].value;
        }
    }
    return STR_NONE;
}
