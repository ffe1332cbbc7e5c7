/*
 * Twilio's Programmable Messaging for WhatsApp: the struct provider, the webhook's signature, the
 * probe.
 *
 * Source: Twilio, "Webhooks security" (X-Twilio-Signature); twilio-node 6.2.0, lib/webhooks.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/text.h"
#include "twilio_int.h"

#define SIGNATURE_CHARS 28
#define BODY_HASH       "bodySHA256="

/* The parts of a URL that decide what is signed: "https://", "host", ":8443" or "", "/path?query".
 */
struct url_parts {
    struct str scheme, host, port, rest;
};

static bool url_split(struct str url, struct url_parts *out)
{
    size_t colon = str_find(url, STR("://")), slash, at, end;
    struct str authority, fragment;

    if (colon == SIZE_MAX) {
        return false;
    }
    /* Connection overrides after # and user:password@ are never signed. */
    str_cut(url, '#', &url, &fragment);
    out->scheme = str_slice(url, 0, colon + 3);
    for (end = colon + 3; end < url.n && url.p[end] != '/' && url.p[end] != '?'; end++) {
    }
    authority = str_slice(url, colon + 3, end);
    out->rest = str_slice(url, end, url.n);
    for (at = str_find_char(authority, '@', 0); at != SIZE_MAX;
         at = str_find_char(authority, '@', 0)) {
        authority = str_slice(authority, at + 1, authority.n);
    }
    /* The port's colon stands behind the bracket of an IPv6 address. */
    slash = str_find_char(authority, ']', 0);
    colon = str_find_char(authority, ':', slash == SIZE_MAX ? 0 : slash);
    out->host = str_slice(authority, 0, colon == SIZE_MAX ? authority.n : colon);
    out->port = colon == SIZE_MAX ? STR("") : str_slice(authority, colon, authority.n);
    return out->host.n > 0;
}

static int by_name_and_value(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    int order = str_cmp(x->name, y->name);

    return order != 0 ? order : str_cmp(x->value, y->value);
}

/* Names in byte order, a repeated name once for each distinct value, no separators. */
static void add_form(struct hasher *h, const struct pairs *form)
{
    const struct pair *sorted[FORM_PAIRS_MAX];

    for (size_t i = 0; i < form->n; i++) {
        sorted[i] = &form->v[i];
    }
    qsort(sorted, form->n, sizeof(sorted[0]), by_name_and_value);
    for (size_t i = 0; i < form->n; i++) {
        if (i > 0 && by_name_and_value(&sorted[i - 1], &sorted[i]) == 0) {
            continue;
        }
        hasher_add(h, sorted[i]->name);
        hasher_add(h, sorted[i]->value);
    }
}

static bool signed_as(struct str auth_token, const struct url_parts *url, struct str port,
                      const struct pairs *form, struct str header)
{
    uint8_t mac[SHA1_BYTES];
    struct hasher h;
    struct buf text;
    bool ok;

    hasher_init_hmac(&h, HASH_SHA1, auth_token);
    hasher_add(&h, url->scheme);
    hasher_add(&h, url->host);
    hasher_add(&h, port);
    hasher_add(&h, url->rest);
    if (form != NULL) {
        add_form(&h, form);
    }
    hasher_done(&h, mac);
    buf_init(&text, 64);
    base64_add(&text, str_make(mac, sizeof(mac)));
    ok = str_eq_secret(buf_str(&text), header);
    buf_fini(&text);
    return ok;
}

/* A JSON body is not signed itself: its hash stands in the query, in lower-case hex, and that is
 * signed. */
static bool body_hash_ok(struct str url, struct str raw)
{
    struct str query, rest, item, ignored;
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    bool ok = false;

    str_cut(url, '#', &url, &ignored);
    if (!str_cut(url, '?', &ignored, &rest)) {
        return false;
    }
    sha256(raw, digest);
    buf_init(&hex, 128);
    hex_add(&hex, str_make(digest, sizeof(digest)));
    for (query = rest; query.n > 0; query = rest) {
        str_cut(query, '&', &item, &rest);
        if (str_starts(item, STR(BODY_HASH))) {
            ok = str_eq_secret(str_slice(item, sizeof(BODY_HASH) - 1, item.n), buf_str(&hex));
            break;
        }
    }
    buf_fini(&hex);
    return ok;
}

/*
 * For messages Twilio keeps a port that stands in the URL, voice drops it, and SDKs differ; so both
 * the URL without a port and the one with it (its own, or the scheme's) are accepted.
 */
bool twilio_signature_ok(struct str auth_token, struct str url, const struct pairs *form,
                         struct str raw_json, struct str header)
{
    struct url_parts parts;
    struct str port;

    if (header.n != SIGNATURE_CHARS || auth_token.n == 0 || !url_split(url, &parts) ||
        (form != NULL && form->n > FORM_PAIRS_MAX)) {
        return false;
    }
    if (raw_json.p != NULL) {
        if (!body_hash_ok(url, raw_json)) {
            return false;
        }
        form = NULL;
    }
    port = parts.port;
    if (port.n == 0) {
        port = str_eqz(parts.scheme, "http://") ? STR(":80") : STR(":443");
    }
    return signed_as(auth_token, &parts, STR(""), form, header) ||
           signed_as(auth_token, &parts, port, form, header);
}

/* The answer holds the auth token: it must never be logged. */
bool twilio_probe(struct arena *a, const struct sender *s, struct outgoing *out)
{
    *out = (struct outgoing){
        .method = "GET", .basic_user = s->account_sid, .basic_password = s->auth_token};
    out->url = arena_printf(a, "%.*s/" TWILIO_API_VERSION "/Accounts/%.*s.json",
                            STR_ARG(s->api_base), STR_ARG(s->account_sid));
    return true;
}

const struct provider provider_twilio = {
    .name = "twilio",
    .kind = PROVIDER_TWILIO,
    .parse = twilio_parse,
    .check = twilio_check,
    .build = twilio_build,
    .outcome = twilio_outcome,
    .error_find = twilio_error_find,
    .probe = twilio_probe,
};
