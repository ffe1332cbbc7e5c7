/*
 * broadcast_round: a round of a broadcast, chunk by chunk: READ -> (ROOM) -> COMMIT, the next chunk
 * being read meanwhile. A chunk's messages, its people's entries and the cursor are one commit that
 * checks the lease and the version of b:<id>, so a chunk takes effect once.
 *
 * Where senders have no rate the commit asks for grants, so that no message of it costs a claim,
 * and waits a little for their slots: faster than they are sent they need not be expanded.
 */
#include "base/log.h"
#include "base/mem.h"
#include "broadcast_int.h"
#include "domain/user_store.h"

#define ROOM_LOOK_MS 1
#define ROOM_MOST_US 50000
#define UNGRANTED    32 /* chunks: what holds a sender back (a pause, a slower pace) lasts */

static void read_chunk(struct broadcast_run *run, int64_t nth, size_t into);
static void commit_chunk(struct broadcast_run *run);

/* ---- reading a chunk ---- */

static void on_chunk(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct broadcast_run *run = j->run;

    run->ahead = NULL;
    /* Is the one before it being committed, or about to be? If this one failed, it is read again
     * when its turn comes. */
    if (j->pending != NULL || run->waiting) {
        return;
    }
    if (err != NULL) {
        inbox_again(j, err);
    } else {
        commit_chunk(run);
    }
}

static void read_chunk(struct broadcast_run *run, int64_t nth, size_t into)
{
    run->ahead = broadcast_chunk_read(run, nth, &run->chunks[into], on_chunk, run->j);
}

/* ---- the messages of a chunk ---- */

static const struct message *form_of(struct broadcast_run *run, const struct user *u)
{
    const struct tenant *t = &run->j->et->t;
    const struct lang *l = broadcast_lang(&run->b, t, u);
    size_t nth = broadcast_text_for(&run->b, t, u), i = 0;

    while (i < run->nforms && (run->forms[i].l != l || run->forms[i].nth != nth)) {
        i++;
    }
    if (i == run->nforms) {
        i = i < FORMS_MAX ? run->nforms++ : 0;
        run->forms[i].l = l;
        run->forms[i].nth = nth;
        broadcast_message(run->j->a, t, &run->b, l, nth, &run->forms[i].m);
    }
    return &run->forms[i].m;
}

