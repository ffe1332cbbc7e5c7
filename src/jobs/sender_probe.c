/*
 * sender_probe: the chore that tries paused senders, each minute and when a gateway has started: a
 * cheap call that proves that token and account work. Where it passes the sender goes on, with a
 * few messages at first: that the credentials work does not prove that sending does.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"

#include <stdio.h>

#define PROBE_EVERY_MS   60000
#define PROBE_TIMEOUT_MS 10000
#define BEGIN_PCT        5

struct probe {
    struct chore_run *run;
    struct engine_tenant *et;
    size_t at; /* the sender that is looked at */
    struct op *pending;
};

static void next(struct probe *p);

static void probe_free(struct probe **owner)
{
    if (*owner != NULL) {
        op_cancel(&(*owner)->pending);
        mem_free(owner);
    }
}

static const struct outbox *outbox_of(const struct probe *p)
{
    return &p->et->outboxes[p->at];
}

static void on_resumed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct probe *p = ctx;

    (void)outcome;
    p->pending = NULL;
    if (err == NULL) {
        log_info("sender resumed: its credentials work", LF_STR("tenant", p->et->t.id),
                 LF_STR("sender", outbox_of(p)->sender->id));
    }
    p->at++;
    next(p);
}

static void on_probed(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct probe *p = ctx;
    struct commit *c;
    char id[ID_BYTES];

    p->pending = NULL;
    if (err != NULL || answer->status < 200 || answer->status > 299) {
        p->at++;
        next(p);
        return;
    }
    c = commit_new(p->et->t.id);
    id_new(id);
    commit_once(c, str_of(id));
    commit_sender(c, outbox_of(p)->sender->id, "resume", BEGIN_PCT, 0, STR_NONE, STR_NONE);
    p->pending = commit_run(p->et->e->store, &c, on_resumed, p);
}

static void on_looked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct probe *p = ctx;
    const struct outbox *ob = outbox_of(p);
    struct arena *a;
    struct outgoing out = {0};

    p->pending = NULL;
    if (err == NULL && reply_kind(reply) != REPLY_NIL) {
        a = arena_new();
        if (ob->provider->probe(a, ob->sender, &out)) {
            const struct http_call call = outgoing_call(&out, HTTP_IDEMPOTENT, PROBE_TIMEOUT_MS);

            p->pending = http_call_start(p->et->e->http, &call, on_probed, p);
        }
        arena_free(&a);
    }
    if (p->pending == NULL) {
        p->at++;
        next(p);
    }
}

static void next(struct probe *p)
{
    struct chore_run *run = p->run;
    struct call call;
    char key[TENANT_ID_MAX + 64];

    if (p->at == p->et->noutboxes) {
        chore_state_set(run, NULL);
        probe_free(&p);
        chore_done(run, false);
        return;
    }
    snprintf(key, sizeof(key), "{%.*s}:sn:%.*s", STR_ARG(p->et->t.id),
             STR_ARG(outbox_of(p)->sender->id));
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, str_of(key));
    call_str(&call, STR("paused"));
    p->pending = store_run(p->et->e->store, &call, on_looked, p);
}

static void run_probe(struct chore_run *run)
{
    struct probe *p = MEM_NEW(struct probe);

    *p = (struct probe){.run = run, .et = chore_tenant(run)};
    chore_state_set(run, p);
    next(p);
}

static void cancel_probe(struct chore_run *run)
{
    struct probe *p = chore_state(run);

    probe_free(&p);
}

const struct chore chore_senders = {"senders", PROBE_EVERY_MS, true, run_probe, cancel_probe};
