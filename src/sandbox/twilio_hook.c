/* What Twilio posts: forms, signed over the URL and the sorted parameters. */
#include <stdlib.h>

#include "base/crypto.h"
#include "twilio.h"

#define FORM_MAX 40

struct form {
    struct pair v[FORM_MAX];
    size_t n;
};

static void add(struct form *f, const char *name, struct str value)
{
    if (f->n < FORM_MAX) {
        f->v[f->n++] = (struct pair){str_of(name), value};
    }
}

static int by_name(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = str_cmp(x->name, y->name);

    return c != 0 ? c : str_cmp(x->value, y->value);
}

static void sign(const struct number *n, struct str url, const struct form *f, struct buf *out)
{
    struct form sorted = *f;
    struct buf text;
    uint8_t mac[SHA1_BYTES];

    buf_init(&text, 1 << 20);
    buf_add(&text, url);
    qsort(sorted.v, sorted.n, sizeof(sorted.v[0]), by_name);
    for (size_t i = 0; i < sorted.n; i++) {
        /* Distinct values only: the same name and value twice count once. */
        if (i == 0 || by_name(&sorted.v[i - 1], &sorted.v[i]) != 0) {
            buf_add(&text, sorted.v[i].name);
            buf_add(&text, sorted.v[i].value);
        }
    }
    hmac_sha1(str_of(n->token), buf_str(&text), mac);
    base64_add(out, str_make(mac, sizeof(mac)));
    buf_fini(&text);
}

/* application/x-www-form-urlencoded as Twilio writes it: blanks as '+', all else that is not safe
 * as %XX. */
static void encode(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ') {
            buf_add_char(out, '+');
        } else {
            percent_add(out, str_slice(s, i, i + 1));
        }
    }
}

/* Scheme, host, port, path and query as configured; no fragment and no user info. */
static struct str signed_url(struct arena *a, struct str url)
{
    struct str head, tail, rest;
    size_t scheme = str_find(url, STR("://")), at, slash;

    str_cut(url, '#', &head, &tail);
    if (scheme == SIZE_MAX) {
        return head;
    }
    rest = str_slice(head, scheme + 3, head.n);
    at = str_find_char(rest, '@', 0);
    slash = str_find_char(rest, '/', 0);
    if (at == SIZE_MAX || (slash != SIZE_MAX && slash < at)) {
        return head;
    }
    return arena_printf(a, "%.*s://%.*s", (int)scheme, head.p,
                        STR_ARG(str_slice(rest, at + 1, rest.n)));
}

static void post(struct sandbox *sb, const struct number *n, struct str url, const struct form *f,
                 hook_done_fn *done, void *ctx)
{
    struct arena *a = arena_new();
    struct buf body, signature;
    struct hook_spec spec = {.dialect = DIALECT_TWILIO, .url = url};

    buf_init(&body, 1 << 20);
    buf_init(&signature, 64);
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0) {
            buf_add_char(&body, '&');
        }
        encode(&body, f->v[i].name);
        buf_add_char(&body, '=');
        encode(&body, f->v[i].value);
    }
    sign(n, signed_url(a, url), f, &signature);
    spec.body = buf_str(&body);
    spec.headers[spec.nheaders++] =
        (struct pair){STR("Content-Type"), STR("application/x-www-form-urlencoded; charset=utf-8")};
    spec.headers[spec.nheaders++] = (struct pair){STR("User-Agent"), STR("TwilioProxy/1.1")};
    spec.headers[spec.nheaders++] = (struct pair){STR("X-Twilio-Signature"), buf_str(&signature)};
    spec.headers[spec.nheaders++] =
        (struct pair){STR("I-Twilio-Idempotency-Token"), id_sid(sb, a, "")};
    spec.headers[spec.nheaders++] = (struct pair){STR("Accept"), STR("*/*")};
    hooks_post(sb->hooks, &spec, done, ctx);
    buf_fini(&body);
    buf_fini(&signature);
    arena_free(&a);
}

static struct str address(struct arena *a, struct str who)
{
    return arena_printf(a, "whatsapp:%.*s", (int)who.n, who.p != NULL ? who.p : "");
}

