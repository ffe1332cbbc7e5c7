/*
 * broadcast: one message to many people, with or without a question (roll call). Pure rules: what may be
 * asked for, who is meant, what each is told in his language. How it is kept:
 *
 *   b:<id>    document (HASH v, b sealed JSON) with plain fields: st state, at accepted (wall ms), nc chunks,
 *             cu chunks expanded, rd round (1; each resend is another), rs first characters of the round's
 *             message ids, fs those of the first round's, ls list of its audience, sn "<sender>=<people> …", pr
 *             and pt what was told to the CMMS last, and when, cl end was told
 *   bx        ZSET of ids by broadcast_begins(), which is the time that message ids of the first round begin with:
 *             the log of messages is in that order, and asked for by that time
 *   bl:<ls>   HASH chunk number -> up to BROADCAST_CHUNK lines, one a person meant: "<person>", or
 *             "<person> <verdict>" of whom it cannot be sent to. Written before the one commit that makes b:<id>,
 *             each time it is asked for to a list of its own: that of an accepted broadcast never changes
 *   bm:<id>   HASH person -> id of his message; "" when he could not be written to any more. What says it again
 *             by another way (failover, a replay) is of the broadcast too: he is counted once, by the one that
 *             gets furthest, and a cancel stops all of them. Another round puts a new message in their place.
 *             A message of the first round is in its person's index mu only when this names it no more
 *             (store/lua/told.lua): as long as b:<id> is there, so must be bm:<id>
 *   ba:<id>   HASH person -> "<answer>|<wall ms>"
 *   bc:<id>   HASH of counts, moved by store/lua/commit.lua and ends.lua
 *   bq        HASH "<person>|s", "<person>|a" -> id of the last broadcast that asked whether he is safe, or to
 *             confirm it
 *   ua        HASH person -> what an audience is chosen by (no name, no phone), written with u:<id>
 *
 * States: scheduled, sending, closed, cancelled. It is closed when every message is decided and all have answered,
 * or have got it where nothing was asked; at the latest at expires_at or BROADCAST_OPEN_MS after it began
 * (BROADCAST_QUIET_MS where nothing was asked: not every phone is switched on).
 * All of it goes together when its end was told and its last round began `retention.days` ago; messages by their own age.
 */
#ifndef CREWLINE_DOMAIN_BROADCAST_H
#define CREWLINE_DOMAIN_BROADCAST_H

#include "domain/message.h"
#include "domain/tenant.h"
#include "domain/user.h"

#define BROADCAST_CHUNK     64 /* people a commit: some 1 ms of the loop, for one fsync */
#define BROADCAST_TEXTS_MAX 32
#define BROADCAST_OPEN_MS   ((int64_t)24 * 3600 * 1000)
#define BROADCAST_QUIET_MS  60000

enum broadcast_ask { BROADCAST_ASK_NONE, BROADCAST_ASK_ACK, BROADCAST_ASK_SAFETY, BROADCAST_ASK_READ };
const char *broadcast_ask_name(enum broadcast_ask ask);
bool broadcast_ask_parse(struct str name, enum broadcast_ask *out);
const char *broadcast_priority_name(enum prio prio); /* "low", "medium", "high", "critical" */

struct audience {
    bool all;
    unsigned roles; /* ROLE_… */
    struct str *teams, *sites, *users, *phones; /* lists; phones in E.164 */
    size_t nteams, nsites, nusers, nphones;
};
struct broadcast {
    struct str id, title, by; /* by: name of the key, or "cmms" */
    struct str langs[BROADCAST_TEXTS_MAX], texts[BROADCAST_TEXTS_MAX]; /* one of language "": for all */
    size_t ntexts;
    enum prio prio;
    enum broadcast_ask ask;
    struct audience to;
    struct wall created, send_at, expires; /* 0: at once; never */
    int64_t confirm;                       /* -1: not told */
    bool training;                         /* of the class "training": domain/training.h */
    struct { struct str url, mime, filename; } media; /* training: its file, or empty */
};

