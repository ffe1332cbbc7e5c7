#include "client_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static bool ends_in(const char *name, const char *with)
{
    return str_ends(str_of(name), str_of(with));
}

/*
 * Stands before libc's for libcurl as well, because a program's symbols come first. freeaddrinfo()
 * takes the list apart one by one, so two answers may be chained.
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    getaddrinfo_fn *real = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
    int rc;

    if (node == NULL || (!ends_in(node, ".test") && !ends_in(node, ".invalid"))) {
        return real(node, service, hints, out);
    }
    if (ends_in(node, ".invalid") || strcmp(node, "none.test") == 0) {
        return EAI_NONAME;
    }
    if (strcmp(node, "slow.test") == 0) {
        sleep(2);
    }
    if (strcmp(node, "mixed.test") == 0) {
        struct addrinfo *second = NULL;

        rc = real("10.255.255.1", service, hints, out);
        if (rc == 0 && real("127.0.0.1", service, hints, &second) == 0) {
            struct addrinfo *last = *out;

            while (last->ai_next != NULL) {
                last = last->ai_next;
            }
            last->ai_next = second;
        }
        return rc;
    }
    return real("127.0.0.1", service, hints, out);
}

bool client_one_write;

void client_setup(struct client_fixture *f, size_t connections_per_host)
{
    struct http_client_options o = {.connections_per_host_max = connections_per_host,
                                    .one_write = client_one_write};

    f->loop = loop_new();
    f->client = http_client_new(f->loop, &o);
    f->server = rude_start();
}

void client_teardown(struct client_fixture *f)
{
    http_client_free(&f->client);
    loop_free(&f->loop);
    rude_stop(&f->server);
}

void shot_init(struct shot *s, struct client_fixture *f, const char *method, const char *path)
{
    *s = (struct shot){0};
    if (strstr(path, "://") != NULL) {
        snprintf(s->url, sizeof(s->url), "%s", path);
    } else {
        snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d%s", rude_port(f->server), path);
    }
    s->call.method = method;
    s->call.timeout_ms = 5000;
    buf_init(&s->body, 64u << 20);
}

void shot_fini(struct shot *s)
{
    buf_fini(&s->body);
}

static void on_done(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct shot *s = ctx;

    s->op = NULL;
    s->ends++;
    if (err != NULL) {
        s->err = *err;
    } else {
        struct str mixed = pairs_get(&answer->headers, STR("x-mixed-case"));

        s->status = answer->status;
        s->retry_after_s = answer->retry_after_s;
        s->http2 = answer->http2;
        s->nheaders = answer->headers.n;
        snprintf(s->mixed, sizeof(s->mixed), "%.*s", STR_ARG(mixed));
        buf_add(&s->body, answer->body);
    }
    if (s->then != NULL) {
        s->then(s);
    }
}

void shot_start(struct shot *s, struct client_fixture *f)
{
    s->call.url = str_of(s->url);
    s->op = http_call_start(f->client, &s->call, on_done, s);
    CHECK_INT("no callback before the start returned", s->ends, 0);
}

static void on_time(void *ctx)
{
    *(bool *)ctx = true;
}

/* The clock turns the loop even where nothing else would. */
static void tick(void *ctx)
{
    loop_stop(ctx);
}

static void turn(struct client_fixture *f)
{
    struct timer *t = timer_new(f->loop, tick, f->loop);

    timer_start(t, 5);
    loop_run(f->loop);
    timer_free(&t);
}

bool shot_wait(struct shot *s, struct client_fixture *f, int64_t ms)
{
    bool late = false;
    struct timer *t = timer_new(f->loop, on_time, &late);

    timer_start(t, ms);
    while (s->ends == 0 && !late) {
        turn(f);
    }
    timer_free(&t);
    return s->ends > 0;
}

void shot_run(struct shot *s, struct client_fixture *f, const char *method, const char *path,
              struct str body, unsigned flags)
{
    shot_init(s, f, method, path);
    s->call.body = body;
    s->call.flags = flags;
    shot_start(s, f);
    CHECK(path, shot_wait(s, f, 10000));
    CHECK_INT(path, s->ends, 1);
}

void run_ms(struct client_fixture *f, int64_t ms)
{
    int64_t until = mono_now().us + ms * 1000;

    while (mono_now().us < until) {
        turn(f);
        usleep(500); /* a loop with nothing to do returns at once */
    }
}
