/*
 * retention: what is older than `retention.days` goes: messages that have ended, dead letters,
 * events that the CMMS has, closed work orders with their timeline, matters and broadcasts that are
 * over, and when people last wrote.
 * Every hour, a small piece at a time with others in between, so neither the loop nor Redis is
 * held. What still waits stays, however old.
 *
 * A clock that jumps ahead must not make everything old at once: when the wall clock has gained a
 * minute on the monotonic one, nothing is dropped for a day, in which somebody may set it right. The
 * same where by the clock nobody has looked for a day: it may have jumped before we began.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"
#include "domain/matter.h"
#include "domain/order_store.h"

#include <stdio.h>

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS  (24 * HOUR_MS)
#define PIECE   50
#define OPENED  10 /* of what must be opened to be judged: some 20 us each */
#define FIELDS  500

struct retention {
    struct chore_run *run;
    struct engine_tenant *et;
    struct op *pending;
    struct arena *a;   /* of the piece */
    size_t step, part; /* part: the nth key of a step */
    char cursor[64];
    int64_t offset;
    struct wall now, before; /* of this run */
    bool running, noted;
    int64_t dropped;
    struct str ids[OPENED]; /* work orders, or refs of matters */
    int64_t over;           /* of them */
    struct jump_watch clocks;
};

struct step {
    const char *what;
    void (*ask)(struct retention *t); /* leaves pending empty when there is nothing to ask */
    bool (*take)(struct retention *t, const struct reply *reply); /* true: there is more of it */
};

static void piece_done(struct retention *t, bool more);

static void on_piece(void *ctx, const struct err *err, const struct reply *reply);

static void ask_script(struct retention *t, struct call *call, const char *script)
{
    call_init_script(call, script, arena_printf(t->a, "{%.*s}:", STR_ARG(t->et->t.id)));
}

static void run_script(struct retention *t, struct call *call)
{
    t->pending = store_run(t->et->e->store, call, on_piece, t);
}

/* ---- whether the clock can be believed ---- */

static void ask_clock(struct retention *t)
{
    struct call call;

    jump_ask(t->et, &call);
    run_script(t, &call);
}

static bool take_clock(struct retention *t, const struct reply *reply);

/* ---- messages ---- */

static void ask_messages(struct retention *t)
{
    char time[ID_TIME_BYTES];
    struct call call;

    id_of_time(t->before, time);
    ask_script(t, &call, "retain_messages");
    call_str(&call, str_of(t->cursor[0] == '\0' ? "-" : t->cursor));
    call_str(&call, arena_printf(t->a, "(%s", time));
    call_int(&call, PIECE);
    call_int(&call, t->before.ms);
    run_script(t, &call);
}

static bool take_messages(struct retention *t, const struct reply *reply)
{
    struct str last = reply_str(reply_at(reply, 0));

    t->dropped += reply_int(reply_at(reply, 1));
    snprintf(t->cursor, sizeof(t->cursor), "(%.*s", STR_ARG(last));
    return last.n > 0;
}

/* ---- dead letters, events ---- */

static void ask_dead(struct retention *t)
{
    struct call call;

    ask_script(t, &call, "retain_dead");
    call_int(&call, t->before.ms);
    call_int(&call, PIECE);
    run_script(t, &call);
}

static bool take_count(struct retention *t, const struct reply *reply)
{
    t->dropped += reply_int(reply);
    return reply_int(reply) == PIECE;
}

static void ask_events(struct retention *t)
{
    struct call call;

    ask_script(t, &call, "retain_events");
    call_int(&call, t->before.ms);
    call_int(&call, PIECE);
    call_str(&call, t->noted ? STR_NONE : arena_printf(t->a, "%lld", (long long)t->now.ms));
    call_int(&call, t->et->t.conf->callback_url.n > 0);
    t->noted = true;
    run_script(t, &call);
}

/* ---- who wrote when ---- */

/* Of each sender: the windows (ms). */
static void ask_windows(struct retention *t)
{
    const struct tenant_settings *conf = t->et->t.conf;
    struct call call;

    if (t->part == conf->nsenders) {
        return;
    }
    ask_script(t, &call, "retain_fields");
    call_str(&call, arena_printf(t->a, "w:%.*s", STR_ARG(conf->senders[t->part].id)));
    call_str(&call, str_of(t->cursor[0] == '\0' ? "0" : t->cursor));
    call_int(&call, FIELDS);
    call_int(&call, t->before.ms);
    run_script(t, &call);
}

