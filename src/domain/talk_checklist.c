/* talk_checklist: what people say and tap in a round of a checklist (checklist.h); CHECKLIST, CORRECT. */
#include "talk_checklist_int.h"

#include "matter_int.h"

#define ROUNDS_MAX MESSAGE_ROWS_MAX

/* ---- which round ---- */

static bool is_kind(enum matter_kind kind)
{
    return kind == MATTER_CHECKLIST || kind == MATTER_ORDER_CHECKLIST;
}

static bool open_round(struct talk *t, const struct matter *m, struct round *r)
{
    struct err err = {0};

    *r = (struct round){.t = t, .m = m};
    return checklist_decode(t->a, m->body, &r->c, &err);
}

/* The items as the CMMS has them now, with the answers that were given. */
static void sync(struct round *r, const struct order *o)
{
    struct checklist now;

    if (r->c.state == CHECKLIST_SUBMITTED || !checklist_of_order(r->t->a, o, &now)) {
        return;
    }
    for (size_t i = 0; i < now.nitems; i++) {
        struct checklist_item *item = &now.items[i];

        for (size_t k = 0; k < r->c.nitems; k++) {
            const struct checklist_item *old = &r->c.items[k];

            if (str_eq(old->id, item->id) && old->kind == item->kind && old->state != ITEM_OPEN) {
                item->state = old->state;
                item->value = old->value;
                item->note = old->note;
                item->by = old->by;
                item->by_name = old->by_name;
                item->at = old->at;
            }
        }
    }
    if (now.nitems != r->c.nitems) {
        r->c.at = 0;
        r->c.asked = ASKED_ITEM;
    }
    r->c.items = now.items;
    r->c.nitems = now.nitems;
}

/* The round of an order's list, as it stands or about to begin; false: the order has no list. */
static bool order_round(struct talk *t, const struct order *o, struct round *r)
{
    struct matter *fresh;

    for (size_t i = 0; i < t->v->nmatters; i++) {
        const struct matter *m = t->v->matters[i].matter;

        if (m->kind == MATTER_ORDER_CHECKLIST && str_eq(m->id, o->id) && open_round(t, m, r)) {
            sync(r, o);
            return true;
        }
    }
    fresh = ARENA_NEW(t->a, struct matter);
    *fresh = (struct matter){.kind = MATTER_ORDER_CHECKLIST, .id = o->id};
    *r = (struct round){.t = t, .m = fresh};
    return checklist_of_order(t->a, o, &r->c);
}

static bool is_assignee(const struct round *r)
{
    for (size_t i = 0; i < r->c.npeople; i++) {
        if (str_eq(r->c.people[i], r->t->u->id)) {
            return true;
        }
    }
    return false;
}

static const struct order *order_of(const struct talk *t, struct str id)
{
    for (size_t i = 0; i < t->v->norders && id.n > 0; i++) {
        if (str_eq(t->v->orders[i].order->id, id)) {
            return t->v->orders[i].order;
        }
    }
    return NULL;
}

static bool may_answer(struct round *r)
{
    const struct order *o = order_of(r->t, r->c.order_id);

    if (r->m->kind == MATTER_ORDER_CHECKLIST) {
        return o != NULL && talk_may_change(r->t, o) && !o->deleted;
    }
    return is_assignee(r) || (r->t->u->roles & (ROLE_SUPERVISOR | ROLE_ADMIN)) != 0;
}

/* ---- whose it is ---- */

static void say_over(struct round *r)
{
    talk_say(r->t, "reply.round_over", ARG_S("name", r->c.name), ARG_S("who", r->c.holder_name),
             ARG_T("at", r->c.submitted));
    r->t->round_spoken = true;
}

static void say_taken(struct round *r)
{
    struct message *m = talk_say(
        r->t, "reply.round_taken", ARG_S("checklist", r->c.name), ARG_S("name", r->c.holder_name),
        ARG_N("i", (int64_t)(r->c.nitems - checklist_count(&r->c, ITEM_OPEN))),
        ARG_N("n", (int64_t)r->c.nitems));

    round_button(r, m, arena_printf(r->t->a, "take,%lld", (long long)r->c.round),
                 "button.take_over");
    r->t->round_spoken = true;
}

