/*
 * talk_checklist_int: one round of a checklist in one turn, shared by talk_round.c (which, whose), talk_checklist.c
 * (taps, words), talk_checklist_cmd.c (commands), talk_checklist_ask.c (what is said, and told to the CMMS).
 */
#ifndef CREWLINE_DOMAIN_TALK_CHECKLIST_INT_H
#define CREWLINE_DOMAIN_TALK_CHECKLIST_INT_H

#include "domain/checklist.h"
#include "talk_int.h"

struct round {
    struct talk *t;
    const struct matter *m; /* as read; version 0: begun in this turn */
    struct checklist c;
    struct str before; /* said above the next question, or empty */
    bool news;         /* the other assignees are to hear of it */
};

/* talk_round.c */
bool round_kind(enum matter_kind kind); /* is it one of a checklist? */
bool round_open(struct talk *t, const struct matter *m, struct round *r);
/** The round of an order's list, as it stands or about to begin; false: the order has no list. */
bool round_of_order(struct talk *t, const struct order *o, struct round *r);
/** The items of an order's list as the CMMS has them now, with the answers that were given. */
void round_sync(struct round *r);
const struct order *round_order(const struct talk *t, struct str id);
/** The one that asked him last; what he says to something else is not said to it. */
bool round_asked_last(struct talk *t, struct round *out);
bool round_may(struct round *r);
/** False: he has been told why not. Who answers a round that nobody has begun takes it. */
bool round_take_part(struct round *r);
void round_take(struct round *r);
void round_go(struct round *r);
/** An answer to items[i]: told to the CMMS, and what comes next is asked. */
void round_give(struct round *r, size_t i, enum item_state state, struct str value);
/** With a note at once. */
void round_give_noted(struct round *r, size_t i, struct str value, struct str note);
void round_give_why(struct round *r, struct str why);

/** What tells a choice from the others, wherever the CMMS puts it. */
struct str round_choice_mark(struct arena *a, const struct item_choice *choice);

/* talk_checklist_ask.c */
/** Plans the matter as it is now, and who is asked. */
void round_keep(struct round *r);
/** The open item with its buttons, or the end: summary and submission. Keeps. */
void round_ask(struct round *r);
/** Asks items[i], whatever it was answered before. Keeps. */
void round_ask_item(struct round *r, size_t i);
void round_ask_why(struct round *r, size_t i);
void round_ask_sure(struct round *r, size_t i, struct str value);
/** The list of what was answered. */
void round_ask_which(struct round *r);
/** gateway.checklist.answered.v1 of one item. */
void round_tell_answer(struct round *r, const struct checklist_item *item);
/** A button of the round: "<action>,<round>[,…]". */
void round_button(struct round *r, struct message *m, struct str action, const char *key);
/** [Start] or [Continue], by where it stands. */
void round_button_go(struct round *r, struct message *m);

#endif
