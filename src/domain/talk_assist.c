/* talk_assist: what follows from what the assistant made of a text, or of a voice note. */
#include "base/mem.h"
#include "domain/assist.h"
#include "talk_int.h"

/*
 * Then it needs no question. By what it is read as: "WO " and what the assistant calls an order may be more than
 * a look at it.
 */
static bool only_shows(struct arena *a, const struct lang *l, struct str command)
{
    static const enum command_id shows[] = {CMD_MY_WORK, CMD_PENDING, CMD_STATUS, CMD_HELP,
                                            CMD_SHOW};
    struct command_call call;

    command_parse(a, command, l, &call);
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        if (call.id == shows[i]) {
            return true;
        }
    }
    return false;
}

/* @o: the order that it is said of without naming it, or NULL. */
static void confirm(struct talk *t, struct str heard, struct str command, const struct order *o)
{
    struct command_call call;
    struct str yes = STR("yes");
    struct str does = o == NULL ? command
                                : arena_printf(t->a, "%.*s (%.*s)", STR_ARG(command),
                                               STR_ARG(o->number));
    struct message *m =
        heard.n > 0 ? talk_say(t, "reply.do_heard", ARG_S("heard", i18n_cut(t->a, heard, 400)),
                               ARG_S("command", i18n_cut(t->a, does, 400)))
                    : talk_say(t, "reply.do_ask", ARG_S("command", i18n_cut(t->a, does, 400)));

    command_parse(t->a, command, t->l, &call);
    /* So that it is read when he taps, also if it is on no list of his. */
    if (call.order.n > 0 && call.order.n <= 64) {
        yes = arena_printf(t->a, "yes:%.*s", STR_ARG(call.order));
    }
    m->kind = MESSAGE_BUTTONS;
    talk_add_option(t, m, talk_asked_now(t, "do", yes),
                    I18N(t->a, t->l, t->timezone, "button.do_yes"), STR_NONE);
    talk_add_option(t, m, talk_asked_now(t, "do", STR("no")),
                    I18N(t->a, t->l, t->timezone, "button.do_no"), STR_NONE);
    t->conv.question = arena_printf(t->a, "do:%.*s", STR_ARG(o != NULL ? o->id : STR_NONE));
    t->conv.question_rest = command;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

void talk_tap_do(struct talk *t, struct str answer)
{
    struct str command = t->conv.question_rest, kind, order, named;

    str_cut(answer, ':', &answer, &named);
    str_cut(t->conv.question, ':', &kind, &order);
    if (!talk_asked_so(t, "do")) {
        talk_say(t, "reply.question_expired");
        return;
    }
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    if (!str_eqz(answer, "yes")) {
        talk_say(t, "reply.do_not");
        return;
    }
    t->via = "button";
    command_parse(t->a, command, t->l, &t->call);
    t->tap_order = t->call.order.n > 0 ? STR_NONE : order;
    talk_command(t);
}

static void conversation_done(struct talk *t)
{
    if (t->conv_changed) {
        plan_conversation(t->p, t->v->person, &t->conv);
    }
}

/* Tools name commands in English, which always works. */
void assist_decide_chat(const struct view *v, const struct inbound *in, struct str sender,
                        const struct assist_answer *answer, struct plan *p)
{
    struct talk *t = talk_begin(v, in, sender, p);
    struct inbound again = *in;

    if (only_shows(p->a, t->l, answer->command)) {
        again.text = answer->command;
        talk_decide(v, &again, sender, p);
        return;
    }
    if (answer->command.n > 0) {
        confirm(t, STR_NONE, answer->command, NULL);
    } else if (answer->says.n > 0) {
        talk_say(t, "reply.assistant", ARG_S("text", answer->says));
    } else {
        talk_unknown(t);
    }
    conversation_done(t);
}

static void note(struct talk *t, const struct medium *m, const struct order *o, struct str heard)
{
    struct jw w;
    struct buf *data;

    t->via = "media";
    data = talk_event_begin(t, &w, o);
    jw_str(&w, "text", heard);
    jw_str(&w, "language", lang_code(t->l));
    jw_open(&w, "media", '{');
    jw_str(&w, "id", m->id);
    jw_close(&w, '}');
    talk_event_end(t, "gateway.workorder.note_added.v1", o, &w, data);
    plan_entry(t->p, o->id, "note", t->u->id, heard);
    talk_say(t, "reply.voice_note", ARG_IDENT("number", o->number),
             ARG_S("heard", i18n_cut(t->a, heard, 600)));
}

void assist_decide_speech(const struct view *v, const struct medium *m, const struct order *o,
                          struct str sender, struct str heard, struct plan *p)
{
    const struct inbound in = {
        .kind = INBOUND_MESSAGE, .type = INBOUND_TEXT, .text = heard, .at = p->now};
    struct talk *t = talk_begin(v, &in, sender, p);
    struct str words = assist_digits(p->a, lang_code(t->l), heard);

    command_parse(p->a, words, t->l, &t->call);
    if (heard.n == 0) {
        return; /* silence */
    }
    if (t->call.id != CMD_NONE) {
        confirm(t, heard, words, m->quoted && t->call.order.n == 0 ? o : NULL);
    } else if (o != NULL && talk_may_change(t, o)) {
        note(t, m, o, heard);
    } else if (!assist_ask(p, t->u->id, sender, heard)) {
        talk_say(t, "reply.voice_heard", ARG_S("heard", i18n_cut(t->a, heard, 600)));
    }
    conversation_done(t);
}
