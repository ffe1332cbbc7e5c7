/*
 * outbox_int: one attempt to hand a message over, shared by outbox.c (the story), outbox_record.c
 * (writing down what came of it), outbox_sender.c (the sender: pace, pause, rest), outbox_lookup.c
 * (evidence from Twilio's list), outbox_content.c (the detour of Twilio's buttons), outbox_form.c
 * (session form or template), outbox_hold.c (messages that wait for their person's word),
 * outbox_via.c (by another sender while the own one is paused), outbox_gone.c (senders that were
 * taken out of the configuration) and outbox_reminder.c (reminders that had to wait).
 */
#ifndef CREWLINE_JOBS_OUTBOX_INT_H
#define CREWLINE_JOBS_OUTBOX_INT_H

#include "domain/template.h"
#include "jobs_int.h"

#define ATTEMPT_MAGIC 0x0b0c5002u

enum then {
    THEN_SENT,
    THEN_LATER,     /* certainly not accepted: again after wait_ms, not counted */
    THEN_HOLD,      /* nobody knows: evidence may come for wait_ms */
    THEN_UNCERTAIN, /* nobody knows, and it is not sent again */
    THEN_FAILED,
    THEN_EXPIRED,
    THEN_AWAIT,     /* it waits for the person's next word, who is asked for it */
    THEN_NEEDLESS,  /* the question is answered already, or of no use now: cancelled */
    THEN_CANCELLED, /* its broadcast was, before anything was handed over */
    THEN_DROP       /* decided by somebody else: only out of its lane */
};

struct attempt {
    uint32_t magic;
    struct job job;
    struct outbox *ob;  /* the sender it goes by */
    struct outbox *own; /* the one it was put to: another one while that is paused */
    struct lane_item *item;
    struct op *pending;
    struct timer *retry;
    struct arena *a;
    struct arena *scratch; /* of one try to record */
    struct message m;
    struct outcome o;
    enum then then;
    int64_t wait_ms;
    struct mono began;
    int tries;    /* to record */
    bool stays;   /* no other sender can say it: it waits for its own */
    bool local;   /* nothing was handed over: the attempt that the claim counted did not happen */
    bool refused; /* and that was the provider's word: such tries are counted apart */
    int64_t refusals;          /* of these, before this one */
    int64_t few;               /* of these, for what is tried a few times only */
    struct wall refused_since; /* the first of them; 0: none */
    bool uncounted;   /* its broadcast was cancelled: the claim leased it without an attempt */
    bool order_seen;  /* a reminder that waited: its order is still open */
    bool looked;      /* the provider was asked whether it has an attempt before this one */
    bool found;       /* and it has */
    bool again;       /* refused for the window or a limit: it counts no more, and the message goes again */
    bool look_failed; /* it could not be asked */
    struct lookup *lookup;
    bool late;       /* the lease was lost after the provider accepted: recorded as evidence */
    bool gone;       /* the record was deleted meanwhile: there is nothing to write to */
    bool forget;     /* the Content resource is gone: make another one */
    struct merge *merge; /* what was behind it about the same order; NULL: not looked for */
    bool slow, stop; /* what the answer means for the sender: to be told with the record */
    int64_t rest_ms;
    struct plan plan;
    struct str content_key;
    struct str content_turn; /* the key that says that it is our turn to make it, while it is */
    /* outside the 24-hour window */
    bool templated;           /* the message goes as a template: */
    struct str form_key;      /* "name|language" */
    bool chosen;              /* by us, not by whoever accepted it */
    enum template_status why; /* the one it should go by cannot be used */
    bool shut;                /* the provider says that the window is closed */
    bool marked;              /* it refuses the template: */
    struct template_state mark;
    bool asked; /* the person was asked to write before */
    struct message generic;
    struct str generic_id;
};

void attempt_free(struct attempt *at);
/** The one way out of an attempt: records what comes next and frees it. */
void attempt_end(struct attempt *at, enum then then, int64_t wait_ms);
/**
 * The end by our own judgement, without an attempt. A message that was handed over before without
 * an answer has not failed for that: nobody knows.
 */
void attempt_end_here(struct attempt *at, enum then then, const char *title, const char *advice);

/** What an item needs next: its judgement, a look-up, or to be sent. */
void outbox_begin(struct attempt *at);
/**
 * Asks the provider's own list of messages whether it accepted an attempt that nobody answered;
 * then the message is decided, or outbox_begin() goes on with it.
 */
