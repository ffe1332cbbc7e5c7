#include "domain/when.h"
#include "talk_int.h"

static const enum order_status reached[] = {
    [STEP_ACK] = ORDER_ACKNOWLEDGED,   [STEP_START] = ORDER_IN_PROGRESS,
    [STEP_COMPLETE] = ORDER_COMPLETED, [STEP_HOLD] = ORDER_ON_HOLD,
    [STEP_CANCEL] = ORDER_CANCELLED,   [STEP_REOPEN] = ORDER_OPEN};

static struct str status_text(struct talk *t, enum order_status status)
{
    return I18N(t->a, t->l, t->timezone,
                arena_printf(t->a, "name.status.%s", order_status_name(status)).p);
}

static void button_anyway(struct talk *t, const struct order *o, struct message *m)
{
    m->kind = MESSAGE_BUTTONS;
    m->order_id = o->id;
    m->order_number = o->number;
    talk_add_option(t, m, arena_printf(t->a, "complete_anyway:%.*s", STR_ARG(o->id)),
                    I18N(t->a, t->l, t->timezone, "button.complete_anyway"), STR_NONE);
}

static void say_refused(struct talk *t, const struct order *o, enum order_step step,
                        enum step_verdict verdict)
{
    struct message *m;

    if (verdict == STEP_NOT_STARTED) {
        m = talk_say(t, "reply.not_started", ARG_IDENT("number", o->number));
        button_anyway(t, o, m);
        talk_add_option(t, m, arena_printf(t->a, "start:%.*s", STR_ARG(o->id)),
                        I18N(t->a, t->l, t->timezone, "button.start_short"), STR_NONE);
        return;
    }
    if (t->tap_order.n > 0 && o->status != reached[step]) {
        m = talk_say(t, "reply.tap_old", ARG_IDENT("number", o->number),
                     ARG_S("status", status_text(t, o->status)));
    } else if (verdict == STEP_CLOSED) {
        m = talk_say(t, "reply.closed", ARG_IDENT("number", o->number),
                     ARG_S("status", status_text(t, o->status)));
    } else if (step == STEP_ACK) {
        m = talk_say(t, "reply.already.ack", ARG_IDENT("number", o->number));
    } else if (step == STEP_START) {
        m = talk_say(t, "reply.already.start", ARG_IDENT("number", o->number));
    } else if (step == STEP_COMPLETE) {
        m = talk_say(t, "reply.already.complete", ARG_IDENT("number", o->number));
    } else {
        m = talk_say(t, "reply.already.other", ARG_IDENT("number", o->number),
                     ARG_S("status", status_text(t, o->status)));
    }
    notice_order_buttons(t->p, o, t->u, m);
}

static void step_event(struct talk *t, const struct order *before, const struct order *after,
                       enum order_step step)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, before);

    if (step == STEP_ACK) {
        talk_event_end(t, "gateway.workorder.acknowledged.v1", before, &w, data);
        return;
    }
    if (before->rev >= 0) {
        jw_int(&w, "expected_rev", before->rev);
    } else {
        jw_null(&w, "expected_rev");
    }
    jw_z(&w, "to", order_status_name(after->status));
    jw_z(&w, "from", order_status_name(before->status));
    talk_event_end(t, "gateway.workorder.status_requested.v1", before, &w, data);
}

static void say_stepped(struct talk *t, const struct order *o, enum order_step step)
{
    struct message *m;

    if (step == STEP_ACK) {
        m = talk_say(t, "reply.acknowledged", ARG_IDENT("number", o->number));
    } else if (step == STEP_START) {
        m = talk_say(t, "reply.started", ARG_IDENT("number", o->number));
    } else if (step == STEP_COMPLETE) {
        m = talk_say(t, "reply.completed", ARG_IDENT("number", o->number));
    } else {
        m = talk_say(t, "reply.status_set", ARG_IDENT("number", o->number),
                     ARG_S("status", status_text(t, o->status)));
    }
    notice_order_buttons(t->p, o, t->u, m);
}

