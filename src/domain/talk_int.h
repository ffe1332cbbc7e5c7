/*
 * talk_int: one turn of a conversation, shared by the files of talk: talk.c (who speaks, what it
 * is), talk_which.c (which order), talk_orders.c (what is done to it), talk_lists.c (lists, counts,
 * help), talk_people.c (language, consent, strangers), talk_text.c (taps, numbers, free text, open
 * questions), talk_media.c (files).
 */
#ifndef CREWLINE_DOMAIN_TALK_INT_H
#define CREWLINE_DOMAIN_TALK_INT_H

#include "domain/notice.h"
#include "domain/talk.h"

struct talk {
    const struct view *v;
    const struct inbound *in;
    struct plan *p;
    struct arena *a;
    struct str sender_id; /* answers go out by it */
    struct str spoken_to; /* the number of ours that was */
    struct user *u;           /* a copy that may be changed; talk_user_changed() plans it */
    struct conversation conv; /* likewise; always planned when conv_changed */
    bool conv_changed;
    const struct lang *l;
    struct str timezone;
    struct command_call call;
    struct str tap_order; /* order id that a tapped payload names, or empty */
    int64_t tap_asked_ms; /* when the question was asked that it answers; 0: it does not say */
    const struct order *resolved; /* what talk_resolve() found last */
    bool round_spoken;    /* this turn is about a round of a checklist */
    const struct medium *reported; /* a file that came with a fault's words */
    const char *via;      /* "command", "button", "reply", "media", "group" */
};

/* What a command is done to: which states fit it when no order is named. */
enum fit { FIT_OPEN, FIT_ACK, FIT_START, FIT_COMPLETE, FIT_CURRENT };

