/* checklist_round: the clock of a round (matter.h): it is told, taken, overdue. */
#include "base/mem.h"
#include "domain/checklist.h"
#include "matter_int.h"
#include "notice_int.h"

/* Whom it is for, and, when it is late, those who look after them. */
void checklist_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                     struct matter_wants *out)
{
    struct checklist c;
    struct err err = {0};

    (void)t;
    if (!checklist_decode(a, m->body, &c, &err)) {
        return;
    }
    for (size_t i = 0; i < c.npeople; i++) {
        matter_wants_person(out, c.people[i]);
    }
    matter_wants_person(out, c.holder);
    for (size_t i = 0; i < c.nbosses; i++) {
        matter_wants_person(out, c.bosses[i]);
    }
}

static void tell_due(const struct matter_view *v, struct checklist *c, const struct matter *m,
                     struct plan *p)
{
    for (size_t i = 0; i < c->npeople; i++) {
        const struct user *to = matter_person(v, c->people[i]);

        if (to != NULL && notice_checklist(p, c, m, to)) {
            plan_ask(p, m, to->id, true);
        }
    }
    c->told = true;
}

static void tell_taken(const struct matter_view *v, struct checklist *c, const struct matter *m,
                       struct plan *p)
{
    for (size_t i = 0; i < c->npeople; i++) {
        const struct user *to = matter_person(v, c->people[i]);

        if (to != NULL && !str_eq(to->id, c->holder)) {
            notice_checklist_taken(p, c, to);
            plan_ask(p, m, to->id, false);
        }
    }
    c->taken_told = true;
}

static void add_boss(struct checklist *c, const struct user *of)
{
    for (size_t i = 0; i < c->nbosses; i++) {
        if (str_eq(c->bosses[i], of->supervisor)) {
            return;
        }
    }
    if (of->supervisor.n > 0 && c->nbosses < CHECKLIST_BOSSES_MAX) {
        c->bosses[c->nbosses++] = of->supervisor;
    }
}

/* The supervisors of who has it, else of all it is for; they are read by a strike of their own. */
static bool find_bosses(const struct matter_view *v, struct checklist *c)
{
    const struct user *holder = c->holder.n > 0 ? matter_person(v, c->holder) : NULL;

    if (c->nbosses > 0) {
        return true;
    }
    if (holder != NULL) {
        add_boss(c, holder);
    }
    for (size_t i = 0; i < c->npeople && holder == NULL; i++) {
        const struct user *to = matter_person(v, c->people[i]);

        if (to != NULL) {
            add_boss(c, to);
        }
    }
    return c->nbosses == 0; /* nobody to tell: that is settled too */
}

static struct str names_of(const struct matter_view *v, const struct checklist *c, struct plan *p)
{
    struct buf names;
    struct str out;

    if (c->holder_name.n > 0) {
        return c->holder_name;
    }
    buf_init(&names, 8 * 1024);
    for (size_t i = 0; i < c->npeople; i++) {
        const struct user *to = matter_person(v, c->people[i]);

        if (to != NULL) {
            buf_addz(&names, names.n > 0 ? ", " : "");
            buf_add(&names, to->name);
        }
    }
    out = arena_dup(p->a, buf_str(&names));
    buf_fini(&names);
    return out;
}

static void tell_overdue(const struct matter_view *v, struct checklist *c, const struct matter *m,
                         struct plan *p)
{
    for (size_t i = 0; i < c->nbosses; i++) {
        const struct user *to = matter_person(v, c->bosses[i]);

        if (to != NULL) {
            notice_checklist_overdue(p, c, m, to, names_of(v, c, p));
        }
    }
    c->overdue_told = true;
}

bool checklist_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct checklist c;
    struct buf body;

    *m = *v->m;
    m->clock = (struct wall){0};
    if (!checklist_decode(p->a, m->body, &c, err)) {
        return false;
    }
    if (!c.told && !m->over) {
        tell_due(v, &c, m, p);
    }
    if (!c.taken_told && c.holder.n > 0 && !m->over) {
        tell_taken(v, &c, m, p);
    }
    if (c.overdue.ms > 0 && !c.overdue_told && !m->over) {
        if (c.overdue.ms > p->now.ms) {
            m->clock = c.overdue;
        } else if (find_bosses(v, &c)) {
            tell_overdue(v, &c, m, p);
        } else {
            m->clock = p->now;
        }
    }
    buf_init(&body, (size_t)1 << 20);
    checklist_encode(&c, &body);
    m->body = arena_dup(p->a, buf_str(&body));
    buf_fini(&body);
    plan_matter(p, m);
    return true;
}
