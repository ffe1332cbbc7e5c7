#include "domain/vault.h"

#include "base/mem.h"
#include "base/text.h"

struct vault {
    struct sealer *sealer;
    char *tenant;
    size_t tenant_n;
    struct hmac_key index_key;
    struct hmac_key mac_key;
};

#define WRAP_RECORD STR("vk")
#define AAD_USUAL   256

static void aad_add(struct buf *aad, struct str tenant, struct str record, const char *field)
{
    buf_add(aad, tenant);
    buf_add_char(aad, '|');
    buf_add(aad, record);
    buf_add_char(aad, '|');
    buf_addz(aad, field);
}

static void wrap(const uint8_t master[32], struct str tenant, struct str key, struct buf *wrapped)
{
    struct sealer *s = sealer_new(master);
    struct buf aad;

    buf_init(&aad, 1024);
    aad_add(&aad, tenant, WRAP_RECORD, "b");
    seal(s, buf_str(&aad), key, wrapped);
    buf_fini(&aad);
    sealer_free(&s);
}

void vault_key_make(const uint8_t master[32], struct str tenant, struct buf *wrapped)
{
    uint8_t key[SEAL_KEY_BYTES];

    random_bytes(key, sizeof(key));
    wrap(master, tenant, str_make(key, sizeof(key)), wrapped);
    mem_wipe(key, sizeof(key));
}

static bool unwrap(const uint8_t master[32], struct str tenant, struct str wrapped, struct buf *key,
                   struct err *err)
{
    struct sealer *s = sealer_new(master);
    struct buf aad;
    bool ok;

    buf_init(&aad, 1024);
    aad_add(&aad, tenant, WRAP_RECORD, "b");
    ok = unseal(s, buf_str(&aad), wrapped, key, err);
    buf_fini(&aad);
    sealer_free(&s);
    return ok && key->n == SEAL_KEY_BYTES;
}

bool vault_key_rewrap(const uint8_t master[32], const uint8_t *previous, struct str tenant,
                      struct str wrapped, struct buf *out)
{
    struct buf key;
    bool old;

    buf_init(&key, 64);
    old = !unwrap(master, tenant, wrapped, &key, NULL);
    buf_reset(&key);
    old = old && previous != NULL && unwrap(previous, tenant, wrapped, &key, NULL);
    if (old) {
        wrap(master, tenant, buf_str(&key), out);
    }
    if (key.n > 0) {
        mem_wipe(key.p, key.n);
    }
    buf_fini(&key);
    return old;
}

bool vault_new(const uint8_t master[32], const uint8_t *previous, struct str tenant,
               struct str wrapped, struct vault **out, struct err *err)
{
    uint8_t index_key[SHA256_BYTES], mac_key[SHA256_BYTES];
    struct vault *v;
    struct buf key;

    buf_init(&key, 64);
    if (!unwrap(master, tenant, wrapped, &key, err)) {
        buf_reset(&key);
        if (previous == NULL || !unwrap(previous, tenant, wrapped, &key, err)) {
            buf_fini(&key);
            return err_set(
                err, ERR_DAMAGED,
                "the master key does not open the data of tenant \"%.*s\": give the key it was "
                "stored with as CREWLINE_MASTER_KEY or CREWLINE_MASTER_KEY_PREVIOUS",
                STR_ARG(tenant));
        }
    }
    v = MEM_NEW(struct vault);
    v->tenant = mem_dupz(tenant);
    v->tenant_n = tenant.n;
    v->sealer = sealer_new((const uint8_t *)key.p);
    hmac_sha256(buf_str(&key), STR("crewline index"), index_key);
    hmac_key_init(&v->index_key, str_make(index_key, sizeof(index_key)));
    mem_wipe(index_key, sizeof(index_key));
    hmac_sha256(buf_str(&key), STR("crewline mac"), mac_key);
    hmac_key_init(&v->mac_key, str_make(mac_key, sizeof(mac_key)));
    mem_wipe(mac_key, sizeof(mac_key));
    mem_wipe(key.p, key.n);
    buf_fini(&key);
    *out = v;
    return true;
}

void vault_free(struct vault **owner)
{
    struct vault *v = *owner;

    if (v == NULL) {
        return;
    }
    sealer_free(&v->sealer);
    mem_free(&v->tenant);
    mem_wipe(v, sizeof(*v));
    mem_free(owner);
}

/*
 * The AAD of a record. Nearly every one is short: then it lies in @space, and no heap is needed on
 * a path that runs for each record; @more is the caller's to free all the same.
 */
static struct str aad_of(const struct vault *v, struct str record, const char *field,
                         char space[AAD_USUAL], struct buf *more)
{
    size_t field_n = strlen(field), n = v->tenant_n;

    buf_init(more, 64 * 1024);
    if (v->tenant_n + record.n + field_n + 2 > AAD_USUAL) {
        aad_add(more, str_make(v->tenant, v->tenant_n), record, field);
        return buf_str(more);
    }
    memcpy(space, v->tenant, v->tenant_n);
    space[n++] = '|';
    memcpy(space + n, record.p, record.n);
    n += record.n;
    space[n++] = '|';
    memcpy(space + n, field, field_n);
    return str_make(space, n + field_n);
}

void vault_seal(struct vault *v, struct str record, const char *field, struct str text,
                struct buf *out)
{
    char space[AAD_USUAL];
    struct buf more;

    seal(v->sealer, aad_of(v, record, field, space, &more), text, out);
    buf_fini(&more);
}

bool vault_open(struct vault *v, struct str record, const char *field, struct str sealed,
                struct buf *out, struct err *err)
{
    char space[AAD_USUAL];
    struct buf more;
    bool ok = unseal(v->sealer, aad_of(v, record, field, space, &more), sealed, out, err);

    buf_fini(&more);
    return ok || err_wrap(err, "record %.*s", STR_ARG(record));
}

bool vault_open_arena(struct vault *v, struct arena *a, struct str record, const char *field,
                      struct str sealed, struct str *out, struct err *err)
{
    struct buf text;
    bool ok;

    buf_init(&text, sealed.n + 1);
    ok = vault_open(v, record, field, sealed, &text, err);
    if (ok) {
        *out = arena_dup(a, buf_str(&text));
        mem_wipe(text.p, text.n);
    }
    buf_fini(&text);
    return ok;
}

void vault_hash(const struct vault *v, const char *what, struct str text,
                char out[VAULT_HASH_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct hasher h;
    uint8_t mac[SHA256_BYTES];

    hasher_init_keyed(&h, &v->index_key);
    hasher_add(&h, str_of(what));
    hasher_add(&h, STR("|"));
    hasher_add(&h, text);
    hasher_done(&h, mac);
    for (size_t i = 0; i < VAULT_HASH_CHARS / 2; i++) {
        out[2 * i] = digits[mac[i] >> 4];
        out[2 * i + 1] = digits[mac[i] & 15];
    }
    out[VAULT_HASH_CHARS] = '\0';
}

struct str vault_hash_arena(const struct vault *v, struct arena *a, const char *what,
                            struct str text)
{
    char out[VAULT_HASH_CHARS + 1];

    vault_hash(v, what, text, out);
    return arena_dup(a, str_make(out, VAULT_HASH_CHARS));
}

const struct hmac_key *vault_mac_key(const struct vault *v)
{
    return &v->mac_key;
}
