/*
 * template_sync: asks each account how its templates stand, and registers what is wanted: WISHES ->
 * LOCK -> MADE -> for each account (LIST -> REMOVE -> LOOK -> WRITE -> REGISTER) -> DONE. An
 * account that does not answer is left for the next time.
 */
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"
#include "template_sync_int.h"

#include <stdio.h>

#define LOOK_MS    5000
#define LOCK_MS    ((int64_t)10 * 60 * 1000)
#define CALL_MS    20000
#define SOON_MS    ((int64_t)60 * 1000)
#define AGAIN_MS   ((int64_t)10 * 60 * 1000)
#define HOUR_MS    ((int64_t)3600 * 1000)
#define LOST_NAMED 5 /* in an alert */
#define PAGES_MAX  100
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

static struct str now_text(char out[24])
{
    return str_make(out, (size_t)snprintf(out, 24, "%lld", (long long)wall_now().ms));
}

/* ---- life ---- */

static void sync_free(struct template_sync *y)
{
    job_end(&y->job);
    op_cancel(&y->pending);
    map_free(&y->found);
    arena_free(&y->a);
    arena_free(&y->work);
    y->et->syncing = NULL;
    mem_free(&y);
}

static void drop_sync(struct job *job)
{
    sync_free(LIST_OF(job, struct template_sync, job));
}

static void end(struct template_sync *y)
{
    struct engine_tenant *et = y->et;
    bool again = y->again;

    sync_free(y);
    if (again) {
        templates_sync(et);
    }
}

static void on_unlocked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct template_sync *y = ctx;

    (void)err; /* it ends by itself */
    (void)reply;
    y->pending = NULL;
    end(y);
}

static void key_call(struct template_sync *y, struct call *call, const char *command,
                     const char *key)
{
    call_init(call);
    call_str(call, str_of(command));
    call_str(call, arena_printf(y->work, "{%.*s}:%s", STR_ARG(y->et->t.id), key));
}

static void unlock(struct template_sync *y)
{
    struct call call;

    call_init_script(&call, "unlock", arena_printf(y->work, "{%.*s}:", STR_ARG(y->et->t.id)));
    call_str(&call, STR("tl"));
    call_str(&call, str_of(y->et->e->owner));
    y->pending = store_run(y->et->e->store, &call, on_unlocked, y);
}

/* ---- the provider ---- */

void sync_http(struct template_sync *y, const struct outgoing *out, http_done_fn *on_done)
{
    struct http_call call = {.method = out->method,
                             .url = out->url,
                             .headers = out->headers,
                             .nheaders = out->nheaders,
                             .basic_user = out->basic_user,
                             .basic_password = out->basic_password,
                             .body = out->body,
                             .timeout_ms = CALL_MS,
                             .response_bytes_max = ANSWER_MAX};

    y->pending = http_call_start(y->et->e->http, &call, on_done, y);
}

struct str sync_trouble(struct template_sync *y, const struct err *err,
                        const struct http_answer *answer, bool *later)
{
    struct outcome o = {0};
    struct str title;

    y->provider->outcome(y->work, answer == NULL ? 0 : answer->status,
                         answer == NULL ? STR_NONE : answer->body,
                         answer == NULL ? 0 : answer->retry_after_s, err, &o);
    *later =
        o.cls != OUTCOME_REFUSED && o.cls != OUTCOME_NEED_TEMPLATE && o.cls != OUTCOME_OPTED_OUT;
    if (*later) {
        y->later_ms = o.retry_after_ms > SOON_MS ? o.retry_after_ms : SOON_MS;
    }
    title = o.details.n > 0
                ? arena_printf(y->work, "%.*s: %.*s", STR_ARG(o.title), STR_ARG(o.details))
                : o.title;
    return ended_line(y->work, title);
}

struct str sync_account(const struct template_sync *y)
{
    return sender_account(y->s);
}

