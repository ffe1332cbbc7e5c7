/* broadcast: one text to everybody; critical: urgent messages into a backlog. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "crewline_bench.h"

#define MARKS_MAX  10000
#define SETTLE_MS  1000
#define BODY_BYTES 1024
#define BACKLOG_MS 1000

/* ---- broadcast ---- */

static int ask_broadcast(const struct bench_args *a, struct peer *gateway, int64_t n)
{
    struct buf request, answer;
    char body[BODY_BYTES];
    int status, len;

    len = snprintf(body, sizeof(body),
                   "{\"text\":\"Conveyor Belt A-01 stopped: bearing temperature above limit. Keep "
                   "away from the belt until the drive is locked out, and report to your "
                   "supervisor.\",\"title\":\"Critical Equipment Failure\",\"priority\":\"high\","
                   "\"audience\":{\"all\":true},\"confirm\":%lld}",
                   (long long)n);
    buf_init(&request, 2 * BODY_BYTES);
    buf_init(&answer, 1 << 20);
    body_api(a, "/api/v1/broadcasts", "application/json", str_make(body, (size_t)len), &request);
    status = peer_ask(gateway, buf_str(&request), &answer);
    if (status != 202) {
        fprintf(stderr, "crewline-bench: broadcast answered %d: %.*s\n", status,
                (int)(answer.n < 300 ? answer.n : 300), buf_str(&answer).p);
    }
    buf_fini(&request);
    buf_fini(&answer);
    return status;
}

/* The largest memory while it runs: sampled with each look at the stub. */
static bool watch(const struct bench_args *a, struct peer *stub, int64_t n, struct stub_count *got,
                  int64_t *rss_most)
{
    int64_t seen = -1, since = clock_us();
    struct usage now[2];

    for (;;) {
        stub_count(stub, got);
        usage_both(a, now);
        *rss_most = now[0].rss_bytes > *rss_most ? now[0].rss_bytes : *rss_most;
        if (got->count >= n) {
            return true;
        }
        if (got->count != seen) {
            seen = got->count;
            since = clock_us();
        } else if (clock_us() - since > 5000000) {
            fprintf(stderr, "crewline-bench: %lld of %lld came\n", (long long)seen, (long long)n);
            return false;
        }
        sleep_ms(20);
    }
}

int run_broadcast(const struct bench_args *a)
{
    struct peer *gateway = peer_open(a->url, (size_t)a->connections), *stub = peer_open(a->stub, 1);
    struct report *r = report_new("broadcast");
    int64_t n = a->people, asked, accepted, rss_most = 0;
    struct usage before[2];
    struct stub_count got = {0};
    bool ok = people_make(a, gateway, stub);

    stub_reset(stub);
    stall_ms(a, gateway);
    sleep_ms(SETTLE_MS);
    usage_both(a, before);
    asked = clock_us();
    ok = ok && ask_broadcast(a, gateway, n) == 202;
    accepted = clock_us();
    ok = ok && watch(a, stub, n, &got, &rss_most);
    sleep_ms(SETTLE_MS);
    report_add(r, "accept_ms", (double)(accepted - asked) / 1000, 1, "ms");
    report_add(r, "first_send_ms", (double)(got.first_us - accepted) / 1000, 1, "ms");
    report_add(r, "per_second", (double)(n - 1) * 1e6 / (double)(got.last_us - got.first_us), 0,
               "/s");
    report_add(r, "sent", (double)got.count, 0, "");
    report_add(r, "most_rss_mib", (double)rss_most / 1048576, 1, "MiB");
    report_usage(r, a, before, n);
    report_add(r, "longest_turn_ms", stall_ms(a, gateway), 2, "ms");
    report_print(&r, a->json);
    peer_close(&gateway);
    peer_close(&stub);
    return ok ? 0 : 1;
}

/* ---- critical ---- */

struct urgent {
    const struct bench_args *a;
    int64_t accepted_us[MARKS_MAX];
    int64_t waited_us[MARKS_MAX];
};

static void make_urgent(void *ctx, int64_t i, struct buf *out)
{
    const struct urgent *u = ctx;
    char body[BODY_BYTES], who[32];
    int n;

    person_id(i % u->a->people, who);
    n = snprintf(body, sizeof(body),
                 "{\"to\":{\"user\":\"%s\"},\"kind\":\"text\",\"text\":\"mark-%lld- Evacuate hall "
                 "3\",\"priority\":\"critical\"}",
                 who, (long long)i);
    body_api(u->a, "/api/v1/messages", "application/json", str_make(body, (size_t)n), out);
}

static void on_urgent(void *ctx, int64_t i, int status, struct str body)
{
    struct urgent *u = ctx;

    (void)status;
    (void)body;
    u->accepted_us[i] = clock_us();
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Those that were at the provider before our own clock saw the acceptance waited for nothing. */
static int64_t read_marks(struct urgent *u, struct peer *stub, int64_t n)
{
    struct buf request, answer;
    struct json *j = NULL;
    struct err err = {0};
    int64_t seen = 0;

    buf_init(&request, BODY_BYTES);
    buf_init(&answer, 1 << 20);
    request_write(&request, "GET", "/marks", "", STR_NONE);
    if (peer_ask(stub, buf_str(&request), &answer) == 200 &&
        json_parse(buf_str(&answer), 1 << 20, &j, &err)) {
        for (int64_t i = 0; i < n; i++) {
            int64_t at = json_as_int(json_at(j, (size_t)i), 0);

            if (at > 0) {
                u->waited_us[seen++] = at > u->accepted_us[i] ? at - u->accepted_us[i] : 0;
            }
        }
    }
    json_free(&j);
    buf_fini(&request);
    buf_fini(&answer);
    qsort(u->waited_us, (size_t)seen, sizeof(u->waited_us[0]), by_size);
    return seen;
}

int run_critical(const struct bench_args *a)
{
    struct peer *gateway = peer_open(a->url, (size_t)a->connections), *stub = peer_open(a->stub, 1);
    struct report *r = report_new("critical");
    struct urgent *u = MEM_NEW(struct urgent);
    int64_t n = a->urgent < MARKS_MAX ? a->urgent : MARKS_MAX, seen = 0;
    const struct load load = {.n = n,
                              .rate = a->rate > 0 ? (double)a->rate : 1,
                              .expect = 202,
                              .make = make_urgent,
                              .on_answer = on_urgent,
                              .ctx = u};
    struct load_result got = {0};
    struct stub_count count;
    bool ok = people_make(a, gateway, stub);

    u->a = a;
    ok = ok && backlog_make(a, gateway, stub, r);
    if (ok) {
        sleep_ms(BACKLOG_MS);
        load_run(gateway, &load, &got);
        sleep_ms(SETTLE_MS);
        stub_count(stub, &count);
        seen = read_marks(u, stub, n);
        ok = got.failed == 0 && seen == n && count.count < a->n;
        report_add(r, "sent_of_backlog", (double)count.count, 0, "");
        report_add(r, "urgent_sent", (double)seen, 0, "");
        report_add(r, "waited_p50_ms", (double)u->waited_us[seen / 2] / 1000, 2, "ms");
        report_add(r, "waited_p99_ms", (double)u->waited_us[seen * 99 / 100] / 1000, 2, "ms");
        report_add(r, "waited_most_ms", (double)u->waited_us[seen > 0 ? seen - 1 : 0] / 1000, 2,
                   "ms");
    }
    report_print(&r, a->json);
    mem_free(&u);
    peer_close(&gateway);
    peer_close(&stub);
    return ok ? 0 : 1;
}
