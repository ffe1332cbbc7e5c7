/* talk_pm: [Mark as Done] [Reschedule] [Confirm], CONFIRM. */
#include "matter_int.h"
#include "notice_int.h"
#include "talk_pm_int.h"

#define CHOICES_MAX MESSAGE_ROWS_MAX

/* It may have been given to others since he was asked. */
static bool may_answer(const struct talk *t, const struct pm *pm)
{
    bool may = (t->u->roles & (ROLE_SUPERVISOR | ROLE_ADMIN)) != 0;

    for (size_t i = 0; i < pm->npeople; i++) {
        may = may || str_eq(pm->people[i], t->u->id);
    }
    return may;
}

bool talk_pm_open(struct talk *t, const struct matter *m, struct pm *pm)
{
    struct err err = {0};

    if (!pm_decode(t->a, m->body, pm, &err)) {
        talk_say(t, "reply.tap_unknown");
        return false;
    }
    if (!may_answer(t, pm)) {
        talk_say(t, "reply.no_pm");
        return false;
    }
    return true;
}

static const char *const events[] = {[PM_CONFIRMED] = "gateway.pm.confirmed.v1",
                                     [PM_MOVED] = "gateway.pm.reschedule_requested.v1",
                                     [PM_DONE] = "gateway.pm.completed.v1"};

static void tell_cmms(struct talk *t, const struct matter *m, const struct pm *pm)
{
    struct jw w;
    struct buf *data = talk_event_begin(t, &w, NULL);

    jw_open(&w, "pm", '{');
    jw_str(&w, "id", pm->id);
    jw_close(&w, '}');
    if (pm->state == PM_MOVED) {
        jw_wall(&w, "new_due_at", pm->due);
    }
    talk_matter_event(t, events[pm->state], m, &w, data);
}

void talk_pm_settle(struct talk *t, const struct matter *m, struct pm *pm, enum pm_state state,
                    struct wall due)
{
    struct matter *after = ARENA_NEW(t->a, struct matter);

    pm->has_before = true;
    pm->before = pm->state;
    pm->due_before = pm->due;
    pm->state = state;
    pm->by = t->u->name;
    pm->by_id = t->u->id;
    pm->due = state == PM_MOVED ? due : pm->due;
    if (state != PM_CONFIRMED) { /* else what the others are about to be told stands */
        pm->news = pm->npeople > 1;
        pm->news_by = pm->by;
        pm->news_by_id = pm->by_id;
    }
    *after = *m;
    after->over = state == PM_DONE;
    after->clock = pm->news ? t->p->now : (struct wall){0};
    pm_keep(t->a, pm, after);
    plan_matter(t->p, after);
    plan_ask(t->p, after, t->u->id, false);
    tell_cmms(t, m, pm);
    if (state == PM_DONE) {
        talk_say(t, "reply.pm_done", ARG_S("task", pm->task));
    } else if (state == PM_CONFIRMED) {
        talk_say(t, "reply.pm_confirmed", ARG_S("task", pm->task));
    } else {
        talk_say(t, "reply.pm_moved", ARG_S("task", pm->task), ARG_T("at", pm->due));
    }
}

static void answer(struct talk *t, const struct matter *m, enum pm_state state)
{
    struct pm pm;

    if (!talk_pm_open(t, m, &pm)) {
        return;
    }
    if (m->over || pm.state == PM_DONE) {
        talk_say(t, "reply.pm_done_by", ARG_S("task", pm.task), ARG_S("name", pm.by));
    } else if (pm.state == state) {
        talk_say(t, "reply.pm_confirmed_by", ARG_S("task", pm.task), ARG_S("name", pm.by));
    } else {
        talk_pm_settle(t, m, &pm, state, pm.due);
    }
}

static void show(struct talk *t, const struct matter *m)
{
    struct message *out;
    struct pm pm;

    if (talk_pm_open(t, m, &pm)) {
        out = talk_say_text(t, notice_pm_text(t->p, &pm, t->u, false));
        if (!m->over) {
            notice_pm_buttons(t->p, &pm, m, t->u, out);
        }
    }
}

void talk_pm_tap(struct talk *t, const struct matter *m, struct str action)
{
    struct pm pm;

    if (str_eqz(action, "done")) {
        answer(t, m, PM_DONE);
    } else if (str_eqz(action, "confirm")) {
        answer(t, m, PM_CONFIRMED);
    } else if (str_eqz(action, "view")) {
        show(t, m);
    } else if (talk_pm_open(t, m, &pm)) {
        talk_pm_tap_move(t, m, &pm, action);
    }
}

void talk_pm_which(struct talk *t, const struct matter *const *open, size_t n, const char *action)
{
    struct message *m = str_eqz(STR("confirm"), action) ? talk_say(t, "reply.pm_which")
                                                        : talk_say(t, "reply.pm_which_move");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n; i++) {
        struct pm pm;
        struct err err = {0};

        if (pm_decode(t->a, open[i]->body, &pm, &err)) {
            talk_add_option(t, m, matter_payload(t->a, open[i], action), pm.task, pm.asset);
        }
    }
}

void talk_cmd_confirm(struct talk *t)
{
    const struct matter *open[CHOICES_MAX];
    size_t n = talk_matters_open(t, MATTER_PM, open, CHOICES_MAX);
    const struct matter *meant = talk_matter_meant(
        t, MATTER_PM, t->call.order.n > 0 ? t->call.order : str_trim(t->call.rest));

    if (meant != NULL || n == 1) {
        answer(t, meant != NULL ? meant : open[0], PM_CONFIRMED);
    } else if (n == 0) {
        talk_say(t, "reply.no_pm");
    } else {
        talk_pm_which(t, open, n, "confirm");
    }
}

bool talk_pm_row(struct talk *t, const struct matter *m, struct message_option *out)
{
    struct pm pm;
    struct err err = {0};
    struct str waits = I18N(t->a, t->l, t->timezone, "reply.pending_asked");

    if (!pm_decode(t->a, m->body, &pm, &err) || pm.state != PM_DUE) {
        return false;
    }
    *out = (struct message_option){.id = matter_payload(t->a, m, "view"), .title = pm.task};
    out->description = pm.due.ms == 0
                           ? waits
                           : arena_printf(t->a, "%.*s · %.*s",
                                          STR_ARG(I18N(t->a, t->l, t->timezone, "value.moment",
                                                       ARG_T("at", pm.due))),
                                          STR_ARG(waits));
    return true;
}
