#include "talk_int.h"

bool talk_is_mine(const struct view_order *vo)
{
    return (vo->flags & (VIEW_ASSIGNED | VIEW_TEAM)) != 0;
}

bool talk_may_change(const struct talk *t, const struct order *o)
{
    if (order_assigned_to(o, t->u->id) || (t->u->roles & ROLE_ADMIN) != 0) {
        return true;
    }
    for (size_t i = 0; i < t->u->nteams && o->team_id.n > 0; i++) {
        if (str_eq(t->u->teams[i], o->team_id)) {
            return true;
        }
    }
    return (t->u->roles & ROLE_SUPERVISOR) != 0 && o->site.n > 0 && str_eq(o->site, t->u->site);
}

/* ---- which order ---- */

static bool fits(const struct order *o, enum fit fit)
{
    switch (fit) {
    case FIT_ACK:
        return o->status == ORDER_OPEN && !o->deleted;
    case FIT_START:
        return (o->status == ORDER_OPEN || o->status == ORDER_ACKNOWLEDGED ||
                o->status == ORDER_ON_HOLD) &&
               !o->deleted;
    case FIT_COMPLETE:
        return o->status == ORDER_IN_PROGRESS && !o->deleted;
    case FIT_OPEN:
    case FIT_CURRENT:
        return order_is_open(o);
    }
    return false;
}

static struct str row_text(struct talk *t, const struct order *o)
{
    struct str priority =
        I18N(t->a, t->l, t->timezone,
             arena_printf(t->a, "name.priority.%s", order_priority_name(o->priority)).p);
    struct str status = I18N(t->a, t->l, t->timezone,
                             arena_printf(t->a, "name.status.%s", order_status_name(o->status)).p);

    if (o->due.ms > 0) {
        return I18N(t->a, t->l, t->timezone, "row.order_due", ARG_T("due", o->due),
                    ARG_S("priority", priority), ARG_S("status", status), ARG_S("title", o->title));
    }
    return I18N(t->a, t->l, t->timezone, "row.order", ARG_S("priority", priority),
                ARG_S("status", status), ARG_S("title", o->title));
}

void talk_ask_which(struct talk *t, enum command_id cmd, struct str question,
                    const struct order *const *orders, size_t n)
{
    struct message *m = talk_say_text(t, question);

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n && i < MESSAGE_ROWS_MAX; i++) {
        talk_add_option(
            t, m, arena_printf(t->a, "pick:%s:%.*s", command_name(cmd), STR_ARG(orders[i]->id)),
            orders[i]->number, row_text(t, orders[i]));
    }
    t->conv.question = str_of(command_name(cmd));
    /* A status is named by a word, so it is what has to be remembered. */
    t->conv.question_rest =
        cmd == CMD_SET_STATUS ? str_of(order_status_name(t->call.status)) : t->call.rest;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

static struct str which(struct talk *t, enum command_id cmd)
{
    static const struct {
        enum command_id id;
        const char *key;
    } rows[] = {
        {CMD_ACK,        "reply.which.ack"       },
        {CMD_START,      "reply.which.start"     },
        {CMD_COMPLETE,   "reply.which.complete"  },
        {CMD_SET_STATUS, "reply.which.set_status"},
        {CMD_NOTE,       "reply.which.note"      },
        {CMD_DELAY,      "reply.which.delay"     },
        {CMD_ESCALATE,   "reply.which.escalate"  },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].id == cmd) {
            return I18N(t->a, t->l, t->timezone, rows[i].key);
        }
    }
    return I18N(t->a, t->l, t->timezone, "reply.which.show");
}

static void say_none(struct talk *t, enum command_id cmd)
{
    switch (cmd) {
    case CMD_ACK:
        talk_say(t, "reply.none.ack");
        break;
    case CMD_START:
        talk_say(t, "reply.none.start");
        break;
    case CMD_COMPLETE:
        talk_say(t, "reply.none.complete");
        break;
    case CMD_SHOW:
        talk_say(t, "reply.none.show");
        break;
    default:
        talk_say(t, "reply.none.other");
    }
}

/* An order by the number that was typed: exactly, else by its unique ending among those he may
 * change. */
static const struct order *resolve_named(struct talk *t, enum command_id cmd, enum fit fit)
{
    const struct order *endings[VIEW_ORDERS_MAX], *foreign = NULL, *gone = NULL;
    size_t n = 0;

    for (size_t i = 0; i < t->v->norders; i++) {
        const struct order *o = t->v->orders[i].order;
        enum order_match match = command_order_match(o->number, t->call.order);

        if (match == MATCH_NO || o->deleted) {
            gone = match == MATCH_EXACT && talk_may_change(t, o) ? o : gone;
            continue;
        }
        if (!talk_may_change(t, o)) {
            foreign = match == MATCH_EXACT || foreign == NULL ? o : foreign;
            continue;
        }
        if (match == MATCH_EXACT) {
            return o;
        }
        if (n < ARRAY_LEN(endings)) {
            endings[n++] = o;
        }
    }
    if (n == 1) {
        return endings[0];
    }
    if (n == 0 && !t->call.order_sure) {
        /* "NOTE 1500 rpm": no order of his is called so, hence it belongs to the text. */
        t->call.order = STR_NONE;
        t->call.rest = t->call.whole;
        return talk_resolve(t, cmd, fit);
    }
    if (n > 1) {
        talk_ask_which(
            t, cmd,
            I18N(t->a, t->l, t->timezone, "reply.ambiguous", ARG_IDENT("typed", t->call.order)),
            endings, n);
    } else if (gone != NULL) {
        talk_say(t, "reply.gone", ARG_IDENT("number", gone->number));
    } else if (foreign != NULL) {
        talk_say(t, "reply.not_yours", ARG_IDENT("number", foreign->number));
    } else {
        talk_say(t, "reply.not_found", ARG_IDENT("number", t->call.order));
    }
    return NULL;
}