static void take(struct round *r)
{
    if (r->c.holder.n > 0 && !str_eq(r->c.holder, r->t->u->id)) {
        plan_ask(r->t->p, r->m, r->c.holder, false);
    }
    r->c.holder = r->t->u->id;
    r->c.holder_name = r->t->u->name;
    r->c.taken_told = false;
    r->news = r->c.npeople > 1;
}

/* False: he has been told why not. Who answers a round that nobody has begun takes it. */
static bool take_part(struct round *r)
{
    if (!may_answer(r)) {
        talk_say(r->t, "reply.round_not_yours", ARG_S("name", r->c.name));
    } else if (r->c.state == CHECKLIST_SUBMITTED) {
        say_over(r);
    } else if (r->c.holder.n > 0 && !str_eq(r->c.holder, r->t->u->id)) {
        say_taken(r);
    } else {
        if (r->c.holder.n == 0) {
            take(r);
        }
        return true;
    }
    return false;
}

static void go(struct round *r)
{
    if (take_part(r)) {
        if (r->c.asked == ASKED_WHY) {
            round_ask_why(r, r->c.at);
        } else {
            round_ask(r);
        }
    }
}

/* ---- an answer ---- */

static void give(struct round *r, size_t i, enum item_state state, struct str value)
{
    struct checklist_item *item = &r->c.items[i];
    bool again = item->state != ITEM_OPEN;

    item->state = state;
    item->value = value;
    item->note = STR_NONE;
    item->by = r->t->u->id;
    item->by_name = r->t->u->name;
    item->at = r->t->p->now;
    r->c.pending = STR_NONE;
    r->c.asked = ASKED_ITEM;
    r->c.state = CHECKLIST_RUNNING;
    round_tell_answer(r, item);
    if (again) {
        r->before =
            I18N(r->t->a, r->t->l, r->t->timezone, "reply.item_corrected",
                 ARG_S("label", item->label),
                 ARG_S("answer", item_answer_text(r->t->a, r->t->l, r->t->timezone, item)));
    }
    if (state == ITEM_ANSWERED && item_asks_why(item, value)) {
        round_ask_why(r, i);
    } else {
        round_ask(r);
    }
}

static void give_why(struct round *r, struct str why)
{
    struct checklist_item *item = &r->c.items[r->c.at];

    item->note = i18n_cut(r->t->a, str_trim(why), 1000);
    round_tell_answer(r, item);
    round_ask(r);
}

/* ---- taps ---- */

static void tap_answer(struct round *r, size_t i, size_t k)
{
    const struct checklist_item *item = &r->c.items[i];
    size_t n;
    const struct item_option *options = item_options(item->kind, &n);
    struct str value;

    if (k >= n + item->nchoices) {
        talk_say(r->t, "reply.tap_unknown");
        return;
    }
    value = k < n ? str_of(options[k].value) : item->choices[k - n].value;
    if (item->state == ITEM_ANSWERED && str_eq(item->value, value)) {
        talk_say(r->t, "reply.item_same", ARG_S("label", item->label),
                 ARG_S("answer", item_answer_text(r->t->a, r->t->l, r->t->timezone, item)));
        r->t->round_spoken = true;
        return;
    }
    if (take_part(r)) {
        give(r, i, ITEM_ANSWERED, value);
    }
}

static void tap_item(struct round *r, struct str action, size_t i, size_t k)
{
    bool open = r->c.at == i && str_eq(r->c.holder, r->t->u->id);

    if (str_eqz(action, "a")) {
        tap_answer(r, i, k);
    } else if (!take_part(r)) {
        return;
    } else if (str_eqz(action, "f")) {
        round_ask_item(r, i);
    } else if (str_eqz(action, "why") && open && r->c.asked == ASKED_WHY) {
        r->c.asked = ASKED_ITEM;
        round_ask(r);
    } else if (str_eqz(action, "sure") && open && r->c.asked == ASKED_SURE) {
        give(r, i, ITEM_ANSWERED, r->c.pending);
    } else if (str_eqz(action, "redo") && open && r->c.asked == ASKED_SURE) {
        round_ask_item(r, i);
    } else {
        talk_say(r->t, "reply.tap_done");
    }
}

