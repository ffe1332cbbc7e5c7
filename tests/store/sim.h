/*
 * sim: a deterministic simulation of the lane protocol by seed. The real Lua scripts run in a real
 * Redis; time, workers, the provider, the CMMS and all faults are played here. The clock of the
 * scripts is the second key of each call: the line that asks TIME is replaced when they are loaded.
 *
 *   sim.c        random numbers, events in order of time, calls to Redis, what is accepted
 *   sim_work.c   workers: claim, send, settle; crash, stall
 *   sim_call.c   their units of work, alone or several a call, which are lost and asked again; what
 *                comes from outside
 *   sim_sender.c the sender: what answers say of it, and a model of its pace
 *   sim_people.c people: windows, messages held until they write, the tier; another sender's turn
 *   sim_check.c  the ledgers, and what must be true of them
 *
 * A run ends in "" or in the first rule that was broken.
 */
#ifndef CREWLINE_TESTS_STORE_SIM_H
#define CREWLINE_TESTS_STORE_SIM_H

#include <hiredis/hiredis.h>

#include "commit_int.h"

#define SIM_WORKERS_MAX 5
#define SIM_ITEMS_MAX   256
#define SIM_LEASES_MAX  8192
#define SIM_EVENTS_MAX  8192
#define SIM_CALLS_MAX   2048
#define SIM_SENDS_MAX   8
#define SIM_PEOPLE_MAX  10
#define SIM_LOST_MAX    16
#define SIM_TENANT      STR("sim")
#define SECOND          1000000LL

enum sim_queue { SIM_OUT, SIM_IN, SIM_CB, SIM_QUEUES };

/* What the unit that ends a lease says. */
enum sim_settle {
    SETTLE_DONE,
    SETTLE_HOLD,
    SETTLE_UNKNOWN,
    SETTLE_LATER,
    SETTLE_FAILED,
    SETTLE_DROP,
    SETTLE_AWAIT, /* until he writes */
    SETTLE_STAY   /* another sender cannot say it */
};

/* What an answer, or an operator, says about the sender. */
enum sim_told { TOLD_NOTHING, TOLD_SLOW, TOLD_REST, TOLD_PAUSE, TOLD_RESUME };

/* What the scripts do wrong in a mutation: text of one of them, and what stands there instead. */
struct sim_mutation {
    const char *name, *script, *find, *put;
};

struct sim_redis {
    redisContext *c;
    const struct sim_mutation *mutation; /* or NULL */
    char sha[4][48];                     /* commit, ends, claim, the check of the keys */
    int64_t calls;
};
enum sim_script { SIM_COMMIT, SIM_ENDS, SIM_CLAIM, SIM_KEYS };

#define SIM_CELL "a-cell-of-many-" /* all messages may be folded in one (common.lua) */

/* An item and its ledgers. */
struct sim_item {
    enum sim_queue queue;
    char id[32], lane[16];
    int max_sends;
    bool later;    /* scheduled */
    bool of_many;  /* of the broadcast b1: folded once it is granted */
    bool accepted; /* its unit was carried out */
    bool known;    /* the client was told */
    bool client;   /* it comes from one, so it is to be accepted in the end */
    int order;     /* of acceptance */
    /* the truth about leases, seen by the one who sees every reply */
    int fresh;     /* attempts counted: leases that were not reaped ones */
    int undone;    /* certainly not sent, and so recorded */
    int ambiguous; /* attempts whose end is unknown */
    int64_t token; /* of the newest lease */
    bool token_reaped, token_attempt;
    int hidden_by; /* worker whose lost reply told it, + 1; 0: told */
    uint32_t hidden_epoch;
    uint64_t hidden_serial;
    /* the provider's or the CMMS's ledger */
    int sends;
    int64_t sent_us[SIM_SENDS_MAX];
    bool evidence; /* a status about it was carried out */
    int evidence_rank,
        early_rank; /* the highest told; of those that came before the id was known */
    int finishes;   /* units that finished it */
    bool cancelled;
    bool held, was_held, stays;
    bool outside; /* a grant was asked for it, and nobody knew of an open window */
    bool apart; /* its first hand-over: by the other sender, or behind an attempt of unknown end */
    bool other; /* its last attempt went by the other sender */
};

