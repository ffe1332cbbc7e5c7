#include "talk_int.h"

#define STRANGER_MS ((int64_t)24 * 3600 * 1000)
#define LANGS_MAX   32

/* ---- strangers, and those who have not verified ---- */

void talk_stranger(struct talk *t)
{
    /* One polite answer a day; an answer to each message would let anybody make us spend. */
    if (t->conv.question_at.ms + STRANGER_MS > t->p->now.ms) {
        return;
    }
    talk_say(t, "reply.stranger", ARG_S("company", t->v->tenant->conf->name));
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

bool talk_verify(struct talk *t)
{
    struct jw w;
    struct buf *data;

    if (t->u->verified) {
        return true;
    }
    if (t->v->tenant->conf->require_code) {
        talk_say(t, "reply.not_verified",
                 ARG_S("url", arena_printf(t->a, "%.*s/whatsapp/verify",
                                           STR_ARG(t->v->tenant->settings->public_url))));
        return false;
    }
    /* Sending from that number is the proof that he holds it. */
    t->u->verified = true;
    talk_user_changed(t);
    data = talk_event_begin(t, &w, NULL);
    jw_open(&w, "classes", '[');
    jw_close(&w, ']');
    jw_str(&w, "language", lang_code(t->l));
    talk_event_end(t, "gateway.person.verified.v1", NULL, &w, data);
    talk_say(t, "reply.verified");
    notice_onboarding(t->p, t->u);
    /* A greeting has been answered with that; a command goes on. */
    return t->in->type != INBOUND_TEXT || t->call.id != CMD_NONE;
}

/* ---- language ---- */

void talk_set_language(struct talk *t, const struct lang *l)
{
    struct jw w;
    struct buf *data;

    t->l = l;
    t->u->language = lang_code(l);
    talk_user_changed(t);
    data = talk_event_begin(t, &w, NULL);
    jw_open(&w, "classes", '[');
    jw_close(&w, ']');
    jw_str(&w, "language", lang_code(l));
    talk_event_end(t, "gateway.person.preferences_changed.v1", NULL, &w, data);
    talk_say(t, "reply.language_changed");
}

static struct str lang_names(struct talk *t, const struct lang **langs, size_t n)
{
    struct buf names;
    struct str out;

    buf_init(&names, 2048);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            i18n_add(t->l, t->timezone, "list.comma", NULL, 0, &names);
        }
        buf_add(&names, lang_name(langs[i]));
    }
    out = arena_dup(t->a, buf_str(&names));
    buf_fini(&names);
    return out;
}

void talk_cmd_language(struct talk *t)
{
    struct str name = str_trim(t->call.rest);
    const struct lang *langs[LANGS_MAX], *l = i18n_lang_named(t->v->tenant->i18n, name);
    size_t n = i18n_langs(t->v->tenant->i18n, langs, LANGS_MAX);
    struct message *m;

    if (name.n > 0 && l != NULL) {
        talk_set_language(t, l);
        return;
    }
    m = name.n > 0 ? talk_say(t, "reply.language_unknown", ARG_S("name", name),
                              ARG_S("names", lang_names(t, langs, n)))
                   : talk_say(t, "reply.language_list", ARG_S("names", lang_names(t, langs, n)),
                              ARG_S("example", lang_name(langs[n - 1])));
    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.languages");
    for (size_t i = 0; i < n; i++) {
        talk_add_option(t, m, arena_printf(t->a, "lang:%.*s", STR_ARG(lang_code(langs[i]))),
                        lang_name(langs[i]), STR_NONE);
    }
}

/* ---- consent ---- */

#define ALL_CLASSES ((1u << CLASS_COUNT) - 1)

static void consent_event(struct talk *t, const char *type, unsigned classes)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    jw_open(&w, "classes", '[');
    if ((classes & OPTED_OUT_ALL) != 0) {
        jw_z(&w, NULL, "all");
    }
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        if ((classes & (1u << c)) != 0) {
            jw_z(&w, NULL, user_class_name((enum user_class)c));
        }
    }
    jw_close(&w, ']');
    jw_str(&w, "language", lang_code(t->l));
    talk_event_end(t, type, NULL, &w, data);
}

