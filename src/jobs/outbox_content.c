/*
 * outbox_content: Twilio has no inline buttons. A Content resource of the message's shape carries
 * them; it is looked up in memory, then in Redis (tw:<sender>, shape -> sid), then made,
 * by one attempt at a time (tm:<sender>:<hash of the shape>): others wait for it. Where it cannot
 * be made the options are numbered in the text, and their payloads kept so that a number counts as
 * the tap. What is kept is kept under the lease: who lost it does not send.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/conversation.h"
#include "domain/i18n.h"
#include "domain/talk.h"
#include "domain/user_store.h"
#include "outbox_int.h"

#define SIDS_MAX          1000 /* in memory; shapes are few, unless catalogues change for years */
#define MAKE_MS           5000
#define TURN_MS           7000 /* a turn that ended with its gateway: longer than a request takes */
#define WAIT_MS           200
#define OPTIONS_BYTES_MAX (64 * 1024)

static void forget_all(struct outbox *ob)
{
    struct str key;
    void *sid;

    for (size_t it = 0; map_next(ob->content_sids, &it, &key, &sid);) {
        mem_free(&sid);
    }
    map_free(&ob->content_sids);
    ob->content_sids = map_new();
}

static void remember(struct outbox *ob, struct str key, struct str sid)
{
    void *old;

    if (map_len(ob->content_sids) >= SIDS_MAX) {
        forget_all(ob);
    }
    old = map_get(ob->content_sids, key);
    map_put(ob->content_sids, key, mem_dupz(sid));
    mem_free(&old);
}

void outbox_content_forget(struct attempt *at)
{
    const char *known = map_get(at->ob->content_sids, at->content_key);
    void *old;

    if (known != NULL && !str_eqz(at->m.template_.content_sid, known)) {
        return; /* another attempt was told first, and has made a new one */
    }
    old = map_del(at->ob->content_sids, at->content_key);
    mem_free(&old);
    at->forget = true;
}

static void use_sid(struct attempt *at, struct str sid)
{
    at->m.template_.content_sid = sid;
    outbox_send(at);
}

static void end_turn(struct attempt *at, struct commit *c)
{
    if (at->content_turn.n > 0) {
        commit_delete(c, at->content_turn);
        at->content_turn = STR_NONE;
    }
}

/* ---- numbered options ---- */

static void on_options_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        attempt_free(at);
        return;
    }
    if (err == NULL && outcome->result == COMMIT_CONFLICT) {
        attempt_end(at, THEN_DROP, 0); /* the message is gone, with its person */
        return;
    }
    if (err != NULL) {
        log_warn("numbered options not kept: a number will not count as a tap",
                 LF_STR("message", at->m.id), LF_Z("reason", err->msg));
    }
    outbox_send(at);
}

static void numbered(struct attempt *at)
{
    struct engine_tenant *et = at->ob->et;
    struct str key = conversation_key(at->a, at->m.user);
    struct commit *c = commit_new(et->t.id);
    const struct lang *l = i18n_lang(et->t.i18n, at->m.lang, et->t.conf->default_language);
    struct buf options;

    lane_check_lease(c, at->item);
    commit_check_version(c, arena_printf(at->a, "m:%.*s", STR_ARG(at->m.id)), 1);
    end_turn(at, c);
    buf_init(&options, OPTIONS_BYTES_MAX);
    conversation_options_encode(&at->m, wall_now(), &options);
    commit_hset(c, key, STR("op"), job_seal(et, at->a, key, "op", buf_str(&options)));
    commit_hset(c, key, STR("om"), conversation_options_matter(at->a, &at->m));
    commit_hset(c, key, STR("oo"), talk_options_orders(at->a, &at->m));
    buf_fini(&options);
    twilio_numbered_text(
        at->a, &at->m,
        I18N(at->a, l, et->t.conf->timezone, "reply.options", ARG_N("n", (int64_t)at->m.noptions)),
        &at->m.text);
    at->m.kind = MESSAGE_TEXT;
    at->m.noptions = 0;
    at->pending = commit_run(et->e->store, &c, on_options_kept, at);
}

