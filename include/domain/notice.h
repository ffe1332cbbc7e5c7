/*
 * notice: the texts of what people are told without having asked: from an order, a person and the reason to
 * a message, in the person's language and time zone, with the seeds' wording and layout.
 */
#ifndef CREWLINE_DOMAIN_NOTICE_H
#define CREWLINE_DOMAIN_NOTICE_H

#include "domain/plan.h"

/* Each adds one message to the plan when user_notify() allows it, else an entry saying why not. */
void notice_assigned(struct plan *p, const struct order *o, const struct user *to);
void notice_removed(struct plan *p, const struct order *o, const struct user *to);
void notice_updated(struct plan *p, const struct order *o, const struct user *to, const struct json *changed,
                    const struct json *previous);
void notice_status(struct plan *p, const struct order *o, const struct user *to, struct str by);
void notice_priority(struct plan *p, const struct order *o, const struct user *to, enum order_priority before);
void notice_stakeholder(struct plan *p, const struct order *o, const struct user *to, const char *what);
void notice_welcome(struct plan *p, const struct user *to);
void notice_refused(struct plan *p, const struct order *o, const struct user *to, struct str reason);
/** Detail of an order with the buttons that fit (also the answer to WO). */
void notice_order(struct plan *p, const struct order *o, const struct user *to, struct message *m);

#endif
