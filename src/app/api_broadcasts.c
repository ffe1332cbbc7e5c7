/*
 * api_broadcasts: POST /api/v1/broadcasts and /whatsapp/emergency, one broadcast with its counts,
 * cancelling, another round to the silent. Who may not broadcast is refused here, whatever his
 * role.
 */
#include "api_broadcasts.h"

#include "base/mem.h"

#define SETTLE_MS      10   /* between looks at what is in flight behind a cancellation */
#define SETTLE_MOST_MS 2000 /* then the rest of it counts as queued */

bool broadcast_allowed(struct request *r)
{
    if (r->who.broadcast) {
        return true;
    }
    err_set(&r->err, ERR_FORBIDDEN, "this key was made without the right to broadcast");
    reply_error(r, &r->err);
    return false; /* the request is gone */
}

/* ---- accepting ---- */

struct broadcast_post {
    struct broadcast b;
    bool dry_run;
    struct str reply;
};

static void write_skipped(const struct broadcast_result *result, struct jw *w)
{
    jw_open(w, "skipped", '[');
    for (size_t i = 0; i < result->nshown; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "user", result->skipped[i].who);
        jw_z(w, "reason", result->skipped[i].reason);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    if (result->nskipped > (int64_t)result->nshown) { /* all of them: …/recipients?state=skipped */
        jw_int(w, "skipped_total", result->nskipped);
    }
}

static struct str render(struct request *r, const struct broadcast_post *p,
                         const struct broadcast_result *result)
{
    struct buf body;
    struct str out;
    struct jw w;

    buf_init(&body, (size_t)1 << 20);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    if (!p->dry_run) {
        jw_str(&w, "id", p->b.id);
    }
    jw_int(&w, "recipients", result->recipients);
    write_skipped(result, &w);
    if (p->dry_run) {
        jw_open(&w, "languages", '{');
        for (size_t i = 0; i < result->nlangs; i++) {
            jw_int(&w, arena_printf(r->a, "%.*s", STR_ARG(result->langs[i].code)).p,
                   result->langs[i].n);
        }
        jw_close(&w, '}');
        jw_int(&w, "session", result->session);
        jw_int(&w, "template", result->template_);
        jw_int(&w, "seconds", result->seconds);
    }
    jw_close(&w, '}');
    out = arena_dup(r->a, buf_str(&body));
    buf_fini(&body);
    return out;
}

static void checks(void *ctx, struct commit *c)
{
    idempotency_checks(obj_check(ctx, REQUEST_MAGIC), c);
}

static void writes(void *ctx, struct commit *c, const struct broadcast_result *result)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct broadcast_post *p = r->user;

    p->reply = render(r, p, result);
    idempotency_writes(r, c, 202, p->reply);
    audit_write(r, c, "broadcast.send", p->b.id);
}

static void on_accepted(void *ctx, const struct err *err, const struct broadcast_result *result,
                        const struct commit_outcome *outcome)
{
    struct request *r;
    struct broadcast_post *p;
    bool done;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    p = r->user;
    if (outcome == NULL) {
        reply_json(r, 200, render(r, p, result));
        return;
    }
    if (idempotency_answered(r, outcome, &done)) {
        return;
    }
    if (!done) {
        err_set(&r->err, ERR_STORE_CONFLICT, "the broadcast could not be kept; ask again");
        reply_error(r, &r->err);
        return;
    }
    reply_json(r, 202, p->reply);
}

/* What is asked for unclearly must not go out: it would be to everybody, and for good. */
static bool read_dry_run(struct request *r, const struct json *j, bool *out)
{
    const struct json *v = json_get(j, "dry_run");

    if (v != NULL && json_kind(v) != JSON_NULL && json_kind(v) != JSON_BOOL) {
        err_set(&r->err, ERR_INVALID, "dry_run is neither true nor false");
        return err_member(&r->err, "dry_run");
    }
    *out = *out || json_as_bool(v, false);
    return true;
}