/* ---- a Content resource ---- */

static void on_sid_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err == NULL && outcome->result == COMMIT_FENCED) {
        metric_add(METRIC_FENCED, 1);
        attempt_free(at);
        return;
    }
    /* Not kept: it is made once more one day, which costs a request and harms nobody. */
    outbox_send(at);
}

static void on_made(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct commit *c;
    struct str sid;

    at->pending = NULL;
    if (err != NULL || !twilio_content_sid(at->a, answer->status, answer->body, &sid)) {
        log_warn("content resource not made, numbering the options instead",
                 LF_STR("sender", at->ob->sender->id),
                 LF_INT("status", err != NULL ? 0 : answer->status));
        numbered(at);
        return;
    }
    remember(at->ob, at->content_key, sid);
    at->m.template_.content_sid = sid;
    c = commit_new(at->ob->et->t.id);
    lane_check_lease(c, at->item);
    commit_hset(c, arena_printf(at->a, "tw:%.*s", STR_ARG(at->ob->sender->id)), at->content_key,
                sid);
    end_turn(at, c);
    at->pending = commit_run(at->ob->et->e->store, &c, on_sid_kept, at);
}

static void make(struct attempt *at)
{
    struct outgoing out = {0};
    struct http_call call;

    twilio_content_build(at->a, at->ob->sender, &at->m, &out);
    call = outgoing_call(&out, 0, MAKE_MS);
    at->pending = http_call_start(at->ob->et->e->http, &call, on_made, at);
}

static void on_turn(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err == NULL && reply_str(reply).n == 0) { /* somebody makes it just now */
        at->o = (struct outcome){.cls = OUTCOME_NOT_SENT};
        at->content_turn = STR_NONE;
        attempt_end(at, THEN_LATER, WAIT_MS);
        return;
    }
    make(at);
}

/* A round trip of its own, for once in the life of a shape. */
static void take_turn(struct attempt *at)
{
    struct engine_tenant *et = at->ob->et;
    struct call call;

    at->content_turn =
        arena_printf(at->a, "tm:%.*s:%.*s", STR_ARG(at->ob->sender->id),
                     STR_ARG(vault_hash_arena(et->t.vault, at->a, "content", at->content_key)));
    call_init(&call);
    call_str(&call, STR("SET"));
    call_str(&call,
             arena_printf(at->a, "{%.*s}:%.*s", STR_ARG(et->t.id), STR_ARG(at->content_turn)));
    call_str(&call, at->m.id);
    call_str(&call, STR("NX"));
    call_str(&call, STR("PX"));
    call_int(&call, TURN_MS);
    at->pending = store_run(et->e->store, &call, on_turn, at);
}

static void on_sid_read(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    at->pending = NULL;
    if (err == NULL && reply_str(reply).n > 0) {
        remember(at->ob, at->content_key, reply_str(reply));
        use_sid(at, arena_dup(at->a, reply_str(reply)));
        return;
    }
    take_turn(at);
}

void outbox_content(struct attempt *at)
{
    const char *known;
    struct buf key;
    struct call call;

    if (!twilio_content_needed(at->ob->sender, &at->m)) {
        numbered(at);
        return;
    }
    buf_init(&key, 64 * 1024);
    twilio_content_key(&at->m, &key);
    at->content_key = arena_dup(at->a, buf_str(&key));
    buf_fini(&key);
    known = map_get(at->ob->content_sids, at->content_key);
    if (known != NULL) {
        use_sid(at, arena_dup(at->a, str_of(known)));
        return;
    }
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, arena_printf(at->a, "{%.*s}:tw:%.*s", STR_ARG(at->ob->et->t.id),
                                 STR_ARG(at->ob->sender->id)));
    call_str(&call, at->content_key);
    at->pending = store_run(at->ob->et->e->store, &call, on_sid_read, at);
}