static void touch(struct talk *t, const struct order *o)
{
    if (!str_eq(t->conv.last_order, o->id)) {
        t->conv.last_order = o->id;
        t->conv_changed = true;
    }
}

/* Required items of its checklist are not answered. */
static bool say_missing(struct talk *t, const struct order *o)
{
    size_t n = talk_checklist_missing(t, o);
    struct message *m;

    if (n == 0) {
        return false;
    }
    m = talk_say(t, "reply.round_missing", ARG_N("n", (int64_t)n), ARG_IDENT("number", o->number));
    button_anyway(t, o, m);
    talk_checklist_button(t, o, m);
    return true;
}

bool talk_step(struct talk *t, const struct order *o, enum order_step step, bool explicit_)
{
    enum step_verdict verdict = order_step_check(o, step, explicit_);
    struct order *after;

    touch(t, o);
    if (verdict != STEP_OK) {
        say_refused(t, o, step, verdict);
        return false;
    }
    if (step == STEP_COMPLETE && !explicit_ && say_missing(t, o)) {
        return false;
    }
    after = ARENA_NEW(t->a, struct order);
    *after = *o;
    after->status = reached[step];
    after->refused_back_to = str_of(order_status_name(o->status));
    after->asked_by = t->u->id;
    after->asked_to = str_of(order_status_name(after->status));
    after->completed = after->status == ORDER_COMPLETED ? t->p->now : (struct wall){0};
    plan_order(t->p, after, o);
    plan_entry(t->p, o->id, "status", t->u->id,
               arena_printf(t->a, "%s -> %s", order_status_name(o->status),
                            order_status_name(after->status)));
    step_event(t, o, after, step);
    say_stepped(t, after, step);
    if (step == STEP_START) {
        talk_checklist_offer(t, after);
    }
    return true;
}

static void book_note(struct talk *t, const struct order *o, struct str text)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, o);

    jw_str(&w, "text", text);
    jw_str(&w, "language", lang_code(t->l));
    talk_event_end(t, "gateway.workorder.note_added.v1", o, &w, data);
    plan_entry(t->p, o->id, "note", t->u->id, text);
}

void talk_note(struct talk *t, const struct order *o, struct str text)
{
    struct message *m;

    touch(t, o);
    book_note(t, o, text);
    m = talk_say(t, "reply.noted", ARG_IDENT("number", o->number));
    m->order_id = o->id;
    m->order_number = o->number;
}

#define DAY_ENDS (17 * 60) /* minutes: until when a day is meant, where the order says nothing */

/* "10", "10," and "10, 12": "15:30" and "24.12." are none. */
static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("0123456789, ", s.p[i]) == NULL && i + 1 < s.n) {
            return false;
        }
    }
    return s.n > 0 && strchr("0123456789,:;.- ", s.p[s.n - 1]) != NULL;
}

static bool is_stop(struct str s, bool at_end)
{
    static const char *const stops[] = {",",  ":",      ";",      "-",     ".",
                                        "\n", "\u2013", "\u2014", "\u060c"};

    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        struct str stop = str_of(stops[i]);

        if (at_end ? str_ends(s, stop) : str_starts(s, stop)) {
            return true;
        }
    }
    return false;
}

/*
 * "until friday, the belt is missing": the day or time at the beginning, where it stands alone. A
 * bare number counts something ("10, all broken"), and what goes on without a stop is a sentence
 * ("sun gets into the sensor"). 0: none.
 */
static struct wall delayed_until(const struct talk *t, const struct order *o, struct str reason)
{
    int32_t minutes = DAY_ENDS;
    struct wall midnight;
    struct when when;
    struct str said;

    if (when_parse(reason, t->l, t->timezone, t->p->now, &when) != WHEN_OK ||
        when.grain == WHEN_WEEK) {
        return (struct wall){0};
    }
    said = str_trim(str_slice(reason, 0, reason.n - when.rest.n));
    if (is_number(said) ||
        (when.rest.n > 0 && !is_stop(said, true) && !is_stop(when.rest, false))) {
        return (struct wall){0};
    }
    if (when.grain == WHEN_TIME) {
        return when.at;
    }
    if (o->due.ms > 0) {
        timezone_local(t->timezone, o->due, &minutes, &midnight);
    }
    when.at = talk_at_clock(t, when.at, minutes);
    return when.at.ms > t->p->now.ms ? when.at : (struct wall){0};
}

