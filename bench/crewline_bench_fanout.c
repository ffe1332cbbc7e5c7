/* fanout, queue: messages through POST /api/v1/messages, accepted for one instant. */
#include <stdio.h>
#include <time.h>

#include "crewline_bench.h"

#define QUEUE_RATE_LEAST 2500 /* acceptances a second that the lead is reckoned with */
#define LEAD_MORE_MS     2000
#define LATER_MS         (6 * 3600 * 1000)

struct fan {
    const struct bench_args *a;
    const char *priority;
    char send_at[64];
};

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_instant(struct fan *f, int64_t at_ms)
{
    time_t s = (time_t)(at_ms / 1000);
    struct tm tm;
    char text[32];

    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(f->send_at, sizeof(f->send_at), "%s.%03dZ", text, (int)(at_ms % 1000));
}

/* 400 bytes at the provider, as limit_fanout posts. */
static void make_message(void *ctx, int64_t i, struct buf *out)
{
    static const char text[] = "Conveyor Belt A-01 stopped: bearing temperature above limit. "
                               "Replace the motor bearing, check the "
                               "alignment of the drive and report back with a photo when the belt "
                               "is running again. Lock out first.";
    const struct fan *f = ctx;
    char body[1024], who[32];
    int n;

    person_id(i % f->a->people, who);
    n = snprintf(body, sizeof(body),
                 "{\"to\":{\"user\":\"%s\"},\"kind\":\"text\",\"text\":\"%s\",\"priority\":\"%s\","
                 "\"send_at\":\"%s\"}",
                 who, text, f->priority, f->send_at);
    body_api(f->a, "/api/v1/messages", "application/json", str_make(body, (size_t)n), out);
}

static bool queue_all(struct fan *f, struct peer *gateway, int64_t n, struct report *r)
{
    const struct load load = {.n = n, .expect = 202, .make = make_message, .ctx = f};
    struct load_result got;
    struct usage before[2], after[2];

    usage_both(f->a, before);
    load_run(gateway, &load, &got);
    usage_both(f->a, after);
    if (got.failed > 0) {
        fprintf(stderr, "crewline-bench: %lld messages refused, the first with status %d\n",
                (long long)got.failed, got.first_wrong);
        return false;
    }
    report_add(r, "accepted_per_second", (double)n * 1e6 / (double)(got.ended_us - got.began_us), 0,
               "/s");
    report_add(r, "accept_p99_ms", (double)got.p99_us / 1000, 3, "ms");
    if (f->a->pid != 0) {
        report_add(r, "accept_cpu_us", (double)(after[0].cpu_us - before[0].cpu_us) / (double)n, 1,
                   "us of CPU each");
        report_add(r, "queued_rss_mib", (double)after[0].rss_bytes / 1048576, 1, "MiB");
    }
    return true;
}

static bool fan_out(struct fan *f, struct peer *gateway, struct peer *stub, int64_t n,
                    int64_t at_ms, struct report *r)
{
    struct usage before[2];
    struct stub_count got;
    bool ok;

    if (wall_ms() > at_ms - 300) {
        fprintf(
            stderr,
            "crewline-bench: the instant came before all were queued; give a longer --lead-ms\n");
        return false;
    }
    stub_reset(stub);
    stall_ms(f->a, gateway);
    sleep_ms(at_ms - wall_ms() - 100);
    usage_both(f->a, before);
    sleep_ms(200);
    ok = stub_wait(stub, n, &got) && got.count == n;
    sleep_ms(200); /* the last ones are being recorded */
    report_add(r, "per_second", (double)(n - 1) * 1e6 / (double)(got.last_us - got.first_us), 0,
               "/s");
    report_add(r, "sent", (double)got.count, 0, "");
    report_usage(r, f->a, before, n);
    report_add(r, "longest_turn_ms", stall_ms(f->a, gateway), 2, "ms");
    return ok;
}

static int64_t lead_ms(const struct bench_args *a, int64_t n)
{
    return a->lead_ms > 0 ? a->lead_ms : LEAD_MORE_MS + n * 1000 / QUEUE_RATE_LEAST;
}

bool backlog_make(const struct bench_args *a, struct peer *gateway, struct peer *stub,
                  struct report *r)
{
    struct fan f = {a, "low", ""};
    int64_t at_ms = wall_ms() + lead_ms(a, a->n);

    set_instant(&f, at_ms);
    if (!queue_all(&f, gateway, a->n, r)) {
        return false;
    }
    stub_reset(stub);
    if (wall_ms() < at_ms) {
        sleep_ms(at_ms - wall_ms());
    }
    return true;
}

int run_fanout(const struct bench_args *a)
{
    int64_t n = a->n > 0 ? a->n : 10000, at_ms;
    struct peer *gateway = peer_open(a->url, (size_t)a->connections), *stub = peer_open(a->stub, 1);
    struct report *r = report_new("fanout");
    struct fan f = {a, "high", ""};
    bool ok = people_make(a, gateway, stub);

    at_ms = wall_ms() + lead_ms(a, n);
    set_instant(&f, at_ms);
    ok = ok && queue_all(&f, gateway, n, r) && fan_out(&f, gateway, stub, n, at_ms, r);
    report_print(&r, a->json);
    peer_close(&gateway);
    peer_close(&stub);
    return ok ? 0 : 1;
}

int run_queue(const struct bench_args *a)
{
    struct peer *gateway = peer_open(a->url, (size_t)a->connections), *stub = peer_open(a->stub, 1);
    struct report *r = report_new("queue");
    struct fan f = {a, "high", ""};
    bool ok = people_make(a, gateway, stub);

    set_instant(&f, wall_ms() + LATER_MS);
    ok = ok && queue_all(&f, gateway, a->n > 0 ? a->n : 10000, r);
    report_print(&r, a->json);
    peer_close(&gateway);
    peer_close(&stub);
    return ok ? 0 : 1;
}
