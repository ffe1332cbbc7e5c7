/* talk_round: which round of a checklist is meant, whose it is, what an answer does to it. */
#include "base/crypto.h"
#include "base/text.h"
#include "talk_checklist_int.h"

#define NOTE_CHARS_MAX 1000

/* ---- which round ---- */

bool round_kind(enum matter_kind kind)
{
    return kind == MATTER_CHECKLIST || kind == MATTER_ORDER_CHECKLIST;
}

bool round_open(struct talk *t, const struct matter *m, struct round *r)
{
    struct err err = {0};

    *r = (struct round){.t = t, .m = m};
    return checklist_decode(t->a, m->body, &r->c, &err);
}

static struct checklist_item *find_item(struct checklist *c, struct str id)
{
    for (size_t i = 0; i < c->nitems; i++) {
        if (str_eq(c->items[i].id, id)) {
            return &c->items[i];
        }
    }
    return NULL;
}

static void keep_answer(struct checklist_item *item, const struct checklist_item *now)
{
    struct checklist_item was = *item;

    *item = *now;
    /* Left out by nobody: it was not in the list for a while. */
    if (was.state == ITEM_OPEN || was.kind != now->kind ||
        (was.state == ITEM_SKIPPED && was.by.n == 0)) {
        return;
    }
    item->state = was.state;
    item->value = was.value;
    item->note = was.note;
    item->by = was.by;
    item->by_name = was.by_name;
    item->at = was.at;
}

/*
 * Items keep their places, so that buttons shown before mean what they meant: what is new comes
 * last, what the CMMS has taken out is left out.
 */
void round_sync(struct round *r)
{
    const struct order *o = round_order(r->t, r->c.order_id);
    struct checklist now;
    struct checklist_item *items;
    size_t n = r->c.nitems;

    if (o == NULL || r->c.state == CHECKLIST_SUBMITTED || !checklist_of_order(r->t->a, o, &now)) {
        return;
    }
    items = ARENA_ARRAY(r->t->a, struct checklist_item, n + now.nitems);
    for (size_t i = 0; i < n; i++) {
        const struct checklist_item *fresh = find_item(&now, r->c.items[i].id);

        items[i] = r->c.items[i];
        if (fresh != NULL) {
            keep_answer(&items[i], fresh);
        } else if (items[i].state == ITEM_OPEN) {
            items[i].state = ITEM_SKIPPED;
        }
    }
    for (size_t i = 0; i < now.nitems; i++) {
        if (find_item(&r->c, now.items[i].id) == NULL) {
            items[n++] = now.items[i];
        }
    }
    r->c.items = items;
    r->c.nitems = n;
}

bool round_of_order(struct talk *t, const struct order *o, struct round *r)
{
    struct matter *fresh;

    for (size_t i = 0; i < t->v->nmatters; i++) {
        const struct matter *m = t->v->matters[i].matter;

        if (m->kind == MATTER_ORDER_CHECKLIST && str_eq(m->id, o->id) && round_open(t, m, r)) {
            round_sync(r);
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

const struct order *round_order(const struct talk *t, struct str id)
{
    for (size_t i = 0; i < t->v->norders && id.n > 0; i++) {
        if (str_eq(t->v->orders[i].order->id, id)) {
            return t->v->orders[i].order;
        }
    }
    return NULL;
}

bool round_may(struct round *r)
{
    const struct order *o = round_order(r->t, r->c.order_id);

    if (r->m->kind == MATTER_ORDER_CHECKLIST) {
        return o != NULL && talk_may_change(r->t, o) && !o->deleted;
    }
    return is_assignee(r) || (r->t->u->roles & (ROLE_SUPERVISOR | ROLE_ADMIN)) != 0;
}

struct str round_choice_mark(struct arena *a, const struct item_choice *choice)
{
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    struct str out;

    sha256(choice->value, digest);
    buf_init(&hex, 16);
    hex_add(&hex, str_make(digest, 4));
    out = arena_dup(a, buf_str(&hex));
    buf_fini(&hex);
    return out;
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

void round_take(struct round *r)
{
    if (r->c.holder.n > 0 && !str_eq(r->c.holder, r->t->u->id)) {
        plan_ask(r->t->p, r->m, r->c.holder, false);
    }
    r->c.holder = r->t->u->id;
    r->c.holder_name = r->t->u->name;
    r->c.taken_told = false;
    r->news = r->c.npeople > 1;
}

bool round_take_part(struct round *r)
{
    if (!round_may(r)) {
        talk_say(r->t, "reply.round_not_yours", ARG_S("name", r->c.name));
    } else if (r->c.state == CHECKLIST_SUBMITTED) {
        say_over(r);
    } else if (r->c.holder.n > 0 && !str_eq(r->c.holder, r->t->u->id)) {
        say_taken(r);
    } else {
        if (r->c.holder.n == 0) {
            round_take(r);
        }
        return true;
    }
    return false;
}

void round_go(struct round *r)
{
    if (round_take_part(r)) {
        if (r->c.asked == ASKED_WHY) {
            round_ask_why(r, r->c.at);
        } else {
            round_ask(r);
        }
    }
}

/* ---- an answer ---- */

static void give(struct round *r, size_t i, enum item_state state, struct str value,
                 struct str note)
{
    struct checklist_item *item = &r->c.items[i];
    bool again = item->state != ITEM_OPEN;

    item->state = state;
    item->value = value;
    item->note = note;
    item->by = r->t->u->id;
    item->by_name = r->t->u->name;
    item->at = r->t->p->now;
    r->c.pending = STR_NONE;
    r->c.asked = ASKED_ITEM;
    r->c.state = CHECKLIST_RUNNING;
    round_tell_answer(r, item);
    if (again) {
        r->before = I18N(r->t->a, r->t->l, r->t->timezone, "reply.item_corrected",
                         ARG_S("label", item->label),
                         ARG_S("answer", item_answer_text(r->t->a, r->t->l, r->t->timezone, item)));
    }
    if (state == ITEM_ANSWERED && item_asks_why(item, value)) {
        round_ask_why(r, i);
    } else {
        round_ask(r);
    }
}

void round_give(struct round *r, size_t i, enum item_state state, struct str value)
{
    give(r, i, state, value, STR_NONE);
}

void round_give_noted(struct round *r, size_t i, struct str value, struct str note)
{
    give(r, i, ITEM_ANSWERED, value, i18n_cut(r->t->a, str_trim(note), NOTE_CHARS_MAX));
}

void round_give_why(struct round *r, struct str why)
{
    struct checklist_item *item = &r->c.items[r->c.at];

    item->note = i18n_cut(r->t->a, str_trim(why), NOTE_CHARS_MAX);
    round_tell_answer(r, item);
    round_ask(r);
}

bool round_asked_last(struct talk *t, struct round *out)
{
    bool found = false;

    for (size_t i = 0; i < t->v->nmatters; i++) {
        const struct view_matter *vm = &t->v->matters[i];
        struct round r;

        if (!round_kind(vm->matter->kind) || (vm->flags & VIEW_ASKED) == 0 || vm->matter->over ||
            (t->in->quoted.n > 0 && (vm->flags & VIEW_QUOTED) == 0) ||
            !round_open(t, vm->matter, &r) || r.c.state != CHECKLIST_RUNNING ||
            !str_eq(r.c.holder, t->u->id) || (found && r.c.asked_at.ms <= out->c.asked_at.ms)) {
            continue;
        }
        round_sync(&r);
        *out = r;
        found = true;
    }
    return found;
}
