/*
 * What the API takes as a template, and what providers answer about theirs: any JSON. A template
 * that is taken must be written and read again as it was, become requests with valid bodies, and be
 * found again by its words in Meta's list.
 */
#include <stdlib.h>

#include "providers/templates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct sender meta = {.provider = PROVIDER_META},
                           twilio = {.provider = PROVIDER_TWILIO};

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct json *parsed(struct str text)
{
    struct json *j = NULL;

    must(json_parse(text, 1 << 22, &j, NULL));
    return j;
}

static void read_again(struct arena *a, const struct template_def *d)
{
    char before[TEMPLATE_HASH_CHARS + 1], after[TEMPLATE_HASH_CHARS + 1];
    struct template_def back;
    struct err err = {0};
    struct json *j;
    struct buf b;
    struct jw w;

    buf_init(&b, 1 << 20);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    template_write(d, &w);
    jw_close(&w, '}');
    j = parsed(buf_str(&b));
    must(template_from_json(a, d->name, d->language, j, &back, &err));
    template_hash(d, before);
    template_hash(&back, after);
    must(strcmp(before, after) == 0);
    json_free(&j);
    buf_fini(&b);
}

/* What Meta is sent is what it lists. */
static void listed_again(struct arena *a, const struct template_def *d, struct str sent)
{
    char hash[TEMPLATE_HASH_CHARS + 1];
    struct template_page page;
    struct err err = {0};

    template_hash(d, hash);
    must(template_calls_of(PROVIDER_META)
             ->listed(a, &meta, arena_printf(a, "{\"data\":[%.*s]}", STR_ARG(sent)), &page, &err));
    must(page.n == 1 && str_eqz(page.v[0].state.hash, hash));
}

static void registered(struct arena *a, const struct template_def *d)
{
    const struct sender *const senders[] = {&meta, &twilio};

    for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
        const struct template_calls *calls = template_calls_of(senders[i]->provider);
        struct outgoing out;
        struct json *j;

        calls->create(a, senders[i], d, NULL, &out);
        j = parsed(out.body);
        json_free(&j);
        if (senders[i] == &meta) {
            listed_again(a, d, out.body);
        }
    }
}

static void answers(struct arena *a, struct str text)
{
    for (int kind = 0; kind < 2; kind++) {
        const struct template_calls *calls =
            template_calls_of(kind == 0 ? PROVIDER_META : PROVIDER_TWILIO);
        struct template_state state = {0};
        struct template_page page;
        struct err err = {0};

        calls->listed(a, kind == 0 ? &meta : &twilio, text, &page, &err);
        calls->answered(a, text, &state, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_make((const char *)data, n);
    struct arena *a = arena_new();
    struct template_def d;
    struct err err = {0};
    struct json *j = NULL;

    answers(a, text);
    if (json_parse(text, 1 << 20, &j, &err) &&
        template_from_json(a, STR("n"), STR("en_US"), j, &d, &err)) {
        read_again(a, &d);
        registered(a, &d);
    }
    json_free(&j);
    arena_free(&a);
    return 0;
}
