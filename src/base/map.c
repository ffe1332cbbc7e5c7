#include "base/map.h"

#include "base/crypto.h"
#include "base/mem.h"

#define MAP_FIRST_SLOTS 16

/* Open addressing, linear probing, deletion by moving followers up, so there are no tombstones. */
struct slot {
    char *key; /* NULL: free */
    size_t n;
    uint64_t hash;
    void *value;
};

struct map {
    struct slot *slots;
    size_t cap, n; /* cap is a power of two, filled to three quarters at most */
};

static uint64_t rotl(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3. Source: Aumasson and Bernstein, SipHash: a fast short-input PRF. */
static uint64_t siphash(const uint64_t key[2], struct str s)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t i = 0;

    for (; s.n - i >= 8; i += 8) {
        memcpy(&word, s.p + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (i < s.n) {
        memcpy(&word, s.p + i, s.n - i);
    }
    word |= (uint64_t)s.n << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_of(struct str key)
{
    static uint64_t secret[2];
    static bool made;

    if (!made) {
        random_bytes(secret, sizeof(secret));
        made = true;
    }
    return siphash(secret, key);
}

struct map *map_new(void)
{
    return MEM_NEW(struct map);
}

void map_free(struct map **owner)
{
    struct map *m = *owner;

    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->cap; i++) {
        mem_free(&m->slots[i].key);
    }
    mem_free(&m->slots);
    mem_free(owner);
}

/* The slot that holds @key, or the free one where it belongs. */
static size_t find(const struct map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);

    while (m->slots[i].key != NULL) {
        const struct slot *s = &m->slots[i];

        if (s->hash == hash && str_eq(str_make(s->key, s->n), key)) {
            return i;
        }
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

void *map_get(const struct map *m, struct str key)
{
    return m->n == 0 ? NULL : m->slots[find(m, key, hash_of(key))].value;
}

static void grow(struct map *m)
{
    struct slot *old = m->slots;
    size_t old_cap = m->cap;

    m->cap = old_cap == 0 ? MAP_FIRST_SLOTS : old_cap * 2;
    m->slots = mem_array(m->cap, sizeof(*m->slots));
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].key != NULL) {
            m->slots[find(m, str_make(old[i].key, old[i].n), old[i].hash)] = old[i];
        }
    }
    mem_free(&old);
}

void map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = hash_of(key);
    struct slot *s;

    if ((m->n + 1) * 4 > m->cap * 3) {
        grow(m);
    }
    s = &m->slots[find(m, key, hash)];
    if (s->key == NULL) {
        *s = (struct slot){mem_dupz(key), key.n, hash, NULL};
        m->n++;
    }
    s->value = value;
}

void *map_del(struct map *m, struct str key)
{
    size_t i, next;
    void *value;

    if (m->n == 0) {
        return NULL;
    }
    i = find(m, key, hash_of(key));
    if (m->slots[i].key == NULL) {
        return NULL;
    }
    value = m->slots[i].value;
    mem_free(&m->slots[i].key);
    m->n--;
    /* A follower moves up when the hole lies between its home and where it stands. */
    for (next = (i + 1) & (m->cap - 1); m->slots[next].key != NULL;
         next = (next + 1) & (m->cap - 1)) {
        size_t home = m->slots[next].hash & (m->cap - 1);

        if (((next - home) & (m->cap - 1)) >= ((next - i) & (m->cap - 1))) {
            m->slots[i] = m->slots[next];
            i = next;
        }
    }
    m->slots[i] = (struct slot){0};
    return value;
}

size_t map_len(const struct map *m)
{
    return m->n;
}

bool map_next(const struct map *m, size_t *it, struct str *key, void **value)
{
    for (; *it < m->cap; (*it)++) {
        const struct slot *s = &m->slots[*it];

        if (s->key != NULL) {
            *key = str_make(s->key, s->n);
            *value = s->value;
            (*it)++;
            return true;
        }
    }
    return false;
}
