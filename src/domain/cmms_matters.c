/* cmms_matters: events that begin a matter (matter.h), or change one. */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/checklist.h"
#include "domain/pm.h"

typedef bool subject_fn(struct arena *a, const struct json *j, struct err *err);

static bool pm_subject(struct arena *a, const struct json *j, struct err *err)
{
    struct pm pm;

    return pm_from_json(a, j, &pm, err);
}

static bool checklist_subject(struct arena *a, const struct json *j, struct err *err)
{
    struct checklist c;

    return checklist_from_json(a, j, &c, err);
}

/* To be cleared an alert needs a name only. */
static bool named(struct arena *a, const struct json *j, struct err *err)
{
    (void)a;
    (void)j;
    (void)err;
    return true;
}

static const struct {
    const char *type, *member; /* data.<member>.id names it */
    enum matter_kind kind;
    enum prio prio;
    subject_fn *check;                                       /* names the wrong member in full */
    struct str (*id)(struct arena *a, const struct json *j); /* where it has no id of its own */
    void (*mark)(struct arena *a, const struct json *j, struct cmms_event *out); /* or NULL */
} rows[] = {
    {"cmms.pm.due.v1",            "pm",        MATTER_PM,        PRIO_HIGH,     pm_subject,           NULL, NULL             },
    {"cmms.checklist.due.v1",     "checklist", MATTER_CHECKLIST, PRIO_HIGH,     checklist_subject,    NULL,
     NULL                                                                                                                    },
    {"cmms.alert.raised.v1",      "alert",     MATTER_ALERT,     PRIO_CRITICAL, cmms_alert_subject,   NULL, NULL             },
    {"cmms.alert.cleared.v1",     "alert",     MATTER_ALERT,     PRIO_CRITICAL, named,                NULL, NULL             },
    {"cmms.condition.reading.v1", "reading",   MATTER_READING,   PRIO_HIGH,     cmms_reading_subject,
     cmms_reading_id,                                                                                       cmms_reading_mark},
};

static size_t find(struct str type)
{
    size_t i = 0;

    while (i < ARRAY_LEN(rows) && !str_eqz(type, rows[i].type)) {
        i++;
    }
    return i;
}

bool cmms_is_matter(struct str type)
{
    return find(type) < ARRAY_LEN(rows);
}

const struct json *cmms_matter_of(const struct cmms_event *e)
{
    return json_get(e->data, rows[find(e->type)].member);
}

static struct str id_of(struct arena *a, size_t row, const struct json *j)
{
    return rows[row].id != NULL ? rows[row].id(a, j) : json_get_text(j, "id", a);
}

struct str cmms_matter_ref(struct arena *a, const struct cmms_event *e)
{
    size_t row = find(e->type);

    return row < ARRAY_LEN(rows) ? matter_ref(a, rows[row].kind, id_of(a, row, cmms_matter_of(e)))
                                 : STR_NONE;
}

bool cmms_matter_subject(struct arena *a, struct cmms_event *out, struct err *err)
{
    size_t row = find(out->type);
    const struct json *j = cmms_matter_of(out);

    if (json_kind(j) != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "the event has no \"%s\"", rows[row].member);
        return err_member(err, "data.%s", rows[row].member);
    }
    if (rows[row].id == NULL && !matter_id_ok(json_get_text(j, "id", a))) {
        err_set(err, ERR_INVALID,
                "an id is 1 to %d bytes without blanks, control characters and '|'", MATTER_ID_MAX);
        return err_member(err, "data.%s.id", rows[row].member);
    }
    if (!rows[row].check(a, j, err)) {
        return false;
    }
    out->prio = rows[row].prio;
    out->lane = arena_printf(a, "y:%.*s", STR_ARG(cmms_matter_ref(a, out)));
    if (rows[row].mark != NULL) {
        rows[row].mark(a, j, out);
    }
    return true;
}

