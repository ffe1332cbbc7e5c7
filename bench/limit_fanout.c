/*
 * limit_fanout: what libcurl alone can do: post the same JSON body N times over C connections,
 * nothing stored, nothing parsed. The ratio of crewline's fan-out to this is the figure that
 * counts.
 *
 *   limit_fanout URL [N [CONNECTIONS [BODY_BYTES]]] [--poll | --callback]
 *
 * multi_socket on libuv by default; --poll: curl_multi_poll() instead; --callback: the body through
 * a read callback, as a sender must that may not post twice.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/mem.h"
#include "base/str.h"

#define CONNECTIONS_MAX 1024
#define FDS_MAX         8192
#define BODY_MAX        65536

struct sender {
    CURL *easy;
    size_t at;
};

struct watch {
    uv_poll_t poll;
    int fd;
};

static struct {
    CURLM *multi;
    uv_idle_t idle;
    uv_timer_t timer;
    struct watch *watches[FDS_MAX];
    struct sender senders[CONNECTIONS_MAX];
    char body[BODY_MAX + 1];
    size_t body_n;
    int64_t total, started, done, failed, bytes;
    bool callback;
} limit;

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct sender *s = ctx;
    size_t n = size * count;

    if (n > limit.body_n - s->at) {
        n = limit.body_n - s->at;
    }
    memcpy(out, limit.body + s->at, n);
    s->at += n;
    return n;
}

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    (void)p;
    (void)ctx;
    limit.bytes += (int64_t)(size * count);
    return size * count;
}

static void start_one(struct sender *s)
{
    limit.started++;
    s->at = 0;
    curl_multi_add_handle(limit.multi, s->easy);
}

static void collect(void)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(limit.multi, &left)) != NULL) {
        struct sender *s;
        char *ptr;
        long status = 0;
        CURLcode code = msg->data.result;

        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &ptr);
        s = (struct sender *)(void *)ptr;
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        limit.done++;
        limit.failed += code != CURLE_OK || status != 200;
        curl_multi_remove_handle(limit.multi, s->easy);
        if (limit.started < limit.total) {
            start_one(s);
        }
    }
}

static void act(curl_socket_t fd, int flags)
{
    int running;

    curl_multi_socket_action(limit.multi, fd, flags, &running);
    collect();
    if (limit.done == limit.total) {
        uv_stop(uv_default_loop());
    }
}

static void on_idle(uv_idle_t *h)
{
    uv_idle_stop(h);
    act(CURL_SOCKET_TIMEOUT, 0);
}

static void on_timer(uv_timer_t *h)
{
    (void)h;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int timer_changed(CURLM *multi, long ms, void *ctx)
{
    (void)multi;
    (void)ctx;
    if (ms < 0) {
        uv_timer_stop(&limit.timer);
    } else if (ms == 0) {
        uv_idle_start(&limit.idle, on_idle);
    } else {
        uv_timer_start(&limit.timer, on_timer, (uint64_t)ms, 0);
    }
    return 0;
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(w->fd, flags);
}

static void on_closed(uv_handle_t *h)
{
    struct watch *w = h->data;

    mem_free(&w);
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socketp)
{
    struct watch *w;
    int events = 0;

    (void)easy;
    (void)ctx;
    (void)socketp;
    if (fd >= FDS_MAX) {
        return -1;
    }
    w = limit.watches[fd];
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            limit.watches[fd] = NULL;
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return 0;
    }
    if (w == NULL) {
        w = limit.watches[fd] = MEM_NEW(struct watch);
        w->fd = fd;
        uv_poll_init(uv_default_loop(), &w->poll, fd);
        w->poll.data = w;
    }
    events |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    uv_poll_start(&w->poll, events, on_ready);
    return 0;
}

static void make_sender(struct sender *s, const char *url, struct curl_slist *headers)
{
    s->easy = curl_easy_init();
    curl_easy_setopt(s->easy, CURLOPT_URL, url);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(s->easy, CURLOPT_PIPEWAIT, strncmp(url, "https", 5) == 0 ? 1L : 0L);
    curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)limit.body_n);
    if (limit.callback) {
        curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
    } else {
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, limit.body);
    }
}

static void make_body(void)
{
    int n = snprintf(limit.body, sizeof(limit.body),
                     "{\"messaging_product\":\"whatsapp\",\"to\":\"12025550117\",\"type\":\"text\","
                     "\"text\":{\"body\":\"");

    while ((size_t)n + 3 < limit.body_n) {
        limit.body[n++] = 'x';
    }
    memcpy(limit.body + n, "\"}}", 4);
    limit.body_n = (size_t)n + 3;
}

static double cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void run_poll(void)
{
    int running;

    while (limit.done < limit.total) {
        curl_multi_perform(limit.multi, &running);
        collect();
        if (limit.done < limit.total) {
            curl_multi_poll(limit.multi, NULL, 0, 1000, NULL);
        }
    }
}

static bool parse_args(int argc, char **argv, const char **url, int64_t *conns, bool *poll)
{
    int64_t numbers[3] = {20000, 64, 400};
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--poll") == 0) {
            *poll = true;
        } else if (strcmp(argv[i], "--callback") == 0) {
            limit.callback = true;
        } else if (*url == NULL) {
            *url = argv[i];
        } else if (n == 3 || !str_to_i64(str_of(argv[i]), 1, 100000000, &numbers[n++])) {
            return false;
        }
    }
    limit.total = numbers[0];
    *conns = numbers[1] > CONNECTIONS_MAX ? CONNECTIONS_MAX : numbers[1];
    limit.body_n = numbers[2] > BODY_MAX ? BODY_MAX : (size_t)numbers[2];
    return *url != NULL;
}

int main(int argc, char **argv)
{
    const char *url = NULL;
    struct curl_slist *headers;
    int64_t conns;
    bool poll = false;
    double cpu, s;
    uint64_t t;

    if (!parse_args(argc, argv, &url, &conns, &poll)) {
        fprintf(stderr, "usage: limit_fanout URL [N [CONNECTIONS [BODY]]] [--poll|--callback]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    make_body();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    limit.multi = curl_multi_init();
    if (!poll) {
        uv_idle_init(uv_default_loop(), &limit.idle);
        uv_timer_init(uv_default_loop(), &limit.timer);
        curl_multi_setopt(limit.multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
        curl_multi_setopt(limit.multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    }
    headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer 0123456789abcdef0123456789abcdef");
    t = uv_hrtime();
    cpu = cpu_us();
    for (int64_t i = 0; i < conns && i < limit.total; i++) {
        make_sender(&limit.senders[i], url, headers);
        start_one(&limit.senders[i]);
    }
    if (poll) {
        run_poll();
    } else {
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    }
    s = (double)(uv_hrtime() - t) / 1e9;
    cpu = cpu_us() - cpu;
    printf("{\"transfers\":%lld,\"failed\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,"
           "\"cpu_us\":%.1f}\n",
           (long long)limit.done, (long long)limit.failed, s, (double)limit.done / s,
           cpu / (double)limit.done);
    return limit.failed == 0 ? 0 : 1;
}
