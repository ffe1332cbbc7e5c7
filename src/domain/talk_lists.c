#include "talk_int.h"

#include <stdlib.h>

struct listed {
    const struct order *order; /* or NULL: */
    struct message_option row; /* a matter that waits for him */
    const char *why;           /* of PENDING: key of the reason, or NULL */
};

static int by_urgency(const void *a, const void *b)
{
    double x = order_urgency(((const struct listed *)a)->order),
           y = order_urgency(((const struct listed *)b)->order);

    return x < y   ? -1
           : x > y ? 1
                   : str_cmp(((const struct listed *)a)->order->number,
                             ((const struct listed *)b)->order->number);
}

/* A question about it waits for his answer: a text, or whether it is done. */
static bool is_asked(const struct talk *t, const struct order *o)
{
    struct str question = t->conv.question, about = arena_printf(t->a, ":%.*s", STR_ARG(o->id));

    return t->conv.question_at.ms + QUESTION_MS > t->p->now.ms && str_ends(question, about) &&
           (str_starts(question, STR("text:")) || str_starts(question, STR("confirm:")));
}

static const char *pending_reason(const struct talk *t, const struct order *o)
{
    if (is_asked(t, o)) {
        return "reply.pending_asked";
    }
    if (o->status == ORDER_OPEN) {
        return "reply.pending_ack";
    }
    return o->due.ms > 0 && o->due.ms < t->p->now.ms ? "reply.pending_overdue" : NULL;
}

static size_t collect(struct talk *t, bool pending, struct listed *out, size_t max)
{
    struct message_option rows[MESSAGE_ROWS_MAX];
    size_t n = 0, matters = 0;

    if (pending) {
        matters = talk_matters_pending(t, rows, ARRAY_LEN(rows));
    }
    for (; n < matters && n < max; n++) {
        out[n] = (struct listed){.row = rows[n]};
    }
    for (size_t i = 0; i < t->v->norders && n < max; i++) {
        const struct view_order *vo = &t->v->orders[i];
        const char *why = pending ? pending_reason(t, vo->order) : NULL;

        if (talk_is_mine(vo) && order_is_open(vo->order) && (!pending || why != NULL)) {
            out[n++] = (struct listed){.order = vo->order, .why = why};
        }
    }
    qsort(out + matters, n - matters, sizeof(*out), by_urgency);
    return n;
}

static struct str row_of(struct talk *t, const struct listed *row)
{
    const struct order *o = row->order;
    struct str priority =
        I18N(t->a, t->l, t->timezone,
             arena_printf(t->a, "name.priority.%s", order_priority_name(o->priority)).p);
    struct str status =
        row->why != NULL
            ? i18n_text(t->a, t->l, t->timezone, row->why, NULL, 0)
            : I18N(t->a, t->l, t->timezone,
                   arena_printf(t->a, "name.status.%s", order_status_name(o->status)).p);

    if (o->due.ms > 0) {
        return I18N(t->a, t->l, t->timezone, "row.order_due", ARG_T("due", o->due),
                    ARG_S("priority", priority), ARG_S("status", status), ARG_S("title", o->title));
    }
    return I18N(t->a, t->l, t->timezone, "row.order", ARG_S("priority", priority),
                ARG_S("status", status), ARG_S("title", o->title));
}

