/*
 * inbox_template: Meta tells of a template: its approval, quality or category. What it says of the
 * approval is written into the state that is kept of it, in the commit that ends the item; what it
 * leaves open is asked for by the next look. And what a failed status tells of the template that
 * its message went by.
 */
#include "approvals.h"
#include "inbox_int.h"
#include "outbox_int.h"

/* Seconds in their webhooks, milliseconds with us, and looks under way meanwhile. */
#define SLACK_MS ((int64_t)60 * 1000)

static struct str account_of(const struct inbox_job *j)
{
    return sender_account(tenant_sender(j->et->t.conf, j->sender_id));
}

/* What is known of the template, with its texts in @a. */
static struct template_state known(const struct inbox_job *j, struct str name, struct str language)
{
    const struct template_state *s = approvals_find(j->et, account_of(j), name, language);

    return s != NULL ? *s : (struct template_state){0};
}

static void change(struct inbox_job *j, const struct template_state *s)
{
    j->template_key = approval_key(j->a, j->in.subject, j->in.language);
    j->template_state = *s;
    j->template_state.at = j->in.at.ms > 0 ? j->in.at : wall_now();
}

static void on_category(struct inbox_job *j, struct template_state *s)
{
    approvals_tell_category(j->et, approval_key(j->work, j->in.subject, j->in.language),
                            j->in.previous_id, j->in.current_id);
    if (str_eqz(j->in.event, "CATEGORY")) {
        s->category = j->in.current_id;
        change(j, s);
    }
}

static void on_quality(struct inbox_job *j)
{
    if (!str_eqz(j->in.current_id, "RED")) {
        return;
    }
    alert_raise(j->et,
                arena_printf(j->work, "template:%.*s.%.*s", STR_ARG(j->in.subject),
                             STR_ARG(j->in.language)),
                "warning",
                arena_printf(j->work,
                             "people block or report template %.*s (%.*s): its quality is "
                             "RED",
                             STR_ARG(j->in.subject), STR_ARG(j->in.language)),
                STR("it will be paused if that lasts; send it to fewer people, or reword it"));
}

static void on_status(struct inbox_job *j, struct template_state *s)
{
    enum template_status status = template_status_of(j->in.event);
    struct str why = j->in.text.n > 0 ? j->in.text : j->in.detail;

    if (str_eqz(j->in.event, "UNARCHIVED")) { /* how it stands is not said */
        j->template_look = true;
        return;
    }
    if (status == s->status && str_eq(why, s->reason)) {
        return;
    }
    s->status = status;
    s->reason = status == TEMPLATE_APPROVED ? STR_NONE : why;
    change(j, s);
    if (s->id.n == 0) {
        j->template_look = true; /* registered elsewhere: its id and words are in the list */
    }
}

void inbox_read_template(struct inbox_job *j)
{
    struct template_state s = known(j, j->in.subject, j->in.language);
    bool old = j->in.at.ms > 0 && j->in.at.ms + SLACK_MS < s.at.ms;

    j->template_key = STR_NONE;
    j->template_look = false;
    inbox_plan(j, STR_NONE);
    if (j->in.subject.n == 0 || j->in.language.n == 0 || account_of(j).n == 0 || old) {
        j->keep = true;
    } else if (str_starts(j->in.event, STR("CATEGORY"))) {
        on_category(j, &s);
    } else if (str_eqz(j->in.event, "QUALITY")) {
        on_quality(j);
    } else if (str_eqz(j->in.event, "COMPONENTS")) {
        j->template_look = true;
    } else {
        on_status(j, &s);
    }
    inbox_run(j);
}

void inbox_note_template(struct inbox_job *j, const struct message *m, struct str form)
{
    bool ours = m->kind != MESSAGE_TEMPLATE || outbox_is_waiting(m);
    enum template_status trouble = outbox_template_trouble(j->in.error.code, ours);
    const struct provider_error *row =
        provider_of(tenant_sender(j->et->t.conf, j->sender_id)->provider)
            ->error_find(j->in.error.code, 0);
    struct template_state s;

    if (form.n > 0 && trouble != TEMPLATE_UNKNOWN && account_of(j).n > 0) {
        str_cut(arena_dup(j->a, form), '|', &j->in.subject, &j->in.language);
        s = known(j, j->in.subject, j->in.language);
        s.status = trouble;
        s.reason = j->in.error.title;
        change(j, &s);
    }
    if (outbox_is_waiting(m)) {
        j->unheard = m->user;
    }
    if (row != NULL && row->cls == OUTCOME_NEED_TEMPLATE) {
        j->shut = m->user;
        j->shut_before = m->created;
    }
}

/* ---- its part of the commit ---- */

void inbox_write_template(struct inbox_job *j, struct commit *c)
{
    if (j->template_key.n > 0) {
        approvals_write(j->work, c, account_of(j), j->template_key, &j->template_state);
        approvals_know(j->et, account_of(j), j->template_key, &j->template_state);
        approvals_tell(j->et, j->template_key, &j->template_state);
    }
    if (j->shut.n > 0) {
        commit_window_shut(c, j->sender_id, j->shut, j->shut_before);
    }
    if (j->template_look) {
        commit_hdel(c, STR("ts"), STR("at"));
    }
    /* The question did not arrive: by another template it may; else what waits for it is over. */
    if (j->unheard.n > 0 && j->template_key.n > 0) {
        commit_heard(c, j->sender_id, j->unheard, STR("the question was not delivered"));
    } else if (j->unheard.n > 0) {
        commit_unheard(c, j->sender_id, j->unheard);
    }
}
