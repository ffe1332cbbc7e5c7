/*
 * translate: the step of an event before its decision, where a translation service is configured
 * (domain/translate.h): what is remembered is looked up, the service asked for the rest, all at
 * once. TRANSLATE_WITHIN_MS after the event was accepted it goes on with what there is. After some
 * failures in a row the service is left alone for a while, so that no message waits for one that is
 * down.
 */
#include "domain/translate.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "inbox_int.h"

#include <stdio.h>

#define MAGIC           0x74726e73u
#define DAY_MS          ((int64_t)24 * 3600 * 1000)
#define ANSWER_BYTES    (64 * 1024)
#define FAILURES_MAX    5 /* then it rests */
#define REST_MS         30000
#define WORTH_ASKING_MS 50 /* less time than this is none */

struct asked { /* one call to the service */
    struct translating *of;
    size_t i;
    struct op *op;
};
struct translating {
    uint32_t magic;
    struct inbox_job *j;
    struct translations t;
    struct str names[TRANSLATE_MOST]; /* keys of the cache, without the tenant */
    bool fresh[TRANSLATE_MOST];       /* the service said it just now: to be remembered */
    struct asked asked[TRANSLATE_MOST];
    size_t waiting;
    bool over; /* later tries of the item take what there is */
};

void inbox_translate_free(struct inbox_job *j)
{
    struct translating *tr = j->translating;

    for (size_t i = 0; tr != NULL && i < TRANSLATE_MOST; i++) {
        op_cancel(&tr->asked[i].op);
    }
    mem_free(&j->translating);
}

static void go_on(struct translating *tr)
{
    tr->over = true;
    tr->j->decide(tr->j);
}

/* ---- the service ---- */

static void failed(struct translating *tr, const char *why)
{
    struct engine *e = tr->j->et->e;

    if (++e->translate_failures % FAILURES_MAX == 1) {
        log_warn("translation service: texts go untranslated", LF_Z("reason", why));
    }
    if (e->translate_failures >= FAILURES_MAX) {
        e->translate_rests_until.us = mono_now().us + REST_MS * 1000;
    }
}

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct asked *q = ctx;
    struct translating *tr = obj_check(q->of, MAGIC);
    struct translation *one = &tr->t.v[q->i];
    char status[32];

    q->op = NULL;
    if (err != NULL) {
        failed(tr, err->msg);
    } else if (answer->status != 200) {
        snprintf(status, sizeof(status), "it answered %d", answer->status);
        failed(tr, status);
    } else {
        tr->j->et->e->translate_failures = 0;
        tr->fresh[q->i] = translate_answer(tr->j->a, &tr->j->et->t, one, answer->body, &one->out);
    }
    if (--tr->waiting == 0) {
        go_on(tr);
    }
}

static bool ask(struct translating *tr, size_t i, int64_t timeout_ms)
{
    struct inbox_job *j = tr->j;
    const struct settings *s = j->et->e->o.settings;
    struct translate_request r;
    struct pair type;
    struct http_call call;

    if (!translate_request(j->work, &j->et->t, &tr->t.v[i], &r)) {
        return false;
    }
    type = (struct pair){STR("content-type"), str_of(r.content_type)};
    call = (struct http_call){.method = "POST",
                              .url = r.url,
                              .headers = &type,
                              .nheaders = 1,
                              .body = r.body,
                              .flags = HTTP_IDEMPOTENT |
                                       (s->allow_private_callbacks ? 0 : HTTP_PUBLIC_ONLY),
                              .timeout_ms = timeout_ms,
                              .response_bytes_max = ANSWER_BYTES};
    tr->asked[i] = (struct asked){tr, i, NULL};
    tr->asked[i].op = http_call_start(j->et->e->http, &call, on_answer, &tr->asked[i]);
    return true;
}

/* How long the message may still wait; the item's id tells when the event was accepted. */
static int64_t time_left(const struct inbox_job *j)
{
    const struct engine *e = j->et->e;
    int64_t waited = wall_now().ms - id_time(j->item->id).ms;
    int64_t left = TRANSLATE_WITHIN_MS - (waited > 0 ? waited : 0);

    if (mono_now().us < e->translate_rests_until.us) {
        return 0;
    }
    return left < e->o.settings->translate_timeout_ms ? left : e->o.settings->translate_timeout_ms;
}

static void ask_for_the_rest(struct translating *tr)
{
    int64_t left = time_left(tr->j);

    for (size_t i = 0; i < tr->t.n && left >= WORTH_ASKING_MS; i++) {
        if (tr->t.v[i].out.n == 0 && ask(tr, i, left)) {
            tr->waiting++;
        }
    }
    if (tr->waiting == 0) {
        go_on(tr);
    }
}

