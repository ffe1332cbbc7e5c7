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

/* "12.5", "12,5", "-3", "12 bar": digits of every script were made 0 to 9. */
static bool read_number(struct arena *a, struct str plain, struct str *value, double *number)
{
    char *digits = arena_alloc(a, plain.n + 1);
    size_t n = 0, at = 0;

    while (at < plain.n && n < 24) {
        char c = plain.p[at];

        if (c == ',' && n > 0) {
            c = '.';
        }
        if (!((c >= '0' && c <= '9') || c == '.' || (c == '-' && n == 0) || (c == '+' && n == 0))) {
            break;
        }
        digits[n++] = c;
        at++;
    }
    if (n > 0 && digits[0] == '+') {
        digits++;
        n--;
    }
    *value = str_make(digits, n);
    /* What stands behind is a unit, if anything: "12 bar", "80%", but not "2 pumps are broken". */
    return n > 0 && str_to_double(*value, number) &&
           str_find_char(str_trim(str_slice(plain, at, plain.n)), ' ', 0) == SIZE_MAX &&
           plain.n - at <= 12;
}

static enum item_verdict read_measure(struct arena *a, const struct checklist_item *item,
                                      struct str raw, struct str plain, struct str *value)
{
    double number;

    /* A sign before the digits would be dropped as punctuation. */
    if (raw.n > 0 && raw.p[0] == '-' && (plain.n == 0 || plain.p[0] != '-')) {
        plain = arena_printf(a, "-%.*s", STR_ARG(plain));
    }
    if (!read_number(a, plain, value, &number)) {
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
        return read_measure(a, item, raw, plain, value);
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