/* Ten rows from @from on; what is left is offered by MORE. */
static void list(struct talk *t, bool pending, size_t from)
{
    struct listed rows[4 * VIEW_ORDERS_MAX];
    size_t n = collect(t, pending, rows, ARRAY_LEN(rows)), left;
    struct message *m;
    struct buf body;
    bool others;

    if (n == 0) {
        talk_say_text(t, pending ? I18N(t->a, t->l, t->timezone, "reply.pending_none")
                                 : I18N(t->a, t->l, t->timezone, "reply.my_work_none"));
        return;
    }
    if (from >= n) {
        talk_say(t, "reply.more_none");
        return;
    }
    left = n - from > MESSAGE_ROWS_MAX ? n - from - MESSAGE_ROWS_MAX : 0;
    buf_init(&body, 4096);
    others = rows[0].order == NULL;
    buf_add(&body,
            others    ? I18N(t->a, t->l, t->timezone, "reply.pending_all", ARG_N("n", (int64_t)n))
            : pending ? I18N(t->a, t->l, t->timezone, "reply.pending", ARG_N("n", (int64_t)n))
                      : I18N(t->a, t->l, t->timezone, "reply.my_work", ARG_N("n", (int64_t)n)));
    if (left > 0) {
        buf_add_char(&body, '\n');
        buf_add(&body, I18N(t->a, t->l, t->timezone, "reply.more", ARG_N("n", (int64_t)left)));
    }
    m = talk_say_text(t, arena_dup(t->a, buf_str(&body)));
    buf_fini(&body);
    m->kind = MESSAGE_LIST;
    m->list_button = others ? I18N(t->a, t->l, t->timezone, "list.choose")
                            : I18N(t->a, t->l, t->timezone, "list.orders");
    for (size_t i = from; i < n && m->noptions < MESSAGE_ROWS_MAX; i++) {
        if (rows[i].order == NULL) {
            talk_add_option(t, m, rows[i].row.id, rows[i].row.title, rows[i].row.description);
            continue;
        }
        talk_add_option(t, m, arena_printf(t->a, "view:%.*s", STR_ARG(rows[i].order->id)),
                        rows[i].order->number, row_of(t, &rows[i]));
    }
    t->conv.more = left > 0 ? str_of(command_name(pending ? CMD_PENDING : CMD_MY_WORK)) : STR_NONE;
    t->conv.more_from = (int64_t)(from + MESSAGE_ROWS_MAX);
    t->conv_changed = true;
}

void talk_cmd_my_work(struct talk *t)
{
    list(t, false, 0);
}

void talk_cmd_pending(struct talk *t)
{
    list(t, true, 0);
}

void talk_cmd_more(struct talk *t)
{
    if (t->conv.more.n == 0) {
        talk_say(t, "reply.more_none");
        return;
    }
    list(t, str_eqz(t->conv.more, command_name(CMD_PENDING)), (size_t)t->conv.more_from);
}

/* Since midnight where he is. */
static int64_t completed_today(const struct talk *t)
{
    struct wall midnight;
    int32_t minutes;
    int64_t n = 0;

    timezone_local(t->timezone, t->p->now, &minutes, &midnight);
    for (size_t i = 0; i < t->v->ncompleted; i++) {
        n += t->v->completed[i].ms >= midnight.ms;
    }
    return n;
}

void talk_cmd_status(struct talk *t)
{
    const struct order *quoted = talk_quoted_order(t);
    int64_t assigned = 0, acknowledged = 0, in_progress = 0, overdue = 0;

    if (quoted != NULL && !quoted->deleted && talk_may_change(t, quoted)) {
        talk_show(t, quoted); /* in reply to an order's message: its status, with what may follow */
        return;
    }

    for (size_t i = 0; i < t->v->norders; i++) {
        const struct order *o = t->v->orders[i].order;

        if (!talk_is_mine(&t->v->orders[i]) || !order_is_open(o)) {
            continue;
        }
        assigned++;
        acknowledged += o->status == ORDER_ACKNOWLEDGED;
        in_progress += o->status == ORDER_IN_PROGRESS;
        overdue += o->due.ms > 0 && o->due.ms < t->p->now.ms;
    }
    if (t->v->open_total > assigned) {
        assigned = t->v->open_total;
    }
    talk_say(t, "reply.counts", ARG_N("assigned", assigned), ARG_N("acknowledged", acknowledged),
             ARG_N("in_progress", in_progress), ARG_N("overdue", overdue),
             ARG_N("completed", completed_today(t)));
}

/* ---- HELP ---- */

