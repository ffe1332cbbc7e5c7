/*
 * Buttons and lists over Twilio. There is no inline form: a Content resource is created once for a
 * shape and sent with variables. Variables may hold no line break, so the body has one for each
 * line that is not blank, and blank lines stay in the template: "{{1}}\n\n{{2}}". In order they are
 *
 *   the lines of the text, then of each option its id (and, of a list, its title and description)
 *
 * Titles of buttons and the label that opens a list stand literally in the template, for Twilio
 * does not promise variables there; they come from our catalogues and are few. Titles of rows name
 * work orders, so they are variables: otherwise every list would leave a resource behind.
 *
 * Source: Twilio, Content API overview, twilio/quick-reply, twilio/list-picker, "Using variables".
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "twilio_int.h"

#define SID_CHARS 34
#define TEXT_MAX  (64 * 1024)

void twilio_whole_text(const struct message *m, struct buf *out)
{
    if (m->header.n > 0) {
        buf_add_char(out, '*');
        buf_add(out, m->header);
        buf_addz(out, "*\n\n");
    }
    buf_add(out, m->text);
    if (m->footer.n > 0) {
        buf_addz(out, "\n\n_");
        buf_add(out, m->footer);
        buf_add_char(out, '_');
    }
}

/* Calls @each for every line of the text that is not blank, @blank for every one that is. */
static void walk_lines(const struct message *m, void (*each)(void *ctx, struct str line),
                       void (*blank)(void *ctx), void *ctx)
{
    struct buf whole;
    struct str rest, line;

    buf_init(&whole, TEXT_MAX);
    twilio_whole_text(m, &whole);
    for (rest = str_trim(buf_str(&whole)); rest.n > 0;) {
        str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.n > 0) {
            each(ctx, line);
        } else {
            blank(ctx);
        }
    }
    buf_fini(&whole);
}

struct pattern {
    struct buf *out;
    size_t n; /* variables so far */
    bool first;
};

static void pattern_break(struct pattern *p)
{
    if (!p->first) {
        buf_add_char(p->out, '\n');
    }
    p->first = false;
}

static void pattern_line(void *ctx, struct str line)
{
    struct pattern *p = ctx;

    (void)line;
    pattern_break(p);
    buf_addf(p->out, "{{%zu}}", ++p->n);
}

static void pattern_blank(void *ctx)
{
    pattern_break(ctx);
}

/* The next variable's name, as it stands in a template. */
static void put_variable(struct jw *w, const char *name, size_t *n)
{
    char text[16];

    snprintf(text, sizeof(text), "{{%zu}}", ++*n);
    jw_z(w, name, text);
}

/* An empty variable is refused (21656), and of blanks nothing is left. */
static bool described(const struct message_option *o)
{
    return str_trim(o->description).n > 0;
}

