/* Twilio's forms, queries, signatures and answers: "query\nform", or any bytes at all. */
#include <stdlib.h>

#include "providers/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void keep(struct arena *a, const struct inbound *in)
{
    struct inbound back = {0};
    struct err err = {0};
    struct buf b;

    buf_init(&b, 1 << 26);
    inbound_encode(in, &b);
    if (!buf_ok(&b) || !inbound_decode(a, buf_str(&b), &back, &err) ||
        !str_eq(back.text, in->text) || !str_eq(back.raw, in->raw)) {
        abort();
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int statuses[] = {201, 302, 400, 401, 429, 500};
    struct str text = str_make(data, n), query, form, sid;
    struct str signature = STR("0VA4FqukXOMOJ8EKlKOJiFfBV5A=");
    struct arena *a = arena_new();
    struct inbound_batch batch = {0};
    struct outcome out;
    struct pairs pairs = {0};

    if (!str_cut(text, '\n', &query, &form)) {
        form = text;
        query = STR_NONE;
    }
    if (twilio_parse_query(a, form, query, &batch, NULL)) {
        for (size_t i = 0; i < batch.n; i++) {
            keep(a, &batch.items[i]);
        }
    }
    if (form_parse(a, form, &pairs, NULL)) {
        twilio_signature_ok(STR("k"), STR("https://a.example/b"), &pairs, STR_NONE, signature);
    }
    twilio_signature_ok(STR("k"), text, &pairs, STR_NONE, signature);
    twilio_signature_ok(STR("k"), text, NULL, form, signature);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        provider_twilio.outcome(a, statuses[i], text, 0, NULL, &out);
        if (out.title.n == 0 || (out.cls == OUTCOME_SENT && statuses[i] != 201)) {
            abort();
        }
    }
    twilio_content_sid(a, 201, text, &sid);
    arena_free(&a);
    return 0;
}
