/*
 * web_settings: /whatsapp/settings: what reaches a person, when, and in which language. Opened by
 * the link that SETTINGS sends, once; from then on by the session that it made.
 */
#include "web_settings.h"

#include "domain/link.h"

#define ZONES_MAX 600

unsigned settings_on(const struct user *u)
{
    return (u->opted_out & OPTED_OUT_ALL) != 0 ? 0 : ALL_CLASSES & ~(u->off | u->opted_out);
}

struct str settings_language(struct request *r, const struct user *u)
{
    return lang_code(i18n_lang(r->app->i18n, u->language, r->who.tenant->conf->default_language));
}

static struct str clock_text(struct request *r, bool set, int32_t minutes)
{
    return set ? arena_printf(r->a, "%02d:%02d", minutes / 60, minutes % 60) : STR("");
}

struct settings_values settings_values_of(struct request *r, const struct user *u)
{
    return (struct settings_values){.on = settings_on(u),
                                    .language = settings_language(r, u),
                                    .timezone = u->timezone,
                                    .from = clock_text(r, u->has_quiet, u->quiet_from_min),
                                    .to = clock_text(r, u->has_quiet, u->quiet_to_min)};
}

/* ---- the page ---- */

static void show_class(struct web *p, enum user_class c, bool on)
{
    const char *name = user_class_name(c);
    struct html *h = &p->h;

    html_tag(h, "div");
    html_attrz(h, "class", "switch");
    web_label(p, name, arena_printf(p->r->a, "name.class.%s", name).p);
    web_field(p, "input", name, c == CLASS_EMERGENCY ? "emergency_note" : NULL, NULL);
    html_attrz(h, "type", "checkbox");
    html_flag(h, "checked", on);
    if (c == CLASS_EMERGENCY) {
        html_tag(h, "p");
        html_attrz(h, "class", "note");
        html_attrz(h, "id", "emergency_note");
        html_text(h, WEB_WORD(p, "page.settings.emergency"));
        html_end(h);
    }
    html_end(h);
}

static void show_classes(struct web *p, unsigned on)
{
    html_tag(&p->h, "fieldset");
    html_line(&p->h, "legend", NULL, WEB_WORD(p, "page.settings.classes"));
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        show_class(p, (enum user_class)c, (on & (1u << c)) != 0);
    }
    html_end(&p->h);
}

static void show_time(struct web *p, const char *name, const char *label, struct str value,
                      const char *error)
{
    html_tag(&p->h, "div");
    web_label(p, name, label);
    web_field(p, "input", name, "quiet_note", error);
    html_attrz(&p->h, "type", "time");
    html_attr(&p->h, "value", value);
    web_error(p, name, error);
    html_end(&p->h);
}

static void show_quiet(struct web *p, const struct settings_values *v)
{
    html_tag(&p->h, "fieldset");
    html_line(&p->h, "legend", NULL, WEB_WORD(p, "page.settings.quiet"));
    html_tag(&p->h, "p");
    html_attrz(&p->h, "class", "note");
    html_attrz(&p->h, "id", "quiet_note");
    html_text(&p->h, WEB_WORD(p, "page.settings.quiet_note"));
    html_end(&p->h);
    html_tag(&p->h, "div");
    html_attrz(&p->h, "class", "pair");
    show_time(p, "quiet_from", "page.settings.from", v->from, v->bad_from);
    show_time(p, "quiet_to", "page.settings.to", v->to, v->bad_to);
    html_end(&p->h);
    html_end(&p->h);
}

static void option(struct web *p, struct str value, struct str text, bool chosen)
{
    html_tag(&p->h, "option");
    html_attr(&p->h, "value", value);
    html_flag(&p->h, "selected", chosen);
    html_text(&p->h, text);
    html_end(&p->h);
}