/* Whoever was in the audience and can no longer be written to is skipped now. */
static bool may_tell(struct broadcast_run *run, const struct chunk_row *row, struct user *u)
{
    struct inbox_job *j = run->j;
    struct err err = {0};

    if (row->doc.version == 0) {
        return false;
    }
    if (!user_open(&j->et->t, j->work, row->person, &row->doc, u, &err)) {
        log_error("left out of a broadcast: the record does not open",
                  LF_STR("tenant", j->et->t.id), LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    return broadcast_verdict(&run->b, u) == NOTIFY_YES;
}

static bool is_silent(const struct chunk_row *row)
{
    return (str_eqz(row->state, "sent") || str_eqz(row->state, "delivered") ||
            str_eqz(row->state, "read")) &&
           str_find_char(row->flags, 'a', 0) == SIZE_MAX;
}

/* 0: at once. */
static struct wall quiet_until(struct broadcast_run *run, const struct user *u)
{
    struct wall now = run->j->plan.now,
                awake = user_quiet_until(u, run->j->et->t.conf->timezone, now);

    return (struct wall){run->b.prio >= PRIO_NORMAL && awake.ms > now.ms ? awake.ms : 0};
}

/* The file before the question about it: no provider takes both in one message. */
static void tell_file(struct broadcast_run *run, int64_t place, const struct user *u,
                      struct wall send_at)
{
    struct inbox_job *j = run->j;
    struct message *m = plan_message(&j->plan, u, MESSAGE_TEXT);

    m->id = broadcast_message_id(j->work, &run->ids, place);
    m->text = broadcast_captioned(run->b.media.mime) ? run->b.title : STR_NONE;
    m->cls = str_of(user_class_name(CLASS_TRAINING));
    m->prio = run->b.prio;
    m->send_at = send_at;
    m->expires = run->b.expires;
    broadcast_media(j->work, &run->b, m);
}

/* A grant where nobody can be waiting for the sender's rate. */
static void ask_grant(struct broadcast_run *run, const struct chunk_row *row,
                      struct plan_message *pm)
{
    const struct tenant_settings *conf = run->j->et->t.conf;
    const struct sender *s = tenant_sender_for(conf, pm->m.sender, STR_NONE);
    size_t nth = s == NULL ? BROADCAST_WINDOWS : (size_t)(s - conf->senders);

    if (run->ungranted > 0 || nth >= BROADCAST_WINDOWS || s->rate_per_second > 0 ||
        pm->m.send_at.ms > 0) {
        return;
    }
    pm->window.ms = row->windows[nth];
    pm->grant = run->j->plan.now.ms - pm->window.ms < WINDOW_MS ? GRANT_BULK : GRANT_OUTSIDE;
}

static struct str tell(struct broadcast_run *run, const struct chunk_row *row, int64_t place,
                       const struct user *u)
{
    struct inbox_job *j = run->j;
    struct message *m = plan_message(&j->plan, u, MESSAGE_TEXT), to = *m;
    struct plan_message *pm = &j->plan.messages[j->plan.nmessages - 1];

    *m = *form_of(run, u);
    m->id = broadcast_message_id(j->work, &run->ids, place);
    m->user = to.user;
    m->phone = to.phone;
    m->bsuid = to.bsuid;
    m->sender = to.sender;
    m->cause = run->id;
    m->created = to.created;
    m->send_at = quiet_until(run, u);
    pm->first = true;
    ask_grant(run, row, pm);
    return m->id;
}

/* ---- the commit ---- */

static struct str record_key(struct broadcast_run *run)
{
    return arena_printf(run->j->work, "b:%.*s", STR_ARG(run->id));
}

static void chunk_checks(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    lane_check_lease(c, j->item);
    commit_check_version(c, record_key(j->run), j->run->state.version);
}

/* Whom the question is put to; empty in the place of his message (plan_message.first) who was left
 * out. */
static void write_people(struct broadcast_run *run, struct commit *c)
{
    struct inbox_job *j = run->j;
    const struct chunk *chunk = &run->chunks[run->at];
    struct str of = arena_printf(j->work, "bm:%.*s", STR_ARG(run->id));
    char ask = run->b.ask == BROADCAST_ASK_SAFETY ? 's' : 'a';
    bool told = false;

    for (size_t i = 0; i < chunk->n; i++) {
        const struct chunk_row *row = &chunk->rows[i];

        told = told || (row->told && row->now.n > 0);
        if (row->told && row->now.n == 0) {
            commit_hset(c, of, row->person, STR_NONE);
        }
    }
    if (!told || run->b.ask == BROADCAST_ASK_NONE || run->b.ask == BROADCAST_ASK_READ) {
        return;
    }
    commit_fields(c, STR("bq"));
    for (size_t i = 0; i < chunk->n; i++) {
        if (chunk->rows[i].told && chunk->rows[i].now.n > 0) {
            commit_field(c, arena_printf(j->work, "%.*s|%c", STR_ARG(chunk->rows[i].person), ask),
                         run->id);
        }
    }
}

static void write_recasts(struct broadcast_run *run, struct commit *c)
{
    const struct chunk *chunk = &run->chunks[run->at];

    for (size_t i = 0; i < chunk->n; i++) {
        const struct chunk_row *row = &chunk->rows[i];

        if (run->round > 1 && row->told && row->now.n > 0) {
            commit_broadcast_recast(c, run->id, row->message, row->now);
        }
    }
}

static void write_skipped(struct broadcast_run *run, struct commit *c)
{
    struct str counts = arena_printf(run->j->work, "bc:%.*s", STR_ARG(run->id));
    const struct chunk *chunk = &run->chunks[run->at];
    int64_t n = 0;

    for (size_t i = 0; i < chunk->n; i++) {
        n += chunk->rows[i].told && chunk->rows[i].now.n == 0;
    }
    if (n > 0) {
        commit_hincr(c, counts, STR("queued"), -n);
        commit_hincr(c, counts, STR("total"), -n);
        commit_hincr(c, counts, STR("skipped"), n);
    }
}

static void chunk_writes(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct broadcast_run *run = j->run;
    struct str key = record_key(run);

    write_people(run, c);
    write_recasts(run, c);
    write_skipped(run, c);
    commit_hset(c, key, STR("v"), arena_printf(j->work, "%lld", (long long)run->state.version + 1));
    commit_hset(c, key, STR("cu"), arena_printf(j->work, "%lld", (long long)run->state.cursor + 1));
    if (str_eqz(run->state.state, "scheduled")) {
        commit_hset(c, key, STR("st"), STR("sending"));
    }
    inbox_got_on(j, c);
    if (run->yield) {
        lane_put_off(c, j->item, 0);
    }
}

/* What holds all of a chunk back holds the next ones back too: those do not wait for slots. */
static void note_grants(struct broadcast_run *run, const struct commit_outcome *outcome)
{
    const struct plan *plan = &run->j->plan;
    size_t asked = 0, got = 0;

    for (size_t i = 0; i < plan->nmessages; i++) {
        asked += plan->messages[i].grant != GRANT_NONE;
        got += commit_result_int(outcome, plan->messages[i].result) > 0;
    }
    run->ungranted = asked > 0 && got == 0 ? UNGRANTED
                     : run->ungranted > 0  ? run->ungranted - 1
                                           : 0;
}

static void on_committed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct broadcast_run *run = j->run;

    j->pending = NULL;
    if (err != NULL && err_retry(err->code)) {
        op_cancel(&run->ahead);
        inbox_again(j, err);
        return;
    }
    if (err != NULL) {
        op_cancel(&run->ahead);
        inbox_set_aside(j, err);
        return;
    }
    if (outcome->result != COMMIT_OK) { /* cancelled meanwhile, or the lease is somebody else's */
        metric_add(METRIC_FENCED, outcome->result == COMMIT_FENCED);
        op_cancel(&run->ahead);
        if (outcome->result == COMMIT_FENCED) {
            inbox_free(j);
        } else {
            arena_reset(j->work);
            j->read(j);
        }
        return;
    }
    if (run->yield) {
        inbox_free(j);
        return;
    }
    note_grants(run, outcome);
    run->state.version++;
    run->state.cursor++;
    run->chunks[run->at].ready = false;
    if (run->state.cursor >= run->state.chunks) {
        arena_reset(j->work);
        j->read(j);
        return;
    }
    run->at = !run->at;
    if (run->chunks[run->at].ready) {
        commit_chunk(run);
    } else if (run->ahead == NULL) {
        read_chunk(run, run->state.cursor, run->at);
    }
}

/* A chunk's lines never change, so each has its places for good: of the file, and behind it of the
 * message. */
static void decide(struct broadcast_run *run, struct chunk *chunk, size_t nth)
{
    struct chunk_row *row = &chunk->rows[nth];
    int64_t place = 2 * (chunk->nth * BROADCAST_CHUNK + (int64_t)nth);
    struct user u;

    if (row->verdict != NOTIFY_YES || (run->round > 1 && !is_silent(row))) {
        return;
    }
    if (may_tell(run, row, &u)) {
        if (run->round == 1 && broadcast_media_apart(&run->b)) {
            tell_file(run, place, &u, quiet_until(run, &u));
        }
        row->now = tell(run, row, place + 1, &u);
        row->told = true;
    } else {
        row->told = run->round == 1; /* left out now; in a later round he keeps what he got */
    }
}

/* Slots for all grants that the chunk asks for. */
static bool has_room(const struct broadcast_run *run)
{
    struct engine_tenant *et = run->j->et;
    const struct plan *plan = &run->j->plan;

    for (size_t nth = 0; nth < et->noutboxes; nth++) {
        size_t wants = 0;

        for (size_t i = 0; i < plan->nmessages; i++) {
            const struct plan_message *pm = &plan->messages[i];

            wants +=
                pm->grant != GRANT_NONE &&
                tenant_sender_for(et->t.conf, pm->m.sender, STR_NONE) == et->outboxes[nth].sender;
        }
        if (wants > 0 && lane_worker_room(et->outboxes[nth].worker) < wants) {
            return false;
        }
    }
    return true;
}

static void run_chunk(struct broadcast_run *run);

static void on_room(void *ctx)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->run->waiting = false;
    if (!inbox_over(j)) {
        run_chunk(j->run);
    }
}

