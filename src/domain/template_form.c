/* template_form: which template a message goes by, and the message in that form. */
#include "domain/template.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "domain/i18n.h"

#define NO_VALUE      "\xe2\x80\x93" /* an empty value is refused by the providers */
#define CODE_MAX      15
#define RUN_MAX       1 /* blanks in a row; more than four are refused */
#define VALUE_MIN_MAX 24
#define ROOM          (TEMPLATE_BODY_MAX - 2 * MESSAGE_PARAMS_MAX) /* isolates take two each */

/* ---- naming the form ---- */

void template_set(struct arena *a, struct message *m, const char *name, const struct str *values,
                  size_t n)
{
    assert(n <= MESSAGE_PARAMS_MAX);
    m->template_.name = str_of(name);
    m->template_.nparams = n;
    for (size_t i = 0; i < n; i++) {
        m->template_.params[i] = (struct message_param){STR_NONE, arena_dup(a, values[i])};
    }
}

void template_set_broadcast(struct arena *a, struct message *m, struct str headline,
                            struct str text)
{
    static const char *const names[] = {TEMPLATE_BROADCAST, TEMPLATE_ASK_ACK, TEMPLATE_ASK_SAFETY};

    assert(m->noptions < ARRAY_LEN(names));
    TEMPLATE_SET(a, m, names[m->noptions], headline, text);
}

/* ---- choosing ---- */

/* "es-MX" and "es_MX" both are of "es", as "es" itself is. */
static bool same_language(struct str lang, struct str wanted, bool exactly)
{
    if (str_ieq(lang, wanted)) {
        return true;
    }
    for (size_t i = 0; !exactly; i++) {
        bool over = i == lang.n || lang.p[i] == '-' || lang.p[i] == '_';
        bool wanted_over = i == wanted.n || wanted.p[i] == '-' || wanted.p[i] == '_';

        if (over || wanted_over) {
            return over && wanted_over && i > 0;
        }
        if (!str_ieq(str_slice(lang, i, i + 1), str_slice(wanted, i, i + 1))) {
            return false;
        }
    }
    return false;
}

struct choice {
    const struct templates *t;
    struct str name;
    template_state_fn *state;
    void *ctx;
    const struct template_def *found;
    enum template_status why;
    bool why_known;
};

/* The first approved one of that language; "" is any. */
static bool choose(struct choice *c, struct str wanted, bool exactly)
{
    for (size_t i = 0; i < templates_count(c->t); i++) {
        const struct template_def *d = templates_at(c->t, i);
        const struct template_state *s;

        if (!str_eq(d->name, c->name) ||
            (wanted.n > 0 && !same_language(d->lang, wanted, exactly))) {
            continue;
        }
        s = c->state(c->ctx, d->name, d->language);
        if (s != NULL && s->status == TEMPLATE_APPROVED) {
            c->found = d;
            return true;
        }
        if (!c->why_known) {
            c->why_known = true;
            c->why = s != NULL ? s->status : TEMPLATE_UNKNOWN;
        }
    }
    return false;
}

const struct template_def *template_choose(const struct templates *t, struct str name,
                                           struct str lang, struct str otherwise,
                                           template_state_fn *state, void *ctx,
                                           enum template_status *why)
{
    const struct str order[] = {lang, otherwise, STR("en")};
    struct choice c = {.t = t, .name = name, .state = state, .ctx = ctx, .why = TEMPLATE_UNKNOWN};

    for (size_t i = 0; c.found == NULL && i < ARRAY_LEN(order); i++) {
        if (order[i].n > 0 && !choose(&c, order[i], true)) {
            choose(&c, order[i], false);
        }
    }
    if (c.found == NULL) {
        choose(&c, STR_NONE, false);
    }
    *why = c.why;
    return c.found;
}

/* ---- values ---- */

/* One line, no runs of blanks, not empty: what both providers take as a value. */
static struct str clean(struct arena *a, struct str s)
{
    struct buf b;
    struct str out;
    size_t run = 0;

    buf_init(&b, s.n + 1);
    s = str_trim(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        run = c <= ' ' || c == 0x7f ? run + 1 : 0;
        if (run <= RUN_MAX) {
            buf_add_char(&b, run > 0 ? ' ' : (char)c);
        }
    }
    out = b.n > 0 ? arena_dup(a, buf_str(&b)) : STR(NO_VALUE);
    buf_fini(&b);
    return out;
}

