#include "domain/pm.h"

#include "base/mem.h"
#include "domain/notice.h"
#include "matter_int.h"

#define TEXT_MAX 1024

/* ---- from the event, and stored ---- */

static bool member(struct err *err, const char *name, const char *what)
{
    err_set(err, ERR_INVALID, "%s", what);
    return err_member(err, "data.pm.%s", name);
}

bool pm_from_json(struct arena *a, const struct json *j, struct pm *out, struct err *err)
{
    const struct json *asset = json_get(j, "asset");
    struct str due = json_get_str(j, "due_at");

    *out = (struct pm){.id = json_get_text(j, "id", a),
                       .task = arena_dup(a, json_get_str(j, "task")),
                       .asset = arena_dup(a, json_kind(asset) == JSON_STRING
                                                 ? json_str(asset)
                                                 : json_get_str(asset, "name")),
                       .periodicity = arena_dup(a, json_get_str(j, "periodicity"))};
    if (!matter_id_ok(out->id)) {
        return member(err, "id", "\"id\" is 1 to 128 bytes without blanks and '|'");
    }
    if (out->task.n == 0) {
        return member(err, "task", "\"task\" is missing");
    }
    if (due.n > 0 && !wall_parse(due, &out->due)) {
        return member(err, "due_at", "\"due_at\" is not an RFC 3339 time");
    }
    return matter_assignees(a, json_get(j, "assignees"), "data.pm.assignees", out->people,
                            &out->npeople, err);
}

static const char *const states[] = {
    [PM_DUE] = "due", [PM_CONFIRMED] = "confirmed", [PM_MOVED] = "moved", [PM_DONE] = "done"};

static enum pm_state state_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eqz(name, states[i])) {
            return (enum pm_state)i;
        }
    }
    return PM_DUE;
}

void pm_encode(const struct pm *pm, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", pm->id);
    jw_str(&w, "task", pm->task);
    jw_str(&w, "asset", pm->asset);
    jw_str(&w, "periodicity", pm->periodicity);
    jw_int(&w, "due", pm->due.ms);
    jw_open(&w, "people", '[');
    for (size_t i = 0; i < pm->npeople; i++) {
        jw_str(&w, NULL, pm->people[i]);
    }
    jw_close(&w, ']');
    jw_open(&w, "knew", '[');
    for (size_t i = 0; i < pm->nknew; i++) {
        jw_str(&w, NULL, pm->knew[i]);
    }
    jw_close(&w, ']');
    jw_z(&w, "state", states[pm->state]);
    jw_str(&w, "by", pm->by);
    jw_str(&w, "by_id", pm->by_id);
    jw_bool(&w, "told", pm->told);
    jw_bool(&w, "late_told", pm->late_told);
    jw_bool(&w, "news", pm->news);
    if (pm->news) {
        jw_str(&w, "news_by", pm->news_by);
        jw_str(&w, "news_by_id", pm->news_by_id);
    }
    if (pm->has_before) {
        jw_z(&w, "before", states[pm->before]);
        jw_int(&w, "due_before", pm->due_before.ms);
    }
    jw_close(&w, '}');
}

