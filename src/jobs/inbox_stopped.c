/*
 * inbox_stopped: somebody stopped messages: those that wait for him already (his quiet hours, a
 * limit, a pause) are not said any more. A page of what was said to him at a time, the newest
 * first, as far back as a message may wait.
 */
#include "base/mem.h"
#include "domain/consent.h"
#include "inbox_int.h"

#define PAGE    50
#define BACK_MS ((int64_t)8 * 24 * 3600 * 1000)

static void read_page(struct inbox_job *j);

static bool is_stopped(struct inbox_job *j, struct str id, struct str sealed)
{
    struct err err = {0};
    struct message m;
    struct str text;

    return vault_open_arena(j->et->t.vault, j->work, arena_printf(j->work, "m:%.*s", STR_ARG(id)),
                            "b", sealed, &text, &err) &&
           message_decode(j->work, text, &m, &err) && consent_stops(j->stopped, &m);
}

static void on_withdrawn(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
    } else if (outcome->result != COMMIT_OK) {
        metric_add(METRIC_FENCED, 1);
        inbox_free(j);
    } else if (!inbox_over(j)) {
        arena_reset(j->work);
        read_page(j);
    }
}

static void on_page(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct commit *c;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    j->purge_after = arena_dup(j->a, reply_str(reply_at(reply, 0)));
    if (j->purge_after.n > 0 && id_time(j->purge_after).ms < wall_now().ms - BACK_MS) {
        j->purge_after = STR_NONE;
    }
    c = commit_new(j->et->t.id);
    lane_check_lease(c, j->item);
    for (size_t i = 1; i < reply_len(reply); i++) {
        struct str id = reply_str(reply_at(reply_at(reply, i), 0));
        const struct reply *m = reply_at(reply_at(reply, i), 1);

        if (is_stopped(j, id, reply_str(reply_at(m, 2)))) {
            commit_withdraw(c, reply_str(reply_at(m, 0)), reply_str(reply_at(m, 1)), id);
            commit_message_note(c, id, wall_now(), STR("the person stopped such messages"));
        }
    }
    if (j->purge_after.n > 0) {
        j->pending = commit_run(j->et->e->store, &c, on_withdrawn, j);
        return;
    }
    lane_finish(c, j->item);
    commit_ended(c, STR(QUEUE_IN), j->item->id);
    commit_delete(c, arena_printf(j->work, "i:%.*s", STR_ARG(j->item->id)));
    j->stopped = 0; /* the end: fenced from now on means that it is settled */
    j->pending = commit_run(j->et->e->store, &c, on_withdrawn, j);
}

static void read_page(struct inbox_job *j)
{
    struct call call;

    if (j->stopped == 0) {
        inbox_free(j);
        return;
    }
    call_init_script(&call, "waiting", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->stopped_person);
    call_str(&call, j->purge_after);
    call_int(&call, PAGE);
    j->pending = store_run(j->et->e->store, &call, on_page, j);
}

bool inbox_open_stopped(struct inbox_job *j, struct str text, struct err *err)
{
    if (!consent_item_read(text, &j->stopped_person, &j->stopped)) {
        return err_set(err, ERR_DAMAGED, "it does not say who stopped what");
    }
    j->read = read_page;
    return true;
}
