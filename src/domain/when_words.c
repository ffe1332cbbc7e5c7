#include "when_int.h"

#include <stdio.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "i18n_int.h"

#define TEXT_BYTES_MAX   400 /* more is no date */
#define PHRASE_TOKENS    4
#define PHRASE_BYTES     160
#define NAMES_MAX        320
#define NAME_CHARS_LEAST 3 /* of a name's beginning */
#define TABLES_MAX       32

/* ---- tokens ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80 || c == '\'';
}

/* '-' and '.' belong to a word between its letters: "segunda-feira", "p.m". */
static size_t letters(struct str s, size_t at)
{
    while (at < s.n && (is_letter(s.p[at]) || ((s.p[at] == '-' || s.p[at] == '.') && at + 1 < s.n &&
                                               is_letter(s.p[at + 1])))) {
        at++;
    }
    return at;
}

static size_t tokens_of(struct str plain, size_t from, struct token *out, size_t room)
{
    size_t n = 0;

    for (size_t at = 0; at < plain.n && n < room;) {
        struct token t = {.glued = at > 0, .from = from};
        size_t end = at;

        if (is_digit(plain.p[at])) {
            for (; end < plain.n && is_digit(plain.p[end]); end++) {
                t.number = t.number > 99999999 ? t.number : t.number * 10 + (plain.p[end] - '0');
            }
            t.digits = end - at;
        } else if (is_letter(plain.p[at])) {
            t.kind = TOKEN_WORD;
            end = letters(plain, at);
            t.word = str_slice(plain, at, end);
        } else {
            t.kind = TOKEN_SIGN;
            t.sign = plain.p[end++];
        }
        at = end;
        if (t.kind != TOKEN_SIGN || (t.sign != ',' && t.sign != ';')) {
            out[n++] = t;
        }
    }
    return n;
}

size_t when_tokens(struct arena *a, struct str text, struct token out[TOKENS_MAX])
{
    size_t n = 0, at = 0;

    text = str_slice(text, 0, TEXT_BYTES_MAX);
    while (at < text.n && n < TOKENS_MAX) {
        size_t blank = blank_length(str_slice(text, at, text.n)), from = at;
        struct buf plain;

        if (blank > 0) {
            at += blank;
            continue;
        }
        while (at < text.n && blank_length(str_slice(text, at, text.n)) == 0) {
            at++;
            while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80) {
                at++;
            }
        }
        buf_init(&plain, TEXT_BYTES_MAX * 20);
        i18n_normalize(str_slice(text, from, at), &plain);
        if (plain.n > 0) {
            n += tokens_of(arena_dup(a, buf_str(&plain)), from, out + n, TOKENS_MAX - n);
        }
        buf_fini(&plain);
    }
    return n;
}

/* ---- words of the catalogues ---- */

static const char *const lists[SAYS_COUNT] = {
    [SAYS_TODAY] = "when.today",
    [SAYS_TONIGHT] = "when.tonight",
    [SAYS_TOMORROW] = "when.tomorrow",
    [SAYS_OVERMORROW] = "when.overmorrow",
    [SAYS_THIS] = "when.this",
    [SAYS_NEXT] = "when.next",
    [SAYS_COMING] = "when.coming",
    [SAYS_WEEK] = "when.week",
    [SAYS_IN] = "when.in",
    [SAYS_MINUTES] = "when.minutes",
    [SAYS_HOURS] = "when.hours",
    [SAYS_DAYS] = "when.days",
    [SAYS_WEEKS] = "when.weeks",
    [SAYS_AT] = "when.at",
    [SAYS_HOUR] = "when.hour",
    [SAYS_AM] = "when.am",
    [SAYS_PM] = "when.pm",
    [SAYS_NIGHT] = "when.night",
    [SAYS_NOON] = "when.noon",
    [SAYS_MIDNIGHT] = "when.midnight",
    [SAYS_ORDINAL] = "when.ordinal",
    [SAYS_DAY_OF] = "when.day_of",
    [SAYS_FILLER] = "when.filler",
};

