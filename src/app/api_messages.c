/*
 * api_messages: POST /api/v1/messages and POST /api/whatsapp/send-test. Everything that can be
 * known to keep a message from ever being sent is said here, with the member that is wrong: shape,
 * the provider's limits, the person. PARSE -> (PHONE) -> (ORDER) -> PERSON -> COMMIT.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/command.h"
#include "domain/plan.h"
#include "domain/template.h"
#include "domain/user_store.h"

#define DAY_MS    ((int64_t)86400000)
#define AHEAD_MAX (366 * DAY_MS) /* of send_at: further away it is a typing mistake */

struct message_post {
    struct message m;
    const struct sender *sender;
    struct user user;
    struct plan plan;
    bool test; /* send-test: any number, no consent asked but STOP ALL obeyed */
    struct str id, reply;
};

static void refuse(struct request *r, const char *member, const char *fmt, struct str value)
{
    err_set(&r->err, ERR_INVALID, fmt, STR_ARG(value));
    err_member(&r->err, "%s", member);
    reply_error(r, &r->err);
}

/* ---- the commit ---- */

static void checks(void *ctx, struct commit *c)
{
    idempotency_checks(obj_check(ctx, REQUEST_MAGIC), c);
}

static void writes(void *ctx, struct commit *c)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct message_post *p = r->user;

    idempotency_writes(r, c, 202, p->reply);
    audit_write(r, c, p->test ? "message.test" : "message.send", p->id);
}

static void on_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct request *r;
    struct message_post *p;
    bool done;

    if (!request_resume(ctx, err, &r) || idempotency_answered(r, outcome, &done)) {
        return;
    }
    p = r->user;
    if (!done) {
        err_set(&r->err, ERR_STORE_CONFLICT, "the message could not be kept; ask again");
        reply_error(r, &r->err);
        return;
    }
    reply_json(r, 202, p->reply);
}

/* Whose limits hold is known when the person is: his words chose the number. */
static bool fits_provider(struct request *r)
{
    struct message_post *p = r->user;

    p->sender = tenant_sender_for(r->who.tenant->conf, p->m.sender, p->user.sender);
    return provider_of(p->sender->provider)->check(&p->m, &r->err);
}

/* What the caller gave, over what the plan knows about the person. */
static void fill(struct message_post *p, struct message *to)
{
    struct message m = p->m;

    m.id = to->id;
    m.user = to->user;
    m.phone = to->phone;
    m.bsuid = to->bsuid;
    m.lang = to->lang;
    m.cause = to->cause;
    m.created = to->created;
    m.sender = p->sender->id;
    m.cls = p->test ? STR("test") : STR("updates");
    if (m.kind == MESSAGE_TEMPLATE && m.template_.language.n == 0) {
        m.template_.language = m.lang;
    }
    *to = m;
}

static void keep(struct request *r)
{
    struct message_post *p = r->user;
    const struct tenant *t = r->who.tenant;
    const struct plan_run run = {checks, writes, on_kept, r};
    struct wall now = wall_now(), awake;
    struct message *m;
    struct buf body;
    struct jw w;

    if (!fits_provider(r)) {
        reply_error(r, &r->err);
        return;
    }
    plan_init(&p->plan, r->a, t, now, STR_NONE);
    m = plan_message(&p->plan, &p->user, p->m.kind);
    m->cause = m->id; /* the request itself is the input that led here */
    fill(p, m);
    if (!p->test && m->prio >= PRIO_NORMAL && m->send_at.ms == 0) {
        awake = user_quiet_until(&p->user, t->conf->timezone, now);
        m->send_at.ms = awake.ms > now.ms ? awake.ms : 0;
    }
    p->id = m->id;
    buf_init(&body, 256);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", m->id);
    jw_z(&w, "state", "queued");
    jw_close(&w, '}');
    p->reply = arena_dup(r->a, buf_str(&body));
    buf_fini(&body);
    r->pending = engine_run_plan(r->e, r->who.et, &p->plan, &run);
}

/* ---- the person ---- */

static void judge(struct request *r)
{
    struct message_post *p = r->user;
    bool critical = p->m.prio == PRIO_CRITICAL;
    enum notify_verdict verdict =
        user_notify(&p->user, critical ? CLASS_EMERGENCY : CLASS_UPDATES, critical);

    if (p->test) {
        verdict = (p->user.opted_out & OPTED_OUT_ALL) != 0 ? NOTIFY_OPTED_OUT : NOTIFY_YES;
    }
    if (verdict == NOTIFY_OFF) {
        verdict =
            NOTIFY_YES; /* a switch for what is sent by itself; this one is meant for him by name */
    }
    if (verdict != NOTIFY_YES) {
        err_set(&r->err, ERR_INVALID, "person \"%.*s\" cannot be written to: %s",
                STR_ARG(p->user.id), notify_reason(verdict));
        err_member(&r->err, "to");
        reply_error(r, &r->err);
        return;
    }
    keep(r);
}

static void on_person(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct request *r;
    struct message_post *p;
    struct err own = {0};

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    p = r->user;
    if (docs[0].version == 0) {
        refuse(r, "to", "there is no person \"%.*s\"", p->m.user);
    } else if (!user_open(r->who.tenant, r->a, p->m.user, &docs[0], &p->user, &own)) {
        reply_error(r, &own);
    } else if (p->user.removed) {
        refuse(r, "to", "there is no person \"%.*s\"", p->m.user);
    } else {
        judge(r);
    }
}

