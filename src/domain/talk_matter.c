/* talk_matter: what is said to a matter (matter.h): which one is meant; the answers are in
 * talk_<kind>.c. */
#include "domain/pm.h"
#include "matter_int.h"
#include "talk_int.h"

static const struct view_matter *flagged(const struct talk *t, enum matter_kind kind, unsigned flag)
{
    for (size_t i = 0; i < t->v->nmatters; i++) {
        const struct view_matter *vm = &t->v->matters[i];

        if (vm->matter->kind == kind && (vm->flags & flag) != 0) {
            return vm;
        }
    }
    return NULL;
}

const struct matter *talk_matter_meant(struct talk *t, enum matter_kind kind, struct str typed)
{
    const struct view_matter *vm;

    for (size_t i = 0; i < t->v->nmatters && typed.n > 0; i++) {
        if (t->v->matters[i].matter->kind == kind && str_ieq(t->v->matters[i].matter->id, typed)) {
            return t->v->matters[i].matter;
        }
    }
    vm = flagged(t, kind, VIEW_QUOTED);
    return vm != NULL ? vm->matter : NULL;
}

size_t talk_matters_open(struct talk *t, enum matter_kind kind, const struct matter **out,
                         size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < t->v->nmatters && n < max; i++) {
        const struct view_matter *vm = &t->v->matters[i];

        if (vm->matter->kind == kind && (vm->flags & VIEW_ASKED) != 0 && !vm->matter->over) {
            out[n++] = vm->matter;
        }
    }
    return n;
}

size_t talk_matters_pending(struct talk *t, struct message_option *out, size_t max)
{
    /* One row a kind; those without are not asked about. */
    static bool (*const rows[])(struct talk *, const struct matter *, struct message_option *) = {
        [MATTER_PM] = talk_pm_row,
        [MATTER_CHECKLIST] = talk_checklist_row,
        [MATTER_ORDER_CHECKLIST] = talk_checklist_row};
    size_t n = 0;

    for (size_t i = 0; i < t->v->nmatters && n < max; i++) {
        const struct view_matter *vm = &t->v->matters[i];

        if ((vm->flags & VIEW_ASKED) != 0 && !vm->matter->over &&
            vm->matter->kind < ARRAY_LEN(rows) && rows[vm->matter->kind] != NULL) {
            n += rows[vm->matter->kind](t, vm->matter, &out[n]);
        }
    }
    return n;
}

/* A tap names it; a number that stands for a tap does not: then it is one that waits for him. */
static const struct view_matter *by_id(const struct talk *t, enum matter_kind kind, struct str id)
{
    for (size_t i = 0; i < t->v->nmatters; i++) {
        if (t->v->matters[i].matter->kind == kind && str_eq(t->v->matters[i].matter->id, id)) {
            return &t->v->matters[i];
        }
    }
    return NULL;
}

bool talk_tap_matter(struct talk *t, struct str payload)
{
    /* One row a kind. */
    static void (*const taps[])(struct talk *, const struct matter *, struct str) = {
        [MATTER_PM] = talk_pm_tap,
        [MATTER_ALERT] = talk_alert_tap,
        [MATTER_CHECKLIST] = talk_checklist_tap,
        [MATTER_ORDER_CHECKLIST] = talk_checklist_tap /* posts to a team have no buttons */};
    struct str ref, action, id;
    enum matter_kind kind;
    const struct view_matter *vm;

    if (!matter_payload_parse(payload, &ref, &action, t->a) || !matter_ref_parse(ref, &kind, &id)) {
        return false;
    }
    vm = by_id(t, kind, id);
    if (vm == NULL && kind == MATTER_ORDER_CHECKLIST && talk_order_checklist_tap(t, id, action)) {
        return true;
    }
    if (vm == NULL || kind >= ARRAY_LEN(taps) || taps[kind] == NULL) {
        talk_say(t, "reply.tap_unknown");
    } else {
        taps[kind](t, vm->matter, action);
    }
    return true;
}

void talk_matter_event(struct talk *t, const char *type, const struct matter *m, struct jw *w,
                       struct buf *data)
{
    jw_close(w, '}');
    plan_event(t->p, type, m->id, arena_dup(t->a, buf_str(data)), STR_NONE);
    buf_fini(data);
}
