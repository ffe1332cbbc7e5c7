#include "domain/talk.h"

#include "domain/order_store.h"
#include "matter_int.h"
#include "talk_int.h"

#include <stdio.h>

#define LANGS_MAX 32
#define DAY_MS    ((int64_t)24 * 3600 * 1000)

/* ---- the table of commands ---- */

static const struct {
    enum command_id id;
    talk_fn *run;
    bool crew; /* technicians, supervisors, admins only */
} commands[] = {
    {CMD_NONE,       talk_free_text,      false},
    {CMD_HELP,       talk_cmd_help,       false},
    {CMD_MY_WORK,    talk_cmd_my_work,    true },
    {CMD_PENDING,    talk_cmd_pending,    true },
    {CMD_MORE,       talk_cmd_more,       true },
    {CMD_STATUS,     talk_cmd_status,     true },
    {CMD_SET_STATUS, talk_cmd_set_status, true },
    {CMD_SHOW,       talk_cmd_show,       true },
    {CMD_ACK,        talk_cmd_ack,        false},
    {CMD_START,      talk_cmd_start,      false}, /* opts in again for everybody */
    {CMD_COMPLETE,   talk_cmd_complete,   true },
    {CMD_NOTE,       talk_cmd_note,       true },
    {CMD_DELAY,      talk_cmd_delay,      true },
    {CMD_ESCALATE,   talk_cmd_escalate,   true },
    {CMD_RESPONDING, talk_cmd_responding, true },
    {CMD_CONFIRM,    talk_cmd_confirm,    true },
    {CMD_RESCHEDULE, talk_cmd_reschedule, true },
    {CMD_CHECKLIST,  talk_cmd_checklist,  true },
    {CMD_CORRECT,    talk_cmd_correct,    true },
    {CMD_REPORT,     talk_cmd_report,     false},
    {CMD_TEAM,       talk_cmd_team,       true },
    {CMD_TRAINING,   talk_cmd_training,   false},
    {CMD_ORIGINAL,   talk_cmd_original,   false},
    {CMD_LANGUAGE,   talk_cmd_language,   false},
    {CMD_SETTINGS,   talk_cmd_settings,   false},
    {CMD_STOP,       talk_cmd_stop,       false},
    {CMD_STOP_ALL,   talk_cmd_stop_all,   false},
    {CMD_SAFE,       talk_cmd_safe,       false},
    {CMD_HELP_ME,    talk_cmd_help_me,    false},
};

void talk_command(struct talk *t)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].id != t->call.id) {
            continue;
        }
        if (commands[i].crew && (t->u->roles & ROLE_CREW) == 0) {
            talk_say(t, "reply.no_commands");
        } else {
            commands[i].run(t);
        }
        return;
    }
    talk_say(t, "reply.unknown");
}

enum command_id talk_command_named(struct str name)
{
    for (int id = CMD_NONE + 1; id < CMD_COUNT; id++) {
        if (str_eqz(name, command_name((enum command_id)id))) {
            return (enum command_id)id;
        }
    }
    return CMD_NONE;
}

/* ---- saying ---- */

struct message *talk_say_text(struct talk *t, struct str text)
{
    struct message *m = plan_message(t->p, t->u, MESSAGE_TEXT);

    m->text = text;
    m->prio = PRIO_REPLY;
    m->sender = t->sender_id;
    m->lang = lang_code(t->l);
    return m;
}

void talk_add_option(struct talk *t, struct message *m, struct str id, struct str title,
                     struct str description)
{
    size_t most = m->kind == MESSAGE_LIST ? MESSAGE_ROWS_MAX : MESSAGE_BUTTONS_MAX;

    if (m->noptions < most) {
        m->options[m->noptions++] =
            (struct message_option){id, i18n_cut(t->a, title, m->kind == MESSAGE_LIST ? 24 : 20),
                                    i18n_cut(t->a, description, 72), STR_NONE};
    }
}

struct buf *talk_event_begin(struct talk *t, struct jw *w, const struct order *o)
{
    struct buf *data = ARENA_NEW(t->a, struct buf);

    buf_init(data, (size_t)2 << 20);
    jw_init(w, data);
    jw_open(w, NULL, '{');
    jw_open(w, "person", '{');
    jw_str(w, "id", t->u->id);
    jw_str(w, "name", t->u->name);
    jw_close(w, '}');
    if (o != NULL) {
        order_write_ref(o, w, "workorder");
    }
    jw_z(w, "via", t->via);
    return data;
}

