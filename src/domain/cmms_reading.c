/*
 * cmms_reading: a reading is compared with the tenant's thresholds; what is crossed or back again
 * becomes an event of our own, which goes the way of the CMMS's: so an alert is raised and cleared
 * in one place only.
 */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/alert.h"
#include "domain/threshold.h"
#include "matter_int.h"

#define FUTURE_MS  (5 * 60 * 1000) /* a clock that goes wrong by more would silence what follows */
#define EVENT_ITEM 'E'             /* as jobs/jobs_int.h names it */
#define GONE_MS    ((int64_t)10 * 60 * 1000)

bool cmms_reading_subject(struct arena *a, const struct json *j, struct err *err)
{
    struct reading r;

    if (!reading_from_json(a, j, &r, err)) {
        return false;
    }
    if (r.at.ms > wall_now().ms + FUTURE_MS) {
        err_set(err, ERR_INVALID, "\"at\" is more than 5 minutes ahead of our clock");
        return err_member(err, "data.reading.at");
    }
    return true;
}

struct str cmms_reading_id(struct arena *a, const struct json *j)
{
    struct reading r;
    struct err err = {0};

    return reading_from_json(a, j, &r, &err) ? reading_id(a, &r) : STR("?");
}

void cmms_reading_mark(struct arena *a, const struct json *j, struct cmms_event *out)
{
    struct reading r;
    struct err err = {0};

    if (reading_from_json(a, j, &r, &err) && r.at.ms > 0) {
        out->mark_key = arena_printf(a, "r:%.*s", STR_ARG(reading_id(a, &r)));
        out->mark = r.at.ms;
    }
}

bool cmms_event_is_idle(const struct tenant *t, const struct cmms_event *e)
{
    struct arena *a;
    struct reading r;
    struct err err = {0};
    bool idle;

    if (!str_eqz(e->type, "cmms.condition.reading.v1")) {
        return false;
    }
    a = arena_new();
    idle = reading_from_json(a, cmms_matter_of(e), &r, &err) && !threshold_any(t->conf, &r);
    arena_free(&a);
    return idle;
}

/* ---- our own events ---- */

static void write_alert(const struct threshold *th, const struct reading *r,
                        const struct crossing *c, struct jw *w, bool full)
{
    jw_open(w, "alert", '{');
    jw_str(w, "id", c->alert);
    jw_open(w, "asset", '{');
    jw_str(w, "id", r->asset_id);
    jw_str(w, "name", r->asset_name);
    jw_close(w, '}');
    if (r->site.n > 0) {
        jw_str(w, "site", r->site);
    }
    jw_str(w, "severity", th->severity);
    if (th->text.n > 0) {
        jw_str(w, "text", th->text);
    }
    jw_str(w, "metric", th->metric);
    jw_bool(w, "below", th->below);
    jw_real(w, "value", c->value);
    jw_str(w, "unit", th->unit.n > 0 ? th->unit : r->unit);
    jw_real(w, "threshold", th->level);
    jw_str(w, "rule", th->id);
    if (full && th->audience != NULL) {
        jw_json(w, "audience", th->audience);
    }
    if (full && th->ladder != NULL) {
        jw_json(w, "ladder", th->ladder);
    }
    jw_close(w, '}');
}

/* As the CMMS would tell it, of this alert. */
static void put_event(struct plan *p, const char *type, struct str alert_id, struct wall at,
                      struct str data)
{
    struct str what =
        arena_printf(p->a, "y:%.*s", STR_ARG(matter_ref(p->a, MATTER_ALERT, alert_id)));
    struct buf text;
    struct jw w;

    buf_init(&text, (size_t)1 << 20);
    buf_add_char(&text, EVENT_ITEM);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_z(&w, "specversion", "1.0");
    jw_str(&w, "id", alert_id);
    jw_str(&w, "source", arena_printf(p->a, "/gateway/%.*s", STR_ARG(p->tenant->id)));
    jw_z(&w, "type", type);
    jw_wall(&w, "time", at);
    jw_raw(&w, "data", data);
    jw_close(&w, '}');
    plan_input(p, cmms_event_lane(p->tenant, p->a, PRIO_CRITICAL, what),
               arena_dup(p->a, buf_str(&text)));
    buf_fini(&text);
}

