/*
 * checklist: a round of a checklist, one item at a time: a daily or weekly one (cmms.checklist.due.v1, a
 * matter of kind MATTER_CHECKLIST) or the list of a work order (MATTER_ORDER_CHECKLIST, its id the order's).
 *
 * Whose it is. All assignees are told of it; who taps [Start], or answers first, has it ("holder"), and the
 * others are told so. Another may take it over by a button; nobody answers in two places.
 *
 * Buttons carry round and item, and of a choice which it is, so a tap means the same for ever: of an item that is
 * answered it corrects that answer while the round is open (and the open item is asked again); the same answer
 * a second time changes nothing and says so, and so does a button of an earlier round, or of one that is submitted.
 * Typed words answer the item that was asked last, for CHECKLIST_FRESH_MS; after that the round waits for
 * CHECKLIST or [Continue]. A number is an item's answer when its item wants one, else the option of that place.
 *
 * Each answer is told to the CMMS when it is given (gateway.checklist.answered.v1, again with the note when
 * he says why), all of them at the end (submitted.v1). A round that is due anew before it was submitted is
 * told as it stands, "complete": false, and begins again.
 */
#ifndef CREWLINE_DOMAIN_CHECKLIST_H
#define CREWLINE_DOMAIN_CHECKLIST_H

#include "base/json.h"
#include "domain/i18n.h"
#include "domain/matter.h"
#include "domain/message.h"
#include "domain/order.h"

#define CHECKLIST_ITEMS_MAX   100
#define CHECKLIST_CHOICES_MAX MESSAGE_ROWS_MAX
#define CHECKLIST_PEOPLE_MAX  MATTER_ASSIGNEES_MAX
#define CHECKLIST_BOSSES_MAX  16
#define CHECKLIST_FRESH_MS    ((int64_t)2 * 3600 * 1000)

enum item_kind {
    ITEM_CHECK,
    ITEM_YES_NO_NA,
    ITEM_PASS_FLAG_FAIL,
    ITEM_NUMBER,
    ITEM_TEXT,
    ITEM_CHOICE,
    ITEM_PHOTO,
    ITEM_KINDS
};
enum item_state { ITEM_OPEN, ITEM_ANSWERED, ITEM_SKIPPED };
struct item_choice {
    struct str value, label;
};
struct checklist_item {
    struct str id, label, unit;
    enum item_kind kind;
    bool required, has_min, has_max;
    double min, max;
    struct item_choice choices[CHECKLIST_CHOICES_MAX]; /* ITEM_CHOICE */
    size_t nchoices;
    enum item_state state;
    struct str value; /* "done", "pass", "12.5", words, a choice's value, the id of a photo */
    struct str note;  /* why not */
    struct str by, by_name;
    struct wall at;
};
enum checklist_state { CHECKLIST_DUE, CHECKLIST_RUNNING, CHECKLIST_SUBMITTED };
enum checklist_asked {
    ASKED_ITEM, /* items[at] */
    ASKED_WHY,  /* why items[at] is not done */
    ASKED_SURE  /* whether `pending`, outside its limits, is right */
};
struct checklist {
    struct str id, name, period;
    struct str order_id, order_number; /* of a work order's list */
    int64_t round;                     /* buttons carry it: 1 for the first of this id */
    struct wall due, overdue;          /* 0: none */
    struct str people[CHECKLIST_PEOPLE_MAX], bosses[CHECKLIST_BOSSES_MAX];
    size_t npeople, nbosses;
    struct str holder, holder_name;
    struct checklist_item *items;
    size_t nitems, at;
    enum checklist_state state;
    enum checklist_asked asked;
    struct str pending;
    struct wall asked_at, submitted;
    bool told, taken_told, overdue_told;
};

/** From data.checklist of the event. ERR_INVALID naming the member. */
bool checklist_from_json(struct arena *a, const struct json *j, struct checklist *out, struct err *err);
/** Of a work order; false: it has none that can be asked. */
bool checklist_of_order(struct arena *a, const struct order *o, struct checklist *out);
void checklist_encode(const struct checklist *c, struct buf *out);
bool checklist_decode(struct arena *a, struct str text, struct checklist *out, struct err *err);

/** The first item without an answer; nitems: none. */
size_t checklist_open_item(const struct checklist *c);
size_t checklist_count(const struct checklist *c, enum item_state state);
/** Required ones without an answer. */
size_t checklist_missing(const struct checklist *c);
/** items[] of the events: all (@only NULL), or the one; photos with a link that is good for media.link_s. */
void checklist_write_items(struct arena *a, const struct tenant *t, struct wall now, const struct checklist *c,
                           const struct checklist_item *only, struct jw *w);

/* Fixed answers of a kind, in the order of their buttons. */
struct item_option {
    const char *value, *key; /* key of the button's text */
    const char *words[3];    /* lists of words that say it; NULL ends */
    bool why;                /* asks why */
};
const struct item_option *item_options(enum item_kind kind, size_t *n); /* none: 0 */
/** What the answer reads like: the button's text, a choice's label, number and unit, words. */
struct str item_answer_text(struct arena *a, const struct lang *l, struct str timezone,
                            const struct checklist_item *item);
bool item_asks_why(const struct checklist_item *item, struct str value);

enum item_verdict {
    ITEM_TAKEN,
    ITEM_UNSURE,   /* outside its limits */
    ITEM_LEFT_OUT, /* "skip", and it may be */
    ITEM_NEEDED,   /* "skip", and it may not */
    ITEM_NOT_UNDERSTOOD
};
/** What the words say to the item; *value in @a. Words of commands are words here too. */
enum item_verdict item_read(struct arena *a, const struct lang *l, const struct checklist_item *item,
                            struct str text, struct str *value);
/** "skip" and the like. */
bool item_says_skip(const struct lang *l, struct str text);

#endif
