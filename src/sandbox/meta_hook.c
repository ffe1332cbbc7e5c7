/* What Meta posts to the webhook: envelopes, escapes, signature, statuses gathered into one POST.
 */
#include <stdio.h>

#include "base/crypto.h"
#include "group.h"
#include "meta.h"

#define BODY_MAX (4u << 20)

void meta_escape(struct buf *out, struct str json)
{
    for (size_t i = 0; i < json.n;) {
        unsigned char c = (unsigned char)json.p[i];
        uint32_t cp = c;
        size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

        if (n == 1) {
            if (c == '/') {
                buf_add_char(out, '\\');
            }
            buf_add_char(out, (char)c);
            i++;
            continue;
        }
        cp = c & (0x7Fu >> n);
        for (size_t k = 1; k < n && i + k < json.n; k++) {
            cp = cp << 6 | ((unsigned char)json.p[i + k] & 0x3F);
        }
        if (cp >= 0x10000) {
            buf_addf(out, "\\u%04x", 0xD800 + ((cp - 0x10000) >> 10));
            cp = 0xDC00 + ((cp - 0x10000) & 0x3FF);
        }
        buf_addf(out, "\\u%04x", cp);
        i += n;
    }
}

static void sign(struct buf *out, const char *name, const char *secret, struct str body)
{
    struct hasher h;
    uint8_t mac[SHA256_BYTES];
    bool sha1 = str_eqz(str_of(name), "sha1=");

    hasher_init_hmac(&h, sha1 ? HASH_SHA1 : HASH_SHA256, str_of(secret));
    hasher_add(&h, body);
    buf_addz(out, name);
    hex_add(out, str_make(mac, hasher_done(&h, mac)));
}

static void post(struct sandbox *sb, const struct number *n, struct str json, hook_done_fn *done,
                 void *ctx)
{
    struct buf body, sha256, sha1;
    struct hook_spec spec = {.dialect = DIALECT_META, .url = str_of(n->inbound_url)};

    buf_init(&body, 2 * BODY_MAX);
    buf_init(&sha256, 128);
    buf_init(&sha1, 128);
    meta_escape(&body, json);
    sign(&sha256, "sha256=", n->app_secret, buf_str(&body));
    sign(&sha1, "sha1=", n->app_secret, buf_str(&body));
    spec.body = buf_str(&body);
    spec.headers[spec.nheaders++] = (struct pair){STR("Content-Type"), STR("application/json")};
    spec.headers[spec.nheaders++] = (struct pair){STR("User-Agent"), STR("facebookexternalua")};
    spec.headers[spec.nheaders++] = (struct pair){STR("X-Hub-Signature-256"), buf_str(&sha256)};
    spec.headers[spec.nheaders++] = (struct pair){STR("X-Hub-Signature"), buf_str(&sha1)};
    hooks_post(sb->hooks, &spec, done, ctx);
    buf_fini(&body);
    buf_fini(&sha256);
    buf_fini(&sha1);
}

void meta_hook_value(struct sandbox *sb, const struct number *n, const char *field,
                     struct str value, hook_done_fn *done, void *ctx)
{
    struct buf b;
    struct jw w;

    buf_init(&b, BODY_MAX);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_z(&w, "object", "whatsapp_business_account");
    jw_open(&w, "entry", '[');
    jw_open(&w, NULL, '{');
    jw_z(&w, "id", n->account);
    if (!str_eqz(str_of(field), "messages")) {
        jw_int(&w, "time", wall_now().ms / 1000);
    }
    jw_open(&w, "changes", '[');
    jw_open(&w, NULL, '{');
    jw_raw(&w, "value", value);
    jw_z(&w, "field", field);
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_close(&w, '}');
    post(sb, n, buf_str(&b), done, ctx);
    buf_fini(&b);
}

void meta_hook_open(struct jw *w, const struct number *n)
{
    jw_open(w, NULL, '{');
    jw_z(w, "messaging_product", "whatsapp");
    jw_open(w, "metadata", '{');
    jw_str(w, "display_phone_number", str_slice(str_of(n->e164), 1, SIZE_MAX));
    jw_z(w, "phone_number_id", n->id);
    jw_close(w, '}');
}

static void contact(struct jw *w, const struct phone *p)
{
    jw_open(w, NULL, '{');
    jw_open(w, "profile", '{');
    jw_z(w, "name", p->name);
    jw_close(w, '}');
    if (p->e164 != NULL) {
        jw_str(w, "wa_id", str_slice(str_of(p->e164), 1, SIZE_MAX));
    }
    jw_z(w, "user_id", p->bsuid);
    jw_close(w, '}');
}

static void flush(void *ctx, int64_t arg)
{
    struct sandbox *sb = ctx;
    struct number *n = sb->numbers[arg];
    struct buf b;
    struct jw w;

    n->flush_armed = false;
    if (n->nstatuses == 0) {
        return;
    }
    buf_init(&b, BODY_MAX);
    jw_init(&w, &b);
    meta_hook_open(&w, n);
    if (n->contacts.n > 0) {
        jw_open(&w, "contacts", '[');
        buf_add(&b, buf_str(&n->contacts));
        jw_close(&w, ']');
    }
    jw_open(&w, "statuses", '[');
    buf_add(&b, buf_str(&n->statuses));
    jw_close(&w, ']');
    jw_close(&w, '}');
    buf_reset(&n->statuses);
    buf_reset(&n->contacts);
    n->nstatuses = 0;
    meta_hook_value(sb, n, "messages", buf_str(&b), NULL, NULL);
    buf_fini(&b);
}