void broadcast_post(struct request *r, const struct json *j)
{
    struct broadcast_post *p = ARENA_NEW(r->a, struct broadcast_post);
    const struct tenant *t = r->who.tenant;
    char id[ID_BYTES];

    r->user = p;
    if (!request_flag(r, "dry_run", &p->dry_run)) {
        return;
    }
    if (!broadcast_from_json(r->a, j, wall_now(), &p->b, &r->err) ||
        !read_dry_run(r, j, &p->dry_run)) {
        reply_error(r, &r->err);
        return;
    }
    if (t->conf->nsenders == 0) {
        err_set(&r->err, ERR_INVALID, "tenant \"%.*s\" has no sender configured", STR_ARG(t->id));
        reply_error(r, &r->err);
        return;
    }
    if (!broadcast_check(r->a, t, &p->b, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    id_new(id);
    p->b.id = arena_dup(r->a, str_of(id));
    p->b.by = r->who.key_name;
    r->pending = broadcast_accept(
        r->e, r->who.et, r->a,
        &(struct broadcast_accept){&p->b, p->dry_run, false, checks, writes, on_accepted, r});
}

void api_broadcast_post(struct request *r)
{
    const struct json *j;

    if (broadcast_allowed(r) && (j = request_json(r)) != NULL) {
        broadcast_post(r, j);
    }
}

/* ---- one ---- */

static void write_object(struct request *r, const struct broadcast_look *l, struct jw *w)
{
    int64_t rate, eta_s;

    broadcast_pace(r->who.tenant, &l->state, &rate, &eta_s);
    jw_open(w, NULL, '{');
    broadcast_write(&l->b, w);
    jw_str(w, "state", l->state.state);
    jw_int(w, "round", l->state.round);
    broadcast_counts_write(&l->state.counts, l->b.ask, w, "counts");
    jw_int(w, "rate", rate);
    jw_int(w, "eta_s", eta_s);
}

static void on_state(void *ctx, const struct err *err, const struct reply *reply)
{
    struct broadcast_look *l;
    struct request *r;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    l = r->user;
    broadcast_state_read(r->a, reply, &l->state);
    if (l->state.version == 0) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no broadcast \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
    } else if (!broadcast_open(r->a, r->who.tenant, r->args[0], &l->state, &l->b, &r->err)) {
        err_set(&r->err, ERR_DAMAGED, "the record of this broadcast is damaged; see the log");
        reply_error(r, &r->err);
    } else {
        l->then(r);
    }
}

void broadcast_look(struct request *r, struct broadcast_look *l)
{
    struct call call;

    r->user = l;
    if (!broadcast_id_ok(r->args[0])) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no such broadcast");
        reply_error(r, &r->err);
        return;
    }
    broadcast_call(r->a, r->who.tenant, r->args[0], &call);
    r->pending = store_run(engine_store(r->e), &call, on_state, r);
}

static struct broadcast_look *look_new(struct request *r, handler_fn *then)
{
    struct broadcast_look *l = ARENA_NEW(r->a, struct broadcast_look);

    l->then = then;
    return l;
}

static void show(struct request *r)
{
    struct jw w;

    reply_begin(r, &w);
    write_object(r, r->user, &w);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

void api_broadcast_get(struct request *r)
{
    broadcast_look(r, look_new(r, show));
}

/* ---- the list ---- */

static bool list_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    struct str key = arena_printf(l->a, "b:%.*s", STR_ARG(id)), text;
    struct err err = {0};
    struct broadcast b;

    if (!vault_open_arena(r->who.tenant->vault, l->a, key, "b", reply_str(reply_at(row, 2)), &text,
                          &err) ||
        !broadcast_decode(l->a, text, &b, &err)) {
        return false;
    }
    jw_open(&l->w, NULL, '{');
    broadcast_write(&b, &l->w);
    jw_str(&l->w, "state", reply_str(reply_at(row, 3)));
    jw_close(&l->w, '}');
    return true;
}

void api_broadcast_list(struct request *r)
{
    static const char *const fields[] = {"b", "st", NULL};
    struct listing *l = ARENA_NEW(r->a, struct listing);

    *l = (struct listing){
        .index = STR("bx"), .order = "score", .prefix = "b:", .fields = fields, .row = list_row};
    listing_start(r, l);
}

/* ---- cancelling ---- */

static void drop_timer(struct request *r)
{
    struct broadcast_look *l = r->user;

    timer_free(&l->timer);
}

static void on_settle(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    broadcast_look(r, r->user);
}

/* What the workers held when it was cancelled is soon decided: then the split is exact. */
static void settled(struct request *r)
{
    struct broadcast_look *l = r->user;
    const struct broadcast_counts *n = &l->state.counts;
    struct jw w;

    if (n->queued > 0 && mono_now().us - l->since.us < SETTLE_MOST_MS * 1000) {
        if (l->timer == NULL) {
            l->timer = timer_new(engine_loop(r->e), on_settle, r);
            r->on_gone = drop_timer;
        }
        timer_start(l->timer, SETTLE_MS);
        return;
    }
    drop_timer(r);
    r->on_gone = NULL;
    reply_begin(r, &w);
    write_object(r, l, &w);
    jw_close(&w, '}');
    idempotency_close(r, 200, buf_str(&r->out), NULL, STR_NONE);
}

static void on_cancelled(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct broadcast_look *l;

    (void)outcome;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    broadcast_wake(r->who.et);
    l = r->user;
    l->then = settled;
    l->since = mono_now();
    broadcast_look(r, l);
}

