/*
 * user: a person of a tenant: crew, supervisor, stakeholder, requester, admin. Stored packed and sealed in
 * u:<id>; found by ux (keyed hash of the phone or of the business-scoped id).
 */
#ifndef CREWLINE_DOMAIN_USER_H
#define CREWLINE_DOMAIN_USER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

#define ROLE_TECHNICIAN  (1u << 0)
#define ROLE_SUPERVISOR  (1u << 1)
#define ROLE_ADMIN       (1u << 2)
#define ROLE_STAKEHOLDER (1u << 3)
bool user_role_parse(struct str name, unsigned *out); /* "technician" -> ROLE_TECHNICIAN */
#define ROLE_CREW        (ROLE_TECHNICIAN | ROLE_SUPERVISOR | ROLE_ADMIN) /* who may run commands */

/* Preference classes, in the order of the settings page; bits of user.off and user.opted_out. */
#define CLASS_LIST(X)                                                                        \
    X(ASSIGNMENTS, "assignments") X(ESCALATIONS, "escalations") X(PARTS, "parts")            \
    X(REMINDERS, "reminders") X(EMERGENCY, "emergency") X(CHECKLISTS, "checklists")          \
    X(UPDATES, "updates") X(TRAINING, "training")
enum user_class {
#define X(name, text) CLASS_##name,
    CLASS_LIST(X)
#undef X
    CLASS_COUNT
};
const char *user_class_name(enum user_class c);
bool user_class_parse(struct str name, enum user_class *out);
#define OPTED_OUT_ALL (1u << 31)

#define USER_TEAMS_MAX 32
#define USER_FOLLOWS_MAX 64 /* of each kind */
struct user {
    struct str id, name, phone, bsuid;
    unsigned roles;
    struct str teams[USER_TEAMS_MAX];
    size_t nteams;
    struct str *assets, *sites; /* whose state he wants to be told of: the API's "subscriptions" */
    size_t nassets, nsites;
    struct str site, language, timezone, supervisor; /* language empty: the tenant's */
    bool verified, consented, removed;
    unsigned off;       /* classes switched off in the settings */
    unsigned opted_out; /* classes stopped, or OPTED_OUT_ALL */
    bool has_quiet;
    int32_t quiet_from_min, quiet_to_min; /* minutes of the local day */
    bool welcomed, onboarded;
    struct str sender; /* number of ours he last wrote to: what he is told comes from there; empty: the first */
    int64_t version;    /* of the document; 0: new */
};

/**
 * From the shape of the API and of cmms.person events; @base (or NULL) gives what @j leaves out.
 * ERR_INVALID naming the member. Everything in *out lives in @a.
 */
bool user_from_json(struct arena *a, const struct json *j, const struct user *base, struct user *out,
                    struct err *err);
void user_roles_write(unsigned roles, struct jw *w, const char *name); /* the list of their names */
/** The API's shape. */
void user_write(const struct user *u, struct jw *w, const char *name);
void user_encode(const struct user *u, struct buf *out); /* stored form: the API's and our own members */
bool user_decode(struct arena *a, struct str text, int64_t version, struct user *out, struct err *err);

/** "+1 (202) 555-0100" -> "+12025550100" in @a; false: no E.164 number. The '+' is needed. */
bool user_phone_parse(struct arena *a, struct str typed, struct str *out);

enum notify_verdict { NOTIFY_YES, NOTIFY_UNVERIFIED, NOTIFY_OPTED_OUT, NOTIFY_OFF, NOTIFY_NO_ADDRESS, NOTIFY_REMOVED };
/** May this person get messages of @cls? Emergency at critical passes switches, but not STOP ALL. */
enum notify_verdict user_notify(const struct user *u, enum user_class cls, bool critical);
const char *notify_reason(enum notify_verdict v); /* "not verified", … */
/** The end of the quiet hours in force at @now for non-urgent messages, or @now itself. */
struct wall user_quiet_until(const struct user *u, struct str tenant_timezone, struct wall now);

#endif
