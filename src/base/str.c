#include "base/str.h"

#include <math.h>
#include <stdlib.h>

#include "base_int.h"

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i])) {
            return false;
        }
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (r != 0) {
        return r < 0 ? -1 : 1;
    }
    return a.n < b.n ? -1 : a.n > b.n ? 1 : 0;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t str_find_char(struct str s, char c, size_t from)
{
    const char *hit;

    if (from >= s.n) {
        return SIZE_MAX;
    }
    hit = memchr(s.p + from, c, s.n - from);
    return hit == NULL ? SIZE_MAX : (size_t)(hit - s.p);
}

size_t str_find(struct str s, struct str needle)
{
    const char *hit;

    if (needle.n == 0) {
        return 0;
    }
    if (s.n < needle.n) {
        return SIZE_MAX;
    }
    hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit == NULL ? SIZE_MAX : (size_t)(hit - s.p);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.n) {
        to = s.n;
    }
    if (from > to) {
        from = to;
    }
    /* NULL + 0 is undefined in C, so the empty view stays as it is. */
    return s.p == NULL ? s : (struct str){s.p + from, to - from};
}

bool str_cut(struct str s, char sep, struct str *head, struct str *tail)
{
    size_t at = str_find_char(s, sep, 0);

    /* @s is a copy, so head or tail may be the variable it came from. */
    if (at == SIZE_MAX) {
        *head = s;
        *tail = str_slice(s, s.n, s.n);
        return false;
    }
    *head = str_slice(s, 0, at);
    *tail = str_slice(s, at + 1, s.n);
    return true;
}

bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t v = 0;

    if (i == s.n) {
        return false;
    }
    /* Counted downwards: the negative half has room for INT64_MIN. */
    for (; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_sub_overflow(v, (int64_t)digit, &v)) {
            return false;
        }
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, v, &v)) {
        return false;
    }
    if (v < min || v > max) {
        return false;
    }
    *out = v;
    return true;
}

static size_t digits(struct str s, size_t i)
{
    size_t from = i;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') {
        i++;
    }
    return i - from;
}

/* strtod() also takes blanks, hexadecimal, "inf" and "nan": only what JSON calls a number passes.
 */
static bool is_number(struct str s)
{
    size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0, n = digits(s, i);

    if (n == 0) {
        return false;
    }
    i += n;
    if (i < s.n && s.p[i] == '.') {
        n = digits(s, ++i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) {
            i++;
        }
        n = digits(s, i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return i == s.n;
}

bool str_to_double(struct str s, double *out)
{
    char text[64];
    double v;

    if (s.n >= sizeof(text) || !is_number(s)) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    v = strtod(text, NULL);
    if (!isfinite(v)) {
        return false;
    }
    *out = v;
    return true;
}

bool str_eq_secret(struct str a, struct str b)
{
    volatile unsigned char diff = 0;

    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        diff |= (unsigned char)(a.p[i] ^ b.p[i]);
    }
    return diff == 0;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p == NULL ? NULL : p + s.n;
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

    while (p != end) {
        size_t step;

        if (end - p >= 8) {
            uint64_t w;

            memcpy(&w, p, sizeof(w));
            /* Eight ASCII bytes none of which is 0: (w - 1) borrows into the top bit only at 0. */
            if ((w & tops) == 0 && ((w - ones) & tops) == 0) {
                p += 8;
                continue;
            }
        }
        step = *p == 0 ? 0 : utf8_step(p, (size_t)(end - p));
        if (step == 0) {
            return false;
        }
        p += step;
    }
    return true;
}

size_t str_utf8_len(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    }
    return n;
}

bool str_is_e164(struct str s)
{
    return s.n >= 9 && s.n <= 16 && s.p[0] == '+' && s.p[1] != '0' && digits(s, 1) == s.n - 1;
}
