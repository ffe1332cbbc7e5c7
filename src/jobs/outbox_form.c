/*
 * outbox_form: in which form a message goes. Inside 24 hours from the person's last word to that
 * sender: as it is. Outside: as the approved template of its own, in the best language; else a
 * generic template asks the person to write, and the message waits for that (outbox_hold.c); else
 * it fails, saying why. What is known to come back as an error is not sent: what the provider
 * refuses all the same is written down, and the choice is made again.
 */
#include "approvals.h"
#include "outbox_int.h"

#include <stdio.h>

#define NOT_READ_MS 200
#define OUTSIDE     "outside the 24-hour window: this person has not written to this number for a day"

static struct str account_of(const struct attempt *at)
{
    return sender_account(at->ob->sender);
}

static bool is_twilio(const struct attempt *at)
{
    return at->ob->sender->provider == PROVIDER_TWILIO;
}

/* Twilio sends by the sid of the resource; without one an approval is of no use. */
static const struct template_state *state_of(void *ctx, struct str name, struct str language)
{
    struct attempt *at = ctx;
    const struct template_state *s = approvals_find(at->ob->et, account_of(at), name, language);

    return s != NULL && is_twilio(at) && s->id.n == 0 ? NULL : s;
}

bool outbox_is_waiting(const struct message *m)
{
    return str_eqz(m->cls, OUTBOX_WAITING) && str_eqz(m->template_.name, TEMPLATE_WAITING);
}

/* ---- a form chosen ---- */

/* One-time codes stand in the body and, at Meta, in the button that copies them. */
static void add_code(const struct attempt *at, struct message *m)
{
    if (!is_twilio(at)) {
        m->template_.params[m->template_.nparams++] =
            (struct message_param){STR("button.0.url"), m->template_.params[0].value};
    }
}

bool outbox_template(struct attempt *at, const struct message *m, struct message *out,
                     enum template_status *why)
{
    const struct tenant *t = &at->ob->et->t;
    const struct template_def *d = template_choose(t->templates, m->template_.name, m->lang,
                                                   t->conf->default_language, state_of, at, why);

    if (d == NULL || !template_form(at->a, d, m, out)) {
        return false;
    }
    if (is_twilio(at)) {
        out->template_.content_sid = arena_dup(at->a, state_of(at, d->name, d->language)->id);
    }
    if (template_is_code(d)) {
        add_code(at, out);
    }
    return true;
}

static void as_template(struct attempt *at)
{
    at->templated = true;
    at->form_key = approval_key(at->a, at->m.template_.name, at->m.template_.language);
    outbox_go(at);
}

/* ---- a template by its name ---- */

static struct str api_spelling(struct arena *a, struct str language)
{
    char *p = arena_alloc(a, language.n + 1);

    for (size_t i = 0; i < language.n; i++) {
        p[i] = language.p[i] == '-' ? '_' : language.p[i];
    }
    return str_make(p, language.n);
}

static void named(struct attempt *at, bool open)
{
    struct message *m = &at->m;
    const struct template_state *s;

    if (open && outbox_is_waiting(m)) {
        at->o.title = STR("the person wrote before it was sent");
        attempt_end(at, THEN_NEEDLESS, 0);
        return;
    }
    m->template_.language = api_spelling(at->a, m->template_.language);
    s = approvals_find(at->ob->et, account_of(at), m->template_.name, m->template_.language);
    if (s != NULL && s->status != TEMPLATE_APPROVED && s->status != TEMPLATE_UNKNOWN) {
        struct str title =
            arena_printf(at->a, "template %.*s is %s in %.*s", STR_ARG(m->template_.name),
                         template_status_name(s->status), STR_ARG(m->template_.language));

        attempt_end_here(at, THEN_FAILED, title.p,
                         "wait until it is approved, or use another one; see /api/v1/templates");
        return;
    }
    if (s != NULL && is_twilio(at) && m->template_.content_sid.n == 0) {
        m->template_.content_sid = arena_dup(at->a, s->id);
    }
    as_template(at);
}

/* ---- outside the window ---- */

/* Those that are of no use later, or that ask for no reading. */
static bool may_wait(const struct message *m)
{
    return m->kind != MESSAGE_REACTION && !str_eqz(m->template_.name, TEMPLATE_TEST) &&
           !str_eqz(m->template_.name, TEMPLATE_CODE);
}

void outbox_no_form(struct attempt *at)
{
    struct str name = at->m.template_.name;
    struct str title =
        name.n == 0 ? STR(OUTSIDE)
                    : arena_printf(at->a, OUTSIDE ", and template %.*s is %s", STR_ARG(name),
                                   at->why == TEMPLATE_UNKNOWN ? "not registered"
                                                               : template_status_name(at->why));

    attempt_end_here(
        at, THEN_FAILED, title.p,
        account_of(at).n == 0
            ? "set business_account_id of the sender and register the templates (POST "
              "/api/v1/templates/sync), or ask the person to write once"
            : "register the templates (POST /api/v1/templates/sync), or ask the person "
              "to write once");
}

