#include "approvals.h"

#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS 5000

struct account {
    struct str id;
    struct arena *a;
    struct map *states; /* "name|language" -> struct template_state */
    int64_t version;    /* of apv; -1: not read yet */
    int64_t seen;       /* what apv says now */
};

struct approvals {
    struct engine_tenant *et;
    struct timer *timer;
    struct op *pending;
    bool ready;
    size_t at; /* account being read */
    size_t n;
    struct account accounts[];
};

struct str sender_account(const struct sender *s)
{
    return s->provider == PROVIDER_TWILIO ? s->account_sid : s->business_account_id;
}

struct str approval_key(struct arena *a, struct str name, struct str language)
{
    return arena_printf(a, "%.*s|%.*s", STR_ARG(name), STR_ARG(language));
}

struct str approval_words(struct arena *a, struct str key)
{
    struct str name, language;

    str_cut(key, '|', &name, &language);
    return arena_printf(a, "%.*s (%.*s)", STR_ARG(name), STR_ARG(language));
}

static struct account *account_of(const struct engine_tenant *et, struct str id)
{
    struct approvals *ap = et->approvals;

    for (size_t i = 0; ap != NULL && i < ap->n; i++) {
        if (str_eq(ap->accounts[i].id, id)) {
            return &ap->accounts[i];
        }
    }
    return NULL;
}

bool approvals_ready(const struct engine_tenant *et)
{
    return et->approvals != NULL && et->approvals->ready;
}

const struct template_state *approvals_find(const struct engine_tenant *et, struct str account,
                                            struct str name, struct str language)
{
    const struct account *of = account_of(et, account);
    const struct template_state *s;
    struct arena *a;

    if (of == NULL) {
        return NULL;
    }
    a = arena_new();
    s = map_get(of->states, approval_key(a, name, language));
    arena_free(&a);
    return s;
}

const struct template_state *approvals_next(const struct engine_tenant *et, struct str account,
                                            size_t *it, struct str *key)
{
    const struct account *of = account_of(et, account);
    void *s = NULL;

    return of != NULL && map_next(of->states, it, key, &s) ? s : NULL;
}

/* ---- writing ---- */

static void changed(struct commit *c, struct str account)
{
    commit_hincr(c, STR("apv"), account, 1);
}

void approvals_write(struct arena *a, struct commit *c, struct str account, struct str key,
                     const struct template_state *s)
{
    struct buf record;

    buf_init(&record, 64 * 1024);
    template_state_encode(s, &record);
    commit_hset(c, arena_printf(a, "ap:%.*s", STR_ARG(account)), key, buf_str(&record));
    buf_fini(&record);
    changed(c, account);
}

void approvals_erase(struct arena *a, struct commit *c, struct str account, struct str key)
{
    commit_hdel(c, arena_printf(a, "ap:%.*s", STR_ARG(account)), key);
    changed(c, account);
}

static void know(struct account *of, struct str key, const struct template_state *s)
{
    struct template_state *mine = ARENA_NEW(of->a, struct template_state);

    *mine = *s;
    mine->category = arena_dup(of->a, s->category);
    mine->reason = arena_dup(of->a, s->reason);
    mine->id = arena_dup(of->a, s->id);
    mine->hash = arena_dup(of->a, s->hash);
    map_put(of->states, key, mine);
}

void approvals_know(struct engine_tenant *et, struct str account, struct str key,
                    const struct template_state *s)
{
    struct account *of = account_of(et, account);

    if (of != NULL && s != NULL) {
        know(of, key, s);
    } else if (of != NULL) {
        map_del(of->states, key);
    }
}

/* No '|' in the name of an alert. */
static struct str component_of(struct arena *a, struct str key)
{
    struct str name, language;

    str_cut(key, '|', &name, &language);
    return arena_printf(a, "template:%.*s.%.*s", STR_ARG(name), STR_ARG(language));
}

void approvals_tell(struct engine_tenant *et, struct str key, const struct template_state *s)
{
    struct arena *a;

    if (s->status == TEMPLATE_APPROVED || s->status == TEMPLATE_PENDING ||
        s->status == TEMPLATE_UNKNOWN) {
        return;
    }
    a = arena_new();
    alert_raise(et, component_of(a, key), "warning",
                arena_printf(a, "template %.*s is %s%s%.*s", STR_ARG(approval_words(a, key)),
                             template_status_name(s->status), s->reason.n > 0 ? ": " : "",
                             STR_ARG(s->reason)),
                STR("messages go by another language of it or by the generic one meanwhile; see "
                    "/api/v1/templates"));
    arena_free(&a);
}

