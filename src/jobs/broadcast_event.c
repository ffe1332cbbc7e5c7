/*
 * broadcast_event: the CMMS asks for a broadcast, or cancels one: an inbound item whose end is in
 * the very commit that accepts or cancels. Who asks is the CMMS itself: no number is to be
 * confirmed.
 */
#include "base/mem.h"
#include "broadcast_int.h"
#include "domain/training.h"

static void checks(void *ctx, struct commit *c)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    lane_check_lease(c, j->item);
}

static void keep_training(struct inbox_job *j, struct commit *c)
{
    const struct json *training = cmms_training_of(&j->event);
    struct buf text;

    if (training == NULL) {
        return;
    }
    buf_init(&text, (size_t)1 << 20);
    training_encode(training, wall_now(), &text);
    commit_append(c, STR(TRAINING_KEY),
                  job_seal(j->et, j->work, STR(TRAINING_KEY), "e", buf_str(&text)), TRAINING_KEPT);
    buf_fini(&text);
}

static void writes(void *ctx, struct commit *c, const struct broadcast_result *result)
{
    (void)result;
    keep_training(obj_check(ctx, INBOX_MAGIC), c);
    commit_done(c);
}

static void on_accepted(void *ctx, const struct err *err, const struct broadcast_result *result,
                        const struct commit_outcome *outcome)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    (void)result;
    j->pending = NULL;
    if (err != NULL && err_retry(err->code)) {
        inbox_again(j, err);
    } else if (err != NULL) {
        inbox_set_aside(j, err);
    } else if (outcome->result == COMMIT_CONFLICT) {
        inbox_read_nothing(j); /* there is one of this id: an event with another id said it again */
    } else {
        metric_add(METRIC_FENCED, outcome->result == COMMIT_FENCED);
        inbox_free(j);
    }
}

static void read_requested(struct inbox_job *j)
{
    struct broadcast *b = ARENA_NEW(j->work, struct broadcast);
    struct err err = {0};

    /* Judged as of its acceptance: it may have waited. */
    if (!cmms_broadcast_read(j->work, &j->event, id_time(j->item->id), b, &err) ||
        !broadcast_check(j->work, &j->et->t, b, &err)) {
        inbox_set_aside(j, &err);
        return;
    }
    j->pending = broadcast_accept(
        j->et->e, j->et, j->work,
        &(struct broadcast_accept){b, false, true, checks, writes, on_accepted, j});
}

static void write_cancel(struct inbox_job *j, struct commit *c)
{
    broadcast_cancel(j->et, j->work, cmms_broadcast_id(j->work, &j->event), c);
}

static void read_cancelled(struct inbox_job *j)
{
    j->also_write = write_cancel;
    inbox_read_nothing(j);
}

bool inbox_is_broadcast(struct inbox_job *j)
{
    enum cmms_broadcast what = cmms_broadcast_of(&j->event);

    if (what == CMMS_BROADCAST_NONE) {
        return false;
    }
    j->read = what == CMMS_BROADCAST_REQUESTED ? read_requested : read_cancelled;
    return true;
}