static void outside(struct attempt *at)
{
    struct message form;

    if (!approvals_ready(at->ob->et)) {
        attempt_end(at, THEN_LATER, NOT_READ_MS);
    } else if (at->m.template_.name.n > 0 && outbox_template(at, &at->m, &form, &at->why)) {
        at->m = form;
        at->chosen = true;
        as_template(at);
    } else if (at->m.group.n > 0) {
        outbox_no_form(at); /* a group is not asked to write: its members are told one by one */
    } else if (at->ob != at->own) {
        outbox_stay(at, "he has not written to that number for a day");
    } else if (may_wait(&at->m)) {
        outbox_hold(at);
    } else {
        outbox_no_form(at);
    }
}

void outbox_form(struct attempt *at)
{
    bool open = wall_now().ms - at->item->window.ms < WINDOW_MS;

    if (at->m.kind == MESSAGE_TEMPLATE) {
        named(at, open);
    } else if (open || at->m.sms || at->m.kind == MESSAGE_READ) {
        /* WhatsApp's window binds no SMS, and a mark that something was read is no message. */
        outbox_go(at);
    } else {
        outside(at);
    }
}

/* ---- refused all the same ---- */

enum template_status outbox_template_trouble(int64_t code, bool ours)
{
    static const struct {
        int64_t code;
        enum template_status status;
        bool values; /* it does not take these values: whoever gave them may be wrong about it */
    } rows[] = {
        {21655,  TEMPLATE_MISSING,  false},
        {63027,  TEMPLATE_MISSING,  false},
        {63028,  TEMPLATE_MISSING,  true },
        {63040,  TEMPLATE_REJECTED, false},
        {63041,  TEMPLATE_PAUSED,   false},
        {63042,  TEMPLATE_DISABLED, false},
        {92006,  TEMPLATE_MISSING,  false},
        {132000, TEMPLATE_MISSING,  true },
        {132001, TEMPLATE_MISSING,  false},
        {132007, TEMPLATE_REJECTED, false},
        {132012, TEMPLATE_MISSING,  true },
        {132015, TEMPLATE_PAUSED,   false},
        {132016, TEMPLATE_DISABLED, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == code && (ours || !rows[i].values)) {
            return rows[i].status;
        }
    }
    return TEMPLATE_UNKNOWN;
}

bool outbox_form_refused(struct attempt *at)
{
    bool ours = at->chosen || outbox_is_waiting(&at->m);
    enum template_status trouble = outbox_template_trouble(at->o.code, ours);
    struct engine_tenant *et = at->ob->et;

    if (at->o.cls == OUTCOME_NEED_TEMPLATE && !at->templated && at->item->window.ms > 0) {
        at->shut = true;
        attempt_end(at, THEN_LATER, 0);
        return true;
    }
    if (at->o.cls != OUTCOME_REFUSED || !at->templated || trouble == TEMPLATE_UNKNOWN ||
        account_of(at).n == 0) {
        return false;
    }
    at->mark = (struct template_state){.status = trouble,
                                       .reason = at->o.title,
                                       .id = at->m.template_.content_sid,
                                       .at = wall_now()};
    approvals_know(et, account_of(at), at->form_key, &at->mark);
    approvals_tell(et, at->form_key, &at->mark);
    at->o.alert = false; /* that one was the alert */
    at->marked = true;
    if (outbox_is_waiting(&at->m)) {
        return false; /* it fails; those that wait for it ask anew, by another one */
    }
    attempt_end(at, THEN_LATER, 0);
    return true;
}

void outbox_form_writes(struct attempt *at, struct commit *c)
{
    if (at->shut) {
        commit_window_shut(c, at->ob->sender->id, at->m.user, at->item->window);
    }
    if (at->marked) {
        approvals_write(at->scratch, c, account_of(at), at->form_key, &at->mark);
    }
    if (!outbox_is_waiting(&at->m)) {
        return;
    }
    /* The question came to nothing. Another one may do: a language of it, or a later hour; and what
     * waits for one that is not put would wait in vain. */
    if (at->then == THEN_EXPIRED || at->then == THEN_NEEDLESS ||
        (at->then == THEN_FAILED && at->marked)) {
        commit_heard(c, at->own->sender->id, at->m.user, STR("the question was not sent"));
    } else if (at->then == THEN_FAILED) {
        commit_unheard(c, at->own->sender->id, at->m.user);
    }
}
