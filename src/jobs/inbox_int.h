/*
 * inbox_int: one inbound item being executed, shared by inbox.c (opening, people's words, the end),
 * inbox_event.c (events of the CMMS and its refusals), inbox_status.c (statuses that need a
 * decision), inbox_account.c (limits that the provider tells), inbox_failover.c (critical messages
 * that do not reach their person), inbox_template.c (approvals), inbox_matter.c (clocks of matters),
 * inbox_media.c (files) and inbox_removal.c (a person goes, with all that was said to him).
 */
#ifndef CREWLINE_JOBS_INBOX_INT_H
#define CREWLINE_JOBS_INBOX_INT_H

#include "domain/cmms_event.h"
#include "domain/template.h"
#include "domain/view.h"
#include "domain/command.h"
#include "jobs_int.h"

struct broadcast_run; /* broadcast_int.h */
struct media_item;
struct translating;
struct group_word;

#define INBOX_MAGIC 0x1b0c5001u

struct inbox_job {
    uint32_t magic;
    struct job job;
    struct engine_tenant *et;
    struct lane_item *item;
    struct op *pending;
    struct timer *retry;
    struct arena *a;    /* the input, for the life of the job */
    struct arena *work; /* reads and plan, anew for each try */
    struct str text;    /* the item, opened */
    struct mono began;
    int tries, conflicts;
    void (*read)(struct inbox_job *j); /* (re)starts from fresh reads */
    void (*decide)(struct inbox_job *j); /* behind inbox_read_docs() */
    struct plan plan;
    /* what the end writes beside the plan */
    struct str dead;  /* why it cannot be carried out: a dead letter */
    bool keep;        /* nothing to act upon: kept for the operator */
    int64_t later_ms; /* not finished: comes again in that time */
    /* a person's item, or a status */
    struct inbound in;
    struct str sender_id;
    bool read_asked;         /* of a tap on "Read it" it is known whether anything waits */
    struct str message_id;   /* of a status: which message it moves, */
    struct str message_hash; /* or only the provider's id of it */
    bool critical_failed;    /* said again by another way, at once */
    const struct message *group_message; /* to a group, that did not reach it, or not all of them */
    int64_t again;           /* refused after all, at that attempt: it goes once more; 0: it does not */
    const struct provider_error *trouble; /* what its sender is in, says the status; or NULL */
    struct str trouble_user;              /* and with whom */
    /* what is learned of a template */
    struct str template_key; /* "name|language"; empty: nothing */
    struct template_state template_state;
    bool template_look; /* the provider is to be asked soon */
    int64_t people; /* that the portfolio may write to in a day, says the provider; -1: no limit */
    struct str shut;    /* whose window is closed, says the provider: his last word was before */
    struct wall shut_before;
    struct str unheard; /* whom the question that asks him to write did not reach */
    /* an event's, or a refusal's */
    struct json *json;
    struct cmms_event event;
    struct cmms_reads *reads;
    struct cmms_view view;
    struct str reason;
    struct str followers_after; /* of who follows a machine: the last of this slice; all before him were told */
    bool followers_more;        /* and there are more behind him */
    struct str said_before; /* of a removal: where the next slice of what was said to him begins */
    struct translating *translating; /* translate.c; NULL: not asked */
    bool original_read;              /* of a message's own words it is known whether they are kept */
    struct str original, original_key;
    /* a critical message that is looked after */
    struct str late_id, late_next; /* it, the one that says it again, */
    struct str late_detail;        /* and a line of its timeline */
    /* consent: who stopped what (bits of classes), by a refusal; 0: the webhook says it */
    struct str stopped_person;
    unsigned stopped;
    struct str moved_phone; /* or which number is his no more */
    struct stopping *stopping; /* inbox_stopped.c */
    struct assist *assist; /* what a helper is asked (inbox_assist.c), or NULL */
    /* a matter's */
    struct str matter_ref;
    int64_t matter_clock, matter_version;
    struct matter_wants *matter_wants;
    struct group_word *group; /* what was said to a team's group did not reach it: inbox_group.c; or NULL */
    /* a broadcast's */
    struct broadcast_run *run;
    struct media_item *file; /* inbox_media.c */
    void (*also_check)(struct inbox_job *j, struct commit *c); /* beside the plan, or NULL */
    void (*also_write)(struct inbox_job *j, struct commit *c);
};

