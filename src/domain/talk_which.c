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

struct message *talk_list_orders(struct talk *t, const char *name, struct str question,
                                 const struct order *const *orders, size_t n)
{
    struct message *m = talk_say_text(t, question);

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n && i < MESSAGE_ROWS_MAX; i++) {
        struct str answer = arena_printf(t->a, "%s:%.*s", name, STR_ARG(orders[i]->id));

        talk_add_option(t, m, talk_asked_now(t, "pick", answer), orders[i]->number,
                        row_text(t, orders[i]));
    }
    return m;
}

void talk_ask_which(struct talk *t, enum command_id cmd, struct str question,
                    const struct order *const *orders, size_t n)
{
    talk_list_orders(t, command_name(cmd), question, orders, n);
    t->conv.question = str_of(command_name(cmd));
    /* A status is named by a word, so it is what has to be remembered. */
    t->conv.question_rest =
        cmd == CMD_SET_STATUS ? str_of(order_status_name(t->call.status)) : t->call.rest;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

const struct order *talk_quoted_order(const struct talk *t)
{
    for (size_t i = 0; i < t->v->norders; i++) {
        if ((t->v->orders[i].flags & VIEW_QUOTED) != 0) {
            return t->v->orders[i].order;
        }
    }
    return NULL;
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

static struct str none_text(struct talk *t, enum command_id cmd)
{
    static const struct {
        enum command_id id;
        const char *key;
    } rows[] = {
        {CMD_ACK,      "reply.none.ack"     },
        {CMD_START,    "reply.none.start"   },
        {CMD_COMPLETE, "reply.none.complete"},
        {CMD_SHOW,     "reply.none.show"    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].id == cmd) {
            return I18N(t->a, t->l, t->timezone, rows[i].key);
        }
    }
    return I18N(t->a, t->l, t->timezone, "reply.none.other");
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

const struct order *talk_order_by_id(const struct talk *t, struct str id)
{
    for (size_t i = 0; i < t->v->norders && id.n > 0; i++) {
        if (str_eq(t->v->orders[i].order->id, id)) {
            return t->v->orders[i].order;
        }
    }
    return NULL;
}

size_t talk_orders_that_fit(const struct talk *t, enum fit fit, const struct order **found)
{
    size_t n = 0;

    for (size_t i = 0; i < t->v->norders && n < VIEW_ORDERS_MAX; i++) {
        const struct view_order *vo = &t->v->orders[i];

        if (talk_is_mine(vo) && fits(vo->order, fit)) {
            found[n++] = vo->order;
        }
    }
    return n;
}

/*
 * None is in the state that the command wants: what is open is offered, and nothing is done to it
 * unasked. The only one is answered like a named one (why it does not fit, with buttons that do);
 * one that is on hold would be completed by that, so it is asked about.
 */
static const struct order *resolve_unfit(struct talk *t, enum command_id cmd)
{
    const struct order *found[VIEW_ORDERS_MAX];
    size_t n = talk_orders_that_fit(t, FIT_OPEN, found);

    if (n == 0) {
        talk_say_text(t, none_text(t, cmd));
    } else if (n == 1 && !(cmd == CMD_COMPLETE && found[0]->status == ORDER_ON_HOLD)) {
        return found[0];
    } else if (cmd == CMD_COMPLETE) {
        talk_ask_which(t, cmd, which(t, cmd), found, n);
    } else {
        talk_ask_which(t, CMD_SHOW, none_text(t, cmd), found, n);
    }
    return NULL;
}

/* The only one that fits; of notes and the like the one in progress goes before the others. */
static const struct order *resolve_only(struct talk *t, enum command_id cmd, enum fit fit)
{
    const struct order *found[VIEW_ORDERS_MAX];
    size_t n = fit == FIT_CURRENT ? talk_orders_that_fit(t, FIT_COMPLETE, found) : 0;

    n = n > 0 ? n : talk_orders_that_fit(t, fit, found);
    if (n == 0) {
        return resolve_unfit(t, cmd);
    }
    if (n == 1) {
        return found[0];
    }
    talk_ask_which(t, cmd, which(t, cmd), found, n);
    return NULL;
}

static const struct order *resolve(struct talk *t, enum command_id cmd, enum fit fit)
{
    if (t->call.order.n > 0) {
        return resolve_named(t, cmd, fit);
    }
    if (t->tap_order.n > 0) {
        const struct order *o = talk_order_by_id(t, t->tap_order);

        if (o == NULL) {
            talk_say(t, "reply.tap_unknown");
            return NULL;
        }
        return checked(t, o);
    }
    if (talk_quoted_order(t) != NULL) {
        return checked(t, talk_quoted_order(t));
    }
    return resolve_only(t, cmd, fit);
}

const struct order *talk_resolve(struct talk *t, enum command_id cmd, enum fit fit)
{
    t->resolved = resolve(t, cmd, fit);
    return t->resolved;
}