static void show_languages(struct web *p, const struct settings_values *v)
{
    const struct lang *langs[32];
    size_t n = i18n_langs(p->r->app->i18n, langs, ARRAY_LEN(langs));

    html_tag(&p->h, "div");
    web_label(p, "language", "page.settings.language");
    web_field(p, "select", "language", NULL, v->bad_language);
    for (size_t i = 0; i < n; i++) {
        option(p, lang_code(langs[i]), lang_name(langs[i]),
               str_eq(lang_code(langs[i]), v->language));
    }
    html_end(&p->h);
    web_error(p, "language", v->bad_language);
    html_end(&p->h);
}

/* "America/Argentina/Buenos_Aires" -> "Argentina, Buenos Aires" under "America". */
static struct str city_of(struct arena *a, struct str zone)
{
    size_t slash = str_find_char(zone, '/', 0);
    struct str city = str_slice(zone, slash == SIZE_MAX ? 0 : slash + 1, zone.n);
    struct buf text;
    struct str out;

    buf_init(&text, 256);
    for (size_t i = 0; i < city.n; i++) {
        buf_addz(&text, city.p[i] == '/' ? ", " : "");
        if (city.p[i] != '/') {
            buf_add_char(&text, city.p[i] == '_' ? ' ' : city.p[i]);
        }
    }
    out = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return out;
}

static void show_zone_list(struct web *p, const struct str *zones, size_t n, struct str chosen)
{
    struct str group = STR_NONE, region, rest;

    for (size_t i = 0; i < n; i++) {
        str_cut(zones[i], '/', &region, &rest);
        if (!str_eq(region, group)) {
            if (group.n > 0) {
                html_end(&p->h);
            }
            html_tag(&p->h, "optgroup");
            html_attr(&p->h, "label", region);
            group = region;
        }
        option(p, zones[i], city_of(p->r->a, zones[i]), str_eq(zones[i], chosen));
    }
    if (group.n > 0) {
        html_end(&p->h);
    }
}

static void show_zones(struct web *p, const struct settings_values *v)
{
    struct str *zones = ARENA_ARRAY(p->r->a, struct str, ZONES_MAX);
    size_t n = timezone_names(zones, ZONES_MAX);
    struct str plant = p->r->who.tenant->conf->timezone;
    bool listed = v->timezone.n == 0;

    for (size_t i = 0; i < n && !listed; i++) {
        listed = str_eq(zones[i], v->timezone);
    }
    html_tag(&p->h, "div");
    web_label(p, "timezone", "page.settings.timezone");
    web_field(p, "select", "timezone", NULL, v->bad_timezone);
    option(p, STR(""),
           WEB_WORD(p, "page.settings.timezone_plant", ARG_IDENT("name", city_of(p->r->a, plant))),
           v->timezone.n == 0);
    if (!listed && timezone_ok(v->timezone)) {
        option(p, v->timezone, v->timezone, true);
    }
    show_zone_list(p, zones, n, v->timezone);
    html_end(&p->h);
    web_error(p, "timezone", v->bad_timezone);
    html_end(&p->h);
}

static void show_news(struct web *p, const struct settings_values *v)
{
    if (v->err.code != ERR_NONE) {
        web_trouble(p);
    } else if (request_param(p->r, "saved").n > 0) {
        html_tag(&p->h, "p");
        html_attrz(&p->h, "class", "notice good");
        html_attrz(&p->h, "role", "status");
        html_attrz(&p->h, "tabindex", "-1");
        html_flag(&p->h, "autofocus", true);
        html_text(&p->h, WEB_WORD(p, "page.settings.saved"));
        html_end(&p->h);
    }
}

void settings_show(struct request *r, const struct settings_values *v, int status)
{
    const struct user *u = r->session->user;
    struct web p;

    web_init(&p, r, u);
    web_begin(&p, r->who.tenant->conf->name, "page.settings.title");
    show_news(&p, v);
    html_line(&p.h, "p", NULL,
              u->name.n > 0 ? WEB_WORD(&p, "page.settings.intro", ARG_S("name", u->name))
                            : WEB_WORD(&p, "page.settings.intro_nameless"));
    html_tag(&p.h, "form");
    html_attrz(&p.h, "method", "post");
    html_attrz(&p.h, "action", "settings");
    web_hidden(&p, "csrf_token", web_token(r, r->session->secret));
    show_classes(&p, v->on);
    show_quiet(&p, v);
    html_tag(&p.h, "fieldset");
    html_line(&p.h, "legend", NULL, WEB_WORD(&p, "page.settings.language_legend"));
    show_languages(&p, v);
    show_zones(&p, v);
    html_end(&p.h);
    web_button(&p, "page.save");
    html_end(&p.h);
    web_end(&p, status);
}

