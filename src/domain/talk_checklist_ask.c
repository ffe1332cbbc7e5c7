/* talk_checklist_ask: what a round says: items with their buttons, the summary; and tells the CMMS.
 */
#include "base/mem.h"
#include "matter_int.h"
#include "talk_checklist_int.h"

#define BODY_MAX    1000 /* of a message with buttons */
#define SUMMARY_MAX 3500

#define BUTTON_CHARS_MAX 20

#define WORDS(r, key, ...) I18N((r)->t->a, (r)->t->l, (r)->t->timezone, key, ##__VA_ARGS__)

/* ---- the matter ---- */

void round_keep(struct round *r)
{
    struct matter *after = ARENA_NEW(r->t->a, struct matter);
    struct buf body;

    *after = *r->m;
    after->over = r->c.state == CHECKLIST_SUBMITTED;
    if (r->news) {
        after->clock = r->t->p->now;
    }
    after->clock_kept = !r->news;
    buf_init(&body, (size_t)1 << 20);
    checklist_encode(&r->c, &body);
    after->body = arena_dup(r->t->a, buf_str(&body));
    buf_fini(&body);
    plan_matter(r->t->p, after);
    plan_ask(r->t->p, after, r->t->u->id, !after->over && str_eq(r->c.holder, r->t->u->id));
    r->t->round_spoken = true;
}

/* ---- events ---- */

static void write_about(struct round *r, const struct order *o, struct jw *w)
{
    if (o == NULL && r->c.order_id.n > 0) {
        jw_open(w, "workorder", '{');
        jw_str(w, "id", r->c.order_id);
        jw_str(w, "number", r->c.order_number);
        jw_close(w, '}');
    }
    jw_open(w, "checklist", '{');
    jw_str(w, "id", r->c.id);
    jw_str(w, "name", r->c.name);
    jw_int(w, "round", r->c.round);
    jw_close(w, '}');
}

static const struct order *order_of(const struct round *r)
{
    for (size_t i = 0; i < r->t->v->norders; i++) {
        if (str_eq(r->t->v->orders[i].order->id, r->c.order_id)) {
            return r->t->v->orders[i].order;
        }
    }
    return NULL;
}

static struct str subject_of(const struct round *r)
{
    return r->c.order_number.n > 0 ? r->c.order_number : r->c.id;
}

static void tell(struct round *r, const char *type, const struct checklist_item *only)
{
    const struct order *o = order_of(r);
    struct jw w;
    struct buf *data = talk_event_begin(r->t, &w, o);

    write_about(r, o, &w);
    if (only == NULL) {
        jw_bool(&w, "complete", true);
        jw_wall(&w, "submitted_at", r->c.submitted);
    }
    checklist_write_items(r->t->a, r->t->p->tenant, r->t->p->now, &r->c, only, &w);
    jw_close(&w, '}');
    plan_event(r->t->p, type, subject_of(r), arena_dup(r->t->a, buf_str(data)), STR_NONE);
    buf_fini(data);
}

void round_tell_answer(struct round *r, const struct checklist_item *item)
{
    tell(r, "gateway.checklist.answered.v1", item);
}

/* ---- saying ---- */

static struct message *say(struct round *r, struct str text)
{
    struct message *m =
        talk_say_text(r->t, r->before.n == 0 ? text
                                             : arena_printf(r->t->a, "%.*s\n\n%.*s",
                                                            STR_ARG(r->before), STR_ARG(text)));

    m->matter = matter_ref(r->t->a, r->m->kind, r->m->id);
    m->order_id = r->c.order_id;
    m->order_number = r->c.order_number;
    r->before = STR_NONE;
    return m;
}

static struct str action_of(struct round *r, const char *action)
{
    return arena_printf(r->t->a, "%s,%lld", action, (long long)r->c.round);
}

static struct str item_action(struct round *r, const char *action, size_t i)
{
    return arena_printf(r->t->a, "%s,%lld,%zu", action, (long long)r->c.round, i);
}

static void option(struct round *r, struct message *m, struct str action, struct str title)
{
    talk_add_option(r->t, m, matter_payload(r->t->a, r->m, action.p), title, STR_NONE);
}

void round_button(struct round *r, struct message *m, struct str action, const char *key)
{
    m->kind = MESSAGE_BUTTONS;
    option(r, m, action, i18n_text(r->t->a, r->t->l, r->t->timezone, key, NULL, 0));
}

void round_button_go(struct round *r, struct message *m)
{
    round_button(r, m, action_of(r, "go"),
                 checklist_count(&r->c, ITEM_OPEN) == r->c.nitems ? "button.start_short"
                                                                  : "button.continue");
}