static const char *channel_text(int64_t code)
{
    static const struct {
        int64_t code;
        const char *text;
    } texts[] = {
        {63016, "470 Message failed to send because more than 24 hours have passed since the "
                "customer last "
                "replied"                 },
        {63018, "429 Rate limit hit"                     },
        {63024, "1026 Receiver incapable of this message"},
        {63003, "1013 User is not valid"                 },
        {63019, "400 Media failed to download"           },
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return "Channel provider error";
}

void twilio_hook_status(struct sandbox *sb, const struct entry *e, enum status_step step)
{
    static const char *const words[] = {"queued", "sent", "delivered", "read", "failed"};
    static const char *const events[] = {NULL, NULL, "DELIVERED", "READ", NULL};
    const struct phone *p = phone_find(sb, e->phone);
    struct str url = e->callback.n > 0 ? e->callback : str_of(e->number->status_url);
    bool sms = e->sms_from.n > 0;
    bool undelivered =
        step == STEP_FAILED && e->error_code != 63016 && (sms || e->error_code >= 63000);
    struct str word = undelivered ? STR("undelivered") : str_of(words[step]);
    struct arena *a = arena_new();
    struct form f = {.n = 0};

    if (url.n == 0) {
        arena_free(&a);
        return;
    }
    if (step == STEP_FAILED && !sms) {
        add(&f, "ChannelStatusMessage", str_of(channel_text(e->error_code)));
    }
    if (step == STEP_FAILED) {
        add(&f, "ErrorCode", arena_printf(a, "%lld", (long long)e->error_code));
    }
    if (undelivered) {
        add(&f, "EventType", STR("UNDELIVERED"));
    } else if (events[step] != NULL) {
        add(&f, "EventType", str_of(events[step]));
    }
    add(&f, "SmsSid", e->id);
    add(&f, "SmsStatus", word);
    add(&f, "MessageStatus", word);
    if (!sms) {
        add(&f, "ChannelToAddress", e->phone);
        add(&f, "ChannelPrefix", STR("whatsapp"));
        add(&f, "ChannelInstallSid", str_of(e->number->id));
    }
    add(&f, "To", sms ? e->phone : address(a, e->phone));
    add(&f, "MessageSid", e->id);
    add(&f, "AccountSid", str_of(e->number->account));
    if (step == STEP_SENT) {
        add(&f, "StructuredMessage", STR("false"));
    }
    if (p != NULL && !sms) {
        add(&f, "ExternalUserId", address(a, str_of(p->bsuid)));
    }
    add(&f, "From", sms ? e->sms_from : address(a, str_of(e->number->e164)));
    add(&f, "ApiVersion", STR("2010-04-01"));
    post(sb, e->number, url, &f, NULL, NULL);
    arena_free(&a);
}

/* Redundant copies of other fields as a JSON text; Twilio sends them, so do we. */
static struct str metadata(struct arena *a, const struct phone *p, const struct pair *more,
                           size_t nmore)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 65536);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_z(&w, "type", "whatsapp");
    jw_open(&w, "data", '{');
    jw_open(&w, "context", '{');
    for (size_t i = 0; i < nmore; i++) {
        static const char *const copied[] = {"ButtonText", "Forwarded", "FrequentlyForwarded",
                                             "Address",    "Label",     "Latitude",
                                             "Longitude"};

        for (size_t k = 0; k < ARRAY_LEN(copied); k++) {
            if (str_eqz(more[i].name, copied[k])) {
                jw_str(&w, copied[k], more[i].value);
            }
        }
    }
    jw_z(&w, "ProfileName", p->name);
    if (p->e164 != NULL) {
        jw_str(&w, "WaId", str_slice(str_of(p->e164), 1, SIZE_MAX));
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    jw_close(&w, '}');
    struct str out = arena_dup(a, buf_str(&b));

    buf_fini(&b);
    return out;
}

void twilio_hook_inbound(struct sandbox *sb, const struct entry *e, const char *message_type,
                         const struct pair *more, size_t nmore, hook_done_fn *done, void *ctx)
{
    const struct phone *p = phone_find(sb, e->phone);
    struct arena *a = arena_new();
    struct form f = {.n = 0};
    bool has_body = false, has_media = false;

    if (e->quote.n > 0) {
        add(&f, "OriginalRepliedMessageSender", address(a, str_of(e->number->e164)));
        add(&f, "OriginalRepliedMessageSid", e->quote);
    }
    for (size_t i = 0; i < nmore && f.n < FORM_MAX - 20; i++) {
        f.v[f.n++] = more[i];
        has_body = has_body || str_eqz(more[i].name, "Body");
        has_media = has_media || str_eqz(more[i].name, "MediaUrl0");
    }
    add(&f, "ExternalUserId", address(a, str_of(p->bsuid)));
    add(&f, "SmsMessageSid", e->id);
    add(&f, "NumMedia", has_media ? STR("1") : STR("0"));
    add(&f, "ProfileName", str_of(p->name));
    add(&f, "MessageType", str_of(message_type));
    add(&f, "SmsSid", e->id);
    if (p->e164 != NULL) {
        add(&f, "WaId", str_slice(str_of(p->e164), 1, SIZE_MAX));
    }
    add(&f, "SmsStatus", STR("received"));
    if (!has_body) {
        add(&f, "Body", STR(""));
    }
    add(&f, "To", address(a, str_of(e->number->e164)));
    add(&f, "NumSegments", STR("1"));
    add(&f, "ReferralNumMedia", STR("0"));
    add(&f, "MessageSid", e->id);
    add(&f, "AccountSid", str_of(e->number->account));
    add(&f, "ChannelMetadata", metadata(a, p, more, nmore));
    add(&f, "From", address(a, phone_address(p)));
    add(&f, "ApiVersion", STR("2010-04-01"));
    post(sb, e->number, str_of(e->number->inbound_url), &f, done, ctx);
    arena_free(&a);
}