static bool take_windows(struct retention *t, const struct reply *reply)
{
    struct str next = reply_str(reply_at(reply, 0));

    snprintf(t->cursor, sizeof(t->cursor), "%.*s", STR_ARG(next));
    if (str_eqz(next, "0")) {
        t->cursor[0] = '\0';
        t->part++;
    }
    return true;
}

/* ---- work orders, matters: of the oldest, those that are over ---- */

static void ask_oldest(struct retention *t, const char *index)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("ZRANGEBYSCORE"));
    call_str(&call, arena_printf(t->a, "{%.*s}:%s", STR_ARG(t->et->t.id), index));
    call_str(&call, STR("-inf"));
    call_str(&call, arena_printf(t->a, "(%lld", (long long)t->before.ms));
    call_str(&call, STR("LIMIT"));
    call_int(&call, t->offset);
    call_int(&call, OPENED);
    run_script(t, &call);
}

static size_t take_oldest(struct retention *t, const struct reply *reply)
{
    size_t n = 0;

    for (; n < reply_len(reply) && n < OPENED; n++) {
        t->ids[n] = arena_dup(t->a, reply_str(reply_at(reply, n)));
    }
    t->over = 0;
    return n;
}

static void on_forgotten(void *ctx, const struct err *err, const struct reply *reply)
{
    struct retention *t = ctx;
    int64_t gone = err == NULL ? reply_int(reply) : 0;

    t->pending = NULL;
    t->dropped += gone;
    t->offset += t->over - gone; /* changed just now: the next run looks again */
    piece_done(t, err == NULL);
}

/* What waits stays, and the next piece looks behind it. */
static void forget(struct retention *t, struct call *call, size_t looked)
{
    t->offset += (int64_t)looked - t->over;
    if (t->over == 0) {
        call_fini(call);
        piece_done(t, true);
        return;
    }
    t->pending = store_run(t->et->e->store, call, on_forgotten, t);
}

static void orders_ask(struct retention *t)
{
    ask_oldest(t, "ol");
}

/* Open ones stay, and what does not open is not ours to judge. */
static void on_orders(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct retention *t = ctx;
    struct call call;

    t->pending = NULL;
    if (err != NULL) {
        piece_done(t, false);
        return;
    }
    ask_script(t, &call, "retain_orders");
    for (size_t i = 0; i < n; i++) {
        struct order o = {0};
        struct err own = {0};

        if (docs[i].version > 0 && order_open(&t->et->t, t->a, t->ids[i], &docs[i], &o, &own) &&
            !order_is_open(&o)) {
            call_str(&call, o.id);
            call_int(&call, o.version);
            call_str(&call, order_number_key(t->a, &o));
            call_str(&call, order_number_end(t->a, &o));
            t->over++;
        }
    }
    forget(t, &call, n);
}

static bool orders_take(struct retention *t, const struct reply *reply)
{
    struct str keys[OPENED];
    size_t n = take_oldest(t, reply);

    for (size_t i = 0; i < n; i++) {
        keys[i] = order_key(t->a, t->ids[i]);
    }
    if (n > 0) {
        t->pending = fetch_run(t->et->e->store, t->et->t.id, keys, n, on_orders, t);
    }
    return false;
}

static void matters_ask(struct retention *t)
{
    ask_oldest(t, "yl");
}

/* The list of an order goes with the order: whoever completes that is asked what is missing. */
static bool matter_is_over(struct retention *t, struct str ref, const struct doc *doc,
                           const struct doc *order)
{
    struct matter m;
    struct err own = {0};

    if (doc->version == 0) {
        return true;
    }
    if (!matter_open(&t->et->t, t->a, ref, doc, &m, &own)) {
        return false;
    }
    return m.kind == MATTER_ORDER_CHECKLIST ? order->version == 0 : m.over;
}

static void on_matters(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct retention *t = ctx;
    struct call call;

    t->pending = NULL;
    if (err != NULL) {
        piece_done(t, false);
        return;
    }
    ask_script(t, &call, "retain_matters");
    for (size_t i = 0; i < n / 2; i++) {
        if (matter_is_over(t, t->ids[i], &docs[2 * i], &docs[2 * i + 1])) {
            call_str(&call, t->ids[i]);
            call_int(&call, docs[2 * i].version);
            t->over++;
        }
    }
    forget(t, &call, n / 2);
}

