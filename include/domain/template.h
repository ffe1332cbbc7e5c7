/*
 * template: message templates: what a provider approves beforehand, so that it may be sent to a
 * person who has not written for a day. The catalogue is config/templates/<code>.json (embedded, or
 * from CREWLINE_CONFIG_DIR/templates, whose files add to the built-in ones or take the place of
 * their templates), checked by deps/templates_check.py in the build:
 *
 *   {"language": "en_US", "templates": {"crewline_test": {"category": "UTILITY", "body": "… {{1}}
 * …", "header"?, "footer"?, "buttons"?: [{"text", "action"}], "examples": ["…"]}}}
 *
 * "language" is the provider's spelling. A button's action says which payload it carries: "option",
 * that of the message's own option at that place; anything else, "<action>:<order id>"
 * (domain/talk.h), or the action alone when the message is about no order. AUTHENTICATION templates
 * have the provider's fixed wording.
 *
 * A message names its template form (template_set()); the outbox chooses when it sends. States of
 * approval are per account of a provider: HASH ap:<account>, "<name>|<language>" ->
 * template_state_encode().
 */
#ifndef CREWLINE_DOMAIN_TEMPLATE_H
#define CREWLINE_DOMAIN_TEMPLATE_H

#include "domain/message.h"

#define TEMPLATE_BODY_MAX     1024
#define TEMPLATE_HEADER_MAX   60
#define TEMPLATE_FOOTER_MAX   60
#define TEMPLATE_LABEL_MAX    25
#define TEMPLATE_BUTTONS_MAX  3
#define TEMPLATE_NAME_MAX     100
#define TEMPLATE_LANGUAGE_MAX 15
#define TEMPLATE_HASH_CHARS   16

/* What there is a form for; the number of values of each is that of the catalogue. */
#define TEMPLATE_ASSIGNED   "crewline_order_assigned" /* number title asset location priority due */
#define TEMPLATE_REMOVED    "crewline_order_removed"  /* number title */
#define TEMPLATE_UPDATED    "crewline_order_updated"  /* number title fields */
#define TEMPLATE_STATUS     "crewline_order_status"   /* number title before after */
#define TEMPLATE_PRIORITY   "crewline_order_priority" /* number asset before after */
#define TEMPLATE_REMINDER   "crewline_order_reminder" /* number title time due */
#define TEMPLATE_PARTS      "crewline_order_parts"    /* number title parts */
#define TEMPLATE_COMMENT    "crewline_order_comment"  /* number title author text */
#define TEMPLATE_ESCALATED  "crewline_order_escalated"  /* name number title reason */
#define TEMPLATE_CREATED    "crewline_request_created"  /* number title */
#define TEMPLATE_PROGRESS   "crewline_request_status"   /* number title status */
#define TEMPLATE_RESOLVED   "crewline_request_resolved" /* number title time */
#define TEMPLATE_REQUEST    "crewline_request_news"     /* text status */
#define TEMPLATE_ASSET      "crewline_asset_status"     /* asset status time */
#define TEMPLATE_REFUSED    "crewline_change_refused"   /* number reason status */
#define TEMPLATE_NO_NOTE    "crewline_note_refused"     /* number reason */
#define TEMPLATE_PM         "crewline_maintenance_due"   /* asset task due; 3 options: done, move, confirm */
#define TEMPLATE_PM_DONE    "crewline_pm_done"  /* task name */
#define TEMPLATE_PM_MOVED   "crewline_pm_moved" /* task when name */
#define TEMPLATE_PM_REFUSED "crewline_pm_refused"    /* task reason */
#define TEMPLATE_TEAM       "crewline_team_message"      /* team name text */
#define TEMPLATE_CHECKLIST  "crewline_checklist_due"      /* name; 1 option: start */
#define TEMPLATE_CHECKLIST_TAKEN "crewline_checklist_taken" /* name who */
#define TEMPLATE_CHECKLIST_LATE "crewline_checklist_late" /* name answered who */
#define TEMPLATE_ALERT         "crewline_alert"         /* asset text time; 2 options: respond, escalate */
#define TEMPLATE_ALERT_TAKEN   "crewline_alert_taken"   /* name asset text */
#define TEMPLATE_ALERT_CLEARED "crewline_alert_cleared" /* asset text */
#define TEMPLATE_ALERT_STILL   "crewline_alert_still"   /* asset text; 2 options: respond, escalate */
#define TEMPLATE_WELCOME    "crewline_welcome"          /* company */
#define TEMPLATE_VERIFY     "crewline_welcome_code"     /* company url */
#define TEMPLATE_BROADCAST  "crewline_broadcast"        /* headline text */
#define TEMPLATE_ASK_ACK    "crewline_broadcast_ack"    /* headline text; 1 option */
#define TEMPLATE_ASK_SAFETY "crewline_broadcast_safety" /* headline text; 2 options: safe, help */
#define TEMPLATE_TRAINING   "crewline_training"      /* title text */
#define TEMPLATE_TRAINING_READ "crewline_training_read" /* title text; 1 option */
#define TEMPLATE_WAITING    "crewline_message_waiting"  /* what about: the generic one */
#define TEMPLATE_TEST       "crewline_test"             /* company */
#define TEMPLATE_CODE       "crewline_code"             /* code, up to 15 characters */