/* Numbers belong to the question that is asked now, not to options shown before it. */
static void no_options(struct round *r)
{
    if (r->t->conv.noptions > 0) {
        r->t->conv.options_over = true;
        r->t->conv_changed = true;
    }
}

/* ---- an item ---- */

static struct str number_text(struct arena *a, double v)
{
    return arena_printf(a, "%.10g", v);
}

static void add_line(struct buf *out, struct str line)
{
    buf_add_char(out, '\n');
    buf_add(out, line);
}

static void add_limits(struct round *r, const struct checklist_item *item, struct buf *out)
{
    struct str min = number_text(r->t->a, item->min), max = number_text(r->t->a, item->max);

    if (item->has_min && item->has_max) {
        add_line(out, WORDS(r, "ask.range", ARG_IDENT("min", min), ARG_IDENT("max", max)));
    } else if (item->has_min) {
        add_line(out, WORDS(r, "ask.min", ARG_IDENT("min", min)));
    } else if (item->has_max) {
        add_line(out, WORDS(r, "ask.max", ARG_IDENT("max", max)));
    }
}

static void add_how(struct round *r, const struct checklist_item *item, struct buf *out)
{
    if (item->kind == ITEM_NUMBER && item->unit.n > 0) {
        add_line(out, WORDS(r, "ask.number_unit", ARG_IDENT("unit", item->unit)));
        add_limits(r, item, out);
    } else if (item->kind == ITEM_NUMBER) {
        add_line(out, WORDS(r, "ask.number"));
        add_limits(r, item, out);
    } else if (item->kind == ITEM_TEXT) {
        add_line(out, WORDS(r, "ask.text"));
    } else if (item->kind == ITEM_PHOTO) {
        add_line(out, WORDS(r, "ask.photo"));
    }
    if (!item->required) {
        add_line(out, WORDS(r, "ask.optional"));
    }
}

/* More than three, or one that a button would cut: what is left of them may be the same. */
static bool needs_list(const struct checklist_item *item)
{
    bool list = item->nchoices > MESSAGE_BUTTONS_MAX;

    for (size_t k = 0; k < item->nchoices; k++) {
        list = list || str_utf8_len(item->choices[k].label) > BUTTON_CHARS_MAX;
    }
    return list;
}

static void add_options(struct round *r, size_t i, struct message *m)
{
    const struct checklist_item *item = &r->c.items[i];
    size_t n;
    const struct item_option *options = item_options(item->kind, &n);

    if (n == 0 && item->nchoices == 0) {
        no_options(r);
        return;
    }
    m->kind = needs_list(item) ? MESSAGE_LIST : MESSAGE_BUTTONS;
    if (m->kind == MESSAGE_LIST) {
        m->list_button = WORDS(r, "list.choose");
    }
    for (size_t k = 0; k < n + item->nchoices; k++) {
        struct str title =
            k < n ? i18n_text(r->t->a, r->t->l, r->t->timezone, options[k].key, NULL, 0)
                  : item->choices[k - n].label;
        struct str action = arena_printf(r->t->a, "a,%lld,%zu,%zu", (long long)r->c.round, i, k);

        if (k >= n) {
            action = arena_printf(r->t->a, "%.*s,%.*s", STR_ARG(action),
                                  STR_ARG(round_choice_mark(r->t->a, &item->choices[k - n])));
        }
        talk_add_option(r->t, m, matter_payload(r->t->a, r->m, action.p), title,
                        m->kind == MESSAGE_LIST && str_utf8_len(title) > 24 ? title : STR_NONE);
    }
}

void round_ask_item(struct round *r, size_t i)
{
    const struct checklist_item *item = &r->c.items[i];
    struct message *m;
    struct buf text;

    r->c.at = i;
    r->c.asked = ASKED_ITEM;
    r->c.asked_at = r->t->p->now;
    r->c.state = CHECKLIST_RUNNING;
    buf_init(&text, 64 * 1024);
    buf_add(&text, WORDS(r, "ask.progress", ARG_S("name", r->c.name), ARG_N("i", (int64_t)i + 1),
                         ARG_N("n", (int64_t)r->c.nitems)));
    add_line(&text, item->label);
    add_how(r, item, &text);
    m = say(r, arena_dup(r->t->a, buf_str(&text)));
    buf_fini(&text);
    m->text = i18n_cut(r->t->a, m->text, BODY_MAX);
    add_options(r, i, m);
    round_keep(r);
}