void talk_event_end(struct talk *t, const char *type, const struct order *o, struct jw *w,
                    struct buf *data)
{
    jw_close(w, '}');
    plan_event(t->p, type, o != NULL ? o->number : t->u->id, arena_dup(t->a, buf_str(data)),
               STR_NONE);
    buf_fini(data);
}

void talk_user_changed(struct talk *t)
{
    plan_user(t->p, t->u, t->v->user);
}

struct wall talk_at_clock(const struct talk *t, struct wall midnight, int32_t minutes)
{
    return timezone_wall(t->timezone, timezone_shift(t->timezone, midnight) + minutes * 60000LL);
}

/* ---- one turn ---- */

static struct str payload_order(struct str payload)
{
    static const char *const others[] = {"lang", "optout", "bc", "y", "team", "training", "do"};
    struct str action, rest, id;

    if (!str_cut(payload, ':', &action, &rest)) {
        return STR_NONE;
    }
    str_cut(action, '@', &action, &id);
    if (str_eqz(action, "pick")) {
        return str_cut(rest, ':', &action, &id) ? id : STR_NONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_eqz(action, others[i])) {
            return STR_NONE;
        }
    }
    return rest;
}

struct str talk_options_orders(struct arena *a, const struct message *m)
{
    struct str ids = STR(""), id;

    for (size_t i = 0; i < m->noptions; i++) {
        id = payload_order(m->options[i].id);
        if (id.n > 0) {
            ids = arena_printf(a, "%.*s%.*s\n", STR_ARG(ids), STR_ARG(id));
        }
    }
    return ids;
}

/*
 * The first word behind REPORT, without case. In a language that is not known yet it may be the
 * second word of anything that is no command.
 */
static struct str asset_word(struct arena *a, struct str text, const struct command_call *call)
{
    struct str word = str_trim(text), rest;
    char *lower;

    if (call->id == CMD_REPORT) {
        word = str_trim(call->rest);
    } else if (call->id != CMD_NONE || !str_cut(word, ' ', &rest, &word)) {
        return STR_NONE;
    }
    str_cut(str_trim(word), ' ', &word, &rest);
    while (word.n > 0 && strchr(":,.", word.p[word.n - 1]) != NULL) {
        word = str_slice(word, 0, word.n - 1);
    }
    if (word.n > ASSET_ID_MAX) {
        return STR_NONE;
    }
    lower = arena_alloc(a, word.n + 1);
    for (size_t i = 0; i < word.n; i++) {
        lower[i] = (char)(word.p[i] >= 'A' && word.p[i] <= 'Z' ? word.p[i] + 32 : word.p[i]);
    }
    return str_make(lower, word.n);
}

/* TRAINING, in whatever language: his own is not known yet. */
static bool names_training(const struct tenant *t, struct str text)
{
    const struct lang *langs[LANGS_MAX];
    size_t n = i18n_langs(t->i18n, langs, LANGS_MAX);
    struct str word, rest;

    text = str_trim(text);
    if (text.n == 0 || text.n > 60) {
        return false;
    }
    str_cut(text, ' ', &word, &rest);
    for (size_t i = 0; i < n; i++) {
        if (command_named(langs[i], word) == CMD_TRAINING ||
            command_named(langs[i], text) == CMD_TRAINING) {
            return true;
        }
    }
    return false;
}

/* "do@<time>:yes:<number>": the command that is confirmed names it. */
static struct str confirmed_order(struct arena *a, struct str payload)
{
    struct str action, answer, number;

    if (!str_starts(payload, STR("do@")) || !str_cut(payload, ':', &action, &answer) ||
        !str_cut(answer, ':', &answer, &number)) {
        return STR_NONE;
    }
    return command_order_canonical(a, number);
}

void talk_query(struct arena *a, const struct tenant *t, const struct inbound *in,
                struct view_query *out)
{
    const struct lang *l = i18n_lang(t->i18n, STR_NONE, t->conf->default_language);
    struct command_call call;
    struct str action, id;
    enum matter_kind kind;
    bool sure;

