#include "units.h"

#include <stdio.h>
#include <string.h>

#include "commit_int.h"

static void on_done(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    struct got *g = ctx;

    g->op = NULL;
    g->calls++;
    g->done = true;
    g->code = err == NULL ? ERR_NONE : err->code;
    if (err == NULL) {
        g->result = o->result;
        snprintf(g->value, sizeof(g->value), "%.*s", STR_ARG(o->value));
        for (size_t i = 0; i + 1 < reply_len(o->results) && i < 6; i++, g->nresults++) {
            if (reply_kind(reply_at(o->results, i + 1)) == REPLY_INT) {
                snprintf(g->results[i], 32, "%lld", (long long)commit_result_int(o, i));
            } else {
                snprintf(g->results[i], 32, "%.*s", STR_ARG(commit_result_str(o, i)));
            }
        }
    }
    if (g->cancel != NULL) {
        op_cancel(g->cancel);
    }
    loop_stop(g->w->loop);
}

void start(struct world *w, struct commit *c, struct got *g)
{
    *g = (struct got){.w = w};
    g->op = commit_run(w->store, &c, on_done, g);
    CHECK("taken", c == NULL && g->op != NULL && g->calls == 0);
}

struct got run(struct world *w, struct commit *c)
{
    struct got g;

    start(w, c, &g);
    CHECK("answered", world_run(w, &g.done, 5000));
    CHECK_INT("once", g.calls, 1);
    return g;
}

struct world *open_world(const char *conf)
{
    struct world *w = world_new(0, conf);

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    CHECK("ready", world_health(w, STORE_READY, 5000));
    commit_owner_set(w->store, STR("gw1"), 30000);
    return w;
}

const char *redis(struct world *w, const char *words)
{
    return redis_fixture_command(w->redis, words);
}

struct commit *doc(const char *key, int64_t version, const char *body)
{
    struct commit *c = commit_new(T);

    commit_check_version(c, str_of(key), version - 1);
    commit_doc(c, str_of(key), version, str_of(body));
    return c;
}

struct commit *message(const char *id, const char *lane, int64_t not_before,
                       enum commit_grant grant, const struct rate *rate)
{
    struct commit *c = commit_new(T);
    char key[32];

    snprintf(key, sizeof(key), "m:%s", id);
    commit_check_version(c, str_of(key), 0);
    commit_doc(c, str_of(key), 1, STR("body"));
    commit_doc_field(c, "s", STR("queued"));
    commit_enqueue(c, OUT, str_of(lane), str_of(id), AT(not_before), grant, rate);
    return c;
}

struct commit *held(const char *lane, const char *id, const char *token)
{
    struct commit *c = commit_new(T);
    int64_t v = 0;

    str_to_i64(str_of(token), 0, INT64_MAX, &v);
    commit_check_lease(c, OUT, str_of(lane), str_of(id), v);
    return c;
}