struct template_button {
    struct str text;
    struct str action;     /* quick reply; or else one of: */
    struct str url, phone; /* fixed ones of templates made by the operator */
};
struct template_def {                    /* one template in one language */
    struct str name, language, category; /* "UTILITY", "MARKETING", "AUTHENTICATION" */
    struct str lang;                     /* BCP 47 */
    struct str header, body, footer;
    struct template_button buttons[TEMPLATE_BUTTONS_MAX];
    size_t nbuttons;
    struct str examples[MESSAGE_PARAMS_MAX];
    size_t nparams; /* and examples */
};

/* ---- the catalogue ---- */

struct templates;
bool templates_new(const char *config_dir, struct templates **out,
                   struct err *err); /* NULL: embedded only */
void templates_free(struct templates **owner);
size_t templates_count(const struct templates *t);
const struct template_def *templates_at(const struct templates *t,
                                        size_t i); /* by name, then language */
const struct template_def *templates_find(const struct templates *t, struct str name,
                                          struct str language);
/** Is it one of ours, in whatever language? */
bool templates_has(const struct templates *t, struct str name);

/**
 * From a member of a catalogue or the body of POST /api/v1/templates; texts in @a. ERR_INVALID
 * naming the member: shape, lengths, parameters, examples.
 */
bool template_from_json(struct arena *a, struct str name, struct str language, const struct json *j,
                        struct template_def *out, struct err *err);
void template_write(const struct template_def *d,
                    struct jw *w);                   /* its members, without name and language */
bool template_is_code(const struct template_def *d); /* AUTHENTICATION */
/** Of what people see: equal hashes need no other registration. */
void template_hash(const struct template_def *d, char out[TEMPLATE_HASH_CHARS + 1]);

/* ---- approval ---- */

enum template_status {
    TEMPLATE_UNKNOWN, /* nothing was heard of it */
    TEMPLATE_PENDING,
    TEMPLATE_APPROVED,
    TEMPLATE_REJECTED,
    TEMPLATE_PAUSED,
    TEMPLATE_DISABLED,
    TEMPLATE_MISSING /* the provider has no such template, not any more, or with other parameters */
};
const char *template_status_name(enum template_status s); /* "pending"; UNKNOWN: "unregistered" */
/** Both providers' words, in any case ("APPROVED", "received"); others that are no approval:
 * DISABLED. */
enum template_status template_status_of(struct str word);

struct template_state {
    enum template_status status;
    struct str category, reason, id; /* Meta's template id or Twilio's HX sid */
    struct str hash;                 /* of the body that is registered, or empty */
    struct wall at;                  /* of the last word about it */
};
void template_state_encode(const struct template_state *s, struct buf *out);
bool template_state_decode(struct arena *a, struct str text, struct template_state *out,
                           struct err *err);

/* ---- forms ---- */

/** Names the template form of @m. @values are cleaned when they are put in: any text will do. */
void template_set(struct arena *a, struct message *m, const char *name, const struct str *values,
                  size_t n);
#define TEMPLATE_SET(a, m, name, ...)                                 \
    template_set((a), (m), (name), (const struct str[]){__VA_ARGS__}, \
                 sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
/** Of a broadcast: @headline and @text; by m->noptions the one without, with one or with two
 * answers. */
void template_set_broadcast(struct arena *a, struct message *m, struct str headline,
                            struct str text);

/**
 * The state of a template in the account at hand; NULL or UNKNOWN: nothing was heard of it. It
 * lives until template_choose() returned.
 */
typedef const struct template_state *template_state_fn(void *ctx, struct str name,
                                                       struct str language);
/**
 * The best approved language of @name: @lang, @otherwise (the tenant's), English, then any. NULL
 * when none is. *why is then the state of the one that was wanted.
 */
const struct template_def *template_choose(const struct templates *t, struct str name,
                                           struct str lang, struct str otherwise,
                                           template_state_fn *state, void *ctx,
                                           enum template_status *why);
/**
 * @m as a message of kind TEMPLATE, by its own values and payloads; texts in @a. False: it has not
 * the values or the payloads that @d asks for.
 */
bool template_form(struct arena *a, const struct template_def *d, const struct message *m,
                   struct message *out);
/** The generic one, to the person of @m: "you have a message about …". Everything but its id. */
void template_waiting(struct arena *a, const struct message *m, struct str company,
                      struct message *out);

#endif