void round_ask_why(struct round *r, size_t i)
{
    struct message *m;

    r->c.at = i;
    r->c.asked = ASKED_WHY;
    r->c.asked_at = r->t->p->now;
    m = say(r, WORDS(r, "reply.item_why", ARG_S("label", r->c.items[i].label)));
    round_button(r, m, item_action(r, "why", i), "button.skip");
    round_keep(r);
}

void round_ask_sure(struct round *r, size_t i, struct str value)
{
    const struct checklist_item *item = &r->c.items[i];
    struct message *m;
    struct str typed = item->unit.n > 0
                           ? arena_printf(r->t->a, "%.*s %.*s", STR_ARG(value), STR_ARG(item->unit))
                           : value;

    r->c.at = i;
    r->c.asked = ASKED_SURE;
    r->c.pending = value;
    r->c.asked_at = r->t->p->now;
    m = say(r, WORDS(r, "reply.item_sure", ARG_S("label", item->label), ARG_IDENT("value", typed)));
    round_button(r, m, item_action(r, "sure", i), "button.yes");
    round_button(r, m, item_action(r, "redo", i), "button.no");
    round_keep(r);
}

void round_ask_which(struct round *r)
{
    struct message *m;
    size_t first = 0, answered = 0;

    if (checklist_count(&r->c, ITEM_OPEN) == r->c.nitems) {
        say(r, WORDS(r, "reply.round_fix_none"));
        return;
    }
    m = say(r, WORDS(r, "reply.round_fix", ARG_S("name", r->c.name)));
    m->kind = MESSAGE_LIST;
    m->list_button = WORDS(r, "list.choose");
    /* The last ten: what was said wrong was said just now. */
    for (size_t i = r->c.nitems; i > 0 && answered < MESSAGE_ROWS_MAX; i--) {
        answered += r->c.items[i - 1].state != ITEM_OPEN;
        first = i - 1;
    }
    for (size_t i = first; i < r->c.nitems; i++) {
        const struct checklist_item *item = &r->c.items[i];

        if (item->state != ITEM_OPEN) {
            talk_add_option(r->t, m, matter_payload(r->t->a, r->m, item_action(r, "f", i).p),
                            arena_printf(r->t->a, "%zu. %.*s", i + 1, STR_ARG(item->label)),
                            item_answer_text(r->t->a, r->t->l, r->t->timezone, item));
        }
    }
}

/* ---- the end ---- */

/* Worth a line of the summary: not done, left out, outside its limits, or with a word why. */
static bool stands_out(const struct checklist_item *item)
{
    double v;

    return item->state == ITEM_SKIPPED || item->note.n > 0 || item_asks_why(item, item->value) ||
           (item->kind == ITEM_NUMBER && str_to_double(item->value, &v) &&
            ((item->has_min && v < item->min) || (item->has_max && v > item->max)));
}

static struct str summary(struct round *r)
{
    struct buf text;
    struct str out;

    buf_init(&text, 256 * 1024);
    buf_add(&text, WORDS(r, "reply.round_done", ARG_S("name", r->c.name)));
    add_line(&text, WORDS(r, "reply.round_count",
                          ARG_N("n", (int64_t)checklist_count(&r->c, ITEM_ANSWERED)),
                          ARG_N("total", (int64_t)r->c.nitems)));
    for (size_t i = 0; i < r->c.nitems; i++) {
        const struct checklist_item *item = &r->c.items[i];
        struct str answer = item_answer_text(r->t->a, r->t->l, r->t->timezone, item);

        if (!stands_out(item)) {
            continue;
        }
        add_line(&text, item->note.n > 0
                            ? WORDS(r, "reply.round_line_note", ARG_S("label", item->label),
                                    ARG_S("answer", answer), ARG_S("note", item->note))
                            : WORDS(r, "reply.round_line", ARG_S("label", item->label),
                                    ARG_S("answer", answer)));
    }
    out = i18n_cut(r->t->a, arena_dup(r->t->a, buf_str(&text)), SUMMARY_MAX);
    buf_fini(&text);
    return out;
}

static void submit(struct round *r)
{
    r->c.state = CHECKLIST_SUBMITTED;
    r->c.submitted = r->t->p->now;
    r->c.asked = ASKED_ITEM;
    tell(r, "gateway.checklist.submitted.v1", NULL);
    if (r->c.order_id.n > 0) {
        plan_entry(r->t->p, r->c.order_id, "checklist", r->t->u->id, r->c.name);
    }
    say(r, summary(r));
    round_keep(r);
}

void round_ask(struct round *r)
{
    size_t i = checklist_open_item(&r->c);

    if (i == r->c.nitems) {
        submit(r);
    } else {
        round_ask_item(r, i);
    }
}
