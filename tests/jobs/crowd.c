#include "crowd.h"

#include <stdio.h>

#include "broadcast_int.h"

void crowd_once(void *ctx, struct commit *c)
{
    char id[ID_BYTES];

    (void)ctx;
    id_new(id);
    commit_once(c, str_of(id));
}

static void write_nothing(void *ctx, struct commit *c, const struct broadcast_result *result)
{
    (void)ctx;
    (void)c;
    (void)result;
}

static void on_asked(void *ctx, const struct err *err, const struct broadcast_result *result,
                     const struct commit_outcome *outcome)
{
    struct asked *x = ctx;

    x->done = true;
    x->code = err != NULL ? err->code : ERR_NONE;
    x->kept = outcome != NULL && outcome->result == COMMIT_OK;
    x->recipients = result->recipients;
    x->nskipped = result->nskipped;
}

int64_t crowd_ago_ms;

struct asked ask(struct world *w, const char *id, const char *body, bool dry_run)
{
    struct asked x = {0};
    struct broadcast *b = ARENA_NEW(w->a, struct broadcast);
    struct json *j = NULL;
    struct err err = {0};

    CHECK("the test's JSON", json_parse(str_of(body), 1 << 16, &j, &err) &&
                                 broadcast_from_json(
                                     w->a, j, (struct wall){wall_now().ms - crowd_ago_ms}, b,
                                     &err));
    json_free(&j);
    b->id = str_of(id);
    broadcast_accept(
        w->engine, w->et, w->a,
        &(struct broadcast_accept){b, dry_run, false, crowd_once, write_nothing, on_asked, &x});
    UNTIL(w, "asked", x.done);
    return x;
}

/* p1 to p<n>, verified, inside the window of main. */
void crowd(struct world *w, int n)
{
    char event[16];

    for (int i = 1; i <= n; i++) {
        snprintf(event, sizeof(event), "c%d", i);
        put_event(
            w, event, "cmms.person.upserted.v1",
            arena_printf(w->a,
                         "{\"person\":{\"id\":\"p%d\",\"name\":\"P\",\"phone\":\"+1202556%04d\","
                         "\"teams\":[\"crowd\"],\"verified\":true}}",
                         i, i)
                .p);
        redis_get(w, "HSET w:main p%d %lld", i, (long long)wall_now().ms);
    }
    UNTIL(w, "the crowd", redis_int(w, "EXISTS u:p%d", n) == 1 && idle(w));
}

/* Nothing is handed over: what is expanded waits in its lanes. */
void stand_still(struct world *w)
{
    w->probe_status = 401;
    redis_get(w, "HSET sn:main paused 1");
    redis_get(w, "HSET sn:tw paused 1");
}

int64_t expanded(struct world *w)
{
    return redis_int(w, "HGET b:b1 cu");
}

int64_t count(struct world *w, const char *name)
{
    return redis_int(w, "HGET bc:b1 %s", name);
}

void crowd_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    CHECK("cancelled", err == NULL && outcome->result == COMMIT_OK);
    *(bool *)ctx = true;
}
