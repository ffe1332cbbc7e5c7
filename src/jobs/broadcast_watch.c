/*
 * broadcast_watch: an item of a broadcast, opened; how the broadcast stands, told every 5 s while
 * it changes; its end. And the sweep, which takes out of their lanes what waits of a cancelled one:
 * a claim would hand none of it over, but it need not come to that.
 */
#include "base/mem.h"
#include "broadcast_int.h"

#define TELL_MS  5000
#define WATCH_MS 500 /* while it is young */
#define YOUNG_MS 60000

void broadcast_run_free(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;

    if (run == NULL) {
        return;
    }
    broadcast_round_stop(run);
    broadcast_reading_fini(&run->reading);
    timer_free(&run->room);
    for (size_t i = 0; i < BROADCAST_CHUNKS; i++) {
        arena_free(&run->chunks[i].a);
        arena_free(&run->chunks[i].work);
    }
}

void broadcast_finish(struct inbox_job *j)
{
    j->also_check = j->also_write = NULL;
    j->later_ms = 0;
    inbox_read_nothing(j);
}

/* ---- how it stands ---- */

static void check_record(struct inbox_job *j, struct commit *c)
{
    commit_check_version(c, arena_printf(j->work, "b:%.*s", STR_ARG(j->run->id)),
                         j->run->state.version);
}

static void write_told(struct inbox_job *j, struct commit *c)
{
    struct broadcast_run *run = j->run;
    struct str key = arena_printf(j->work, "b:%.*s", STR_ARG(run->id));

    if (run->told.n > 0) {
        commit_hset(c, key, STR("pr"), run->told);
        commit_hset(c, key, STR("pt"), arena_printf(j->work, "%lld", (long long)wall_now().ms));
    }
    if (!run->end) {
        return;
    }
    commit_hset(c, key, STR("cl"), STR("1"));
    if (!str_eqz(run->state.state, "cancelled")) {
        commit_hset(c, key, STR("st"), STR("closed"));
        commit_hset(c, key, STR("v"),
                    arena_printf(j->work, "%lld", (long long)run->state.version + 1));
    }
}

static void tell(struct inbox_job *j, const char *type, struct str counts)
{
    struct broadcast_run *run = j->run;
    struct buf data;
    struct jw w;

    buf_init(&data, 4096);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "broadcast", '{');
    jw_str(&w, "id", run->id);
    jw_str(&w, "title", run->b.title);
    jw_str(&w, "state",
           run->end && !str_eqz(run->state.state, "cancelled") ? STR("closed") : run->state.state);
    jw_close(&w, '}');
    jw_raw(&w, "counts", counts);
    jw_close(&w, '}');
    plan_event(&j->plan, type, run->id, arena_dup(j->work, buf_str(&data)), STR_NONE);
    buf_fini(&data);
}

static struct str counts_text(struct inbox_job *j)
{
    struct buf text;
    struct str out;
    struct jw w;

    buf_init(&text, 4096);
    jw_init(&w, &text);
    broadcast_counts_write(&j->run->state.counts, j->run->b.ask, &w, NULL);
    out = arena_dup(j->work, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* Or was told in a future that is over: the clock was set back. */
static bool told_long_ago(const struct broadcast_run *run, struct wall now)
{
    int64_t ago = now.ms - run->state.told_at.ms;

    return ago >= TELL_MS || ago <= -TELL_MS;
}

void broadcast_watch(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;
    const struct broadcast_counts *n = &run->state.counts;
    struct wall now = wall_now();
    bool cancelled = str_eqz(run->state.state, "cancelled");
    bool young = now.ms - run->state.began.ms < YOUNG_MS;

    inbox_plan(j, run->id);
    run->told = counts_text(j);
    run->end = cancelled ? n->queued + n->uncertain <= 0
                         : broadcast_is_over(n, &run->b, run->state.began, now);
    j->also_check = check_record;
    j->also_write = write_told;
    j->later_ms = run->end ? 0 : young ? WATCH_MS : TELL_MS;
    if (run->end) {
        tell(j, "gateway.broadcast.closed.v1", run->told);
    } else if (!str_eq(run->told, run->state.told) && told_long_ago(run, now)) {
        tell(j, "gateway.broadcast.progress.v1", run->told);
    } else {
        run->told = STR_NONE;
    }
    inbox_run(j);
}

/* ---- the sweep ---- */

static void sweep_next(struct inbox_job *j);

static void on_swept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    if (inbox_slice_kept(j, err, outcome)) {
        sweep_next(j);
    }
}

/* The file that goes before the question: it is of no broadcast, so no claim stops it. */
static void withdraw_file(struct inbox_job *j, const struct reply *row, size_t nth,
                          struct commit *c)
{
    const struct broadcast_run *run = j->run;
    int64_t place = 2 * ((run->state.cursor - 1) * BROADCAST_CHUNK + (int64_t)nth);

