/* webhooks, commands: what comes from the provider. */
#include <stdio.h>

#include "crewline_bench.h"

struct flood {
    const struct bench_args *a;
    uint64_t run;
};

static void make_status(void *ctx, int64_t i, struct buf *out)
{
    const struct flood *f = ctx;

    body_status(f->a, f->run, i, out);
}

static void make_text(void *ctx, int64_t i, struct buf *out)
{
    const struct flood *f = ctx;

    body_text(f->a, f->run, i, i % f->a->people, f->a->text, out);
}

static void add_load(struct report *r, const struct load *load, const struct load_result *got)
{
    report_add(r, "requests", (double)load->n, 0, "");
    report_add(r, "failed", (double)got->failed, 0, "");
    report_add(r, "p50_ms", (double)got->p50_us / 1000, 3, "ms");
    report_add(r, "p99_ms", (double)got->p99_us / 1000, 3, "ms");
    report_add(r, "max_ms", (double)got->max_us / 1000, 3, "ms");
}

int run_webhooks(const struct bench_args *a)
{
    struct flood f = {a, run_number()};
    const struct load load = {.n = a->n > 0 ? a->n : 10000,
                              .rate = (double)a->rate,
                              .expect = 200,
                              .make = make_status,
                              .ctx = &f};
    struct peer *target = peer_open(a->url, (size_t)a->connections);
    struct report *r = report_new("webhooks");
    struct load_result got;
    struct usage before[2];
    bool ok;

    stall_ms(a, target);
    usage_both(a, before);
    load_run(target, &load, &got);
    report_add(r, "per_second", (double)load.n * 1e6 / (double)(got.ended_us - got.began_us), 0,
               "/s");
    add_load(r, &load, &got);
    report_usage(r, a, before, load.n);
    report_add(r, "longest_turn_ms", stall_ms(a, target), 2, "ms");
    ok = got.failed == 0;
    if (!ok) {
        fprintf(stderr, "crewline-bench: %lld failed, the first with status %d\n",
                (long long)got.failed, got.first_wrong);
    }
    report_print(&r, a->json);
    peer_close(&target);
    return ok ? 0 : 1;
}

/* From the first request to the last reply at the provider, both on the same clock. */
int run_commands(const struct bench_args *a)
{
    struct flood f = {a, run_number()};
    const struct load load = {.n = a->n > 0 ? a->n : 10000,
                              .rate = (double)a->rate,
                              .expect = 200,
                              .make = make_text,
                              .ctx = &f};
    struct peer *target = peer_open(a->url, (size_t)a->connections), *stub = peer_open(a->stub, 1);
    struct report *r = report_new("commands");
    struct load_result got;
    struct stub_count replies;
    struct usage before[2];
    bool ok = a->bare || people_make(a, target, stub);

    stub_reset(stub);
    stall_ms(a, target);
    usage_both(a, before);
    if (ok) {
        load_run(target, &load, &got);
        ok = stub_wait(stub, load.n, &replies) && got.failed == 0 && replies.count == load.n;
        sleep_ms(200); /* the last replies are being recorded */
        report_add(r, "per_second", (double)load.n * 1e6 / (double)(replies.last_us - got.began_us),
                   0, "/s");
        report_add(r, "webhooks_per_second",
                   (double)load.n * 1e6 / (double)(got.ended_us - got.began_us), 0, "/s");
        report_add(r, "replies", (double)replies.count, 0, "");
        add_load(r, &load, &got);
        report_usage(r, a, before, load.n);
        report_add(r, "longest_turn_ms", stall_ms(a, target), 2, "ms");
        report_print(&r, a->json);
    }
    peer_close(&target);
    peer_close(&stub);
    return ok ? 0 : 1;
}
