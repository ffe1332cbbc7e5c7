/*
 * api_events: POST /api/v1/events: CloudEvents 1.0 over HTTP in structured, batched and binary
 * mode, and plain
 * {"type","data"}. Each event is kept by a commit of its own (jobs/accept); the answer comes when
 * all are. Source: CloudEvents, "HTTP Protocol Binding" 1.0.2, sections 3.1 to 3.3.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/cmms_event.h"
#include "jobs/metrics.h"

#define BATCH_MAX       1000
#define IN_FLIGHT       32 /* events on their way at once: some 1 ms of work in a turn */
#define EVENT_BYTES_MAX ((size_t)1 << 20)
/*
 * Bodies above this size are parsed so many at a time, since a tree takes six times the bytes: the
 * others wait as they came. A hundred clients that import people would take 50 MB otherwise.
 */
#define BIG_BYTES 8192
#define BIG_MOST  8

struct event_post;
struct event_slot { /* one event of the request */
    struct event_post *post;
    struct op *pending;
    size_t index;
};
struct event_result {
    struct str id;
    enum { EVENT_WAITS, EVENT_ACCEPTED, EVENT_DUPLICATE, EVENT_REJECTED } status;
    struct str error;
};
struct event_post {
    struct request *r;
    const struct json *list; /* the events; single: not a list */
    struct json *made;       /* binary and plain mode: built here, owned */
    bool batch;
    bool big; /* one of app->big_events */
    size_t n, next, done;
    struct event_slot slots[IN_FLIGHT];
    struct event_result *results;
    struct timer *timer; /* the rest of the work in another turn */
};

struct event_wait { /* in the arena of the request */
    struct list node;
    struct request *r;
    struct str type;
};

static void on_next(void *ctx);

static void leave(struct app *app)
{
    app->big_events--;
    if (!list_empty(&app->big_waiting)) {
        loop_defer_cancel(app->loop, on_next, app);
        loop_defer(app->loop, on_next, app);
    }
}

static void drop_slots(struct request *r)
{
    struct event_post *p = r->user;

    if (p->big) {
        p->big = false;
        leave(r->app);
    }
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        op_cancel(&p->slots[i].pending);
    }
    timer_free(&p->timer);
    json_free(&p->made);
}

static void fail(struct event_post *p, const struct err *err)
{
    struct err own = *err;
    struct request *r = p->r;

    drop_slots(r);
    reply_error(r, &own);
}

/* ---- the answer ---- */

static void answer(struct event_post *p)
{
    static const char *const words[] = {"", "accepted", "duplicate", "rejected"};
    struct request *r = p->r;
    struct jw w;

    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "results", '[');
    for (size_t i = 0; i < p->n; i++) {
        jw_open(&w, NULL, '{');
        jw_str(&w, "id", p->results[i].id);
        jw_z(&w, "status", words[p->results[i].status]);
        if (p->results[i].error.n > 0) {
            jw_str(&w, "error", p->results[i].error);
        }
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
    drop_slots(r);
    r->on_gone = NULL;
    idempotency_close(r, 202, buf_str(&r->out), NULL, STR_NONE);
}

/* ---- one event after the other ---- */

static void start_more(struct event_post *p);

static void settle(struct event_post *p, size_t i, int status, const struct err *why)
{
    p->results[i].status = status;
    if (why != NULL) {
        p->results[i].error = why->member[0] != '\0'
                                  ? arena_printf(p->r->a, "%s: %s", why->member, why->msg)
                                  : arena_dup(p->r->a, str_of(why->msg));
        metric_add(METRIC_EVENTS_REJECTED, 1);
    }
    p->done++;
}

static void on_accepted(void *ctx, const struct err *err, enum accept_result result)
{
    struct event_slot *slot = ctx;
    struct event_post *p = slot->post;
    struct err differs = {0};

    slot->pending = NULL;
    if (err != NULL) {
        fail(p, err); /* those kept already are duplicates when it is asked again */
        return;
    }
    if (result == ACCEPT_CONFLICT) {
        err_set(&differs, ERR_CONFLICT,
                "an event with this source and id was accepted with another content");
        err_member(&differs, "id");
        if (!p->batch) {
            metric_add(METRIC_EVENTS_REJECTED, 1);
            fail(p, &differs);
            return;
        }
        settle(p, slot->index, EVENT_REJECTED, &differs);
    } else {
        settle(p, slot->index, result == ACCEPT_OK ? EVENT_ACCEPTED : EVENT_DUPLICATE, NULL);
    }
    start_more(p);
}

