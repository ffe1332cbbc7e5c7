#include "domain/user_store.h"

#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/broadcast.h"

#define USER_ID_MAX 128

bool user_id_ok(struct str id)
{
    bool ok = id.n > 0 && id.n <= USER_ID_MAX && id.p[0] != '~';

    for (size_t i = 0; ok && i < id.n; i++) {
        ok = (unsigned char)id.p[i] > ' ' && id.p[i] != 0x7f && id.p[i] != '|';
    }
    return ok;
}

struct str user_key(struct arena *a, struct str id)
{
    return arena_printf(a, "u:%.*s", STR_ARG(id));
}

struct str conversation_key(struct arena *a, struct str user_id)
{
    return arena_printf(a, "c:%.*s", STR_ARG(user_id));
}

void user_check(const struct user *u, struct commit *c)
{
    struct arena *a = arena_new();

    commit_check_version(c, user_key(a, u->id), u->version);
    arena_free(&a);
}

static bool has_id(const struct str *ids, size_t n, struct str id)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(ids[i], id)) {
            return true;
        }
    }
    return false;
}

static bool has_team(const struct user *u, struct str team)
{
    return u != NULL && has_id(u->teams, u->nteams, team);
}

static void index_identity(const struct tenant *t, struct arena *a, struct str now,
                           struct str before, struct str id, const char *what, struct commit *c)
{
    if (str_eq(now, before)) {
        return;
    }
    if (before.n > 0) {
        commit_hdel(c, STR("ux"), vault_hash_arena(t->vault, a, what, before));
    }
    if (now.n > 0) {
        commit_hset(c, STR("ux"), vault_hash_arena(t->vault, a, what, now), id);
    }
}

/* Whoever writes from another number has not opened the window of that one yet. */
static void forget_windows(const struct tenant *t, struct arena *a, struct str id, struct commit *c)
{
    for (size_t i = 0; i < t->conf->nsenders; i++) {
        commit_hdel(c, arena_printf(a, "w:%.*s", STR_ARG(t->conf->senders[i].id)), id);
    }
}

/*
 * Whoever has the telephone that he had until now: his browser, and a link that went there, open
 * nothing any more (session.lua, session_link.lua). His id is not told: he may be deleted.
 */
static void end_sessions(struct arena *a, struct str id, struct commit *c)
{
    uint8_t digest[SHA1_BYTES];
    struct hasher h;
    struct buf key;

    hasher_init(&h, HASH_SHA1);
    hasher_add(&h, id);
    hasher_done(&h, digest);
    buf_init(&key, 64);
    buf_addz(&key, "se:");
    hex_add(&key, str_make(digest, sizeof(digest)));
    commit_put_for(c, buf_str(&key), arena_printf(a, "%lld", (long long)wall_now().ms),
                   USER_SESSION_MS);
    buf_fini(&key);
}

static const struct {
    unsigned role;
    const char *key;
} by_role[] = {{ROLE_TECHNICIAN, "ur:technician"},
               {ROLE_SUPERVISOR, "ur:supervisor"},
               {ROLE_ADMIN, "ur:admin"},
               {ROLE_STAKEHOLDER, "ur:stakeholder"}};

static void index_roles(unsigned now, unsigned before, struct str id, struct commit *c)
{
    for (size_t i = 0; i < ARRAY_LEN(by_role); i++) {
        unsigned role = by_role[i].role;

        if ((now & role) != 0 && (before & role) == 0) {
            commit_zadd(c, str_of(by_role[i].key), 0, id);
        } else if ((now & role) == 0 && (before & role) != 0) {
            commit_zrem(c, str_of(by_role[i].key), id);
        }
    }
}

