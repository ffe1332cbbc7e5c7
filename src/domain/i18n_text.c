#include "i18n_int.h"

#include <assert.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/mem.h"

#define NORMAL_BYTES_MAX (64 * 1024)
#define ELLIPSIS         "\xe2\x80\xa6"

static bool ascii_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool text_is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

size_t normalize_ascii(struct str s, char *out)
{
    size_t n = 0;

    while (s.n > 0 && !ascii_alnum(s.p[0]) && (unsigned char)s.p[0] < 0x80) {
        s = str_slice(s, 1, s.n);
    }
    while (s.n > 0 && !ascii_alnum(s.p[s.n - 1]) && (unsigned char)s.p[s.n - 1] < 0x80) {
        s.n--;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if ((unsigned char)c >= 0x80) {
            return SIZE_MAX;
        }
        if (c <= ' ' || c == 0x7f) {
            if (out[n - 1] != ' ') { /* the first one is a letter or digit */
                out[n++] = ' ';
            }
        } else {
            out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
    }
    return n;
}

static bool is_emoji(UChar32 c)
{
    return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) ||
           u_hasBinaryProperty(c, UCHAR_EMOJI_MODIFIER) ||
           u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR);
}

static bool is_blank(UChar32 c)
{
    return u_isUWhiteSpace(c) || u_isISOControl(c) || u_charType(c) == U_OTHER_SYMBOL ||
           is_emoji(c);
}

size_t blank_length(struct str s)
{
    int32_t i = 0;
    UChar32 c;

    if (s.n == 0) {
        return 0;
    }
    if ((unsigned char)s.p[0] < 0x80) {
        return s.p[0] <= ' ' || s.p[0] == 0x7f ? 1 : 0;
    }
    U8_NEXT_OR_FFFD(s.p, i, (int32_t)s.n, c);
    return is_blank(c) ? (size_t)i : 0;
}

/* Latin letters without their accents, which few people type on a phone: "é" is "e". */
static UChar32 latin_letter(UChar32 c)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar parts[8];
    int32_t n = unorm2_getDecomposition(unorm2_getNFDInstance(&e), c, parts, ARRAY_LEN(parts), &e);

    return U_SUCCESS(e) && n > 0 ? parts[0] : c;
}

/*
 * Spellings that people mix and keyboards differ in: Arabic alef with or without hamza, final yeh
 * and teh marbuta; curly apostrophes; every dash. 0: the character is left out (vowel signs,
 * tatweel).
 */
static UChar32 plain_of(UChar32 c)
{
    switch (c) {
    case 0x0622:
    case 0x0623:
    case 0x0625:
    case 0x0671:
        return 0x0627;
    case 0x0649:
        return 0x064a;
    case 0x0629:
        return 0x0647;
    case 0x0901:
        return 0x0902;
    case 0x2018:
    case 0x2019:
    case 0x02bc:
        return '\'';
    case 0x0640:
    case 0x0670:
    case 0x093c:
        return 0;
    default:
        break;
    }
    if ((c >= 0x064b && c <= 0x0652) || (c >= 0x0300 && c <= 0x036f)) {
        return 0;
    }
    if (c >= 0x00c0 && c <= 0x024f) {
        return latin_letter(c);
    }
    switch (u_charType(c)) {
    case U_DECIMAL_DIGIT_NUMBER:
        return '0' + u_charDigitValue(c);
    case U_DASH_PUNCTUATION:
        return '-';
    case U_ENCLOSING_MARK: /* the frame of a keycap */
        return 0;
    default:
        return c;
    }
}

/*
 * Hindi writes a nasal before a stop of its own row as a half letter or as a dot: "हिन्दी", "हिंदी".
 * Is the nasal @c, with the sign that halves it and a stop behind it, such a one?
 */
static bool is_half_nasal(UChar32 c, const UChar *after, int32_t n)
{
    static const struct {
        UChar nasal, first; /* of the row's four stops */
    } rows[] = {
        {0x0919, 0x0915},
        {0x091e, 0x091a},
        {0x0923, 0x091f},
        {0x0928, 0x0924},
        {0x092e, 0x092a},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows) && n > 1 && after[0] == 0x094d; i++) {
        if (c == rows[i].nasal) {
            return after[1] >= rows[i].first && after[1] < rows[i].first + 4;
        }
    }
    return false;
}

static bool is_wordly(UChar32 c)
{
    return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) != 0;
}

static void add_utf8(struct buf *out, UChar32 c)
{
    char text[U8_MAX_LENGTH];
    int32_t n = 0;

    U8_APPEND_UNSAFE(text, n, c);
    buf_add(out, str_make(text, (size_t)n));
}

