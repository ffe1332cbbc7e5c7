/* cmms_checklist: a round of a checklist is due (cmms.checklist.due.v1). */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/checklist.h"

static bool same_item(const struct checklist_item *a, const struct checklist_item *b)
{
    bool same = str_eq(a->id, b->id) && str_eq(a->label, b->label) && a->kind == b->kind &&
                a->nchoices == b->nchoices;

    for (size_t i = 0; same && i < a->nchoices; i++) {
        same = str_eq(a->choices[i].value, b->choices[i].value) &&
               str_eq(a->choices[i].label, b->choices[i].label);
    }
    return same;
}

/* A list that comes again while its round is open and has not changed is no news. */
static bool round_is_news(const struct checklist *kept, const struct checklist *now)
{
    bool same = kept->due.ms == now->due.ms && kept->nitems == now->nitems &&
                kept->npeople == now->npeople && str_eq(kept->name, now->name) && now->due.ms > 0;

    for (size_t i = 0; same && i < now->nitems; i++) {
        same = same_item(&kept->items[i], &now->items[i]);
    }
    for (size_t i = 0; same && i < now->npeople; i++) {
        same = str_eq(kept->people[i], now->people[i]);
    }
    return !same;
}

/* It begins anew before it was submitted: the CMMS is told how far it came. */
static void tell_unfinished(struct turn *t, const struct checklist *c)
{
    struct buf data;
    struct jw w;

    buf_init(&data, (size_t)1 << 20);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    if (c->holder.n > 0) {
        jw_open(&w, "person", '{');
        jw_str(&w, "id", c->holder);
        jw_str(&w, "name", c->holder_name);
        jw_close(&w, '}');
    }
    jw_z(&w, "via", "clock");
    jw_open(&w, "checklist", '{');
    jw_str(&w, "id", c->id);
    jw_str(&w, "name", c->name);
    jw_int(&w, "round", c->round);
    jw_close(&w, '}');
    jw_bool(&w, "complete", false);
    checklist_write_items(t->p->a, t->p->tenant, t->p->now, c, NULL, &w);
    jw_close(&w, '}');
    plan_event(t->p, "gateway.checklist.submitted.v1", c->id, arena_dup(t->p->a, buf_str(&data)),
               t->e->id);
    buf_fini(&data);
}

/* When the supervisor hears of it. Without a time of its own a round is for its period. */
static struct wall overdue_of(const struct turn *t, const struct checklist *c)
{
    static const struct {
        const char *period;
        int64_t hours;
    } periods[] = {
        {"shift",   8      },
        {"daily",   12     },
        {"weekly",  5 * 24 },
        {"monthly", 14 * 24}
    };
    int64_t hours = 24, after_ms = t->p->tenant->conf->checklist_overdue_after_ms;

    if (c->due.ms > 0) {
        return (struct wall){c->due.ms + after_ms};
    }
    for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
        hours = str_ieq(c->period, str_of(periods[i].period)) ? periods[i].hours : hours;
    }
    return (struct wall){t->p->now.ms + hours * 3600000 + after_ms};
}

bool cmms_checklist_due(struct turn *t, struct err *err)
{
    struct matter *m = ARENA_NEW(t->p->a, struct matter);
    const struct matter *was = t->view->matter;
    struct checklist now, kept;
    struct err own = {0};
    struct buf body;

    if (!checklist_from_json(t->p->a, cmms_matter_of(t->e), &now, err)) {
        return false;
    }
    if (was != NULL && checklist_decode(t->p->a, was->body, &kept, &own)) {
        if (!was->over && !round_is_news(&kept, &now)) {
            return true;
        }
        now.round = kept.round + 1;
        cmms_matter_left(t, kept.people, kept.npeople, now.people, now.npeople);
        cmms_matter_left(t, &kept.holder, 1, now.people, now.npeople); /* who took it over */
        if (!was->over) {
            tell_unfinished(t, &kept);
        }
    }
    now.overdue = overdue_of(t, &now);
    buf_init(&body, (size_t)1 << 20);
    checklist_encode(&now, &body);
    *m = (struct matter){.kind = MATTER_CHECKLIST,
                         .id = now.id,
                         .body = arena_dup(t->p->a, buf_str(&body)),
                         .clock = t->p->now,
                         .version = t->view->matter_version};
    buf_fini(&body);
    plan_matter(t->p, m);
    return true;
}
