/*
 * pm: a scheduled maintenance (cmms.pm.due.v1): who does it is reminded of it and answers by a button or
 * CONFIRM; the CMMS hears the answer. A matter (matter.h) of kind MATTER_PM.
 */
#ifndef CREWLINE_DOMAIN_PM_H
#define CREWLINE_DOMAIN_PM_H

#include "base/json.h"
#include "domain/matter.h"

#define PM_PEOPLE_MAX 64

enum pm_state { PM_DUE, PM_CONFIRMED, PM_DONE };
struct pm {
    struct str id, task, asset, periodicity;
    struct wall due;
    struct str people[PM_PEOPLE_MAX]; /* assignees, by id */
    size_t npeople;
    enum pm_state state;
    struct str by;   /* name of whoever answered last, or empty */
    bool told;       /* the assignees were reminded */
};
/** From data.pm of the event. ERR_INVALID naming the member. */
bool pm_from_json(struct arena *a, const struct json *j, struct pm *out, struct err *err);
void pm_encode(const struct pm *pm, struct buf *out);
bool pm_decode(struct arena *a, struct str text, struct pm *out, struct err *err);

#endif
