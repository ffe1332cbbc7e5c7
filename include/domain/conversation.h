/*
 * conversation: what is open between a person and us: the question asked last (15 minutes), the place in
 * a long list (MORE), the numbered options shown last (Twilio without Content), the order last spoken of, the buttons
 * tapped last. Stored sealed as JSON in c:<user id>.
 */
#ifndef CREWLINE_DOMAIN_CONVERSATION_H
#define CREWLINE_DOMAIN_CONVERSATION_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "domain/message.h"

#define QUESTION_MS (15 * 60 * 1000)
#define OPTIONS_MS  ((int64_t)24 * 3600 * 1000)

#define TAPPED_MAX  16
#define CONVERSATION_MEDIA_MAX 20

struct conversation {
    /* The open question: the command that waits for its order, with its rest ("note", "bearing replaced"). */
    /* command_name(), "text:<command>:<order>", "as_note", "confirm:<order>", "do:<order or nothing>"; empty: none */
    struct str question;
    struct str question_rest;
    struct wall question_at;
    /* MORE: the command that listed, and how many rows were shown. */
    struct str more;
    int64_t more_from;
    /*
     * Payloads of the numbered options sent last (Twilio without Content), so that "2" counts as the tap. Not
     * part of the document: the outbox writes them to the field op when it hands the text over.
     */
    struct str options[MESSAGE_ROWS_MAX];
    size_t noptions;
    struct wall options_at;   /* when they were shown */
    bool options_over; /* the person went on to something else: a number is no tap any more */
    struct str last_order;    /* id of the order last acted upon or told about */
    struct str tapped[TAPPED_MAX]; /* buttons that did something, the newest first: "<message> <payload>" */
    struct str media[CONVERSATION_MEDIA_MAX]; /* files that wait for the answer to "which order?", their ids */
    size_t nmedia;
    struct wall media_at; /* of the question: good for QUESTION_MS */
    struct str fault[CONVERSATION_MEDIA_MAX]; /* those that wait for the words of a fault ("what is wrong?") */
    size_t nfault;
    struct wall fault_at; /* of that question */
    int64_t version;
};

void conversation_encode(const struct conversation *c, struct buf *out);
bool conversation_decode(struct arena *a, struct str text, int64_t version, struct conversation *out,
                         struct err *err);
/** With the time they were shown: they count for OPTIONS_MS. */
void conversation_options_encode(const struct message *m, struct wall now, struct buf *out);
/** The matter that the first of them is about, or "": plain field om, so that a number finds what it names. */
struct str conversation_options_matter(struct arena *a, const struct message *m);
void conversation_options_decode(struct arena *a, struct str text, struct wall now,
                                 struct conversation *out);

#endif
