#include "base/list.h"
#include "base/mem.h"
#include "jobs_int.h"

/* A message that may have been granted: what is needed to hand it to the outbox. */
struct grant {
    struct str lane, queue, id, record;
    struct wall window;
    size_t result;
};

/*
 * One plan on its way: checks and writes of the plan and of its caller in one commit, then its
 * grants. When the caller goes away meanwhile the commit goes on, with copies of its own: a message
 * that was granted to us and then forgotten would be an attempt that nobody makes and everybody
 * counts.
 */
struct plan_op {
    struct op op;
    struct job job;
    struct op *pending;
    struct engine_tenant *et;
    struct plan *plan; /* NULL: the caller went away */
    struct arena *own; /* then: of the grants */
    struct grant *grants;
    size_t ngrants;
    bool events, inputs;
    struct plan_run run;
    struct err err; /* seen before the commit left */
};

static void on_refused(void *ctx);

static void plan_free(struct plan_op *p)
{
    job_end(&p->job);
    op_cancel(&p->pending);
    loop_defer_cancel(p->et->e->loop, on_refused, p);
    arena_free(&p->own);
    mem_free(&p);
}

static void drop_plan(struct job *job)
{
    plan_free(LIST_OF(job, struct plan_op, job));
}

static void detach(struct plan_op *p)
{
    const struct plan *plan = p->plan;

    p->own = arena_new();
    p->grants = ARENA_ARRAY(p->own, struct grant, plan->nmessages + 1);
    for (size_t i = 0; i < plan->nmessages; i++) {
        const struct plan_message *pm = &plan->messages[i];

        p->grants[p->ngrants++] = (struct grant){arena_dup(p->own, pm->lane),
                                                 arena_dup(p->own, pm->queue),
                                                 arena_dup(p->own, pm->m.id),
                                                 arena_dup(p->own, pm->record),
                                                 pm->window,
                                                 pm->result};
    }
    p->events = plan->nevents > 0;
    p->inputs = plan->ninputs > 0;
    p->plan = NULL;
    p->run.on_done = NULL;
}

static void plan_cancel(struct op *op)
{
    struct plan_op *p = LIST_OF(op, struct plan_op, op);

    if (p->pending == NULL || p->et->e->closing) {
        plan_free(p); /* refused before it left, or all of it ends */
    } else {
        detach(p);
    }
}

static bool may_grant(void *ctx, struct str queue)
{
    struct outbox *ob = outbox_find(ctx, queue);

    return ob != NULL && outbox_grants(ob);
}

static void hand_over(struct engine_tenant *et, const struct grant *g,
                      const struct commit_outcome *outcome)
{
    struct outbox *ob = outbox_find(et, g->queue);
    int64_t token;

    metric_add(METRIC_QUEUED, 1);
    if (ob == NULL) {
        return;
    }
    token = commit_result_int(outcome, g->result);
    if (token > 0) {
        lane_granted(ob->worker, g->lane, g->id, token, g->record, g->window);
    } else {
        lane_worker_wake(ob->worker);
    }
}

static void hand_all_over(const struct plan_op *p, const struct commit_outcome *outcome)
{
    const struct plan *plan = p->plan;
    bool events = plan != NULL ? plan->nevents > 0 : p->events;
    bool inputs = plan != NULL ? plan->ninputs > 0 : p->inputs;

    for (size_t i = 0; plan != NULL && i < plan->nmessages; i++) {
        const struct plan_message *pm = &plan->messages[i];
        const struct grant g = {pm->lane, pm->queue, pm->m.id, pm->record, pm->window, pm->result};

        hand_over(p->et, &g, outcome);
    }
    for (size_t i = 0; i < p->ngrants; i++) {
        hand_over(p->et, &p->grants[i], outcome);
    }
    if (events && p->et->cb != NULL) {
        lane_worker_wake(p->et->cb);
    }
    if (inputs && p->et->in != NULL) {
        lane_worker_wake(p->et->in);
    }
}

static void on_committed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct plan_op *p = ctx;
    struct plan_run run = p->run;

    p->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_OK) {
        hand_all_over(p, outcome);
    } else if (err == NULL && outcome->result == COMMIT_CONFLICT) {
        metric_add(METRIC_CONFLICTS, 1);
    }
    plan_free(p);
    if (run.on_done != NULL) {
        run.on_done(run.ctx, err, outcome);
    }
}

static void on_refused(void *ctx)
{
    struct plan_op *p = ctx;
    struct plan_run run = p->run;
    struct err err = p->err;

    plan_free(p);
    run.on_done(run.ctx, &err, NULL);
}

struct op *engine_run_plan(struct engine *e, struct engine_tenant *et, struct plan *p,
                           const struct plan_run *run)
{
    struct plan_op *op = MEM_NEW(struct plan_op);
    struct commit *c = commit_new(et->t.id);

    *op = (struct plan_op){.op = {plan_cancel}, .et = et, .plan = p, .run = *run};
    job_begin(e, &op->job, drop_plan);
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
