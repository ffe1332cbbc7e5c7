/* idle, idle-connections, start: what it does when there is nothing, or one thing, to do. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "crewline_bench.h"

#define PAUSE_MS      20
#define START_MOST_US 20000000

/* ---- idle: one input at a time ---- */

struct single {
    const struct bench_args *a;
    uint64_t run;
};

static void make_order_event(const struct bench_args *a, uint64_t run, int64_t i, struct buf *out)
{
    char body[1024], who[32];
    int n;

    person_id(i % a->people, who);
    n = snprintf(
        body, sizeof(body),
        "{\"specversion\":\"1.0\",\"id\":\"%llx-%lld\",\"source\":\"/bench\",\"type\":"
        "\"cmms.workorder.created.v1\",\"data\":{\"workorder\":{\"id\":\"w%llx%lld\",\"number\":"
        "\"WO-%llx-%lld\",\"title\":\"Replace Motor "
        "Bearing\",\"status\":\"open\",\"priority\":\"high\","
        "\"asset\":{\"id\":\"a1\",\"name\":\"Conveyor Belt A-01\"},\"assignees\":[{\"id\":\"%s\"}],"
        "\"rev\":1}}}",
        (unsigned long long)run, (long long)i, (unsigned long long)run, (long long)i,
        (unsigned long long)run, (long long)i, who);
    body_api(a, "/api/v1/events", "application/cloudevents+json", str_make(body, (size_t)n), out);
}

static void make_single(void *ctx, int64_t i, struct buf *out)
{
    const struct single *s = ctx;
    const struct bench_args *a = s->a;
    char body[256], who[32];
    int n;

    if (str_eqz(str_of(a->what), "command")) {
        body_text(a, s->run, i, i % a->people, a->text, out);
    } else if (str_eqz(str_of(a->what), "message")) {
        person_id(i % a->people, who);
        n = snprintf(body, sizeof(body),
                     "{\"to\":{\"user\":\"%s\"},\"kind\":\"text\",\"text\":\"One at a "
                     "time\",\"priority\":\"high\"}",
                     who);
        body_api(a, "/api/v1/messages", "application/json", str_make(body, (size_t)n), out);
    } else {
        make_order_event(a, s->run, i, out);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void add_times(struct report *r, const char *p50, const char *p99, int64_t *us, int64_t n)
{
    qsort(us, (size_t)n, sizeof(*us), by_size);
    report_add(r, p50, (double)us[n / 2] / 1000, 3, "ms");
    report_add(r, p99, (double)us[n * 99 / 100] / 1000, 3, "ms");
}

/* One request; when it was sent and answered, and when the provider had its message. */
static bool single_run(struct single *s, struct peer *gateway, struct peer *stub, int64_t i,
                       int64_t us[2])
{
    struct buf request;
    struct stub_count got;
    int64_t sent, answered;
    int status;

    buf_init(&request, 1 << 16);
    make_single(s, i, &request);
    stub_reset(stub);
    sleep_ms(PAUSE_MS);
    sent = clock_us();
    status = peer_ask(gateway, buf_str(&request), NULL);
    answered = clock_us();
    buf_fini(&request);
    if (status != 200 && status != 202) {
        fprintf(stderr, "crewline-bench: refused with status %d\n", status);
        return false;
    }
    sleep_ms(PAUSE_MS);
    if (!stub_wait(stub, 1, &got)) {
        return false;
    }
    us[0] = got.first_us - sent;
    us[1] = got.first_us > answered ? got.first_us - answered : 0;
    return true;
}

int run_idle(const struct bench_args *a)
{
    int64_t n = a->n > 0 ? a->n : 200, us[2] = {0};
    struct single s = {a, run_number()};
    struct peer *gateway = peer_open(a->url, 1), *stub = peer_open(a->stub, 1);
    int64_t *from_post = mem_array((size_t)n, sizeof(*from_post)),
            *from_answer = mem_array((size_t)n, sizeof(*us));
    struct report *r = report_new("idle");
    struct usage before[2];
    bool ok = people_make(a, gateway, stub);

    usage_both(a, before);
    for (int64_t i = 0; ok && i < n; i++) {
        ok = single_run(&s, gateway, stub, i, us);
        from_post[i] = us[0];
        from_answer[i] = us[1];
    }
    report_add(r, "inputs", (double)n, 0, "");
    add_times(r, "post_to_wire_p50_ms", "post_to_wire_p99_ms", from_post, n);
    add_times(r, "accepted_to_wire_p50_ms", "accepted_to_wire_p99_ms", from_answer, n);
    report_usage(r, a, before, n);
    report_print(&r, a->json);
    mem_free(&from_post);
    mem_free(&from_answer);
    peer_close(&gateway);
    peer_close(&stub);
    return ok ? 0 : 1;
}

/* ---- idle connections ---- */

static void make_health(void *ctx, int64_t i, struct buf *out)
{
    (void)ctx;
    (void)i;
    request_write(out, "GET", "/healthz", "", STR_NONE);
}

int run_idle_connections(const struct bench_args *a)
{
    const struct load load = {.n = a->n > 0 ? a->n : 5000, .expect = 200, .make = make_health};
    struct report *r = report_new("idle-connections");
    struct usage before[2], after[2];
    struct load_result got;
    struct peer *gateway;
    bool ok;

    usage_both(a, before);
    gateway = peer_open(a->url, (size_t)load.n);
    load_run(gateway, &load, &got); /* the idle ones take turns: one request on each */
    sleep_ms(500);
    usage_both(a, after);
    report_add(r, "connections", (double)load.n, 0, "");
    report_add(r, "failed", (double)got.failed, 0, "");
    report_add(r, "rss_before_mib", (double)before[0].rss_bytes / 1048576, 1, "MiB");
    report_add(r, "rss_mib", (double)after[0].rss_bytes / 1048576, 1, "MiB");
    report_add(r, "bytes_each", (double)(after[0].rss_bytes - before[0].rss_bytes) / (double)load.n,
               0, "bytes");
    report_print(&r, a->json);
    ok = got.failed == 0;
    peer_close(&gateway);
    return ok ? 0 : 1;
}

/* ---- start ---- */

static int socket_to(const char *url)
{
    struct sockaddr_in addr;
    int fd;

    address_of(url, &addr);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int ready_status(const char *url)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    char answer[16];
    int64_t status = 0;
    int fd = socket_to(url);

    if (fd < 0) {
        return 0;
    }
    if (write(fd, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1 &&
        read(fd, answer, 12) == 12) {
        str_to_i64(str_make(answer + 9, 3), 100, 999, &status);
    }
    close(fd);
    return (int)status;
}

int run_start(const struct bench_args *a)
{
    struct report *r = report_new("start");
    int64_t began, took;
    int status = 0, listening = 0;
    pid_t pid;

    if (a->rest == NULL || a->rest[0] == NULL) {
        fprintf(stderr, "crewline-bench: start needs \"-- PROGRAM ARGUMENT...\"\n");
        return 64;
    }
    began = clock_us();
    pid = fork();
    if (pid == 0) {
        execvp(a->rest[0], a->rest);
        _exit(127);
    }
    do {
        sleep_ms(1);
        status = ready_status(a->url);
        took = clock_us() - began;
        if (status != 0 && listening == 0) {
            listening = 1;
            report_add(r, "listening_ms", (double)took / 1000, 1, "ms");
        }
    } while (status != 200 && took < START_MOST_US && waitpid(pid, NULL, WNOHANG) == 0);
    report_add(r, "ready_ms", (double)took / 1000, 1, "ms");
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    report_print(&r, a->json);
    return status == 200 ? 0 : 1;
}
