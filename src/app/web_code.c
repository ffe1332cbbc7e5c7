/* web_code: codes that prove a number: made, sent, and taken. */
#include "base/mem.h"
#include "domain/consent.h"
#include "domain/notice.h"
#include "domain/user_store.h"
#include "web_verify.h"

#include <stdio.h>

#define RETRIES_MAX 8

static struct engine_tenant *tenant_now(struct request *r)
{
    const struct verify *v = r->user;

    return v->tenant < engine_tenants(r->e) ? engine_tenant_at(r->e, v->tenant) : NULL;
}

static struct str hash_of(struct request *r, const struct tenant *t, const char *what,
                          struct str text)
{
    return vault_hash_arena(t->vault, r->a, what, text);
}

/* Kept is what tells whether a code is the right one, not the code. */
static struct str mac_of(struct request *r, const struct tenant *t, struct str phone,
                         struct str code)
{
    return hash_of(r, t, "code", arena_printf(r->a, "%.*s|%.*s", STR_ARG(phone), STR_ARG(code)));
}

static void begin_call(struct request *r, struct call *call, const char *script,
                       const struct tenant *t, struct str code)
{
    const struct verify *v = r->user;
    struct str phone = hash_of(r, t, "phone", v->phone);

    call_init_script(call, script, arena_printf(r->a, "{%.*s}:", STR_ARG(t->id)));
    call_str(call, arena_printf(r->a, "vc:%.*s", STR_ARG(phone)));
    call_str(call, phone);
    call_str(call, mac_of(r, t, v->phone, code));
}

/* ---- sending ---- */

static void send_next(struct request *r);

static void on_told(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;

    (void)outcome;
    if (request_resume(ctx, err, &r)) {
        ((struct verify *)r->user)->tenant++;
        send_next(r);
    }
}

static void tell_checks(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    commit_once(c, r->unit);
}

static bool may_be_told(const struct tenant *t, const struct user *u)
{
    return !u->removed && u->phone.n > 0 && (u->opted_out & OPTED_OUT_ALL) == 0 &&
           t->conf->nsenders > 0;
}

static void tell(struct request *r, struct engine_tenant *et, const struct user *u)
{
    const struct plan_run run = {tell_checks, NULL, on_told, r};
    struct wall now = wall_now();
    struct verify *v = r->user;

    plan_init(&v->plan, r->a, engine_tenant(et), now, STR_NONE);
    notice_code(&v->plan, u, v->code, (struct wall){now.ms + CODE_LIFE_MS});
    r->pending = engine_run_plan(r->e, et, &v->plan, &run);
}

static void on_made(void *ctx, const struct err *err, const struct reply *reply)
{
    struct engine_tenant *et;
    struct request *r;
    struct verify *v;
    struct user u;
    struct doc doc;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    v = r->user;
    et = tenant_now(r);
    if (reply_int(reply_at(reply, 0)) == 0) {
        int64_t wait = reply_int(reply_at(reply, 1));

        v->wait_ms = wait > v->wait_ms ? wait : v->wait_ms;
    } else if (reply_len(reply) == 4) {
        doc = (struct doc){reply_int(reply_at(reply, 2)), reply_str(reply_at(reply, 3))};
        if (doc.version > 0 &&
            user_open(engine_tenant(et), r->a, arena_dup(r->a, reply_str(reply_at(reply, 1))), &doc,
                      &u, &r->err) &&
            may_be_told(engine_tenant(et), &u)) {
            tell(r, et, &u);
            return;
        }
    }
    v->tenant++;
    send_next(r);
}