/* A value that runs the other way than the template is kept in one piece by isolates. */
static struct str isolate(struct arena *a, const struct template_def *d, struct str s)
{
    static const char *const codes[] = {"ar", "he", "fa", "ur"};
    bool rtl = false;
    struct str out;
    struct buf b;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        rtl = rtl || same_language(d->lang, str_of(codes[i]), false);
    }
    buf_init(&b, 4 * s.n + 64);
    i18n_add_value(rtl, s, &b);
    out = arena_dup(a, b.n > 0 ? buf_str(&b) : s);
    buf_fini(&b);
    return out;
}

/* The body filled in must stay within its limit: the longest values give way first. */
static void fit_values(struct arena *a, const struct template_def *d, struct str *values)
{
    size_t fixed = str_utf8_len(d->body) - 5 * d->nparams, room, total = 0;

    room = fixed < ROOM ? ROOM - fixed : 0;
    for (size_t i = 0; i < d->nparams; i++) {
        total += str_utf8_len(values[i]);
    }
    for (size_t longest; total > room;) {
        size_t n, to;

        longest = 0;
        for (size_t i = 1; i < d->nparams; i++) {
            longest = str_utf8_len(values[i]) > str_utf8_len(values[longest]) ? i : longest;
        }
        n = str_utf8_len(values[longest]);
        if (n <= VALUE_MIN_MAX) {
            return; /* the build sees to it that there is room for more */
        }
        to = total - room < n / 2 ? n - (total - room) : n / 2;
        values[longest] = i18n_cut(a, values[longest], to > VALUE_MIN_MAX ? to : VALUE_MIN_MAX);
        total = total - n + str_utf8_len(values[longest]);
    }
}

/* ---- the message in its form ---- */

/* What a tap on the button sends back: as the session form's button of the same action does. */
static bool payload_of(struct arena *a, const struct template_def *d, size_t i,
                       const struct message *m, struct str *out)
{
    struct str action = d->buttons[i].action;

    if (str_eqz(action, "option")) {
        *out = i < m->noptions ? m->options[i].id : STR_NONE;
        return i < m->noptions;
    }
    *out = m->order_id.n > 0 ? arena_printf(a, "%.*s:%.*s", STR_ARG(action), STR_ARG(m->order_id))
                             : action;
    return true;
}

bool template_form(struct arena *a, const struct template_def *d, const struct message *m,
                   struct message *out)
{
    struct message f = *m;
    struct str values[MESSAGE_PARAMS_MAX];

    if (m->template_.nparams != d->nparams) {
        return false;
    }
    f.kind = MESSAGE_TEMPLATE;
    f.noptions = 0;
    f.header = f.footer = f.text = f.quoted = STR_NONE;
    f.media.url = f.media.provider_id = STR_NONE;
    f.template_.name = d->name;
    f.template_.language = d->language;
    for (size_t i = 0; i < d->nparams; i++) {
        values[i] = clean(a, m->template_.params[i].value);
    }
    if (template_is_code(d)) {
        values[0] = str_slice(values[0], 0, CODE_MAX);
    } else {
        fit_values(a, d, values);
        for (size_t i = 0; i < d->nparams; i++) {
            values[i] = isolate(a, d, values[i]);
        }
    }
    for (size_t i = 0; i < d->nparams; i++) {
        f.template_.params[i] = (struct message_param){STR_NONE, values[i]};
    }
    for (size_t i = 0; i < d->nbuttons; i++) {
        struct message_option *o = &f.options[f.noptions];

        if (d->buttons[i].action.n == 0) {
            continue; /* it calls or opens something fixed */
        }
        *o = (struct message_option){.title = d->buttons[i].text};
        if (!payload_of(a, d, i, m, &o->id)) {
            return false;
        }
        f.noptions++;
    }
    *out = f;
    return true;
}

void template_waiting(struct arena *a, const struct message *m, struct str company,
                      struct message *out)
{
    *out = (struct message){.kind = MESSAGE_TEXT,
                            .user = m->user,
                            .phone = m->phone,
                            .bsuid = m->bsuid,
                            .sender = m->sender,
                            .prio = m->prio,
                            .cls = m->cls,
                            .lang = m->lang,
                            .cause = m->id,
                            .order_id = m->order_id,
                            .order_number = m->order_number,
                            .expires = m->expires};
    TEMPLATE_SET(a, out, TEMPLATE_WAITING, m->order_number.n > 0 ? m->order_number : company);
}
