/*
 * command: what a text asks for: words to a command, its work order and its rest. Pure. Case, extra blanks,
 * a leading '/', trailing punctuation and emoji do not matter; the words exist in every language and
 * English always works. The table of commands is in command.c, the words in config/locales.
 */
#ifndef CREWLINE_DOMAIN_COMMAND_H
#define CREWLINE_DOMAIN_COMMAND_H

#include "domain/i18n.h"
#include "domain/order.h"

enum command_id {
    CMD_NONE, /* free text */
    CMD_HELP,
    CMD_MY_WORK,
    CMD_PENDING,
    CMD_MORE,
    CMD_STATUS,     /* counts */
    CMD_SET_STATUS, /* STATUS wo status */
    CMD_SHOW,       /* WO number, /wo number */
    CMD_ACK,
    CMD_START,
    CMD_COMPLETE,
    CMD_NOTE,
    CMD_DELAY,
    CMD_ESCALATE,
    CMD_RESPONDING,
    CMD_CONFIRM,
    CMD_RESCHEDULE,
    CMD_CHECKLIST,
    CMD_CORRECT,
    CMD_REPORT,
    CMD_TEAM,
    CMD_TRAINING,
    CMD_LANGUAGE,
    CMD_SETTINGS,
    CMD_STOP,
    CMD_STOP_ALL,
    CMD_SAFE,
    CMD_HELP_ME,
    CMD_ORIGINAL,   /* what was translated, as the CMMS wrote it */
    CMD_COUNT
};
const char *command_name(enum command_id id); /* "my_work": also the keys commands.<name>, help.<name> */
/** The command that the whole of @words means in @l or English ("my work", "/HELP"), or CMD_NONE. */
enum command_id command_named(const struct lang *l, struct str words);

struct command_call {
    enum command_id id;
    struct str order;  /* the named order as typed ("WO-123", "abc123"), or empty; CMD_NONE too */
    /*
     * False: the order is a guess, a bare number or code ("NOTE 1500 rpm"). When no order of the person's
     * matches it, there is none named, and the text is `whole`.
     */
    bool order_sure;
    /* Free text: note, reason (with ACK, START, COMPLETE: what stands behind the order); the word asked
     * for with HELP; language; CMD_NONE: the text as it came. */
    struct str rest;
    struct str whole;  /* everything behind the command's word */
    enum order_status status; /* CMD_SET_STATUS */
    bool status_ok;    /* false: the status word is unknown (rest holds it) */
    bool explicit_;    /* an order and a status were both named */
    /* CMD_NONE: how it reads as a reply to an order's message (without the order named at its start) */
    bool says_done, says_started, says_yes, says_no;
    int64_t number;    /* a bare number ("2"), or 0 */
    struct str nearest[3]; /* CMD_NONE, one or two words: commands it may have meant, canonical words */
    size_t nnearest;
};
/** Never fails: what is no command is CMD_NONE with rest = text. Lives in @a. */
void command_parse(struct arena *a, struct str text, const struct lang *l, struct command_call *out);
/** Could @s name an order? With a digit, or "WO-" before it. */
bool command_order_like(struct str s);
/** Does @number match what was typed: without case, with or without "WO-", or by unique ending? */
enum order_match { MATCH_NO, MATCH_ENDING, MATCH_EXACT } command_order_match(struct str number, struct str typed);
/** Upper case, without "WO-", blanks and '#': the form kept in the index of numbers. */
struct str command_order_canonical(struct arena *a, struct str typed);

#endif