struct sim_call { /* a unit on its way: asked again with the same bytes */
    bool used, applied, granted;
    uint64_t nth; /* the place is used again by later ones */
    int leader;   /* the one whose call it goes in, itself when that is its own; -1: it has not gone
                   */
    bool gone;    /* nobody waits for it: it is carried out late, or never */
    struct call unit;
    struct call end; /* the same for ends.lua, without the queue; no arguments: it is not for that */
    uint32_t epoch;
    char serial[24];
    int worker;
    int64_t asked_us;
    int jumps; /* of the clock, when it was first asked */
    enum {
        CALL_ACCEPT,
        CALL_SETTLE,
        CALL_STATUS,
        CALL_CANCEL,
        CALL_RESUME,
        CALL_WORD,
        CALL_TIER,
        CALL_WAIT_OVER
    } kind;
    enum sim_told told; /* about the sender */
    int64_t number, window_ms;
    int item, lease, reply_item; /* or -1 */
    int settle;                  /* enum sim_settle, or the state of a status */
};

struct sim_lease { /* what a worker holds */
    int item, worker;
    uint32_t epoch;
    int64_t token, until_us, claimed_us;
    bool reaped, started, behind;
    int sends, outcome;
    bool decided; /* the state in the row says so */
    bool other, counts;
    int64_t window_ms;
    int jumps; /* of the clock, when it was claimed */
};

struct sim_row { /* what a claim tells of a message beside its lease */
    bool other, counts;
    int64_t window_ms;
};

struct sim_line { /* a worker's part of one queue */
    uint64_t serial;
    uint32_t turn; /* claims planned before this one are void */
    bool claiming, hungry;
    int64_t asked_us;
    int jumps;
    int out;
    uint64_t lost[SIM_LOST_MAX]; /* serials of commits with grants that were given up */
    unsigned nlost;
};
struct sim_worker {
    bool alive;
    uint32_t epoch; /* incarnation */
    int64_t stalled_until_us;
    struct sim_line lines[SIM_QUEUES];
};

enum sim_kind {
    EV_ARRIVE,
    EV_CLAIM,
    EV_ITEM,
    EV_RESULT,
    EV_CALL,
    EV_STATUS,
    EV_CANCEL,
    EV_CRASH,
    EV_START,
    EV_STALL,
    EV_CLOCK,
    EV_RESTART, /* of Redis: it keeps what it has said yes to */
    EV_RESUME,
    EV_WORD,
    EV_TIER,
    EV_OTHER, /* the other sender is paused, or not */
    EV_WAIT_OVER,
    EV_KEYS
};
struct sim_event {
    int64_t at_us;
    uint64_t nth;
    enum sim_kind kind;
    int worker; /* or -1 */
    uint32_t epoch;
    int a, b;
};

struct sim {
    struct sim_redis *redis;
    uint64_t random, hash, nth;
    int64_t now_us;  /* the true time */
    int64_t skew_us; /* of the clock that Redis has */
    int jumps;       /* of it, forward or back */
    int64_t jumped_us[64];
    int64_t calm_us; /* no faults from here on */
    int64_t end_us;
    bool gives_up; /* some calls at their deadline; every fourth seed */
    bool gathers;  /* units wait for a while, and those of a worker go in one call; every second */
    /* drawn from the seed */
    int nworkers, nslots;
    int64_t lease_ms, hold_ms;
    struct rate rate;
    int told_percent; /* of the attempts not made that say something of the sender */
    int lost_percent, crash_percent;

    struct sim_worker workers[SIM_WORKERS_MAX];
    struct sim_item items[SIM_ITEMS_MAX];
    int nitems, norder, ncb;
    int64_t counted[8]; /* messages of b1, by where they are in the end */
    struct sim_lease leases[SIM_LEASES_MAX];
    int nleases;
    struct sim_call calls[SIM_CALLS_MAX];
    struct sim_event heap[SIM_EVENTS_MAX];
    int nheap;
    struct { /* rate tokens taken */
        int64_t at_us, token;
        int person;
        int jumps;
    } taken[SIM_LEASES_MAX];
    int ntaken;
    struct { /* the sender, as it must be; times by the clock of Redis, as long as that did not jump
              */
        bool paused;
        int64_t rest_ms, pct, since_ms, tat_us, resumed;
    } model;
    struct { /* as it must be; 0 is "s", 1 is "t" */
        int64_t word_ms[2][SIM_PEOPLE_MAX];
        bool met[SIM_PEOPLE_MAX], other_paused;
        int64_t nmet, tier, told_at, told_done, after_ms, paused_ms;
    } people;
    int64_t down_until_us; /* Redis is away */
    int nslow, nrest, npause;
    int64_t newest_token;
    char broken[512];
};

