/* cmms_alert: what follows when the CMMS, or a threshold of ours, raises or clears an alert. */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/alert.h"

bool cmms_alert_subject(struct arena *a, const struct json *j, struct err *err)
{
    return alert_check(a, j, err);
}

/* The alert as kept; false: there is none, or it does not open. */
static bool kept_alert(struct turn *t, struct alert *out)
{
    struct err err = {0};

    return t->view->matter != NULL && alert_decode(t->p->a, t->view->matter->body, out, &err);
}

static void keep(struct turn *t, const struct alert *al)
{
    struct matter *m = ARENA_NEW(t->p->a, struct matter);

    *m = (struct matter){.version = t->view->matter_version};
    alert_store(t->p->a, al, t->p->now, m);
    plan_matter(t->p, m);
}

bool cmms_alert_raised(struct turn *t, struct err *err)
{
    struct alert *al = ARENA_NEW(t->p->a, struct alert), *kept = ARENA_NEW(t->p->a, struct alert);

    if (!alert_from_json(t->p->a, cmms_matter_of(t->e), t->p->tenant->conf->ladder, al, err)) {
        return false;
    }
    al->at = t->e->time.ms > 0 ? t->e->time : t->e->accepted;
    al->raised = t->e->accepted.ms > 0 ? t->e->accepted : t->p->now;
    if (kept_alert(t, kept) && kept->state != ALERT_CLEARED) {
        if (!alert_is_graver(al->severity, kept->severity)) {
            return true; /* it is known, and people are called already */
        }
        alert_restart(kept, al);
        al = kept;
    }
    keep(t, al);
    return true;
}

bool cmms_alert_cleared(struct turn *t, struct err *err)
{
    struct alert *al = ARENA_NEW(t->p->a, struct alert);

    (void)err;
    if (kept_alert(t, al) && al->state != ALERT_CLEARED) {
        alert_clear(al, t->p->now);
        keep(t, al);
    }
    return true;
}