static void tap_round(struct round *r, struct str action)
{
    if (str_eqz(action, "go")) {
        go(r);
    } else if (str_eqz(action, "fix")) {
        if (take_part(r)) {
            round_ask_which(r);
        }
    } else if (str_eqz(action, "take") && may_answer(r) && r->c.state != CHECKLIST_SUBMITTED) {
        take(r);
        go(r);
    } else if (str_eqz(action, "take")) {
        take_part(r);
    } else {
        talk_say(r->t, "reply.tap_unknown");
    }
}

static void tap(struct round *r, struct str text)
{
    struct str action, round, item, option;
    int64_t n = 0, i = -1, k = 0;

    str_cut(text, ',', &action, &round);
    str_cut(round, ',', &round, &item);
    str_cut(item, ',', &item, &option);
    str_to_i64(item, 0, CHECKLIST_ITEMS_MAX, &i);
    str_to_i64(option, 0, CHECKLIST_CHOICES_MAX, &k);
    if (!str_to_i64(round, 0, INT64_MAX, &n) || i >= (int64_t)r->c.nitems) {
        talk_say(r->t, "reply.tap_unknown");
    } else if (n != r->c.round) {
        struct message *m = talk_say(r->t, "reply.round_old", ARG_S("name", r->c.name));

        if (r->c.state != CHECKLIST_SUBMITTED && may_answer(r)) {
            round_button_go(r, m);
        }
    } else if (item.n > 0 && i >= 0) {
        tap_item(r, action, (size_t)i, (size_t)k);
    } else {
        tap_round(r, action);
    }
}

void talk_checklist_tap(struct talk *t, const struct matter *m, struct str action)
{
    struct round r;
    const struct order *o;

    if (!open_round(t, m, &r)) {
        talk_say(t, "reply.tap_unknown");
        return;
    }
    o = order_of(t, r.c.order_id);
    if (o != NULL) {
        sync(&r, o);
    }
    tap(&r, action);
}

bool talk_order_checklist_tap(struct talk *t, struct str order_id, struct str action)
{
    const struct order *o = order_of(t, order_id);
    struct round r;

    if (o == NULL || !order_round(t, o, &r)) {
        return false;
    }
    tap(&r, action);
    return true;
}

/* ---- words ---- */

/* The round that asked him last; what he says to something else is not said to it. */
static bool asked_last(struct talk *t, struct round *out)
{
    bool found = false;

    for (size_t i = 0; i < t->v->nmatters; i++) {
        const struct view_matter *vm = &t->v->matters[i];
        const struct order *o;
        struct round r;

        if (!is_kind(vm->matter->kind) || (vm->flags & VIEW_ASKED) == 0 || vm->matter->over ||
            (t->in->quoted.n > 0 && (vm->flags & VIEW_QUOTED) == 0) ||
            !open_round(t, vm->matter, &r) || r.c.state != CHECKLIST_RUNNING ||
            !str_eq(r.c.holder, t->u->id) || (found && r.c.asked_at.ms <= out->c.asked_at.ms)) {
            continue;
        }
        o = order_of(t, r.c.order_id);
        if (o != NULL) {
            sync(&r, o);
        }
        *out = r;
        found = true;
    }
    return found;
}

/* The option of that place, where the item has some. */
static bool nth_option(struct round *r, int64_t n)
{
    const struct checklist_item *item = &r->c.items[r->c.at];
    size_t fixed;

    item_options(item->kind, &fixed);
    if (n < 1 || n > (int64_t)(fixed + item->nchoices)) {
        return false;
    }
    tap_answer(r, r->c.at, (size_t)n - 1);
    return true;
}

static bool typed_item(struct round *r)
{
    struct talk *t = r->t;
    const struct checklist_item *item = &r->c.items[r->c.at];
    bool words = t->call.id == CMD_NONE && t->call.order.n == 0;
    struct str value;
    enum item_verdict verdict = item_read(t->a, t->l, item, t->in->text, &value);

    if (item->kind == ITEM_TEXT && !words) {
        return false; /* a command stays one */
    }
    switch (verdict) {
    case ITEM_TAKEN:
        give(r, r->c.at, ITEM_ANSWERED, value);
        return true;
    case ITEM_LEFT_OUT:
        give(r, r->c.at, ITEM_SKIPPED, STR_NONE);
        return true;
    case ITEM_UNSURE:
        round_ask_sure(r, r->c.at, value);
        return true;
    case ITEM_NEEDED:
        r->before = I18N(t->a, t->l, t->timezone, "reply.item_needed");
        round_ask_item(r, r->c.at);
        return true;
    case ITEM_NOT_UNDERSTOOD:
        break;
    }
    if (t->call.number > 0 && nth_option(r, t->call.number)) {
        return true;
    }
    if (!words || t->call.says_started) {
        return false;
    }
    r->before = I18N(t->a, t->l, t->timezone, "reply.item_not_understood");
    round_ask_item(r, r->c.at);
    return true;
}

