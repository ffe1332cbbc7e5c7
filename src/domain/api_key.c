#include "domain/api_key.h"

#include "base/crypto.h"
#include "base/text.h"

#define SECRET_BYTES 32
#define SECRET_CHARS 43 /* of base64url, without padding */

static const struct {
    unsigned role;
    const char *name;
} roles[] = {
    {KEY_CMMS,   "cmms"  },
    {KEY_ADMIN,  "admin" },
    {KEY_VIEWER, "viewer"}
};

const char *api_key_role_name(unsigned role)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    return "?";
}

bool api_key_role_parse(struct str name, unsigned *out)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (str_eqz(name, roles[i].name)) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

static struct str hash_of(struct arena *a, struct str secret)
{
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    struct str out;

    sha256(secret, digest);
    buf_init(&hex, 2 * SHA256_BYTES + 1);
    hex_add(&hex, str_make(digest, sizeof(digest)));
    out = arena_dup(a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

void api_key_make(struct arena *a, struct str tenant, struct str name, unsigned role,
                  bool broadcast, struct api_key *out, struct buf *secret)
{
    uint8_t random[SECRET_BYTES];
    char id[ID_BYTES];
    size_t from = secret->n;

    id_new(id);
    random_bytes(random, sizeof(random));
    buf_addf(secret, "cw_%.*s_%s_", STR_ARG(tenant), id);
    base64url_add(secret, str_make(random, sizeof(random)));
    *out = (struct api_key){.id = arena_dup(a, str_of(id)),
                            .name = arena_dup(a, name),
                            .role = role,
                            .broadcast = broadcast && role != KEY_VIEWER,
                            .created = wall_now(),
                            .hash = hash_of(a, str_slice(buf_str(secret), from, secret->n))};
}

bool api_key_parse(struct str secret, struct str *tenant, struct str *id)
{
    size_t tail = SECRET_CHARS + 1 + (ID_BYTES - 1) + 1; /* "_<id>_<random>" */

    if (secret.n <= tail + 3 || secret.n > 200 || !str_starts(secret, STR("cw_")) ||
        secret.p[secret.n - tail] != '_' || secret.p[secret.n - SECRET_CHARS - 1] != '_') {
        return false;
    }
    *tenant = str_slice(secret, 3, secret.n - tail);
    *id = str_slice(secret, secret.n - tail + 1, secret.n - SECRET_CHARS - 1);
    return store_tenant_id_ok(*tenant) && id_is(*id);
}

bool api_key_fits(const struct api_key *key, struct str secret)
{
    struct arena *a = arena_new();
    bool ok = str_eq_secret(hash_of(a, secret), key->hash);

    arena_free(&a);
    return ok;
}

void api_key_put(const struct api_key *key, struct commit *c)
{
    struct buf text;
    struct jw w;

    buf_init(&text, 4096);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", key->id);
    jw_str(&w, "name", key->name);
    jw_z(&w, "role", api_key_role_name(key->role));
    jw_bool(&w, "broadcast", key->broadcast);
    jw_int(&w, "created", key->created.ms);
    jw_str(&w, "hash", key->hash);
    jw_close(&w, '}');
    commit_hset(c, STR("ak"), key->id, buf_str(&text));
    buf_fini(&text);
}

void api_key_revoke(struct str id, struct commit *c)
{
    commit_hdel(c, STR("ak"), id);
}

bool api_key_decode(struct arena *a, struct str text, struct api_key *out)
{
    struct json *j;
    bool ok;

    if (text.n == 0 || !json_parse(text, 4096, &j, NULL)) {
        return false;
    }
    *out = (struct api_key){.id = arena_dup(a, json_get_str(j, "id")),
                            .name = arena_dup(a, json_get_str(j, "name")),
                            .broadcast = json_get_bool(j, "broadcast", false),
                            .created = {json_get_int(j, "created", 0)},
                            .hash = arena_dup(a, json_get_str(j, "hash"))};
    ok = api_key_role_parse(json_get_str(j, "role"), &out->role);
    json_free(&j);
    return ok;
}

void api_key_write(const struct api_key *key, struct str secret, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    jw_str(w, "id", key->id);
    jw_z(w, "role", api_key_role_name(key->role));
    jw_str(w, "name", key->name);
    jw_bool(w, "broadcast", key->broadcast);
    jw_wall(w, "created_at", key->created);
    if (secret.n > 0) {
        jw_str(w, "secret", secret);
    }
    jw_close(w, '}');
}