/* The same event has the same text in whatever mode and spacing it comes. */
static struct str text_of(struct request *r, const struct json *j)
{
    struct str out;
    struct buf b;

    buf_init(&b, EVENT_BYTES_MAX);
    json_dump(j, &b);
    out = buf_ok(&b) ? arena_dup(r->a, buf_str(&b)) : STR_NONE;
    buf_fini(&b);
    return out;
}

static struct event_slot *free_slot(struct event_post *p)
{
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        if (p->slots[i].pending == NULL) {
            return &p->slots[i];
        }
    }
    return NULL;
}

/* False: the request was answered. */
static bool start_one(struct event_post *p, struct event_slot *slot)
{
    const struct json *j = p->batch ? json_at(p->list, p->next) : p->list;
    struct request *r = p->r;
    struct cmms_event event;
    struct err err = {0};
    struct str text = text_of(r, j);
    size_t i = p->next++;

    p->results[i].id = arena_dup(r->a, str_slice(json_get_str(j, "id"), 0, 256));
    if (text.n == 0) {
        err_set(&err, ERR_TOO_LONG, "the event is longer than %zu bytes", EVENT_BYTES_MAX);
    } else if (!cmms_event_parse(r->a, j, &event, &err)) {
        /* said below */
    } else if (cmms_broadcast_of(&event) != CMMS_BROADCAST_NONE && !r->who.broadcast) {
        err_set(&err, ERR_FORBIDDEN, "this key was made without the right to broadcast");
    } else {
        *slot = (struct event_slot){.post = p, .index = i};
        slot->pending = accept_event(r->e, r->who.et, &event, text, on_accepted, slot);
        return true;
    }
    if (!p->batch) {
        metric_add(METRIC_EVENTS_REJECTED, 1);
        fail(p, &err);
        return false;
    }
    settle(p, i, EVENT_REJECTED, &err);
    return true;
}

static void on_turn(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    start_more(r->user);
}

static void start_more(struct event_post *p)
{
    struct event_slot *slot;

    for (int work = IN_FLIGHT; work > 0 && p->next < p->n && (slot = free_slot(p)) != NULL;
         work--) {
        if (!start_one(p, slot)) {
            return;
        }
    }
    if (p->done == p->n) {
        answer(p);
    } else if (p->done ==
               p->next) { /* nothing is on its way that would call us: all of them were refused */
        if (p->timer == NULL) {
            p->timer = timer_new(p->r->app->loop, on_turn, p->r);
        }
        timer_start(p->timer, 0);
    }
}

static void begin(struct request *r, const struct json *list, struct json *made, bool batch,
                  bool big)
{
    struct event_post *p = ARENA_NEW(r->a, struct event_post);

    *p = (struct event_post){.r = r, .list = list, .made = made, .batch = batch, .big = big};
    p->n = batch ? json_len(list) : 1;
    p->results = ARENA_ARRAY(r->a, struct event_result, p->n + 1);
    r->user = p;
    r->on_gone = drop_slots;
    start_more(p);
}

/* ---- the modes ---- */

static bool type_is(struct str type, const char *want)
{
    struct str head, rest;

    str_cut(type, ';', &head, &rest);
    return str_ieq(str_trim(head), str_of(want));
}

/* Header values are percent-encoded there where they are no printable ASCII (section 3.1.3.2). */
static void set_attribute(struct json *j, struct str name, struct str value)
{
    char low[64];
    struct buf plain;

    if (name.n == 0 || name.n >= sizeof(low)) {
        return;
    }
    for (size_t i = 0; i < name.n; i++) {
        low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    }
    low[name.n] = '\0';
    buf_init(&plain, 16 * 1024);
    if (!percent_decode(&plain, value, false) || !str_is_utf8(buf_str(&plain))) {
        buf_reset(&plain);
        buf_add(&plain, value);
    }
    if (str_is_utf8(buf_str(&plain))) {
        json_set_str(j, low, buf_str(&plain));
    }
    buf_fini(&plain);
}

