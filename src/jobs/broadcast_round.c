/*
 * broadcast_round: a round of a broadcast, chunk by chunk: READ -> DECIDE -> (ROOM) -> COMMIT. A
 * chunk's messages, its people's entries and the cursor are one commit that checks the lease, and
 * the version and the cursor of b:<id>: so a chunk takes effect once, and none before the one that
 * goes before it, which makes the version and the cursor that this one checks. So several may be
 * out, and neither we nor Redis wait for each other; when one fails, the round begins anew from
 * where Redis says it is.
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

static struct chunk *chunk_at(struct broadcast_run *run, int64_t nth)
{
    return &run->chunks[nth % BROADCAST_CHUNKS];
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
static bool may_tell(struct chunk *chunk, const struct chunk_row *row, struct user *u)
{
    struct inbox_job *j = chunk->run->j;
    struct err err = {0};

    if (row->doc.version == 0) {
        return false;
    }
    if (!user_open(&j->et->t, chunk->work, row->person, &row->doc, u, &err)) {
        log_error("left out of a broadcast: the record does not open",
                  LF_STR("tenant", j->et->t.id), LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    return broadcast_verdict(&chunk->run->b, u) == NOTIFY_YES;
}

static bool is_silent(const struct chunk_row *row)
{
    return (str_eqz(row->state, "sent") || str_eqz(row->state, "delivered") ||
            str_eqz(row->state, "read")) &&
           str_find_char(row->flags, 'a', 0) == SIZE_MAX;
}

/* 0: at once. */
static struct wall quiet_until(const struct chunk *chunk, const struct user *u)
{
    const struct broadcast_run *run = chunk->run;
    struct wall now = chunk->plan.now,
                awake = user_quiet_until(u, run->j->et->t.conf->timezone, now);

    return (struct wall){run->b.prio >= PRIO_NORMAL && awake.ms > now.ms ? awake.ms : 0};
}

/* The file before the question about it: no provider takes both in one message. */
static void tell_file(struct chunk *chunk, int64_t place, const struct user *u,
                      struct wall send_at)
{
    const struct broadcast_run *run = chunk->run;
    struct message *m = plan_message(&chunk->plan, u, MESSAGE_TEXT);

    m->id = broadcast_message_id(chunk->work, &run->ids, place);
    m->text = broadcast_captioned(run->b.media.mime) ? run->b.title : STR_NONE;
    m->cls = str_of(user_class_name(CLASS_TRAINING));
    m->prio = run->b.prio;
    m->send_at = send_at;
    m->expires = run->b.expires;
    broadcast_media(chunk->work, &run->b, m);
}

/* A grant where nobody can be waiting for the sender's rate. */
static void ask_grant(const struct chunk *chunk, const struct chunk_row *row,
                      struct plan_message *pm)
{
    const struct broadcast_run *run = chunk->run;
    const struct tenant_settings *conf = run->j->et->t.conf;
    const struct sender *s = tenant_sender_for(conf, pm->m.sender, STR_NONE);
    size_t nth = s == NULL ? BROADCAST_WINDOWS : (size_t)(s - conf->senders);

    if (run->ungranted > 0 || nth >= BROADCAST_WINDOWS || s->rate_per_second > 0 ||
        pm->m.send_at.ms > 0) {
        return;
    }
    pm->window.ms = row->windows[nth];
    pm->grant = chunk->plan.now.ms - pm->window.ms < WINDOW_MS ? GRANT_BULK : GRANT_OUTSIDE;
}

static struct str tell(struct chunk *chunk, const struct chunk_row *row, int64_t place,
                       const struct user *u)
{
    struct broadcast_run *run = chunk->run;
    struct message *m = plan_message(&chunk->plan, u, MESSAGE_TEXT), to = *m;
    struct plan_message *pm = &chunk->plan.messages[chunk->plan.nmessages - 1];

    *m = *form_of(run, u);
    m->id = broadcast_message_id(chunk->work, &run->ids, place);
    m->user = to.user;
    m->phone = to.phone;
    m->bsuid = to.bsuid;
    m->sender = to.sender;
    m->cause = run->id;
    m->created = to.created;
    m->send_at = quiet_until(chunk, u);
    pm->first = true;
    ask_grant(chunk, row, pm);
    return m->id;
}

/* A chunk's lines never change, so each has its places for good: of the file, and behind it of the
 * message. */
static void decide_row(struct chunk *chunk, size_t nth)
{
    struct broadcast_run *run = chunk->run;
    struct chunk_row *row = &chunk->rows[nth];
    int64_t place = 2 * (chunk->nth * BROADCAST_CHUNK + (int64_t)nth);
    struct user u;

    if (row->verdict != NOTIFY_YES || (run->round > 1 && !is_silent(row))) {
        return;
    }
    if (may_tell(chunk, row, &u)) {
        if (run->round == 1 && broadcast_media_apart(&run->b)) {
            tell_file(chunk, place, &u, quiet_until(chunk, &u));
        }
        row->now = tell(chunk, row, place + 1, &u);
        row->told = true;
    } else {
        row->told = run->round == 1; /* left out now; in a later round he keeps what he got */
    }
}

