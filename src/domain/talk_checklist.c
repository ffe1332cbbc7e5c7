/* talk_checklist: what people say and tap in a round of a checklist (checklist.h); CHECKLIST,
 * CORRECT. */
#include "talk_checklist_int.h"

#include "matter_int.h"

/* ---- taps ---- */

/* It is so already. What is open is asked again: perhaps that did not reach him. */
static void tap_again(struct round *r, const struct checklist_item *item)
{
    struct str same =
        I18N(r->t->a, r->t->l, r->t->timezone, "reply.item_same", ARG_S("label", item->label),
             ARG_S("answer", item_answer_text(r->t->a, r->t->l, r->t->timezone, item)));

    if (r->c.state == CHECKLIST_SUBMITTED || !str_eq(r->c.holder, r->t->u->id)) {
        talk_say_text(r->t, same);
        r->t->round_spoken = true;
        return;
    }
    r->before = same;
    round_go(r);
}

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
        tap_again(r, item);
        return;
    }
    if (round_take_part(r)) {
        round_give(r, i, ITEM_ANSWERED, value);
    }
}

/* The place of the choice with that mark now: the CMMS may have put them in another order since. */
static size_t place_of(struct round *r, size_t i, size_t k, struct str mark)
{
    const struct checklist_item *item = &r->c.items[i];
    size_t n;

    if (mark.n == 0) {
        return k;
    }
    item_options(item->kind, &n);
    for (size_t c = 0; c < item->nchoices; c++) {
        if (str_eq(round_choice_mark(r->t->a, &item->choices[c]), mark)) {
            return n + c;
        }
    }
    return n + item->nchoices; /* it is none of them any more */
}

static void tap_item(struct round *r, struct str action, size_t i, size_t k)
{
    bool open = r->c.at == i && str_eq(r->c.holder, r->t->u->id);

    if (str_eqz(action, "a")) {
        tap_answer(r, i, k);
    } else if (!round_take_part(r)) {
        return;
    } else if (str_eqz(action, "f")) {
        round_ask_item(r, i);
    } else if (str_eqz(action, "why") && open && r->c.asked == ASKED_WHY) {
        r->c.asked = ASKED_ITEM;
        round_ask(r);
    } else if (str_eqz(action, "sure") && open && r->c.asked == ASKED_SURE) {
        round_give(r, i, ITEM_ANSWERED, r->c.pending);
    } else if (str_eqz(action, "redo") && open && r->c.asked == ASKED_SURE) {
        round_ask_item(r, i);
    } else {
        talk_say(r->t, "reply.tap_done");
    }
}

static void tap_round(struct round *r, struct str action)
{
    if (str_eqz(action, "go")) {
        round_go(r);
    } else if (str_eqz(action, "fix")) {
        if (round_take_part(r)) {
            round_ask_which(r);
        }
    } else if (str_eqz(action, "take") && round_may(r) && r->c.state != CHECKLIST_SUBMITTED) {
        round_take(r);
        round_go(r);
    } else if (str_eqz(action, "take")) {
        round_take_part(r);
    } else {
        talk_say(r->t, "reply.tap_unknown");
    }
}

static void tap(struct round *r, struct str text)
{
    struct str action, round, item, option, mark;
    int64_t n = 0, i = -1, k = 0;

    str_cut(text, ',', &action, &round);
    str_cut(round, ',', &round, &item);
    str_cut(item, ',', &item, &option);
    str_cut(option, ',', &option, &mark);
    str_to_i64(item, 0, CHECKLIST_ITEMS_MAX, &i);
    str_to_i64(option, 0, CHECKLIST_CHOICES_MAX, &k);
    if (!str_to_i64(round, 0, INT64_MAX, &n) || i >= (int64_t)r->c.nitems) {
        talk_say(r->t, "reply.tap_unknown");
    } else if (n != r->c.round) {
        struct message *m = talk_say(r->t, "reply.round_old", ARG_S("name", r->c.name));

        if (r->c.state != CHECKLIST_SUBMITTED && round_may(r)) {
            round_button_go(r, m);
        }
    } else if (item.n > 0 && i >= 0) {
        tap_item(r, action, (size_t)i, place_of(r, (size_t)i, (size_t)k, mark));
    } else {
        tap_round(r, action);
    }
}