/* What is wished for was not done there, whatever the reason was: the wish stands. */
static void account_failed(struct template_sync *y, struct str why)
{
    if (y->later_ms == 0 && (y->want.n > 0 || y->nremovals > 0)) {
        y->later_ms = AGAIN_MS;
    }
    log_warn("templates of an account not looked at", LF_STR("tenant", y->et->t.id),
             LF_STR("sender", y->s->id), LF_STR("reason", why));
    if (y->want.n > 0) {
        alert_raise(
            y->et, arena_printf(y->work, "templates:%.*s", STR_ARG(y->s->id)), "warning",
            arena_printf(y->work, "the templates could not be registered: %.*s", STR_ARG(why)),
            STR("it is tried again by itself; check the token's rights and "
                "business_account_id"));
    }
    sync_next_account(y);
}

/* ---- write what was found ---- */

void sync_keep(struct template_sync *y, struct str key, const struct template_state *s,
               commit_fn *on_kept)
{
    struct commit *c = commit_new(y->et->t.id);

    approvals_write(y->work, c, sync_account(y), key, s);
    approvals_know(y->et, sync_account(y), key, s);
    y->pending = commit_run(y->et->e->store, &c, on_kept, y);
}

static bool differs(const struct template_state *old, const struct template_state *s)
{
    return old == NULL || old->status != s->status || !str_eq(old->category, s->category) ||
           !str_eq(old->reason, s->reason) || !str_eq(old->id, s->id) ||
           !str_eq(old->hash, s->hash);
}

/* All that an account lost is told as one: it may be everything. */
static void note_lost(struct template_sync *y, struct str key, const struct template_state *s)
{
    if (s->status == TEMPLATE_APPROVED || s->status == TEMPLATE_PENDING ||
        s->status == TEMPLATE_UNKNOWN || y->nlost++ >= LOST_NAMED) {
        return;
    }
    y->lost = arena_printf(y->work, "%.*s%s%.*s is %s", STR_ARG(y->lost), y->lost.n > 0 ? ", " : "",
                           STR_ARG(approval_words(y->work, key)), template_status_name(s->status));
    if (s->reason.n > 0) {
        y->lost = arena_printf(y->work, "%.*s: %.*s", STR_ARG(y->lost), STR_ARG(s->reason));
    }
}

static void tell_lost(struct template_sync *y)
{
    if (y->nlost == 0) {
        return;
    }
    if (y->nlost > LOST_NAMED) {
        y->lost =
            arena_printf(y->work, "%.*s, and %zu more", STR_ARG(y->lost), y->nlost - LOST_NAMED);
    }
    alert_raise(y->et, arena_printf(y->work, "templates:%.*s", STR_ARG(y->s->id)), "warning",
                arena_printf(y->work, "message templates: %.*s", STR_ARG(y->lost)),
                STR("messages go by another language of it or by the generic one meanwhile; see "
                    "/api/v1/templates"));
}

static void note_change(struct template_sync *y, struct commit *c, struct str key,
                        const struct template_state *old, const struct template_state *s)
{
    enum template_status before = old != NULL ? old->status : TEMPLATE_UNKNOWN;

    if (!differs(old, s)) {
        return;
    }
    if (old != NULL && old->category.n > 0 && !str_eq(old->category, s->category)) {
        approvals_tell_category(y->et, key, old->category, s->category);
    }
    approvals_write(y->work, c, sync_account(y), key, s);
    approvals_know(y->et, sync_account(y), key, s);
    if (before != s->status) {
        note_lost(y, key, s);
    }
}

