/*
 * order: the gateway's copy of a work order: what the CMMS sent, word for word (unknown members are kept
 * and passed on), and what crewline knows about it. Stored sealed as JSON in o:<id>.
 */
#ifndef CREWLINE_DOMAIN_ORDER_H
#define CREWLINE_DOMAIN_ORDER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

enum order_status { ORDER_OPEN, ORDER_ACKNOWLEDGED, ORDER_IN_PROGRESS, ORDER_ON_HOLD, ORDER_COMPLETED, ORDER_CANCELLED, ORDER_STATUS_COUNT };
enum order_priority { ORDER_PRIO_NONE, ORDER_PRIO_LOW, ORDER_PRIO_MEDIUM, ORDER_PRIO_HIGH, ORDER_PRIO_CRITICAL, ORDER_PRIO_COUNT };
const char *order_status_name(enum order_status s);     /* "in_progress" */
bool order_status_parse(struct str s, enum order_status *out); /* exact names only */
const char *order_priority_name(enum order_priority p);

#define ORDER_PEOPLE_MAX 64
struct order_person {
    struct str id, name, phone, language; /* as the CMMS named him; id may be empty */
    bool consented;
};
struct order {
    struct str id, number, title, description, type, url;
    enum order_status status;
    enum order_priority priority;
    struct str asset_id, asset_name, location_id, location_name, site;
    struct wall due, start;
    struct order_person assignees[ORDER_PEOPLE_MAX], stakeholders[ORDER_PEOPLE_MAX], requester;
    size_t nassignees, nstakeholders;
    struct str team_id, team_name;
    int64_t rev;          /* -1: none */
    struct wall updated;  /* 0: none */
    bool deleted;
    struct wall completed; /* when it became completed, by our clock; 0: not */
    /* Our own state: what a person asked for and the CMMS has not refused, to go back to on 409/422. */
    struct str refused_back_to; /* status before our last request, or empty */
    struct str asked_by, asked_to; /* who asked for which status last: he need not be told of it; or empty */
    struct wall remind, reminded; /* the next reminder, the last one (domain/reminder.h); 0: none */
    struct str source;    /* the CMMS's object as last received, JSON text: nobody has to free it */
    int64_t version;
};

/** From "workorder" of an event; everything in *out lives in @a. ERR_INVALID naming the member (id, number, title, status are required). */
bool order_from_json(struct arena *a, const struct json *j, struct order *out, struct err *err);
void order_encode(const struct order *o, struct buf *out);
bool order_decode(struct arena *a, struct str text, int64_t version, struct order *out, struct err *err);
/** The API's shape: the source with status and our own members. */
void order_write(const struct order *o, struct jw *w, const char *name);
/** workorder{id,number,rev} of gateway events. */
void order_write_ref(const struct order *o, struct jw *w, const char *name);
/** The watermark of "older than the copy kept": rev when there is one, else updated_at; -1: neither. */
int64_t order_mark(const struct order *o);
bool order_is_open(const struct order *o); /* not completed, cancelled or deleted */
bool order_assigned_to(const struct order *o, struct str user_id);
/** Most urgent first: priority, then due, then number; smaller is more urgent. For ZSET scores. */
double order_urgency(const struct order *o);

/* What may follow: one table of steps. */
enum order_step { STEP_ACK, STEP_START, STEP_COMPLETE, STEP_HOLD, STEP_CANCEL, STEP_REOPEN };
enum step_verdict { STEP_OK, STEP_ALREADY, STEP_CLOSED, STEP_NOT_STARTED };
enum step_verdict order_step_check(const struct order *o, enum order_step step, bool explicit_);
/** The step that sets @to ("STATUS wo status"). */
enum order_step order_step_to(enum order_status to);
/** The status that @step leads to. */
enum order_status order_step_result(enum order_step step);

#endif
