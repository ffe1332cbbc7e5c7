#include "hooks.h"

#include "base/log.h"
#include "base/mem.h"
#include "faults.h"

#define IN_FLIGHT_MAX  64
#define WAITING_MAX    500000
#define META_LIFE_MS   (7 * 24 * 3600 * 1000LL)
#define META_WAIT_MS   20000
#define TWILIO_WAIT_MS 15000

enum retry_on {
    RETRY_CONNECT = 1,
    RETRY_TIMEOUT = 2,
    RETRY_4XX = 4,
    RETRY_5XX = 8,
    RETRY_ALL = 15
};

struct hook {
    struct list node; /* waiting, resting or flying */
    struct hooks *owner;
    struct op *op;
    char *url, *body;
    size_t body_bytes;
    struct pair headers[HOOK_HEADERS_MAX];
    size_t nheaders;
    char *header_text;
    enum dialect dialect;
    unsigned retry_on;
    int64_t retries_left, wait_ms;
    int attempts;
    struct mono born;
    hook_done_fn *done;
    void *ctx;
};

struct hooks {
    struct sandbox *sb;
    struct list waiting, flying, resting;
    size_t nwaiting, nflying, nresting;
    int64_t posted, ok, refused, unanswered, retried, given_up, dropped;
};

static void pump(struct hooks *h);

struct hooks *hooks_new(struct sandbox *sb)
{
    struct hooks *h = MEM_NEW(struct hooks);

    h->sb = sb;
    list_init(&h->waiting);
    list_init(&h->flying);
    list_init(&h->resting);
    return h;
}

static void hook_free(struct hook *k)
{
    op_cancel(&k->op);
    list_del(&k->node);
    mem_free(&k->url);
    mem_free(&k->body);
    mem_free(&k->header_text);
    mem_free(&k);
}

static void hook_tell(struct hook *k, int status)
{
    hook_done_fn *done = k->done;

    k->done = NULL; /* only the first attempt is reported */
    if (done != NULL) {
        done(k->ctx, status);
    }
}

void hooks_clear(struct hooks *h)
{
    struct list *all[] = {&h->waiting, &h->flying, &h->resting};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        LIST_EACH_SAFE(it, tmp, all[i])
        {
            struct hook *k = LIST_OF(it, struct hook, node);

            sched_forget(h->sb->sched, k);
            hook_tell(k, 0);
            hook_free(k);
        }
    }
    h->nwaiting = h->nflying = h->nresting = 0;
}

void hooks_free(struct hooks **owner)
{
    if (*owner != NULL) {
        hooks_clear(*owner);
        mem_free(owner);
    }
}

/* "#rc=3&rp=4xx,5xx&rt=4000": connection overrides in the fragment of a Twilio URL. */
static void policy_of(struct hook *k, struct str fragment)
{
    struct str item, rest = fragment;

    k->retry_on = k->dialect == DIALECT_META ? RETRY_ALL : RETRY_CONNECT;
    k->retries_left = k->dialect == DIALECT_META ? INT64_MAX : 1;
    k->wait_ms = k->dialect == DIALECT_META ? META_WAIT_MS : TWILIO_WAIT_MS;
    while (k->dialect == DIALECT_TWILIO && rest.n > 0) {
        struct str name, value;

        str_cut(rest, '&', &item, &rest);
        str_cut(item, '=', &name, &value);
        if (str_eqz(name, "rc")) {
            str_to_i64(value, 0, 5, &k->retries_left);
        } else if (str_eqz(name, "rt")) {
            str_to_i64(value, 100, 15000, &k->wait_ms);
        } else if (str_eqz(name, "rp")) {
            k->retry_on = str_find(value, STR("all")) != SIZE_MAX ? RETRY_ALL : 0;
            k->retry_on |= str_find(value, STR("ct")) != SIZE_MAX ? RETRY_CONNECT : 0;
            k->retry_on |= str_find(value, STR("rt")) != SIZE_MAX ? RETRY_TIMEOUT : 0;
            k->retry_on |= str_find(value, STR("4xx")) != SIZE_MAX ? RETRY_4XX : 0;
            k->retry_on |= str_find(value, STR("5xx")) != SIZE_MAX ? RETRY_5XX : 0;
        }
    }
}

static void to_waiting(void *ctx, int64_t arg)
{
    struct hook *k = ctx;
    struct hooks *h = k->owner;

    (void)arg;
    list_del(&k->node);
    list_add_tail(&h->waiting, &k->node);
    h->nresting--;
    h->nwaiting++;
    pump(h);
}

static void rest_for(struct hook *k, int64_t ms)
{
    struct hooks *h = k->owner;

    list_add_tail(&h->resting, &k->node);
    h->nresting++;
    sched_in(h->sb->sched, ms, to_waiting, k, 0);
}