/* Registered once, and not in the list any more. */
static void note_missing(struct template_sync *y, struct commit *c)
{
    const struct template_state *s;
    struct str key, keys[SYNC_KEYS_MAX];
    size_t n = 0;

    for (size_t it = 0;
         !y->cut && (s = approvals_next(y->et, sync_account(y), &it, &key)) != NULL;) {
        if (s->status != TEMPLATE_UNKNOWN && s->status != TEMPLATE_MISSING && n < SYNC_KEYS_MAX &&
            map_get(y->found, key) == NULL) {
            keys[n++] = arena_dup(y->work, key);
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct template_state gone = {
            .status = TEMPLATE_MISSING, .reason = STR("deleted at the provider"), .at = wall_now()};

        approvals_write(y->work, c, sync_account(y), keys[i], &gone);
        approvals_know(y->et, sync_account(y), keys[i], &gone);
        if (y->want.n == 0) { /* else it is registered anew at once */
            note_lost(y, keys[i], &gone);
        }
    }
}

static void on_written(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct template_sync *y = ctx;

    (void)outcome;
    y->pending = NULL;
    if (err != NULL) {
        unlock(y);
    } else if (y->want.n > 0) {
        y->step = 0;
        sync_register(y);
    } else {
        sync_next_account(y);
    }
}

static void write_found(struct template_sync *y)
{
    struct commit *c = commit_new(y->et->t.id);
    char now[24];

    arena_reset(y->work);
    y->lost = STR_NONE;
    y->nlost = 0;
    for (size_t i = 0; i < y->nlist; i++) {
        struct template_listed *l = y->list[i];
        struct str key = approval_key(y->work, l->name, l->language);

        l->state.at = wall_now();
        note_change(y, c, key, approvals_find(y->et, sync_account(y), l->name, l->language),
                    &l->state);
    }
    note_missing(y, c);
    tell_lost(y);
    commit_hset(c, STR("ts"), STR("at"), now_text(now));
    y->pending = commit_run(y->et->e->store, &c, on_written, y);
}

/* ---- look at each ---- */

static void look_next(struct template_sync *y);

static void on_looked(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;
    struct template_listed *l = y->list[y->step];
    struct err bad = {0};
    bool later;

    y->pending = NULL;
    if (!sync_good(err, answer)) {
        account_failed(y, sync_trouble(y, err, answer, &later));
        return;
    }
    if (!y->calls->answered(y->a, answer->body, &l->state, &bad)) {
        account_failed(y, str_of(bad.msg));
        return;
    }
    y->step++;
    look_next(y);
}

/* Only those whose words are today's, or that we go by: what was replaced is nobody's concern. */
static void look_next(struct template_sync *y)
{
    struct outgoing out;

    arena_reset(y->work);
    if (y->calls->look == NULL || y->step == y->nlist) {
        write_found(y);
        return;
    }
    y->calls->look(y->work, y->s, y->list[y->step]->state.id, &out);
    sync_http(y, &out, on_looked);
}

void sync_removed(struct template_sync *y)
{
    y->step = 0;
    look_next(y);
}

/* ---- list ---- */

static const struct template_def *def_of(const struct template_sync *y, struct str name,
                                         struct str language)
{
    for (size_t i = 0; i < y->ndefs; i++) {
        if (str_eq(y->defs[i]->name, name) && str_eq(y->defs[i]->language, language)) {
            return y->defs[i];
        }
    }
    return NULL;
}

/* Twilio keeps what was replaced under the same name: that with today's words counts. */
static void add(struct template_sync *y, struct template_listed *l)
{
    struct str key = approval_key(y->a, l->name, l->language);
    struct template_listed *old = map_get(y->found, key);
    const struct template_def *d = def_of(y, l->name, l->language);
    char hash[TEMPLATE_HASH_CHARS + 1] = "";

    if (old == NULL && y->nlist < SYNC_KEYS_MAX) {
        y->list[y->nlist++] = l;
        map_put(y->found, key, l);
        return;
    }
    y->cut = y->cut || old == NULL;
    if (d != NULL) {
        template_hash(d, hash);
    }
    if (old != NULL && str_eqz(l->state.hash, hash) && !str_eqz(old->state.hash, hash)) {
        *old = *l;
    }
}

static void on_page(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct template_sync *y = ctx;
    struct template_page page;
    struct err bad = {0};
    bool later;

    y->pending = NULL;
    if (!sync_good(err, answer)) {
        account_failed(y, sync_trouble(y, err, answer, &later));
        return;
    }
    if (!y->calls->listed(y->a, y->s, answer->body, &page, &bad)) {
        account_failed(y, str_of(bad.msg));
        return;
    }
    for (size_t i = 0; i < page.n; i++) {
        add(y, &page.v[i]);
    }
    if (page.next.method != NULL && ++y->step < PAGES_MAX && y->nlist < SYNC_KEYS_MAX) {
        y->next = page.next;
        sync_http(y, &y->next, on_page);
        return;
    }
    y->cut = y->cut || page.next.method != NULL;
    y->step = 0;
    sync_remove(y);
}

/* ---- accounts ---- */

static bool is_first(const struct template_sync *y, size_t at)
{
    const struct sender *all = y->et->t.conf->senders;
    struct str id = sender_account(&all[at]);

    for (size_t i = 0; i < at; i++) {
        if (str_eq(sender_account(&all[i]), id)) {
            return false;
        }
    }
    return id.n > 0;
}

static void on_done(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct template_sync *y = ctx;

    y->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_CONFLICT) {
        y->again = true; /* wished for once more while it was under way */
    }
    unlock(y);
}