static void delay(struct talk *t, const struct order *o, struct str reason)
{
    struct wall until = delayed_until(t, o, reason);
    struct jw w;
    struct buf *data;
    struct message *m;

    touch(t, o);
    data = talk_event_begin(t, &w, o);
    jw_str(&w, "reason", reason);
    if (until.ms > 0) {
        jw_wall(&w, "new_due_at", until);
    }
    talk_event_end(t, "gateway.workorder.delay_reported.v1", o, &w, data);
    plan_entry(t->p, o->id, "delay", t->u->id, reason);
    reason = i18n_cut(t->a, reason, TALK_ECHO_MAX);
    m = until.ms > 0
            ? talk_say(t, "reply.delayed_until", ARG_IDENT("number", o->number),
                       ARG_S("reason", reason), ARG_T("due", until))
            : talk_say(t, "reply.delayed", ARG_IDENT("number", o->number), ARG_S("reason", reason));
    m->order_id = o->id;
    m->order_number = o->number;
}

static void escalate(struct talk *t, const struct order *o, struct str why)
{
    const struct user *to = t->v->supervisor;
    struct jw w;
    struct buf *data;

    touch(t, o);
    data = talk_event_begin(t, &w, o);
    if (to != NULL) {
        jw_open(&w, "to", '{');
        jw_str(&w, "id", to->id);
        jw_str(&w, "name", to->name);
        jw_close(&w, '}');
    } else {
        jw_null(&w, "to");
    }
    jw_int(&w, "rung", 0);
    jw_str(&w, "why", why);
    talk_event_end(t, "gateway.workorder.escalated.v1", o, &w, data);
    plan_entry(t->p, o->id, "escalated", t->u->id, why);
    if (to == NULL) {
        talk_say(t, "reply.escalated_nobody", ARG_IDENT("number", o->number));
        return;
    }
    talk_say(t,
             notice_escalated(t->p, o, to, t->u->name, why) ? "reply.escalated"
                                                            : "reply.escalated_untold",
             ARG_IDENT("number", o->number), ARG_S("supervisor", to->name));
}

void talk_show(struct talk *t, const struct order *o)
{
    struct message *m = talk_say_text(t, notice_order_text(t->p, o, t->u));

    touch(t, o);
    notice_order_buttons(t->p, o, t->u, m);
}