    if (broadcast_media_apart(&run->b)) {
        commit_withdraw(c, reply_str(reply_at(row, 6)), reply_str(reply_at(row, 7)),
                        broadcast_message_id(j->work, &run->ids, place));
    }
}

static void on_sweep_chunk(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct commit *c;
    size_t n = 0;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    c = commit_new(j->et->t.id);
    lane_check_lease(c, j->item);
    for (size_t i = 0; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);
        struct str state = reply_str(reply_at(row, 4));

        if (str_eqz(state, "queued") || str_eqz(state, "sending")) {
            commit_withdraw(c, reply_str(reply_at(row, 6)), reply_str(reply_at(row, 7)),
                            reply_str(reply_at(row, 3)));
            withdraw_file(j, row, i, c);
            n++;
        }
    }
    j->run->state.cursor--;
    if (n == 0) {
        commit_free(&c);
        sweep_next(j);
    } else {
        inbox_got_on(j, c);
        j->pending = commit_run(j->et->e->store, &c, on_swept, j);
    }
}

/* From the last chunk that was expanded: what comes up soonest by itself is swept last. */
static void sweep_next(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;
    struct call call;

    if (run->state.cursor == 0) {
        run->swept = true;
        arena_reset(j->work);
        j->read(j);
        return;
    }
    broadcast_ids(j->work, &j->et->t, run->id, 1, run->state.first, &run->ids); /* of files */
    call_init_script(&call, "chunk", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, run->id);
    call_int(&call, run->state.cursor - 1);
    call_str(&call, STR("0"));
    call_str(&call, STR("2"));
    j->pending = store_run(j->et->e->store, &call, on_sweep_chunk, j);
}

/* ---- an item ---- */

static void go_on(struct inbox_job *j)
{
    struct broadcast_run *run = j->run;
    bool cancelled = str_eqz(run->state.state, "cancelled");

    if (run->state.version == 0 || run->state.end_told || cancelled != run->sweep ||
        (!run->sweep && run->state.round != run->round)) {
        broadcast_finish(j); /* over, or another item's business */
    } else if (run->sweep && !run->swept) {
        sweep_next(j);
    } else if (!run->sweep && run->state.cursor < run->state.chunks) {
        broadcast_round(j);
    } else {
        broadcast_watch(j);
    }
}

static void on_state(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct broadcast_run *run = j->run;
    struct err own = {0};

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    broadcast_state_read(j->a, reply, &run->state);
    if (run->state.version > 0 && run->b.id.n == 0 &&
        !broadcast_open(j->a, &j->et->t, run->id, &run->state, &run->b, &own)) {
        inbox_set_aside(j, &own);
        return;
    }
    go_on(j);
}

static void read_state(struct inbox_job *j)
{
    struct call call;

    broadcast_call(j->work, &j->et->t, j->run->id, &call);
    j->pending = store_run(j->et->e->store, &call, on_state, j);
}

bool inbox_open_broadcast(struct inbox_job *j, struct str text, struct err *err)
{
    struct broadcast_run *run = ARENA_NEW(j->a, struct broadcast_run);
    struct str id, round;

    if (text.n < 2 || !str_cut(str_slice(text, 1, text.n), '\n', &id, &round) ||
        !str_to_i64(round, 0, INT64_MAX, &run->round) || !broadcast_id_ok(id)) {
        return err_set(err, ERR_DAMAGED, "it names no broadcast");
    }
    run->j = j;
    run->id = arena_dup(j->a, id);
    run->sweep = text.p[0] == 's';
    j->run = run;
    j->read = read_state;
    return true;
}
