#include "status.h"

#include "events.h"
#include "faults.h"
#include "meta.h"
#include "twilio.h"

#define ARG_STEP   0x7
#define ARG_REPEAT 0x8
#define ARG_SHIFT  4
#define REPEAT_MS  60

static void tell(struct sandbox *sb, struct entry *e, enum status_step step, int64_t us)
{
    if (!e->no_statuses) {
        if (e->number->dialect == DIALECT_META) {
            meta_hook_status(sb, e, step, us);
        } else {
            twilio_hook_status(sb, e, step);
        }
    }
}

static void take_step(struct sandbox *sb, struct entry *e, enum status_step step)
{
    int64_t now = wall_us();

    if (e->step_us[step] != 0) {
        return; /* the page read it before its time */
    }
    e->step_us[step] = now;
    if (step == STEP_FAILED) {
        e->error_code = e->fails_with;
    }
    events_status(sb, e);
    tell(sb, e, step, now);
}

static void on_step(void *ctx, int64_t arg)
{
    struct sandbox *sb = ctx;
    enum status_step step = (enum status_step)(arg & ARG_STEP);
    struct entry *e = ledger_at(sb->ledger, arg >> ARG_SHIFT);

    if (e == NULL) {
        return;
    }
    if ((arg & ARG_REPEAT) != 0) {
        tell(sb, e, step, e->step_us[step] != 0 ? e->step_us[step] : wall_us());
    } else if (e->step_us[STEP_FAILED] == 0) {
        take_step(sb, e, step);
    }
}

static void plan(struct sandbox *sb, struct entry *e, enum status_step step, int64_t ms)
{
    int64_t arg = e->seq << ARG_SHIFT | (int64_t)step;

    if (ms < 0) {
        return;
    }
    sched_in(sb->sched, ms, on_step, sb, arg);
    if (fault_hit(sb, FAULT_DOUBLE_STATUSES, e->number->dialect, e->phone) != NULL) {
        sched_in(sb->sched, ms + REPEAT_MS, on_step, sb, arg | ARG_REPEAT);
    }
}

/* Twilio takes what it gets and hands it over at the sender's pace: that queue delays every status.
 */
static int64_t queue_ms(struct entry *e)
{
    int64_t now = mono_now().us, slot;

    if (e->number->dialect != DIALECT_TWILIO || e->number->rate_per_second <= 0) {
        return 0;
    }
    slot = e->number->next_slot_us > now ? e->number->next_slot_us : now;
    e->number->next_slot_us = slot + 1000000 / e->number->rate_per_second;
    return (slot - now) / 1000;
}

void status_begin(struct sandbox *sb, struct entry *e)
{
    const struct trigger *later = fault_hit(sb, FAULT_FAIL_LATER, e->number->dialect, e->phone);
    const struct phone *p = phone_find(sb, e->phone);
    const struct timing *t = &sb->timing;
    int64_t wait = queue_ms(e), sent = t->sent_ms, delivered = t->delivered_ms;

    e->no_statuses =
        e->no_statuses || fault_hit(sb, FAULT_NO_STATUSES, e->number->dialect, e->phone) != NULL;
    if (later != NULL) {
        e->fails_with = later->code != 0                     ? later->code
                        : e->sms_from.n > 0                  ? 30003
                        : e->number->dialect == DIALECT_META ? 131026
                                                             : 63024;
    } else if (p != NULL && p->fail_code != 0 && e->fails_with == 0) {
        e->fails_with = p->fail_code;
    }
    if (e->fails_with != 0) {
        plan(sb, e, STEP_FAILED, wait + sent);
        return;
    }
    if (fault_hit(sb, FAULT_SWAP_STATUSES, e->number->dialect, e->phone) != NULL) {
        int64_t swap = sent;

        sent = delivered;
        delivered = swap;
    }
    if (!e->copy) {
        plan(sb, e, STEP_SENT, sent < 0 ? -1 : wait + sent);
    }
    if (str_eqz(e->kind, "reaction") || (e->group.n > 0 && !e->copy)) {
        return; /* a reaction is only ever sent; a group's message arrives on its phones */
    }
    plan(sb, e, STEP_DELIVERED, delivered < 0 ? -1 : wait + delivered);
    if (e->sms_from.n == 0 && (p == NULL || p->receipts)) {
        plan(sb, e, STEP_READ, t->read_ms < 0 ? -1 : wait + t->read_ms);
    }
}

void status_fail(struct sandbox *sb, struct entry *e)
{
    if (e->step_us[STEP_DELIVERED] == 0) {
        take_step(sb, e, STEP_FAILED);
    }
}

bool status_force(struct sandbox *sb, struct entry *e, enum status_step step)
{
    bool fresh = e->step_us[step] == 0;

    take_step(sb, e, step);
    return fresh;
}

size_t status_read_all(struct sandbox *sb, struct str phone)
{
    struct phone *p = phone_find(sb, phone);
    int64_t oldest = ledger_oldest(sb->ledger), seq = ledger_next(sb->ledger) - 1;
    size_t n = 0;

    if (p != NULL && !p->receipts) {
        return 0;
    }
    /* What a person has not read is among the last things said; older ones are left as they are. */
    oldest = seq - 5000 > oldest ? seq - 5000 : oldest;
    for (; seq >= oldest; seq--) {
        struct entry *e = ledger_at(sb->ledger, seq);

        if (e != NULL && !e->inbound && str_eq(e->phone, phone) &&
            e->step_us[STEP_DELIVERED] != 0 && e->step_us[STEP_READ] == 0) {
            take_step(sb, e, STEP_READ);
            n++;
        }
    }
    return n;
}
