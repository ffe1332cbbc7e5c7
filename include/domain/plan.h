/*
 * plan: what a decision wants to change, collected by pure rules (talk, cmms_event, …) and carried out by
 * plan_commit() as one unit: documents with the version they were read at, messages to people, events for
 * the CMMS, entries of timelines. Nothing in a plan has happened until its commit says so; on a conflict
 * the decision is made again from fresh reads.
 */
#ifndef CREWLINE_DOMAIN_PLAN_H
#define CREWLINE_DOMAIN_PLAN_H

#include "domain/conversation.h"
#include "domain/matter.h"
#include "domain/message.h"
#include "domain/order.h"
#include "domain/tenant.h"
#include "domain/user.h"
#include "store/commit.h"

struct medium;

#define PLAN_MESSAGES_MAX 1024 /* of one decision; larger audiences are broadcasts */
#define PLAN_PARTS_MAX    512

struct plan_message {
    struct message m;
    size_t result;     /* number of its marked write in the commit: the token of the grant */
    struct str record; /* the encoded message, for lane_granted() */
    struct str lane, queue;
    struct str original; /* of what is translated in it (translate.h), or empty */
    struct str detail;  /* of the first line of its timeline */
    enum commit_grant grant; /* asked for, where the person's window is known: */
    struct wall window;      /* his last message to the sender */
    bool first;              /* bm:<broadcast> names it (broadcast.h) */
};
struct plan_event {
    struct str type, subject, data; /* data: JSON object */
    struct str causation;           /* id of the event answered, or empty */
};
struct plan_entry { /* of an order's timeline */
    struct str order_id, kind, who, text; /* kind: "assigned", "status", "note", "message", "media", … */
    struct str more; /* further members: ,"name":value; or empty */
    struct wall at;
};
struct plan_medium { /* a file: its document, and what has to be done about it */
    const struct medium *medium;
    struct str todo; /* an inbound item of its lane (jobs/inbox_media.c), or empty */
};
struct plan_input { /* an inbound item of our own making: its letter, and what follows */
    struct str lane, text;
};
struct plan_audit { /* an entry of the audit trail (stream au, as the API writes it) */
    struct str what, subject;
};
struct plan_ask { /* whether a matter waits for a word of this person from now on */
    struct str person, ref;
    bool asked;
};
struct plan_phone { /* whom the index of phones names for a phone that changes hands; empty: nobody */
    struct str phone, owner;
};
struct translations;
struct plan {
    struct arena *a;
    const struct tenant *tenant;
    const struct translations *translations; /* of the CMMS's words, or NULL */
    struct wall now;
    struct str cause; /* correlationid: id of the input that led here */
    /* Who just spoke, to which number, when: his window is open, so an answer may be granted at once. */
    struct str speaker, spoken_to;
    struct wall spoken_at;
    struct plan_message *messages;
    size_t nmessages;
    struct plan_event *events;
    size_t nevents;
    struct plan_entry *entries;
    size_t nentries;
    const struct order **orders; /* new state; order->version is the one read */
    const struct order **orders_before; /* as read, or NULL: to take out of indexes what changed */
    size_t norders;
    const struct user **users;
    const struct user **users_before;
    size_t nusers;
    const struct user *gone; /* a person to delete, with conversation and indexes, or NULL */
    const struct matter **matters; /* matter->version is the one read */
    size_t nmatters;
    struct plan_ask *asks;
    size_t nasks;
    struct plan_input *inputs;
    size_t ninputs;
    int64_t responded_ms; /* after which somebody responded to an alert; 0: nobody did */
    struct str broadcast, broadcast_answer; /* the speaker's answer: ack, safe, help; or empty */
    struct plan_audit *audits;
    size_t naudits;
    struct plan_phone *phones;
    size_t nphones;
    struct plan_medium *media;
    size_t nmedia;
    const struct conversation *conversation; /* of conversation_user, or NULL */
    struct str conversation_user;
    struct str stopped_person; /* who stopped the classes `stopped` (bits) by this: what waits of them goes */
    unsigned stopped;
    bool over; /* too much for one decision: a bug or a hostile event; plan_commit() refuses */
};

void plan_init(struct plan *p, struct arena *a, const struct tenant *t, struct wall now, struct str cause);
/**
 * A message to @to, filled in by the caller: id, user, phone, lang, cause, created are set here, and as the
 * sender the one he wrote to last (tenant_sender_for()), unless the caller puts another.
 */
struct message *plan_message(struct plan *p, const struct user *to, enum message_kind kind);
/** A message that is complete, under its own id; @detail: the first line of its timeline says so. */
void plan_message_ready(struct plan *p, const struct message *m, struct str detail);
void plan_event(struct plan *p, const char *type, struct str subject, struct str data, struct str causation);
void plan_entry(struct plan *p, struct str order_id, const char *kind, struct str who, struct str text);
void plan_entry_more(struct plan *p, struct str order_id, const char *kind, struct str who, struct str text,
                     struct str more);
void plan_order(struct plan *p, const struct order *o, const struct order *before);
/** The last one planned of one matter counts; its clock goes from here (matter.h). */
void plan_matter(struct plan *p, const struct matter *m);
void plan_ask(struct plan *p, const struct matter *m, struct str person, bool asked);
/** @m as it is to be (NULL: it stays as it is), at the version it was read at; @todo may be empty. */
void plan_medium(struct plan *p, const struct medium *m, struct str todo);
void plan_input(struct plan *p, struct str lane, struct str text);
/** The writes of an inbound item for @at (0: at once); a marked write. */
void plan_input_put(const struct tenant *t, struct arena *a, struct str id, const struct plan_input *in,
                    struct wall at, struct commit *c);
/**
 * A phone that @u has and @before had not is checked: the index must name nobody, @u, or whom plan_phone()
 * told; else the commit is a conflict. So one phone never has two owners.
 */
void plan_user(struct plan *p, const struct user *u, const struct user *before);
void plan_phone(struct plan *p, struct str phone, struct str owner);
/** Deletes the person: document, conversation, indexes, windows. Messages are the caller's. */
void plan_user_gone(struct plan *p, const struct user *u);
void plan_audit(struct plan *p, const char *what, struct str subject);
void plan_conversation(struct plan *p, struct str user_id, const struct conversation *c);

/** May the unit ask for a grant on this queue? (A free slot of the worker in this process.) */
typedef bool plan_grant_fn(void *ctx, struct str queue);

/* In this order, since a commit wants its checks first: both of the caller's checks and these, then writes. */
void plan_checks(const struct plan *p, struct commit *c);
bool plan_writes(struct plan *p, struct commit *c, plan_grant_fn *grant, void *ctx, struct err *err);

/** A CloudEvent without its sequence, which is put in by event_render() with what the commit gave. */
void event_encode(const struct tenant *t, const struct plan_event *e, struct str id, struct wall at,
                  struct str correlation, struct buf *out);
/** The bytes for the CMMS: always the same for the same event. */
void event_render(struct str stored, int64_t sequence, struct buf *out);
/** Key of the event in the ledger of callbacks: "3" and a hash of the subject. */
void event_lane(const struct tenant *t, struct str subject, struct buf *lane);

#endif