void outbox_lookup(struct attempt *at);
/** Has this provider such a list? */
bool outbox_lookup_possible(const struct attempt *at);
/** Takes what waits behind it about the same order into it, then outbox_begin(). */
void outbox_merge(struct attempt *at);
bool outbox_merge_possible(const struct attempt *at);
/** Not begun, and nothing was handed over: again, uncounted. */
void outbox_put_back(struct attempt *at);
/** Looks whether its order is still open: cancelled, or outbox_begin() again. */
void outbox_reminder(struct attempt *at);
/** Is it a reminder that had to wait, and was not looked at yet? */
bool outbox_reminder_waited(const struct attempt *at);
/** The limits, then on its way: in the form it has now. */
void outbox_go(struct attempt *at);
/** Chooses the form of at->m, then outbox_go(); or another end. */
void outbox_form(struct attempt *at);
/** The approved template of @m in the best language, as a message; *why: none is. */
bool outbox_template(struct attempt *at, const struct message *m, struct message *out,
                     enum template_status *why);
/** Refused for its form: written down, and chosen again. False: it is for another reason. */
bool outbox_form_refused(struct attempt *at);
void outbox_form_writes(struct attempt *at, struct commit *c);
/** No form is left: it fails. */
void outbox_no_form(struct attempt *at);
/** Lets it wait for the person's next word. */
void outbox_hold(struct attempt *at);
void outbox_hold_plan(struct attempt *at);
void outbox_hold_checks(struct attempt *at, struct commit *c);
void outbox_hold_writes(struct attempt *at, struct commit *c);
/** Is it the question that asks a person to write? Its class is OUTBOX_WAITING. */
#define OUTBOX_WAITING "waiting"
bool outbox_is_waiting(const struct message *m);
/**
 * What a provider's code says about the template that it was sent by, with values of @ours or those
 * that the message's caller gave; UNKNOWN: nothing.
 */
enum template_status outbox_template_trouble(int64_t code, bool ours);

/* outbox_gone.c: an item of a sender that is not configured, by no other way: that one is paused. */
void outbox_gone(struct attempt *at);
/* outbox_via.c: in the place of a paused sender. */
void outbox_ways_make(struct outbox *ob);
void outbox_ways_rate(struct outbox *ob); /* the settings changed */
/** Makes at->m what at->ob can say. False: it cannot, and the attempt has ended. */
bool outbox_via(struct attempt *at);
/** The end of an attempt that at->ob cannot make for at->own. */
void outbox_stay(struct attempt *at, const char *why);
void outbox_via_writes(struct attempt *at, struct commit *c);

/** Builds the request and sends it. */
void outbox_send(struct attempt *at);
/** Finds or makes the Content resource that the options need, then outbox_send(). */
void outbox_content(struct attempt *at);
/** The one it used is unknown to Twilio: out of the memory; the record takes it out of Redis. */
void outbox_content_forget(struct attempt *at);

/* What the provider wants from the sender, told to all gateways by the commit that records the
 * attempt. */
void outbox_slow_down(struct attempt *at);
void outbox_rest(struct attempt *at, int64_t ms);
void outbox_pause(struct attempt *at);
void outbox_tell(struct attempt *at, struct commit *c);
/** Ends an attempt that was refused for a limit or for its sender: the message waits. False: for neither. */
bool outbox_held_back(struct attempt *at);
/**
 * The same, by a status that failed a message of @sender's to @user, in the commit of that. It was refused so
 * @tries times before: it is accepted at once each time, so the rest is what keeps it from going to and fro.
 */
void sender_told(struct engine_tenant *et, struct str sender, struct str user,
                 const struct provider_error *row, int64_t tries, struct commit *c);

/** For the lanes of its queue. */
void outbox_on_item(void *ctx, struct lane_item *item);

/** One more of its messages was answered: what it may hold follows. */
void outbox_answered(struct outbox *ob, bool http2);

/* Pure, for tests. */
/** How many it may hold at once when @per_s are answered a second. */
size_t outbox_slots(int64_t per_s, bool http2);
int64_t outbox_backoff_ms(int64_t tries);
int64_t outbox_max_sends(const struct settings *s, const struct message *m);

#endif
