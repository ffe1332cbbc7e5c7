/*
 * Meta's WhatsApp Cloud API: the struct provider, the webhook's signature and handshake, the probe.
 * Source: Graph API, Webhooks, "Getting started" (handshake) and "Validate payloads" (signature).
 */
#include "base/buf.h"
#include "base/text.h"
#include "meta_int.h"

#define SIGNATURE_PREFIX "sha256="
#define CHALLENGE_MAX    128

/*
 * Meta signs the raw body with the App Secret as text (not hex-decoded) and prints lower-case hex.
 * The older X-Hub-Signature (sha1=) may come too and is never fallen back to.
 */
bool meta_signature_parse(struct str header, uint8_t mac[32])
{
    struct str hex = str_slice(header, sizeof(SIGNATURE_PREFIX) - 1, header.n);

    if (!str_starts(header, STR(SIGNATURE_PREFIX)) || hex.n != 64) {
        return false;
    }
    for (size_t i = 0; i < hex.n; i++) {
        char c = hex.p[i];
        unsigned nibble = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;

        if (nibble > 15 || (c > '9' && c < 'a')) {
            return false;
        }
        mac[i / 2] = (uint8_t)(i % 2 == 0 ? nibble << 4 : mac[i / 2] | nibble);
    }
    return true;
}

/*
 * The challenge is Meta's random text, in practice digits. It is echoed, so only what cannot be
 * taken for anything else is let through.
 */
static bool challenge_ok(struct str s)
{
    if (s.n == 0 || s.n > CHALLENGE_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

int meta_handshake(const struct pairs *query, const struct str *tokens, size_t ntokens,
                   struct str *challenge)
{
    struct str token = pairs_get(query, STR("hub.verify_token"));
    struct str text = pairs_get(query, STR("hub.challenge"));
    bool known = false;

    /* All are compared, so that the time does not tell which one was near. */
    for (size_t i = 0; i < ntokens; i++) {
        known |= tokens[i].n > 0 && str_eq_secret(tokens[i], token);
    }
    if (!known || !str_eqz(pairs_get(query, STR("hub.mode")), "subscribe")) {
        return 403;
    }
    if (!challenge_ok(text)) {
        return 400;
    }
    *challenge = text;
    return 200;
}

bool meta_probe(struct arena *a, const struct sender *s, struct outgoing *out)
{
    *out = (struct outgoing){.method = "GET"};
    out->url = arena_printf(a, "%.*s/%.*s/%.*s?fields=id,status", STR_ARG(s->api_base),
                            STR_ARG(s->api_version), STR_ARG(s->phone_number_id));
    out->headers[out->nheaders++] = (struct pair){
        STR("Authorization"), arena_printf(a, "Bearer %.*s", STR_ARG(s->access_token))};
    return true;
}

const struct provider provider_meta = {
    .name = "meta",
    .kind = PROVIDER_META,
    .parse = meta_parse,
    .check = meta_check,
    .build = meta_build,
    .outcome = meta_outcome,
    .error_find = meta_error_find,
    .probe = meta_probe,
};
