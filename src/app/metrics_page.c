/*
 * metrics_page: GET /metrics: the counters and histograms of this process (jobs/metrics), and
 * gauges read on request. A key sees the gauges of its own tenant, a scraper on loopback those of
 * all.
 */
#include "app_int.h"
#include "jobs/metrics.h"

#include <stdio.h>

#define ALARMS_MAX 64

static const char *const prio_words[PRIO_COUNT] = {"critical", "reply", "high", "normal", "low"};

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP crewline_%s %s\n# TYPE crewline_%s %s\n", name, help, name, type);
}

static void single(struct buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    head(out, name, type, help);
    buf_addf(out, "crewline_%s %.15g\n", name, value);
}

static void by_limit(struct buf *out, const char *name, const char *help, int64_t address,
                     int64_t total)
{
    head(out, name, "counter", help);
    buf_addf(out, "crewline_%s{limit=\"address\"} %lld\ncrewline_%s{limit=\"total\"} %lld\n", name,
             (long long)address, name, (long long)total);
}

static void by_priority(struct buf *out, const struct depths *d, bool age)
{
    const char *name = age ? "queue_oldest_seconds" : "queue_depth";

    head(out, name, "gauge",
         age ? "How long the first of its lanes has been ready"
             : "Items waiting, due now (lanes behind the first 64 count one each)");
    for (size_t i = 0; i < d->n; i++) {
        for (int p = 0; p < PRIO_COUNT; p++) {
            buf_addf(out, "crewline_%s{tenant=\"%.*s\",queue=\"%.*s\",lane=\"%s\"} %.15g\n", name,
                     STR_ARG(d->v[i].tenant->id), STR_ARG(d->v[i].queue), prio_words[p],
                     age ? (double)d->v[i].oldest_ms[p] / 1000 : (double)d->v[i].items[p]);
        }
    }
}

static void by_queue(struct buf *out, const struct depths *d, bool scheduled)
{
    const char *name = scheduled ? "queue_scheduled" : "queue_in_flight";

    head(out, name, "gauge",
         scheduled ? "Items accepted for later" : "Lanes leased to an instance");
    for (size_t i = 0; i < d->n; i++) {
        buf_addf(out, "crewline_%s{tenant=\"%.*s\",queue=\"%.*s\"} %lld\n", name,
                 STR_ARG(d->v[i].tenant->id), STR_ARG(d->v[i].queue),
                 (long long)(scheduled ? d->v[i].scheduled : d->v[i].in_flight));
    }
}

static int64_t of_sender(const struct depth_sample *d, int what)
{
    return what == 0 ? (d->paused || d->rests.ms > 0 ? 1 : 0) : what == 1 ? d->percent : d->people;
}

static void by_sender(struct buf *out, const struct depths *d)
{
    static const char *const names[][2] = {
        {"sender_paused",       "1: the sender is paused or rests, its messages stay queued"            },
        {"sender_rate_percent",
         "Of its configured rate in force: less after the provider said too fast"                       },
        {"sender_people",       "People written to outside their window within 24 h, when it has a tier"},
    };

    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        head(out, names[k][0], "gauge", names[k][1]);
        for (size_t i = 0; i < d->n; i++) {
            struct str queue = d->v[i].queue;

            if (str_starts(queue, STR(QUEUE_OUT_PREFIX))) {
                buf_addf(out, "crewline_%s{tenant=\"%.*s\",sender=\"%.*s\"} %lld\n", names[k][0],
                         STR_ARG(d->v[i].tenant->id),
                         STR_ARG(str_slice(queue, strlen(QUEUE_OUT_PREFIX), SIZE_MAX)),
                         (long long)of_sender(&d->v[i], (int)k));
            }
        }
    }
}

static void by_tenant(struct buf *out, const struct engine_tenant *et)
{
    struct str reason;

    buf_addf(out, "crewline_callback_endpoint_up{tenant=\"%.*s\"} %d\n",
             STR_ARG(engine_tenant(et)->id),
             strcmp(engine_callback_health(et, &reason), "ok") == 0 ? 1 : 0);
}

