/* checklist_item: what words say to an item, and what an answer reads like. */
#include "base/buf.h"
#include "domain/checklist.h"
#include "domain/message.h"

#define TEXT_CHARS_MAX 2000

static const struct item_option check[] = {
    {"done",     "button.item_done",     {"words.item_done", "words.done", "words.yes"}, false},
    {"not_done", "button.item_not_done", {"words.item_not_done", "words.no", NULL},      true }
};
static const struct item_option yes_no_na[] = {
    {"yes", "button.yes",     {"words.yes", NULL, NULL},     false},
    {"no",  "button.no",      {"words.no", NULL, NULL},      false},
    {"na",  "button.item_na", {"words.item_na", NULL, NULL}, false}
};
static const struct item_option pass_flag_fail[] = {
    {"pass", "button.item_pass", {"words.item_pass", "words.yes", NULL}, false},
    {"flag", "button.item_flag", {"words.item_flag", NULL, NULL},        true },
    {"fail", "button.item_fail", {"words.item_fail", "words.no", NULL},  true }
};

const struct item_option *item_options(enum item_kind kind, size_t *n)
{
    static const struct {
        const struct item_option *options;
        size_t n;
    } rows[ITEM_KINDS] = {
        [ITEM_CHECK] = {check,          ARRAY_LEN(check)         },
        [ITEM_YES_NO_NA] = {yes_no_na,      ARRAY_LEN(yes_no_na)     },
        [ITEM_PASS_FLAG_FAIL] = {pass_flag_fail, ARRAY_LEN(pass_flag_fail)}
    };

    *n = rows[kind].n;
    return rows[kind].options;
}

/* ---- reading ---- */

static struct str plain_of(struct arena *a, struct str text)
{
    struct buf b;
    struct str out;

    buf_init(&b, 8 * 1024);
    i18n_normalize(str_slice(text, 0, 1024), &b);
    out = arena_dup(a, b.n == 0 ? STR("") : buf_str(&b));
    buf_fini(&b);
    return out;
}

/* Signs are dropped where words are compared; alone they are the whole answer. */
static struct str sign_of(struct str text)
{
    static const struct {
        const char *sign, *value;
    } signs[] = {
        {"✔",  "good"},
        {"✅",  "good"},
        {"☑",  "good"},
        {"👍", "good"},
        {"✖",  "bad" },
        {"❌",  "bad" },
        {"✗",  "bad" },
        {"👎", "bad" }
    };

    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (str_starts(text, str_of(signs[i].sign))) {
            return str_of(signs[i].value);
        }
    }
    return STR_NONE;
}

static bool read_option(const struct lang *l, enum item_kind kind, struct str raw, struct str plain,
                        struct str *value)
{
    size_t n;
    const struct item_option *options = item_options(kind, &n);
    struct str sign = plain.n == 0 ? sign_of(raw) : STR_NONE;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_LEN(options[i].words) && options[i].words[k] != NULL; k++) {
            if (plain.n > 0 && i18n_is_word(l, options[i].words[k], plain)) {
                *value = str_of(options[i].value);
                return true;
            }
        }
    }
    if (n == 0 || sign.n == 0) {
        return false;
    }
    *value = str_of(str_eqz(sign, "good") ? options[0].value
                                          : options[kind == ITEM_YES_NO_NA ? 1 : n - 1].value);
    return true;
}

/* The first character of @s is one of @list; how many bytes it has, 0: it is none. */
static size_t one_of(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(s, str_of(list[i]))) {
            return str_of(list[i]).n;
        }
    }
    return 0;
}

static size_t minus_at(struct str s)
{
    static const char *const all[] = {"-",      "\u2010", "\u2011", "\u2012", "\u2013",
                                      "\u2014", "\u2212", "\ufe63", "\uff0d"};

    return one_of(s, all, ARRAY_LEN(all));
}

/* A point or comma, also the Arabic one. */
static size_t point_at(struct str s)
{
    static const char *const all[] = {".", ",", "\u066b"};

    return one_of(s, all, ARRAY_LEN(all));
}

/* The first character of @s as it is compared: a digit of any script is 0 to 9, a sign is empty. */
static struct str plain_at(struct arena *a, struct str s, size_t *bytes)
{
    *bytes = 1;
    while (*bytes < s.n && ((unsigned char)s.p[*bytes] & 0xc0) == 0x80) {
        ++*bytes;
    }
    return plain_of(a, str_slice(s, 0, *bytes));
}

static bool is_digit(struct str plain)
{
    return plain.n == 1 && plain.p[0] >= '0' && plain.p[0] <= '9';
}

static bool digit_at(struct arena *a, struct str s)
{
    size_t bytes;

    return s.n > 0 && is_digit(plain_at(a, s, &bytes));
}

/* What stands before the digits, into @out: "-", and "0." of ".5". False: words do. */
static bool read_before(struct arena *a, struct str *s, struct buf *out)
{
    bool point = false, minus = false;

    for (size_t bytes; s->n > 0 && !digit_at(a, *s); *s = str_slice(*s, bytes, s->n)) {
        if (plain_at(a, *s, &bytes).n > 0) {
            return false;
        }
        minus = minus || minus_at(*s) > 0;
        point = point_at(*s) > 0;
    }
    buf_addz(out, minus ? "-" : "");
    buf_addz(out, point ? "0." : "");
    return s->n > 0;
}