static const struct {
    const char *section;
    enum command_id ids[8]; /* ended by CMD_NONE */
    bool crew;
} help_sections[] = {
    {"help.section.orders",
     {CMD_MY_WORK, CMD_PENDING, CMD_SHOW, CMD_ACK, CMD_START, CMD_COMPLETE, CMD_STATUS, CMD_NONE},
     true                                                                                               },
    {"help.section.updates",
     {CMD_NOTE, CMD_DELAY, CMD_ESCALATE, CMD_SET_STATUS, CMD_TEAM, CMD_NONE},
     true                                                                                               },
    {"help.section.alerts",
     {CMD_RESPONDING, CMD_CONFIRM, CMD_RESCHEDULE, CMD_CHECKLIST, CMD_CORRECT, CMD_SAFE,
      CMD_HELP_ME, CMD_NONE},
     true                                                                                               },
    {"help.section.faults",   {CMD_REPORT, CMD_TRAINING, CMD_NONE},                                false},
    {"help.section.settings",
     {CMD_LANGUAGE, CMD_SETTINGS, CMD_STOP, CMD_STOP_ALL, CMD_HELP, CMD_NONE},
     false                                                                                              },
};

static void add_key(struct talk *t, struct buf *out, const char *prefix, enum command_id id)
{
    i18n_add(t->l, t->timezone, arena_printf(t->a, "%s%s", prefix, command_name(id)).p, NULL, 0,
             out);
}

static void help_all(struct talk *t)
{
    bool crew = (t->u->roles & ROLE_CREW) != 0;
    struct buf text;

    buf_init(&text, 16 * 1024);
    i18n_add(t->l, t->timezone, "help.title", NULL, 0, &text);
    for (size_t i = 0; i < ARRAY_LEN(help_sections); i++) {
        if (help_sections[i].crew && !crew) {
            continue;
        }
        buf_addz(&text, "\n\n");
        i18n_add(t->l, t->timezone, help_sections[i].section, NULL, 0, &text);
        for (const enum command_id *id = help_sections[i].ids; *id != CMD_NONE; id++) {
            buf_add_char(&text, '\n');
            add_key(t, &text, "help.", *id);
        }
    }
    if ((t->u->roles & ROLE_SUPERVISOR) != 0) {
        buf_addz(&text, "\n\n");
        i18n_add(t->l, t->timezone, "help.role.supervisor", NULL, 0, &text);
    } else if (!crew) {
        buf_addz(&text, "\n\n");
        i18n_add(t->l, t->timezone, "help.role.stakeholder", NULL, 0, &text);
    }
    buf_addz(&text, "\n\n");
    i18n_add(t->l, t->timezone, "help.footer", NULL, 0, &text);
    talk_say_text(t, arena_dup(t->a, buf_str(&text)));
    buf_fini(&text);
}

/* HELP in answer to an order's message: the seeds' "request assistance". */
static bool help_order(struct talk *t)
{
    for (size_t i = 0; i < t->v->norders; i++) {
        const struct order *o = t->v->orders[i].order;
        struct message *m;

        if ((t->v->orders[i].flags & VIEW_QUOTED) == 0 || !talk_may_change(t, o) ||
            !order_is_open(o)) {
            continue;
        }
        m = talk_say(t, "help.order", ARG_IDENT("number", o->number));
        m->kind = MESSAGE_BUTTONS;
        m->order_id = o->id;
        m->order_number = o->number;
        talk_add_option(t, m, arena_printf(t->a, "escalate:%.*s", STR_ARG(o->id)),
                        I18N(t->a, t->l, t->timezone, "button.escalate"), STR_NONE);
        talk_add_option(t, m, arena_printf(t->a, "view:%.*s", STR_ARG(o->id)),
                        I18N(t->a, t->l, t->timezone, "button.view"), STR_NONE);
        return true;
    }
    return false;
}

void talk_cmd_help(struct talk *t)
{
    struct str word = str_trim(t->call.rest);
    struct command_call about;
    struct buf text;

    if (word.n == 0) {
        if (!help_order(t)) {
            help_all(t);
        }
        return;
    }
    command_parse(t->a, word, t->l, &about);
    if (about.id == CMD_NONE) {
        talk_say(t, "help.unknown", ARG_S("word", word));
        help_all(t);
        return;
    }
    buf_init(&text, 4096);
    add_key(t, &text, "help.detail.", about.id);
    talk_say_text(t, arena_dup(t->a, buf_str(&text)));
    buf_fini(&text);
}