static void run_chunk(struct broadcast_run *run)
{
    struct inbox_job *j = run->j;
    const struct plan_run plan = {chunk_checks, chunk_writes, on_committed, j};

    if (mono_now().us < run->waits_until.us && !has_room(run)) {
        if (run->room == NULL) {
            run->room = timer_new(j->et->e->loop, on_room, j);
        }
        run->waiting = true;
        timer_start(run->room, ROOM_LOOK_MS);
        return;
    }
    run->yield = mono_now().us - j->began.us > j->et->e->o.settings->lease_ms * 1000 / 3;
    j->pending = engine_run_plan(j->et->e, j->et, &j->plan, &plan);
}

static void commit_chunk(struct broadcast_run *run)
{
    struct inbox_job *j = run->j;
    struct chunk *chunk = &run->chunks[run->at];

    if (inbox_over(j)) {
        return;
    }
    arena_reset(j->work);
    inbox_plan(j, run->id);
    for (size_t i = 0; i < chunk->n; i++) {
        decide(run, chunk, i);
    }
    run->waits_until.us = mono_now().us + ROOM_MOST_US;
    run_chunk(run);
    if (!run->yield && run->state.cursor + 1 < run->state.chunks) {
        read_chunk(run, run->state.cursor + 1, !run->at);
    }
}

void broadcast_round(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;

    broadcast_ids(j->work, &j->et->t, run->id, run->round, run->state.stem, &run->ids);
    run->chunks[0].ready = run->chunks[1].ready = false;
    run->at = 0;
    read_chunk(run, run->state.cursor, run->at);
}
