/*
 * commit: one unit of work on what a tenant owns: checks, then writes, all or nothing, in the script
 * commit.lua. Units started in one turn of the loop for the same tenant go to Redis as one call (up to
 * COMMIT_UNITS_MAX), so a burst pays for one EVALSHA and one fsync. Units of commit_check_leased() and
 * commit_sent() alone go as calls of their own, one a queue, to the script ends.lua; what that leaves alone, as it is
 * not the usual, goes once more, to commit.lua. Nobody sees the difference but in time.
 *
 * Because a call whose reply was lost is asked again, every unit must be idempotent: it checks a lease,
 * a version or a dedupe key that its own writes change. What has none of these calls commit_once().
 * A repeated unit then answers COMMIT_FENCED, COMMIT_CONFLICT or COMMIT_DUPLICATE: for the holder of a
 * lease "fenced" means that it is settled, by us or by somebody else.
 */
#ifndef CREWLINE_STORE_COMMIT_H
#define CREWLINE_STORE_COMMIT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/keys.h"
#include "store/store.h"

#define COMMIT_UNITS_MAX 64
#define COMMIT_BYTES_MAX ((size_t)8 << 20)

struct commit;
/**
 * @tenant is copied. Checks come first, then writes; mixing them up aborts, and so do a lane that does not
 * begin with its priority, and '|' or a line feed in a lane, an id or a fingerprint.
 */
struct commit *commit_new(struct str tenant);
void commit_free(struct commit **owner);

/* checks */
void commit_check_version(struct commit *c, struct str key, int64_t version); /* 0: must be absent; a message's is 1 */
/** Not accepted before under @key; the same @print (fingerprint of the content) is a duplicate, another differs. */
void commit_check_new(struct commit *c, struct str key, struct str print);
void commit_check_lease(struct commit *c, struct str queue, struct str lane, struct str id, int64_t token);
/** The same of a message, whose record must be there too (COMMIT_CONFLICT: m:<id>). */
void commit_check_leased(struct commit *c, struct str queue, struct str lane, struct str id, int64_t token);
void commit_check_mark(struct commit *c, struct str key, int64_t mark); /* older than accepted: stale */
/** The field of an index (HASH) is absent, or holds @a or @b: nobody else has it. Else COMMIT_CONFLICT. */
void commit_check_owner(struct commit *c, struct str key, struct str field, struct str a, struct str b);
/** The message still waits for its person's next word (commit_hold()). Else COMMIT_CONFLICT. */
void commit_check_held(struct commit *c, struct str queue, struct str lane, struct str id);
/** The message waits, not handed over or certainly refused, and no worker has it. Else COMMIT_CONFLICT. */
void commit_check_untaken(struct commit *c, struct str queue, struct str lane, struct str id);
/**
 * Of @attempts all but the last were refused for certain, that one is settled by nothing but "sent" or "uncertain",
 * and it is in nobody's hands. Else COMMIT_CONFLICT.
 */
void commit_check_once_sent(struct commit *c, struct str id, int64_t attempts);
/** Makes the unit repeatable: checks and remembers @unit_id for 8 days at least. Call where the checks are. */
void commit_once(struct commit *c, struct str unit_id);

/* writes; those marked -> have a result, read by its number in order of the calls */
void commit_doc(struct commit *c, struct str key, int64_t version, struct str body);
/** Plain fields beside the body of the document, directly after it. */
void commit_doc_field(struct commit *c, const char *field, struct str value);
void commit_delete(struct commit *c, struct str key);
void commit_remember(struct commit *c, struct str key, struct str print, struct str value);
void commit_mark(struct commit *c, struct str key, int64_t mark);

struct rate { /* 0 interval: no limit */
    int64_t interval_us, burst;
    int64_t pair_interval_ms, pair_burst;
    int64_t reserve; /* so much of the burst is for replies and the critical alone; less than the burst */
};
enum commit_grant {
    GRANT_NONE,
    GRANT_ANSWER,  /* what somebody waits for: as long as the rate has room */
    GRANT_BULK,    /* one of many: where there is no rate that others may be waiting for */
    GRANT_OUTSIDE  /* the same, to somebody who has not written for a day: and no tier to be counted in */
};
/**
 * -> fencing token when the lane was free, the item is due and @grant is asked for: it is then leased to us
 * for the lease of commit_owner_set(), as if claimed, its first attempt counted; else 0. An item for later
 * joins its lane when its time has come, and holds up nobody until then.
 */
void commit_enqueue(struct commit *c, struct str queue, struct str lane, struct str id,
                    struct wall not_before, enum commit_grant grant, const struct rate *rate);