static struct str data_of(struct plan *p, const struct threshold *th, const struct reading *r,
                          const struct crossing *c, bool full)
{
    struct buf data;
    struct str out;
    struct jw w;

    buf_init(&data, (size_t)1 << 20);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    write_alert(th, r, c, &w, full);
    if (!full) {
        jw_open(&w, "reading", '{');
        jw_str(&w, "asset", r->asset_id);
        jw_str(&w, "metric", r->metric);
        jw_real(&w, "value", c->value);
        jw_str(&w, "unit", r->unit);
        jw_wall(&w, "at", c->since);
        jw_close(&w, '}');
        jw_z(&w, "via", "clock");
    }
    jw_close(&w, '}');
    out = arena_dup(p->a, buf_str(&data));
    buf_fini(&data);
    return out;
}

/* ---- one threshold ---- */

static void raise_alert(struct plan *p, const struct threshold *th, const struct reading *r,
                        struct crossing *c)
{
    char id[ID_BYTES];

    id_new(id);
    c->state = CROSSING_ON;
    c->alert = arena_printf(p->a, "%.*s-%s", STR_ARG(th->id), id);
    put_event(p, "cmms.alert.raised.v1", c->alert, c->since, data_of(p, th, r, c, true));
    plan_event(p, "gateway.alert.raised.v1", c->alert, data_of(p, th, r, c, false), p->cause);
}

static void clear_alert(struct plan *p, const struct crossing *c)
{
    put_event(p, "cmms.alert.cleared.v1", c->alert, p->now,
              arena_printf(p->a, "{\"alert\":{\"id\":\"%.*s\"}}", STR_ARG(c->alert)));
}

static struct crossing *find(struct condition *c, struct str threshold)
{
    for (size_t i = 0; i < c->n; i++) {
        if (str_eq(c->list[i].threshold, threshold)) {
            return &c->list[i];
        }
    }
    return NULL;
}

static void drop(struct condition *c, struct crossing *which)
{
    *which = c->list[--c->n];
}

/* Whether anything changed. */
static bool compare(struct plan *p, const struct threshold *th, const struct reading *r,
                    struct condition *c)
{
    struct crossing *kept = find(c, th->id);
    enum crossing_step step = threshold_step(th, kept, r->value, r->at, p->now);

    if (kept == NULL && step != CROSSING_SAME) {
        if (c->n == THRESHOLD_CROSSED_MAX) {
            return false;
        }
        kept = &c->list[c->n++];
        *kept = (struct crossing){.threshold = th->id,
                                  .since = r->at,
                                  .until = {p->now.ms + th->hold_ms},
                                  .value = r->value};
    }
    switch (step) {
    case CROSSING_SAME:
        return false;
    case CROSSING_BEGIN:
        break;
    case CROSSING_DROP:
        drop(c, kept);
        break;
    case CROSSING_RAISE:
        kept->value = r->value;
        kept->since = r->at;
        raise_alert(p, th, r, kept);
        break;
    case CROSSING_CLEAR:
        clear_alert(p, kept);
        drop(c, kept);
        break;
    }
    return true;
}

/* That of this name, if it still is about the asset of @c. */
static const struct threshold *threshold_of(const struct tenant_settings *t,
                                            const struct condition *c, struct str id)
{
    for (size_t i = 0; i < t->nthresholds; i++) {
        if (str_eq(t->thresholds[i].id, id) && threshold_is_about(&t->thresholds[i], &c->r)) {
            return &t->thresholds[i];
        }
    }
    return NULL;
}