static const struct order *checked(struct talk *t, const struct order *o)
{
    if (o->deleted) {
        talk_say(t, "reply.gone", ARG_IDENT("number", o->number));
        return NULL;
    }
    if (!talk_may_change(t, o)) {
        talk_say(t, "reply.not_yours", ARG_IDENT("number", o->number));
        return NULL;
    }
    return o;
}

static const struct order *by_id(const struct talk *t, struct str id)
{
    for (size_t i = 0; i < t->v->norders && id.n > 0; i++) {
        if (str_eq(t->v->orders[i].order->id, id)) {
            return t->v->orders[i].order;
        }
    }
    return NULL;
}

/* The only one that fits; of notes and the like the one in progress goes before the others. */
static const struct order *resolve_only(struct talk *t, enum command_id cmd, enum fit fit)
{
    const struct order *found[VIEW_ORDERS_MAX];
    size_t n = 0;

    for (int pass = fit == FIT_CURRENT ? 0 : 1; pass < 2 && n == 0; pass++) {
        for (size_t i = 0; i < t->v->norders && n < ARRAY_LEN(found); i++) {
            const struct view_order *vo = &t->v->orders[i];

            if (talk_is_mine(vo) && fits(vo->order, pass == 0 ? FIT_COMPLETE : fit)) {
                found[n++] = vo->order;
            }
        }
    }
    if (n == 1) {
        return found[0];
    }
    if (n == 0) {
        say_none(t, cmd);
    } else {
        talk_ask_which(t, cmd, which(t, cmd), found, n);
    }
    return NULL;
}

const struct order *talk_resolve(struct talk *t, enum command_id cmd, enum fit fit)
{
    if (t->call.order.n > 0) {
        return resolve_named(t, cmd, fit);
    }
    if (t->tap_order.n > 0) {
        const struct order *o = by_id(t, t->tap_order);

        if (o == NULL) {
            talk_say(t, "reply.tap_unknown");
            return NULL;
        }
        return checked(t, o);
    }
    for (size_t i = 0; i < t->v->norders; i++) {
        if ((t->v->orders[i].flags & VIEW_QUOTED) != 0) {
            return checked(t, t->v->orders[i].order);
        }
    }
    return resolve_only(t, cmd, fit);
}

/* ---- what is done to it ---- */

static const enum order_status reached[] = {
    [STEP_ACK] = ORDER_ACKNOWLEDGED,   [STEP_START] = ORDER_IN_PROGRESS,
    [STEP_COMPLETE] = ORDER_COMPLETED, [STEP_HOLD] = ORDER_ON_HOLD,
    [STEP_CANCEL] = ORDER_CANCELLED,   [STEP_REOPEN] = ORDER_OPEN};

static struct str status_text(struct talk *t, enum order_status status)
{
    return I18N(t->a, t->l, t->timezone,
                arena_printf(t->a, "name.status.%s", order_status_name(status)).p);
}

static void say_refused(struct talk *t, const struct order *o, enum order_step step,
                        enum step_verdict verdict)
{
    struct message *m;

    if (verdict == STEP_NOT_STARTED) {
        m = talk_say(t, "reply.not_started", ARG_IDENT("number", o->number));
        m->kind = MESSAGE_BUTTONS;
        m->order_id = o->id;
        m->order_number = o->number;
        talk_add_option(t, m, arena_printf(t->a, "complete_anyway:%.*s", STR_ARG(o->id)),
                        I18N(t->a, t->l, t->timezone, "button.complete_anyway"), STR_NONE);
        talk_add_option(t, m, arena_printf(t->a, "start:%.*s", STR_ARG(o->id)),
                        I18N(t->a, t->l, t->timezone, "button.start_short"), STR_NONE);
        return;
    }
    if (verdict == STEP_CLOSED) {
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

void talk_step(struct talk *t, const struct order *o, enum order_step step, bool explicit_)
{
    enum step_verdict verdict = order_step_check(o, step, explicit_);
    struct order *after;

    touch(t, o);
    if (verdict != STEP_OK) {
        say_refused(t, o, step, verdict);
        return;
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

static void delay(struct talk *t, const struct order *o, struct str reason)
{
    struct jw w;
    struct buf *data;
    struct message *m;

    touch(t, o);
    data = talk_event_begin(t, &w, o);
    jw_str(&w, "reason", reason);
    talk_event_end(t, "gateway.workorder.delay_reported.v1", o, &w, data);
    plan_entry(t->p, o->id, "delay", t->u->id, reason);
    m = talk_say(t, "reply.delayed", ARG_IDENT("number", o->number), ARG_S("reason", reason));
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
    notice_escalated(t->p, o, to, t->u->name, why);
    talk_say(t, "reply.escalated", ARG_IDENT("number", o->number), ARG_S("supervisor", to->name));
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

void talk_on_order(struct talk *t, enum command_id cmd, const struct order *o)
{
    struct str rest = str_trim(t->call.rest);

    switch (cmd) {
    case CMD_ACK:
    case CMD_START:
    case CMD_COMPLETE:
        talk_step(t, o,
                  cmd == CMD_ACK     ? STEP_ACK
                  : cmd == CMD_START ? STEP_START
                                     : STEP_COMPLETE,
                  false);
        if (rest.n > 0) {
            book_note(t, o, rest); /* "COMPLETE WO-12 new seal fitted" */
        }
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
    resolved(t, CMD_ACK, FIT_ACK);
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

void talk_cmd_show(struct talk *t)
{
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
    resolved(t, CMD_ESCALATE, FIT_CURRENT);
}