/* ---- what is remembered ---- */

static void on_remembered(void *ctx, const struct err *err, const struct reply *reply)
{
    struct translating *tr = obj_check(ctx, MAGIC);
    struct inbox_job *j = tr->j;

    j->pending = NULL;
    for (size_t i = 0; err == NULL && i < tr->t.n; i++) {
        struct str sealed = reply_str(reply_at(reply, i));

        if (sealed.n > 0 && !vault_open_arena(j->et->t.vault, j->a, tr->names[i], "t", sealed,
                                              &tr->t.v[i].out, NULL)) {
            tr->t.v[i].out = STR_NONE; /* it is asked for anew */
        }
    }
    ask_for_the_rest(tr);
}

static void look_up(struct translating *tr)
{
    struct inbox_job *j = tr->j;
    struct call call;

    call_init(&call);
    call_str(&call, STR("MGET"));
    for (size_t i = 0; i < tr->t.n; i++) {
        tr->names[i] =
            arena_printf(j->a, "tr:%.*s", STR_ARG(translate_name(j->a, &j->et->t, &tr->t.v[i])));
        call_str(&call,
                 arena_printf(j->work, "{%.*s}:%.*s", STR_ARG(j->et->t.id), STR_ARG(tr->names[i])));
    }
    j->pending = store_run(j->et->e->store, &call, on_remembered, tr);
}

bool inbox_translate(struct inbox_job *j)
{
    struct translating *tr = j->translating;

    if (j->et->e->o.settings->translate_url.n == 0 || j->reason.n > 0 || (tr != NULL && tr->over)) {
        return false;
    }
    tr = j->translating = MEM_NEW(struct translating);
    *tr = (struct translating){.magic = MAGIC, .j = j};
    translate_wanted(j->a, &j->et->t, &j->event, j->reads, &j->view, &tr->t);
    tr->over = tr->t.n == 0;
    if (!tr->over) {
        look_up(tr);
    }
    return !tr->over;
}

/* ---- what is written ---- */

static void write_translations(struct inbox_job *j, struct commit *c)
{
    int64_t keep_ms = j->et->e->o.settings->translate_cache_days * DAY_MS;
    struct translating *tr = j->translating;

    for (size_t i = 0; i < tr->t.n; i++) {
        if (tr->fresh[i]) {
            commit_put_for(c, tr->names[i],
                           job_seal(j->et, j->work, tr->names[i], "t", tr->t.v[i].out), keep_ms);
        }
    }
    for (size_t i = 0; i < j->plan.nmessages; i++) {
        const struct plan_message *pm = &j->plan.messages[i];
        struct str key = arena_printf(j->work, "to:%.*s", STR_ARG(pm->m.id));

        if (pm->original.n > 0) {
            commit_put_for(c, key, job_seal(j->et, j->work, key, "t", pm->original), keep_ms);
        }
    }
}

void inbox_translated(struct inbox_job *j)
{
    if (j->translating != NULL && j->translating->t.n > 0) {
        j->plan.translations = &j->translating->t;
        j->also_write = write_translations;
    }
}

/* ---- what was said in the CMMS's own words ---- */

static void on_original(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    j->original_read = true;
    if (reply_str(reply).n == 0 || !vault_open_arena(j->et->t.vault, j->a, j->original_key, "t",
                                                     reply_str(reply), &j->original, NULL)) {
        j->original = STR_NONE;
    }
    j->read(j);
}

bool inbox_asks_original(struct inbox_job *j, const struct view *view)
{
    struct str action, id = STR_NONE;
    const struct lang *l;
    struct call call;

    if (j->original_read || view->user == NULL) {
        return false;
    }
    if (!str_cut(j->in.payload, ':', &action, &id) || !str_eqz(action, "original")) {
        l = i18n_lang(j->et->t.i18n, view->user->language, j->et->t.conf->default_language);
        id = command_named(l, j->in.text) == CMD_ORIGINAL ? view->quoted_message : STR_NONE;
    }
    if (id.n == 0 || id.n > 64) {
        return false;
    }
    j->original_key = arena_printf(j->a, "to:%.*s", STR_ARG(id));
    call_init(&call);
    call_str(&call, STR("GET"));
    call_str(&call,
             arena_printf(j->work, "{%.*s}:%.*s", STR_ARG(j->et->t.id), STR_ARG(j->original_key)));
    j->pending = store_run(j->et->e->store, &call, on_original, j);
    return true;
}