/* Each with the order that it would be the list of. */
static bool matters_take(struct retention *t, const struct reply *reply)
{
    struct str keys[2 * OPENED];
    size_t n = take_oldest(t, reply);

    for (size_t i = 0; i < n; i++) {
        keys[2 * i] = matter_key(t->a, t->ids[i]);
        keys[2 * i + 1] = order_key(t->a, str_slice(t->ids[i], 2, t->ids[i].n));
    }
    if (n > 0) {
        t->pending = fetch_run(t->et->e->store, t->et->t.id, keys, 2 * n, on_matters, t);
    }
    return false;
}

/* ---- broadcasts ---- */

static void ask_broadcasts(struct retention *t)
{
    struct call call;

    ask_script(t, &call, "retain_broadcasts");
    call_int(&call, t->before.ms);
    call_int(&call, t->offset);
    call_int(&call, PIECE);
    run_script(t, &call);
}

static bool take_broadcasts(struct retention *t, const struct reply *reply)
{
    int64_t looked = reply_int(reply_at(reply, 0)), gone = reply_int(reply_at(reply, 1));

    t->dropped += gone;
    t->offset += looked - gone;
    return looked == PIECE;
}

/* ---- the run ---- */

static const struct step steps[] = {
    {"the clock",    ask_clock,      take_clock     },
    {"messages",     ask_messages,   take_messages  },
    {"dead letters", ask_dead,       take_count     },
    {"events",       ask_events,     take_count     },
    {"windows",      ask_windows,    take_windows   },
    {"orders",       orders_ask,     orders_take    },
    {"matters",      matters_ask,    matters_take   },
    {"broadcasts",   ask_broadcasts, take_broadcasts},
};

static bool take_clock(struct retention *t, const struct reply *reply)
{
    if (jump_answered(t->et, reply)) {
        t->step = ARRAY_LEN(steps) - 1; /* this run is over */
    }
    return false;
}

static void run_end(struct retention *t)
{
    t->running = false;
    if (t->dropped > 0) {
        log_info("what is older than the retention is dropped", LF_STR("tenant", t->et->t.id),
                 LF_INT("records", t->dropped));
    }
    chore_done(t->run, false);
}

static void next_step(struct retention *t)
{
    t->step++;
    t->part = 0;
    t->offset = 0;
    t->cursor[0] = '\0';
}

static void piece_done(struct retention *t, bool more)
{
    if (!more) {
        next_step(t);
    }
    if (t->step == ARRAY_LEN(steps)) {
        run_end(t);
    } else {
        chore_done(t->run, true);
    }
}

static void on_piece(void *ctx, const struct err *err, const struct reply *reply)
{
    struct retention *t = ctx;
    bool more;

    t->pending = NULL;
    if (err != NULL) {
        log_warn("retention put off", LF_STR("tenant", t->et->t.id),
                 LF_Z("what", steps[t->step].what), LF_Z("reason", err->msg));
        run_end(t); /* the next hour goes on */
        return;
    }
    more = steps[t->step].take(t, reply);
    if (t->pending == NULL) {
        piece_done(t, more);
    }
}

static void retention_run(struct chore_run *run)
{
    struct retention *t = chore_state(run);

    if (t == NULL) {
        t = MEM_NEW(struct retention);
        *t = (struct retention){.run = run, .et = chore_tenant(run), .a = arena_new()};
        chore_state_set(run, t); /* kept from run to run: it watches the clocks */
    }
    if (jump_frozen(&t->clocks, mono_now(), wall_now(), RETENTION_FROZEN_MS,
                    "nothing is dropped for its age for a day")) {
        t->running = false;
        chore_done(run, false);
        return;
    }
    arena_reset(t->a);
    if (!t->running) {
        t->running = true;
        t->noted = false;
        t->dropped = 0;
        t->now = wall_now();
        t->before.ms = t->now.ms - t->et->e->o.settings->retention_days * DAY_MS;
        t->step = 0;
        t->part = 0;
        t->offset = 0;
        t->cursor[0] = '\0';
    }
    while (t->step < ARRAY_LEN(steps)) {
        steps[t->step].ask(t);
        if (t->pending != NULL) {
            return;
        }
        next_step(t);
    }
    run_end(t);
}

static void retention_cancel(struct chore_run *run)
{
    struct retention *t = chore_state(run);

    op_cancel(&t->pending);
    arena_free(&t->a);
    mem_free(&t);
}

const struct chore chore_retention = {"retention", HOUR_MS, false, retention_run, retention_cancel};