static bool typed_sure(struct round *r)
{
    struct talk *t = r->t;
    struct str value;
    enum item_verdict verdict = item_read(t->a, t->l, &r->c.items[r->c.at], t->in->text, &value);

    if (t->call.says_yes) {
        give(r, r->c.at, ITEM_ANSWERED, r->c.pending);
    } else if (t->call.says_no) {
        round_ask_item(r, r->c.at);
    } else if (verdict == ITEM_TAKEN) {
        give(r, r->c.at, ITEM_ANSWERED, value);
    } else if (verdict == ITEM_UNSURE) {
        round_ask_sure(r, r->c.at, value);
    } else {
        return false;
    }
    return true;
}

static bool typed_why(struct round *r)
{
    if (item_says_skip(r->t->l, r->t->in->text)) {
        r->c.asked = ASKED_ITEM;
        round_ask(r);
    } else if (r->t->call.id == CMD_NONE && r->t->call.order.n == 0) {
        give_why(r, r->t->in->text);
    } else {
        return false;
    }
    return true;
}

bool talk_checklist_typed(struct talk *t)
{
    struct round r;

    if (!asked_last(t, &r) || r.c.asked_at.ms + CHECKLIST_FRESH_MS <= t->p->now.ms ||
        str_trim(t->in->text).n == 0) {
        return false;
    }
    /* A question that was asked since is answered first; so are numbered options that are shown. */
    if ((t->conv.question.n > 0 && t->conv.question_at.ms > r.c.asked_at.ms &&
         t->conv.question_at.ms + QUESTION_MS > t->p->now.ms) ||
        (t->call.number >= 1 && t->call.number <= (int64_t)t->conv.noptions)) {
        return false;
    }
    t->via = "reply";
    if (r.c.asked == ASKED_WHY ? typed_why(&r)
        : r.c.asked == ASKED_SURE ? typed_sure(&r)
                                  : typed_item(&r)) {
        return true;
    }
    t->via = "command";
    return false;
}

/* ---- commands ---- */

static size_t collect(struct talk *t, struct round *out)
{
    size_t n = 0;

    for (size_t i = 0; i < t->v->nmatters && n < ROUNDS_MAX; i++) {
        const struct view_matter *vm = &t->v->matters[i];

        if (is_kind(vm->matter->kind) && (vm->flags & VIEW_ASKED) != 0 && !vm->matter->over &&
            open_round(t, vm->matter, &out[n])) {
            const struct order *o = order_of(t, out[n].c.order_id);

            if (o != NULL) {
                sync(&out[n], o);
            }
            n++;
        }
    }
    /* Lists of orders that are being worked on, not begun yet. */
    for (size_t i = 0; i < t->v->norders && n < ROUNDS_MAX; i++) {
        const struct order *o = t->v->orders[i].order;

        if (talk_is_mine(&t->v->orders[i]) && o->status == ORDER_IN_PROGRESS && !o->deleted &&
            order_round(t, o, &out[n]) && out[n].c.state == CHECKLIST_DUE) {
            n++;
        }
    }
    return n;
}

static void ask_which_round(struct talk *t, struct round *rounds, size_t n)
{
    struct message *m = talk_say(t, "reply.round_which");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n; i++) {
        const struct checklist *c = &rounds[i].c;
        struct str action = arena_printf(t->a, "go,%lld", (long long)c->round);

        talk_add_option(t, m, matter_payload(t->a, rounds[i].m, action.p),
                        c->order_number.n > 0 ? c->order_number : c->name,
                        I18N(t->a, t->l, t->timezone, "ask.progress", ARG_S("name", c->name),
                             ARG_N("i", (int64_t)(c->nitems - checklist_count(c, ITEM_OPEN))),
                             ARG_N("n", (int64_t)c->nitems)));
    }
}