static void alarms(struct buf *out, const struct engine_tenant *et)
{
    struct alarm all[ALARMS_MAX];
    size_t n = engine_alarms(et, all, ALARMS_MAX);

    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "crewline_alarm{tenant=\"%.*s\",component=\"%.*s\",severity=\"%.*s\"} 1\n",
                 STR_ARG(engine_tenant(et)->id), STR_ARG(all[i].component),
                 STR_ARG(all[i].severity));
    }
}

static void each_tenant(struct request *r, struct buf *out,
                        void (*write)(struct buf *out, const struct engine_tenant *et))
{
    if (r->who.et != NULL) {
        write(out, r->who.et);
        return;
    }
    for (size_t i = 0; i < engine_tenants(r->e); i++) {
        write(out, engine_tenant_at(r->e, i));
    }
}

static double resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f != NULL) {
        if (fscanf(f, "%llu %llu", &size, &resident) != 2) {
            resident = 0;
        }
        fclose(f);
    }
    return (double)resident * 4096;
}

static void process(struct request *r, struct buf *out)
{
    struct http_server_stats http;
    struct loop_stats loop;

    http_server_stats(r->app->server, &http);
    loop_stats(r->app->loop, &loop, true);
    head(out, "build_info", "gauge", "The version that runs");
    buf_addf(out, "crewline_build_info{version=\"%s\"} 1\n", CREWLINE_VERSION);
    single(out, "http_connections", "gauge", "Open connections", (double)http.connections);
    by_limit(out, "http_connections_refused_total", "Connections over a limit, by which",
             http.refused_address, http.refused_total);
    single(out, "http_body_bytes", "gauge", "Bodies of requests that are open",
           (double)http.body_bytes);
    by_limit(out, "http_bodies_refused_total",
             "Bodies over what may be held at once, by which limit", http.bodies_refused_address,
             http.bodies_refused_total);
    single(out, "http_requests_total", "counter", "Requests taken in", (double)http.requests);
    single(out, "http_bad_requests_total", "counter", "Requests refused by the gate or the parser",
           (double)http.bad_requests);
    single(out, "loop_longest_turn_seconds", "gauge",
           "Longest turn of the loop since the last look", (double)loop.longest_us / 1e6);
    single(out, "resident_bytes", "gauge", "Memory in use", resident_bytes());
}

static void store(struct request *r, struct buf *out)
{
    struct store_stats s;
    const char *reason;

    store_stats(engine_store(r->e), &s);
    single(out, "store_up", "gauge", "Redis is connected and keeps what was asked",
           store_health(engine_store(r->e), &reason) == STORE_READY ? 1 : 0);
    single(out, "store_calls_total", "counter", "Commands asked of Redis", (double)s.calls);
    single(out, "store_reasked_total", "counter", "Commands asked once more", (double)s.reasked);
    single(out, "store_reconnects_total", "counter", "Connections made again",
           (double)s.reconnects);
    single(out, "store_pending", "gauge", "Commands without a reply yet", (double)s.pending);
    single(out, "store_reply_max_seconds", "gauge", "Longest wait for a reply",
           (double)s.reply_us_max / 1e6);
}

static void answer(struct request *r, const struct depths *d)
{
    struct jw unused;
    struct buf *out = reply_begin(r, &unused);

    process(r, out);
    metrics_write(out);
    if (r->e != NULL) {
        store(r, out);
        head(out, "callback_endpoint_up", "gauge", "1: the CMMS takes its events");
        each_tenant(r, out, by_tenant);
        head(out, "alarm", "gauge", "1: the alarm is on");
        each_tenant(r, out, alarms);
    }
    if (d->n > 0) {
        by_sender(out, d);
        by_priority(out, d, false);
        by_priority(out, d, true);
        by_queue(out, d, false);
        by_queue(out, d, true);
    }
    reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(out));
}

/* Without Redis the process still tells how it is; the gauges of the queues are left out. */
static void on_depths(struct request *r, struct depths *d, const struct err *err)
{
    (void)err;
    answer(r, d);
}

void health_metrics(struct request *r)
{
    struct depths *d = ARENA_NEW(r->a, struct depths);
    const char *reason;

    *d = (struct depths){.only = r->who.et, .done = on_depths};
    if (r->e == NULL || !engine_ready(r->e) ||
        store_health(engine_store(r->e), &reason) != STORE_READY) {
        answer(r, d);
        return;
    }
    depths_read(r, d);
}