static void cancel(struct request *r)
{
    struct broadcast_look *l = r->user;
    char id[ID_BYTES];
    struct commit *c;

    if (str_eqz(l->state.state, "closed")) {
        err_set(&r->err, ERR_CONFLICT, "this broadcast is over: there is nothing left to cancel");
        reply_error(r, &r->err);
        return;
    }
    if (str_eqz(l->state.state, "cancelled")) {
        l->since = mono_now();
        l->then = settled;
        settled(r);
        return;
    }
    id_new(id);
    c = commit_new(r->who.tenant->id);
    commit_once(c, arena_printf(r->a, "bcancel:%s", id));
    broadcast_cancel(r->who.et, r->a, r->args[0], c);
    audit_write(r, c, "broadcast.cancel", r->args[0]); /* who asks may hang up before the answer */
    r->pending = commit_run(engine_store(r->e), &c, on_cancelled, r);
}

static void cancel_open(struct request *r)
{
    broadcast_look(r, look_new(r, cancel));
}

void api_broadcast_cancel(struct request *r)
{
    if (broadcast_allowed(r)) {
        idempotency_open(r, cancel_open);
    }
}

/* ---- to the silent ---- */

static void on_resent(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct broadcast_look *l;
    bool done;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    l = r->user;
    if (outcome->result == COMMIT_CONFLICT) { /* it moved on meanwhile: look again */
        broadcast_look(r, l);
        return;
    }
    if (idempotency_answered(r, outcome, &done)) {
        return;
    }
    broadcast_wake(r->who.et);
    reply_json(r, 202, l->reply);
}

static struct str resent(struct request *r, const struct broadcast_look *l)
{
    struct broadcast_look then = *l;
    struct buf body;
    struct str out;
    struct jw w;

    then.state.state = STR("sending");
    then.state.round++;
    buf_init(&body, (size_t)4 << 20);
    jw_init(&w, &body);
    write_object(r, &then, &w);
    jw_int(&w, "recipients", l->state.counts.silent);
    jw_open(&w, "skipped", '[');
    jw_close(&w, ']');
    jw_close(&w, '}');
    out = arena_dup(r->a, buf_str(&body));
    buf_fini(&body);
    return out;
}

static const char *no_resend(const struct broadcast_look *l)
{
    return l->b.ask == BROADCAST_ASK_NONE
               ? "it asked nothing, so nobody is silent; send another broadcast"
           : str_eqz(l->state.state, "cancelled") ? "it was cancelled"
           : l->state.cursor < l->state.chunks
               ? "it is still being sent; ask again when it has gone out"
           : l->b.expires.ms > 0 && l->b.expires.ms <= wall_now().ms ? "it has expired"
                                                                     : NULL;
}

/* As when it is sent first; but the silent become fewer by themselves, so the number may have been
 * more. */
static bool is_confirmed(struct request *r, const struct broadcast_look *l)
{
    int64_t most = r->who.tenant->conf->broadcast_confirm_above, n = l->state.counts.silent;

    if (n <= most || (l->confirm >= n && l->confirm <= l->state.counts.total)) {
        return true;
    }
    err_set(&r->err, ERR_CONFIRM,
            "%lld people would get this again; above %lld it is confirmed by \"confirm\": %lld",
            (long long)n, (long long)most, (long long)n);
    return err_member(&r->err, "confirm");
}

/* The answer to the Idempotency-Key stands in the commit that begins the round: were it kept by
 * another one, a key that is told again between them would begin one more. */
static void resend(struct request *r)
{
    struct broadcast_look *l = r->user;
    const char *why = no_resend(l);
    struct commit *c;

    if (why != NULL) {
        err_set(&r->err, ERR_CONFLICT, "this broadcast cannot be sent again: %s", why);
    }
    if (why != NULL || !is_confirmed(r, l)) {
        reply_error(r, &r->err);
        return;
    }
    l->reply = resent(r, l);
    c = commit_new(r->who.tenant->id);
    idempotency_checks(r, c);
    commit_check_version(c, arena_printf(r->a, "b:%.*s", STR_ARG(r->args[0])), l->state.version);
    broadcast_resend(r->who.et, r->a, r->args[0], &l->state, l->b.prio, c);
    idempotency_writes(r, c, 202, l->reply);
    audit_write(r, c, "broadcast.resend", r->args[0]);
    r->pending = commit_run(engine_store(r->e), &c, on_resent, r);
}

void api_broadcast_resend(struct request *r)
{
    const struct json *j = NULL, *confirm;
    struct broadcast_look *l;

    if (!broadcast_allowed(r) || (http_req_body(r->http).n > 0 && (j = request_json(r)) == NULL)) {
        return;
    }
    confirm = json_get(j, "confirm");
    if (json_kind(confirm) != JSON_NONE && json_as_int(confirm, -1) < 0) {
        err_set(&r->err, ERR_INVALID, "confirm is not a number of recipients");
        err_member(&r->err, "confirm");
        reply_error(r, &r->err);
        return;
    }
    l = look_new(r, resend);
    l->confirm = json_as_int(confirm, -1);
    broadcast_look(r, l);
}
