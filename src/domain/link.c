#include "domain/link.h"

#include "base/mem.h"
#include "base/text.h"
#include "domain/user_store.h"

struct parts {
    struct str tenant, until, person, mac;
};

static bool split(struct str token, struct parts *out)
{
    struct str rest;

    return str_cut(token, '.', &out->tenant, &rest) && str_cut(rest, '.', &out->until, &rest) &&
           str_cut(rest, '.', &out->person, &out->mac) && out->mac.n == VAULT_HASH_CHARS;
}

static struct str mac_of(struct arena *a, const struct tenant *t, const char *purpose,
                         struct str person, int64_t until_ms)
{
    return vault_hash_arena(
        t->vault, a, "link",
        arena_printf(a, "%s|%.*s|%lld", purpose, STR_ARG(person), (long long)until_ms));
}

struct str link_token(struct arena *a, const struct tenant *t, const char *purpose,
                      struct str person, struct wall until)
{
    struct str mac = mac_of(a, t, purpose, person, until.ms), out;
    struct buf name;

    buf_init(&name, 1024);
    base64url_add(&name, person);
    out = arena_printf(a, "%.*s.%lld.%.*s.%.*s", STR_ARG(t->id), (long long)until.ms,
                       STR_ARG(buf_str(&name)), STR_ARG(mac));
    buf_fini(&name);
    return out;
}

struct str link_tenant(struct str token)
{
    struct parts p;

    return split(token, &p) ? p.tenant : STR_NONE;
}

/* Each byte is looked at, whatever the ones before it were. */
static bool same(struct str x, struct str y)
{
    unsigned char differs = 0;

    for (size_t i = 0; x.n == y.n && i < x.n; i++) {
        differs |= (unsigned char)(x.p[i] ^ y.p[i]);
    }
    return x.n == y.n && differs == 0;
}

bool link_open(struct arena *a, const struct tenant *t, const char *purpose, struct str token,
               struct wall now, struct link *out, struct err *err)
{
    struct parts p;
    struct buf name;
    bool ok;

    buf_init(&name, 1024);
    ok = split(token, &p) && str_eq(p.tenant, t->id) &&
         str_to_i64(p.until, 1, INT64_MAX, &out->until.ms) && base64_decode(&name, p.person) &&
         user_id_ok(buf_str(&name)) &&
         same(p.mac, mac_of(a, t, purpose, buf_str(&name), out->until.ms));
    out->person = arena_dup(a, buf_str(&name));
    buf_fini(&name);
    if (!ok) {
        return err_set(err, ERR_FORBIDDEN, "this is no link of ours");
    }
    return out->until.ms > now.ms ||
           err_set(err, ERR_FORBIDDEN, "this link is over: ask for a new one");
}

struct str link_used_key(struct arena *a, struct str token)
{
    struct parts p = {.mac = STR_NONE};

    split(token, &p);
    return arena_printf(a, "lk:%.*s", STR_ARG(p.mac));
}
