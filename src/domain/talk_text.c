#include "domain/assist.h"
#include "talk_int.h"

#include <string.h>

/* ---- questions ---- */

static bool question_open(const struct talk *t)
{
    return t->conv.question.n > 0 && t->conv.question_at.ms + QUESTION_MS > t->p->now.ms;
}

struct str talk_asked_now(struct talk *t, const char *action, struct str answer)
{
    return arena_printf(t->a, "%s@%lld:%.*s", action, (long long)t->p->now.ms, STR_ARG(answer));
}

bool talk_asked_so(const struct talk *t, const char *question)
{
    struct str kind, about;

    str_cut(t->conv.question, ':', &kind, &about);
    return question_open(t) && str_eqz(kind, question) &&
           (t->tap_asked_ms == 0 || t->tap_asked_ms == t->conv.question_at.ms);
}

/* The action without the time of its question, which is kept. */
static struct str take_time(struct talk *t, struct str action)
{
    struct str name = action, at;

    if (!str_cut(action, '@', &name, &at) || !str_to_i64(at, 1, INT64_MAX, &t->tap_asked_ms)) {
        t->tap_asked_ms = 0;
    }
    return name;
}

/* ---- taps ---- */

static void tap_command(struct talk *t, enum command_id cmd, struct str id)
{
    t->tap_order = id;
    t->call.id = cmd;
    talk_command(t);
}

static void tap_pick(struct talk *t, struct str rest)
{
    struct str name, id;
    enum command_id cmd;
    bool asked;

    str_cut(rest, ':', &name, &id);
    if (str_eqz(name, "media")) {
        talk_media_picked(t, id);
        return;
    }
    cmd = talk_command_named(name);
    asked = talk_asked_so(t, arena_printf(t->a, "%.*s", STR_ARG(name)).p);
    if (!asked && (cmd == CMD_NOTE || cmd == CMD_DELAY || cmd == CMD_SET_STATUS)) {
        /* The words it was about are forgotten after 15 minutes, or when others are asked about:
         * guessing them would book nonsense. */
        talk_say(t, "reply.question_expired");
        return;
    }
    if (!asked) { /* of an older list: what is asked now stays asked, and files wait for it */
        tap_command(t, cmd, id);
        return;
    }
    t->call.rest = t->conv.question_rest;
    t->call.status_ok = cmd == CMD_SET_STATUS && order_status_parse(t->call.rest, &t->call.status);
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    tap_command(t, cmd, id);
    talk_media_follow(t, t->resolved);
}

static void tap_anyway(struct talk *t, struct str id)
{
    const struct order *o;

    if ((t->u->roles & ROLE_CREW) == 0) {
        talk_say(t, "reply.no_commands");
        return;
    }
    t->tap_order = id;
    o = talk_resolve(t, CMD_COMPLETE, FIT_OPEN);
    if (o != NULL) {
        struct str words = talk_confirmed_words(t, o);

        if (talk_step(t, o, STEP_COMPLETE, true)) {
            talk_book_words(t, o, words);
        }
    }
}

/* "Add as note": the words of the question are the note. */
static void tap_note(struct talk *t, struct str id)
{
    if (!talk_asked_so(t, "as_note")) {
        talk_say(t, "reply.question_expired");
        return;
    }
    t->call.rest = t->conv.question_rest;
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    tap_command(t, CMD_NOTE, id);
}

/* "Read it": what waited for that word follows by itself (TALK_READING); here nothing waits any
 * more. */
static void tap_read(struct talk *t, struct str id)
{
    if (id.n > 0) {
        tap_command(t, CMD_SHOW, id);
    } else {
        talk_say(t, "reply.read_over");
    }
}