/* A command whose text is still missing asks for it, and remembers for which order. */
static void ask_text(struct talk *t, const struct order *o, enum command_id cmd)
{
    touch(t, o); /* the next turn reads it, on whosever list it is */
    if (cmd == CMD_NOTE) {
        talk_say(t, "reply.note_ask", ARG_IDENT("number", o->number));
    } else {
        talk_say(t, "reply.delay_ask", ARG_IDENT("number", o->number));
    }
    t->conv.question = arena_printf(t->a, "text:%s:%.*s", command_name(cmd), STR_ARG(o->id));
    t->conv.question_rest = STR_NONE;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

/* The question's own buttons: "confirm:<order>", with the words that came with the command. */
static struct str confirm_question(struct talk *t, const struct order *o)
{
    return arena_printf(t->a, "confirm:%.*s", STR_ARG(o->id));
}

/*
 * "COMPLETE WO-12 new seal fitted": the words are a note of the step. Where it is not done they are
 * kept until the question is answered.
 */
static void step_with_words(struct talk *t, const struct order *o, enum order_step step)
{
    struct str words = str_trim(t->call.rest);

    if (words.n == 0) {
        words = talk_confirmed_words(t, o);
    }
    if (talk_step(t, o, step, false)) {
        talk_book_words(t, o, words);
    } else if (words.n > 0 && step == STEP_COMPLETE &&
               order_step_check(o, step, false) != STEP_CLOSED &&
               order_step_check(o, step, false) != STEP_ALREADY) {
        t->conv.question = confirm_question(t, o);
        t->conv.question_rest = words;
        t->conv.question_at = t->p->now;
        t->conv_changed = true;
    }
}

struct str talk_confirmed_words(struct talk *t, const struct order *o)
{
    struct str words = t->conv.question_rest;

    if (!str_eq(t->conv.question, confirm_question(t, o)) ||
        t->conv.question_at.ms + QUESTION_MS <= t->p->now.ms) {
        return STR_NONE;
    }
    t->conv.question = STR_NONE;
    t->conv_changed = true;
    return words;
}

void talk_book_words(struct talk *t, const struct order *o, struct str words)
{
    if (words.n > 0) {
        book_note(t, o, words);
    }
}

void talk_on_order(struct talk *t, enum command_id cmd, const struct order *o)
{
    struct str rest = str_trim(t->call.rest);

    switch (cmd) {
    case CMD_ACK:
    case CMD_START:
    case CMD_COMPLETE:
        step_with_words(t, o,
                        cmd == CMD_ACK     ? STEP_ACK
                        : cmd == CMD_START ? STEP_START
                                           : STEP_COMPLETE);
        break;
    case CMD_SET_STATUS:
        talk_step(t, o, order_step_to(t->call.status), true);
        break;
    case CMD_NOTE:
    case CMD_DELAY:
        if (rest.n == 0) {
            ask_text(t, o, cmd);
        } else if (cmd == CMD_NOTE) {
            talk_note(t, o, rest);
        } else {
            delay(t, o, rest);
        }
        break;
    case CMD_ESCALATE:
        escalate(t, o, rest);
        break;
    default:
        talk_show(t, o);
    }
}

static void resolved(struct talk *t, enum command_id cmd, enum fit fit)
{
    const struct order *o = talk_resolve(t, cmd, fit);

    if (o != NULL) {
        talk_on_order(t, cmd, o);
    }
}

void talk_cmd_ack(struct talk *t)
{
    if (talk_ack_broadcast(t)) {
        return;
    }
    if ((t->u->roles & ROLE_CREW) == 0) {
        talk_say(t, "reply.no_commands");
    } else {
        resolved(t, CMD_ACK, FIT_ACK);
    }
}

void talk_cmd_start(struct talk *t)
{
    if (t->u->opted_out != 0) {
        talk_opt_in(t);
    } else if ((t->u->roles & ROLE_CREW) == 0) {
        talk_say(t, "reply.no_commands");
    } else {
        resolved(t, CMD_START, FIT_START);
    }
}

void talk_cmd_complete(struct talk *t)
{
    resolved(t, CMD_COMPLETE, FIT_COMPLETE);
}

void talk_cmd_set_status(struct talk *t)
{
    if (!t->call.status_ok) {
        talk_say(t, "reply.status_unknown", ARG_S("status", t->call.rest));
        return;
    }
    resolved(t, CMD_SET_STATUS, FIT_OPEN);
}

/* "WO-12" may be the answer to which order a file is for; "wo WO-12" asks to see it. */
static bool one_word(const struct talk *t)
{
    return str_find_char(str_trim(t->in->text), ' ', 0) == SIZE_MAX;
}

void talk_cmd_show(struct talk *t)
{
    if (talk_answers_which(t) || (one_word(t) && talk_media_typed(t))) {
        return;
    }
    resolved(t, CMD_SHOW, FIT_OPEN);
}

void talk_cmd_note(struct talk *t)
{
    resolved(t, CMD_NOTE, FIT_CURRENT);
}

void talk_cmd_delay(struct talk *t)
{
    resolved(t, CMD_DELAY, FIT_CURRENT);
}

void talk_cmd_escalate(struct talk *t)
{
    if (!talk_escalate_alert(t)) {
        resolved(t, CMD_ESCALATE, FIT_CURRENT);
    }
}