/** From the shape of POST /api/v1/broadcasts. ERR_INVALID naming the member; all of it lives in @a. */
bool broadcast_from_json(struct arena *a, const struct json *j, struct wall now, struct broadcast *out,
                         struct err *err);
/** An id that can be part of keys and lanes: 1 to 64 bytes of letters, digits, '.', '_', '-'. */
bool broadcast_id_ok(struct str id);
/** Members of the API's object, without braces; the stored form is these with braces. */
void broadcast_write(const struct broadcast *b, struct jw *w);
bool broadcast_decode(struct arena *a, struct str text, struct broadcast *out, struct err *err);
/** When its messages go: at send_at, or when it was accepted. */
struct wall broadcast_begins(const struct broadcast *b);

/** Does reaching them need everybody looked at, beyond those named one by one? */
bool audience_scans(const struct audience *to);
bool audience_fits(const struct audience *to, const struct user *u);
/* A person as the index ua has him: flags, roles, groups, language, sender; views into @record. */
void audience_encode(const struct user *u, struct buf *out);
bool audience_decode(struct str id, struct str record, struct user *out);
enum notify_verdict broadcast_verdict(const struct broadcast *b, const struct user *u);

/** Which of the texts @u gets: his language's, the tenant's, any. */
size_t broadcast_text_for(const struct broadcast *b, const struct tenant *t, const struct user *u);
/** The language he gets it in. */
const struct lang *broadcast_lang(const struct broadcast *b, const struct tenant *t, const struct user *u);
/**
 * The message in language @l with text @nth: kind, text, options, its template form, priority, class; the rest
 * is the caller's. Everything in @a.
 */
void broadcast_message(struct arena *a, const struct tenant *t, const struct broadcast *b,
                       const struct lang *l, size_t nth, struct message *out);
/** Makes @m the message with its file; its text becomes the caption. */
void broadcast_media(struct arena *a, const struct broadcast *b, struct message *m);
/** Can a file of that type carry words? Documents cannot everywhere (Twilio drops them). */
bool broadcast_captioned(struct str mime);
/** Does a message of its own bring the file, before the one with the words or the question? */
bool broadcast_media_apart(const struct broadcast *b);
/*
 * Ids of a round's messages: always the same however often a chunk is expanded, ULIDs in form, and in the order of the
 * places of those who get them, so that Redis' index of all messages grows at its end (in any other place it costs 3 us
 * a message more). They begin with @stem, 10 characters, and end with what tells the broadcast and the round from others
 * of the same millisecond.
 */
struct broadcast_ids {
    char stem[10], tail[10];
};
void broadcast_ids(struct arena *a, const struct tenant *t, struct str id, int64_t round, struct str stem,
                   struct broadcast_ids *out);
/** @place: each message of the round has its own, below 2^30. */
struct str broadcast_message_id(struct arena *a, const struct broadcast_ids *of, int64_t place);

/* Payloads of the buttons: "bc:<answer>:<id>". False: it is no answer. */
bool broadcast_payload(struct str payload, struct str *answer, struct str *id);

/* Counts, as kept. */
#define BROADCAST_COUNT_LIST(X)                                                                           \
    X(total) X(queued) X(uncertain) X(sent) X(delivered) X(read) X(failed) X(answered) X(safe) X(help)    \
    X(silent) X(skipped) X(cancelled)
struct broadcast_counts {
#define X(name) int64_t name;
    BROADCAST_COUNT_LIST(X)
#undef X
};
extern const char *const broadcast_count_names[]; /* in that order, then NULL */
/** The API's object "counts": what nobody knows yet counts as queued, silent only where something was asked. */
void broadcast_counts_write(const struct broadcast_counts *c, enum broadcast_ask ask, struct jw *w,
                            const char *name);
/** Nothing can be expected any more: closed, or the end of a cancelled one. */
bool broadcast_is_over(const struct broadcast_counts *c, const struct broadcast *b, struct wall began,
                       struct wall now);

#endif
