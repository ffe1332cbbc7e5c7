#include "http_client_int.h"

#include "base/mem.h"

/*
 * libcurl 7.88 would start a connection for each call that finds no free stream, also while the one
 * that will have room for all is being made; and calls that wait inside it (PIPEWAIT) overrun their
 * deadline. So over TLS a cold host gets one call until its first connection stands, and an HTTP/2
 * host that is full gets one more call, which opens the next connection.
 */
static bool host_has_room(const struct http_client *c, const struct http_host *host)
{
    if (!host->https) {
        return host->active < c->connections_per_host_max;
    }
    if (host->connecting >= (host->warm ? HTTP_CONNECTING_MAX : 1)) {
        return false;
    }
    if (!host->h2) {
        return host->active < c->connections_per_host_max;
    }
    return host->active < host->h2_room ||
           (host->probe == NULL && host->h2_room < HTTP_STREAMS_MAX * HTTP_H2_CONNS_MAX);
}

/* Runnable is exactly: something waits, and there is room. */
void http_host_settle(struct http_client *c, struct http_host *host)
{
    bool runnable = !list_empty(&host->queue) && host_has_room(c, host);

    if (runnable && list_empty(&host->runnable)) {
        list_add_tail(&c->runnable, &host->runnable);
        http_client_wake(c);
    } else if (!runnable) {
        list_del(&host->runnable);
    }
}

void http_host_started(struct http_host *host, struct http_op *call)
{
    if (host->h2 && host->active >= host->h2_room) {
        host->probe = call;
    }
    host->active++;
    host->connecting++;
    call->connecting = true;
}

static void host_not_connecting(struct http_host *host, struct http_op *call)
{
    if (call->connecting) {
        call->connecting = false;
        host->connecting--;
    }
    if (host->probe == call) {
        host->probe = NULL;
    }
}

void http_host_ended(struct http_host *host, struct http_op *call, bool reached)
{
    host_not_connecting(host, call);
    host->active--;
    if (!reached && host->active == 0) {
        host->warm = false;
        host->h2_room = HTTP_STREAMS_MAX;
    }
}

void http_client_connected(struct http_op *call)
{
    struct http_host *host = call->host;

    /* It may have found a stream that became free meanwhile: that is no new connection. */
    if (host->probe == call && call->slot->allowed) {
        host->h2_room += HTTP_STREAMS_MAX;
    }
    host->warm = true;
    host_not_connecting(host, call);
    http_host_settle(call->c, host);
}

static void host_free(struct http_client *c, struct http_host *host)
{
    list_del(&host->node);
    list_del(&host->runnable);
    map_del(c->host_of, host->key);
    mem_free(&host);
}

void http_host_forget_idle(struct http_client *c)
{
    LIST_EACH_SAFE(it, next, &c->hosts)
    {
        struct http_host *host = LIST_OF(it, struct http_host, node);

        if (host->active == 0 && list_empty(&host->queue)) {
            host_free(c, host);
        }
    }
}

struct http_host *http_host_get(struct http_client *c, struct str key, bool https)
{
    struct http_host *host = map_get(c->host_of, key);
    char *text;

    if (host != NULL) {
        return host;
    }
    if (map_len(c->host_of) >= HTTP_HOSTS_MAX) {
        http_host_forget_idle(c);
    }
    host = mem_new(sizeof(*host) + key.n + 1);
    text = (char *)(host + 1);
    memcpy(text, key.p, key.n);
    host->key = str_make(text, key.n);
    host->https = https;
    host->h2_room = HTTP_STREAMS_MAX;
    list_init(&host->queue);
    list_init(&host->runnable);
    list_add_tail(&c->hosts, &host->node);
    map_put(c->host_of, host->key, host);
    return host;
}
