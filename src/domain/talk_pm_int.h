/*
 * talk_pm_int: one scheduled maintenance in one turn, shared by talk_pm.c (done, confirmed, which one) and
 * talk_pm_move.c (another time for it).
 */
#ifndef CREWLINE_DOMAIN_TALK_PM_INT_H
#define CREWLINE_DOMAIN_TALK_PM_INT_H

#include "domain/pm.h"
#include "talk_int.h"

/** False: he has been told that it is not known any more. */
bool talk_pm_open(struct talk *t, const struct matter *m, struct pm *pm);
/** Plans it, tells the CMMS and, if need be, the others. @due: of PM_MOVED. */
void talk_pm_settle(struct talk *t, const struct matter *m, struct pm *pm, enum pm_state state,
                    struct wall due);
/** Asks for the time, with some to choose from. */
void talk_pm_ask_when(struct talk *t, const struct matter *m, const struct pm *pm);
/** "move", "at,<ms>", "date" */
void talk_pm_tap_move(struct talk *t, const struct matter *m, struct pm *pm, struct str action);
/** Which one is meant? Each row is @action of its own. */
void talk_pm_which(struct talk *t, const struct matter *const *open, size_t n, const char *action);

#endif
