#include "command_int.h"

#include "i18n_int.h"

static struct str plain_of(struct arena *a, struct str word)
{
    char *out = arena_alloc(a, word.n + 1);
    size_t n = normalize_ascii(word, out);
    struct str plain;
    struct buf b;

    if (n != SIZE_MAX) {
        return str_make(out, n);
    }
    buf_init(&b, WORD_BYTES_MAX * 8);
    i18n_normalize(word, &b);
    plain = arena_dup(a, b.n == 0 ? STR("") : buf_str(&b));
    buf_fini(&b);
    return plain;
}

static size_t word_end(struct str text, size_t at)
{
    while (at < text.n && blank_length(str_slice(text, at, text.n)) == 0) {
        at++;
        while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80) {
            at++;
        }
    }
    return at;
}

static bool is_polite(const struct words *w, size_t i)
{
    return i18n_is_word(w->l, "words.polite", w->v[i].plain);
}

void words_split(struct arena *a, struct str text, const struct lang *l, struct words *out)
{
    size_t at = 0, blank;

    *out = (struct words){.arena = a, .l = l, .text = text};
    out->slash = text.n > 0 && text.p[0] == '/';
    while (at < text.n) {
        struct word word = {.from = at};

        blank = blank_length(str_slice(text, at, text.n));
        if (blank > 0) {
            at += blank;
            continue;
        }
        at = word.to = word_end(text, at);
        if (word.to - word.from <= WORD_BYTES_MAX) {
            word.plain = plain_of(a, str_slice(text, word.from, word.to));
            if (word.plain.n == 0) {
                continue; /* a dash, a bullet */
            }
        }
        if (out->n == WORDS_MAX) {
            out->more = true;
            break;
        }
        out->v[out->n++] = word;
    }
    while (!out->more && out->polite + 1 < out->n && is_polite(out, out->n - out->polite - 1)) {
        out->polite++;
    }
}

struct str words_join(const struct words *w, size_t from, size_t to, char out[PHRASE_BYTES_MAX])
{
    size_t n = 0;

    for (size_t i = from; i < to; i++) {
        struct str plain = w->v[i].plain;

        if (plain.n == 0 || n + plain.n + 1 > PHRASE_BYTES_MAX) {
            return STR_NONE;
        }
        if (i > from) {
            out[n++] = ' ';
        }
        memcpy(out + n, plain.p, plain.n);
        n += plain.n;
    }
    return str_make(out, n);
}

struct str words_rest(const struct words *w, size_t i)
{
    return i < w->n ? str_slice(w->text, w->v[i].from, w->text.n) : STR("");
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static bool alnum(char c)
{
    return digit(c) || (upper(c) >= 'A' && upper(c) <= 'Z') || (unsigned char)c >= 0x80;
}

static bool separator(char c)
{
    return c == '-' || c == '#' || c == ':' || c == '.' || c == '_' || c == ' ';
}

/* Bytes of "WO-", "wo#", "WO" before a digit and '#' at the start. */
static size_t prefix_length(struct str s)
{
    size_t n = 0;

    if (s.n > 2 && upper(s.p[0]) == 'W' && upper(s.p[1]) == 'O' &&
        (separator(s.p[2]) || digit(s.p[2]))) {
        n = 2;
    }
    while (n < s.n && (s.p[n] == '#' || (n > 0 && separator(s.p[n])))) {
        n++;
    }
    return n;
}

/* The word as typed without punctuation around it; in other digits its normalized form. */
static struct str bare(const struct words *w, size_t i)
{
    struct str s = str_slice(w->text, w->v[i].from, w->v[i].to);

    for (size_t k = 0; k < s.n; k++) {
        if ((unsigned char)s.p[k] >= 0x80) {
            return w->v[i].plain;
        }
    }
    while (s.n > 0 && !alnum(s.p[0]) && s.p[0] != '#') {
        s = str_slice(s, 1, s.n);
    }
    while (s.n > 0 && !alnum(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

bool command_order_like(struct str s)
{
    bool digits = false;

    s = str_trim(s);
    if (s.n == 0 || s.n > WORD_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (!alnum(s.p[i]) && !separator(s.p[i]) && s.p[i] != '/') {
            return false; /* "50%", "(3)", "it's" */
        }
        digits = digits || digit(s.p[i]);
    }
    return digits || (s.n > 3 && str_ieq(str_slice(s, 0, 3), STR("wo-")));
}

bool words_order(const struct words *w, size_t i, struct order_words *out)
{
    char phrase[PHRASE_BYTES_MAX];
    bool noun = false;
    struct str typed;
    const char *maybe = "words.order_maybe"; /* "os" is an order of service, and an article */

    /* "work order", then perhaps "number". */
    for (int round = 0; round < 2; round++) {
        for (size_t k = 2; k > 0; k--) {
            if (i + k < w->n &&
                i18n_is_word(w->l, "words.order", words_join(w, i, i + k, phrase))) {
                noun = true;
                i += k;
                break;
            }
        }
    }
    if (i + 1 < w->n && i18n_is_word(w->l, maybe, w->v[i].plain)) {
        i++;
    }
    if (i >= w->n || w->v[i].plain.n == 0) {
        return false;
    }
    typed = bare(w, i);
    if (!command_order_like(typed)) {
        return false;
    }
    *out = (struct order_words){typed, noun || prefix_length(typed) > 0, i + 1};
    return true;
}

struct str command_order_canonical(struct arena *a, struct str typed)
{
    struct str plain = STR(""), s;
    char *out;
    size_t n = 0;
    struct buf b;

    buf_init(&b, WORD_BYTES_MAX * 8);
    i18n_normalize(str_slice(typed, 0, WORD_BYTES_MAX * 4), &b);
    if (b.n > 0) {
        plain = buf_str(&b);
    }
    s = str_slice(plain, prefix_length(plain), plain.n);
    out = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ' ' && s.p[i] != '#') {
            out[n++] = upper(s.p[i]);
        }
    }
    buf_fini(&b);
    return str_make(out, n);
}

enum order_match command_order_match(struct str number, struct str typed)
{
    struct arena *a = arena_new();
    struct str have = command_order_canonical(a, number), want = command_order_canonical(a, typed);
    enum order_match m = MATCH_NO;

    if (want.n > 0 && str_ends(have, want)) {
        m = have.n == want.n ? MATCH_EXACT : MATCH_ENDING;
    }
    arena_free(&a);
    return m;
}
