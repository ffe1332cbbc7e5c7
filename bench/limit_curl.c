#include "limit_curl.h"

#include <curl/curl.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

#define FDS_MAX    8192
#define ANSWER_MAX 1024

struct post { /* waiting for a handle, then under way on one */
    struct list node;
    limit_sent_fn *on_sent;
    void *ctx;
    char answer[ANSWER_MAX];
    size_t answer_n, n;
    char body[];
};

struct handle {
    struct list node; /* among the free ones */
    CURL *easy;
    struct post *post;
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
    struct list waiting, idle_handles;
} sender;

static size_t on_answer(char *p, size_t size, size_t count, void *ctx)
{
    struct handle *h = ctx;
    size_t n = size * count, room = ANSWER_MAX - h->post->answer_n;

    memcpy(h->post->answer + h->post->answer_n, p, n < room ? n : room);
    h->post->answer_n += n < room ? n : room;
    return n;
}

static void start_waiting(void)
{
    while (!list_empty(&sender.waiting) && !list_empty(&sender.idle_handles)) {
        struct post *p = LIST_OF(sender.waiting.next, struct post, node);
        struct handle *h = LIST_OF(sender.idle_handles.next, struct handle, node);

        list_del(&p->node);
        list_del(&h->node);
        h->post = p;
        curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE, (long)p->n);
        curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, &p->body[0]);
        curl_multi_add_handle(sender.multi, h->easy);
    }
}

static void collect(void)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(sender.multi, &left)) != NULL) {
        struct handle *h;
        struct post *p;
        char *ptr;
        long status = 0;

        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &ptr);
        h = (struct handle *)(void *)ptr;
        p = h->post;
        if (msg->data.result == CURLE_OK) {
            curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
        }
        curl_multi_remove_handle(sender.multi, h->easy);
        list_add_tail(&sender.idle_handles, &h->node);
        p->on_sent(p->ctx, (int)status, p->answer, p->answer_n);
        mem_free(&p);
    }
    start_waiting();
}

static void act(curl_socket_t fd, int flags)
{
    int running;

    curl_multi_socket_action(sender.multi, fd, flags, &running);
    collect();
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
        uv_timer_stop(&sender.timer);
    } else if (ms == 0) {
        uv_idle_start(&sender.idle, on_idle);
    } else {
        uv_timer_start(&sender.timer, on_timer, (uint64_t)ms, 0);
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
    w = sender.watches[fd];
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            sender.watches[fd] = NULL;
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return 0;
    }
    if (w == NULL) {
        w = sender.watches[fd] = MEM_NEW(struct watch);
        w->fd = fd;
        uv_poll_init(uv_default_loop(), &w->poll, fd);
        w->poll.data = w;
    }
    events |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    uv_poll_start(&w->poll, events, on_ready);
    return 0;
}

void limit_curl_init(const char *url, size_t connections)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    headers = curl_slist_append(headers, "Authorization: Bearer 0123456789abcdef0123456789abcdef");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    sender.multi = curl_multi_init();
    list_init(&sender.waiting);
    list_init(&sender.idle_handles);
    uv_idle_init(uv_default_loop(), &sender.idle);
    uv_timer_init(uv_default_loop(), &sender.timer);
    curl_multi_setopt(sender.multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(sender.multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    for (size_t i = 0; i < connections; i++) {
        struct handle *h = MEM_NEW(struct handle);

        h->easy = curl_easy_init();
        curl_easy_setopt(h->easy, CURLOPT_URL, url);
        curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
        curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS, 30000L);
        curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_answer);
        curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
        curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
        list_add_tail(&sender.idle_handles, &h->node);
    }
}

void limit_post(const char *body, size_t n, limit_sent_fn *on_sent, void *ctx)
{
    struct post *p = mem_resize(NULL, sizeof(*p) + n);

    p->on_sent = on_sent;
    p->ctx = ctx;
    p->answer_n = 0;
    p->n = n;
    memcpy(p->body, body, n);
    list_init(&p->node);
    list_add_tail(&sender.waiting, &p->node);
    start_waiting();
}
