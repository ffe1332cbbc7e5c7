/*
 * alert: something of ours is in trouble, or well again: gateway.system.alert.v1 for the CMMS, and
 * a message to the people whom the tenant's `alerts.users` names. Once an hour for each component
 * and severity, whatever the number of gateways that noticed.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/notice.h"
#include "domain/user_store.h"
#include "jobs_int.h"

#define HOUR_MS ((int64_t)3600 * 1000)

struct alarm_note {
    struct job job;
    struct op *pending;
    struct arena *a;
    struct engine_tenant *et;
    struct plan plan;
    struct str unit, component, text, advice;
    const char *severity;
};

static void alert_free(struct alarm_note *al)
{
    job_end(&al->job);
    op_cancel(&al->pending);
    arena_free(&al->a);
    mem_free(&al);
}

static void drop_alert(struct job *job)
{
    alert_free(LIST_OF(job, struct alarm_note, job));
}

static void alert_checks(void *ctx, struct commit *c)
{
    struct alarm_note *al = ctx;

    commit_once(c, al->unit);
}

static void on_forgotten(void *ctx, const struct err *err, const struct reply *r)
{
    struct alarm_note *al = ctx;

    (void)err; /* its end is told once more, which alert_checks() finds */
    (void)r;
    al->pending = NULL;
    alert_free(al);
}

/* Its end is told: only now it goes from what is on (jobs/alarms.h), else a crash between would lose it. */
static void forget(struct alarm_note *al)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("ZREM"));
    call_str(&call, arena_printf(al->a, "{%.*s}:al", STR_ARG(al->et->t.id)));
    call_str(&call, al->component);
    al->pending = store_run(al->et->e->store, &call, on_forgotten, al);
}

static void on_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct alarm_note *al = ctx;

    (void)outcome; /* a duplicate: another gateway has said so already */
    al->pending = NULL;
    if (err != NULL) {
        log_warn("alert not kept for the CMMS", LF_Z("reason", err->msg));
    } else if (str_eqz(str_of(al->severity), "ok")) {
        forget(al);
        return;
    }
    alert_free(al);
}

static void keep(struct alarm_note *al)
{
    const struct plan_run run = {alert_checks, NULL, on_kept, al};
    struct buf data;
    struct jw w;

    buf_init(&data, 64 * 1024);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_str(&w, "component", al->component);
    jw_z(&w, "severity", al->severity);
    jw_str(&w, "text", al->text);
    jw_str(&w, "advice", al->advice);
    jw_close(&w, '}');
    plan_event(&al->plan, "gateway.system.alert.v1", al->component,
               arena_dup(al->a, buf_str(&data)), STR_NONE);
    buf_fini(&data);
    al->pending = engine_run_plan(al->et->e, al->et, &al->plan, &run);
}

/* Who cannot be read is left out: the event goes to the CMMS all the same. */
static void on_people(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct alarm_note *al = ctx;

    al->pending = NULL;
    for (size_t i = 0; err == NULL && i < n; i++) {
        struct user *u = ARENA_NEW(al->a, struct user);
        struct str id = json_str(json_at(al->et->t.conf->alert_users, i));

        if (docs[i].version > 0 && user_open(&al->et->t, al->a, id, &docs[i], u, NULL)) {
            notice_alert(&al->plan, u, al->component, al->severity, al->text, al->advice);
        }
    }
    keep(al);
}

static void ask_people(struct alarm_note *al, size_t n)
{
    struct str *keys = ARENA_ARRAY(al->a, struct str, n);

    for (size_t i = 0; i < n; i++) {
        keys[i] = user_key(al->a, json_str(json_at(al->et->t.conf->alert_users, i)));
    }
    al->pending = fetch_run(al->et->e->store, al->et->t.id, keys, n, on_people, al);
}

void alert_raise(struct engine_tenant *et, struct str component, const char *severity,
                 struct str text, struct str advice)
{
    struct alarm_note *al = MEM_NEW(struct alarm_note);
    size_t n = json_len(et->t.conf->alert_users);

    al->a = arena_new();
    al->et = et;
    al->severity = severity;
    job_begin(et->e, &al->job, drop_alert);
    al->component = arena_dup(al->a, component);
    al->text = arena_dup(al->a, text);
    al->advice = arena_dup(al->a, advice);
    al->unit = arena_printf(al->a, "alert:%.*s:%s:%lld", STR_ARG(component), severity,
                            (long long)(wall_now().ms / HOUR_MS));
    plan_init(&al->plan, al->a, &et->t, wall_now(), STR_NONE);
    if (n > 0) {
        ask_people(al, n);
    } else {
        keep(al);
    }
}