static void put_options(struct jw *w, const struct message *m, size_t *n)
{
    bool list = m->kind == MESSAGE_LIST;

    jw_open(w, list ? "items" : "actions", '[');
    for (size_t i = 0; i < m->noptions; i++) {
        jw_open(w, NULL, '{');
        if (list) {
            put_variable(w, "id", n);
            put_variable(w, "item", n);
            if (described(&m->options[i])) {
                put_variable(w, "description", n);
            }
        } else {
            jw_z(w, "type", "QUICK_REPLY");
            jw_str(w, "title", m->options[i].title);
            put_variable(w, "id", n);
        }
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

/* {"twilio/…":{…}}: everything that makes one shape differ from another. Returns the variables in
 * it. */
static size_t put_types(struct jw *w, const char *name, const struct message *m)
{
    struct pattern p = {.first = true};
    struct buf body;

    buf_init(&body, TEXT_MAX);
    p.out = &body;
    walk_lines(m, pattern_line, pattern_blank, &p);
    jw_open(w, name, '{');
    jw_open(w, m->kind == MESSAGE_LIST ? "twilio/list-picker" : "twilio/quick-reply", '{');
    jw_str(w, "body", buf_str(&body));
    if (m->kind == MESSAGE_LIST) {
        jw_str(w, "button", m->list_button);
    }
    put_options(w, m, &p.n);
    jw_close(w, '}');
    jw_close(w, '}');
    buf_fini(&body);
    return p.n;
}

/* Twilio spells es_MX what BCP 47 spells es-MX. */
static void add_language(struct buf *out, const struct message *m)
{
    struct str lang = m->lang.n == 0 ? STR("en") : m->lang;

    for (size_t i = 0; i < lang.n; i++) {
        buf_add_char(out, lang.p[i] == '-' ? '_' : lang.p[i]);
    }
}

bool twilio_content_needed(const struct sender *s, const struct message *m)
{
    return (m->kind == MESSAGE_BUTTONS || m->kind == MESSAGE_LIST) && !s->numbered_options &&
           m->template_.content_sid.n == 0;
}

size_t twilio_content_count(const struct message *m)
{
    struct buf types;
    struct jw w;
    size_t n;

    buf_init(&types, OUTGOING_MAX);
    jw_init(&w, &types);
    n = put_types(&w, NULL, m);
    buf_fini(&types);
    return n;
}

void twilio_content_key(const struct message *m, struct buf *key)
{
    uint8_t digest[SHA256_BYTES];
    struct buf shape;
    struct jw w;

    buf_init(&shape, OUTGOING_MAX);
    add_language(&shape, m);
    buf_add_char(&shape, '\n');
    jw_init(&w, &shape);
    put_types(&w, NULL, m);
    sha256(buf_str(&shape), digest);
    buf_fini(&shape);
    hex_add(key, str_make(digest, sizeof(digest)));
}

void twilio_content_build(struct arena *a, const struct sender *s, const struct message *m,
                          struct outgoing *out)
{
    struct buf body, types, key, language;
    struct jw w;
    size_t n;

    buf_init(&types, OUTGOING_MAX);
    buf_init(&key, 128);
    jw_init(&w, &types);
    n = put_types(&w, NULL, m);
    twilio_content_key(m, &key);
    buf_init(&language, 64);
    add_language(&language, m);
    buf_init(&body, OUTGOING_MAX);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "friendly_name", arena_printf(a, "crewline_%.16s", key.p));
    jw_str(&w, "language", buf_str(&language));
    /* Samples are required, are seen by reviewers and never sent: we always give all variables. */
    jw_open(&w, "variables", '{');
    for (size_t i = 1; i <= n; i++) {
        char name[24];

        snprintf(name, sizeof(name), "%zu", i);
        jw_z(&w, name, "sample");
    }
    jw_close(&w, '}');
    jw_raw(&w, "types", buf_str(&types));
    jw_close(&w, '}');
    buf_fini(&language);
    buf_fini(&types);
    buf_fini(&key);
    *out = (struct outgoing){
        .method = "POST", .basic_user = s->account_sid, .basic_password = s->auth_token};
    out->url = arena_printf(a, "%.*s/v1/Content", STR_ARG(s->content_base));
    out->headers[out->nheaders++] = (struct pair){STR("Content-Type"), STR("application/json")};
    out->body = buf_to_arena(a, &body);
}

bool twilio_content_sid(struct arena *a, int status, struct str body, struct str *sid)
{
    struct json *j = NULL;
    struct str s;
    bool ok;

    if (status < 200 || status > 299 || !json_parse(body, ANSWER_BYTES_MAX, &j, NULL)) {
        return false;
    }
    s = json_get_str(j, "sid");
    ok = s.n == SID_CHARS && str_starts(s, STR("HX"));
    if (ok) {
        *sid = arena_dup(a, s);
    }
    json_free(&j);
    return ok;
}

/* One blank for a tab, at most four in a row: WhatsApp refuses more (63013), and people see no
 * difference. */
static void put_value(struct jw *w, size_t *n, struct str s)
{
    char name[24];
    struct buf b;
    size_t blanks = 0;

    buf_init(&b, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r' ? ' ' : s.p[i];

        blanks = c == ' ' ? blanks + 1 : 0;
        if (blanks <= 4) {
            buf_add_char(&b, c);
        }
    }
    snprintf(name, sizeof(name), "%zu", ++*n);
    jw_str(w, name, str_trim(buf_str(&b)));
    buf_fini(&b);
}

struct values {
    struct jw *w;
    size_t n;
};

static void value_line(void *ctx, struct str line)
{
    struct values *v = ctx;

    put_value(v->w, &v->n, line);
}

static void value_blank(void *ctx)
{
    (void)ctx;
}

/*
 * Of an approved template: named parameters by their names, the others numbered in the order in
 * which they stand, then the ids of the buttons.
 */
static void put_template_values(struct jw *w, const struct message *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->template_.nparams; i++) {
        const struct message_param *p = &m->template_.params[i];
        char name[64];

        if (p->name.n == 0 || str_find_char(p->name, '.', 0) != SIZE_MAX) {
            put_value(w, &n, p->value);
        } else {
            snprintf(name, sizeof(name), "%.*s", STR_ARG(p->name));
            jw_str(w, name, p->value);
        }
    }
    for (size_t i = 0; i < m->noptions; i++) {
        put_value(w, &n, m->options[i].id);
    }
}