static void tap_payload(struct talk *t, struct str payload)
{
    static const struct {
        const char *action;
        enum command_id cmd;
    } rows[] = {
        {"ack",      CMD_ACK     },
        {"start",    CMD_START   },
        {"complete", CMD_COMPLETE},
        {"view",     CMD_SHOW    },
        {"escalate", CMD_ESCALATE},
    };
    const struct lang *l;
    struct str action, rest;

    str_cut(payload, ':', &action, &rest);
    action = take_time(t, action);
    t->call = (struct command_call){.id = CMD_NONE};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eqz(action, rows[i].action)) {
            tap_command(t, rows[i].cmd, rest);
            return;
        }
    }
    if (talk_tap_broadcast(t, payload) || talk_tap_matter(t, payload)) {
        return;
    }
    if (str_eqz(action, "original")) {
        talk_cmd_original(t);
    } else if (str_eqz(action, "pick")) {
        tap_pick(t, rest);
    } else if (str_eqz(action, "complete_anyway")) {
        tap_anyway(t, rest);
    } else if (str_eqz(action, "as_note")) {
        tap_note(t, rest);
    } else if (str_eqz(action, "optout")) {
        talk_opt_out(t, rest);
    } else if (str_eqz(action, "training")) {
        talk_tap_training(t, rest);
    } else if (str_eqz(action, "do")) {
        talk_tap_do(t, rest);
    } else if (str_eqz(action, "team")) {
        talk_tap_team(t, rest);
    } else if (str_eqz(action, "read")) {
        tap_read(t, rest);
    } else if (str_eqz(action, TALK_READING)) {
        return;
    } else if (str_eqz(action, "lang") && (l = i18n_lang_named(t->v->tenant->i18n, rest)) != NULL) {
        talk_set_language(t, l);
    } else {
        talk_say(t, "reply.tap_unknown");
    }
}

/*
 * A step says by itself that the order is there already, and may be wanted anew when it went back.
 * What leaves no such trace is known by its button.
 */
static bool is_step(struct str payload)
{
    static const char *const steps[] = {"ack:", "start:", "complete:", "complete_anyway:"};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (str_starts(payload, str_of(steps[i]))) {
            return true;
        }
    }
    return false;
}

static bool tapped_before(const struct talk *t, struct str button)
{
    for (size_t i = 0; i < TAPPED_MAX && button.n > 0; i++) {
        if (str_eq(t->conv.tapped[i], button)) {
            return true;
        }
    }
    return false;
}

/* A matter shows by itself what was said to it. */
static bool of_matter(struct str button)
{
    struct str shown, payload;

    return str_cut(button, ' ', &shown, &payload) && str_starts(payload, STR("y:"));
}

/* The oldest makes room, of those that leave a trace elsewhere if there are any. */
static void remember_tap(struct talk *t, struct str button)
{
    struct str *all = t->conv.tapped;
    size_t at = 0;

    while (at < TAPPED_MAX && all[at].n > 0) {
        at++;
    }
    for (size_t i = TAPPED_MAX; at == TAPPED_MAX && i-- > 0;) {
        at = of_matter(all[i]) ? i : at;
    }
    at = at < TAPPED_MAX ? at : TAPPED_MAX - 1;
    memmove(&all[1], &all[0], at * sizeof(button));
    all[0] = button;
    t->conv_changed = true;
}

/* @shown: what tells the message of the button from others. */
static void tap_once(struct talk *t, struct str payload, struct str shown)
{
    struct str button = STR_NONE;
    size_t before = t->p->nevents;

    if (shown.n > 0 && !is_step(payload)) {
        button = arena_printf(t->a, "%.*s %.*s", STR_ARG(shown), STR_ARG(payload));
    }
    if (tapped_before(t, button)) {
        talk_say(t, "reply.tap_done");
        return;
    }
    tap_payload(t, payload);
    if (button.n > 0 && t->p->nevents > before) {
        remember_tap(t, button);
    }
}

void talk_tap(struct talk *t)
{
    if (t->in->payload.n == 0) {
        /* A button without a payload comes as its title: what it says counts as typed. */
        talk_command(t);
        return;
    }
    tap_once(t, t->in->payload, t->in->quoted);
}

/* ---- open questions ---- */

/* "text:note:<order>": what comes next is the note. */
static bool answers_text(struct talk *t)
{
    struct str kind, rest, name, id;
    const struct order *o;

    if (!question_open(t) || !str_cut(t->conv.question, ':', &kind, &rest) ||
        !str_eqz(kind, "text")) {
        return false;
    }
    str_cut(rest, ':', &name, &id);
    t->tap_order = id;
    t->call.order = STR_NONE;
    t->call.rest = str_trim(t->in->text);
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    o = talk_resolve(t, talk_command_named(name), FIT_OPEN);
    if (o != NULL) {
        talk_on_order(t, talk_command_named(name), o);
    }
    return true;
}