static int64_t index_of(const struct sandbox *sb, const struct number *n)
{
    int64_t i = 0;

    while (sb->numbers[i] != n) {
        i++;
    }
    return i;
}

static void status_errors(struct jw *w, const struct entry *e)
{
    const char *title = meta_title(e->error_code);

    jw_open(w, "errors", '[');
    jw_open(w, NULL, '{');
    jw_int(w, "code", e->error_code);
    jw_z(w, "title", title);
    jw_z(w, "message", title);
    jw_open(w, "error_data", '{');
    jw_z(w, "details", title);
    jw_close(w, '}');
    jw_z(w, "href", "/documentation/business-messaging/whatsapp/support/error-codes");
    jw_close(w, '}');
    jw_close(w, ']');
}

/* Of a group: whose phone it is stands beside it. */
static void group_recipient(struct jw *w, const struct entry *e, const struct phone *p)
{
    jw_str(w, "recipient_id", e->group);
    jw_z(w, "recipient_type", "group");
    if (e->copy && p != NULL) {
        jw_str(w, "recipient_participant_id", str_slice(e->phone, 1, SIZE_MAX));
        jw_z(w, "recipient_participant_user_id", p->bsuid);
    }
}

static void status_item(struct jw *w, const struct entry *e, const struct phone *p,
                        enum status_step step, int64_t us)
{
    char seconds[24], category[80];

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(us / 1000000));
    jw_open(w, NULL, '{');
    jw_str(w, "id", group_message_id(e->id));
    jw_z(w, "status", step_name(step));
    jw_z(w, "timestamp", seconds);
    if (e->group.n > 0) {
        group_recipient(w, e, p);
    } else if (p == NULL || p->e164 != NULL) {
        jw_str(w, "recipient_id", str_slice(e->phone, 1, SIZE_MAX));
    }
    if (e->group.n == 0 && p != NULL && (step != STEP_FAILED || p->e164 == NULL)) {
        jw_z(w, "recipient_user_id", p->bsuid);
    }
    if (e->correlation.n > 0) {
        jw_str(w, "biz_opaque_callback_data", e->correlation);
    }
    if (step == STEP_SENT || step == STEP_DELIVERED) {
        bool free_window = str_eqz(e->category, "service");

        jw_open(w, "pricing", '{');
        jw_bool(w, "billable", !free_window);
        jw_z(w, "pricing_model", "PMP");
        jw_z(w, "type", free_window ? "free_customer_service" : "regular");
        snprintf(category, sizeof(category), "%s%.*s", e->group.n > 0 ? "group_" : "",
                 STR_ARG(e->category));
        jw_z(w, "category", category);
        jw_close(w, '}');
    }
    if (step == STEP_FAILED) {
        status_errors(w, e);
    }
    jw_close(w, '}');
}

void meta_hook_status(struct sandbox *sb, const struct entry *e, enum status_step step, int64_t us)
{
    struct number *n = e->number;
    const struct phone *p = phone_find(sb, e->phone);
    struct jw w;

    if (n->nstatuses > 0) {
        buf_add_char(&n->statuses, ',');
    }
    jw_init(&w, &n->statuses);
    status_item(&w, e, p, step, us);
    n->nstatuses++;
    if (p != NULL && step != STEP_FAILED) {
        if (n->contacts.n > 0) {
            buf_add_char(&n->contacts, ',');
        }
        jw_init(&w, &n->contacts);
        contact(&w, p);
    }
    if ((int64_t)n->nstatuses >= sb->timing.batch_max || n->statuses.n > BODY_MAX / 8) {
        flush(sb, index_of(sb, n));
    } else if (!n->flush_armed) {
        n->flush_armed = true;
        sched_in(sb->sched, sb->timing.batch_ms, flush, sb, index_of(sb, n));
    }
}

void meta_hook_inbound(struct sandbox *sb, const struct entry *e, struct str message_json,
                       hook_done_fn *done, void *ctx)
{
    const struct phone *p = phone_find(sb, e->phone);
    struct buf b;
    struct jw w;
    char seconds[24];

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(e->wire_us / 1000000));
    buf_init(&b, BODY_MAX);
    jw_init(&w, &b);
    meta_hook_open(&w, e->number);
    jw_open(&w, "contacts", '[');
    contact(&w, p);
    jw_close(&w, ']');
    jw_open(&w, "messages", '[');
    jw_open(&w, NULL, '{');
    if (e->quote.n > 0) {
        jw_open(&w, "context", '{');
        jw_str(&w, "from", str_slice(str_of(e->number->e164), 1, SIZE_MAX));
        jw_str(&w, "id", group_message_id(e->quote));
        jw_close(&w, '}');
    }
    if (p->e164 != NULL) {
        jw_str(&w, "from", str_slice(str_of(p->e164), 1, SIZE_MAX));
    }
    jw_z(&w, "from_user_id", p->bsuid);
    if (e->group.n > 0) {
        jw_str(&w, "group_id", e->group);
    }
    jw_str(&w, "id", e->id);
    jw_z(&w, "timestamp", seconds);
    buf_add_char(&b, ',');
    buf_add(&b, message_json);
    jw_close(&w, '}');
    jw_close(&w, ']');
    jw_close(&w, '}');
    meta_hook_value(sb, e->number, "messages", buf_str(&b), done, ctx);
    buf_fini(&b);
}