void talk_opt_in(struct talk *t)
{
    consent_event(t, "gateway.person.opted_in.v1", t->u->opted_out);
    t->u->opted_out = 0;
    talk_user_changed(t);
    talk_say(t, "reply.opted_in");
}

void talk_opt_out(struct talk *t, struct str what)
{
    unsigned before = t->u->opted_out, added;
    enum user_class c;

    if (str_eqz(what, "none")) {
        talk_say(t, "reply.stop_none");
        return;
    }
    if (str_eqz(what, "all")) {
        added = OPTED_OUT_ALL;
        talk_say(t, "reply.stopped_all");
    } else if (str_eqz(what, "most")) {
        added = ALL_CLASSES & ~(1u << CLASS_EMERGENCY);
        talk_say(t, "reply.stopped");
    } else if (user_class_parse(what, &c)) {
        struct str name = I18N(t->a, t->l, t->timezone,
                               arena_printf(t->a, "name.class.%s", user_class_name(c)).p);

        added = 1u << c;
        talk_say(t, "reply.stopped_class", ARG_S("class", name));
    } else {
        talk_say(t, "reply.tap_unknown");
        return;
    }
    t->u->opted_out = before | added;
    t->p->stopped = added;
    t->p->stopped_person = t->u->id;
    talk_user_changed(t);
    consent_event(t, "gateway.person.opted_out.v1", added);
}

static int64_t open_orders(const struct talk *t)
{
    int64_t n = 0;

    for (size_t i = 0; i < t->v->norders; i++) {
        n += talk_is_mine(&t->v->orders[i]) && order_is_open(t->v->orders[i].order);
    }
    return n;
}

void talk_cmd_stop(struct talk *t)
{
    static const enum user_class asked[] = {CLASS_ASSIGNMENTS, CLASS_ESCALATIONS, CLASS_PARTS,
                                            CLASS_REMINDERS,   CLASS_CHECKLISTS,  CLASS_UPDATES,
                                            CLASS_TRAINING};
    int64_t n = open_orders(t);
    struct message *m;

    if (n == 0) {
        talk_opt_out(t, STR("most"));
        return;
    }
    m = talk_say(t, "reply.stop_ask", ARG_N("n", n));
    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    talk_add_option(t, m, STR("optout:most"), I18N(t->a, t->l, t->timezone, "row.optout_most"),
                    I18N(t->a, t->l, t->timezone, "row.optout_most_note"));
    talk_add_option(t, m, STR("optout:all"), I18N(t->a, t->l, t->timezone, "row.optout_all"),
                    I18N(t->a, t->l, t->timezone, "row.optout_all_note"));
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        talk_add_option(t, m, arena_printf(t->a, "optout:%s", user_class_name(asked[i])),
                        I18N(t->a, t->l, t->timezone,
                             arena_printf(t->a, "name.class.%s", user_class_name(asked[i])).p),
                        STR_NONE);
    }
    talk_add_option(t, m, STR("optout:none"), I18N(t->a, t->l, t->timezone, "row.optout_none"),
                    STR_NONE);
}

void talk_cmd_stop_all(struct talk *t)
{
    talk_opt_out(t, STR("all"));
}

/* ---- what was translated ---- */

void talk_cmd_original(struct talk *t)
{
    const struct order *o;

    if (t->v->original.n > 0) {
        talk_say_text(t, t->v->original);
        return;
    }
    if (t->call.id != CMD_ORIGINAL || (t->u->roles & ROLE_CREW) == 0) {
        talk_say(t, "reply.original_gone");
        return;
    }
    /* An order is kept and shown as the CMMS wrote it. */
    o = talk_resolve(t, CMD_SHOW, FIT_OPEN);
    if (o != NULL) {
        talk_show(t, o);
    }
}