/* "Which order?" answered with its number. */
bool talk_answers_which(struct talk *t)
{
    enum command_id cmd = question_open(t) ? talk_command_named(t->conv.question) : CMD_NONE;
    struct str typed = str_trim(t->in->text);

    if (t->in->type != INBOUND_TEXT || cmd == CMD_NONE || cmd == CMD_SHOW ||
        !command_order_like(typed)) {
        return false;
    }
    t->call = (struct command_call){.id = cmd, .order = typed, .rest = t->conv.question_rest};
    t->call.status_ok = cmd == CMD_SET_STATUS && order_status_parse(t->call.rest, &t->call.status);
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    talk_command(t);
    talk_media_follow(t, t->resolved);
    return true;
}

static bool answers_number(struct talk *t)
{
    int64_t n = t->call.number;

    if (n < 1 || n > (int64_t)t->conv.noptions) {
        return false;
    }
    t->via = "reply";
    tap_once(t, t->conv.options[n - 1],
             arena_printf(t->a, "#%lld", (long long)t->conv.options_at.ms));
    return true;
}

/* ---- free text ---- */

static bool several_words(struct str text)
{
    return str_find_char(str_trim(text), ' ', 0) != SIZE_MAX;
}

static void ask_meaning(struct talk *t, const struct order *o)
{
    struct message *m = talk_say(t, "reply.text_ask", ARG_IDENT("number", o->number));

    m->kind = MESSAGE_BUTTONS;
    m->order_id = o->id;
    m->order_number = o->number;
    talk_add_option(t, m, arena_printf(t->a, "complete_anyway:%.*s", STR_ARG(o->id)),
                    I18N(t->a, t->l, t->timezone, "button.complete"), STR_NONE);
    talk_add_option(t, m, talk_asked_now(t, "as_note", o->id),
                    I18N(t->a, t->l, t->timezone, "button.as_note"), STR_NONE);
    t->conv.question = STR("as_note");
    t->conv.question_rest = str_trim(t->in->text);
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

/* In reply to an order's message: a status when it says one, a note when it says something, else
 * one question. */
static void about_quoted(struct talk *t, const struct order *o)
{
    t->via = "reply";
    if (!talk_may_change(t, o)) {
        talk_say(t, "reply.not_yours", ARG_IDENT("number", o->number));
    } else if (t->call.says_done) {
        talk_step(t, o, STEP_COMPLETE, false);
    } else if (t->call.says_started) {
        talk_step(t, o, STEP_START, false);
    } else if (several_words(t->in->text)) {
        talk_note(t, o, str_trim(t->in->text));
    } else {
        ask_meaning(t, o);
    }
}

void talk_unknown(struct talk *t)
{
    struct buf names;

    if (t->call.nnearest == 0) {
        talk_say(t, "reply.unknown");
        return;
    }
    buf_init(&names, 1024);
    for (size_t i = 0; i < t->call.nnearest; i++) {
        if (i > 0) {
            i18n_add(t->l, t->timezone, i + 1 == t->call.nnearest ? "list.or" : "list.comma", NULL,
                     0, &names);
        }
        buf_addf(&names, "*%.*s*", STR_ARG(t->call.nearest[i]));
    }
    talk_say(t, "reply.unknown_near", ARG_S("commands", arena_dup(t->a, buf_str(&names))));
    buf_fini(&names);
}

void talk_free_text(struct talk *t)
{
    bool crew = (t->u->roles & ROLE_CREW) != 0;
    const struct order *quoted = crew ? talk_quoted_order(t) : NULL;

    if (answers_number(t) || talk_media_typed(t) || answers_text(t) || talk_answers_which(t) ||
        talk_answers_report(t) || talk_answers_team(t)) {
        return;
    }
    if (!crew) {
        talk_say(t, "reply.no_commands");
    } else if (quoted != NULL) {
        about_quoted(t, quoted);
    } else if (talk_alert_said(t)) {
        return;
    } else if (t->call.says_done) {
        t->via = "reply";
        t->call = (struct command_call){.id = CMD_COMPLETE};
        talk_command(t);
    } else if (t->call.says_started) {
        t->via = "reply";
        t->call = (struct command_call){.id = CMD_START};
        talk_command(t);
    } else {
        if (!assist_ask(t->p, t->u->id, t->sender_id, t->in->text)) {
            talk_unknown(t);
        }
    }
}