static void decide(struct chunk *chunk)
{
    if (chunk->work == NULL) {
        chunk->work = arena_new();
    }
    arena_reset(chunk->work);
    plan_init(&chunk->plan, chunk->work, &chunk->run->j->et->t, wall_now(), chunk->run->id);
    for (size_t i = 0; i < chunk->n; i++) {
        decide_row(chunk, i);
    }
    chunk->waits_until.us = mono_now().us + ROOM_MOST_US;
    chunk->decided = true;
}

/* ---- its commit ---- */

static struct str record_key(const struct chunk *chunk)
{
    return arena_printf(chunk->work, "b:%.*s", STR_ARG(chunk->run->id));
}

/* As the commits of those that are out before it leave it. */
static int64_t version_before(const struct chunk *chunk)
{
    const struct broadcast_state *state = &chunk->run->state;

    return state->version + chunk->nth - state->cursor;
}

/* The version alone would not do: whoever else wrote to the record has moved it too, and when one
 * chunk fails for that, it may be just what the next one expects. */
static void chunk_checks(void *ctx, struct commit *c)
{
    const struct chunk *chunk = ctx;
    struct str cursor = arena_printf(chunk->work, "%lld", (long long)chunk->nth);

    lane_check_lease(c, chunk->run->j->item);
    commit_check_version(c, record_key(chunk), version_before(chunk));
    commit_check_owner(c, record_key(chunk), STR("cu"), cursor, cursor);
}

/* Whom the question is put to; empty in the place of his message (plan_message.first) who was left
 * out. */
static void write_people(const struct chunk *chunk, struct commit *c)
{
    const struct broadcast_run *run = chunk->run;
    struct str of = arena_printf(chunk->work, "bm:%.*s", STR_ARG(run->id));
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
        const struct chunk_row *row = &chunk->rows[i];

        if (row->told && row->now.n > 0) {
            commit_field(c, arena_printf(chunk->work, "%.*s|%c", STR_ARG(row->person), ask),
                         run->id);
        }
    }
}

static void write_recasts(const struct chunk *chunk, struct commit *c)
{
    for (size_t i = 0; i < chunk->n; i++) {
        const struct chunk_row *row = &chunk->rows[i];

        if (chunk->run->round > 1 && row->told && row->now.n > 0) {
            commit_broadcast_recast(c, chunk->run->id, row->message, row->now);
        }
    }
}

static void write_skipped(const struct chunk *chunk, struct commit *c)
{
    struct str counts = arena_printf(chunk->work, "bc:%.*s", STR_ARG(chunk->run->id));
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

static void write_number(const struct chunk *chunk, struct commit *c, const char *field,
                         int64_t value)
{
    commit_hset(c, record_key(chunk), str_of(field),
                arena_printf(chunk->work, "%lld", (long long)value));
}

static void chunk_writes(void *ctx, struct commit *c)
{
    const struct chunk *chunk = ctx;
    struct broadcast_run *run = chunk->run;

    write_people(chunk, c);
    write_recasts(chunk, c);
    write_skipped(chunk, c);
    write_number(chunk, c, "v", version_before(chunk) + 1);
    write_number(chunk, c, "cu", chunk->nth + 1);
    if (str_eqz(run->state.state, "scheduled")) {
        commit_hset(c, record_key(chunk), STR("st"), STR("sending"));
    }
    inbox_got_on(run->j, c);
    if (chunk->yield) {
        lane_put_off(c, run->j->item, 0);
    }
}

/* What holds all of a chunk back holds the next ones back too: those do not wait for slots. */
static void note_grants(const struct chunk *chunk, const struct commit_outcome *outcome)
{
    struct broadcast_run *run = chunk->run;
    size_t asked = 0, got = 0;

    for (size_t i = 0; i < chunk->plan.nmessages; i++) {
        const struct plan_message *pm = &chunk->plan.messages[i];

        asked += pm->grant != GRANT_NONE;
        got += commit_result_int(outcome, pm->result) > 0;
    }
    run->ungranted = asked > 0 && got == 0 ? UNGRANTED
                     : run->ungranted > 0  ? run->ungranted - 1
                                           : 0;
}

static void go_on(struct broadcast_run *run);

/* The job may be gone when this returns. */
static void commit_failed(struct broadcast_run *run, const struct err *err,
                          const struct commit_outcome *outcome)
{
    struct inbox_job *j = run->j;

    broadcast_round_stop(run);
    if (err != NULL && err_retry(err->code)) {
        inbox_again(j, err);
    } else if (err != NULL) {
        inbox_set_aside(j, err);
    } else if (outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        inbox_free(j);
    } else { /* cancelled meanwhile, or its chunk was committed and nobody told us */
        arena_reset(j->work);
        j->read(j);
    }
}

/* A chunk that is kept shows that those before it are. */
static void on_committed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct chunk *chunk = ctx;
    struct broadcast_run *run = chunk->run;
    struct inbox_job *j = obj_check(run->j, INBOX_MAGIC);

    chunk->pending = NULL;
    if (err != NULL || outcome->result != COMMIT_OK) {
        commit_failed(run, err, outcome);
        return;
    }
    if (chunk->yield) {
        inbox_free(j);
        return;
    }
    note_grants(chunk, outcome);
    chunk->kept = true;
    while (run->state.cursor < run->next && chunk_at(run, run->state.cursor)->kept) {
        chunk_at(run, run->state.cursor++)->ready = false;
        run->state.version++;
    }
    if (run->state.cursor >= run->state.chunks) {
        arena_reset(j->work);
        j->read(j);
        return;
    }
    go_on(run);
}

