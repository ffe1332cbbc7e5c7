/*
 * inbound: what a provider's webhook said, item by item, in a form that no provider owns. Parsed by
 * providers/, stored packed (inbound_encode) and sealed in i:<id>, executed by jobs/inbox.
 */
#ifndef CREWLINE_DOMAIN_INBOUND_H
#define CREWLINE_DOMAIN_INBOUND_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

enum inbound_kind {
    INBOUND_MESSAGE, /* a person said something */
    INBOUND_STATUS,  /* about a message of ours */
    INBOUND_OPT_OUT, /* the provider tells that a person stopped or resumed (marketing) */
    INBOUND_ID_CHANGE, /* a person's phone or business-scoped id changed */
    INBOUND_TEMPLATE,  /* approval, quality or category of a template changed */
    INBOUND_ACCOUNT,   /* quality, limits, restrictions of a number or account */
    INBOUND_OTHER,     /* kept, not understood */
    INBOUND_GROUP      /* of a group: who came and went, whether it may be used */
};

enum inbound_type { /* of a message */
    INBOUND_TEXT,
    INBOUND_TAP, /* reply button, list row, template quick reply: `payload` */
    INBOUND_MEDIA,
    INBOUND_LOCATION,
    INBOUND_CONTACTS,
    INBOUND_REACTION,
    INBOUND_UNSUPPORTED /* the provider could not tell what it was, or we cannot */
};

enum delivery_state { DELIVERY_NONE, DELIVERY_SENT, DELIVERY_DELIVERED, DELIVERY_READ, DELIVERY_FAILED };

struct inbound {
    enum inbound_kind kind;
    /* which number of ours: Meta phone_number_id (or WABA id), Twilio account sid and number */
    struct str account, number_id;
    struct str provider_id;  /* wamid or SM…: of the message, or of the one a status is about */
    struct str phone, bsuid; /* the person: E.164 with '+', or empty; business-scoped id, or empty */
    struct str profile_name, group_id;
    struct wall at;          /* the provider's time stamp */
    /* message */
    enum inbound_type type;
    struct str type_name;    /* the provider's own word for it */
    struct str text;         /* body, caption, title of the button */
    struct str payload;      /* id of the tapped button or row */
    struct str quoted;       /* provider's id of the message answered, or empty */
    bool forwarded;
    struct { struct str id, url, mime, sha256_hex, filename; bool voice; } media;
    struct { double latitude, longitude; struct str name, address; } location;
    struct str emoji, emoji_target; /* reaction; empty emoji: removed */
    /* status */
    enum delivery_state state;
    struct str correlation;  /* what we put into the send, as it came back: not yet verified */
    struct { int64_t code; struct str title, details; } error;
    /*
     * template, account, opt-out, id change, group: the event's own words. The provider's parser says in its
     * header comment what stands where; a status has the provider's word for it in `event`.
     */
    struct str subject, event, detail;
    struct str language;     /* of a template, in the API's spelling (en_US) */
    struct str previous_id, current_id; /* what was and what is: ids, categories, scores, tiers */
    /* the item as it came (JSON), where the fields above cannot hold all of it; else empty */
    struct str raw;
};

struct inbound_batch {
    struct inbound *items;
    size_t n;
};

const char *inbound_kind_name(enum inbound_kind kind);
void inbound_encode(const struct inbound *in, struct buf *out);
/**
 * Into @out, which it initialises to hold at most @max bytes (16 KiB or more): where the whole is larger every
 * text is cut to an equal part of it, at a character. Whether it is whole.
 */
bool inbound_encode_within(const struct inbound *in, size_t max, struct buf *out);
bool inbound_decode(struct arena *a, struct str text, struct inbound *out, struct err *err);

#endif
