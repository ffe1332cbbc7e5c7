/*
 * alert: something is wrong with a machine (cmms.alert.raised.v1, or a threshold of ours was crossed:
 * threshold.h), and people are called up a ladder (ladder.h) until enough of them respond. A matter
 * (matter.h) of kind MATTER_ALERT; its events and its strikes go at PRIO_CRITICAL.
 *
 *   OPEN        a rung is being told, or waited for. RESPONDING by `need` people: RESPONDED. ESCALATE, or
 *               silence: the next rung; behind the last: UNANSWERED (gateway.alert.unanswered.v1)
 *   RESPONDED   with a `reopen_s` who responded is asked after that time whether he is still on it; says he
 *               nothing, the ladder goes on, and he counts no more until he says so again
 *   UNANSWERED  nobody is called any more, but who responds now is welcome
 *   CLEARED     over; raised again under its id it begins anew
 *
 * All who were told hear who responds, and that it is cleared. A rung that reaches nobody is not waited for.
 * Raised again with the same or a lower severity while it is alive: nothing; with a higher one: from the
 * first rung again.
 *
 * Which alert a word means: the one named or quoted; else the only one that waits for him. Where several wait
 * he is asked. ESCALATE means an alert before a work order when nothing is named or quoted and an alert that
 * he was told of in the last ALERT_FRESH_MS is not over: a machine that is in danger is the more urgent, and
 * the alert asked for that word.
 */
#ifndef CREWLINE_DOMAIN_ALERT_H
#define CREWLINE_DOMAIN_ALERT_H

#include "domain/ladder.h"
#include "domain/matter.h"

#define ALERT_SLICE    64 /* people told in one strike of the clock */
#define ALERT_TOLD_MAX 2000 /* called by one alert; more are for a broadcast */
#define ALERT_NEWS_MAX 8
#define ALERT_FRESH_MS ((int64_t)24 * 3600 * 1000)

enum alert_state { ALERT_OPEN, ALERT_RESPONDED, ALERT_UNANSWERED, ALERT_CLEARED };
const char *alert_state_name(enum alert_state s); /* "open" */
bool alert_state_parse(struct str name, enum alert_state *out);

struct alert_told {
    struct str id, name, why; /* why: he could not be told; empty: he was */
    int64_t rung;             /* the last one, from 1; 0: before it became graver */
    struct wall at;
};
struct alert_answer {
    struct str id, name;
    struct wall at;
    int64_t after_ms; /* since the acceptance of what raised it */
    bool silent;      /* asked whether he is still on it he said nothing: he counts no more */
};
enum alert_news_kind { ALERT_NEWS_RESPONDING, ALERT_NEWS_CLEARED };
struct alert_news { /* to be said to all who were told */
    enum alert_news_kind kind;
    struct str id, name; /* who responds: he knows */
    int64_t next;        /* place in `told` */
};
struct alert {
    struct str id, asset_id, asset_name, site, severity, text, unit, metric;
    double value, threshold;
    bool has_value, has_threshold, below; /* without a text: metric, threshold and below say it */
    struct crowd audience;                /* empty: the crew of the site */
    struct ladder ladder;
    enum alert_state state;
    struct wall at, raised, cleared; /* of the event; accepted; cleared */
    size_t rung;                     /* which is told or waited for, from 0 */
    bool filling;                    /* not everybody of it has been told yet: those behind `cursor` have not */
    bool widened;                    /* it reached nobody, so all of that role are told */
    struct str cursor;
    struct wall deadline; /* the rung's, or that of whoever responded; 0: none */
    struct wall begun[LADDER_RUNGS_MAX];
    bool asked;                   /* whether he is still on it */
    struct str escalated_by, why; /* who went on to this rung, or empty; his reason */
    struct alert_told *told;
    struct alert_answer *answers;
    struct str *supervisors; /* of those told */
    struct alert_news news[ALERT_NEWS_MAX];
    size_t ntold, told_room, nanswers, nsupervisors, nnews;
};

/**
 * From data.alert of the event; @cleared: only the id counts. ERR_INVALID naming the member. The ladder is
 * the event's, or @otherwise's (the tenant's), or the built-in one.
 */
bool alert_from_json(struct arena *a, const struct json *j, const struct ladder *otherwise, struct alert *out,
                     struct err *err);
/** Whether it can be kept too. */
bool alert_check(struct arena *a, const struct json *j, struct err *err);
void alert_encode(const struct alert *al, struct buf *out);
bool alert_decode(struct arena *a, struct str text, struct alert *out, struct err *err);
#define ALERT_BYTES_MAX ((size_t)1900 * 1024) /* encoded */
/** The document of it: @m with body, clock and over. */
void alert_store(struct arena *a, const struct alert *al, struct wall now, struct matter *m);
/** GET /api/v1/alerts: with its rungs and responders when @full. */
void alert_write(const struct alert *al, struct jw *w, const char *name, bool full);
/** tried[] of events: the rungs begun, with those told and those who could not be. */
void alert_write_tried(const struct alert *al, struct jw *w, const char *name);
/* Members of gateway.workorder.escalated.v1 (@via NULL: they are there), and gateway.alert.unanswered.v1. */
void alert_write_escalated(const struct alert *al, struct str why, const char *via, struct jw *w);
struct plan;
void alert_tell_unanswered(struct plan *p, const struct alert *al, const char *via);
bool alert_severity_ok(struct str s);
bool alert_is_graver(struct str severity, struct str than);

/* ---- the rules, pure; all of them change *al only ---- */

enum alert_next { ALERT_NEXT_NOTHING, ALERT_NEXT_FILL, ALERT_NEXT_NEWS, ALERT_NEXT_RUNG, ALERT_NEXT_ASK,
                  ALERT_NEXT_REOPEN };
/** What the next strike of its clock does, and when. */
enum alert_next alert_next(const struct alert *al, struct wall now, struct wall *when);

enum alert_verdict {
    ALERT_OK,      /* done */
    ALERT_AGAIN,   /* he is on it already: a sign of life */
    ALERT_TAKEN,   /* others are */
    ALERT_PASSED,  /* it is on a higher rung by now */
    ALERT_LAST,    /* done; there was no rung behind: unanswered */
    ALERT_OVER
};
enum alert_verdict alert_respond(struct arena *a, struct alert *al, struct str id, struct str name, struct wall now);
/** @rung: that he was told on, from 1. */
enum alert_verdict alert_escalate(struct alert *al, struct str id, struct str name, struct str why, int64_t rung);
/** To the next rung; false: there was none, it is unanswered. */
bool alert_go_on(struct alert *al);
/** Everybody of the rung was told, or could not be. False: it reached nobody and was the last: unanswered. */
bool alert_filled(struct alert *al, struct wall now);
void alert_add_told(struct arena *a, struct alert *al, const struct user *u, struct str id, struct str why,
                    struct wall now);
const struct alert_told *alert_find_told(const struct alert *al, struct str id);
/** He is on it. */
bool alert_has_answered(const struct alert *al, struct str id);
/** How many are on it, and the first of them, or NULL. */
int64_t alert_on_it(const struct alert *al);
const struct alert_answer *alert_first(const struct alert *al);
/** Who responded was asked, and has said nothing. */
void alert_silence(struct alert *al);
/** Is @u of the rung at hand? */
bool alert_rung_fits(const struct alert *al, const struct user *u);
void alert_clear(struct alert *al, struct wall now);
/** Graver: from the first rung, by what @fresh says; who was told stays known. */
void alert_restart(struct alert *al, const struct alert *fresh);

#endif
