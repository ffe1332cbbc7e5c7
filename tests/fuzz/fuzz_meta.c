/* Meta's webhook bodies, answers and signature headers: any bytes at all. */
#include <stdlib.h>

#include "providers/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void keep(struct arena *a, const struct inbound *in)
{
    struct inbound back = {0};
    struct err err = {0};
    struct buf b;

    /* What was understood must survive being stored. */
    buf_init(&b, 1 << 26);
    inbound_encode(in, &b);
    if (!buf_ok(&b) || !inbound_decode(a, buf_str(&b), &back, &err) ||
        !str_eq(back.provider_id, in->provider_id) || !str_eq(back.raw, in->raw)) {
        abort();
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int statuses[] = {200, 302, 400, 401, 429, 500};
    struct str text = str_make(data, n), challenge;
    struct arena *a = arena_new();
    struct inbound_batch batch = {0};
    struct outcome out;
    struct pairs pairs;
    struct str token = STR("t");
    uint8_t mac[32];

    if (provider_meta.parse(a, text, &batch, NULL)) {
        for (size_t i = 0; i < batch.n; i++) {
            keep(a, &batch.items[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        provider_meta.outcome(a, statuses[i], text, 0, NULL, &out);
        if (out.title.n == 0 || (out.cls == OUTCOME_SENT && statuses[i] != 200)) {
            abort();
        }
    }
    meta_signature_parse(text, mac);
    if (form_parse(a, text, &pairs, NULL)) {
        meta_handshake(&pairs, &token, 1, &challenge);
    }
    arena_free(&a);
    return 0;
}