static void commit_chunk(struct chunk *chunk)
{
    struct inbox_job *j = chunk->run->j;
    const struct plan_run plan = {chunk_checks, chunk_writes, on_committed, chunk};

    chunk->kept = false;
    chunk->yield = mono_now().us - j->began.us > j->et->e->o.settings->lease_ms * 1000 / 3;
    chunk->pending = engine_run_plan(j->et->e, j->et, &chunk->plan, &plan);
}

/* ---- chunk by chunk ---- */

/* Slots for all grants that the chunk asks for. */
static bool has_room(const struct chunk *chunk)
{
    struct engine_tenant *et = chunk->run->j->et;

    for (size_t nth = 0; nth < et->noutboxes; nth++) {
        size_t wants = 0;

        for (size_t i = 0; i < chunk->plan.nmessages; i++) {
            const struct plan_message *pm = &chunk->plan.messages[i];

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

static void on_room(void *ctx)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->run->waiting = false;
    go_on(j->run);
}

static void wait_for_room(struct broadcast_run *run)
{
    if (run->room == NULL) {
        run->room = timer_new(run->j->et->e->loop, on_room, run->j);
    }
    run->waiting = true;
    timer_start(run->room, ROOM_LOOK_MS);
}

/* May one more go out? */
static bool may_commit(struct broadcast_run *run)
{
    int64_t out = run->next - run->state.cursor;

    return run->next < run->state.chunks && out < BROADCAST_OUT_MAX && !run->waiting &&
           chunk_at(run, run->next)->ready && !(out > 0 && chunk_at(run, run->next - 1)->yield);
}

/* False: the job is gone. */
static bool commit_ready(struct broadcast_run *run)
{
    while (may_commit(run)) {
        struct chunk *chunk = chunk_at(run, run->next);

        if (inbox_over(run->j)) {
            return false;
        }
        if (!chunk->decided) {
            decide(chunk);
        }
        if (mono_now().us < chunk->waits_until.us && !has_room(chunk)) {
            wait_for_room(run);
        } else {
            commit_chunk(chunk);
            run->next++;
        }
    }
    return true;
}

/* Should nothing else be out, the round begins anew; else it is read again when its turn comes. */
static void on_chunk(void *ctx, const struct err *err)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct broadcast_run *run = j->run;

    run->ahead = NULL;
    if (err == NULL) {
        go_on(run);
    } else if (run->next == run->state.cursor && !run->waiting) {
        inbox_again(j, err);
    }
}

static void read_ahead(struct broadcast_run *run)
{
    int64_t nth = run->next, end = run->state.cursor + BROADCAST_CHUNKS;
    struct chunk *chunk;

    while (nth < end && nth < run->state.chunks && chunk_at(run, nth)->ready) {
        nth++;
    }
    if (run->ahead != NULL || nth >= end || nth >= run->state.chunks) {
        return;
    }
    chunk = chunk_at(run, nth);
    chunk->run = run;
    chunk->decided = false;
    run->ahead = broadcast_chunk_read(run, nth, chunk, on_chunk, run->j);
}

static void go_on(struct broadcast_run *run)
{
    if (commit_ready(run)) {
        read_ahead(run);
    }
}

void broadcast_round_stop(struct broadcast_run *run)
{
    op_cancel(&run->ahead);
    for (size_t i = 0; i < BROADCAST_CHUNKS; i++) {
        op_cancel(&run->chunks[i].pending);
    }
    if (run->waiting) {
        timer_stop(run->room);
        run->waiting = false;
    }
}

void broadcast_round(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;

    broadcast_ids(j->work, &j->et->t, run->id, run->round, run->state.stem, &run->ids);
    run->next = run->state.cursor;
    for (size_t i = 0; i < BROADCAST_CHUNKS; i++) {
        run->chunks[i].ready = false;
    }
    read_ahead(run);
}
