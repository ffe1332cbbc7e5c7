/*
 * The way to a file that a person sent; see the header.
 *
 * Source: Cloud API, "Media" (an address needs the token, and the host lookaside.fbsbx.com);
 * Twilio, "Media resource" (Basic auth, then a redirect to a signed address that refuses
 * credentials).
 */
#include "providers/fetch.h"

#include "base/json.h"
#include "provider_int.h"

#define URL_BYTES_MAX 4096

static bool bad_url(struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID, "address of the file %s", why);
}

/*
 * Scheme, host and port of @url; false for anything that libraries read in different ways: user
 * names, backslashes, blanks, bytes outside ASCII.
 */
static bool origin_of(struct str url, struct str *scheme, struct str *host, struct str *origin)
{
    size_t at = str_find(url, STR("://")), end, colon;
    struct str authority;

    if (at == SIZE_MAX || url.n > URL_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '\\') {
            return false;
        }
    }
    for (end = at + 3; end < url.n && strchr("/?#", url.p[end]) == NULL; end++) {
    }
    authority = str_slice(url, at + 3, end);
    if (authority.n == 0 || str_find_char(authority, '@', 0) != SIZE_MAX) {
        return false;
    }
    colon = str_find_char(authority, ':', 0);
    *scheme = str_slice(url, 0, at);
    *host = str_slice(authority, 0, colon == SIZE_MAX ? authority.n : colon);
    *origin = str_slice(url, 0, end);
    return true;
}

/* At the configured API itself (a simulator, a proxy), or https at a host under one of @hosts. */
static bool url_allowed(struct str url, struct str api_base, const char *const *hosts,
                        size_t nhosts)
{
    struct str scheme, host, origin, api_scheme, api_host, api_origin;

    if (!origin_of(url, &scheme, &host, &origin)) {
        return false;
    }
    if (origin_of(api_base, &api_scheme, &api_host, &api_origin) && str_ieq(origin, api_origin)) {
        return true;
    }
    if (!str_ieq(scheme, STR("https")) || origin.n != scheme.n + 3 + host.n) {
        return false; /* http, or a port of its own */
    }
    for (size_t i = 0; i < nhosts; i++) {
        struct str suffix = str_of(hosts[i]);

        if (host.n > suffix.n && str_ieq(str_slice(host, host.n - suffix.n, host.n), suffix)) {
            return true;
        }
    }
    return false;
}

bool fetch_from_api(const struct sender *s, struct str url)
{
    return url_allowed(url, s->api_base, NULL, 0);
}

bool fetch_needs_place(const struct sender *s)
{
    return s->provider == PROVIDER_META;
}

static void put_token(struct arena *a, const struct sender *s, struct outgoing *out)
{
    out->headers[out->nheaders++] = (struct pair){
        STR("Authorization"), arena_printf(a, "Bearer %.*s", STR_ARG(s->access_token))};
}

bool fetch_locate(struct arena *a, const struct sender *s, const struct inbound *in,
                  struct outgoing *out, struct err *err)
{
    int64_t id;

    /* Ids are decimal; anything else would change the path. */
    if (in->media.id.n == 0 || in->media.id.n > 64) {
        return err_set(err, ERR_INVALID, "message has no file");
    }
    for (size_t i = 0; i < in->media.id.n; i++) {
        if (!str_to_i64(str_slice(in->media.id, i, i + 1), 0, 9, &id)) {
            return err_set(err, ERR_INVALID, "id of the file is no number");
        }
    }
    *out = (struct outgoing){.method = "GET"};
    out->url =
        arena_printf(a, "%.*s/%.*s/%.*s?phone_number_id=%.*s", STR_ARG(s->api_base),
                     STR_ARG(s->api_version), STR_ARG(in->media.id), STR_ARG(s->phone_number_id));
    put_token(a, s, out);
    return true;
}

