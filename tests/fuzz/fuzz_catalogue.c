/*
 * The catalogue's formatter. The first byte chooses: patterns of an operator's catalogue are
 * compiled, and hostile values (titles, names, notes of a CMMS) are put into ours, in every
 * language. A pattern is taken or refused; a text stays valid UTF-8, and no value steers the
 * direction of what stands behind it.
 */
#include <stdlib.h>

#include "i18n_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void compile(struct arena *a, struct str text)
{
    struct node *p = NULL;
    struct str odd;
    struct err err = {0};

    if (pattern_compile(a, text, &p, &err)) {
        must(pattern_fits(p, p, &odd));
    } else {
        must(err.code == ERR_CONFIG && err.msg[0] != '\0');
    }
}

/* Every isolate ends, and nothing else that turns a text is left. */
static bool steers(struct str s)
{
    int open = 0;

    for (size_t i = 0; i + 2 < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i + 1], c = (unsigned char)s.p[i + 2];

        if (s.p[i] != '\xe2') {
            continue;
        }
        if (b == 0x80 && c >= 0xaa && c <= 0xae) {
            return true;
        }
        if (b == 0x81 && c >= 0xa6 && c <= 0xa9) {
            open += c == 0xa9 ? -1 : 1;
            if (open < 0) {
                return true;
            }
        }
    }
    return open != 0;
}

static void format(struct arena *a, const struct lang *l, struct str value, int64_t number)
{
    const struct text_arg args[] = {
        ARG_IDENT("number", value), ARG_S("title", value),
        ARG_S("name", value),       ARG_S("text", value),
        ARG_S("reason", value),     ARG_S("kind", value),
        ARG_N("n", number),         ARG_T("at", ((struct wall){number}))};
    static const char *const keys[] = {"notice.comment_by", "notice.removed", "reply.my_work",
                                       "reply.stop_ask",    "value.moment",   "reply.which.media",
                                       "reply.order"};
    bool valid = str_is_utf8(value);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct str text = i18n_text(a, l, STR("Asia/Kolkata"), keys[i], args, ARRAY_LEN(args));

        must(text.n > 0);
        if (valid) {
            struct str cut = i18n_cut(a, text, (size_t)(number & 63) + 1);

            must(str_is_utf8(text) && !steers(text));
            must(str_is_utf8(cut) && !steers(cut));
            must(str_utf8_len(cut) <= (size_t)(number & 63) + 1);
        }
    }
    if (valid) {
        must(!steers(i18n_paragraph(a, value)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const codes[] = {"en", "es", "hi", "ar", "pt", "fr"};
    static struct i18n *texts;
    struct arena *a;
    int64_t number;

    if (texts == NULL) {
        must(i18n_new(NULL, &texts, NULL));
    }
    if (n < 6 || n > 4096) {
        return 0;
    }
    a = arena_new();
    number =
        (int64_t)data[1] | (int64_t)data[2] << 8 | (int64_t)data[3] << 24 | (int64_t)data[4] << 40;
    number = data[5] % 2 == 0 ? number : -number;
    if (data[0] % 2 == 0) {
        compile(a, str_make((const char *)data + 6, n - 6));
    } else {
        format(a, i18n_lang(texts, str_of(codes[data[0] / 2 % ARRAY_LEN(codes)]), STR("en")),
               str_make((const char *)data + 6, n - 6), number);
    }
    arena_free(&a);
    return 0;
}
