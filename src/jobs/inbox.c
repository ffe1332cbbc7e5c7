/*
 * inbox: executes what was accepted: a person's words and taps, failed statuses, events of the
 * CMMS, the CMMS's refusals. One item: OPEN -> READ -> DECIDE -> COMMIT; a conflict reads again.
 * The commit that holds the effects also ends the item, so it happens once however often it is
 * tried.
 *
 * An item that cannot be carried out (its record does not open, a record it needs is damaged, the
 * plan is impossible, it has ended the gateway several times) becomes a dead letter: it is listed
 * with its reason, i:<id> stays, and the lane goes on.
 */
#include "base/log.h"
#include "base/mem.h"
#include "broadcast_int.h"
#include "domain/talk.h"
#include "domain/team.h"

#define CONFLICTS_MAX 8
/* A try that is lost with its worker counts; an item that kills gateways must not do so for ever.
 */
#define LOST_TRIES_MAX 5

void inbox_free(struct inbox_job *j)
{
    job_end(&j->job);
    op_cancel(&j->pending);
    broadcast_run_free(j);
    inbox_assist_free(j);
    inbox_media_free(j);
    inbox_translate_free(j);
    timer_free(&j->retry);
    json_free(&j->json);
    arena_free(&j->a);
    arena_free(&j->work);
    lane_item_done(&j->item);
    mem_free(&j);
}

static void drop_job(struct job *job)
{
    inbox_free(LIST_OF(job, struct inbox_job, job));
}

static struct str item_key(struct inbox_job *j)
{
    return arena_printf(j->a, "i:%.*s", STR_ARG(j->item->id));
}

bool inbox_over(struct inbox_job *j)
{
    if (lane_item_live(j->item)) {
        return false;
    }
    inbox_free(j); /* it comes again, here or elsewhere */
    return true;
}

/* ---- again ---- */

static void read_afresh(struct inbox_job *j)
{
    arena_reset(j->work);
    j->read(j);
}

static void on_retry(void *ctx)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (!inbox_over(j)) {
        read_afresh(j);
    }
}

void inbox_again(struct inbox_job *j, const struct err *err)
{
    log_warn("inbound item put off", LF_STR("tenant", j->et->t.id), LF_STR("item", j->item->id),
             LF_Z("reason", err->msg));
    if (j->retry == NULL) {
        j->retry = timer_new(j->et->e->loop, on_retry, j);
    }
    timer_start(j->retry, job_retry_ms(j->tries++));
}

/* ---- the end of an item ---- */

void inbox_plan(struct inbox_job *j, struct str cause)
{
    plan_init(&j->plan, j->work, &j->et->t, wall_now(), cause.n > 0 ? cause : j->item->id);
}

/* With nothing read and nothing decided: its only effect is its end. */
void inbox_read_nothing(struct inbox_job *j)
{
    inbox_plan(j, STR_NONE);
    inbox_run(j);
}

void inbox_set_aside(struct inbox_job *j, const struct err *err)
{
    log_error("inbound item set aside: dead letter", LF_STR("tenant", j->et->t.id),
              LF_STR("item", j->item->id), LF_Z("reason", err->msg));
    metric_add(METRIC_DAMAGED, 1);
    j->dead = arena_dup(j->a, str_of(err->msg));
    j->message_id = j->message_hash = STR_NONE;
    j->late_next = j->late_detail = STR_NONE;
    j->critical_failed = j->followers_more = false;
    j->trouble = NULL;
    j->again = j->later_ms = 0;
    j->keep = false;
    j->also_check = j->also_write = NULL;
    j->read = inbox_read_nothing;
    read_afresh(j);
}

static void on_failed(struct inbox_job *j, const struct err *err)
{
    if (err_retry(err->code)) {
        inbox_again(j, err);
    } else if (j->dead.n == 0) {
        inbox_set_aside(j, err); /* the plan itself is impossible: trying for ever mends nothing */
    } else {
        log_error("inbound item not even set aside", LF_STR("item", j->item->id),
                  LF_Z("reason", err->msg));
        inbox_free(j);
    }
}

static void on_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct err busy = {0};

    j->pending = NULL;
    if (err != NULL) {
        on_failed(j, err);
        return;
    }
    if (outcome->result == COMMIT_CONFLICT && ++j->conflicts <= CONFLICTS_MAX) {
        read_afresh(j);
        return;
    }
    if (outcome->result == COMMIT_CONFLICT) {
        j->conflicts = 0;
        err_set(&busy, ERR_STORE_CONFLICT, "what it reads keeps changing");
        inbox_again(j, &busy);
        return;
    }
    if (j->plan.nmedia > 0) {
        lane_worker_wake(j->et->in);
    }
    if (j->followers_more &&
        (outcome->result == COMMIT_OK || outcome->result == COMMIT_DUPLICATE)) {
        if (!inbox_over(j)) {
            read_afresh(j);
        }
        return;
    }
    if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
    } else if (j->in.kind == INBOUND_MESSAGE && j->json == NULL && j->dead.n == 0) {
        histogram_add(HISTOGRAM_COMMAND, mono_now().us - j->began.us);
        if (j->plan.responded_ms > 0) {
            histogram_add(HISTOGRAM_ALERT, j->plan.responded_ms * 1000);
        }
        read_mark(j->et, j->sender_id, &j->in);
    }
    inbox_free(j);
}