static void done(struct template_sync *y)
{
    struct commit *c = commit_new(y->et->t.id);

    arena_reset(y->work);
    if (y->want.n > 0 && y->later_ms == 0) {
        commit_check_owner(c, STR("ts"), STR("want"), y->want, y->want);
    }
    if (y->later_ms > 0) {
        commit_hset(c, STR("ts"), STR("later"),
                    arena_printf(y->work, "%lld", (long long)(wall_now().ms + y->later_ms)));
    } else {
        for (size_t i = 0; i < y->nremovals; i++) {
            commit_hdel(c, STR("ts"), arena_printf(y->work, "rm|%.*s", STR_ARG(y->removals[i])));
        }
        if (y->want.n > 0) {
            commit_hdel(c, STR("ts"), STR("want"));
        }
        commit_hdel(c, STR("ts"), STR("later"));
    }
    y->pending = commit_run(y->et->e->store, &c, on_done, y);
}

void sync_next_account(struct template_sync *y)
{
    const struct tenant_settings *conf = y->et->t.conf;
    struct outgoing out;

    arena_reset(y->work);
    map_free(&y->found);
    y->found = map_new();
    y->nlist = y->step = 0;
    y->cut = false;
    while (y->at < conf->nsenders && !is_first(y, y->at)) {
        y->at++;
    }
    if (y->at == conf->nsenders) {
        done(y);
        return;
    }
    y->s = &conf->senders[y->at++];
    y->calls = template_calls_of(y->s->provider);
    y->provider = provider_of(y->s->provider);
    y->calls->list(y->work, y->s, &out);
    sync_http(y, &out, on_page);
}

/* ---- the beginning ---- */

static void on_made(void *ctx, const struct err *err, const struct reply *reply)
{
    struct template_sync *y = ctx;
    const struct templates *all = y->et->t.templates;
    struct template_def *made;
    size_t n;

    y->pending = NULL;
    if (err != NULL) {
        unlock(y);
        return;
    }
    made = ARENA_ARRAY(y->a, struct template_def, TEMPLATES_MADE_MAX);
    n = templates_made(y->a, reply, made, TEMPLATES_MADE_MAX);
    y->defs = ARENA_ARRAY(y->a, const struct template_def *, templates_count(all) + n + 1);
    for (size_t i = 0; i < templates_count(all); i++) {
        y->defs[y->ndefs++] = templates_at(all, i);
    }
    for (size_t i = 0; i < n; i++) {
        y->defs[y->ndefs++] = &made[i];
    }
    sync_next_account(y);
}