void approvals_tell_category(struct engine_tenant *et, struct str key, struct str before,
                             struct str after)
{
    struct arena *a = arena_new();

    alert_raise(et, component_of(a, key), "warning",
                arena_printf(a, "the provider moved template %.*s from category %.*s to %.*s",
                             STR_ARG(approval_words(a, key)), STR_ARG(before), STR_ARG(after)),
                STR("MARKETING costs more and does not reach everybody; reword it if that is not "
                    "what it is"));
    arena_free(&a);
}

/* ---- reading ---- */

static void read_next(struct approvals *ap);

static void forget(struct account *of)
{
    map_free(&of->states);
    arena_free(&of->a);
    of->a = arena_new();
    of->states = map_new();
}

static void on_states(void *ctx, const struct err *err, const struct reply *reply)
{
    struct approvals *ap = ctx;
    struct account *of = &ap->accounts[ap->at];
    struct err bad = {0};

    ap->pending = NULL;
    if (err != NULL) {
        timer_start(ap->timer, LOOK_MS / 10);
        return;
    }
    forget(of);
    for (size_t i = 0; i + 1 < reply_len(reply); i += 2) {
        struct template_state s;

        if (template_state_decode(of->a, reply_str(reply_at(reply, i + 1)), &s, &bad)) {
            know(of, reply_str(reply_at(reply, i)), &s);
        } else {
            log_error("state of a template does not open", LF_STR("tenant", ap->et->t.id),
                      LF_STR("template", reply_str(reply_at(reply, i))));
        }
    }
    of->version = of->seen;
    read_next(ap);
}

static void read_next(struct approvals *ap)
{
    struct call call;

    for (ap->at = 0; ap->at < ap->n; ap->at++) {
        struct account *of = &ap->accounts[ap->at];

        if (of->version != of->seen) {
            call_init(&call);
            call_str(&call, STR("HGETALL"));
            call_str(&call,
                     arena_printf(of->a, "{%.*s}:ap:%.*s", STR_ARG(ap->et->t.id), STR_ARG(of->id)));
            ap->pending = store_run(ap->et->e->store, &call, on_states, ap);
            return;
        }
    }
    ap->ready = true;
    timer_start(ap->timer, LOOK_MS);
}

static void on_versions(void *ctx, const struct err *err, const struct reply *reply)
{
    struct approvals *ap = ctx;

    ap->pending = NULL;
    if (err != NULL) {
        timer_start(ap->timer, LOOK_MS / 10);
        return;
    }
    for (size_t i = 0; i < ap->n; i++) {
        ap->accounts[i].seen = reply_int(reply_at(reply, i));
    }
    read_next(ap);
}

static void look(void *ctx)
{
    struct approvals *ap = ctx;
    struct arena *a = arena_new();
    struct call call;

    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, arena_printf(a, "{%.*s}:apv", STR_ARG(ap->et->t.id)));
    for (size_t i = 0; i < ap->n; i++) {
        call_str(&call, ap->accounts[i].id);
    }
    ap->pending = store_run(ap->et->e->store, &call, on_versions, ap);
    arena_free(&a);
}

/* ---- life ---- */

void approvals_start(struct engine_tenant *et)
{
    const struct tenant_settings *conf = et->t.conf;
    struct approvals *ap = mem_new(sizeof(*ap) + conf->nsenders * sizeof(ap->accounts[0]));

    ap->et = et;
    et->approvals = ap;
    ap->timer = timer_new(et->e->loop, look, ap);
    for (size_t i = 0; i < conf->nsenders; i++) {
        struct str id = sender_account(&conf->senders[i]);

        if (id.n > 0 && account_of(et, id) == NULL) {
            ap->accounts[ap->n++] =
                (struct account){.id = id, .a = arena_new(), .states = map_new(), .version = -1};
        }
    }
    if (ap->n == 0) {
        ap->ready = true; /* nothing to know */
    } else {
        look(ap);
    }
}

void approvals_stop(struct engine_tenant *et)
{
    struct approvals *ap = et->approvals;

    if (ap == NULL) {
        return;
    }
    op_cancel(&ap->pending);
    timer_free(&ap->timer);
    for (size_t i = 0; i < ap->n; i++) {
        map_free(&ap->accounts[i].states);
        arena_free(&ap->accounts[i].a);
    }
    mem_free(&et->approvals);
}
