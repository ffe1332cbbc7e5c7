/*
 * message: something to be said to one person: the content in a form that no provider owns, and what
 * decides how it travels. It is stored packed (message_encode) and sealed in m:<id>.
 */
#ifndef CREWLINE_DOMAIN_MESSAGE_H
#define CREWLINE_DOMAIN_MESSAGE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "store/keys.h"

enum message_kind {
    MESSAGE_TEXT,
    MESSAGE_BUTTONS,  /* text with 1 to 3 reply buttons */
    MESSAGE_LIST,     /* text with a list of up to 10 rows */
    MESSAGE_MEDIA,    /* image, video, audio, document, sticker by mime */
    MESSAGE_LOCATION,
    MESSAGE_TEMPLATE,
    MESSAGE_REACTION,
    MESSAGE_READ      /* not said: marks `quoted` as read */
};
/* As in the API: "text", "buttons", "list", "media" ("document" is taken too), "location", … */
const char *message_kind_name(enum message_kind kind);
bool message_kind_parse(struct str name, enum message_kind *out);

#define MESSAGE_TEAM "~team:" /* begins what stands for a team where a person does: no person's id has a '~' there */

#define MESSAGE_BUTTONS_MAX 3
#define MESSAGE_ROWS_MAX    10
#define MESSAGE_PARAMS_MAX  16

struct message_option { /* a button or a list row */
    struct str id, title, description, section;
};
struct message_param { /* of a template; name empty: positional */
    struct str name, value;
};

struct message {
    struct str id;
    enum message_kind kind;
    struct str user;           /* person's id */
    struct str phone, bsuid;   /* where to: E.164, or the business-scoped id when there is no phone */
    struct str group;          /* or a group of the sender's: then `user` is no person, but MESSAGE_TEAM and its team */
    struct str sender;         /* sender's id */
    enum prio prio;
    struct str cls;            /* preference class: "assignments", … or empty */
    struct str lang;           /* BCP 47 */
    struct str text;           /* body or caption */
    struct str header, footer; /* short texts around buttons and lists, or empty */
    struct message_option options[MESSAGE_ROWS_MAX];
    size_t noptions;
    struct str list_button;    /* label that opens a list */
    struct { struct str url, provider_id, mime, filename; } media;
    struct { double latitude, longitude; struct str name, address; } location;
    struct {
        struct str name, language;
        struct message_param params[MESSAGE_PARAMS_MAX];
        size_t nparams;
        struct str content_sid; /* Twilio: its HX sid when known */
    } template_;
    struct str emoji;          /* reaction; empty removes */
    bool typing;               /* MESSAGE_READ: shows "typing" too, until we answer or 25 s are over */
    struct str quoted;         /* provider's id of the message this answers, or empty */
    struct str order_id, order_number; /* work order it is about, or empty */
    struct str broadcast;      /* id of the broadcast it belongs to, or empty: plain field br of m:<id> */
    struct str matter;         /* ref of the matter it is about (matter.h), or empty: plain field mt of m:<id> */
    struct str cause;          /* id of the input that led here */
    struct wall created, send_at, expires; /* 0: at once; never */
    int64_t max_sends;         /* 0: by priority */
    /* Said again by another way, because the one before did not reach the person in time (domain/failover.h): */
    struct str instead_of;     /* id of that message */
    struct str tried;          /* senders that were tried before, "main tw" */
    bool sms;                  /* as an SMS */
};

/** Everything in *out lives in @a. ERR_INVALID naming the member. */
bool message_from_json(struct arena *a, const struct json *j, struct message *out, struct err *err);
/** Does it tell of a change of an order? */
bool message_is_change(const struct message *m);
/**
 * Two changes of one order for one person as one message: the words of both, the buttons of the later, the id
 * of the first. False: they are not that, or too long together. @out may be @first; texts in @a.
 */
bool message_merge(struct arena *a, const struct message *first, const struct message *next, struct message *out);
/**
 * Cuts the text to what its kind holds, at the end: refused by the provider it would say nothing at all. Texts
 * alone hold 4096 characters, at Twilio (@twilio) 1600.
 */
size_t message_text_max(const struct message *m, bool twilio);
void message_fit(struct arena *a, struct message *m, bool twilio);
void message_encode(const struct message *m, struct buf *out);
bool message_decode(struct arena *a, struct str text, struct message *out, struct err *err);

#endif
