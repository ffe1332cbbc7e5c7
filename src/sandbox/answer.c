#include "answer.h"

#include "base/mem.h"

/* An unanswered request is let go after that long, so that a forgotten client does not pile up. */
#define SILENCE_MS 120000

struct late {
    struct wait wait;
    struct sandbox *sb;
    struct answer answer;
    char *body;
    char *fields[ANSWER_FIELDS_MAX];
};

void wait_init(struct wait *w, struct http_req *r, void (*on_gone)(struct wait *w))
{
    w->req = r;
    w->on_gone = on_gone;
    w->drop = NULL;
    list_init(&w->node);
    list_init(&w->held);
    http_req_set_user(r, w);
}

struct http_req *wait_take(struct wait *w)
{
    struct http_req *r = w->req;

    if (r != NULL) {
        http_req_set_user(r, NULL);
        w->req = NULL;
    }
    return r;
}

void answer_gone(struct http_req *r)
{
    struct wait *w = http_req_user(r);

    if (w != NULL) {
        wait_take(w);
        list_del(&w->node);
        if (w->on_gone != NULL) {
            w->on_gone(w);
        }
    }
}

void answer_hold(struct sandbox *sb, struct wait *w, void (*drop)(struct wait *w))
{
    w->drop = drop;
    list_add_tail(&sb->held, &w->held);
}

void answer_drop_all(struct sandbox *sb)
{
    LIST_EACH_SAFE(it, tmp, &sb->held)
    {
        struct wait *w = LIST_OF(it, struct wait, held);

        wait_take(w);
        w->drop(w);
    }
}

void answer_now(struct http_req *r, const struct answer *a)
{
    struct http_reply reply = {.status = a->status,
                               .content_type = a->content_type,
                               .fields = a->fields,
                               .nfields = a->nfields,
                               .body = a->body};

    http_reply(r, &reply);
}

static void late_free(struct late *l)
{
    list_del(&l->wait.held);
    mem_free(&l->body);
    for (size_t i = 0; i < l->answer.nfields; i++) {
        mem_free(&l->fields[i]);
    }
    mem_free(&l);
}

static void late_drop(struct wait *w)
{
    late_free(LIST_OF(&w->node, struct late, wait.node));
}

static void on_late(void *ctx, int64_t arg)
{
    struct late *l = ctx;
    struct http_req *r = wait_take(&l->wait);

    (void)arg;
    l->sb->in_flight--;
    if (r != NULL) {
        answer_now(r, &l->answer);
    }
    late_free(l);
}

void answer_send(struct sandbox *sb, struct http_req *r, const struct answer *a)
{
    int64_t ms = fault_latency_ms(sb->faults);
    struct late *l;

    if (ms <= 0) {
        answer_now(r, a);
        return;
    }
    l = MEM_NEW(struct late);
    wait_init(&l->wait, r, NULL);
    answer_hold(sb, &l->wait, late_drop);
    l->sb = sb;
    l->answer = *a;
    l->body = mem_dupz(a->body);
    l->answer.body.p = l->body;
    for (size_t i = 0; i < a->nfields; i++) {
        l->fields[i] = mem_dupz(a->fields[i].value);
        l->answer.fields[i].value.p = l->fields[i];
    }
    sb->in_flight++;
    sched_in(sb->sched, ms, on_late, l, 0);
}

/* ---- before anything is looked at ---- */

struct early {
    struct wait wait;
    struct sandbox *sb;
    struct number *number;
    void (*then)(struct sandbox *sb, struct http_req *r, struct number *n);
};

static void early_drop(struct wait *w)
{
    struct early *e = LIST_OF(&w->node, struct early, wait.node);

    list_del(&w->held);
    mem_free(&e);
}

static void on_early(void *ctx, int64_t arg)
{
    struct early e = *(struct early *)ctx;
    struct http_req *r = wait_take(&((struct early *)ctx)->wait);

    (void)arg;
    e.sb->in_flight--;
    early_drop(&((struct early *)ctx)->wait);
    if (r != NULL) {
        e.then(e.sb, r, e.number);
    }
}

void answer_after_wait(struct sandbox *sb, struct http_req *r, struct number *n,
                       void (*then)(struct sandbox *sb, struct http_req *r, struct number *n))
{
    int64_t ms = fault_accept_latency_ms(sb->faults);
    struct early *e;

    if (ms <= 0) {
        then(sb, r, n);
        return;
    }
    e = MEM_NEW(struct early);
    wait_init(&e->wait, r, NULL);
    answer_hold(sb, &e->wait, early_drop);
    e->sb = sb;
    e->number = n;
    e->then = then;
    sb->in_flight++;
    sched_in(sb->sched, ms, on_early, e, 0);
}

/* ---- broken ---- */

struct silence {
    struct wait wait;
    struct sandbox *sb;
};