static bool not_located(struct arena *a, int status, struct str body, struct err *err)
{
    struct outcome o;

    provider_meta.outcome(a, status, body, 0, NULL, &o);
    /* 100/33 of a medium: expired, or of another number. It says nothing about the sender. */
    if (o.code == 100 || status == 404) {
        return err_set(err, ERR_NOT_FOUND, "file has expired or belongs to another number");
    }
    if (o.cls == OUTCOME_NOT_SENT || o.cls == OUTCOME_AMBIGUOUS || o.cls == OUTCOME_THROTTLED) {
        return err_set(err, ERR_NET_NOT_SENT, "provider answered %d: %.*s", status,
                       STR_ARG(o.title));
    }
    return err_set(err, ERR_PROVIDER, "provider answered %d: %.*s", status, STR_ARG(o.title));
}

bool fetch_located(struct arena *a, int status, struct str body, struct fetch_place *out,
                   struct err *err)
{
    struct json *j = NULL;
    struct str url, bytes;

    if (status != 200 || !json_parse(body, ANSWER_BYTES_MAX, &j, NULL) ||
        json_get_str(j, "url").n == 0) {
        json_free(&j);
        return not_located(a, status, body, err);
    }
    url = json_get_str(j, "url");
    *out = (struct fetch_place){.url = arena_dup(a, url),
                                .mime = arena_dup(a, json_get_str(j, "mime_type")),
                                .sha256_hex = arena_dup(a, json_get_str(j, "sha256"))};
    /* A number in traffic, a text in the documentation. */
    bytes = json_get_text(j, "file_size", a);
    if (!str_to_i64(bytes, 0, INT64_MAX, &out->bytes)) {
        out->bytes = 0;
    }
    json_free(&j);
    return true;
}

/* https://api.twilio.com/2010-04-01/Accounts/{ours}/Messages/{id}/Media/{id}, and nothing behind
 * it. */
static bool is_twilio_medium(struct arena *a, const struct sender *s, struct str url)
{
    struct str prefix = arena_printf(a, "%.*s/2010-04-01/Accounts/%.*s/Messages/",
                                     STR_ARG(s->api_base), STR_ARG(s->account_sid));
    struct str rest = str_slice(url, prefix.n, url.n);
    size_t slashes = 0;

    if (!str_starts(url, prefix) || str_find(rest, STR("/Media/")) == SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];

        slashes += c == '/';
        if (c != '/' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
            !(c >= 'A' && c <= 'Z')) {
            return false;
        }
    }
    return slashes == 2 && rest.p[rest.n - 1] != '/';
}

bool fetch_file(struct arena *a, const struct sender *s, struct str url, struct outgoing *out,
                struct err *err)
{
    static const char *const hosts[] = {".fbsbx.com", ".fbcdn.net"};

    if (s->provider == PROVIDER_TWILIO) {
        if (!is_twilio_medium(a, s, url)) {
            return bad_url(err, "is none of this Twilio account");
        }
        *out = (struct outgoing){.method = "GET",
                                 .url = arena_dup(a, url),
                                 .basic_user = s->account_sid,
                                 .basic_password = s->auth_token};
        return true;
    }
    if (!url_allowed(url, s->api_base, hosts, ARRAY_LEN(hosts))) {
        return bad_url(err, "is none of Meta");
    }
    *out = (struct outgoing){.method = "GET", .url = arena_dup(a, url)};
    put_token(a, s, out);
    return true;
}

bool fetch_redirect(struct arena *a, const struct sender *s, struct str location,
                    struct outgoing *out, struct err *err)
{
    static const char *const hosts[] = {".twiliocdn.com", ".twilio.com", ".amazonaws.com"};

    if (s->provider != PROVIDER_TWILIO) {
        return bad_url(err, "is a redirect, which Meta does not give");
    }
    if (!url_allowed(location, s->api_base, hosts, ARRAY_LEN(hosts))) {
        return bad_url(err, "leads away from Twilio");
    }
    *out = (struct outgoing){.method = "GET", .url = arena_dup(a, location)};
    return true;
}