static void plan_lease(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    lane_check_lease(c, j->item);
    inbox_failover_check(j, c);
    inbox_check_status(j, c);
    if (j->also_check != NULL) {
        j->also_check(j, c);
    }
    if (j->followers_more) { /* the lease stays: asked again this would all be written twice */
        commit_once(c, arena_printf(j->work, "fo:%.*s:%.*s", STR_ARG(j->item->id),
                                    STR_ARG(j->followers_after)));
    }
}

static void write_dead(struct inbox_job *j, struct commit *c)
{
    const struct dead_letter d = {"in:",         "inbound", j->item->id,
                                  j->item->lane, j->dead,   j->item->sends};

    dead_letter_write(j->et, j->work, c, &d);
    if (j->item->body.n > 0) {
        commit_hset(c, item_key(j), STR("n"), STR("0")); /* a replay begins to count anew */
    }
}

void inbox_got_on(struct inbox_job *j, struct commit *c)
{
    if (j->item->sends > 0) {
        commit_hset(c, item_key(j), STR("n"), STR("0"));
    }
}

/* Behind the effects: the window of the speaker, the state of a message, and the item's own end. */
static void plan_end(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (j->plan.speaker.n > 0) {
        commit_hmax(c, arena_printf(j->work, "w:%.*s", STR_ARG(j->sender_id)), j->plan.speaker,
                    j->in.at.ms);
        commit_heard(c, j->sender_id, j->plan.speaker, STR("the person wrote"));
    }
    inbox_failover_write(j, c);
    inbox_write_template(j, c); /* a window that is shut is, before anything goes again */
    if (j->message_id.n > 0 || j->message_hash.n > 0) {
        inbox_write_status(j, c);
    }
    inbox_media_write(j, c);
    if (j->keep) {
        kept_write(j->et, j->work, c, &j->in);
    }
    if (j->also_write != NULL) {
        j->also_write(j, c);
    }
    if (j->followers_more) {
        inbox_got_on(j, c);
        commit_hset(c, item_key(j), STR("fo"), j->followers_after);
        return;
    }
    if (j->later_ms > 0) {
        inbox_got_on(j, c);
        lane_put_off(c, j->item, j->later_ms);
        return;
    }
    if (j->dead.n > 0) {
        lane_finish(c, j->item);
        write_dead(j, c);
    } else {
        commit_done(c);
    }
}

void inbox_run(struct inbox_job *j)
{
    const struct plan_run run = {plan_lease, plan_end, on_planned, j};

    j->pending = engine_run_plan(j->et->e, j->et, &j->plan, &run);
}

bool inbox_slice_kept(struct inbox_job *j, const struct err *err,
                      const struct commit_outcome *outcome)
{
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return false;
    }
    if (outcome->result != COMMIT_OK) {
        metric_add(METRIC_FENCED, 1);
        inbox_free(j); /* somebody else goes on with it */
        return false;
    }
    if (inbox_over(j)) {
        return false;
    }
    arena_reset(j->work);
    return true;
}

/* ---- a person said something ---- */

static void read_person(struct inbox_job *j);

static void on_waits(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    j->read_asked = true;
    if (reply_int(reply) > 0) {
        j->in.payload = STR(TALK_READING);
    }
    read_person(j);
}

/* A tap on "Read it": whether anything waits for it decides what is said. */
static bool asks_to_read(struct inbox_job *j, const struct view *view)
{
    struct str payload = j->in.payload;
    struct call call;

    if (j->read_asked || view->user == NULL ||
        !(str_eqz(payload, "read") || str_starts(payload, STR("read:")))) {
        return false;
    }
    call_init(&call);
    call_str(&call, STR("HEXISTS"));
    call_str(&call,
             arena_printf(j->work, "{%.*s}:hg:%.*s", STR_ARG(j->et->t.id), STR_ARG(j->sender_id)));
    call_str(&call, view->user->id);
    j->pending = store_run(j->et->e->store, &call, on_waits, j);
    return true;
}

/* Whose window it opens: what is said in a group opens that of the group, and none of his own. */
static struct str speaker_of(struct inbox_job *j, const struct view *view)
{
    const struct team_group *g;

    if (j->in.group_id.n == 0) {
        return view->user != NULL ? view->user->id : STR_NONE;
    }
    g = tenant_group(j->et->t.conf, j->sender_id, j->in.group_id);
    return g != NULL ? team_address(j->work, g->team) : STR_NONE;
}

