/*
 * ladder: whom a critical alert wakes, and in which order: rungs with their people, how long each is waited
 * for, and how many must respond. In the event, the tenant's settings, or the built-in one: the crew of the
 * asset's site, five minutes later its supervisors.
 *
 *   [{"to": {"users": […], "teams": […], "roles": […], "sites": […], "all": true, "audience": true,
 *            "supervisors": true}, "wait_s": 300, "need": 1}, …]
 *   or {"rungs": [that], "reopen_s": 3600}: who responded is asked after that time whether he is still on it
 */
#ifndef CREWLINE_DOMAIN_LADDER_H
#define CREWLINE_DOMAIN_LADDER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "domain/user.h"

#define LADDER_RUNGS_MAX 16
#define LADDER_NAMES_MAX 500 /* in one list */
#define LADDER_NEED_MAX  100

struct crowd { /* a set of people: all who fit one of these */
    struct str *users, *teams, *sites;
    size_t nusers, nteams, nsites;
    unsigned roles;
    bool all;         /* technicians, supervisors and admins */
    bool audience;    /* those whom the alert names; else the crew of its site */
    bool supervisors; /* of those told before, and of the site */
};
struct rung {
    struct crowd to;
    int64_t wait_ms, need;
};
struct ladder {
    struct rung *rungs; /* at least one */
    size_t n;
    int64_t reopen_ms; /* 0: never */
};

/** ERR_INVALID naming the member behind @at ("data.alert.ladder": "data.alert.ladder.0.wait_s"). In @a. */
bool ladder_from_json(struct arena *a, const struct json *j, const char *at, struct ladder *out, struct err *err);
/** Without "audience" and "supervisors", which only a rung has. */
bool crowd_from_json(struct arena *a, const struct json *j, const char *at, struct crowd *out, struct err *err);
void ladder_write(const struct ladder *l, struct jw *w, const char *name); /* the longer form */
void crowd_write(const struct crowd *c, struct jw *w, const char *name);
void ladder_builtin(struct arena *a, struct ladder *out);
/** By name, team, site, role; `audience` and `supervisors` are the caller's to know. */
bool crowd_fits(const struct crowd *c, const struct user *u);

#endif
