/*
 * settings_ladder: `ladder` and `thresholds` of a tenant: whom critical alerts call, and which
 * readings raise one.
 */
#include <stdio.h>

#include "base/mem.h"
#include "domain/alert.h"
#include "domain/threshold.h"
#include "settings_int.h"

#define NAME_MAX   128
#define TEXT_MAX   600
#define HOLD_S_MAX 86400
#define MAX_AGE_S  900

static struct arena *texts_of(struct place *p)
{
    return ((struct settings_all *)p->s)->texts;
}

/* What a reader of ours found wrong, as a complaint about the member that it names. */
static bool complain(struct place *p, const struct err *err)
{
    return place_wrong(p, err->member, err->msg);
}

static bool real(struct place *p, const char *name, double *out)
{
    const struct json *v = json_get(p->j, name);

    *out = json_as_real(v, 0);
    return v == NULL || json_kind(v) == JSON_INT || json_kind(v) == JSON_REAL ||
           place_wrong(p, name, "it is no number");
}

static bool asset_list(struct place *p, struct threshold *th)
{
    const struct json *v = json_get(p->j, "asset");
    size_t n = json_kind(v) == JSON_ARRAY ? json_len(v) : v != NULL;
    bool ok = n <= THRESHOLD_ASSETS_MAX;

    th->assets = settings_alloc(p->s, (n + 1) * sizeof(*th->assets));
    for (size_t i = 0; ok && i < n; i++) {
        struct str s = json_str(json_kind(v) == JSON_ARRAY ? json_at(v, i) : v);

        ok = s.n > 0 && s.n <= NAME_MAX;
        th->assets[th->nassets++] = s;
    }
    return ok || place_wrong(p, "asset", "it is no id of an asset, nor a list of at most 256");
}

/* Once read, for what is wrong with it; of use is the JSON, which goes into the event. */
static bool people(struct place *p, struct threshold *th)
{
    struct crowd crowd;
    struct ladder ladder;
    struct err err = {0};

    th->audience = json_get(p->j, "audience");
    th->ladder = json_get(p->j, "ladder");
    if (th->audience != NULL &&
        !crowd_from_json(texts_of(p), th->audience, "audience", &crowd, &err)) {
        return complain(p, &err);
    }
    return th->ladder == NULL ||
           ladder_from_json(texts_of(p), th->ladder, "ladder", &ladder, &err) || complain(p, &err);
}

static bool level(struct place *p, struct threshold *th)
{
    const struct json *above = json_get(p->j, "above"), *below = json_get(p->j, "below");

    if ((above == NULL) == (below == NULL)) {
        return place_wrong(p, "above", "a threshold has either \"above\" or \"below\"");
    }
    th->below = below != NULL;
    return real(p, th->below ? "below" : "above", &th->level) &&
           real(p, "hysteresis", &th->hysteresis) &&
           (th->hysteresis >= 0 || place_wrong(p, "hysteresis", "it is less than 0"));
}

static bool id_ok(struct str id)
{
    bool ok = id.n > 0 && id.n <= 64;

    for (size_t i = 0; ok && i < id.n; i++) {
        char c = id.p[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_' || c == '.';
    }
    return ok;
}

static bool read_threshold(struct place *p, struct threshold *th)
{
    static const char *const known[] = {"id",         "metric",   "asset",    "site",      "above",
                                        "below",      "hold_s",   "severity", "unit",      "text",
                                        "hysteresis", "audience", "ladder",   "max_age_s", NULL};

    place_unknown(p, known);
    *th = (struct threshold){.id = place_text(p, "id", 64),
                             .metric = place_text(p, "metric", NAME_MAX),
                             .site = place_text(p, "site", NAME_MAX),
                             .unit = place_text(p, "unit", 32),
                             .text = place_text(p, "text", TEXT_MAX),
                             .severity = place_text(p, "severity", 20)};
    th->severity = th->severity.n > 0 ? th->severity : STR("critical");
    th->hold_ms = place_number(p, "hold_s", 0, HOLD_S_MAX, 0) * 1000;
    th->max_age_ms = place_number(p, "max_age_s", 1, HOLD_S_MAX, MAX_AGE_S) * 1000;
    if (p->ok && !id_ok(th->id)) {
        return place_wrong(p, "id", "it is not 1 to 64 of letters, digits, '-', '_' and '.'");
    }
    if (p->ok && th->metric.n == 0) {
        return place_wrong(p, "metric", "it is missing");
    }
    if (p->ok && !alert_severity_ok(th->severity)) {
        return place_wrong(p, "severity",
                           "it is none of info, low, minor, warning, medium, major, high, "
                           "critical");
    }
    return p->ok && level(p, th) && asset_list(p, th) && people(p, th);
}

static bool twice(struct place *p, const struct tenant_settings *t)
{
    for (size_t i = 0; i + 1 < t->nthresholds; i++) {
        if (str_eq(t->thresholds[i].id, t->thresholds[t->nthresholds - 1].id)) {
            return !place_wrong(p, "id", "another threshold has it");
        }
    }
    return false;
}

static bool read_thresholds(struct place *tenant, struct tenant_settings *t)
{
    const struct json *list = json_get(tenant->j, "thresholds");

    if (list == NULL) {
        return true;
    }
    if (json_kind(list) != JSON_ARRAY || json_len(list) > THRESHOLDS_MAX) {
        return place_wrong(tenant, "thresholds", "it is not a list of at most 1000 thresholds");
    }
    t->thresholds = settings_alloc(tenant->s, (json_len(list) + 1) * sizeof(*t->thresholds));
    for (size_t i = 0; i < json_len(list); i++) {
        struct place p = *tenant;

        p.j = json_at(list, i);
        snprintf(p.at, sizeof(p.at), "%.100s.thresholds[%zu]", tenant->at, i);
        if (json_kind(p.j) != JSON_OBJECT) {
            return tenant->ok = place_wrong(&p, "", "it is not an object");
        }
        if (!read_threshold(&p, &t->thresholds[t->nthresholds++]) || twice(&p, t)) {
            return tenant->ok = false;
        }
    }
    return true;
}

bool settings_read_ladder(struct place *tenant, struct tenant_settings *t)
{
    const struct json *ladder = json_get(tenant->j, "ladder");
    struct err err = {0};

    if (ladder != NULL) {
        t->ladder = settings_alloc(tenant->s, sizeof(*t->ladder));
        if (!ladder_from_json(texts_of(tenant), ladder, "ladder", t->ladder, &err)) {
            return complain(tenant, &err);
        }
    }
    return read_thresholds(tenant, t);
}

void settings_reload_ladder(struct tenant_settings *to, const struct tenant_settings *from)
{
    to->ladder = from->ladder;
    to->thresholds = from->thresholds;
    to->nthresholds = from->nthresholds;
}
