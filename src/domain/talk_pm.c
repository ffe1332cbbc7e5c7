/* talk_pm: [Mark as Done] [Confirm], CONFIRM. */
#include "domain/pm.h"
#include "matter_int.h"
#include "talk_int.h"

#define CHOICES_MAX MESSAGE_ROWS_MAX

static bool open_pm(struct talk *t, const struct matter *m, struct pm *pm)
{
    struct err err = {0};

    if (pm_decode(t->a, m->body, pm, &err)) {
        return true;
    }
    talk_say(t, "reply.tap_unknown");
    return false;
}

static void settle(struct talk *t, const struct matter *m, struct pm *pm, enum pm_state state)
{
    struct matter *after = ARENA_NEW(t->a, struct matter);
    struct buf body, *data;
    struct jw w;

    pm->state = state;
    pm->by = t->u->name;
    *after = *m;
    after->over = state == PM_DONE;
    buf_init(&body, (size_t)1 << 20);
    pm_encode(pm, &body);
    after->body = arena_dup(t->a, buf_str(&body));
    buf_fini(&body);
    plan_matter(t->p, after);
    plan_ask(t->p, after, t->u->id, false);
    data = talk_event_begin(t, &w, NULL);
    jw_open(&w, "pm", '{');
    jw_str(&w, "id", pm->id);
    jw_close(&w, '}');
    talk_matter_event(t, state == PM_DONE ? "gateway.pm.completed.v1" : "gateway.pm.confirmed.v1",
                      m, &w, data);
    talk_say(t, state == PM_DONE ? "reply.pm_done" : "reply.pm_confirmed", ARG_S("task", pm->task));
}

static void answer(struct talk *t, const struct matter *m, enum pm_state state)
{
    struct pm pm;

    if (!open_pm(t, m, &pm)) {
        return;
    }
    if (m->over || pm.state >= state) {
        talk_say(t, pm.state == PM_DONE ? "reply.pm_done_by" : "reply.pm_confirmed_by",
                 ARG_S("task", pm.task), ARG_S("name", pm.by));
        return;
    }
    settle(t, m, &pm, state);
}

void talk_pm_tap(struct talk *t, const struct matter *m, struct str action)
{
    if (str_eqz(action, "done")) {
        answer(t, m, PM_DONE);
    } else if (str_eqz(action, "confirm")) {
        answer(t, m, PM_CONFIRMED);
    } else {
        talk_say(t, "reply.tap_unknown");
    }
}

/* Several wait: never guess. */
static void ask_which(struct talk *t, const struct matter *const *open, size_t n)
{
    struct message *m = talk_say(t, "reply.pm_which");

    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < n; i++) {
        struct pm pm;
        struct err err = {0};

        if (pm_decode(t->a, open[i]->body, &pm, &err)) {
            talk_add_option(t, m, matter_payload(t->a, open[i], "confirm"), pm.task, pm.asset);
        }
    }
}

void talk_cmd_confirm(struct talk *t)
{
    const struct matter *open[CHOICES_MAX];
    size_t n = talk_matters_open(t, MATTER_PM, open, CHOICES_MAX);
    const struct matter *meant = talk_matter_meant(t, MATTER_PM, str_trim(t->call.rest));

    if (meant != NULL || n == 1) {
        answer(t, meant != NULL ? meant : open[0], PM_CONFIRMED);
    } else if (n == 0) {
        talk_say(t, "reply.no_pm");
    } else {
        ask_which(t, open, n);
    }
}