/* The first @k tokens with a blank between, empty where they are not all words. */
static struct str phrase_of(const struct token *t, size_t k, char out[PHRASE_BYTES])
{
    size_t n = 0;

    for (size_t i = 0; i < k; i++) {
        if (t[i].kind != TOKEN_WORD || n + t[i].word.n + 1 > PHRASE_BYTES) {
            return STR_NONE;
        }
        if (i > 0) {
            out[n++] = ' ';
        }
        memcpy(out + n, t[i].word.p, t[i].word.n);
        n += t[i].word.n;
    }
    return str_make(out, n);
}

size_t when_says(const struct lang *l, const struct token *t, size_t n, enum when_word what)
{
    char phrase[PHRASE_BYTES];

    for (size_t k = n < PHRASE_TOKENS ? n : PHRASE_TOKENS; k > 0; k--) {
        struct str text = phrase_of(t, k, phrase);

        if (text.n > 0 && i18n_is_word(l, lists[what], text)) {
            return k;
        }
    }
    return 0;
}

/* What means something behind a number only. */
static bool after_number(enum when_word what)
{
    return (what >= SAYS_MINUTES && what <= SAYS_WEEKS) || what == SAYS_HOUR ||
           what == SAYS_ORDINAL;
}

enum when_word when_any(const struct lang *l, const struct token *t, size_t n, size_t *taken)
{
    enum when_word best = SAYS_COUNT;

    *taken = 0;
    for (int what = 0; what < SAYS_COUNT; what++) {
        size_t k =
            after_number((enum when_word)what) ? 0 : when_says(l, t, n, (enum when_word)what);

        if (k > *taken) {
            *taken = k;
            best = (enum when_word)what;
        }
    }
    return best;
}

/* ---- names of months and days ---- */

struct name {
    struct str plain;
    int value;
};
struct names {
    struct arena *arena; /* its own */
    struct str code;
    struct name months[NAMES_MAX], days[NAMES_MAX];
    size_t nmonths, ndays;
};

/* Of the process: what ICU says of a language is the same for all. */
static struct names *tables[TABLES_MAX];
static size_t ntables;

static void put_name(struct name *v, size_t *n, struct str plain, int value)
{
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(v[i].plain, plain)) {
            return;
        }
    }
    /* One letter ("M" of a narrow calendar) says nothing. */
    if (*n < NAMES_MAX && str_utf8_len(plain) > 1) {
        v[(*n)++] = (struct name){plain, value};
    }
}

static void add_name(struct arena *a, struct name *v, size_t *n, struct str name, int value)
{
    struct str al = STR("\xd8\xa7\xd9\x84"), plain = STR("");
    struct buf b;

    buf_init(&b, 4096);
    i18n_normalize(name, &b);
    if (b.n > 0) {
        plain = arena_dup(a, buf_str(&b));
    }
    buf_fini(&b);
    put_name(v, n, plain, value);
    if (str_starts(plain, al)) {
        put_name(v, n, str_slice(plain, al.n, plain.n), value); /* without the Arabic article */
    }
}

