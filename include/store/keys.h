/*
 * keys: every key of a tenant, behind its prefix "{acme}:" (one hash tag: one slot of a cluster).
 *
 *   hw, fence, seq        high water of the clock (us); last fencing token; last event sequence
 *   l:<queue>:<lane>      LIST of item ids, head first: the work of one lane in order. What a commit granted to its
 *                         own gateway is held by hand: before the list, in k: alone, until something else than its
 *                         good end becomes of it
 *   s:<queue>             ZSET of "<lane>\n<id>" accepted for later, by not-before (wall ms)
 *   r:<queue>:<p>         ZSET of ready lanes of priority p by not-before (wall ms)
 *   f:<queue>             ZSET of leased lanes by end of lease (wall ms); "*" for all that is held by hand, by the
 *                         earliest of their ends, or before
 *   k:<queue>             HASH lane -> token|id|owner.serial of a claim, and "r" if reaped; owner.gserial of a
 *                         commit that granted, and ".<end of lease, wall ms>h" while it is held by hand ("H": l: is there)
 *                         and, in front of that owner, "<broadcast>\n<lines of its timeline>" as long as nobody has
 *                         written to what the commit wrote of its s, tl, br, bf and ag: then its good end needs not
 *                         read the record (ends.lua). Whoever writes to these says so (rewritten(), gather.lua)
 *   cl:<queue>:<owner>    serial of the owner's last claim that leased something, for two leases
 *   x:<owner>:<serial>    reply of a commit that granted, for 10 s: it may be asked again
 *   sn:<sender>           HASH of a sender, the same for all gateways: paused (since ms), why, advice;
 *                         rest (until ms), rest_why; pct of its rate, allowed at `since` (ms), 5 % more
 *                         each second after; tat (its rate: GCRA arrival time in us); people (its tier, 0: none);
 *                         pf its portfolio; resumed (the last fencing token before it was resumed); via, via_at
 *                         who speaks in its place, and since when (ms)
 *   sc                    ZSET of senders that are configured, or were and have messages waiting; score: ms when
 *                         a gateway last had it in its configuration (jobs/alarms.h)
 *   al                    ZSET of alarms that are on: component -> ms when a gateway last saw it (jobs/alarms.h)
 *   pd:<portfolio>        HASH cf people a day as configured, told and at (ms) by the provider (-1: no limit);
 *                         "/<sender>" of each sender
 *   dp:<portfolio>        ZSET of people written to outside their window within 24 h -> since when (ms)
 *   dw:<person>:<sender>  SET of "<queue>\n<lane>" that wait for the tier, for two minutes since their last look
 *   pr:<queue>            HASH person -> GCRA arrival time in us
 *   m:<id>                HASH outbound message: b sealed body, s state, n sends, tl timeline (lines
 *                         "state,ms,detail"; the attempts that count are "sending,ms,attempt n"), q queue,
 *                         l lane, u person where the lane does not say him, x expiry, r and rf refusals that
 *                         pass and since when, rl those for what is tried a few times only, lu look-ups in vain,
 *                         fb the message that says it again by another way, st it stays with its sender,
 *                         hb older ones that were released behind it while it was leased,
 *                         ag attempts up to this one were refused after all, so it went again,
 *                         br broadcast, bf how it counts there; where it was said again, bo the first of these
 *                         messages, and in that one bg all of them; mt matter it is about
 *   mf:<cell>             HASH of messages of broadcasts that went their usual way, folded: no m:<id> then. The cell is an
 *                         id's first 15 characters; under the rest of the id "<queue>\n<broadcast>\n<matter>\n<lines>\n
 *                         <lane>\n<sealed body>" as it was granted, and under that with "." behind, once it was handed
 *                         over, "<broadcast>\n<timeline>". Scripts read a message by fields_of(), and change it by
 *                         message(), which makes m:<id> of it first (common.lua, commit/gather.lua)
 *   mx, mo:<order>        ZSETs of message ids, in their order: all, those about an order
 *   mu:<person>           the same of those to a person, but for those that broadcasts name (store/lua/told.lua)
 *   i:<id>                HASH inbound item: b sealed body, n tries, fo up to which follower it was told
 *   ev                    STREAM of events for the CMMS, id = sequence: b sealed body, c if it is posted
 *   cb:<seq>              HASH n tries, e error of its last
 *   ei:<n>, ein           ids of inbound items that came to their end, a line each; as d, but four are kept
 *   evt, em               last event that was dropped for its age; ZSET "<sequence> <ms>" of the last event
 *                         at some time
 *   es:<seq / 65536>      bits of the events that the CMMS took or refused
 *   dl                    ZSET of dead letters by time (ms): "in:<item>", "cb:<sequence>", "out:<message>"
 *   dl:<id>               HASH b sealed {kind, lane, reason, …}; of a message there is none: m:<id> tells
 *   d:<n>, dn             HASH of what was seen in four days: key -> fingerprint|value; the newest n
 *                         and since when. Three of them are kept
 *   rv                    HASH of newest accepted revision: order id -> mark
 *   p:<n>, pn             HASH of what providers call our messages: hashed id -> ours; as d, but four
 *                         of 30 days are kept
 *   ps:<hash>             LIST of statuses that came before the answer to our send, for an hour
 *   ps                    there are such, or were within the hour
 *   tp                    HASH Twilio sender -> wall ms up to which its list of messages was pulled
 *   w:<sender>            HASH person -> wall ms of his last message to that sender (24 h window)
 *   hm:<person>:<sender>  LIST of messages that wait for his next word to that sender, in order; hx ZSET of
 *                         "<queue>\n<lane>\n<id>" of all of them by the end of their wait (0: over)
 *   hg:<sender>           HASH person -> id of the message that asked him to write, or "failed"
 *   ap:<account>, apv     HASH "<template>|<language>" -> state of its approval (domain/template.h); HASH
 *                         account -> number of changes
 *   ts, tl                what is wished of templates, and who is at it (jobs/templates.h)
 *   td                    HASH "<template>|<language>" -> JSON of a template that the operator made
 *   u:<id> c:<id> o:<id>  documents (HASH v version, b sealed body, plain fields): person, conversation,
 *                         work order
 *   me:<id> mb:<hash> mq  files of people: domain/media.h; mx:media, mp:<person>, om:<order> ZSETs of their ids
 *   ud                    HASH hash of a person who was deleted -> 1, until what was said to him meanwhile is gone too
 *   ux                    HASH keyed hash of a phone or BSUID -> person
 *   rt                    HASH: at (ms) what is too old was looked for last, free (ms) when it is dropped again
 *   ch:<chore>            who runs it now; ends by itself after the chore's interval
 *   lk:<mac>              a link that works once was used (domain/link.h); until its end
 *   ss:<hash>             a browser session of a person: "<since, ms>|<person>|<what se: was>"; ends by itself
 *   se:<sha1 of person>   when his number changed, or he was deleted (ms): sessions from before are over; for 12 h
 *   vc:<phone hash>       HASH of a code sent to a phone: m its MAC, at since (ms), t tries that were wrong; ts
 *                         times (ms) of those sent within the hour, u the request that asked for the last
 *   va:<address hash>     codes asked for from an address within the hour
 *   b:<id> bc:<id> …      broadcasts: domain/broadcast.h
 *   y:<ref>, yl           matters: domain/matter.h
 *   …                     the indexes are described beside the *_store that owns them
 *
 * Invariant: a lane with items is in exactly one of r (ready or put off) and f+k (leased); one without is
 * in none. An item is in one list or in s.
 * Queues: "in" (webhooks and events), "out:<sender>" (messages), "cb" (callbacks).
 * Lanes: one digit of priority, then the key: "1u:<person>" in "in", "3<person>" and "0<person>:sms" in
 * "out:…", "3<subject hash>" in "cb".
 */
#ifndef CREWLINE_STORE_KEYS_H
#define CREWLINE_STORE_KEYS_H

enum prio { PRIO_CRITICAL, PRIO_REPLY, PRIO_HIGH, PRIO_NORMAL, PRIO_LOW, PRIO_COUNT };

#define QUEUE_IN         "in"
#define QUEUE_CB         "cb"
#define QUEUE_OUT_PREFIX "out:" /* followed by the sender's id */

#define WAKE_CHANNEL "crewline:wake" /* payload: "{tenant}:queue" */

#endif
