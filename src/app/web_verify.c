/*
 * web_verify: /whatsapp/verify: a number, then the code that was sent to it by WhatsApp. It is
 * public, and nobody's cookie decides anything here: so a form needs no token, only not to come
 * from elsewhere.
 */
#include "web_verify.h"

#include "base/mem.h"

#define ANSWER_MS 400 /* not before: how long it takes must not tell whether a number is known */

/* ---- what was typed ---- */

/* Digits of every script, in order. */
static struct str digits_of(struct request *r, struct str typed)
{
    struct buf text, digits;
    struct str out;

    buf_init(&text, 1024);
    buf_init(&digits, 1024);
    i18n_normalize(typed, &text);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') {
            buf_add_char(&digits, text.p[i]);
        }
    }
    out = arena_dup(r->a, buf_str(&digits));
    buf_fini(&digits);
    buf_fini(&text);
    return out;
}

/* "+1 (202) 555-0117", "001 202 555 0117", with the digits of any script. */
static bool phone_of(struct request *r, struct str typed, struct str *out)
{
    struct str digits;

    if (user_phone_parse(r->a, typed, out)) {
        return true;
    }
    if (typed.n > 100) {
        return false;
    }
    digits = digits_of(r, typed);
    if (str_starts(digits, STR("00"))) {
        digits = str_slice(digits, 2, digits.n);
    } else if (!str_starts(typed, STR("+"))) {
        return false;
    }
    return user_phone_parse(r->a, arena_printf(r->a, "+%.*s", STR_ARG(digits)), out);
}

/* ---- the pages ---- */

static void begin_form(struct web *p)
{
    html_tag(&p->h, "form");
    html_attrz(&p->h, "method", "post");
    html_attrz(&p->h, "action", "verify");
    html_tag(&p->h, "div");
}

static void show_phone(struct request *r, struct str typed, const char *error, int status)
{
    struct web p;

    web_init(&p, r, NULL);
    web_begin(&p, STR_NONE, "page.verify.title");
    html_line(&p.h, "p", NULL, WEB_WORD(&p, "page.verify.intro"));
    begin_form(&p);
    web_label(&p, "phone", "page.verify.phone");
    html_tag(&p.h, "p");
    html_attrz(&p.h, "class", "note");
    html_attrz(&p.h, "id", "phone_note");
    html_text(&p.h, WEB_WORD(&p, "page.verify.phone_note"));
    html_end(&p.h);
    web_field(&p, "input", "phone", "phone_note", error);
    html_attrz(&p.h, "type", "tel");
    html_attrz(&p.h, "autocomplete", "tel");
    html_attrz(&p.h, "dir", "ltr");
    html_flag(&p.h, "required", true);
    html_attr(&p.h, "value", typed);
    web_error(&p, "phone", error);
    html_end(&p.h);
    web_button(&p, "page.verify.send");
    web_end(&p, status);
}

static void show_code(struct request *r, const char *error, int status)
{
    const struct verify *v = r->user;
    struct web p;

    web_init(&p, r, NULL);
    web_begin(&p, STR_NONE, "page.verify.title");
    html_line(&p.h, "p", NULL, WEB_WORD(&p, "page.verify.sent", ARG_IDENT("phone", v->phone)));
    begin_form(&p);
    web_hidden(&p, "phone", v->phone);
    web_label(&p, "code", "page.verify.code");
    web_field(&p, "input", "code", NULL, error);
    html_attrz(&p.h, "type", "text");
    html_attrz(&p.h, "class", "code");
    html_attrz(&p.h, "inputmode", "numeric");
    html_attrz(&p.h, "autocomplete", "one-time-code");
    html_attrz(&p.h, "dir", "ltr");
    html_flag(&p.h, "required", true);
    html_flag(&p.h, "autofocus", error == NULL);
    web_error(&p, "code", error);
    html_end(&p.h);
    web_button(&p, "page.verify.check");
    html_end(&p.h);
    html_line(&p.h, "p", "note", WEB_WORD(&p, "page.verify.none"));
    html_tag(&p.h, "p");
    html_tag(&p.h, "a");
    html_attrz(&p.h, "class", "link");
    html_attrz(&p.h, "href", "verify");
    html_text(&p.h, WEB_WORD(&p, "page.verify.again"));
    web_end(&p, status);
}

