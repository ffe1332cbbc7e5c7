#include "domain/evidence.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

#define EXPORT_BYTES_MAX ((size_t)256 << 20)
#define ITEM_BYTES_MAX   ((size_t)1 << 20)

static void hex_of(const uint8_t *bytes, size_t n, struct buf *out)
{
    hex_add(out, str_make(bytes, n));
}

/* ---- in the store ---- */

static void entry_digest(const struct tenant *t, struct str key, struct str entry, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    struct hasher h;

    hasher_init_keyed(&h, vault_mac_key(t->vault));
    hasher_add(&h, STR("entry|"));
    hasher_add(&h, key);
    hasher_add(&h, STR("|"));
    hasher_add(&h, entry);
    hasher_done(&h, mac);
    hex_of(mac, sizeof(mac), out);
}

void evidence_entry_seal(const struct tenant *t, struct str key, struct str entry, struct buf *out)
{
    entry_digest(t, key, entry, out);
    vault_seal(t->vault, key, "e", entry, out);
}

/* As the commit makes it: src/store/lua/commit/units.lua, 'chain'. */
static struct str make_link(struct arena *a, struct str before, int64_t n, struct str digest)
{
    struct str text =
        arena_printf(a, "%.*s|%lld|%.*s", STR_ARG(before), (long long)n, STR_ARG(digest));
    uint8_t sum[SHA1_BYTES];
    struct hasher h;
    struct buf hex;
    struct str out;