static void on_locked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct template_sync *y = ctx;
    struct call call;

    y->pending = NULL;
    if (err != NULL || reply_kind(reply) == REPLY_NIL) {
        y->again = false; /* another gateway is at it; what is wished for stands in Redis */
        end(y);
        return;
    }
    key_call(y, &call, "HGETALL", "td");
    y->pending = store_run(y->et->e->store, &call, on_made, y);
}

static bool undecided(const struct engine_tenant *et)
{
    struct template_account accounts[16];
    size_t n = templates_accounts(et, accounts, ARRAY_LEN(accounts));
    const struct template_state *s;
    struct str key;

    for (size_t i = 0; i < n; i++) {
        for (size_t it = 0; (s = approvals_next(et, accounts[i].id, &it, &key)) != NULL;) {
            if (s->status == TEMPLATE_PENDING || s->status == TEMPLATE_PAUSED) {
                return true;
            }
        }
    }
    return false;
}

/* Is there anything to do, by what stands in ts? */
static bool due(struct template_sync *y, const struct reply *reply)
{
    int64_t now = wall_now().ms, at = 0, later = 0;

    y->removals = ARENA_ARRAY(y->a, struct str, reply_len(reply) + 1);
    for (size_t i = 0; i + 1 < reply_len(reply); i += 2) {
        struct str field = reply_str(reply_at(reply, i));
        const struct reply *value = reply_at(reply, i + 1);

        if (str_eqz(field, "want")) {
            y->want = arena_dup(y->a, reply_str(value));
        } else if (str_eqz(field, "at")) {
            at = reply_int(value);
        } else if (str_eqz(field, "later")) {
            later = reply_int(value);
        } else if (str_starts(field, STR("rm|"))) {
            y->removals[y->nremovals++] = arena_dup(y->a, str_slice(field, 3, field.n));
        }
    }
    if (now < later) {
        return false;
    }
    return y->want.n > 0 || y->nremovals > 0 || now - at >= (undecided(y->et) ? SOON_MS : HOUR_MS);
}

static void on_wishes(void *ctx, const struct err *err, const struct reply *reply)
{
    struct template_sync *y = ctx;
    struct call call;

    y->pending = NULL;
    if (err != NULL || !due(y, reply)) {
        end(y);
        return;
    }
    key_call(y, &call, "SET", "tl");
    call_str(&call, str_of(y->et->e->owner));
    call_str(&call, STR("NX"));
    call_str(&call, STR("PX"));
    call_int(&call, LOCK_MS);
    y->pending = store_run(y->et->e->store, &call, on_locked, y);
}

void templates_sync(struct engine_tenant *et)
{
    struct template_account any;
    struct template_sync *y;
    struct call call;

    if (et->syncing != NULL) {
        et->syncing->again = true;
        return;
    }
    if (!approvals_ready(et) || et->e->stopping || templates_accounts(et, &any, 1) == 0) {
        return; /* the clock comes again */
    }
    y = MEM_NEW(struct template_sync);
    *y =
        (struct template_sync){.et = et, .a = arena_new(), .work = arena_new(), .found = map_new()};
    et->syncing = y;
    job_begin(et->e, &y->job, drop_sync);
    key_call(y, &call, "HGETALL", "ts");
    y->pending = store_run(et->e->store, &call, on_wishes, y);
}

/* ---- by the clock ---- */

static void clock_run(struct chore_run *run)
{
    struct engine_tenant *et = chore_tenant(run);

    if (et->syncing == NULL) {
        templates_sync(et);
    }
    chore_done(run, false);
}

/* The sync itself is a job: the engine drops it. */
static void clock_cancel(struct chore_run *run)
{
    (void)run;
}

const struct chore chore_templates = {"templates", LOOK_MS, true, clock_run, clock_cancel};