static void on_view(void *ctx, const struct err *err, const struct view *view)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct view seen;

    j->pending = NULL;
    if (err != NULL && err->code == ERR_DAMAGED) {
        inbox_set_aside(j, err);
        return;
    }
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    metric_add(METRIC_DAMAGED, (int64_t)view->ndamaged);
    if (asks_to_read(j, view) || inbox_asks_original(j, view)) {
        return;
    }
    inbox_plan(j, STR_NONE);
    j->plan.speaker = speaker_of(j, view);
    if (j->plan.speaker.n > 0) {
        j->plan.spoken_to = j->sender_id;
        j->plan.spoken_at = j->in.at;
    }
    inbox_seen_in_group(j);
    seen = *view;
    seen.original = j->original;
    talk_decide(&seen, &j->in, j->sender_id, &j->plan);
    inbox_run(j);
}

static void read_person(struct inbox_job *j)
{
    struct view_query query = {0};

    talk_query(j->work, &j->et->t, &j->in, &query);
    j->pending = view_load(j->et->e->store, &j->et->t, j->work, &query, on_view, j);
}

/* ---- opening an item ---- */

static bool open_webhook(struct inbox_job *j, struct str text, struct err *err)
{
    struct str record;

    if (!str_cut(text, '\n', &j->sender_id, &record) ||
        tenant_sender(j->et->t.conf, j->sender_id) == NULL) {
        return err_set(err, ERR_DAMAGED,
                       "it came to sender \"%.*s\", which is not configured any more",
                       STR_ARG(str_slice(j->sender_id, 0, 64)));
    }
    if (!inbound_decode(j->a, record, &j->in, err)) {
        return false;
    }
    if (j->in.kind == INBOUND_MESSAGE) {
        j->read = read_person;
    } else if (j->in.kind == INBOUND_STATUS && j->in.state != DELIVERY_NONE) {
        j->read = inbox_read_status;
    } else if (j->in.kind == INBOUND_TEMPLATE) {
        j->read = inbox_read_template;
    } else if (j->in.kind == INBOUND_ACCOUNT) {
        j->read = inbox_read_account;
    } else if (j->in.kind == INBOUND_OPT_OUT) {
        j->read = inbox_read_consent;
    } else if (j->in.kind == INBOUND_GROUP) {
        j->read = inbox_read_group;
    } else {
        j->keep = true;
        j->read = inbox_read_nothing;
    }
    return true;
}

static bool open_item(struct inbox_job *j, struct err *err)
{
    bool lost = j->item->reaped && j->item->sends >= LOST_TRIES_MAX;
    struct str rest;

    if (!job_item_body(j->et, j->a, item_key(j), j->item, &j->text, err)) {
        return false;
    }
    rest = str_slice(j->text, 1, j->text.n);
    if (j->text.n > 0 && j->text.p[0] == ITEM_MEDIUM) {
        return inbox_open_media(j, rest, lost, err);
    }
    if (lost) {
        return err_set(err, ERR_DAMAGED,
                       "it was begun %lld times, and each time the gateway ended or its "
                       "lease ran out",
                       (long long)j->item->sends);
    }
    switch (j->text.n > 0 ? j->text.p[0] : '\0') {
    case ITEM_WEBHOOK:
        return open_webhook(j, rest, err);
    case ITEM_EVENT:
        return inbox_open_event(j, rest, err);
    case ITEM_FAILOVER:
        return inbox_open_failover(j, rest, err);
    case ITEM_STOPPED:
        return inbox_open_stopped(j, rest, err);
    case ITEM_MOVED:
        return inbox_open_moved(j, rest, err);
    case ITEM_CONSENT:
        return inbox_open_consent(j, rest, err);
    case ITEM_REMINDER:
        return inbox_open_reminder(j, rest, err);
    case ITEM_REFUSED:
        return inbox_open_refusal(j, rest, err);
    case ITEM_ASSIST:
        return inbox_open_assist(j, rest, err);
    case ITEM_MATTER:
        return inbox_open_matter(j, rest, err);
    case ITEM_GROUP:
        return inbox_open_group(j, rest, err);
    case ITEM_BROADCAST:
        return inbox_open_broadcast(j, rest, err);
    default:
        return err_set(err, ERR_DAMAGED, "it is of an unknown kind, perhaps of a newer version");
    }
}

static void on_item(void *ctx, struct lane_item *item)
{
    struct inbox_job *j = MEM_NEW(struct inbox_job);
    struct engine_tenant *et = ctx;
    struct err err = {0};

    *j = (struct inbox_job){
        .magic = INBOX_MAGIC, .et = et, .item = item, .a = arena_new(), .work = arena_new()};
    job_begin(et->e, &j->job, drop_job);
    j->began = mono_now();
    if (!open_item(j, &err)) {
        inbox_set_aside(j, &err);
        return;
    }
    j->read(j);
}

void inbox_start(struct engine_tenant *et)
{
    const struct lane_options o = {.tenant = et->t.id,
                                   .queue = STR(QUEUE_IN),
                                   .record = LANE_INBOUND,
                                   .slots = INBOX_SLOTS,
                                   .lease_ms = et->e->o.settings->lease_ms,
                                   .on_item = on_item,
                                   .ctx = et};

    et->in = lane_worker_new(et->e->loop, et->e->store, &o);
    lane_worker_wake(et->in);
}