/** Loads the scripts with the fake clock and, if any, the mutation. */
void sim_redis_open(struct sim_redis *r, const char *socket_path, const struct sim_mutation *m);
void sim_redis_close(struct sim_redis *r);
/** "" or what was broken; *hash is of all that happened. */
const char *sim_run(struct sim *s, struct sim_redis *r, uint64_t seed, uint64_t *hash);

/* between the parts */
uint64_t sim_random(struct sim *s, uint64_t below);
bool sim_chance(struct sim *s, int percent); /* of a fault: never in the calm */
void sim_note(struct sim *s, const char *what, int64_t a, int64_t b);
void sim_broken(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_plan(struct sim *s, int64_t delay_us, enum sim_kind kind, int worker, int a, int b);
redisReply *sim_ask(struct sim *s, enum sim_script script, struct str args, uint32_t argc);
int64_t sim_redis_ms(const struct sim *s);
int sim_item_add(struct sim *s, enum sim_queue queue, const char *lane);
int sim_item_find(struct sim *s, enum sim_queue queue, const char *id);
struct str sim_queue_name(enum sim_queue q);

int64_t sim_ms(struct sim *s, uint64_t below); /* some us, less than @below ms */
void sim_owner(struct sim *s, int worker, char out[32]);
int sim_any_worker(struct sim *s); /* or -1 */
void sim_lease_over(struct sim *s, int lease);
void sim_lost(struct sim *s, int worker, uint64_t serial);
void sim_end_of(struct sim_call *call, struct commit *c);
int sim_call_new(struct sim *s, int worker, struct commit *c, int kind, int item, int lease);
void sim_enqueue(struct sim *s, struct commit *c, int item, int worker, int64_t not_before_ms);
void sim_arrive(struct sim *s, int item, bool again);
void sim_start(struct sim *s, int worker);
void sim_claim(struct sim *s, int worker, enum sim_queue q, uint32_t turn);
void sim_item_turn(struct sim *s, int lease);
void sim_result(struct sim *s, int lease);
void sim_call_plan(struct sim *s, int call, int64_t delay_us);
void sim_call_turn(struct sim *s, int call, int nth);
void sim_status(struct sim *s, int item, int what);
void sim_cancel(struct sim *s, int item);
void sim_wake(struct sim *s, enum sim_queue q);

void sim_people_draw(struct sim *s, int64_t for_us);
void sim_word(struct sim *s, int person, bool early);
void sim_word_write(struct sim *s, struct commit *c, int person, bool other);
void sim_word_said(struct sim *s, int person, bool other, int64_t at_ms);
void sim_tier(struct sim *s, int people);
void sim_tier_was_told(struct sim *s, int64_t people, int64_t at);
void sim_other(struct sim *s, bool paused);
void sim_wait_over(struct sim *s);
void sim_unmet_write(struct sim *s, struct commit *c, const struct sim_lease *l);
void sim_unmet(struct sim *s, const struct sim_lease *l);
void sim_hold_write(struct sim *s, struct commit *c, const struct sim_lease *l);
void sim_was_held(struct sim *s, const struct sim_lease *l, int64_t result);
void sim_check_row(struct sim *s, int item, const struct sim_row *row);
bool sim_people_turn(struct sim *s, const struct sim_lease *l, enum sim_settle *how);
void sim_check_people(struct sim *s);

/** A bad time: all that is handed over is refused. */
bool sim_cold(const struct sim *s);
/** May be told with a unit that puts an item off; the call is to know of it. */
enum sim_told sim_tell(struct sim *s, struct commit *c, int64_t token, int64_t *number);
/** The unit was carried out; @news is its result. */
void sim_was_told(struct sim *s, enum sim_told told, int64_t number, int64_t token, int64_t news);
void sim_resume(struct sim *s);
/** A token for a lease of lane @lane is taken: was there one to have? */
void sim_check_pace(struct sim *s, const struct sim_item *it);

/* A lease that a reply tells, seen or lost; @sends -1: not counted. */
void sim_check_lease(struct sim *s, int item, int64_t token, bool reaped, bool decided, int sends,
                     const struct sim_row *row);
void sim_check_send(struct sim *s, int item, const struct sim_lease *l);
void sim_check_keys(struct sim *s);
bool sim_all_settled(struct sim *s);
void sim_check_end(struct sim *s);

#endif
