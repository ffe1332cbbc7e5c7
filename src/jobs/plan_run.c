#include "jobs_int.h"

#include "base/list.h"
#include "base/mem.h"

/* One plan on its way: checks and writes of the plan and of its caller in one commit, then its grants. */
struct plan_op {
    struct op op;
    struct op *pending;
    struct engine_tenant *et;
    struct plan *plan;
    struct plan_run run;
    struct err err; /* seen before the commit left */
};

static void plan_cancel(struct op *op)
{
    struct plan_op *p = LIST_OF(op, struct plan_op, op);

    /* Cancelled while deferred: the deferred call finds no callback and frees. */
    if (p->pending == NULL) {
        p->run.on_done = NULL;
        return;
    }
    op_cancel(&p->pending);
    mem_free(&p);
}

static bool may_grant(void *ctx, struct str queue)
{
    struct outbox *ob = outbox_find(ctx, queue);

    return ob != NULL && !ob->paused && lane_worker_has_slot(ob->worker);
}

static void hand_over(struct engine_tenant *et, const struct plan *p, const struct commit_outcome *outcome)
{
    for (size_t i = 0; i < p->nmessages; i++) {
        const struct plan_message *pm = &p->messages[i];
        int64_t token = commit_result_int(outcome, pm->result);
        struct outbox *ob = outbox_find(et, pm->queue);

        metric_add(METRIC_QUEUED, 1);
        if (ob == NULL) {
            continue;
        }
        if (token > 0) {
            lane_granted(ob->worker, pm->lane, pm->m.id, token, pm->record, pm->window);
        } else {
            lane_worker_wake(ob->worker);
        }
    }
    if (p->nevents > 0 && et->cb != NULL) {
        lane_worker_wake(et->cb);
    }
}

static void on_committed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct plan_op *p = ctx;

    p->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_OK) {
        hand_over(p->et, p->plan, outcome);
    } else if (err == NULL && outcome->result == COMMIT_CONFLICT) {
        metric_add(METRIC_CONFLICTS, 1);
    }
    p->run.on_done(p->run.ctx, err, outcome);
    mem_free(&p);
}

static void on_refused(void *ctx)
{
    struct plan_op *p = ctx;

    if (p->run.on_done != NULL) {
        p->run.on_done(p->run.ctx, &p->err, NULL);
    }
    mem_free(&p);
}

struct op *engine_run_plan(struct engine *e, struct engine_tenant *et, struct plan *p, const struct plan_run *run)
{
    struct plan_op *op = MEM_NEW(struct plan_op);
    struct commit *c = commit_new(et->t.id);

    *op = (struct plan_op){.op = {plan_cancel}, .et = et, .plan = p, .run = *run};
    if (run->checks != NULL) {
        run->checks(run->ctx, c);
    }
    plan_checks(p, c);
    if (!plan_writes(p, c, e->o.work ? may_grant : NULL, et, &op->err)) {
        commit_free(&c);
        loop_defer(e->loop, on_refused, op);
        return &op->op;
    }
    if (run->writes != NULL) {
        run->writes(run->ctx, c);
    }
    op->pending = commit_run(e->store, &c, on_committed, op);
    return &op->op;
}
