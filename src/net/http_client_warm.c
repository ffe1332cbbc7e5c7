#include "http_client_int.h"

#include <poll.h>
#include <unistd.h>

#define ROUNDS_MAX 100

struct warm_up {
    int ours, theirs; /* a connected pair: what libcurl says to @ours arrives at @theirs */
};

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct warm_up *w = ctx;
    int fd = w->ours;

    (void)purpose;
    (void)addr;
    w->ours = -1; /* libcurl closes it */
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_options(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    (void)ctx;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static bool greeted(const struct warm_up *w)
{
    struct pollfd p = {w->theirs, POLLIN, 0};

    return poll(&p, 1, 0) > 0;
}

void http_client_warm(struct http_client *c)
{
    struct http_slot *s;
    struct warm_up w;
    int fds[2], running;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return;
    }
    w = (struct warm_up){fds[0], fds[1]};
    s = http_slot_new(c);
    curl_easy_setopt(s->easy, CURLOPT_URL, "https://127.0.0.1/");
    curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETDATA, &w);
    curl_easy_setopt(s->easy, CURLOPT_SOCKOPTFUNCTION, on_options);
    c->in_curl++;
    curl_multi_add_handle(c->multi, s->easy);
    /* The certificates are read before the first greeting is sent. */
    for (int i = 0; i < ROUNDS_MAX && !greeted(&w); i++) {
        curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    curl_multi_remove_handle(c->multi, s->easy);
    c->in_curl--;
    http_slot_free(&s);
    close(w.theirs);
    if (w.ours >= 0) {
        close(w.ours);
    }
}