static void show_kept(struct request *r)
{
    struct settings_values v = settings_values_of(r, r->session->user);
    struct jw w;

    if (web_is_wanted(r)) {
        settings_show(r, &v, 200);
        return;
    }
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_str(&w, "csrf_token", web_token(r, r->session->secret));
    user_write(r->session->user, &w, "person");
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

/* ---- opening it ---- */

void settings_refuse(struct request *r)
{
    err_set(&r->err, ERR_FORBIDDEN,
            "this link is over or was used, or the page was left alone for too long: write "
            "SETTINGS on WhatsApp for a new one");
    reply_error(r, &r->err);
}

static void on_session(struct request *r)
{
    if (r->session == NULL) {
        settings_refuse(r);
        return;
    }
    show_kept(r);
}

/* Reloading the page, or going back to it: the link is used up, but by this very browser. */
static void on_session_of_link(struct request *r)
{
    struct str token = request_param(r, "token");
    struct engine_tenant *et = engine_tenant_find(r->e, link_tenant(token));
    struct link link;
    bool genuine = et != NULL && link_open(r->a, engine_tenant(et), LINK_SETTINGS, token,
                                           (struct wall){0}, &link, &r->err);

    if (genuine && r->session != NULL && r->who.et == et &&
        str_eq(r->session->user->id, link.person)) {
        show_kept(r);
        return;
    }
    r->session = NULL;
    r->who = (struct identity){.tenant = genuine ? engine_tenant(et) : NULL};
    settings_refuse(r);
}

struct opening {
    struct engine_tenant *et;
    struct str secret, person;
};

static void on_opened(void *ctx, const struct err *err, const struct reply *reply)
{
    const struct opening *o;
    struct request *r;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    o = r->user;
    r->user = NULL;
    if (reply_kind(reply) != REPLY_LIST) {
        session_find(r, on_session_of_link);
    } else if (session_is(r, o->et, o->secret, o->person, reply_at(reply, 0), reply_at(reply, 1))) {
        r->cookie = web_cookie_set(r, SESSION_COOKIE, o->secret);
        show_kept(r);
    } else {
        settings_refuse(r);
    }
}

static void open_link(struct request *r, const struct link *link, struct engine_tenant *et)
{
    struct opening *o = ARENA_NEW(r->a, struct opening);
    const struct tenant *t = engine_tenant(et);
    struct str key;
    struct call call;

    *o = (struct opening){.et = et, .person = link->person};
    session_make(r, t, &o->secret, &key);
    r->user = o;
    call_init_script(&call, "session_link", arena_printf(r->a, "{%.*s}:", STR_ARG(t->id)));
    call_str(&call, link_used_key(r->a, request_param(r, "token")));
    call_int(&call, LINK_SETTINGS_MS);
    call_str(&call, key);
    call_str(&call, link->person);
    call_int(&call, SESSION_IDLE_MS);
    call_int(&call, link->until.ms);
    r->pending = store_run(engine_store(r->e), &call, on_opened, r);
}

void web_settings_get(struct request *r)
{
    struct str token = request_param(r, "token");
    struct engine_tenant *et = engine_tenant_find(r->e, link_tenant(token));
    struct link link;
    struct err err = {0};

    if (web_is_preview(r)) {
        reply_empty(r, str_eqz(http_req_method(r->http), "HEAD") ? 200 : 503);
    } else if (token.n == 0) {
        session_find(r, on_session);
    } else if (et != NULL &&
               link_open(r->a, engine_tenant(et), LINK_SETTINGS, token, wall_now(), &link, &err)) {
        open_link(r, &link, et);
    } else {
        session_find(r, on_session_of_link);
    }
}