    *out = (struct view_query){.phone = in->phone, .bsuid = in->bsuid, .quoted = in->quoted};
    if (in->type == INBOUND_TAP) {
        out->order_id = payload_order(in->payload);
        out->training = str_starts(in->payload, STR("training:"));
        out->typed = confirmed_order(a, in->payload);
        if (matter_payload_parse(in->payload, &out->matter, &action, a) &&
            matter_ref_parse(out->matter, &kind, &id) && kind == MATTER_ORDER_CHECKLIST) {
            out->order_id = id;
        }
        return;
    }
    /* The person's language is not known yet: English and the tenant's words name an order all the
     * same. */
    command_parse(a, in->text, l, &call);
    if (in->type == INBOUND_MEDIA) {
        struct str order = talk_caption_order(a, in->text, &call, &sure);

        out->typed = order.n > 0 ? command_order_canonical(a, order) : STR_NONE;
        return;
    }
    out->training = call.id == CMD_TRAINING || (call.id == CMD_NONE && names_training(t, in->text));
    out->asset = asset_word(a, in->text, &call);
    if (call.order.n > 0) {
        out->typed = command_order_canonical(a, call.order);
    } else if (command_order_like(str_trim(in->text))) {
        out->typed =
            command_order_canonical(a, str_trim(in->text)); /* the answer to "which order?" */
    }
}

static void answer(struct talk *t)
{
    switch (t->in->type) {
    case INBOUND_TEXT:
        /* Numbers belong to the options shown last until he says something else. */
        if (t->conv.noptions > 0 &&
            (t->call.number < 1 || t->call.number > (int64_t)t->conv.noptions)) {
            t->conv.options_over = true;
            t->conv_changed = true;
        }
        if (!talk_checklist_typed(t) && !talk_pm_typed(t)) {
            talk_command(t);
        }
        break;
    case INBOUND_TAP:
        t->via = "button";
        talk_tap(t);
        break;
    case INBOUND_MEDIA:
        t->via = "media";
        talk_media(t);
        break;
    case INBOUND_REACTION:
        break; /* a thumb asks for no answer */
    case INBOUND_LOCATION:
    case INBOUND_CONTACTS:
    case INBOUND_UNSUPPORTED:
        talk_say(t, "reply.unsupported");
        break;
    }
}

/* What was said is kept; why the office does not see it yet is said with it. */
static void say_late(struct talk *t)
{
    const struct sender *by;
    struct message *m;
    struct str late;
    size_t most;

    if (!t->p->tenant->cmms_away || t->p->nevents == 0) {
        return;
    }
    late = I18N(t->a, t->l, t->timezone, "reply.late");
    for (size_t i = 0; i < t->p->nmessages; i++) {
        m = &t->p->messages[i].m;
        if (str_eq(m->user, t->u->id)) {
            by = tenant_sender(t->p->tenant->conf, m->sender);
            most = message_text_max(m, by != NULL && by->provider == PROVIDER_TWILIO) - 1;
            m->text = arena_printf(
                t->a, "%.*s\n%.*s",
                STR_ARG(i18n_cut(t->a, m->text, most - str_utf8_len(late))), STR_ARG(late));
            return;
        }
    }
}

struct talk *talk_begin(const struct view *v, const struct inbound *in, struct str sender_id,
                        struct plan *p)
{
    struct talk *t = ARENA_NEW(p->a, struct talk);

    *t = (struct talk){.v = v,
                       .in = in,
                       .p = p,
                       .a = p->a,
                       .sender_id = sender_id,
                       .spoken_to = sender_id,
                       .conv = v->conversation,
                       .via = "command"};
    t->u = ARENA_NEW(p->a, struct user);
    if (v->user != NULL) {
        *t->u = *v->user;
    } else {
        *t->u = (struct user){.id = v->person, .phone = in->phone, .bsuid = in->bsuid};
    }
    t->l = notice_lang(p, t->u);
    t->timezone = notice_timezone(p, t->u);
    return t;
}

void talk_decide(const struct view *v, const struct inbound *in, struct str sender_id,
                 struct plan *p)
{
    struct talk *t;

    t = talk_begin(v, in, sender_id, p);
    if (in->group_id.n > 0 && !talk_in_group(t)) {
        return; /* said among people, not to us */
    }
    if (v->user == NULL) { /* never in a group */
        p->speaker = v->person;
        p->spoken_to = sender_id;
        p->spoken_at = in->at;
    }
    command_parse(p->a, in->text, t->l, &t->call);
    if (v->user == NULL || v->user->removed) {
        talk_stranger(t);
    } else {
        if (in->group_id.n == 0 && !str_eq(t->u->sender, sender_id)) {
            t->u->sender = sender_id;
            talk_user_changed(t);
        }
        if (talk_verify(t)) {
            answer(t);
            talk_checklist_remind(t);
        }
    }
    say_late(t);
    if (t->conv_changed) {
        plan_conversation(p, v->person, &t->conv);
    }
}
