/* web_form: what a page is sent, where it comes from, and cookies. */
#include "web.h"

#define COOKIES_MAX 64 /* of a header that others may fill too */

/* ---- fields ---- */

static bool is_form(struct request *r)
{
    struct str head, rest;

    str_cut(http_req_header(r->http, STR("Content-Type")), ';', &head, &rest);
    return str_ieq(str_trim(head), STR("application/x-www-form-urlencoded"));
}

bool web_form_read(struct request *r, struct web_form *f)
{
    *f = (struct web_form){0};
    if (!is_form(r)) {
        f->json = request_json(r);
        return f->json != NULL;
    }
    if (form_parse(r->a, http_req_body(r->http), &f->pairs, &r->err)) {
        return true;
    }
    reply_error(r, &r->err);
    return false;
}

static bool get_json(const struct web_form *f, struct request *r, const char *name, struct str *out)
{
    const struct json *v = json_get(f->json, name);

    switch (json_kind(v)) {
    case JSON_NONE:
        return false;
    case JSON_BOOL:
        *out = json_as_bool(v, false) ? STR("on") : STR("off");
        return true;
    case JSON_STRING:
    case JSON_INT:
        *out = arena_dup(r->a, str_trim(json_get_text(f->json, name, r->a)));
        return true;
    default:
        *out = STR("");
        return true;
    }
}

bool web_form_get(const struct web_form *f, struct request *r, const char *name, struct str *out)
{
    if (f->json != NULL) {
        return get_json(f, r, name, out);
    }
    for (size_t i = 0; i < f->pairs.n; i++) {
        if (str_eqz(f->pairs.v[i].name, name)) {
            *out = str_trim(f->pairs.v[i].value);
            return true;
        }
    }
    return false;
}

/* ---- where it comes from ---- */

/* "https://wa.example.com/x" -> "https://wa.example.com": as browsers write it, without the usual
 * port. */
static struct str origin_of(struct str url)
{
    bool https = str_starts(url, STR("https://"));
    size_t from = https ? 8 : 7, end = str_find_char(url, '/', from);
    struct str port = https ? STR(":443") : STR(":80");

    url = str_slice(url, 0, end);
    return str_ends(url, port) ? str_slice(url, 0, url.n - port.n) : url;
}

struct str web_token(struct request *r, struct str secret)
{
    return vault_hash_arena(r->who.tenant->vault, r->a, "csrf", secret);
}

bool web_origin_ok(struct request *r, bool needed, struct err *err)
{
    struct str origin = http_req_header(r->http, STR("Origin"));
    struct str ours = origin_of(r->app->settings->public_url);
    size_t n = http_req_header_count(r->http, STR("Origin"));

    return (n == 0 && !needed) || (n == 1 && str_ieq(origin, ours)) ||
           err_set(err, ERR_FORBIDDEN, "the form comes from \"%.*s\"; this page is at %.*s",
                   STR_ARG(str_slice(origin, 0, 60)), STR_ARG(str_slice(ours, 0, 100)));
}

bool web_is_ours(struct request *r, const struct web_form *f, struct str token, struct err *err)
{
    struct str given = http_req_header(r->http, STR("X-CSRF-Token"));

    if (!web_origin_ok(r, true, err)) {
        return false;
    }
    if (given.n == 0) {
        web_form_get(f, r, "csrf_token", &given);
    }
    if (given.n == 0 || !str_eq_secret(given, token)) {
        err_set(err, ERR_FORBIDDEN, "csrf_token is missing, or not that of this session");
        return err_member(err, "csrf_token");
    }
    return true;
}

bool web_is_preview(struct request *r)
{
    static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Moz"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_starts(http_req_header(r->http, str_of(names[i])), STR("prefetch"))) {
            return true;
        }
    }
    return str_eqz(http_req_method(r->http), "HEAD");
}

bool web_is_wanted(struct request *r)
{
    struct str accept = http_req_header(r->http, STR("Accept"));
    struct str type = http_req_header(r->http, STR("Content-Type"));

    return (r->route->flags & ROUTE_PAGE) != 0 &&
           (str_find(accept, STR("text/html")) != SIZE_MAX ||
            (str_find(accept, STR("json")) == SIZE_MAX && str_find(type, STR("json")) == SIZE_MAX));
}

/* ---- cookies ---- */

struct str web_cookie(struct request *r, const char *name)
{
    struct str rest = http_req_header(r->http, STR("Cookie")), item, key, value;

    for (size_t i = 0; rest.n > 0 && i < COOKIES_MAX; i++) {
        str_cut(rest, ';', &item, &rest);
        if (str_cut(str_trim(item), '=', &key, &value) && str_eqz(key, name)) {
            return value;
        }
    }
    return STR_NONE;
}

/* The path of the public URL, without a slash at the end: "" or "/wa". */
static struct str path_of(struct str url)
{
    struct str origin = str_slice(url, 0, str_find_char(url, '/', 8));

    return str_slice(url, origin.n, url.n);
}

struct str web_cookie_set(struct request *r, const char *name, struct str value)
{
    struct str url = r->app->settings->public_url;

    return arena_printf(r->a, "%s=%.*s; Path=%.*s/whatsapp; HttpOnly; SameSite=Strict%s", name,
                        STR_ARG(value), STR_ARG(path_of(url)),
                        str_starts(url, STR("https:")) ? "; Secure" : "");
}

void web_go(struct request *r, struct str where)
{
    const struct http_field location = {"Location", where};

    reply_with(r, 303, NULL, STR_NONE, &location, 1);
}