static void add_symbols(struct arena *a, struct names *t, const char *locale)
{
    static const struct {
        UDateFormatSymbolType type;
        bool months;
    } rows[] = {
        {UDAT_MONTHS,                    true },
        {UDAT_STANDALONE_MONTHS,         true },
        {UDAT_SHORT_MONTHS,              true },
        {UDAT_STANDALONE_SHORT_MONTHS,   true },
        {UDAT_WEEKDAYS,                  false},
        {UDAT_STANDALONE_WEEKDAYS,       false},
        {UDAT_SHORT_WEEKDAYS,            false},
        {UDAT_STANDALONE_SHORT_WEEKDAYS, false},
    };
    UErrorCode e = U_ZERO_ERROR;
    UDateFormat *f = udat_open(UDAT_LONG, UDAT_LONG, locale, NULL, 0, NULL, 0, &e);

    for (size_t r = 0; U_SUCCESS(e) && r < ARRAY_LEN(rows); r++) {
        int32_t count = udat_countSymbols(f, rows[r].type), first = rows[r].months ? 0 : 1;

        for (int32_t i = first; i < count && i < first + (rows[r].months ? 12 : 7); i++) {
            UChar units[64];
            char text[256];
            int32_t n = udat_getSymbols(f, rows[r].type, i, units, ARRAY_LEN(units), &e), bytes = 0;

            u_strToUTF8(text, sizeof(text), &bytes, units, n, &e);
            if (U_FAILURE(e)) {
                break;
            }
            if (rows[r].months) {
                add_name(a, t->months, &t->nmonths, str_make(text, (size_t)bytes), i + 1);
            } else {
                /* ICU's 1 is Sunday. */
                add_name(a, t->days, &t->ndays, str_make(text, (size_t)bytes), (i + 5) % 7);
            }
        }
    }
    udat_close(f);
}

/* Arabic months have other names from Morocco to Iraq. */
static const struct {
    const char *code, *locale;
} elsewhere[] = {
    {"ar", "ar_LB"},
    {"ar", "ar_DZ"},
    {"ar", "ar_MA"},
    {"pt", "pt_PT"},
};

static const struct names *names_of(const struct lang *l)
{
    struct names *t;
    struct arena *a;
    char locale[32];

    for (size_t i = 0; i < ntables; i++) {
        if (str_eq(tables[i]->code, lang_code(l))) {
            return tables[i];
        }
    }
    if (ntables == TABLES_MAX) {
        return tables[0];
    }
    a = arena_new(); /* kept */
    t = ARENA_NEW(a, struct names);
    t->arena = a;
    t->code = arena_dup(a, lang_code(l));
    snprintf(locale, sizeof(locale), "%.*s", STR_ARG(t->code));
    add_symbols(a, t, locale);
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        if (str_eqz(t->code, elsewhere[i].code)) {
            add_symbols(a, t, elsewhere[i].locale);
        }
    }
    tables[ntables++] = t;
    return t;
}

/* By the whole name, else by a beginning that only one has. */
static int name_value(const struct name *v, size_t n, struct str word)
{
    int value = -1;

    for (size_t i = 0; i < n; i++) {
        if (str_eq(v[i].plain, word)) {
            return v[i].value;
        }
    }
    if (str_utf8_len(word) < NAME_CHARS_LEAST) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_starts(v[i].plain, word)) {
            if (value >= 0 && value != v[i].value) {
                return -1;
            }
            value = v[i].value;
        }
    }
    return value;
}

size_t when_month(const struct lang *l, const struct token *t, size_t n, int *month)
{
    const struct names *own = names_of(l), *english = names_of(l->english);
    char phrase[PHRASE_BYTES];

    for (size_t k = n < 2 ? n : 2; k > 0; k--) {
        struct str text = phrase_of(t, k, phrase);

        *month = text.n == 0 ? -1 : name_value(own->months, own->nmonths, text);
        if (*month < 0 && text.n > 0) {
            *month = name_value(english->months, english->nmonths, text);
        }
        if (*month > 0) {
            return k;
        }
    }
    return 0;
}

int when_weekday(const struct lang *l, struct str word)
{
    static const char *const lists_of_days[] = {"when.monday",   "when.tuesday", "when.wednesday",
                                                "when.thursday", "when.friday",  "when.saturday",
                                                "when.sunday"};
    const struct names *t = names_of(l);
    int d;

    for (int i = 0; i < (int)ARRAY_LEN(lists_of_days); i++) {
        if (i18n_is_word(l, lists_of_days[i], word)) {
            return i;
        }
    }
    d = name_value(t->days, t->ndays, word);

    if (d < 0 && l->english != l) {
        t = names_of(l->english);
        d = name_value(t->days, t->ndays, word);
    }
    return d;
}