/* The digits with their point. A point or comma with no digit behind it ends the sentence. */
static void read_digits(struct arena *a, struct str *s, struct buf *out)
{
    size_t bytes, point;

    for (; s->n > 0; *s = str_slice(*s, bytes, s->n)) {
        struct str c = plain_at(a, *s, &bytes);

        point = point_at(*s);
        if (point > 0 && digit_at(a, str_slice(*s, point, s->n))) {
            buf_add_char(out, '.');
        } else if (is_digit(c)) {
            buf_add(out, c);
        } else {
            break;
        }
    }
}

/* "1,234" where a comma parts thousands: it may be either, and one of them is far off. */
static bool may_be_thousands(const struct lang *l, struct str raw)
{
    size_t at = str_find_char(raw, ',', 0), n = 0, first = 0;

    if (at == SIZE_MAX || !(str_eqz(lang_code(l), "en") || str_eqz(lang_code(l), "hi"))) {
        return false;
    }
    while (at + 1 + n < raw.n && raw.p[at + 1 + n] >= '0' && raw.p[at + 1 + n] <= '9') {
        n++;
    }
    while (first < at && (raw.p[first] < '0' || raw.p[first] > '9')) {
        first++;
    }
    return n == 3 && raw.p[first] != '0' && first < at;
}

/*
 * "12.5", "12,5", "-3", ".5", "12 bar", with digits of every script. What stands behind is a unit, if
 * anything: "12 bar", "80%", but not "2 pumps are broken". Other digits behind it ("1 234", "120/80",
 * "10:30") make it something else than this number: asked again is better than written down wrong.
 */
static bool read_number(struct arena *a, const struct lang *l, struct str raw, struct str *value,
                        double *number)
{
    struct str rest = raw, unit;
    struct buf digits;
    bool ok;

    buf_init(&digits, 64);
    ok = read_before(a, &rest, &digits);
    if (ok) {
        read_digits(a, &rest, &digits);
    }
    ok = ok && buf_ok(&digits) && str_to_double(buf_str(&digits), number);
    *value = ok ? arena_dup(a, buf_str(&digits)) : STR_NONE;
    buf_fini(&digits);
    unit = plain_of(a, rest);
    return ok && !digit_at(a, unit) && str_find_char(unit, ' ', 0) == SIZE_MAX && unit.n <= 12 &&
           !may_be_thousands(l, raw);
}

static enum item_verdict read_measure(struct arena *a, const struct lang *l,
                                      const struct checklist_item *item, struct str raw,
                                      struct str *value)
{
    double number;

    if (!read_number(a, l, str_slice(raw, 0, 1024), value, &number)) {
        return ITEM_NOT_UNDERSTOOD;
    }
    return (item->has_min && number < item->min) || (item->has_max && number > item->max)
               ? ITEM_UNSURE
               : ITEM_TAKEN;
}

static bool read_choice(struct arena *a, const struct checklist_item *item, struct str plain,
                        struct str *value)
{
    for (size_t i = 0; i < item->nchoices; i++) {
        if (str_eq(plain_of(a, item->choices[i].label), plain)) {
            *value = item->choices[i].value;
            return true;
        }
    }
    return false;
}

bool item_says_skip(const struct lang *l, struct str text)
{
    struct arena *a = arena_new();
    struct str plain = plain_of(a, text);
    bool skip =
        (plain.n > 0 && i18n_is_word(l, "words.item_skip", plain)) || str_eqz(str_trim(text), "-");

    arena_free(&a);
    return skip;
}

enum item_verdict item_read(struct arena *a, const struct lang *l,
                            const struct checklist_item *item, struct str text, struct str *value)
{
    struct str raw = str_trim(text), plain = plain_of(a, raw);

    if (item_says_skip(l, raw)) {
        return item->required ? ITEM_NEEDED : ITEM_LEFT_OUT;
    }
    switch (item->kind) {
    case ITEM_NUMBER:
        return read_measure(a, l, item, raw, value);
    case ITEM_TEXT:
        *value = i18n_cut(a, arena_dup(a, raw), TEXT_CHARS_MAX);
        return raw.n > 0 ? ITEM_TAKEN : ITEM_NOT_UNDERSTOOD;
    case ITEM_CHOICE:
        return read_choice(a, item, plain, value) ? ITEM_TAKEN : ITEM_NOT_UNDERSTOOD;
    default:
        return read_option(l, item->kind, raw, plain, value) ? ITEM_TAKEN : ITEM_NOT_UNDERSTOOD;
    }
}

/* ---- showing ---- */

static const struct item_option *option_of(const struct checklist_item *item, struct str value)
{
    size_t n;
    const struct item_option *options = item_options(item->kind, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_eqz(value, options[i].value)) {
            return &options[i];
        }
    }
    return NULL;
}

bool item_asks_why(const struct checklist_item *item, struct str value)
{
    const struct item_option *option = option_of(item, value);

    return option != NULL && option->why;
}

struct str item_answer_text(struct arena *a, const struct lang *l, struct str timezone,
                            const struct checklist_item *item)
{
    const struct item_option *option = option_of(item, item->value);

    if (item->state == ITEM_SKIPPED) {
        return i18n_text(a, l, timezone, "value.item_skipped", NULL, 0);
    }
    if (option != NULL) {
        return i18n_text(a, l, timezone, option->key, NULL, 0);
    }
    for (size_t i = 0; i < item->nchoices; i++) {
        if (str_eq(item->choices[i].value, item->value)) {
            return item->choices[i].label;
        }
    }
    if (item->kind == ITEM_PHOTO) {
        return STR("📷");
    }
    return item->unit.n > 0
               ? arena_printf(a, "%.*s %.*s", STR_ARG(item->value), STR_ARG(item->unit))
               : item->value;
}