static void index_groups(struct arena *a, const struct user *u, const struct user *before,
                         struct str id, struct commit *c)
{
    for (size_t i = 0; u != NULL && i < u->nteams; i++) {
        if (!has_team(before, u->teams[i])) {
            commit_zadd(c, arena_printf(a, "ut:%.*s", STR_ARG(u->teams[i])), 0, id);
        }
    }
    for (size_t i = 0; before != NULL && i < before->nteams; i++) {
        if (!has_team(u, before->teams[i])) {
            commit_zrem(c, arena_printf(a, "ut:%.*s", STR_ARG(before->teams[i])), id);
        }
    }
    if (before != NULL && before->site.n > 0 && (u == NULL || !str_eq(u->site, before->site))) {
        commit_zrem(c, arena_printf(a, "us:%.*s", STR_ARG(before->site)), id);
    }
    if (u != NULL && u->site.n > 0 && (before == NULL || !str_eq(u->site, before->site))) {
        commit_zadd(c, arena_printf(a, "us:%.*s", STR_ARG(u->site)), 0, id);
    }
}

static void follow_moved(struct arena *a, const char *prefix, const struct str *now, size_t nnow,
                         const struct str *before, size_t nbefore, struct str who, struct commit *c)
{
    for (size_t i = 0; i < nnow; i++) {
        if (!has_id(before, nbefore, now[i])) {
            commit_zadd(c, arena_printf(a, "%s%.*s", prefix, STR_ARG(now[i])), 0, who);
        }
    }
    for (size_t i = 0; i < nbefore; i++) {
        if (!has_id(now, nnow, before[i])) {
            commit_zrem(c, arena_printf(a, "%s%.*s", prefix, STR_ARG(before[i])), who);
        }
    }
}

/* The sites that he follows, and the one that he supervises. */
static size_t follow_sites(const struct user *u, struct str out[USER_FOLLOWS_MAX + 1])
{
    size_t n = u == NULL ? 0 : u->nsites;

    for (size_t i = 0; i < n; i++) {
        out[i] = u->sites[i];
    }
    if (u != NULL && (u->roles & ROLE_SUPERVISOR) != 0 && u->site.n > 0 &&
        !has_id(out, n, u->site)) {
        out[n++] = u->site;
    }
    return n;
}

static void index_follows(struct arena *a, const struct user *u, const struct user *before,
                          struct str id, struct commit *c)
{
    struct str now[USER_FOLLOWS_MAX + 1], was[USER_FOLLOWS_MAX + 1];
    size_t nnow = follow_sites(u, now), nwas = follow_sites(before, was);

    follow_moved(a, "fs:", now, nnow, was, nwas, id, c);
    follow_moved(a, "fa:", u == NULL ? NULL : u->assets, u == NULL ? 0 : u->nassets,
                 before == NULL ? NULL : before->assets, before == NULL ? 0 : before->nassets, id,
                 c);
}

/* What the audience of a broadcast is chosen by, so that choosing opens no documents. */
static void index_audience(const struct user *u, struct commit *c)
{
    struct buf record;

    buf_init(&record, 64 * 1024);
    audience_encode(u, &record);
    commit_hset(c, STR("ua"), u->id, buf_str(&record));
    buf_fini(&record);
}

void user_put(const struct tenant *t, struct arena *a, const struct user *u,
              const struct user *before, struct commit *c)
{
    struct str key = user_key(a, u->id);
    struct buf text, sealed, teams;
    static const struct str none = {NULL, 0};

    buf_init(&text, 256 * 1024);
    buf_init(&sealed, 300 * 1024);
    buf_init(&teams, 64 * 1024);
    user_encode(u, &text);
    vault_seal(t->vault, key, "b", buf_str(&text), &sealed);
    commit_doc(c, key, u->version + 1, buf_str(&sealed));
    /* Plain beside the sealed body: what person.lua needs to find his teams' and his site's orders.
     */
    for (size_t i = 0; i < u->nteams; i++) {
        buf_add(&teams, u->teams[i]);
        buf_add_char(&teams, '\n');
    }
    commit_doc_field(c, "te", buf_str(&teams));
    commit_doc_field(c, "si", (u->roles & ROLE_SUPERVISOR) != 0 ? u->site : none);
    commit_doc_field(c, "su", u->supervisor);
    index_identity(t, a, u->phone, before == NULL ? none : before->phone, u->id, "phone", c);
    index_identity(t, a, u->bsuid, before == NULL ? none : before->bsuid, u->id, "bsuid", c);
    if (before == NULL) {
        commit_zadd(c, STR("ul"), 0, u->id);
    } else if (!str_eq(u->phone, before->phone)) {
        forget_windows(t, a, u->id, c);
        end_sessions(a, u->id, c);
    }
    index_groups(a, u, before, u->id, c);
    index_roles(u->roles, before != NULL ? before->roles : 0, u->id, c);
    index_follows(a, u, before, u->id, c);
    index_audience(u, c);
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    buf_fini(&sealed);
    buf_fini(&teams);
}