static void find_person(struct request *r)
{
    struct message_post *p = r->user;
    struct str key;

    if (p->m.user.n == 0) { /* send-test to somebody who is no user */
        p->user = (struct user){.id = stranger_id(r, p->m.phone), .phone = p->m.phone};
        keep(r);
        return;
    }
    key = user_key(r->a, p->m.user);
    r->pending = fetch_run(engine_store(r->e), r->who.tenant->id, &key, 1, on_person, r);
}

/* ---- look-ups ---- */

static void on_order(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct message_post *p;

    if (request_resume(ctx, err, &r)) {
        p = r->user;
        /* An order that we have no copy of is named all the same: the CMMS knows it. */
        p->m.order_id = arena_dup(r->a, reply_str(reply));
        find_person(r);
    }
}

static void hget(struct request *r, const char *key, struct str field, reply_fn *on_reply)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, tenant_key(r, key));
    call_str(&call, field);
    r->pending = store_run(engine_store(r->e), &call, on_reply, r);
}

static void find_order(struct request *r)
{
    struct message_post *p = r->user;

    if (p->m.order_number.n == 0) {
        find_person(r);
    } else {
        hget(r, "on", command_order_canonical(r->a, p->m.order_number), on_order);
    }
}

static void on_phone(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct message_post *p;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    p = r->user;
    p->m.user = arena_dup(r->a, reply_str(reply));
    if (p->m.user.n == 0 && !p->test) {
        refuse(r, "to.phone", "nobody here has the number %.*s; create the person first",
               p->m.phone);
        return;
    }
    find_order(r);
}

static void begin(struct request *r)
{
    struct message_post *p = r->user;

    if (p->m.phone.n > 0) {
        hget(r, "ux", vault_hash_arena(r->who.tenant->vault, r->a, "phone", p->m.phone), on_phone);
    } else {
        find_order(r);
    }
}

/* ---- the shape ---- */

static bool sender_exists(struct request *r, struct message_post *p)
{
    const struct tenant_settings *conf = r->who.tenant->conf;

    if (conf->nsenders == 0) {
        refuse(r, "sender", "tenant \"%.*s\" has no sender configured", r->who.tenant->id);
        return false;
    }
    if (p->m.sender.n > 0 && tenant_sender(conf, p->m.sender) == NULL) {
        refuse(r, "sender", "there is no sender \"%.*s\"; see /api/v1/senders", p->m.sender);
        return false;
    }
    return true;
}

static bool times_ok(struct request *r, const struct message *m)
{
    int64_t now = wall_now().ms;

    if (m->expires.ms != 0 && (m->expires.ms <= now || m->expires.ms <= m->send_at.ms)) {
        refuse(r, "expires_at", "expires_at is over before it could be sent%.*s", STR(""));
        return false;
    }
    if (m->send_at.ms > now + AHEAD_MAX) {
        refuse(r, "send_at", "send_at is more than a year away%.*s", STR(""));
        return false;
    }
    return true;
}

static bool judge_shape(struct request *r, struct message_post *p)
{
    if (!sender_exists(r, p) || !times_ok(r, &p->m)) {
        return false;
    }
    if (p->m.kind == MESSAGE_MEDIA &&
        !http_url_check(p->m.media.url, !r->app->settings->allow_private_callbacks, &r->err)) {
        if (r->err.code == ERR_NET_FORBIDDEN_ADDRESS && r->err.member[0] == '\0') {
            err_member(&r->err, "media.url");
        }
        reply_error(r, &r->err);
        return false;
    }
    return true;
}

void api_message_post(struct request *r)
{
    struct message_post *p = ARENA_NEW(
        r->a, struct message_post); /* before the body: that may answer, and the arena is gone */
    const struct json *j = request_json(r);

    if (j == NULL) {
        return;
    }
    r->user = p;
    if (!message_from_json(r->a, j, &p->m, &r->err)) {
        reply_error(r, &r->err);
    } else if (judge_shape(r, p)) {
        begin(r);
    }
}

void api_send_test(struct request *r)
{
    struct message_post *p = ARENA_NEW(
        r->a, struct message_post); /* before the body: that may answer, and the arena is gone */
    const struct json *j = request_json(r);

    if (j == NULL) {
        return;
    }
    r->user = p;
    p->test = true;
    p->m = (struct message){
        .kind = MESSAGE_TEXT, .prio = PRIO_HIGH, .text = json_get_str(j, "message")};
    if (!user_phone_parse(r->a, json_get_str(j, "to"), &p->m.phone)) {
        refuse(r, "to", "to is \"%.*s\"; it is an international number such as +12025550117",
               str_slice(json_get_str(j, "to"), 0, 40));
        return;
    }
    if (json_get(j, "message") != NULL && json_kind(json_get(j, "message")) != JSON_STRING) {
        refuse(r, "message", "message is not a text%.*s", STR(""));
        return;
    }
    if (p->m.text.n == 0) {
        p->m.text = arena_printf(r->a, "A test message from %.*s by crewline.",
                                 STR_ARG(r->who.tenant->conf->name));
    }
    TEMPLATE_SET(r->a, &p->m, TEMPLATE_TEST, r->who.tenant->conf->name);
    if (judge_shape(r, p)) {
        begin(r);
    }
}

struct str stranger_id(struct request *r, struct str phone)
{
    return arena_printf(r->a, "~%.*s",
                        STR_ARG(vault_hash_arena(r->who.tenant->vault, r->a, "phone", phone)));
}