static const struct matter *quoted_round(const struct talk *t)
{
    for (size_t i = 0; i < t->v->nmatters; i++) {
        if (is_kind(t->v->matters[i].matter->kind) &&
            (t->v->matters[i].flags & VIEW_QUOTED) != 0) {
            return t->v->matters[i].matter;
        }
    }
    return NULL;
}

/* One order's list: named, or its message quoted. */
static void of_order(struct talk *t)
{
    const struct order *o = talk_resolve(t, CMD_CHECKLIST, FIT_CURRENT);
    struct round r;

    if (o == NULL) {
        return;
    }
    if (order_round(t, o, &r)) {
        go(&r);
    } else {
        talk_say(t, "reply.round_none_order", ARG_IDENT("number", o->number));
    }
}

static bool quotes_order(const struct talk *t)
{
    for (size_t i = 0; i < t->v->norders; i++) {
        if ((t->v->orders[i].flags & VIEW_QUOTED) != 0) {
            return true;
        }
    }
    return false;
}

void talk_cmd_checklist(struct talk *t)
{
    struct round rounds[ROUNDS_MAX];
    const struct matter *quoted = quoted_round(t);
    size_t n;

    if (quoted != NULL && open_round(t, quoted, &rounds[0])) {
        go(&rounds[0]);
        return;
    }
    if (t->call.order.n > 0 || t->tap_order.n > 0 || quotes_order(t)) {
        of_order(t);
        return;
    }
    n = collect(t, rounds);
    if (n == 0) {
        talk_say(t, "reply.round_none");
    } else if (n == 1) {
        go(&rounds[0]);
    } else {
        ask_which_round(t, rounds, n);
    }
}

void talk_cmd_correct(struct talk *t)
{
    struct round r;
    int64_t n;

    if (!asked_last(t, &r)) {
        talk_say(t, "reply.round_none");
        return;
    }
    if (str_to_i64(str_trim(t->call.order.n > 0 ? t->call.order : t->call.rest), 1,
                   (int64_t)r.c.nitems, &n)) {
        round_ask_item(&r, (size_t)n - 1);
    } else {
        round_ask_which(&r);
    }
    t->round_spoken = true;
}

/* ---- beside other things ---- */

void talk_checklist_offer(struct talk *t, const struct order *o)
{
    struct round r;
    struct message *m;

    if (!order_round(t, o, &r) || r.c.state == CHECKLIST_SUBMITTED ||
        checklist_count(&r.c, ITEM_OPEN) == 0) {
        return;
    }
    m = talk_say(t, "reply.round_offer", ARG_IDENT("number", o->number),
                 ARG_N("n", (int64_t)checklist_count(&r.c, ITEM_OPEN)));
    m->matter = matter_ref(t->a, r.m->kind, r.m->id);
    round_button(&r, m, arena_printf(t->a, "go,%lld", (long long)r.c.round), "button.checklist");
    t->round_spoken = true;
}

size_t talk_checklist_missing(struct talk *t, const struct order *o)
{
    struct round r;

    return order_round(t, o, &r) && r.c.state != CHECKLIST_SUBMITTED ? checklist_missing(&r.c) : 0;
}

void talk_checklist_button(struct talk *t, const struct order *o, struct message *m)
{
    struct round r;

    if (order_round(t, o, &r)) {
        round_button(&r, m, arena_printf(t->a, "go,%lld", (long long)r.c.round),
                     "button.checklist");
    }
}

void talk_checklist_remind(struct talk *t)
{
    struct round r;
    struct message *m = NULL;

    if (t->round_spoken || !asked_last(t, &r) ||
        r.c.asked_at.ms + CHECKLIST_FRESH_MS > t->p->now.ms) {
        return;
    }
    for (size_t i = 0; i < t->p->nmessages; i++) {
        if (str_eq(t->p->messages[i].m.user, t->u->id)) {
            m = &t->p->messages[i].m;
        }
    }
    if (m == NULL || m->kind != MESSAGE_TEXT || m->text.n > 700) {
        return;
    }
    m->text = arena_printf(
        t->a, "%.*s\n\n%.*s", STR_ARG(m->text),
        STR_ARG(I18N(t->a, t->l, t->timezone, "reply.round_resume", ARG_S("name", r.c.name),
                     ARG_N("i", (int64_t)r.c.at + 1), ARG_N("n", (int64_t)r.c.nitems))));
    round_button_go(&r, m);
}