struct commit_message {
    struct str id, body;               /* sealed, for m:<id> */
    struct str user, order, broadcast, matter; /* whose it is; all but the first may be empty */
    bool first;                        /* bm:<broadcast> names it as what its person is told (domain/broadcast.h) */
    struct str line;                   /* the first of its timeline: "queued,ms,detail\n" */
    struct str queue, lane;
    struct wall not_before;
    enum commit_grant grant;
    const struct rate *rate;
};
/** -> as commit_enqueue(): the record of a message, its place in the lists, and in its lane. */
void commit_message(struct commit *c, const struct commit_message *m);
/** -> the same: the record of an inbound item, and its place in its lane of QUEUE_IN. */
void commit_item(struct commit *c, struct str lane, struct str id, struct str body, enum commit_grant grant);
/* These only in a unit with commit_check_lease(). */
void commit_finish(struct commit *c, struct str queue, struct str lane, struct str id);
/** Notes for the books that what commit_finish() ends has come to its good end: "in" and "cb" (ei, es). */
void commit_ended(struct commit *c, struct str queue, struct str id);
/** commit_finish() of what the lease is for, come to its good end: of an inbound item its record goes too. */
void commit_done(struct commit *c);
/** The same of a message: it is sent. @provider_hash: as for commit_provider_id(), or empty. */
void commit_sent(struct commit *c, struct wall at, struct str detail, struct str provider_hash);
/** For @wait_ms by Redis's clock. A message that was decided meanwhile (a status came) is finished instead. */
void commit_put_off(struct commit *c, struct str queue, struct str lane, int64_t wait_ms);
void commit_extend(struct commit *c, struct str queue, struct str lane, int64_t lease_ms);
/** -> 1 taken out (a message is "cancelled" with it); 0: a worker has it, or it is done. */
void commit_withdraw(struct commit *c, struct str queue, struct str lane, struct str id);
/*
 * Messages that wait for the person's next word: out of their lane, in hm:<person>:<sender>, in order.
 * hg:<sender> names for each such person the message that asked him to reply.
 */
/**
 * -> 1: the head of our lane waits so, until @over at most; 0: his last word is not of @window any more, and
 * the lane goes on with it at once. Only in a unit with commit_check_lease().
 */
void commit_hold(struct commit *c, struct str queue, struct str lane, struct str id, struct wall over,
                 struct wall window, struct str detail);
/** He wrote to @sender, or is to be asked anew: what waits goes to the front of its lanes. */
void commit_heard(struct commit *c, struct str sender, struct str person, struct str why);
/** He could not be asked: what waits is over now, and the next message asks anew. */
void commit_unheard(struct commit *c, struct str sender, struct str person);
/** One of them waits no more. */
void commit_unhold(struct commit *c, struct str queue, struct str lane, struct str id);
/**
 * The one attempt of a message that was out was refused for certain after it was accepted: it goes again, at the
 * front of its lane. Only behind commit_check_once_sent(). One of a cancelled broadcast fails
 * -> 1 it goes again; 0: it failed
 */
void commit_again(struct commit *c, struct str id, struct wall at, struct str detail);
/** The provider says that his last word, not after @window, is more than a day old. */
void commit_window_shut(struct commit *c, struct str sender, struct str person, struct wall window);
void commit_event(struct commit *c, struct str lane, struct str body, bool callback); /* -> sequence */
void commit_message_state(struct commit *c, struct str id, const char *state, struct wall at,
                          struct str detail); /* -> moved|kept|none */
/** A line of its timeline that moves nothing; the same @detail again takes the place of the last line. */
void commit_message_note(struct commit *c, struct str id, struct wall at, struct str detail);
/** The attempt that the claim counted did not happen: neither counted nor in the timeline any more. */
void commit_unsend(struct commit *c, struct str id);
void commit_status(struct commit *c, struct str id, struct str provider_hash, const char *state,
                   struct wall at, struct str detail); /* -> moved|kept|none */
/** The same, "sent", of an attempt that the provider names: of one that was refused after all it says nothing. */
void commit_status_sent(struct commit *c, struct str id, int64_t attempt, struct wall at,
                        struct str detail); /* -> moved|kept|none */
/** Uncertain for good: a message of a broadcast counts as failed until evidence comes. */
void commit_given_up(struct commit *c, struct str id);
/*
 * Broadcasts (see domain/broadcast.h): a message with the plain field br is counted in bc:<br>, in
 * whatever write its state moves.
 */
/**
 * -> 1 it is cancelled by this. Nothing of it is handed over any more but what workers of @queues (all of the
 * tenant's "out:…") hold at this instant; all else that waits counts as cancelled.
 */
void commit_broadcast_cancel(struct commit *c, struct str id, const struct str *queues, size_t n);
/** -> first|again|none (no recipient). The newest by @at counts. */
void commit_broadcast_answer(struct commit *c, struct str id, struct str person, const char *answer,
                             struct wall at);
/** The message @now, written and put into its lane in this unit, is counted in the place of @old. */
void commit_broadcast_recast(struct commit *c, struct str id, struct str old, struct str now);
/**
 * The message @now, written and put into its lane in this unit, says @old once more by another way: both are of
 * one broadcast, and count once, by the one that gets further. Of none, or of a round that is over: so is @now.
 */
