/*
 * outbox_content: Twilio has no inline buttons. A Content resource of the message's shape carries them; it is
 * looked up in memory, then in Redis (tw:<sender>, shape -> sid), then made. Where it cannot be made the
 * options are numbered in the text, and their payloads kept so that a number counts as the tap.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/conversation.h"
#include "domain/i18n.h"
#include "domain/user_store.h"
#include "outbox_int.h"

static void use_sid(struct attempt *at, struct str sid)
{
    at->m.template_.content_sid = sid;
    outbox_send(at);
}

static void on_options_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    (void)outcome;
    at->pending = NULL;
    if (err != NULL) {
        log_warn("numbered options not kept: a number will not count as a tap", LF_STR("message", at->m.id),
                 LF_Z("reason", err->msg));
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

    buf_init(&options, 64 * 1024);
    conversation_options_encode(&at->m, wall_now(), &options);
    commit_hset(c, key, STR("op"), job_seal(et, at->a, key, "op", buf_str(&options)));
    buf_fini(&options);
    twilio_numbered_text(at->a, &at->m, I18N(at->a, l, et->t.conf->timezone, "reply.options", ARG_N("n", (int64_t)at->m.noptions)),
                         &at->m.text);
    at->m.kind = MESSAGE_TEXT;
    at->m.noptions = 0;
    at->pending = commit_run(et->e->store, &c, on_options_kept, at);
}

static void on_sid_kept(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);

    (void)err; /* not kept: it is made once more one day, which costs a request and harms nobody */
    (void)outcome;
    at->pending = NULL;
    use_sid(at, str_of(map_get(at->ob->content_sids, at->content_key)));
}

static void remember(struct outbox *ob, struct str key, struct str sid)
{
    void *old = map_get(ob->content_sids, key);

    map_put(ob->content_sids, key, mem_dupz(sid));
    mem_free(&old);
}

static void on_made(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct commit *c;
    struct str sid;

    at->pending = NULL;
    if (err != NULL || !twilio_content_sid(at->a, answer->status, answer->body, &sid)) {
        log_warn("content resource not made, numbering the options instead", LF_STR("sender", at->ob->sender->id),
                 LF_INT("status", err != NULL ? 0 : answer->status));
        numbered(at);
        return;
    }
    remember(at->ob, at->content_key, sid);
    c = commit_new(at->ob->et->t.id);
    commit_hset(c, arena_printf(at->a, "tw:%.*s", STR_ARG(at->ob->sender->id)), at->content_key, sid);
    at->pending = commit_run(at->ob->et->e->store, &c, on_sid_kept, at);
}

static void on_sid_read(void *ctx, const struct err *err, const struct reply *reply)
{
    struct attempt *at = obj_check(ctx, ATTEMPT_MAGIC);
    struct outgoing out = {0};
    struct http_call call;

    at->pending = NULL;
    if (err == NULL && reply_str(reply).n > 0) {
        remember(at->ob, at->content_key, reply_str(reply));
        use_sid(at, arena_dup(at->a, reply_str(reply)));
        return;
    }
    twilio_content_build(at->a, at->ob->sender, &at->m, &out);
    call = (struct http_call){.method = out.method,
                              .url = out.url,
                              .headers = out.headers,
                              .nheaders = out.nheaders,
                              .basic_user = out.basic_user,
                              .basic_password = out.basic_password,
                              .body = out.body,
                              .timeout_ms = 5000};
    at->pending = http_call_start(at->ob->et->e->http, &call, on_made, at);
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
    buf_init(&key, 256);
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
    call_str(&call, arena_printf(at->a, "{%.*s}:tw:%.*s", STR_ARG(at->ob->et->t.id), STR_ARG(at->ob->sender->id)));
    call_str(&call, at->content_key);
    at->pending = store_run(at->ob->et->e->store, &call, on_sid_read, at);
}
