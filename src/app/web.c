/* web: the frame of a page, its fields, and the page that says what went wrong. */
#include "web.h"

#include "base/embed.h"
#include "base/text.h"

#include <stdio.h>

#define WEB_BYTES_MAX ((size_t)1 << 20)
#define DIGEST_CHARS  12

extern const struct embedded app_pages[]; /* src/app/pages, compiled in */

/* ---- files ---- */

/* Part of the address: so a file may be kept for good, and a new version is another file. */
static struct str digest_of(struct arena *a, struct str bytes)
{
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    struct str out;

    sha256(bytes, digest);
    buf_init(&hex, 2 * SHA256_BYTES + 1);
    hex_add(&hex, str_make(digest, DIGEST_CHARS / 2));
    out = arena_dup(a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

void web_static(struct request *r)
{
    static const struct {
        const char *file, *type;
    } files[] = {
        {"page.css", "text/css; charset=utf-8"},
        {"icon.svg", "image/svg+xml"          },
    };

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct str bytes = embed_find(app_pages, str_of(files[i].file));
        bool exact;
        struct http_field cache;

        if (!str_eqz(r->args[0], files[i].file)) {
            continue;
        }
        exact = str_eq(request_param(r, "v"), digest_of(r->a, bytes));
        cache = (struct http_field){
            "Cache-Control", exact ? STR("public, max-age=31536000, immutable") : STR("no-cache")};
        reply_with(r, 200, files[i].type, bytes, &cache, 1);
        return;
    }
    err_set(&r->err, ERR_NOT_FOUND, "there is no file \"%.*s\"",
            STR_ARG(str_slice(r->args[0], 0, 60)));
    reply_error(r, &r->err);
}

static struct str address_of(struct web *p, const char *file)
{
    struct str bytes = embed_find(app_pages, str_of(file));