static void show_done(struct request *r)
{
    struct web p;

    web_init(&p, r, r->session->user);
    web_begin(&p, r->who.tenant->conf->name, "page.verify.done");
    html_line(&p.h, "p", NULL, WEB_WORD(&p, "page.verify.done_text"));
    html_tag(&p.h, "p");
    html_tag(&p.h, "a");
    html_attrz(&p.h, "class", "button");
    html_attrz(&p.h, "href", "settings");
    html_text(&p.h, WEB_WORD(&p, "page.verify.settings"));
    web_end(&p, 200);
}

void web_verify_get(struct request *r)
{
    show_phone(r, STR(""), NULL, 200);
}

/* ---- what comes of it ---- */

static void refuse(struct request *r, enum err_code code, const char *member, const char *what)
{
    err_set(&r->err, code, "%s", what);
    err_member(&r->err, "%s", member);
    reply_error(r, &r->err);
}

static void answer_sent(struct request *r)
{
    const struct verify *v = r->user;
    struct jw w;

    if (v->wait_ms > 0) {
        r->err.retry_after_s = (v->wait_ms + 999) / 1000;
        if (v->json) {
            refuse(r, ERR_TOO_MANY, "phone", "too many codes were asked for; ask again later");
        } else {
            show_phone(r, v->typed, "page.error.asked", 429);
        }
        return;
    }
    if (!v->json) {
        show_code(r, NULL, 200);
        return;
    }
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_z(&w, "status", "sent");
    jw_int(&w, "expires_s", CODE_LIFE_MS / 1000);
    jw_close(&w, '}');
    reply_built(r, 202, &r->out);
}

static void answer_checked(struct request *r)
{
    const struct verify *v = r->user;
    struct jw w;

    if (r->session == NULL) {
        if (v->json) {
            refuse(r, ERR_INVALID, "code",
                   "this code is not right, or over, or was tried too often; ask for a new one");
        } else {
            show_code(r, "page.error.code", 422);
        }
        return;
    }
    r->cookie = web_cookie_set(r, SESSION_COOKIE, r->session->secret);
    if (!v->json) {
        show_done(r);
        return;
    }
    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_z(&w, "status", "verified");
    jw_str(&w, "csrf_token", web_token(r, r->session->secret));
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

static void forget_timer(struct request *r)
{
    timer_free(&((struct verify *)r->user)->timer);
}

static void on_time(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    forget_timer(r);
    r->on_gone = NULL;
    if (((struct verify *)r->user)->code.n > 0) {
        answer_checked(r);
    } else {
        answer_sent(r);
    }
}

static void answer_in_time(struct request *r)
{
    struct verify *v = r->user;
    int64_t left = ANSWER_MS - (mono_now().us - v->began.us) / 1000;

    v->timer = timer_new(http_req_loop(r->http), on_time, r);
    r->on_gone = forget_timer;
    timer_start(v->timer, left);
}

static void wrong_phone(struct request *r, const struct verify *v)
{
    if (v->json) {
        refuse(r, ERR_INVALID, "phone",
               "phone is not an international number such as +12025550117");
    } else {
        show_phone(r, v->typed, "page.error.phone", 422);
    }
}

void web_verify_post(struct request *r)
{
    struct verify *v = ARENA_NEW(r->a, struct verify);
    struct str code = STR_NONE;
    struct web_form f;
    bool asks;

    *v = (struct verify){.began = mono_now(), .typed = STR("")};
    r->idempotency = STR_NONE;
    r->who = (struct identity){0};
    if (!web_form_read(r, &f)) {
        return;
    }
    if (!web_origin_ok(r, false, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    v->json = f.json != NULL;
    web_form_get(&f, r, "phone", &v->typed);
    asks = !web_form_get(&f, r, "code", &code);
    r->user = v;
    if (!phone_of(r, v->typed, &v->phone)) {
        wrong_phone(r, v);
    } else if (asks) {
        code_send(r, answer_in_time);
    } else {
        code = digits_of(r, str_slice(code, 0, 100));
        v->code = code.n == CODE_DIGITS ? code : STR("-"); /* wrong, and a try like any other */
        code_check(r, answer_in_time);
    }
}
