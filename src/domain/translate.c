#include "domain/translate.h"

#include "base/mem.h"
#include "notice_int.h"

static struct str source_of(const struct tenant *t)
{
    return lang_code(i18n_lang(t->i18n, t->conf->default_language, STR_NONE));
}

/* ---- what is wanted ---- */

static bool says_something(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            return true;
        }
    }
    return false; /* a number needs no translation */
}

static void want(struct translations *out, struct str lang, struct str text)
{
    text = str_trim(text);
    if (!says_something(text) || text.n > TRANSLATE_TEXT_MAX || out->n == TRANSLATE_MOST) {
        return;
    }
    for (size_t i = 0; i < out->n; i++) {
        if (str_eq(out->v[i].lang, lang) && str_eq(out->v[i].text, text)) {
            return;
        }
    }
    out->v[out->n++] = (struct translation){lang, text, STR_NONE};
}

static bool is_urgent(const struct cmms_event *e, const struct cmms_view *v)
{
    return (v->order != NULL && v->order->priority == ORDER_PRIO_CRITICAL) ||
           str_ieq(json_get_str(json_get(e->data, "workorder"), "priority"), STR("critical"));
}

/* The texts of an event that people are told. */
static size_t texts_of(const struct cmms_event *e, struct str out[4])
{
    static const struct {
        const char *type; /* its beginning */
        const char *path;
    } rows[] = {
        {"cmms.workorder.created.v1",        "workorder.title"      },
        {"cmms.workorder.created.v1",        "workorder.description"},
        {"cmms.workorder.assigned.v1",       "workorder.title"      },
        {"cmms.workorder.assigned.v1",       "workorder.description"},
        {"cmms.workorder.status_changed.v1", "workorder.title"      },
        {"cmms.workorder.comment_added.v1",  "comment.text"         },
    };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows) && n < 4; i++) {
        struct str text = json_str(json_path(e->data, rows[i].path));

        if (str_eqz(e->type, rows[i].type) && text.n > 0) {
            out[n++] = text;
        }
    }
    return n;
}

void translate_wanted(struct arena *a, const struct tenant *t, const struct cmms_event *e,
                      const struct cmms_reads *reads, const struct cmms_view *v,
                      struct translations *out)
{
    struct str texts[4], source = source_of(t);
    size_t n = is_urgent(e, v) ? 0 : texts_of(e, texts);

    out->n = 0;
    for (size_t u = 0; u < reads->nusers && n > 0; u++) {
        struct str lang;

        if (v->users[u] == NULL) {
            continue;
        }
        lang = lang_code(i18n_lang(t->i18n, v->users[u]->language, t->conf->default_language));
        for (size_t i = 0; i < n && !str_eq(lang, source); i++) {
            want(out, arena_dup(a, lang), arena_dup(a, texts[i]));
        }
    }
}

struct str translate_find(const struct translations *t, struct str lang, struct str text)
{
    text = str_trim(text);
    for (size_t i = 0; t != NULL && i < t->n; i++) {
        if (t->v[i].out.n > 0 && str_eq(t->v[i].lang, lang) && str_eq(t->v[i].text, text)) {
            return t->v[i].out;
        }
    }
    return STR_NONE;
}

struct str translate_name(struct arena *a, const struct tenant *t, const struct translation *one)
{
    struct str of = arena_printf(a, "%d %.*s %.*s %.*s", t->settings->translate_apertium,
                                 STR_ARG(source_of(t)), STR_ARG(one->lang), STR_ARG(one->text));

    return vault_hash_arena(t->vault, a, "translation", of);
}

/* ---- LibreTranslate and Apertium ---- */

/* Apertium names languages by ISO 639-3. */
static struct str three_letters(struct str code)
{
    static const struct {
        const char *two, *three;
    } rows[] = {
        {"en", "eng"},
        {"es", "spa"},
        {"hi", "hin"},
        {"ar", "ara"},
        {"pt", "por"},
        {"fr", "fra"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eqz(code, rows[i].two)) {
            return str_of(rows[i].three);
        }
    }
    return STR_NONE;
}