    return arena_printf(p->r->a, "../static/%s?v=%.*s", file, STR_ARG(digest_of(p->r->a, bytes)));
}

/* ---- the frame ---- */

const struct lang *web_speaks(const struct i18n *i18n, struct str tag)
{
    const struct lang *l = i18n_lang(i18n, tag, STR("en"));
    struct str code = lang_code(l);

    return str_ieq(str_slice(tag, 0, code.n), code) && (tag.n == code.n || tag.p[code.n] == '-')
               ? l
               : NULL;
}

/* "es-MX,es;q=0.9,en;q=0.8": browsers name what they like best first. */
static const struct lang *lang_of_browser(struct request *r)
{
    struct str rest = http_req_header(r->http, STR("Accept-Language")), item, q;
    const struct lang *l = NULL;

    while (l == NULL && rest.n > 0) {
        str_cut(rest, ',', &item, &rest);
        str_cut(item, ';', &item, &q);
        l = web_speaks(r->app->i18n, str_trim(item));
    }
    return l != NULL
               ? l
               : i18n_lang(r->app->i18n,
                           r->who.tenant != NULL ? r->who.tenant->conf->default_language : STR_NONE,
                           STR("en"));
}

void web_init(struct web *p, struct request *r, const struct user *u)
{
    const struct tenant *t = r->who.tenant;

    *p = (struct web){.r = r, .timezone = STR("UTC")};
    p->l = u != NULL ? i18n_lang(r->app->i18n, u->language, t->conf->default_language)
                     : lang_of_browser(r);
    if (u != NULL) {
        p->timezone = u->timezone.n > 0 ? u->timezone : t->conf->timezone;
    }
}

static void head(struct web *p, struct str title)
{
    struct html *h = &p->h;

    html_tag(h, "head");
    html_tag(h, "meta");
    html_attrz(h, "charset", "utf-8");
    html_tag(h, "meta");
    html_attrz(h, "name", "viewport");
    html_attrz(h, "content", "width=device-width, initial-scale=1");
    html_tag(h, "meta");
    html_attrz(h, "name", "robots");
    html_attrz(h, "content", "noindex");
    html_line(h, "title", NULL, title);
    html_tag(h, "link");
    html_attrz(h, "rel", "stylesheet");
    html_attr(h, "href", address_of(p, "page.css"));
    html_tag(h, "link");
    html_attrz(h, "rel", "icon");
    html_attr(h, "href", address_of(p, "icon.svg"));
    html_end(h);
}

void web_begin(struct web *p, struct str company, const char *title_key)
{
    struct str title = WEB_WORD(p, title_key);
    struct html *h = &p->h;

    buf_fini(&p->r->out);
    buf_init(&p->r->out, WEB_BYTES_MAX);
    html_init(h, &p->r->out);
    html_tag(h, "html");
    html_attr(h, "lang", lang_code(p->l));
    html_attrz(h, "dir", lang_is_rtl(p->l) ? "rtl" : "ltr");
    head(p, title);
    html_tag(h, "body");
    html_tag(h, "main");
    html_tag(h, "header");
    if (company.n > 0) {
        html_tag(h, "p");
        html_attrz(h, "class", "company");
        html_line(h, "bdi", NULL, company);
        html_end(h);
    }
    html_line(h, "h1", NULL, title);
    html_end(h);
}

/*
 * Nothing but our own style and pictures; forms go to us alone. With "no-referrer" browsers say
 * that a form comes from the origin "null"; "same-origin" names ours, and tells others as little.
 */
static const struct http_field web_fields[] = {
    {"Content-Security-Policy",
     {"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
      "frame-ancestors 'none'",
      113}                                         },
    {"Referrer-Policy",         {"same-origin", 11}},
};

void web_end(struct web *p, int status)
{
    struct request *r = p->r;
    struct http_field fields[ARRAY_LEN(web_fields) + 1];
    size_t n = ARRAY_LEN(web_fields);

    html_fini(&p->h);
    if (!buf_ok(&r->out)) {
        err_set(&r->err, ERR_INTERNAL, "the page is larger than %zu bytes", WEB_BYTES_MAX);
        buf_reset(&r->out);
        reply_with(r, 500, "text/plain", str_of(r->err.msg), NULL, 0);
        return;
    }
    memcpy(fields, web_fields, sizeof(web_fields));
    if (status == 503 || status == 429) {
        fields[n++] = (struct http_field){
            "Retry-After",
            arena_printf(r->a, "%lld",
                         (long long)(r->err.retry_after_s > 0 ? r->err.retry_after_s : 1))};
    }
    reply_with(r, status, "text/html; charset=utf-8", buf_str(&r->out), fields, n);
}

/* ---- fields ---- */

void web_trouble(struct web *p)
{
    struct html *h = &p->h;

    html_tag(h, "p");
    html_attrz(h, "class", "notice bad");
    html_attrz(h, "role", "alert");
    html_text(h, WEB_WORD(p, "page.errors"));
    html_end(h);
}

void web_label(struct web *p, const char *id, const char *label_key)
{
    html_tag(&p->h, "label");
    html_attrz(&p->h, "for", id);
    html_text(&p->h, WEB_WORD(p, label_key));
    html_end(&p->h);
}

void web_field(struct web *p, const char *tag, const char *id, const char *note_id,
               const char *error)
{
    struct html *h = &p->h;
    struct str about = str_of(note_id);

    html_tag(h, tag);
    html_attrz(h, "id", id);
    html_attrz(h, "name", id);
    if (error != NULL) {
        about = arena_printf(p->r->a, "%s_error%s%s", id, note_id != NULL ? " " : "",
                             note_id != NULL ? note_id : "");
        html_attrz(h, "aria-invalid", "true");
        html_flag(h, "autofocus", true);
    }
    if (about.n > 0) {
        html_attr(h, "aria-describedby", about);
    }
}

void web_error(struct web *p, const char *id, const char *error)
{
    if (error == NULL) {
        return;
    }
    html_tag(&p->h, "p");
    html_attrz(&p->h, "class", "error");
    html_attr(&p->h, "id", arena_printf(p->r->a, "%s_error", id));
    html_text(&p->h, WEB_WORD(p, error));
    html_end(&p->h);
}

void web_hidden(struct web *p, const char *name, struct str value)
{
    html_tag(&p->h, "input");
    html_attrz(&p->h, "type", "hidden");
    html_attrz(&p->h, "name", name);
    html_attr(&p->h, "value", value);
}

void web_button(struct web *p, const char *label_key)
{
    html_tag(&p->h, "button");
    html_attrz(&p->h, "type", "submit");
    html_text(&p->h, WEB_WORD(p, label_key));
    html_end(&p->h);
}

/* ---- what went wrong ---- */

/* The command, in the language of the page. */
static struct str settings_word(const struct web *p)
{
    return i18n_word(p->l, "commands.settings", 0);
}

/* Tapping it opens the chat with the word typed in. */
static void offer_chat(struct web *p)
{
    const struct tenant *t = p->r->who.tenant;
    const struct settings *all = p->r->app->settings;
    const struct tenant_settings *conf = t != NULL            ? t->conf
                                         : all->ntenants == 1 ? &all->tenants[0]
                                                              : NULL;
    const struct sender *s = conf == NULL ? NULL : tenant_sender_for(conf, STR_NONE, STR_NONE);
    struct buf url;

    if (s == NULL) {
        return;
    }
    buf_init(&url, 512);
    buf_addf(&url, "https://wa.me/%.*s?text=", STR_ARG(str_slice(s->number, 1, s->number.n)));
    percent_add(&url, settings_word(p));
    html_tag(&p->h, "p");
    html_tag(&p->h, "a");
    html_attrz(&p->h, "class", "button");
    html_attr(&p->h, "href", buf_str(&url));
    buf_fini(&url);
    html_text(&p->h, WEB_WORD(p, "page.over.open"));
    html_end(&p->h);
    html_end(&p->h);
}

void web_problem(struct request *r, const struct err *err)
{
    bool over = err->code == ERR_FORBIDDEN, later = err_status(err->code) >= 500;
    struct web p;

    web_init(&p, r, r->session != NULL ? r->session->user : NULL);
    web_begin(&p, r->who.tenant != NULL ? r->who.tenant->conf->name : STR_NONE,
              over ? "page.over.title" : "page.trouble.title");
    html_line(&p.h, "p", NULL,
              over    ? WEB_WORD(&p, "page.over.text", ARG_S("word", settings_word(&p)))
              : later ? WEB_WORD(&p, "page.trouble.later")
                      : WEB_WORD(&p, "page.trouble.text"));
    if (over) {
        offer_chat(&p);
    } else if (!later) {
        html_line(&p.h, "p", "detail", str_of(err->msg));
    }
    web_end(&p, err_status(err->code));
}
