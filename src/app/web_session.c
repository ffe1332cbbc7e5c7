/* web_session: whose browser it is. */
#include "base/text.h"
#include "domain/user_store.h"
#include "web.h"

#define SECRET_BYTES 32

struct finding { /* in the request's arena */
    struct engine_tenant *et;
    struct str secret;
    handler_fn *next;
    void *user; /* of the handler */
};

static struct str key_of(struct request *r, const struct tenant *t, struct str secret)
{
    return arena_printf(r->a, "ss:%.*s",
                        STR_ARG(vault_hash_arena(t->vault, r->a, "session", secret)));
}

void session_make(struct request *r, const struct tenant *t, struct str *secret, struct str *key)
{
    uint8_t bytes[SECRET_BYTES];
    struct buf text;

    random_bytes(bytes, sizeof(bytes));
    buf_init(&text, 256);
    buf_addf(&text, "%.*s.", STR_ARG(t->id));
    base64url_add(&text, str_make(bytes, sizeof(bytes)));
    *secret = arena_dup(r->a, buf_str(&text));
    *key = key_of(r, t, *secret);
    buf_fini(&text);
}

bool session_is(struct request *r, struct engine_tenant *et, struct str secret, struct str person,
                const struct reply *version, const struct reply *body)
{
    const struct doc doc = {reply_int(version), reply_str(body)};
    const struct tenant *t = engine_tenant(et);
    struct web_session *s = ARENA_NEW(r->a, struct web_session);
    struct err err = {0};

    s->user = ARENA_NEW(r->a, struct user);
    person = arena_dup(r->a, person);
    if (doc.version == 0 || !user_open(t, r->a, person, &doc, s->user, &err) || s->user->removed) {
        return false;
    }
    s->secret = secret;
    s->key = key_of(r, t, secret);
    r->session = s;
    r->who = (struct identity){.et = et,
                               .tenant = t,
                               .key_id = STR(""),
                               .key_name = arena_printf(r->a, "person %.*s", STR_ARG(person))};
    return true;
}

static void on_found(void *ctx, const struct err *err, const struct reply *reply)
{
    struct finding *f;
    struct request *r;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    f = r->user;
    r->user = f->user;
    if (reply_len(reply) == 3) {
        session_is(r, f->et, f->secret, reply_str(reply_at(reply, 0)), reply_at(reply, 1),
                   reply_at(reply, 2));
    }
    f->next(r);
}

void session_find(struct request *r, handler_fn *next)
{
    struct str secret = web_cookie(r, SESSION_COOKIE), tenant, rest;
    struct finding *f = ARENA_NEW(r->a, struct finding);
    const struct tenant *t;
    struct call call;

    r->session = NULL;
    if (!str_cut(secret, '.', &tenant, &rest) || secret.n > 200 ||
        (f->et = engine_tenant_find(r->e, tenant)) == NULL) {
        next(r);
        return;
    }
    t = engine_tenant(f->et);
    f->secret = arena_dup(r->a, secret);
    f->next = next;
    f->user = r->user;
    r->user = f;
    call_init_script(&call, "session", arena_printf(r->a, "{%.*s}:", STR_ARG(t->id)));
    call_str(&call, key_of(r, t, secret));
    call_int(&call, SESSION_IDLE_MS);
    call_int(&call, SESSION_MOST_MS);
    r->pending = store_run(engine_store(r->e), &call, on_found, r);
}