static void add_encoded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (plain) {
            buf_add_char(out, c);
        } else {
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

static void add_libre(const struct tenant *t, const struct translation *one, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_str(&w, "q", one->text);
    jw_str(&w, "source", source_of(t));
    jw_str(&w, "target", one->lang);
    jw_str(&w, "format", STR("text"));
    if (t->settings->translate_api_key.n > 0) {
        jw_str(&w, "api_key", t->settings->translate_api_key);
    }
    jw_close(&w, '}');
}

bool translate_request(struct arena *a, const struct tenant *t, const struct translation *one,
                       struct translate_request *out)
{
    struct str from = three_letters(source_of(t)), to = three_letters(one->lang);
    struct buf b;

    buf_init(&b, 8 * TRANSLATE_TEXT_MAX);
    if (!t->settings->translate_apertium) {
        add_libre(t, one, &b);
    } else if (from.n > 0 && to.n > 0) {
        buf_addf(&b, "langpair=%.*s%%7C%.*s&markUnknown=no&q=", STR_ARG(from), STR_ARG(to));
        add_encoded(&b, one->text);
    }
    *out = (struct translate_request){
        .url = arena_printf(a, "%.*s/translate", STR_ARG(t->settings->translate_url)),
        .body = b.n > 0 ? arena_dup(a, buf_str(&b)) : STR_NONE,
        .content_type = t->settings->translate_apertium ? "application/x-www-form-urlencoded"
                                                        : "application/json"};
    buf_fini(&b);
    return out->body.n > 0;
}

bool translate_answer(struct arena *a, const struct tenant *t, const struct translation *one,
                      struct str body, struct str *out)
{
    struct json *j = NULL;
    struct str text;

    if (!json_parse(body, 8 * TRANSLATE_TEXT_MAX, &j, NULL)) {
        return false;
    }
    text = str_trim(t->settings->translate_apertium
                        ? json_str(json_path(j, "responseData.translatedText"))
                        : json_get_str(j, "translatedText"));
    /* A service that does not know the words gives them back: that is no translation. */
    if (text.n > 0 && !str_eq(text, one->text)) {
        *out = arena_dup(a, text);
    } else {
        text = STR_NONE;
    }
    json_free(&j);
    return text.n > 0;
}

/* ---- in notices ---- */

struct str page_words(struct page *g, struct str text)
{
    struct str other = translate_find(g->p->translations, lang_code(g->l), text);

    if (other.n == 0) {
        return text;
    }
    g->original = g->original.n == 0
                      ? text
                      : arena_printf(g->p->a, "%.*s\n\n%.*s", STR_ARG(g->original), STR_ARG(text));
    return arena_printf(g->p->a, "\xf0\x9f\x8c\x90 %.*s", STR_ARG(other)); /* a globe */
}

const struct order *page_order(struct page *g, const struct order *o)
{
    struct order *copy = ARENA_NEW(g->p->a, struct order);

    *copy = *o;
    copy->title = page_words(g, o->title);
    copy->description = page_words(g, o->description);
    return g->original.n > 0 ? copy : o;
}

void page_mark(struct page *g, struct plan *p, struct message *m)
{
    struct str title;

    if (g->original.n == 0 || p->nmessages == 0) {
        return;
    }
    p->messages[p->nmessages - 1].original = g->original;
    if (m->kind == MESSAGE_BUTTONS && m->noptions < MESSAGE_BUTTONS_MAX) {
        title = I18N(p->a, g->l, g->timezone, "button.original");
        m->options[m->noptions++] = (struct message_option){
            arena_printf(p->a, "original:%.*s", STR_ARG(m->id)), title, STR_NONE, STR_NONE};
    }
}
