/*
 * What the API takes as a message: any JSON. What passes a provider's check must become a request
 * whose body is valid, and must survive being stored.
 */
#include <stdlib.h>

#include "providers/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void store(struct arena *a, const struct message *m)
{
    struct message back = {0};
    struct err err = {0};
    struct buf b, again;

    buf_init(&b, 1 << 24);
    buf_init(&again, 1 << 24);
    message_encode(m, &b);
    /* A record is refused over its limit; below it, it must come back as it was. */
    if (b.n < 200000) {
        if (!message_decode(a, buf_str(&b), &back, &err)) {
            abort();
        }
        message_encode(&back, &again);
        if (!str_eq(buf_str(&b), buf_str(&again))) {
            abort();
        }
    }
    buf_fini(&again);
    buf_fini(&b);
}

static void send(struct arena *a, const struct provider *p, const struct sender *s,
                 const struct message *m)
{
    struct outgoing out = {0};
    struct err err = {0};
    struct json *j = NULL;
    struct pairs form;

    if (!p->build(a, s, m, STR("c"), STR("https://us.example"), &out, &err)) {
        if (err.code != ERR_INVALID || err.member[0] == '\0') {
            abort();
        }
        return;
    }
    if (p->kind == PROVIDER_META) {
        if (!json_parse(out.body, 1 << 24, &j, &err)) {
            abort();
        }
        json_free(&j);
    } else if (!form_parse(a, out.body, &form, &err)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct sender sender = {
        .number = {"+12025550100", 12}
    };
    struct arena *a = arena_new();
    struct message m = {0};
    struct err err = {0};
    struct json *j = NULL;
    struct outgoing out;
    struct buf key;

    if (json_parse(str_make(data, n), 1 << 20, &j, &err) && message_from_json(a, j, &m, &err)) {
        store(a, &m);
        m.phone = STR("+12025550117");
        send(a, &provider_meta, &sender, &m);
        send(a, &provider_twilio, &sender, &m);
        if (twilio_content_needed(&sender, &m) && provider_twilio.check(&m, &err)) {
            buf_init(&key, 128);
            twilio_content_key(&m, &key);
            twilio_content_build(a, &sender, &m, &out);
            buf_fini(&key);
        }
        m.template_.content_sid = STR("HX00000000000000000000000000000000");
        send(a, &provider_twilio, &sender, &m);
    } else if (err.code == ERR_NONE) {
        abort();
    }
    json_free(&j);
    arena_free(&a);
    return 0;
}
