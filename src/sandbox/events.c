#include "events.h"

#include "answer.h"
#include "base/mem.h"

#define BACKLOG_MAX   (1 << 20) /* a page that does not keep up is told to load anew */
#define LISTENERS_MAX 64
#define PING_MS       15000

struct listener {
    struct wait wait; /* in events.listeners while open */
    struct events *owner;
    bool behind;
};

struct events {
    struct sandbox *sb;
    struct list listeners;
    size_t n;
};

static void ping(void *ctx, int64_t arg);

struct events *events_new(struct sandbox *sb)
{
    struct events *e = MEM_NEW(struct events);

    e->sb = sb;
    list_init(&e->listeners);
    sched_in(sb->sched, PING_MS, ping, e, 0);
    return e;
}

static void on_gone(struct wait *w)
{
    struct listener *l = LIST_OF(&w->node, struct listener, wait.node);

    l->owner->n--;
    mem_free(&l);
}

void events_free(struct events **owner)
{
    if (*owner == NULL) {
        return;
    }
    LIST_EACH_SAFE(it, tmp, &(*owner)->listeners)
    {
        struct listener *l = LIST_OF(it, struct listener, wait.node);
        struct http_req *r = wait_take(&l->wait);

        list_del(&l->wait.node);
        http_stream_end(r);
        mem_free(&l);
    }
    mem_free(owner);
}

static void write_all(struct events *e, struct str text)
{
    LIST_EACH_SAFE(it, tmp, &e->listeners)
    {
        struct listener *l = LIST_OF(it, struct listener, wait.node);

        if (http_stream_backlog(l->wait.req) > BACKLOG_MAX) {
            l->behind = true;
        } else if (l->behind) {
            l->behind = false;
            http_stream_write(l->wait.req, STR("event: world\ndata: {}\n\n"));
        } else {
            http_stream_write(l->wait.req, text);
        }
    }
}

static void ping(void *ctx, int64_t arg)
{
    struct events *e = ctx;

    (void)arg;
    write_all(e, STR(": still here\n\n"));
    sched_in(e->sb->sched, PING_MS, ping, e, 0);
}

void events_open(struct sandbox *sb, struct http_req *r)
{
    struct http_field field = {"Cache-Control", STR("no-store")};
    struct http_reply head = {
        .status = 200, .content_type = "text/event-stream", .fields = &field, .nfields = 1};
    struct listener *l;

    if (sb->events->n >= LISTENERS_MAX) {
        answer_problem(r, 503, "more than %d pages listen", LISTENERS_MAX);
        return;
    }
    l = MEM_NEW(struct listener);
    l->owner = sb->events;
    wait_init(&l->wait, r, on_gone);
    list_add_tail(&sb->events->listeners, &l->wait.node);
    sb->events->n++;
    http_stream_start(r, &head);
    http_stream_write(r, STR("retry: 1000\nevent: hello\ndata: {}\n\n"));
}

static void publish(struct events *e, const char *event,
                    void (*fill)(struct jw *w, const void *what), const void *what)
{
    struct buf b;
    struct jw w;

    if (e == NULL || e->n == 0) {
        return;
    }
    buf_init(&b, 1 << 20);
    buf_addf(&b, "event: %s\ndata: ", event);
    jw_init(&w, &b);
    fill(&w, what);
    buf_addz(&b, "\n\n");
    if (buf_ok(&b)) {
        write_all(e, buf_str(&b));
    }
    buf_fini(&b);
}

static void fill_entry(struct jw *w, const void *what)
{
    entry_json(what, w, NULL);
}

static void fill_empty(struct jw *w, const void *what)
{
    (void)what;
    jw_open(w, NULL, '{');
    jw_close(w, '}');
}

struct typing {
    const struct number *number;
    struct str phone, id;
};

static void fill_typing(struct jw *w, const void *what)
{
    const struct typing *t = what;

    jw_open(w, NULL, '{');
    jw_z(w, "number", t->number->id);
    jw_str(w, "phone", t->phone);
    jw_str(w, "id", t->id);
    jw_close(w, '}');
}

void events_message(struct sandbox *sb, const struct entry *e)
{
    publish(sb->events, "message", fill_entry, e);
}

void events_status(struct sandbox *sb, const struct entry *e)
{
    publish(sb->events, "status", fill_entry, e);
}

void events_typing(struct sandbox *sb, const struct number *n, struct str phone, struct str id)
{
    struct typing t = {n, phone, id};

    publish(sb->events, "typing", fill_typing, &t);
}

void events_world(struct sandbox *sb)
{
    publish(sb->events, "world", fill_empty, NULL);
}