    hasher_init(&h, HASH_SHA1);
    hasher_add(&h, text);
    hasher_done(&h, sum);
    buf_init(&hex, EVIDENCE_LINK);
    hex_of(sum, sizeof(sum), &hex);
    out = arena_dup(a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

static bool fits(const struct tenant *t, struct arena *a, struct str key, int64_t n,
                 struct str link, const struct evidence_chain *chain, struct str entry)
{
    struct str before = chain->begun ? chain->link : STR("");
    struct buf digest;
    bool ok;

    if (!chain->begun && n > 1) {
        return true; /* the one before it is not kept any more */
    }
    buf_init(&digest, EVIDENCE_HASH);
    entry_digest(t, key, entry, &digest);
    ok = n == chain->n + 1 && str_eq(link, make_link(a, before, n, buf_str(&digest)));
    buf_fini(&digest);
    return ok;
}

bool evidence_entry_open(const struct tenant *t, struct arena *a, struct str key, struct str stored,
                         struct evidence_chain *chain, struct str *entry, struct err *err)
{
    struct str number, rest, link, sealed;
    int64_t n;
    bool ok;

    *entry = STR_NONE;
    if (!str_cut(stored, '|', &number, &rest) || !str_to_i64(number, 1, INT64_MAX, &n) ||
        !str_cut(rest, '|', &link, &sealed) || link.n != EVIDENCE_LINK) {
        /* Of before there was a chain; among chained ones it was put in. */
        if (chain != NULL) {
            chain->broken = chain->broken || chain->begun;
        }
        return vault_open_arena(t->vault, a, key, "e", stored, entry, err);
    }
    ok = vault_open_arena(t->vault, a, key, "e", sealed, entry, err);
    if (chain != NULL) {
        chain->broken = chain->broken || !ok || !fits(t, a, key, n, link, chain, *entry);
        chain->begun = true;
        chain->n = n;
        chain->link = arena_dup(a, link);
    }
    return ok;
}

/* ---- exported ---- */

static void sum(char out[EVIDENCE_HASH + 1], struct str before, struct str text)
{
    uint8_t digest[SHA256_BYTES];
    struct hasher h;
    struct buf hex;

    hasher_init(&h, HASH_SHA256);
    if (before.n > 0) {
        hasher_add(&h, before);
        hasher_add(&h, STR("\n"));
    }
    hasher_add(&h, text);
    hasher_done(&h, digest);
    buf_init(&hex, EVIDENCE_HASH);
    hex_of(digest, sizeof(digest), &hex);
    memcpy(out, hex.p, EVIDENCE_HASH + 1);
    buf_fini(&hex);
}

static void write_head(struct jw *w, struct str tenant, struct str order, struct str at)
{
    jw_z(w, "format", EVIDENCE_FORMAT);
    jw_str(w, "tenant", tenant);
    jw_str(w, "work_order", order);
    jw_str(w, "exported_at", at);
}

static void hash_head(char out[EVIDENCE_HASH + 1], struct str tenant, struct str order,
                      struct str at)
{
    struct buf text;
    struct jw w;

    buf_init(&text, 64 * 1024);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    write_head(&w, tenant, order, at);
    jw_close(&w, '}');
    sum(out, STR_NONE, buf_str(&text));
    buf_fini(&text);
}

void evidence_begin(struct evidence *e, struct str tenant, struct str order, struct wall at,
                    struct buf *out)
{
    char time[WALL_TEXT_BYTES];
    struct jw w;

    wall_format(at, time);
    *e = (struct evidence){0};
    hash_head(e->hash, tenant, order, str_of(time));
    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    write_head(&w, tenant, order, str_of(time));
    buf_addz(out, ",\"items\":[");
}

void evidence_item(struct evidence *e, struct str item, struct buf *out)
{
    struct json *j = NULL;
    struct buf text;

    /* Read and written again, so that whoever reads it later writes the same. */
    buf_init(&text, ITEM_BYTES_MAX);
    if (json_parse(item, ITEM_BYTES_MAX, &j, NULL)) {
        json_dump(j, &text);
    } else {
        buf_addz(&text, "{\"damaged\":true}");
    }
    json_free(&j);
    sum(e->hash, str_of(e->hash), buf_str(&text));
    buf_addf(out, "%s{\"n\":%lld,\"entry\":", e->n > 0 ? "," : "", (long long)e->n + 1);
    buf_add(out, buf_str(&text));
    buf_addf(out, ",\"hash\":\"%s\"}", e->hash);
    e->n++;
    buf_fini(&text);
}

static void seal_of(const struct tenant *t, struct str head, bool stored_broken, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    struct hasher h;

    hasher_init_keyed(&h, vault_mac_key(t->vault));
    hasher_add(&h, STR("evidence|"));
    hasher_add(&h, head); /* which covers the order and the time */
    hasher_add(&h, stored_broken ? STR("|broken") : STR("|intact"));
    hasher_done(&h, mac);
    hex_of(mac, sizeof(mac), out);
}

void evidence_end(struct evidence *e, const struct tenant *t, struct buf *out)
{
    struct buf seal;

    buf_init(&seal, EVIDENCE_HASH);
    seal_of(t, str_of(e->hash), e->broken, &seal);
    buf_addf(out, "],\"count\":%lld,\"stored_chain\":\"%s\",\"head\":\"%s\",\"seal\":\"%s\"}",
             (long long)e->n, e->broken ? "broken" : "intact", e->hash, seal.p);
    buf_fini(&seal);
}

/* ---- checked ---- */

static bool check_items(const struct json *items, const char *head, struct evidence_found *out,
                        evidence_broken_fn *told, void *ctx)
{
    char before[EVIDENCE_HASH + 1], now[EVIDENCE_HASH + 1];
    struct buf text;

    memcpy(before, head, sizeof(before));
    for (size_t i = 0; i < json_len(items); i++) {
        const struct json *item = json_at(items, i), *entry = json_get(item, "entry");
        struct str stated = json_get_str(item, "hash");

        buf_init(&text, ITEM_BYTES_MAX);
        if (entry != NULL) {
            json_dump(entry, &text);
        }
        sum(now, str_of(before), buf_str(&text));
        buf_fini(&text);
        if (!str_eqz(stated, now) || json_get_int(item, "n", 0) != (int64_t)i + 1) {
            out->broken++;
            told(ctx, (int64_t)i + 1, entry);
        }
        /* On from what it states: what follows is to blame for itself only. */
        snprintf(before, sizeof(before), "%.*s", STR_ARG(str_slice(stated, 0, EVIDENCE_HASH)));
    }
    return str_eqz(out->head, before);
}

bool evidence_check(struct arena *a, struct str text, struct evidence_found *out,
                    evidence_broken_fn *told, void *ctx, struct err *err)
{
    char head[EVIDENCE_HASH + 1];
    const struct json *items;
    struct json *j = NULL;
    bool same;

    if (!json_parse(text, EXPORT_BYTES_MAX, &j, err)) {
        return false;
    }
    items = json_get(j, "items");
    if (!str_eqz(json_get_str(j, "format"), EVIDENCE_FORMAT) || json_kind(items) != JSON_ARRAY) {
        json_free(&j);
        return err_set(err, ERR_INVALID, "it is no evidence that crewline exported");
    }
    *out = (struct evidence_found){.order = arena_dup(a, json_get_str(j, "work_order")),
                                   .tenant = arena_dup(a, json_get_str(j, "tenant")),
                                   .head = arena_dup(a, json_get_str(j, "head")),
                                   .seal = arena_dup(a, json_get_str(j, "seal")),
                                   .items = (int64_t)json_len(items)};
    out->stored_broken = !str_eqz(json_get_str(j, "stored_chain"), "intact");
    hash_head(head, out->tenant, out->order, json_get_str(j, "exported_at"));
    same = check_items(items, head, out, told, ctx);
    if (!same || json_get_int(j, "count", -1) != out->items) {
        out->broken++;
        told(ctx, 0, NULL); /* some are missing at the end, or the head itself was changed */
    }
    json_free(&j);
    return true;
}

bool evidence_sealed_by(const struct tenant *t, const struct evidence_found *found)
{
    struct buf seal;
    bool same;

    buf_init(&seal, EVIDENCE_HASH);
    seal_of(t, found->head, found->stored_broken, &seal);
    same = str_eq_secret(found->seal, buf_str(&seal));
    buf_fini(&seal);
    return same;
}
