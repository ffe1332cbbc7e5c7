/*
 * client_fanout: the same work as limit_fanout through crewline's HTTP client, to see what the
 * client itself costs. Keeps IN_FLIGHT calls going.
 *
 *   client_fanout URL [N [IN_FLIGHT [BODY_BYTES [CONNECTIONS [ONE_WRITE]]]]]   (ONE_WRITE: 1 or 2
 * for off)
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "net/http_client.h"

#define BODY_MAX 65536

static struct {
    struct loop *loop;
    struct http_client *client;
    struct http_call call;
    int64_t total, started, done, failed, http2;
    char body[BODY_MAX + 1];
} fan;

static double cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void on_done(void *ctx, const struct err *err, const struct http_answer *answer)
{
    (void)ctx;
    fan.done++;
    if (err != NULL || answer->status != 200) {
        if (fan.failed++ == 0) {
            fprintf(stderr, "first failure: %s\n", err == NULL ? "status" : err->msg);
        }
    } else {
        fan.http2 += answer->http2;
    }
    if (fan.started < fan.total) {
        fan.started++;
        http_call_start(fan.client, &fan.call, on_done, NULL);
    } else if (fan.done == fan.total) {
        loop_stop(fan.loop);
    }
}

static void make_body(size_t bytes)
{
    int n = snprintf(fan.body, sizeof(fan.body),
                     "{\"messaging_product\":\"whatsapp\",\"to\":\"12025550117\",\"type\":\"text\","
                     "\"text\":{\"body\":\"");

    while ((size_t)n + 3 < bytes) {
        fan.body[n++] = 'x';
    }
    memcpy(fan.body + n, "\"}}", 4);
    fan.call.body = str_of(fan.body);
}

static void run(const char *url, int64_t in_flight, int64_t conns, bool one_write)
{
    static const struct pair headers[] = {
        {{"Content-Type", 12},  {"application/json", 16}                       },
        {{"Authorization", 13}, {"Bearer 0123456789abcdef0123456789abcdef", 39}},
    };
    struct http_client_options o = {.connections_per_host_max = (size_t)conns,
                                    .ca_file = getenv("CA_FILE"),
                                    .one_write = one_write};
    struct http_client_stats st;
    struct loop_stats ls;
    struct mono t;
    double cpu, s;

    fan.loop = loop_new();
    fan.client = http_client_new(fan.loop, &o);
    http_client_warm(fan.client);
    fan.call.method = "POST";
    fan.call.url = str_of(url);
    fan.call.headers = headers;
    fan.call.nheaders = ARRAY_LEN(headers);
    fan.call.timeout_ms = 30000;
    t = mono_now();
    cpu = cpu_us();
    while (fan.started < in_flight && fan.started < fan.total) {
        fan.started++;
        http_call_start(fan.client, &fan.call, on_done, NULL);
    }
    loop_run(fan.loop);
    s = (double)(mono_now().us - t.us) / 1e6;
    cpu = cpu_us() - cpu;
    http_client_stats(fan.client, &st);
    loop_stats(fan.loop, &ls, false);
    printf(
        "{\"transfers\":%lld,\"failed\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,\"cpu_us\":%.1f,"
        "\"http2\":%lld,\"connections\":%lld,\"longest_turn_us\":%lld}\n",
        (long long)fan.done, (long long)fan.failed, s, (double)fan.done / s, cpu / (double)fan.done,
        (long long)fan.http2, (long long)st.connections_opened, (long long)ls.longest_us);
    http_client_free(&fan.client);
    loop_free(&fan.loop);
}

int main(int argc, char **argv)
{
    int64_t n[5] = {20000, 64, 400, 64, 2};

    for (int i = 2; i < argc && i < 7; i++) {
        if (!str_to_i64(str_of(argv[i]), 1, 100000000, &n[i - 2])) {
            argc = 0;
        }
    }
    if (argc < 2) {
        fprintf(
            stderr,
            "usage: client_fanout URL [N [IN_FLIGHT [BODY_BYTES [CONNECTIONS [ONE_WRITE]]]]]\n");
        return 2;
    }
    fan.total = n[0];
    make_body(n[2] > BODY_MAX ? BODY_MAX : (size_t)n[2]);
    run(argv[1], n[1], n[3], n[4] == 1);
    return fan.failed == 0 ? 0 : 1;
}