void twilio_content_variables(const struct message *m, struct buf *out)
{
    struct values v = {0};
    struct jw w;

    jw_init(&w, out);
    v.w = &w;
    jw_open(&w, NULL, '{');
    if (m->kind == MESSAGE_TEMPLATE) {
        put_template_values(&w, m);
    } else {
        walk_lines(m, value_line, value_blank, &v);
        for (size_t i = 0; i < m->noptions; i++) {
            put_value(&w, &v.n, m->options[i].id);
            if (m->kind == MESSAGE_LIST) {
                put_value(&w, &v.n, m->options[i].title);
                if (described(&m->options[i])) {
                    put_value(&w, &v.n, m->options[i].description);
                }
            }
        }
    }
    jw_close(&w, '}');
}

enum detail { DETAIL_TITLES, DETAIL_SECTIONS, DETAIL_ALL };

static void numbered_text(const struct message *m, struct str hint, enum detail detail,
                          struct buf *out)
{
    if (m->header.n > 0) {
        buf_addf(out, "*%.*s*\n\n", STR_ARG(m->header));
    }
    buf_add(out, m->text);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < m->noptions; i++) {
        const struct message_option *o = &m->options[i];

        if (detail >= DETAIL_SECTIONS && o->section.n > 0 &&
            (i == 0 || !str_eq(o->section, m->options[i - 1].section))) {
            buf_addf(out, "\n*%.*s*", STR_ARG(o->section));
        }
        buf_addf(out, "\n%zu. %.*s", i + 1, STR_ARG(o->title));
        if (detail >= DETAIL_ALL && described(o)) {
            buf_addf(out, " (%.*s)", STR_ARG(o->description));
        }
    }
    if (hint.n > 0) {
        buf_addf(out, "\n\n%.*s", STR_ARG(hint));
    }
    if (m->footer.n > 0) {
        buf_addf(out, "\n\n_%.*s_", STR_ARG(m->footer));
    }
}

/* What was accepted as a list must go as a text too: what explains its rows gives way. */
void twilio_numbered_text(struct arena *a, const struct message *m, struct str hint,
                          struct str *text)
{
    enum detail detail = DETAIL_ALL;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    numbered_text(m, hint, detail, &b);
    while (detail > DETAIL_TITLES && str_utf8_len(buf_str(&b)) > TWILIO_BODY_MAX) {
        buf_reset(&b);
        numbered_text(m, hint, --detail, &b);
    }
    *text = buf_to_arena(a, &b);
}