void commit_broadcast_copy(struct commit *c, struct str old, struct str now);
/** Statuses find the message by it for 90 days at least. */
void commit_provider_id(struct commit *c, struct str provider_hash, struct str id);
void commit_fields(struct commit *c, struct str key); /* of a plain hash; commit_field() directly after it */
void commit_field(struct commit *c, struct str field, struct str value); /* at least one */
void commit_persist(struct commit *c, struct str key);
void commit_hset(struct commit *c, struct str key, struct str field, struct str value);
void commit_hdel(struct commit *c, struct str key, struct str field);
/** A field of lines, the newest first: @line comes to the front, and is there once; the oldest over @most go. */
void commit_line_add(struct commit *c, struct str key, struct str field, struct str line, int64_t most);
void commit_line_drop(struct commit *c, struct str key, struct str field, struct str line);
void commit_hincr(struct commit *c, struct str key, struct str field, int64_t by); /* -> new value */
void commit_hmax(struct commit *c, struct str key, struct str field, int64_t value);
/** The field is at least @us from now, by the clock of Redis; what is later stays. */
void commit_ahead(struct commit *c, struct str key, struct str field, int64_t us);
void commit_zadd(struct commit *c, struct str key, double score, struct str member);
void commit_zrem(struct commit *c, struct str key, struct str member);
void commit_append(struct commit *c, struct str key, struct str body, int64_t keep);
/**
 * The same, chained: of @body the first 64 characters are a digest that is not kept; what is, is "<n>|<link>|" and
 * the rest, where link is the SHA-1 in hex of "<link before>|<n>|<digest>".
 */
void commit_chain(struct commit *c, struct str key, struct str body, int64_t keep);
void commit_log(struct commit *c, struct str key, struct str body); /* stream, own ids */
void commit_put_for(struct commit *c, struct str key, struct str value, int64_t ms);

/*
 * What is known of a sender, of whose messages "out:<sender>" is the queue: all gateways go by it.
 *   "slow": to half its pace, at most once a second, never under @number percent; 5 % more each second
 *   "rest": nothing goes for @number ms        "pause": nothing goes until it is resumed
 *   "resume": it goes on, with @number percent (100: as it was)
 * @token: of the attempt that found out, 0: of none. What was begun before the last resume changes nothing.
 */
void commit_sender(struct commit *c, struct str sender, const char *what, int64_t number, int64_t token,
                   struct str why, struct str advice); /* -> 1: that was news */
/**
 * The senders of one portfolio may together write first to @people different people in 24 h (0: no limit). What
 * the provider has told of it goes before that, until another number is configured.
 */
void commit_tier(struct commit *c, struct str sender, struct str portfolio, int64_t people);
/** The provider tells how many, -1: no limit. Older words than the last are ignored. -> 1: that was news */
void commit_tier_told(struct commit *c, struct str portfolio, int64_t people, struct wall at);

enum commit_result {
    COMMIT_OK,
    COMMIT_DUPLICATE, /* value: what was remembered */
    COMMIT_DIFFERS,   /* the key was used with another content */
    COMMIT_CONFLICT,  /* value: the key whose version moved: read again, decide again */
    COMMIT_FENCED,    /* the lease is not ours any more */
    COMMIT_STALE
};
struct commit_outcome {
    enum commit_result result;
    struct str value;
    const struct reply *results; /* list: 0 is "ok", then the marked writes in order */
};
int64_t commit_result_int(const struct commit_outcome *o, size_t nth); /* nth marked write, from 0 */
struct str commit_result_str(const struct commit_outcome *o, size_t nth);

typedef void commit_fn(void *ctx, const struct err *err, const struct commit_outcome *outcome);
/**
 * Takes *@c. Calls @on_done once; never after op_cancel() (the unit may still be carried out).
 * Fails: as store_run(), the whole call at once; ERR_STORE_FULL when Redis is over its maxmemory and the
 * unit holds no lease (what holds one drains, and goes on); ERR_TOO_LONG above COMMIT_BYTES_MAX.
 */
struct op *commit_run(struct store *s, struct commit **c, commit_fn *on_done, void *ctx);

/** Who we are in leases, and how long a granted lease lasts; once, after store_new(). */
void commit_owner_set(struct store *s, struct str owner, int64_t lease_ms);
struct str commit_owner(const struct store *s);

/* Documents by key, in one round trip. */
struct doc {
    int64_t version; /* 0: absent */
    struct str body; /* sealed; borrowed */
};
typedef void fetch_fn(void *ctx, const struct err *err, const struct doc *docs, size_t n);
struct op *fetch_run(struct store *s, struct str tenant, const struct str *keys, size_t n,
                     fetch_fn *on_done, void *ctx);

#endif