static bool worth_retry(struct hook *k, const struct err *err, int status)
{
    unsigned how = err == NULL                     ? (status >= 500 ? RETRY_5XX : RETRY_4XX)
                   : err->code == ERR_NET_NOT_SENT ? RETRY_CONNECT
                                                   : RETRY_TIMEOUT;

    if (k->dialect == DIALECT_META && (mono_now().us - k->born.us) / 1000 > META_LIFE_MS) {
        return false;
    }
    return (k->retry_on & how) != 0 && k->retries_left > 0;
}

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct hook *k = ctx;
    struct hooks *h = k->owner;
    int status = err == NULL ? answer->status : 0;
    bool ok = k->dialect == DIALECT_META ? status == 200 : status >= 200 && status < 300;
    const struct timing *t = &h->sb->timing;
    int64_t gap = t->retry_ms;

    k->op = NULL;
    list_del(&k->node);
    h->nflying--;
    *(ok ? &h->ok : err == NULL ? &h->refused : &h->unanswered) += 1;
    if (!ok) {
        log_debug("webhook not taken", LF_INT("status", status), LF_INT("attempt", k->attempts),
                  LF_Z("reason", err != NULL ? err->msg : ""));
    }
    hook_tell(k, status);
    if (ok || !worth_retry(k, err, status)) {
        h->given_up += ok ? 0 : 1;
        hook_free(k);
    } else {
        for (int i = 2; i < k->attempts && gap < t->retry_max_ms; i++) {
            gap *= 2;
        }
        k->retries_left--;
        h->retried++;
        rest_for(k, k->attempts == 1 ? 0 : gap < t->retry_max_ms ? gap : t->retry_max_ms);
    }
    pump(h);
}

static void pump(struct hooks *h)
{
    while (h->nflying < IN_FLIGHT_MAX && !list_empty(&h->waiting)) {
        struct hook *k = LIST_OF(h->waiting.next, struct hook, node);
        struct http_call call = {.method = "POST",
                                 .url = str_of(k->url),
                                 .headers = k->headers,
                                 .nheaders = k->nheaders,
                                 .basic_user = STR_NONE,
                                 .basic_password = STR_NONE,
                                 .body = str_make(k->body, k->body_bytes),
                                 .timeout_ms = k->wait_ms,
                                 .response_bytes_max = 65536};

        list_del(&k->node);
        list_add_tail(&h->flying, &k->node);
        h->nwaiting--;
        h->nflying++;
        k->attempts++;
        k->op = http_call_start(h->sb->client, &call, on_answer, k);
    }
}

static void copy_headers(struct hook *k, const struct hook_spec *spec)
{
    struct buf b;
    size_t ends[2 * HOOK_HEADERS_MAX];
    char *at;

    buf_init(&b, 16384);
    for (size_t i = 0; i < spec->nheaders; i++) {
        buf_add(&b, spec->headers[i].name);
        ends[2 * i] = b.n;
        buf_add(&b, spec->headers[i].value);
        ends[2 * i + 1] = b.n;
    }
    buf_take(&b, &k->header_text);
    at = k->header_text;
    for (size_t i = 0, from = 0; i < spec->nheaders; i++) {
        k->headers[i].name = str_make(at + from, ends[2 * i] - from);
        k->headers[i].value = str_make(at + ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
        from = ends[2 * i + 1];
    }
    k->nheaders = spec->nheaders;
    buf_fini(&b);
}

static void post_one(struct hooks *h, const struct hook_spec *spec, int64_t delay_ms,
                     hook_done_fn *done, void *ctx)
{
    struct hook *k = MEM_NEW(struct hook);
    struct str url, fragment;

    str_cut(spec->url, '#', &url, &fragment);
    k->owner = h;
    k->dialect = spec->dialect;
    k->url = mem_dupz(url);
    k->body = mem_dupz(spec->body);
    k->body_bytes = spec->body.n;
    k->born = mono_now();
    k->done = done;
    k->ctx = ctx;
    list_init(&k->node);
    copy_headers(k, spec);
    policy_of(k, fragment);
    h->posted++;
    if (delay_ms > 0) {
        rest_for(k, delay_ms);
        return;
    }
    list_add_tail(&h->waiting, &k->node);
    h->nwaiting++;
}

void hooks_post(struct hooks *h, const struct hook_spec *spec, hook_done_fn *done, void *ctx)
{
    int64_t delay = fault_webhook_delay_ms(h->sb->faults);

    if (h->nwaiting + h->nresting >= WAITING_MAX) {
        h->dropped++;
        log_warn("webhook dropped", LF_INT("waiting", (int64_t)h->nwaiting));
        if (done != NULL) {
            done(ctx, 0);
        }
        return;
    }
    post_one(h, spec, delay, done, ctx);
    if (fault_hit(h->sb, FAULT_DOUBLE_WEBHOOKS, spec->dialect, STR_NONE) != NULL) {
        post_one(h, spec, delay, NULL, NULL);
    }
    pump(h);
}

struct op *hooks_get(struct hooks *h, struct str url, http_done_fn *done, void *ctx)
{
    struct http_call call = {.method = "GET",
                             .url = url,
                             .basic_user = STR_NONE,
                             .basic_password = STR_NONE,
                             .body = STR_NONE,
                             .timeout_ms = META_WAIT_MS,
                             .response_bytes_max = 65536};

    return http_call_start(h->sb->client, &call, done, ctx);
}

void hooks_stats(const struct hooks *h, struct jw *w)
{
    jw_open(w, "webhooks", '{');
    jw_int(w, "posted", h->posted);
    jw_int(w, "ok", h->ok);
    jw_int(w, "refused", h->refused);
    jw_int(w, "unanswered", h->unanswered);
    jw_int(w, "retried", h->retried);
    jw_int(w, "given_up", h->given_up);
    jw_int(w, "dropped", h->dropped);
    jw_int(w, "waiting", (int64_t)(h->nwaiting + h->nresting));
    jw_int(w, "in_flight", (int64_t)h->nflying);
    jw_close(w, '}');
}
