/*
 * id: ULIDs. Source: github.com/ulid/spec. The time is not secret and neighbours can be guessed, so
 * an id is a name and never a credential.
 */
#include "base/crypto.h"
#include "base/text.h"
#include "base_int.h"

/* A clock set back by less than this keeps the last time, so that ids go on ascending. */
#define ID_SLIP_MS  1000
#define ID_TIME_MAX ((1LL << 48) - 1)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static _Thread_local struct {
    int64_t ms;
    uint64_t high, low; /* 40 random bits each */
    unsigned generation;
    bool used;
} last;

#define HALF_MASK ((1ULL << 40) - 1)

static void draw(int64_t ms)
{
    random_bytes(&last.high, sizeof(last.high));
    random_bytes(&last.low, sizeof(last.low));
    last.high &= HALF_MASK;
    last.low &= HALF_MASK;
    last.ms = ms;
    last.generation = random_generation();
    last.used = true;
}

/* The time and random part of the next id. */
static void step(void)
{
    int64_t now = wall_now().ms;

    now = now < 0 ? 0 : now > ID_TIME_MAX ? ID_TIME_MAX : now;
    if (!last.used || now > last.ms || now < last.ms - ID_SLIP_MS ||
        last.generation != random_generation()) {
        draw(now);
        return;
    }
    last.low = (last.low + 1) & HALF_MASK;
    if (last.low == 0) {
        last.high++;
        if (last.high > HALF_MASK) {
            draw(last.ms < ID_TIME_MAX ? last.ms + 1 : 0);
        }
    }
}

/* @count characters, most significant first. */
static void put(char *to, uint64_t v, int count)
{
    while (count-- > 0) {
        to[count] = alphabet[v & 31];
        v >>= 5;
    }
}

void id_new(char out[ID_BYTES])
{
    step();
    put(out, (uint64_t)last.ms, 10);
    put(out + 10, last.high, 8);
    put(out + 18, last.low, 8);
    out[26] = '\0';
}

void id_of_time(struct wall t, char out[ID_TIME_BYTES])
{
    put(out, t.ms < 0 ? 0 : (uint64_t)t.ms, ID_TIME_BYTES - 1);
    out[ID_TIME_BYTES - 1] = '\0';
}

static int value_of(char c)
{
    const char *hit = c == '\0' ? NULL : strchr(alphabet, c);

    return hit == NULL ? -1 : (int)(hit - alphabet);
}

bool id_is(struct str s)
{
    /* 26 characters are 130 bits: the first may carry three only. */
    if (s.n != ID_BYTES - 1 || s.p[0] > '7') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (value_of(s.p[i]) < 0) {
            return false;
        }
    }
    return true;
}

struct wall id_time(struct str s)
{
    struct wall t = {0};

    if (id_is(s)) {
        for (size_t i = 0; i < 10; i++) {
            t.ms = t.ms << 5 | value_of(s.p[i]);
        }
    }
    return t;
}
