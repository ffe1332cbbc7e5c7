/*
 * threshold: levels of a tenant's `thresholds` that readings (cmms.condition.reading.v1) are compared with.
 * Above `above` (or below `below`) for `hold_s` it is crossed: an alert is raised; back by `hysteresis` it is
 * cleared. What is known of one metric of one asset is a matter of kind MATTER_READING, written only when a
 * hold begins or ends or a level is crossed: most readings change nothing.
 *
 *   {"id": "pump-hot", "metric": "temperature", "asset": "P-01" (or a list; without: any), "site"?,
 *    "above": 95 | "below": …, "hysteresis"?: 3, "hold_s"?: 60, "severity"?: "critical", "unit"?: "°C",
 *    "text"?: "…", "audience"?: {…}, "ladder"?: […], "max_age_s"?: 900}
 *
 * Readings older than one taken before do not count (answered "duplicate"); one older than max_age_s begins
 * nothing. A hold is over by a later reading, or by our clock when none comes. What a threshold raised that is not
 * configured any more, or not for this asset, is cleared by a reading that others fit and none of them is crossed by, ten minutes after
 * the first one that did not find it, unless a gateway still knows it.
 */
#ifndef CREWLINE_DOMAIN_THRESHOLD_H
#define CREWLINE_DOMAIN_THRESHOLD_H

#include "domain/ladder.h"
#include "domain/matter.h"

#define THRESHOLDS_MAX       1000
#define THRESHOLD_ASSETS_MAX 256
#define THRESHOLD_CROSSED_MAX 64 /* of one metric of one asset */

struct threshold {
    struct str id, metric, site, unit, text, severity;
    struct str *assets; /* none: any */
    size_t nassets;
    double level, hysteresis;
    bool below;
    int64_t hold_ms, max_age_ms;
    const struct json *audience, *ladder; /* checked; of the configuration; or NULL */
};
struct tenant_settings;
struct reading {
    struct str asset_id, asset_name, site, metric, unit;
    double value;
    struct wall at; /* 0: not told */
};
/** From data.reading of the event. ERR_INVALID naming the member. */
bool reading_from_json(struct arena *a, const struct json *j, struct reading *out, struct err *err);
/** Id of the matter: the same for all readings of one metric of one asset. */
struct str reading_id(struct arena *a, const struct reading *r);
bool threshold_is_about(const struct threshold *th, const struct reading *r); /* this asset's, on whatever site */
bool threshold_fits(const struct threshold *th, const struct reading *r);
bool threshold_any(const struct tenant_settings *t, const struct reading *r);

enum crossing_state { CROSSING_HOLD, CROSSING_ON };
struct crossing { /* a threshold that the last readings were beyond */
    struct str threshold; /* its id */
    enum crossing_state state;
    struct wall since, until; /* until: a hold is over by our clock */
    struct wall gone; /* since when readings meet no threshold of that name; 0: it is configured */
    double value;
    struct str alert; /* id, when ON */
};
struct condition {
    struct reading r; /* without value and time */
    struct crossing list[THRESHOLD_CROSSED_MAX];
    size_t n;
};
void condition_encode(const struct condition *c, struct buf *out);
bool condition_decode(struct arena *a, struct str text, struct condition *out, struct err *err);

enum crossing_step { CROSSING_SAME, CROSSING_BEGIN, CROSSING_DROP, CROSSING_RAISE, CROSSING_CLEAR };
/** What @value at @at does; @kept: what is known, or NULL. */
enum crossing_step threshold_step(const struct threshold *th, const struct crossing *kept, double value,
                                  struct wall at, struct wall now);

#endif