/* Appends folded UTF-16 as UTF-8: digits, dashes, blanks made alike, punctuation at the ends left
 * out. */
static void add_plain(const UChar *text, int32_t n, struct buf *out)
{
    size_t start = out->n, keep = out->n;
    bool blank = false;

    for (int32_t i = 0; i < n;) {
        UChar32 c;

        U16_NEXT(text, i, n, c);
        if (is_blank(c)) {
            blank = out->n > start;
            continue;
        }
        if (is_half_nasal(c, text + i, n - i)) {
            c = 0x0902;
            i++;
        }
        c = plain_of(c);
        if (c == 0 || (out->n == start && !is_wordly(c))) {
            continue;
        }
        if (blank) {
            buf_add_char(out, ' ');
            blank = false;
        }
        add_utf8(out, c);
        if (is_wordly(c)) {
            keep = out->n;
        }
    }
    buf_cut(out, keep);
}

static void normalize_unicode(struct str text, struct buf *out)
{
    const UNormalizer2 *fold;
    UErrorCode e = U_ZERO_ERROR;
    UChar small[512], *units, *folded;
    int32_t n = 0, room = (int32_t)text.n;

    units = room <= 128 ? small : mem_array((size_t)room * 4, sizeof(*units));
    /* Folding hardly lengthens a text; one made of ligatures only (U+FDFA) fits no word and folds
     * to nothing. */
    folded = units + room;
    for (int32_t i = 0, at = 0; i < room;) {
        UChar32 c;

        /* Emoji go first: folding would turn some of them into letters. */
        U8_NEXT_OR_FFFD(text.p, i, room, c);
        c = c == 0xfffd || is_emoji(c) ? ' ' : c;
        U16_APPEND_UNSAFE(units, at, c);
        n = at;
    }
    fold = unorm2_getNFKCCasefoldInstance(&e);
    n = unorm2_normalize(fold, units, n, folded, room * 3, &e);
    if (U_SUCCESS(e)) {
        add_plain(folded, n, out);
    }
    if (units != small) {
        mem_free(&units);
    }
}

void i18n_normalize(struct str text, struct buf *out)
{
    char *room;
    size_t n;

    if (text.n == 0 || text.n > NORMAL_BYTES_MAX) {
        return;
    }
    if (text_is_ascii(text)) {
        room = buf_reserve(out, text.n);
        n = room == NULL ? 0 : normalize_ascii(text, room);
        buf_grew(out, n);
    } else {
        normalize_unicode(text, out);
    }
}

/* Bytes of the longest start of @text that has at most @max code points and ends between clusters.
 */
static size_t cut_at(struct str text, size_t max)
{
    static UBreakIterator *clusters;
    UErrorCode e = U_ZERO_ERROR;
    UText ut = UTEXT_INITIALIZER;
    int32_t limit = 0, at;

    U8_FWD_N(text.p, limit, (int32_t)text.n, (int32_t)max);
    if (clusters == NULL) {
        clusters = ubrk_open(UBRK_CHARACTER, "en", NULL, 0, &e);
    }
    utext_openUTF8(&ut, text.p, (int64_t)text.n, &e);
    ubrk_setUText(clusters, &ut, &e);
    assert(U_SUCCESS(e));
    at = ubrk_isBoundary(clusters, limit) ? limit : ubrk_preceding(clusters, limit);
    utext_close(&ut);
    return at < 0 ? 0 : (size_t)at;
}

static size_t cut_before_blank(struct str text, size_t max)
{
    size_t n = cut_at(text, max);

    while (n > 0 && text.p[n - 1] == ' ') {
        n--;
    }
    return n;
}

struct str i18n_cut(struct arena *a, struct str text, size_t max)
{
    static const char closer[] = "\u2069";
    size_t n, open = 0, room;
    char *closers;

    if (text.n <= max || str_utf8_len(text) <= max) {
        return text;
    }
    if (max == 0) {
        return STR("");
    }
    do { /* with room for what ends its directions: more of them may be open in less of it */
        room = open;
        n = cut_before_blank(text, max - 1 - room);
        open = bidi_open(str_slice(text, 0, n));
    } while (open > room);
    closers = arena_alloc(a, 3 * open + 1);
    for (size_t i = 0; i < open; i++) {
        memcpy(closers + 3 * i, closer, 3);
    }
    return arena_printf(a, "%.*s" ELLIPSIS "%.*s", (int)n, text.p, (int)(3 * open), closers);
}