/** Frees the job; its lease runs out unless a commit has ended it. */
void inbox_free(struct inbox_job *j);
/** Tries again from fresh reads, after a pause that grows. */
void inbox_again(struct inbox_job *j, const struct err *err);
/** The end of an item that cannot be carried out: it becomes a dead letter that says why. */
void inbox_set_aside(struct inbox_job *j, const struct err *err);
/** In a commit of an item that lives on: it has got on, so the turns that were lost before do not count. */
void inbox_got_on(struct inbox_job *j, struct commit *c);
/** Begins the plan of this try. */
void inbox_plan(struct inbox_job *j, struct str cause);
/** Commits plan and end in one. */
void inbox_run(struct inbox_job *j);
/** First step of an item that has no effect but its end. */
void inbox_read_nothing(struct inbox_job *j);
/** What came of one slice of many; true: the next may begin, with @work empty. Else the job is gone. */
bool inbox_slice_kept(struct inbox_job *j, const struct err *err, const struct commit_outcome *outcome);
/** Is the job's turn over because its lease is? Then it is gone. */
bool inbox_over(struct inbox_job *j);

/* Items: fill the job and its first step from the text behind the letter. */
bool inbox_open_event(struct inbox_job *j, struct str text, struct err *err);
bool inbox_open_refusal(struct inbox_job *j, struct str text, struct err *err);

bool inbox_open_stopped(struct inbox_job *j, struct str text, struct err *err);
bool inbox_open_moved(struct inbox_job *j, struct str text, struct err *err);
bool inbox_open_consent(struct inbox_job *j, struct str text, struct err *err);
void inbox_read_consent(struct inbox_job *j);
bool inbox_open_reminder(struct inbox_job *j, struct str text, struct err *err);
bool inbox_open_failover(struct inbox_job *j, struct str text, struct err *err);
void inbox_failover_check(struct inbox_job *j, struct commit *c);
void inbox_failover_write(struct inbox_job *j, struct commit *c);
bool inbox_open_assist(struct inbox_job *j, struct str text, struct err *err);
void inbox_assist_free(struct inbox_job *j);
bool inbox_open_matter(struct inbox_job *j, struct str text, struct err *err);
void inbox_read_matter(struct inbox_job *j);
bool inbox_open_group(struct inbox_job *j, struct str text, struct err *err);
/** What people.lua says of the group, and what became of what was said there. */
void inbox_group_view(struct inbox_job *j, const struct reply *reply, struct matter_view *v);
/** Who writes in a group, or has got something there, is in it: kept with what follows. */
void inbox_seen_in_group(struct inbox_job *j);
/** What the provider tells of a group: suspended, who came and who left. */
void inbox_read_group(struct inbox_job *j);
/** @lost: it has ended the gateway several times. */
bool inbox_open_media(struct inbox_job *j, struct str text, bool lost, struct err *err);
void inbox_media_free(struct inbox_job *j);
/** The items of the files that the plan tells of. */
void inbox_media_write(struct inbox_job *j, struct commit *c);
/** An event about a broadcast: then j->read is set. */
bool inbox_is_broadcast(struct inbox_job *j);
bool inbox_open_broadcast(struct inbox_job *j, struct str text, struct err *err);

/* First steps. */
void inbox_read_status(struct inbox_job *j);
void inbox_read_removal(struct inbox_job *j);
void inbox_read_template(struct inbox_job *j);
void inbox_read_account(struct inbox_job *j);
/** What a failed status of @m, sent by the template @form ("name|language", or empty), tells. */
void inbox_note_template(struct inbox_job *j, const struct message *m, struct str form);
void inbox_write_template(struct inbox_job *j, struct commit *c);
/** The documents that j->reads names, into j->view; then j->decide(). */
void inbox_read_docs(struct inbox_job *j);
/** Before the decision on an event: false: nothing to translate; else j->decide() comes later. */
bool inbox_translate(struct inbox_job *j);
void inbox_translated(struct inbox_job *j); /* behind inbox_plan(): notices look in it */
void inbox_translate_free(struct inbox_job *j);
/** Is the original of a translated message asked for? Then it is read, and the person's item anew. */
bool inbox_asks_original(struct inbox_job *j, const struct view *view);
/** The last step of reading an event. */
void inbox_decide_event(struct inbox_job *j);
/** Checks and writes of a status, in its commit. */
void inbox_check_status(struct inbox_job *j, struct commit *c);
void inbox_write_status(struct inbox_job *j, struct commit *c);

#endif