bool pm_decode(struct arena *a, struct str text, struct pm *out, struct err *err)
{
    struct json *j;
    const struct json *people, *knew;

    if (!json_parse(text, (size_t)1 << 20, &j, err)) {
        return false;
    }
    *out = (struct pm){.id = arena_dup(a, json_get_str(j, "id")),
                       .task = arena_dup(a, json_get_str(j, "task")),
                       .asset = arena_dup(a, json_get_str(j, "asset")),
                       .periodicity = arena_dup(a, json_get_str(j, "periodicity")),
                       .due = {json_get_int(j, "due", 0)},
                       .by = arena_dup(a, json_get_str(j, "by")),
                       .by_id = arena_dup(a, json_get_str(j, "by_id")),
                       .told = json_get_bool(j, "told", false),
                       .late_told = json_get_bool(j, "late_told", false),
                       .news = json_get_bool(j, "news", false),
                       .news_by = arena_dup(a, json_get_str(j, "news_by")),
                       .news_by_id = arena_dup(a, json_get_str(j, "news_by_id")),
                       .has_before = json_get(j, "before") != NULL,
                       .before = state_of(json_get_str(j, "before")),
                       .due_before = {json_get_int(j, "due_before", 0)},
                       .state = state_of(json_get_str(j, "state"))};
    people = json_get(j, "people");
    for (size_t i = 0; i < json_len(people) && i < PM_PEOPLE_MAX; i++) {
        out->people[out->npeople++] = arena_dup(a, json_str(json_at(people, i)));
    }
    knew = json_get(j, "knew");
    for (size_t i = 0; i < json_len(knew) && i < PM_PEOPLE_MAX; i++) {
        out->knew[out->nknew++] = arena_dup(a, json_str(json_at(knew, i)));
    }
    json_free(&j);
    return true;
}

/* ---- the clock: those who do it are reminded, and told what one of them said ---- */

void pm_wants(struct arena *a, const struct tenant *t, const struct matter *m,
              struct matter_wants *out)
{
    struct pm pm;
    struct err err = {0};

    (void)t;
    if (pm_decode(a, m->body, &pm, &err)) {
        for (size_t i = 0; i < pm.npeople; i++) {
            matter_wants_person(out, pm.people[i]);
        }
    }
}

void pm_keep(struct arena *a, const struct pm *pm, struct matter *m)
{
    struct buf body;

    buf_init(&body, (size_t)1 << 20);
    pm_encode(pm, &body);
    m->body = arena_dup(a, buf_str(&body));
    buf_fini(&body);
}

static bool knew(const struct pm *pm, struct str id)
{
    for (size_t i = 0; i < pm->nknew; i++) {
        if (str_eq(pm->knew[i], id)) {
            return true;
        }
    }
    return false;
}

static void remind(const struct matter_view *v, struct pm *pm, const struct matter *m,
                   struct plan *p, bool late)
{
    for (size_t i = 0; i < pm->npeople; i++) {
        const struct user *to = matter_person(v, pm->people[i]);

        /* Whose answer the CMMS refused has just been told so, with the buttons. */
        if (to != NULL && (late || (!str_eq(to->id, pm->by_id) && !knew(pm, to->id))) &&
            notice_pm(p, pm, m, to, late)) {
            plan_ask(p, m, to->id, true);
        }
    }
}

static void tell_others(const struct matter_view *v, const struct pm *pm, const struct matter *m,
                        struct plan *p)
{
    struct str by_id = pm->news_by_id.n > 0 ? pm->news_by_id : pm->by_id;

    for (size_t i = 0; i < pm->npeople; i++) {
        const struct user *to = matter_person(v, pm->people[i]);

        if (to != NULL && !str_eq(to->id, by_id)) {
            notice_pm_said(p, pm, to);
            plan_ask(p, m, to->id, false);
        }
    }
}

bool pm_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct pm pm;

    *m = *v->m;
    m->clock = (struct wall){0};
    if (!pm_decode(p->a, m->body, &pm, err)) {
        return false;
    }
    if (!pm.told && !m->over) {
        remind(v, &pm, m, p, false);
        pm.late_told = pm.late_told || pm.due.ms <= p->now.ms; /* it came late: once is enough */
    } else if (pm.state == PM_DUE && !pm.late_told && pm.due.ms > 0 && pm.due.ms <= p->now.ms) {
        remind(v, &pm, m, p, true);
        pm.late_told = true;
    }
    pm.told = true;
    pm.nknew = 0;
    if (pm.news) {
        tell_others(v, &pm, m, p);
        pm.news = false;
    }
    if (pm.state == PM_DUE && !pm.late_told) {
        m->clock = pm.due;
    }
    pm_keep(p->a, &pm, m);
    plan_matter(p, m);
    return true;
}