void talk_checklist_tap(struct talk *t, const struct matter *m, struct str action)
{
    struct round r;

    if (!round_open(t, m, &r)) {
        talk_say(t, "reply.tap_unknown");
        return;
    }
    round_sync(&r);
    tap(&r, action);
}

bool talk_order_checklist_tap(struct talk *t, struct str order_id, struct str action)
{
    const struct order *o = round_order(t, order_id);
    struct round r;

    if (o == NULL || !round_of_order(t, o, &r)) {
        return false;
    }
    tap(&r, action);
    return true;
}

/* ---- words ---- */

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

    if ((item->kind == ITEM_TEXT && !words) || t->call.id == CMD_CORRECT) {
        return false; /* a command stays one, and "correct" is one here */
    }
    switch (verdict) {
    case ITEM_TAKEN:
        round_give(r, r->c.at, ITEM_ANSWERED, value);
        return true;
    case ITEM_LEFT_OUT:
        round_give(r, r->c.at, ITEM_SKIPPED, STR_NONE);
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
    const struct checklist_item sure = {.kind = ITEM_YES_NO_NA};
    struct str value, said = STR_NONE;
    enum item_verdict verdict = item_read(t->a, t->l, &r->c.items[r->c.at], t->in->text, &value);

    if (item_read(t->a, t->l, &sure, t->in->text, &said) == ITEM_TAKEN && str_eqz(said, "yes")) {
        round_give(r, r->c.at, ITEM_ANSWERED, r->c.pending);
    } else if (str_eqz(said, "no")) {
        round_ask_item(r, r->c.at);
    } else if (verdict == ITEM_TAKEN) {
        round_give(r, r->c.at, ITEM_ANSWERED, value);
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
        round_give_why(r, r->t->in->text);
    } else {
        return false;
    }
    return true;
}

/* It was given to somebody else meanwhile: he is told when he goes on, and it waits for him no more. */
static bool typed_to_others(struct round *r)
{
    struct talk *t = r->t;

    plan_ask(t->p, r->m, t->u->id, false);
    if (t->call.id != CMD_NONE || t->call.order.n > 0) {
        return false;
    }
    return !round_take_part(r);
}

bool talk_checklist_typed(struct talk *t)
{
    struct round r;

    if (!round_asked_last(t, &r) || r.c.asked_at.ms + CHECKLIST_FRESH_MS <= t->p->now.ms ||
        str_trim(t->in->text).n == 0) {
        return false;
    }
    /* A question that was asked since is answered first; so are numbered options that are shown. */
    if ((t->conv.question.n > 0 && t->conv.question_at.ms > r.c.asked_at.ms &&
         t->conv.question_at.ms + QUESTION_MS > t->p->now.ms) ||
        (t->call.number >= 1 && t->call.number <= (int64_t)t->conv.noptions)) {
        return false;
    }
    if (!round_may(&r)) {
        return typed_to_others(&r);
    }
    t->via = "reply";
    if (r.c.asked == ASKED_WHY    ? typed_why(&r)
        : r.c.asked == ASKED_SURE ? typed_sure(&r)
                                  : typed_item(&r)) {
        return true;
    }
    t->via = "command";
    return false;
}

/* ---- photos ---- */

static bool fresh_photo_item(struct talk *t, struct round *r)
{
    return round_asked_last(t, r) && round_may(r) && r->c.asked == ASKED_ITEM &&
           r->c.asked_at.ms + CHECKLIST_FRESH_MS > t->p->now.ms &&
           r->c.items[r->c.at].kind == ITEM_PHOTO;
}

bool talk_checklist_takes_photo(struct talk *t, const struct order **order)
{
    struct round r;

    /* A caption that names an order sends it there. */
    if (t->call.order.n > 0 || !fresh_photo_item(t, &r)) {
        return false;
    }
    *order = round_order(t, r.c.order_id);
    return true;
}

bool talk_checklist_photo_since(struct talk *t, struct wall at)
{
    struct round r;

    return t->call.order.n == 0 && fresh_photo_item(t, &r) && r.c.asked_at.ms >= at.ms;
}

void talk_checklist_photo(struct talk *t, struct str media_id)
{
    struct round r;

    if (fresh_photo_item(t, &r)) {
        round_give_noted(&r, r.c.at, media_id, t->in->text);
    }
}
