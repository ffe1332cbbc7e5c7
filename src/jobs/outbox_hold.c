/*
 * outbox_hold: a message that no template carries waits until its person has written. The first one
 * that does sends a generic template, which asks him to; as long as that is unanswered no other one
 * is sent. His next word releases all of it, in the commit that takes it (inbox.c).
 */
#include "base/mem.h"
#include "outbox_int.h"

#define WAIT_MOST_MS ((int64_t)7 * 86400 * 1000)
#define ASKED_FAILED "failed"

static void on_asked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    const struct tenant *t = &at->ob->et->t;
    struct message generic;
    enum template_status why;

    at->pending = NULL;
    if (err != NULL) {
        attempt_end(at, THEN_LATER, 1000);
        return;
    }
    at->asked = reply_str(reply).n > 0 && !str_eqz(reply_str(reply), ASKED_FAILED);
    if (!at->asked) {
        template_waiting(at->a, &at->m, t->conf->name, &generic);
        if (!outbox_template(at, &generic, &at->generic, &why)) {
            at->why = at->m.template_.name.n > 0 ? at->why : why;
            outbox_no_form(at);
            return;
        }
    }
    attempt_end(at, THEN_AWAIT, 0);
}

void outbox_hold(struct attempt *at)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, arena_printf(at->a, "{%.*s}:hg:%.*s", STR_ARG(at->ob->et->t.id),
                                 STR_ARG(at->ob->sender->id)));
    call_str(&call, at->m.user);
    at->pending = store_run(at->ob->et->e->store, &call, on_asked, at);
}

/* ---- its part of the record ---- */

static struct str asked_key(struct attempt *at)
{
    return arena_printf(at->scratch, "hg:%.*s", STR_ARG(at->ob->sender->id));
}

void outbox_hold_plan(struct attempt *at)
{
    const struct user to = {.id = at->m.user, .phone = at->m.phone, .bsuid = at->m.bsuid};
    struct message *m;
    struct str id;
    struct wall created;

    if (at->asked) {
        return;
    }
    m = plan_message(&at->plan, &to, MESSAGE_TEMPLATE);
    id = m->id;
    created = m->created;
    *m = at->generic;
    m->id = id;
    m->created = created;
    m->cls = STR(OUTBOX_WAITING);
    m->sender = at->ob->sender->id;
    at->generic_id = id;
}

void outbox_hold_checks(struct attempt *at, struct commit *c)
{
    if (!at->asked) {
        commit_check_owner(c, asked_key(at), at->m.user, STR(ASKED_FAILED), STR(ASKED_FAILED));
    }
}

void outbox_hold_writes(struct attempt *at, struct commit *c)
{
    struct wall over = {wall_now().ms + WAIT_MOST_MS};

    if (at->m.expires.ms > 0 && at->m.expires.ms < over.ms) {
        over = at->m.expires;
    }
    if (!at->asked) {
        commit_hset(c, asked_key(at), at->m.user, at->generic_id);
    }
    lane_hold(c, at->item, over,
              STR("held: outside the 24-hour window, a template asks the person to write"));
}
