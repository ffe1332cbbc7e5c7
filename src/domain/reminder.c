#include "domain/reminder.h"

#include "base/mem.h"
#include "domain/notice.h"

#define SAME_MS ((int64_t)30 * 60 * 1000) /* so near to each other two reminders are one */

struct wall reminder_next(const struct tenant_settings *c, struct wall due, struct wall after)
{
    int64_t next = 0, late = after.ms - due.ms;

    for (size_t i = 0; i < c->nremind; i++) {
        int64_t at = due.ms - c->remind_before_ms[i];

        if (at > after.ms && (next == 0 || at < next)) {
            next = at;
        }
    }
    if (next == 0 && c->remind_after_ms > 0) {
        next = due.ms + (late < 0 ? 1 : late / c->remind_after_ms + 1) * c->remind_after_ms;
    }
    return (struct wall){next};
}

static const struct user *known(const struct cmms_reads *reads, const struct cmms_view *view,
                                struct str id)
{
    for (size_t i = 0; i < reads->nusers; i++) {
        if (str_eq(reads->users[i], id) && view->users[i] != NULL && !view->users[i]->removed) {
            return view->users[i];
        }
    }
    return NULL;
}

bool reminder_decide(const struct cmms_reads *reads, const struct cmms_view *view, struct plan *p)
{
    const struct tenant_settings *c = p->tenant->conf;
    const struct order *kept = view->order;
    struct order *o;

    if (kept == NULL || !order_is_open(kept) || kept->remind.ms == 0 ||
        kept->remind.ms > p->now.ms) {
        return false;
    }
    o = ARENA_NEW(p->a, struct order);
    *o = *kept;
    o->remind = reminder_next(c, o->due, p->now);
    o->reminded = p->now;
    plan_order(p, o, kept);
    for (size_t i = 0; i < o->nassignees && (c->nremind > 0 || c->remind_after_ms > 0); i++) {
        const struct user *to = known(reads, view, o->assignees[i].id);

        if (to != NULL) {
            notice_reminder(p, o, to);
        }
    }
    return true;
}

bool reminder_told(const struct order *kept, struct wall now)
{
    return kept != NULL && kept->reminded.ms > now.ms - SAME_MS &&
           (kept->reminded.ms < kept->due.ms) == (now.ms < kept->due.ms);
}

void reminder_tell(const struct tenant_settings *c, struct order *o, struct wall now)
{
    o->reminded = now;
    o->remind = reminder_next(c, o->due, (struct wall){now.ms + SAME_MS});
}