static bool is_among(struct str id, const struct str *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(ids[i], id)) {
            return true;
        }
    }
    return false;
}

bool cmms_matter_left(struct turn *t, const struct str *before, size_t nbefore,
                      const struct str *now, size_t nnow)
{
    bool some = false;

    for (size_t i = 0; i < nbefore; i++) {
        if (before[i].n > 0 && !is_among(before[i], now, nnow)) {
            plan_ask(t->p, t->view->matter, before[i], false);
            some = true;
        }
    }
    return some;
}

/* ---- scheduled maintenance ---- */

/* Told anew with another date, it is asked anew; what has not changed is not said twice. */
static bool pm_is_news(struct turn *t, const struct pm *pm)
{
    struct pm kept;
    struct err err = {0};

    if (t->view->matter == NULL || !pm_decode(t->p->a, t->view->matter->body, &kept, &err)) {
        return true;
    }
    if (!t->view->matter->over && kept.state != PM_MOVED && kept.due.ms == pm->due.ms &&
        str_eq(kept.task, pm->task)) {
        return false;
    }
    cmms_matter_left(t, kept.people, kept.npeople, pm->people, pm->npeople);
    return true;
}

static bool has_person(const struct pm *pm, struct str id)
{
    return is_among(id, pm->people, pm->npeople);
}

/* He was told, perhaps before an earlier hand-over of which nobody has heard yet. */
static bool has_heard(const struct pm *kept, struct str id)
{
    bool heard = kept->told;

    for (size_t i = 0; i < kept->nknew && !heard; i++) {
        heard = str_eq(kept->knew[i], id);
    }
    return heard;
}

/* What was said by who still does it, or by a supervisor, who spoke for whoever does it. */
static bool stands(const struct pm *kept, const struct pm *now)
{
    return kept->by_id.n > 0 &&
           (has_person(now, kept->by_id) || !has_person(kept, kept->by_id));
}

/*
 * It is the same, for other people: who is new hears of it, who is not any more is not asked. False: nothing
 * has changed.
 */
static bool pm_handed_over(struct turn *t, struct pm *pm)
{
    const struct matter *m = t->view->matter;
    struct pm kept, now;
    struct err err = {0};
    bool other;

    if (!pm_decode(t->p->a, m->body, &kept, &err)) {
        return false;
    }
    now = stands(&kept, pm) ? kept : *pm;
    memcpy(now.people, pm->people, sizeof(now.people));
    now.npeople = pm->npeople;
    now.told = false;
    now.late_told = kept.late_told;
    now.nknew = 0;
    other = cmms_matter_left(t, kept.people, kept.npeople, pm->people, pm->npeople);
    for (size_t i = 0; i < kept.npeople; i++) {
        if (has_person(pm, kept.people[i]) && has_heard(&kept, kept.people[i])) {
            now.knew[now.nknew++] = kept.people[i];
        }
    }
    for (size_t i = 0; i < pm->npeople; i++) {
        other = other || !has_person(&kept, pm->people[i]);
    }
    *pm = now;
    return other;
}

bool cmms_pm_due(struct turn *t, struct err *err)
{
    struct matter *m = ARENA_NEW(t->p->a, struct matter);
    struct pm pm;
    struct buf body;

    if (!pm_from_json(t->p->a, cmms_matter_of(t->e), &pm, err)) {
        return false;
    }
    if (!pm_is_news(t, &pm) && !pm_handed_over(t, &pm)) {
        return true;
    }
    buf_init(&body, (size_t)1 << 20);
    pm_encode(&pm, &body);
    *m = (struct matter){.kind = MATTER_PM,
                         .id = pm.id,
                         .body = arena_dup(t->p->a, buf_str(&body)),
                         .clock = t->p->now, /* at once: jobs read whom it wants */
                         .version = t->view->matter_version};
    buf_fini(&body);
    plan_matter(t->p, m);
    return true;
}
