#include "i18n_int.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#define ISOLATE_FIRST_STRONG "\xe2\x81\xa8" /* U+2068 */
#define ISOLATE_POP          "\xe2\x81\xa9" /* U+2069 */

enum { LRE = 0x202a, PDF = 0x202c, RLO = 0x202e, LRI = 0x2066, FSI = 0x2068, PDI = 0x2069 };

struct direction {
    bool ltr, rtl, digits;
    bool controls; /* has marks that steer direction */
};

static struct direction direction_of(struct str s)
{
    struct direction d = {false, false, false, false};

    for (int32_t i = 0; i < (int32_t)s.n;) {
        UChar32 c;

        U8_NEXT_OR_FFFD(s.p, i, (int32_t)s.n, c);
        switch (u_charDirection(c)) {
        case U_LEFT_TO_RIGHT:
            d.ltr = true;
            break;
        case U_RIGHT_TO_LEFT:
        case U_RIGHT_TO_LEFT_ARABIC:
            d.rtl = true;
            break;
        case U_EUROPEAN_NUMBER:
            d.digits = true;
            break;
        default:
            d.controls = d.controls || (c >= LRE && c <= RLO) || (c >= LRI && c <= PDI);
        }
    }
    return d;
}

/* Embeddings go, isolates stay where they are closed: a value cannot turn what stands behind it. */
static void add_balanced(struct str s, struct buf *out)
{
    size_t open = 0, closers = 0;

    for (int32_t i = 0, from = 0; i < (int32_t)s.n; from = i) {
        UChar32 c;

        U8_NEXT_OR_FFFD(s.p, i, (int32_t)s.n, c);
        if (c >= LRE && c <= RLO) {
            continue;
        }
        if (c == PDI && open == 0) {
            continue;
        }
        open += c >= LRI && c <= FSI ? 1 : 0;
        open -= c == PDI ? 1 : 0;
        buf_add(out, str_slice(s, (size_t)from, (size_t)i));
    }
    for (closers = open; closers > 0; closers--) {
        buf_addz(out, ISOLATE_POP);
    }
}

void i18n_add_value(bool rtl, struct str value, struct buf *out)
{
    struct direction d;
    bool isolate;

    if (!rtl && text_is_ascii(value)) { /* most of them */
        buf_add(out, value);
        return;
    }
    d = direction_of(value);
    isolate = rtl ? d.ltr || (d.digits && !d.rtl) : d.rtl;

    if (isolate) {
        buf_addz(out, ISOLATE_FIRST_STRONG);
    }
    if (d.controls) {
        add_balanced(value, out);
    } else {
        buf_add(out, value);
    }
    if (isolate) {
        buf_addz(out, ISOLATE_POP);
    }
}

struct str i18n_paragraph(struct arena *a, struct str text)
{
    struct str out = text;
    struct buf b;

    if (direction_of(text).controls) {
        buf_init(&b, 4 * text.n + 64);
        add_balanced(text, &b);
        out = b.n > 0 ? arena_dup(a, buf_str(&b)) : STR("");
        buf_fini(&b);
    }
    return out;
}

size_t bidi_open(struct str text)
{
    size_t open = 0;

    for (size_t i = 0; i + 2 < text.n; i++) {
        if (text.p[i] == '\xe2' && text.p[i + 1] == '\x81') {
            unsigned char c = (unsigned char)text.p[i + 2];

            open += c >= 0xa6 && c <= 0xa8 ? 1 : 0;
            open -= c == 0xa9 && open > 0 ? 1 : 0;
        }
    }
    return open;
}