static void send_next(struct request *r)
{
    struct engine_tenant *et = tenant_now(r);
    const struct tenant *t;
    struct verify *v = r->user;
    char digits[CODE_DIGITS + 1], id[ID_BYTES];
    struct call call;

    if (et == NULL) {
        v->code = STR_NONE;
        r->then(r);
        return;
    }
    t = engine_tenant(et);
    snprintf(digits, sizeof(digits), "%06u", (unsigned)random_below(1000000));
    id_new(id);
    v->code = arena_dup(r->a, str_of(digits));
    r->unit = arena_printf(r->a, "q:%s", id);
    begin_call(r, &call, "code_new", t, v->code);
    call_str(&call, r->unit);
    call_str(&call, arena_printf(r->a, "va:%.*s",
                                 STR_ARG(hash_of(r, t, "address", http_req_peer(r->http)))));
    call_int(&call, CODE_PHONE_HOUR);
    call_int(&call, CODE_SOURCE_HOUR);
    r->pending = store_run(engine_store(r->e), &call, on_made, r);
}

void code_send(struct request *r, handler_fn *done)
{
    r->then = done;
    send_next(r);
}

/* ---- taking ---- */

static void check_next(struct request *r);

static void take_checks(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    commit_once(c, r->unit);
}

static void take_writes(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    const struct verify *v = r->user;
    struct str phone = hash_of(r, r->who.tenant, "phone", v->phone);

    commit_hdel(c, arena_printf(r->a, "vc:%.*s", STR_ARG(phone)), STR("m"));
    commit_put_for(
        c, r->session->key,
        arena_printf(r->a, "%lld|%.*s|%.*s", (long long)v->plan.now.ms,
                     STR_ARG(r->session->user->id), STR_ARG(v->moved)),
        SESSION_IDLE_MS);
    audit_write(r, c, "user.verify", r->session->user->id);
}

static void on_taken(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct verify *v;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    v = r->user;
    if (outcome->result == COMMIT_OK || outcome->result == COMMIT_DUPLICATE) {
        r->then(r);
    } else if (++v->tries < RETRIES_MAX) {
        check_next(r);
    } else {
        err_set(&r->err, ERR_STORE_CONFLICT, "this person is being changed by others; ask again");
        reply_error(r, &r->err);
    }
}

static void take(struct request *r, struct engine_tenant *et)
{
    const struct plan_run run = {take_checks, take_writes, on_taken, r};
    const struct user *kept = r->session->user;
    struct verify *v = r->user;
    struct user *u;

    plan_init(&v->plan, r->a, engine_tenant(et), wall_now(), STR_NONE);
    if (!kept->verified) {
        u = ARENA_NEW(r->a, struct user);
        *u = *kept;
        u->verified = true;
        notice_onboarding(&v->plan, u);
        plan_user(&v->plan, u, kept);
        consent_verified(&v->plan, u, "page");
    }
    r->pending = engine_run_plan(r->e, et, &v->plan, &run);
}

static void on_checked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct engine_tenant *et;
    struct request *r;
    struct str secret;
    struct verify *v;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    v = r->user;
    et = tenant_now(r);
    if (reply_len(reply) == 4) {
        v->moved = arena_dup(r->a, reply_str(reply_at(reply, 3)));
        session_make(r, engine_tenant(et), &secret, &v->key);
        if (session_is(r, et, secret, reply_str(reply_at(reply, 0)), reply_at(reply, 1),
                       reply_at(reply, 2))) {
            take(r, et);
            return;
        }
    }
    v->tenant++;
    check_next(r);
}

static void check_next(struct request *r)
{
    struct engine_tenant *et = tenant_now(r);
    const struct verify *v = r->user;
    char id[ID_BYTES];
    struct call call;

    r->session = NULL;
    if (et == NULL) {
        r->then(r);
        return;
    }
    id_new(id);
    r->unit = arena_printf(r->a, "q:%s", id);
    begin_call(r, &call, "code_check", engine_tenant(et), v->code);
    call_int(&call, CODE_TRIES);
    call_int(&call, CODE_LIFE_MS);
    r->pending = store_run(engine_store(r->e), &call, on_checked, r);
}

void code_check(struct request *r, handler_fn *done)
{
    r->then = done;
    check_next(r);
}