/* Whether a threshold is behind one of them. Notes since when none is behind the others. */
static bool look_for_gone(struct plan *p, struct condition *c, bool *changed)
{
    bool any = false;

    for (size_t i = 0; i < c->n; i++) {
        struct crossing *one = &c->list[i];
        bool known = threshold_of(p->tenant->conf, c, one->threshold) != NULL;

        if (known != (one->gone.ms == 0)) {
            one->gone.ms = known ? 0 : p->now.ms;
            *changed = true;
        }
        any = any || known;
    }
    return any;
}

/*
 * What no threshold is behind any more nothing would ever clear: it goes when none of those that
 * are there is crossed. Not at once: of two gateways one may have read the settings anew, and who
 * knows the threshold says so with his next reading.
 */
static bool forget_gone(struct plan *p, struct condition *c)
{
    bool changed = false;

    if (look_for_gone(p, c, &changed)) {
        return changed;
    }
    for (size_t i = c->n; i > 0; i--) {
        struct crossing *one = &c->list[i - 1];

        if (p->now.ms - one->gone.ms < GONE_MS) {
            continue;
        }
        if (one->state == CROSSING_ON) {
            clear_alert(p, one);
        }
        drop(c, one);
        changed = true;
    }
    return changed;
}

/* The clock is the end of the first hold; with nothing crossed it is over. */
static void keep(struct plan *p, struct condition *c, struct str id, int64_t version)
{
    struct matter *m = ARENA_NEW(p->a, struct matter);
    struct buf body;

    *m = (struct matter){
        .kind = MATTER_READING, .id = id, .version = version, .over = c->n == 0};
    for (size_t i = 0; i < c->n; i++) {
        if (c->list[i].state == CROSSING_HOLD &&
            (m->clock.ms == 0 || c->list[i].until.ms < m->clock.ms)) {
            m->clock = c->list[i].until;
        }
    }
    buf_init(&body, (size_t)1 << 20);
    condition_encode(c, &body);
    m->body = arena_dup(p->a, buf_str(&body));
    buf_fini(&body);
    plan_matter(p, m);
}

bool cmms_reading(struct turn *t, struct err *err)
{
    const struct tenant_settings *conf = t->p->tenant->conf;
    struct condition *c = ARENA_NEW(t->p->a, struct condition);
    struct err own = {0};
    struct reading r;
    bool changed = false;

    if (!reading_from_json(t->p->a, cmms_matter_of(t->e), &r, err)) {
        return false;
    }
    /* No time told, or one from the future: it is of now. */
    r.at = r.at.ms > 0 && r.at.ms < t->p->now.ms ? r.at : t->p->now;
    if (t->view->matter == NULL || !condition_decode(t->p->a, t->view->matter->body, c, &own)) {
        *c = (struct condition){0};
    }
    c->r = r;
    for (size_t i = 0; i < conf->nthresholds; i++) {
        if (threshold_fits(&conf->thresholds[i], &r)) {
            changed |= compare(t->p, &conf->thresholds[i], &r, c);
        }
    }
    changed |= forget_gone(t->p, c);
    if (changed) {
        keep(t->p, c, reading_id(t->p->a, &r), t->view->matter_version);
    }
    return true;
}

/* ---- the clock: a hold is over, and nothing has come meanwhile ---- */

void reading_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                   struct matter_wants *out)
{
    (void)a;
    (void)t;
    (void)m;
    (void)out; /* nobody: an alert has its own clock */
}

bool reading_strike(const struct matter_view *v, struct plan *p, struct err *err)
{
    struct condition *c = ARENA_NEW(p->a, struct condition);

    if (!condition_decode(p->a, v->m->body, c, err)) {
        return false;
    }
    for (size_t i = 0; i < c->n;) {
        struct crossing *one = &c->list[i];
        const struct threshold *th = threshold_of(p->tenant->conf, c, one->threshold);

        if (one->state == CROSSING_HOLD && th == NULL) {
            drop(c, one); /* the setting is gone */
            continue;
        }
        if (one->state == CROSSING_HOLD && one->until.ms <= p->now.ms) {
            raise_alert(p, th, &c->r, one);
        }
        i++;
    }
    keep(p, c, v->m->id, v->m->version);
    return true;
}