static void silence_drop(struct wait *w)
{
    struct silence *s = LIST_OF(&w->node, struct silence, wait.node);

    list_del(&w->held);
    mem_free(&s);
}

/* Nothing is scheduled for a client that has given up: who looks at the stats takes it for work. */
static void silence_gone(struct wait *w)
{
    struct silence *s = LIST_OF(&w->node, struct silence, wait.node);

    sched_forget(s->sb->sched, s);
    silence_drop(w);
}

static void on_silence(void *ctx, int64_t arg)
{
    struct silence *s = ctx;
    struct http_req *r = wait_take(&s->wait);

    (void)arg;
    if (r != NULL) {
        http_req_break(r, STR_NONE);
    }
    silence_drop(&s->wait);
}

static void keep_silent(struct sandbox *sb, struct http_req *r)
{
    struct silence *s = MEM_NEW(struct silence);

    s->sb = sb;
    wait_init(&s->wait, r, silence_gone);
    answer_hold(sb, &s->wait, silence_drop);
    sched_in(sb->sched, SILENCE_MS, on_silence, s, 0);
}

bool answer_fault_before(struct sandbox *sb, struct http_req *r, enum dialect d)
{
    if (http_req_number(r) > 1 && fault_hit(sb, FAULT_CLOSE_REUSED, d, STR_NONE) != NULL) {
        http_req_break(r, STR_NONE);
        return true;
    }
    if (fault_hit(sb, FAULT_RESET, d, STR_NONE) != NULL) {
        http_req_break(r, STR_NONE);
        return true;
    }
    return false;
}

/* The head promises the whole body; only half of it comes. */
static void answer_half(struct http_req *r, const struct answer *a)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_addf(&b, "HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", a->status,
             a->content_type, a->body.n);
    buf_add(&b, str_slice(a->body, 0, a->body.n / 2));
    http_req_break(r, buf_str(&b));
    buf_fini(&b);
}

static void answer_5xx(struct sandbox *sb, struct http_req *r, const struct trigger *t)
{
    struct answer a = {.status = t->status != 0 ? (int)t->status : 502,
                       .content_type = "text/html",
                       .body = STR("<html><body><h1>502 Bad Gateway</h1></body></html>")};

    if (t->body == BODY_EMPTY) {
        a.body = STR("");
    }
    answer_send(sb, r, &a);
}

void answer_accepted(struct sandbox *sb, struct http_req *r, enum dialect d, struct entry *e,
                     const struct answer *a)
{
    static const enum fault kinds[] = {FAULT_ACCEPT_TIMEOUT, FAULT_ACCEPT_RESET,
                                       FAULT_HALF_ANSWER,    FAULT_ACCEPT_5XX,
                                       FAULT_ACCEPT_EMPTY,   FAULT_ACCEPT_CLOSE_REUSED};
    const struct trigger *t = NULL;
    enum fault kind = FAULT_COUNT;

    for (size_t i = 0; i < ARRAY_LEN(kinds) && t == NULL; i++) {
        if (kinds[i] == FAULT_ACCEPT_CLOSE_REUSED && http_req_number(r) == 1) {
            continue;
        }
        t = fault_hit(sb, kinds[i], d, e->phone);
        kind = kinds[i];
    }
    if (t == NULL) {
        e->answered = true;
        answer_send(sb, r, a);
        return;
    }
    e->no_statuses = e->no_statuses || !t->statuses;
    switch (kind) {
    case FAULT_ACCEPT_TIMEOUT:
        keep_silent(sb, r);
        break;
    case FAULT_ACCEPT_RESET:
    case FAULT_ACCEPT_CLOSE_REUSED:
        http_req_break(r, STR_NONE);
        break;
    case FAULT_ACCEPT_EMPTY:
        answer_send(sb, r, &(struct answer){.status = 200, .content_type = "application/json"});
        break;
    case FAULT_HALF_ANSWER:
        answer_half(r, a);
        break;
    default:
        answer_5xx(sb, r, t);
        break;
    }
}

void answer_json(struct http_req *r, int status, struct str body)
{
    struct answer a = {.status = status, .content_type = "application/json", .body = body};

    a.fields[a.nfields++] = (struct http_field){"Cache-Control", STR("no-store")};
    answer_now(r, &a);
}

void answer_problem(struct http_req *r, int status, const char *fmt, ...)
{
    struct buf text, body;
    struct jw w;
    va_list ap;

    buf_init(&text, 1024);
    buf_init(&body, 4096);
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_int(&w, "status", status);
    jw_str(&w, "detail", buf_str(&text));
    jw_close(&w, '}');
    struct answer a = {
        .status = status, .content_type = "application/problem+json", .body = buf_str(&body)};

    answer_now(r, &a);
    buf_fini(&text);
    buf_fini(&body);
}
