/*
 * notice: the texts of what people are told without having asked: from an order, a person and the reason to
 * a message, in the person's language and time zone, with the seeds' wording and layout.
 */
#ifndef CREWLINE_DOMAIN_NOTICE_H
#define CREWLINE_DOMAIN_NOTICE_H

#include "domain/alert.h"
#include "domain/checklist.h"
#include "domain/plan.h"
#include "domain/pm.h"
#include "domain/team.h"

/* Each adds one message to the plan when user_notify() allows it, else an entry saying why not. */
void notice_assigned(struct plan *p, const struct order *o, const struct user *to);
void notice_removed(struct plan *p, const struct order *o, const struct user *to);
void notice_updated(struct plan *p, const struct order *o, const struct user *to, const struct json *changed,
                    const struct json *previous);
void notice_status(struct plan *p, const struct order *o, const struct user *to, enum order_status before, struct str by);
void notice_priority(struct plan *p, const struct order *o, const struct user *to, enum order_priority before);
/** Created, or what the order has reached. */
void notice_stakeholder(struct plan *p, const struct order *o, const struct user *to, enum order_status reached, bool created);
/** A note of @author (or empty) in the CMMS. */
void notice_comment(struct plan *p, const struct order *o, const struct user *to, struct str author,
                    struct str text);
/** Parts {id,name,qty} have arrived. */
void notice_parts(struct plan *p, const struct order *o, const struct user *to,
                  const struct json *const *parts, size_t n);
/** How long until it is due, or since when it is overdue. */
void notice_reminder(struct plan *p, const struct order *o, const struct user *to);
/** To whoever asked for something: how it stands with @text; @reason may be empty. */
enum request_state { REQUEST_RECEIVED, REQUEST_APPROVED, REQUEST_REFUSED, REQUEST_DONE };
void notice_request(struct plan *p, const struct user *to, enum request_state state, struct str text,
                    struct str reason, struct wall at);
/** The fault that he reported, with @text, is not booked: the CMMS refused it. */
void notice_report_refused(struct plan *p, const struct user *to, struct str text, struct str reason);
/** To a follower of a machine: its state, in the CMMS's word. */
void notice_asset(struct plan *p, const struct user *to, struct str asset, struct str status,
                  struct wall at);
/** What the tenant tells a new person, once: when he is verified. Changes @to: the caller plans him. */
void notice_onboarding(struct plan *p, struct user *to);
void notice_welcome(struct plan *p, const struct user *to);
/** The code he asked for on the page, of use until @until; handed over as often as the settings say. */
void notice_code(struct plan *p, const struct user *to, struct str code, struct wall until);
/** The CMMS refused a change of status (the order is back), or words about it. */
void notice_refused(struct plan *p, const struct order *o, const struct user *to, struct str reason);
void notice_refused_words(struct plan *p, const struct order *o, const struct user *to, struct str reason);
/** What he sent about something else, by its name: an alert, a team. */
void notice_refused_about(struct plan *p, struct str name, const struct user *to, struct str reason);
/** To the supervisor: somebody asks for help with an order. False: he is not to be told, or cannot be. */
bool notice_escalated(struct plan *p, const struct order *o, const struct user *to, struct str by, struct str why);
/** Scheduled maintenance is to be done, or (@now) due this minute; whether he is told. */
bool notice_pm(struct plan *p, const struct pm *pm, const struct matter *m, const struct user *to, bool now);
/** Somebody has done it, or wants it at another time. */
void notice_pm_said(struct plan *p, const struct pm *pm, const struct user *to);
/** The CMMS refused what he said of it: it is as before. */
void notice_pm_refused(struct plan *p, const struct pm *pm, const struct matter *m, const struct user *to,
                       struct str reason);
/** The CMMS refused what he said in the round of a checklist. */
void notice_checklist_refused(struct plan *p, struct str name, const struct user *to, struct str reason);
/** Somebody said something to his team. */
bool notice_team(struct plan *p, const struct team_post *post, const struct matter *m, const struct user *to);
/** The same to the team's group, in as many messages: in the tenant's language, without a word about answering. */
void notice_team_group(struct plan *p, const struct team_post *post, const struct matter *m,
                       const struct team_group *g);
/** A round of a checklist is due; whether he is told. */
bool notice_checklist(struct plan *p, const struct checklist *c, const struct matter *m, const struct user *to);
/** Somebody else does it. */
void notice_checklist_taken(struct plan *p, const struct checklist *c, const struct user *to);
/** To the supervisor; @names: whose it is. */
void notice_checklist_overdue(struct plan *p, const struct checklist *c, const struct matter *m,
                              const struct user *to, struct str names);
/* Of an alert (alert.h), to whomever user_notify() allows it at critical: it is there; @name responds; it is
 * over; asks who responded whether he is still on it. */
void notice_alert_raised(struct plan *p, const struct alert *al, const struct matter *m, const struct user *to);
void notice_alert_taken(struct plan *p, const struct alert *al, const struct matter *m, const struct user *to,
                        struct str name);
void notice_alert_cleared(struct plan *p, const struct alert *al, const struct matter *m, const struct user *to);
void notice_alert_still(struct plan *p, const struct alert *al, const struct matter *m, const struct user *to);
/** What is wrong, in his language. */
struct str notice_alert_text(const struct plan *p, const struct alert *al, const struct user *to);
/** To somebody of `alerts.users`: something of ours is in trouble, or (severity "ok") well again. */
void notice_alert(struct plan *p, const struct user *to, struct str component, const char *severity,
                  struct str text, struct str advice);

/* Parts of messages, shared with the answers of talk. */
/** Detail of an order, line by line. */
struct str notice_order_text(const struct plan *p, const struct order *o, const struct user *to);
/** A button of a matter: "y:<kind>:<action>:<id>", its label by @key. Makes @m a buttons message. */
void notice_matter_button(struct plan *p, const struct matter *about, const struct user *to, struct message *m,
                          const char *action, const char *key);
/** The buttons that fit the order's state; none for a closed order. Makes @m a buttons message. */
void notice_order_buttons(const struct plan *p, const struct order *o, const struct user *to, struct message *m);
const struct lang *notice_lang(const struct plan *p, const struct user *to);
struct str notice_timezone(const struct plan *p, const struct user *to);

#endif
