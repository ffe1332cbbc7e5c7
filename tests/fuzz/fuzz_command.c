/*
 * What people write: the first byte chooses the language, the rest is the text. Whatever it is, it
 * is parsed; nobody is opted out by half a sentence; normalized and cut texts stay valid UTF-8.
 */
#include <stdlib.h>

#include "domain/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static bool within(struct str part, struct str text)
{
    return part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n);
}

/* Without punctuation @text is a phrase of @id, word for word. */
static bool only_words(const struct lang *l, struct str text, enum command_id id)
{
    struct buf b;
    bool ok;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if ((unsigned char)c >= 0x80) {
            buf_fini(&b);
            return true; /* punctuation of other scripts is i18n's to know */
        }
        if (letter || (b.n > 0 && b.p[b.n - 1] != ' ')) {
            buf_add_char(&b, letter ? c : ' ');
        }
    }
    ok = command_named(l, buf_str(&b)) == id;
    buf_fini(&b);
    return ok;
}

static void check_call(const struct lang *l, struct str text, const struct command_call *c)
{
    must((size_t)c->id < CMD_COUNT);
    must(within(c->whole, text));
    /* Of HELP and CORRECT the words as they are understood. */
    must(c->id == CMD_HELP || c->id == CMD_CORRECT || within(c->rest, text));
    must(c->nnearest <= ARRAY_LEN(c->nearest));
    must(!c->order_sure || c->order.n > 0);
    if (c->id == CMD_STOP || c->id == CMD_STOP_ALL) {
        must(only_words(l, text, c->id));
    }
    if (c->id == CMD_SET_STATUS) {
        must(!c->status_ok || (size_t)c->status < ORDER_STATUS_COUNT);
        must(!c->explicit_ || (c->status_ok && c->order.n > 0));
    }
    if (c->id != CMD_NONE) {
        must(!c->says_done && !c->says_started && !c->says_yes && !c->says_no && c->nnearest == 0);
    }
    for (size_t i = 0; i < c->nnearest; i++) {
        must(c->nearest[i].n > 0);
    }
}

static void check_texts(struct arena *a, struct str text)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    i18n_normalize(text, &b);
    must(b.n == 0 || str_is_utf8(buf_str(&b)));
    buf_fini(&b);
    if (str_is_utf8(text)) {
        for (size_t max = 0; max < 30; max += 7) {
            struct str cut = i18n_cut(a, text, max);

            must(str_utf8_len(cut) <= max && (cut.n == 0 || str_is_utf8(cut)));
        }
    }
    must(command_order_match(text, text) != MATCH_ENDING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const codes[] = {"en", "es", "hi", "ar", "pt", "fr"};
    static struct i18n *texts;
    struct command_call call;
    const struct lang *l;
    struct arena *a;
    struct str text;

    if (texts == NULL) {
        must(i18n_new(NULL, &texts, NULL));
    }
    if (n == 0) {
        return 0;
    }
    l = i18n_lang(texts, str_of(codes[data[0] % ARRAY_LEN(codes)]), STR("en"));
    text = str_make(data + 1, n - 1);
    a = arena_new();
    command_parse(a, text, l, &call);
    check_call(l, text, &call);
    check_texts(a, text);
    arena_free(&a);
    return 0;
}
