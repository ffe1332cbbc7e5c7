/*
 * talk_checklist_int: one round of a checklist in one turn, shared by talk_checklist.c (taps, words, commands)
 * and talk_checklist_ask.c (what is said, and told to the CMMS).
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
