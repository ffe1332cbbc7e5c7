/* talk_checklist_cmd: CHECKLIST, CORRECT, and what is said of rounds beside other things. */
#include "matter_int.h"
#include "talk_checklist_int.h"

#define ROUNDS_MAX MESSAGE_ROWS_MAX

/* ---- commands ---- */

static size_t collect(struct talk *t, struct round *out)
{
    size_t n = 0;

    for (size_t i = 0; i < t->v->nmatters && n < ROUNDS_MAX; i++) {
        const struct view_matter *vm = &t->v->matters[i];

        if (round_kind(vm->matter->kind) && (vm->flags & VIEW_ASKED) != 0 && !vm->matter->over &&
            round_open(t, vm->matter, &out[n]) && round_may(&out[n])) {
            round_sync(&out[n]);
            n++;
        }
    }
    /* Lists of orders that are being worked on, not begun yet. */
    for (size_t i = 0; i < t->v->norders && n < ROUNDS_MAX; i++) {
        const struct order *o = t->v->orders[i].order;

        if (talk_is_mine(&t->v->orders[i]) && o->status == ORDER_IN_PROGRESS && !o->deleted &&
            round_of_order(t, o, &out[n]) && out[n].c.state == CHECKLIST_DUE) {
            n++;
        }
    }
    return n;
}

static struct str where_it_stands(struct talk *t, const struct checklist *c)
{
    return I18N(t->a, t->l, t->timezone, "ask.progress", ARG_S("name", c->name),
                ARG_N("i", (int64_t)(c->nitems - checklist_count(c, ITEM_OPEN))),
                ARG_N("n", (int64_t)c->nitems));
}

bool talk_checklist_row(struct talk *t, const struct matter *m, struct message_option *out)
{
    struct round r;

    if (!round_open(t, m, &r) || r.c.state == CHECKLIST_SUBMITTED || !round_may(&r)) {
        return false;
    }
    *out = (struct message_option){
        .id = matter_payload(t->a, m, arena_printf(t->a, "go,%lld", (long long)r.c.round).p),
        .title = r.c.order_number.n > 0 ? r.c.order_number : r.c.name,
        .description = where_it_stands(t, &r.c)};
    return true;
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
                        c->order_number.n > 0 ? c->order_number : c->name, where_it_stands(t, c));
    }
}

static const struct matter *quoted_round(const struct talk *t)
{
    for (size_t i = 0; i < t->v->nmatters; i++) {
        if (round_kind(t->v->matters[i].matter->kind) &&
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
    if (round_of_order(t, o, &r)) {
        round_go(&r);
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

    if (quoted != NULL && round_open(t, quoted, &rounds[0])) {
        round_go(&rounds[0]);
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
        round_go(&rounds[0]);
    } else {
        ask_which_round(t, rounds, n);
    }
}

void talk_cmd_correct(struct talk *t)
{
    struct round r;
    int64_t n;

    if (!round_asked_last(t, &r)) {
        talk_say(t, "reply.correct_none");
        return;
    }
    if (!round_take_part(&r)) {
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

    if (!round_of_order(t, o, &r) || r.c.state == CHECKLIST_SUBMITTED ||
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

    return round_of_order(t, o, &r) && r.c.state != CHECKLIST_SUBMITTED ? checklist_missing(&r.c)
                                                                        : 0;
}

void talk_checklist_button(struct talk *t, const struct order *o, struct message *m)
{
    struct round r;

    if (round_of_order(t, o, &r)) {
        round_button(&r, m, arena_printf(t->a, "go,%lld", (long long)r.c.round),
                     "button.checklist");
    }
}

void talk_checklist_remind(struct talk *t)
{
    struct round r;
    struct message *m = NULL;

    if (t->round_spoken || !round_asked_last(t, &r) || !round_may(&r) ||
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
