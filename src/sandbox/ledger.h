/*
 * ledger: every message that was accepted or said, in order, the oldest dropped beyond a bound.
 * The sequence number of an entry is its cursor; it is never used again.
 */
#ifndef CREWLINE_SANDBOX_LEDGER_H
#define CREWLINE_SANDBOX_LEDGER_H

#include "base/arena.h"
#include "base/json.h"
#include "sandbox.h"

enum status_step { STEP_NONE, STEP_SENT, STEP_DELIVERED, STEP_READ, STEP_FAILED, STEP_COUNT };
const char *step_name(enum status_step s);

struct entry {
    int64_t seq;
    struct number *number;
    bool inbound;
    int64_t wire_us; /* Unix microseconds at which the request was complete */
    /* All text lives in one block behind the struct. */
    struct str id;    /* wamid or message sid */
    struct str phone; /* E.164 or BSUID */
    struct str kind;  /* text, button, list, template, image, … */
    struct str text;
    struct str correlation; /* biz_opaque_callback_data, or the status callback's parameter */
    struct str callback;    /* Twilio: StatusCallback of this message */
    struct str sms_from;    /* an SMS, from this number of the account; empty: WhatsApp */
    struct str quote;       /* id of the message quoted */
    struct str extra;       /* JSON members without braces: buttons, rows, media, … or "" */
    struct str category;    /* pricing: service, utility, … */
    struct str group;       /* Meta: id of the group it was said to, or in; else empty */
    bool copy;              /* what one of the group has on his phone: nothing was accepted for it */
    /* What became of it */
    int64_t step_us[STEP_COUNT];
    int64_t error_code;
    int64_t fails_with; /* decided when it was accepted */
    bool no_statuses, answered;
    bool service;   /* Twilio: sent through a Messaging Service */
    bool scheduled; /* Twilio: waits for its moment; nothing happens to it here but being cancelled
                     */
    bool canceled;
};

struct ledger *ledger_new(size_t max);
void ledger_free(struct ledger **owner);
void ledger_clear(struct ledger *l); /* entries and counters */
void ledger_set_max(struct ledger *l, size_t max);
/** Copies @e (its strings too); the entry's seq is filled in. Counts it if it is not inbound. */
struct entry *ledger_add(struct ledger *l, const struct entry *e);
struct entry *ledger_at(struct ledger *l, int64_t seq); /* NULL: dropped or not yet there */
struct entry *ledger_find(struct ledger *l, struct str id);
bool ledger_forget(struct ledger *l, struct str id); /* by a provider's DELETE */
int64_t ledger_next(const struct ledger *l);         /* seq that the next entry gets */
int64_t ledger_oldest(const struct ledger *l);

void ledger_reject(struct ledger *l, enum dialect d, int status, int64_t code);
void ledger_stats(struct ledger *l, struct jw *w);
void entry_json(const struct entry *e, struct jw *w, const char *name);
enum status_step entry_step(const struct entry *e); /* the furthest */

#endif