static void post_binary(struct request *r)
{
    const struct pairs *headers = http_req_headers(r->http);
    const struct json *data = NULL;
    struct json *j;

    if (http_req_body(r->http).n > 0 && (data = request_json(r)) == NULL) {
        return;
    }
    j = json_new_object();
    for (size_t i = 0; i < headers->n; i++) {
        if (headers->v[i].name.n > 3 && str_ieq(str_slice(headers->v[i].name, 0, 3), STR("ce-"))) {
            set_attribute(j, str_slice(headers->v[i].name, 3, headers->v[i].name.n),
                          headers->v[i].value);
        }
    }
    if (data != NULL) {
        json_set(j, "data", json_ref(r->body));
    }
    begin(r, j, j, false, false);
}

/*
 * Plain JSON needs no envelope: what is missing is filled in. With an Idempotency-Key its id
 * follows from the key, so that a repetition is the same event.
 */
static void fill_plain(struct request *r, struct json *j)
{
    char id[ID_BYTES];

    if (json_get(j, "source") == NULL) {
        json_set_str(j, "source", STR("/api"));
    }
    if (json_get(j, "id") == NULL && r->idempotency.n > 0) {
        json_set_str(j, "id",
                     vault_hash_arena(r->who.tenant->vault, r->a, "plain event", r->idempotency));
    } else if (json_get(j, "id") == NULL) {
        id_new(id);
        json_set_str(j, "id", str_of(id));
    }
}

/* False: the request was answered. */
static bool post_json(struct request *r, struct str type, bool big)
{
    bool batch_type = type_is(type, "application/cloudevents-batch+json");
    bool single_type = type_is(type, "application/cloudevents+json");
    const struct json *j = request_json(r);
    bool list = json_kind(j) == JSON_ARRAY;
    struct json *own;

    if (j == NULL) {
        return false;
    }
    if ((batch_type && !list) || (single_type && list)) {
        err_set(&r->err, ERR_BAD_REQUEST,
                batch_type ? "a batch is a JSON array of events"
                           : "one event is a JSON object; a batch has another content type");
        reply_error(r, &r->err);
        return false;
    }
    if (list && json_len(j) > BATCH_MAX) {
        err_set(&r->err, ERR_TOO_LONG, "the batch has %zu events; at most %d go in one request",
                json_len(j), BATCH_MAX);
        reply_error(r, &r->err);
        return false;
    }
    if (list || single_type || json_get(j, "specversion") != NULL) {
        begin(r, j, NULL, list, big);
        return true;
    }
    own = json_dup(j);
    fill_plain(r, own);
    begin(r, own, own, false, big);
    return true;
}

static void post_big(struct request *r, struct str type)
{
    struct app *app = r->app;

    app->big_events++;
    if (!post_json(r, type, true)) {
        leave(app);
    }
}

/* ---- the big ones, one after the other ---- */

static void on_next(void *ctx)
{
    struct app *app = ctx;

    while (app->big_events < BIG_MOST && !list_empty(&app->big_waiting)) {
        struct event_wait *w = LIST_OF(app->big_waiting.next, struct event_wait, node);
        struct request *r = w->r;

        list_del(&w->node);
        r->user = NULL;
        r->on_gone = NULL;
        post_big(r, w->type);
    }
}

static void drop_wait(struct request *r)
{
    struct event_wait *w = r->user;

    list_del(&w->node);
}

static void post_in_turn(struct request *r, struct str type)
{
    struct event_wait *w;

    if (http_req_body(r->http).n <= BIG_BYTES) {
        post_json(r, type, false);
        return;
    }
    if (r->app->big_events < BIG_MOST && list_empty(&r->app->big_waiting)) {
        post_big(r, type);
        return;
    }
    w = ARENA_NEW(r->a, struct event_wait);
    w->r = r;
    w->type = type;
    list_add_tail(&r->app->big_waiting, &w->node);
    r->user = w;
    r->on_gone = drop_wait;
}

static void post(struct request *r)
{
    struct str type = http_req_header(r->http, STR("Content-Type"));
    bool structured = type_is(type, "application/cloudevents+json") ||
                      type_is(type, "application/cloudevents-batch+json");

    if (!structured && http_req_header(r->http, STR("ce-specversion")).n > 0) {
        post_binary(r);
    } else {
        post_in_turn(r, type);
    }
}

void api_event_post(struct request *r)
{
    idempotency_open(r, post);
}

void api_events_fini(struct app *app)
{
    loop_defer_cancel(app->loop, on_next, app);
}