/* saying */
#define TALK_ECHO_MAX 1000 /* characters of his own words that an answer repeats */
struct message *talk_say_text(struct talk *t, struct str text);
#define talk_say(t, key, ...) \
    talk_say_text((t), I18N((t)->a, (t)->l, (t)->timezone, key, ##__VA_ARGS__))
void talk_add_option(struct talk *t, struct message *m, struct str id, struct str title,
                     struct str description);

/* events: {"person":{…},"workorder":{…}?,"via":…, …}: begin, add members, end */
struct buf *talk_event_begin(struct talk *t, struct jw *w, const struct order *o);
void talk_event_end(struct talk *t, const char *type, const struct order *o, struct jw *w,
                    struct buf *data);
void talk_user_changed(struct talk *t);

/** When his clock shows @minutes on the day that begins at @midnight, also where the clocks change. */
struct wall talk_at_clock(const struct talk *t, struct wall midnight, int32_t minutes);

/* orders */
bool talk_is_mine(const struct view_order *vo); /* by name or team */
bool talk_may_change(const struct talk *t,
                     const struct order *o); /* mine, my site's, or I am admin */
/**
 * The order that the command means: named, tapped, quoted, or the only one that fits; NULL when it
 * was asked about or none was found: then the person has been answered.
 */
const struct order *talk_resolve(struct talk *t, enum command_id cmd, enum fit fit);
void talk_ask_which(struct talk *t, enum command_id cmd, struct str question,
                    const struct order *const *orders, size_t n);
/** His own open orders in a fitting state (VIEW_ORDERS_MAX at most), and one by its id or NULL. */
size_t talk_orders_that_fit(const struct talk *t, enum fit fit, const struct order **found);
const struct order *talk_order_by_id(const struct talk *t, struct str id);
const struct order *talk_quoted_order(const struct talk *t);
/** A list of orders to choose from; a row's payload is "pick@<time>:<name>:<order>". */
struct message *talk_list_orders(struct talk *t, const char *name, struct str question,
                                 const struct order *const *orders, size_t n);
/** Does it, or says why not; whether it was done. */
bool talk_step(struct talk *t, const struct order *o, enum order_step step, bool explicit_);
/** The words of a command that waits for [Complete anyway] [Start], once; else empty. */
struct str talk_confirmed_words(struct talk *t, const struct order *o);
void talk_book_words(struct talk *t, const struct order *o,
                     struct str words); /* a note, unless empty */
/** A number alone, when a command waits for its order: that is done, and true. */
bool talk_answers_which(struct talk *t);
void talk_note(struct talk *t, const struct order *o, struct str text);
void talk_show(struct talk *t, const struct order *o);
/** Runs a command on an order that is already known. */
void talk_on_order(struct talk *t, enum command_id cmd, const struct order *o);

/* one function a command */
typedef void talk_fn(struct talk *t);
talk_fn talk_cmd_ack, talk_cmd_start, talk_cmd_complete, talk_cmd_set_status, talk_cmd_show,
    talk_cmd_note, talk_cmd_delay, talk_cmd_escalate;
talk_fn talk_cmd_my_work, talk_cmd_pending, talk_cmd_more, talk_cmd_status, talk_cmd_help;
talk_fn talk_cmd_checklist, talk_cmd_correct, talk_cmd_reschedule;
talk_fn talk_cmd_original, talk_cmd_training, talk_cmd_settings;
void talk_tap_training(struct talk *t, struct str id);
talk_fn talk_cmd_language, talk_cmd_stop, talk_cmd_stop_all, talk_cmd_responding, talk_cmd_confirm,
    talk_cmd_safe, talk_cmd_help_me;
talk_fn talk_cmd_report, talk_cmd_team;
/** A turn about @in, before anything was decided. */
struct talk *talk_begin(const struct view *v, const struct inbound *in, struct str sender_id, struct plan *p);
/**
 * Payload of an answer to the question asked now, "<action>@<its time>:<answer>"; and whether what is tapped
 * answers the question that is open: to one of before, whose place another has taken, the words of that other
 * are no answer.
 */
struct str talk_asked_now(struct talk *t, const char *action, struct str answer);
bool talk_asked_so(const struct talk *t, const char *question);
void talk_unknown(struct talk *t); /* no rule understands it: the nearest commands */
void talk_tap_do(struct talk *t, struct str answer); /* of the assistant's question */
void talk_tap_team(struct talk *t, struct str team);
/** Said in a group (team.h). True: to us, it is a command; its answer goes to the person alone. */
bool talk_in_group(struct talk *t);
/** Whether the text quoted what was said to a team: then the others hear it. */
bool talk_answers_team(struct talk *t);
/** Whether the text was the answer to "What is wrong?". */
bool talk_answers_report(struct talk *t);
/** Whether "What is wrong?" waits for its answer; and asks it once more. */
bool talk_report_asked(const struct talk *t);
void talk_report_ask_again(struct talk *t);
talk_fn talk_free_text, talk_tap, talk_media, talk_stranger;
/** The number that a caption names, in a command or anywhere; empty: none. @sure: it looks like one. */
struct str talk_caption_order(struct arena *a, struct str text, const struct command_call *call,
                              bool *sure);
/** "Which order?", asked about files, is answered with @order's id, or a typed number: whether it was. */
bool talk_media_picked(struct talk *t, struct str order_id);
bool talk_media_typed(struct talk *t);
/** The files of a fault that is told now, as "media" of its event; and that they wait for its words. */
void talk_media_reported(struct talk *t, struct jw *w);
void talk_media_unworded(struct talk *t);
/** Files that came with a command wait for the same answer: they go to @o. */
void talk_media_follow(struct talk *t, const struct order *o);
/* answers to broadcasts: whether it was one */
bool talk_ack_broadcast(struct talk *t);
bool talk_tap_broadcast(struct talk *t, struct str payload);
/* matters (matter.h): payloads "y:<kind>:<action>:<id>" go to talk_<kind>_tap() by the table in talk_matter.c */
bool talk_tap_matter(struct talk *t, struct str payload); /* whether it was one */
/** The one of @kind that is named by its id, or quoted; NULL: neither. */
const struct matter *talk_matter_meant(struct talk *t, enum matter_kind kind, struct str typed);
/** Those that wait for him, the newest first. */
size_t talk_matters_open(struct talk *t, enum matter_kind kind, const struct matter **out, size_t max);
/** Rows of those that wait for a word of his, for PENDING. */
size_t talk_matters_pending(struct talk *t, struct message_option *out, size_t max);
/** What a row of it says; false: it does not wait any more. */
bool talk_pm_row(struct talk *t, const struct matter *m, struct message_option *out);
bool talk_checklist_row(struct talk *t, const struct matter *m, struct message_option *out);
/** As talk_event_end(), with the matter as the subject. */
void talk_matter_event(struct talk *t, const char *type, const struct matter *m, struct jw *w,
                       struct buf *data);
void talk_pm_tap(struct talk *t, const struct matter *m, struct str action);
/** Is what he typed the date that was asked for? Then it has been answered. */
bool talk_pm_typed(struct talk *t);
/* rounds of checklists: talk_checklist.c */
void talk_checklist_tap(struct talk *t, const struct matter *m, struct str action);
/** Of an order's list that nobody has begun; false: there is none. */
bool talk_order_checklist_tap(struct talk *t, struct str order_id, struct str action);
/** Is what he typed said to the item that was asked last? Then it has been answered. */
bool talk_checklist_typed(struct talk *t);
/** Is a photo what the item that was asked last wants? *order: whose list it is, or NULL. */
bool talk_checklist_takes_photo(struct talk *t, const struct order **order);
/** Was he asked for that photo at @at or later? */
bool talk_checklist_photo_since(struct talk *t, struct wall at);
void talk_checklist_photo(struct talk *t, struct str media_id);
/** Says that the order has a checklist, unless it is done. */
void talk_checklist_offer(struct talk *t, const struct order *o);
/** Required items of its list without an answer. */
size_t talk_checklist_missing(struct talk *t, const struct order *o);
void talk_checklist_button(struct talk *t, const struct order *o, struct message *m);
/** [Continue] below an answer to something else, when a round was left some time ago. */
void talk_checklist_remind(struct talk *t);
void talk_alert_tap(struct talk *t, const struct matter *m, struct str action);
/** "On it" in reply to an alert is RESPONDING: whether it was that. */
bool talk_alert_said(struct talk *t);
/** ESCALATE means an alert: whether it was answered as such. */
bool talk_escalate_alert(struct talk *t);
bool talk_verify(struct talk *t); /* unverified but known: true when the turn goes on */
void talk_opt_in(struct talk *t);
void talk_set_language(struct talk *t, const struct lang *l);
void talk_opt_out(struct talk *t, struct str what);
void talk_command(struct talk *t); /* t->call by the table */
/** The command of a name in payloads and open questions; CMD_NONE: unknown. */
enum command_id talk_command_named(struct str name);

#endif