void user_delete(const struct tenant *t, struct arena *a, const struct user *u, struct commit *c)
{
    static const struct str none = {NULL, 0};

    commit_delete(c, user_key(a, u->id));
    commit_delete(c, conversation_key(a, u->id));
    commit_delete(c, arena_printf(a, "oa:%.*s", STR_ARG(u->id)));
    commit_delete(c, arena_printf(a, "oc:%.*s", STR_ARG(u->id)));
    forget_windows(t, a, u->id, c);
    end_sessions(a, u->id, c);
    for (size_t i = 0; i < t->conf->nsenders; i++) {
        commit_hdel(c,
                    arena_printf(a, "pr:" QUEUE_OUT_PREFIX "%.*s", STR_ARG(t->conf->senders[i].id)),
                    u->id);
    }
    index_identity(t, a, none, u->phone, u->id, "phone", c);
    index_identity(t, a, none, u->bsuid, u->id, "bsuid", c);
    commit_zrem(c, STR("ul"), u->id);
    commit_hdel(c, STR("ua"), u->id);
    commit_hdel(c, STR("bq"), arena_printf(a, "%.*s|s", STR_ARG(u->id)));
    commit_hdel(c, STR("bq"), arena_printf(a, "%.*s|a", STR_ARG(u->id)));
    commit_hdel(c, STR("bq"), arena_printf(a, "%.*s|y", STR_ARG(u->id)));
    index_groups(a, NULL, u, u->id, c);
    index_roles(0, u->roles, u->id, c);
    index_follows(a, NULL, u, u->id, c);
}

bool user_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
               struct user *out, struct err *err)
{
    struct str text;

    return vault_open_arena(t->vault, a, user_key(a, id), "b", doc->body, &text, err) &&
           user_decode(a, text, doc->version, out, err);
}

struct ids_op {
    struct op op;
    struct op *pending;
    user_ids_fn *on_done;
    void *ctx;
};

static void ids_cancel(struct op *op)
{
    struct ids_op *o = LIST_OF(op, struct ids_op, op);

    op_cancel(&o->pending);
    mem_free(&o);
}

static void on_ids(void *ctx, const struct err *err, const struct reply *reply)
{
    struct ids_op *o = ctx;
    size_t n = err == NULL ? reply_len(reply) : 0;
    struct str *ids = mem_array(n + 1, sizeof(*ids));

    o->pending = NULL;
    for (size_t i = 0; i < n; i++) {
        ids[i] = reply_str(reply_at(reply, i));
    }
    o->on_done(o->ctx, err, ids, n);
    mem_free(&ids);
    mem_free(&o);
}

struct op *user_ids(struct store *s, const struct tenant *t, struct str after, size_t limit,
                    user_ids_fn *on_done, void *ctx)
{
    struct ids_op *o = MEM_NEW(struct ids_op);
    struct buf key, from;
    struct call call;

    o->op.cancel = ids_cancel;
    o->on_done = on_done;
    o->ctx = ctx;
    buf_init(&key, 256);
    buf_init(&from, 1024);
    buf_addf(&key, "{%.*s}:ul", STR_ARG(t->id));
    buf_addf(&from, after.n == 0 ? "-" : "(%.*s", STR_ARG(after));
    call_init(&call);
    call_str(&call, STR("ZRANGEBYLEX"));
    call_str(&call, buf_str(&key));
    call_str(&call, buf_str(&from));
    call_str(&call, STR("+"));
    call_str(&call, STR("LIMIT"));
    call_int(&call, 0);
    call_int(&call, (int64_t)limit);
    o->pending = store_run(s, &call, on_ids, o);
    buf_fini(&key);
    buf_fini(&from);
    return &o->op;
}
