/*
 * health: is it alive, is it ready. Ready goes by flow: a Redis that does not answer or keeps less
 * than asked is "down"; a paused sender, a CMMS that takes nothing and a queue that stands still
 * are "degraded". Those without a key get the word alone, from a look at most a second old,
 * or a tenth where it was bad.
 */
#include "app_int.h"
#include "jobs/metrics.h"

#include <stdio.h>

#define SENDERS_MAX  64
#define ALARMS_MAX   64
#define STUCK_MS     120000 /* ready for that long and not taken: it stands still */
#define LOOK_US      1000000
#define DOWN_LOOK_US 100000 /* Redis may have been away for a moment only */
#define LONG_REST_MS 60000

void health_live(struct request *r)
{
    reply_json(r, 200, STR("{\"status\":\"ok\"}"));
}

/* ---- readiness ---- */

enum level { LEVEL_OK, LEVEL_DEGRADED, LEVEL_DOWN };
static const char *const level_words[] = {"ok", "degraded", "down"};

static enum level worse(enum level a, enum level b)
{
    return a > b ? a : b;
}

static enum level store_level(const struct request *r, const char **reason)
{
    enum store_health health;

    *reason = "the gateway is starting or stopping";
    if (r->app->engine == NULL || r->app->draining) {
        return LEVEL_DOWN;
    }
    health = store_health(engine_store(r->app->engine), reason);
    if (health != STORE_READY && health != STORE_PARTLY) {
        return LEVEL_DOWN;
    }
    if (!engine_ready(r->app->engine)) {
        *reason = "the gateway is starting or stopping";
        return LEVEL_DOWN;
    }
    return health == STORE_READY ? LEVEL_OK : LEVEL_DEGRADED;
}

/* A short rest is how a provider paces us; a long one is worth a look. */
static bool stands(const struct depth_sample *q)
{
    return q->paused || q->rests.ms > wall_now().ms + LONG_REST_MS;
}

static enum level tenant_level(const struct depths *d, const struct engine_tenant *et)
{
    struct alarm alarm;
    enum level level = engine_alarms(et, &alarm, 1) > 0 ? LEVEL_DEGRADED : LEVEL_OK;
    struct str reason;

    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i].tenant == engine_tenant(et) && stands(&d->v[i])) {
            level = LEVEL_DEGRADED;
        }
    }
    return strcmp(engine_callback_health(et, &reason), "ok") == 0 ? level : LEVEL_DEGRADED;
}

static void write_check(struct jw *w, const char *name, const char *state, struct str reason)
{
    jw_open(w, name, '{');
    jw_z(w, "status", state);
    if (reason.n > 0) {
        jw_str(w, "reason", reason);
    }
    jw_close(w, '}');
}

/*
 * Bulk may wait for its rate for hours; inbound work, callbacks, replies and emergencies wait for
 * nothing that takes minutes.
 */
static int64_t stuck_ms(const struct depths *d)
{
    int64_t worst = 0;

    for (size_t i = 0; i < d->n; i++) {
        bool rated = str_starts(d->v[i].queue, STR(QUEUE_OUT_PREFIX));

        for (int p = 0; p <= (rated ? PRIO_REPLY : PRIO_LOW); p++) {
            worst = d->v[i].oldest_ms[p] > worst ? d->v[i].oldest_ms[p] : worst;
        }
    }
    return worst;
}

static void write_alarms(const struct engine_tenant *et, struct jw *w)
{
    struct alarm alarms[ALARMS_MAX];
    size_t n = engine_alarms(et, alarms, ALARMS_MAX);

    jw_open(w, "alarms", '[');
    for (size_t i = 0; i < n; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "component", alarms[i].component);
        jw_str(w, "severity", alarms[i].severity);
        jw_str(w, "text", alarms[i].text);
        jw_str(w, "advice", alarms[i].advice);
        jw_wall(w, "since", alarms[i].since);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

struct ready { /* one look */
    struct depths d;
    enum level level;
    const char *why; /* Redis is not well, or NULL */
};

static void write_checks(struct request *r, const struct ready *look, struct jw *w)
{
    struct sender_health senders[SENDERS_MAX];
    size_t n = engine_senders(r->who.et, senders, SENDERS_MAX);
    char id[40];
    struct str reason;
    const char *cmms = engine_callback_health(r->who.et, &reason);
    const struct depth_sample *q;

    jw_open(w, "checks", '{');
    write_check(w, "redis", look->why == NULL ? "ok" : level_words[look->level], str_of(look->why));
    write_check(w, "queues", stuck_ms(&look->d) > STUCK_MS ? "degraded" : "ok",
                stuck_ms(&look->d) > STUCK_MS
                    ? arena_printf(r->a, "work has been waiting for %lld s",
                                   (long long)(stuck_ms(&look->d) / 1000))
                    : STR_NONE);
    jw_open(w, "senders", '{');
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "%.*s", STR_ARG(senders[i].sender->id));
        q = depths_sender(&look->d, r->who.tenant, senders[i].sender->id);
        if (q != NULL) { /* none when Redis did not answer */
            write_check(w, id, q->paused || q->rests.ms > 0 ? "paused" : "ok", q->why);
        }
    }
    jw_close(w, '}');
    if (r->who.tenant->conf->callback_url.n == 0) {
        write_check(w, "cmms", "ok", STR("no callback URL: it polls the outbox"));
    } else {
        write_check(w, "cmms", cmms, reason);
    }
    write_alarms(r->who.et, w);
    jw_close(w, '}');
}

static void answer(struct request *r, const struct ready *look)
{
    struct jw w;

    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_z(&w, "status", level_words[look->level]);
    if (r->who.et != NULL) {
        write_checks(r, look, &w);
        jw_z(&w, "version", CREWLINE_VERSION);
    }
    jw_close(&w, '}');
    reply_built(r, look->level == LEVEL_DOWN ? 503 : 200, &r->out);
}

static void on_looked(struct request *r, struct depths *d, const struct err *err)
{
    struct ready *look = (struct ready *)(void *)d; /* its first member */

    if (err != NULL && r->who.et == NULL && look->level == LEVEL_DEGRADED) {
        /* One tenant's part of a cluster is missing; the others are served. */
    } else if (err != NULL) {
        look->level = LEVEL_DOWN;
        look->why = "it does not answer";
    } else if (r->who.et != NULL) {
        look->level = worse(look->level, tenant_level(d, r->who.et));
    } else {
        for (size_t i = 0; i < engine_tenants(r->e); i++) {
            look->level = worse(look->level, tenant_level(d, engine_tenant_at(r->e, i)));
        }
    }
    if (stuck_ms(d) > STUCK_MS) {
        look->level = worse(look->level, LEVEL_DEGRADED);
    }
    if (r->who.et == NULL) {
        r->app->ready_at = mono_now();
        r->app->ready_level = (int)look->level;
    }
    answer(r, look);
}

void health_ready(struct request *r)
{
    struct ready *look = ARENA_NEW(r->a, struct ready);

    look->level = store_level(r, &look->why);
    if (look->level == LEVEL_DOWN) {
        answer(r, look);
        return;
    }
    if (look->level == LEVEL_OK) {
        look->why = NULL;
    }
    if (r->who.et == NULL && r->app->ready_at.us > 0 &&
        mono_now().us - r->app->ready_at.us <
            (r->app->ready_level == LEVEL_DOWN ? DOWN_LOOK_US : LOOK_US)) {
        look->level = (enum level)r->app->ready_level;
        answer(r, look);
        return;
    }
    look->d = (struct depths){.only = r->who.et, .done = on_looked};
    depths_read(r, &look->d);
}
