/*
 * pm: a scheduled maintenance (cmms.pm.due.v1): who does it is reminded of it and answers by a button,
 * CONFIRM or RESCHEDULE; the CMMS hears the answer. A matter (matter.h) of kind MATTER_PM.
 *
 * What is not answered by the time it is due is reminded of once more. What one says for all (done, or a
 * wish for another time) the others are told. Where the CMMS refuses it, it is again as it was before, and those
 * who were told are reminded anew.
 */
#ifndef CREWLINE_DOMAIN_PM_H
#define CREWLINE_DOMAIN_PM_H

#include "base/json.h"
#include "domain/matter.h"

#define PM_PEOPLE_MAX MATTER_ASSIGNEES_MAX

enum pm_state { PM_DUE, PM_CONFIRMED, PM_MOVED, PM_DONE };
struct pm {
    struct str id, task, asset, periodicity;
    struct wall due;
    struct str people[PM_PEOPLE_MAX]; /* assignees, by id */
    size_t npeople;
    enum pm_state state;
    struct str by;   /* name of whoever answered last, or empty */
    struct str by_id;
    bool told;       /* the assignees were reminded */
    struct str knew[PM_PEOPLE_MAX]; /* of them who were so before the others joined */
    size_t nknew;
    bool late_told;  /* and once more, at the time it is due */
    bool news;       /* the others are to hear of it: done, or moved */
    struct str news_by, news_by_id; /* by whom: another may have confirmed since */
    /* Before the last answer, for a refusal: nothing before it when there is no `has_before`. */
    bool has_before;
    enum pm_state before;
    struct wall due_before;
};
/** From data.pm of the event. ERR_INVALID naming the member. */
bool pm_from_json(struct arena *a, const struct json *j, struct pm *out, struct err *err);
void pm_encode(const struct pm *pm, struct buf *out);
bool pm_decode(struct arena *a, struct str text, struct pm *out, struct err *err);

#endif
