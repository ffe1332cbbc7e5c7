/* Business numbers, phones and what binds them: the look-ups of sandbox.h. */
#include <stdio.h>
#include <time.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox.h"

#define PAIRS_MAX      1000000 /* then the 24-hour windows are forgotten, all at once */
#define PAIR_BURST     45.0
#define PAIR_PERIOD_US 6000000.0

int64_t wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void set_text(char **slot, struct str value)
{
    mem_free(slot);
    if (value.p != NULL) {
        *slot = mem_dupz(value);
    }
}

uint64_t sandbox_random(struct sandbox *sb)
{
    uint64_t z = (sb->random += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct number *number_by_meta_id(struct sandbox *sb, struct str id)
{
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == DIALECT_META && str_eqz(id, sb->numbers[i]->id)) {
            return sb->numbers[i];
        }
    }
    return NULL;
}

struct number *number_by_e164(struct sandbox *sb, enum dialect d, struct str e164)
{
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == d && str_eqz(e164, sb->numbers[i]->e164)) {
            return sb->numbers[i];
        }
    }
    return NULL;
}

struct number *number_by_token(struct sandbox *sb, enum dialect d, struct str token)
{
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == d && str_eqz(token, sb->numbers[i]->token)) {
            return sb->numbers[i];
        }
    }
    return NULL;
}

struct number *number_by_account(struct sandbox *sb, enum dialect d, struct str account)
{
    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (sb->numbers[i]->dialect == d && str_eqz(account, sb->numbers[i]->account)) {
            return sb->numbers[i];
        }
    }
    return NULL;
}

struct number *number_any(struct sandbox *sb, struct str what)
{
    struct str e164 = str_starts(what, STR("whatsapp:")) ? str_slice(what, 9, what.n) : what;

    for (size_t i = 0; i < sb->nnumbers; i++) {
        if (what.n == 0 || str_eqz(what, sb->numbers[i]->id) ||
            str_eqz(e164, sb->numbers[i]->e164)) {
            return sb->numbers[i];
        }
    }
    return NULL;
}

struct phone *phone_find(struct sandbox *sb, struct str who)
{
    return map_get(sb->phones, who);
}

struct phone *phone_need(struct sandbox *sb, struct str who)
{
    struct phone *p = phone_find(sb, who);

    if (p != NULL || sb->nphones == PHONES_MAX) {
        return p;
    }
    p = MEM_NEW(struct phone);
    p->receipts = true;
    p->seq = (int64_t)sb->nphones;
    set_text(&p->language, STR("en"));
    if (str_is_e164(who)) {
        uint8_t h[SHA256_BYTES];
        char bsuid[32];

        /* The same person has the same id in every run: derived, not drawn. */
        sha256(who, h);
        snprintf(bsuid, sizeof(bsuid), "US.%u%u", 100000000u + (h[0] << 16 | h[1] << 8 | h[2]),
                 100000000u + (h[3] << 16 | h[4] << 8 | h[5]));
        set_text(&p->e164, who);
        set_text(&p->bsuid, str_of(bsuid));
        map_put(sb->phones, str_of(p->bsuid), p);
    } else {
        set_text(&p->bsuid, who);
    }
    set_text(&p->name, who);
    map_put(sb->phones, who, p);
    sb->phone_list[sb->nphones++] = p;
    return p;
}

struct str phone_address(const struct phone *p)
{
    return str_of(p->e164 != NULL ? p->e164 : p->bsuid);
}

struct pair_state *pair_need(struct sandbox *sb, const struct number *n, struct str phone)
{
    char key[256];
    int len = snprintf(key, sizeof(key), "%s|%.*s", n->id, STR_ARG(phone));
    struct str k = str_make(key, len < (int)sizeof(key) ? (size_t)len : sizeof(key) - 1);
    struct pair_state *p = map_get(sb->pairs, k);

    if (p == NULL) {
        if (map_len(sb->pairs) >= PAIRS_MAX) {
            struct str old;
            void *v;

            for (size_t it = 0; map_next(sb->pairs, &it, &old, &v);) {
                mem_free(&v);
            }
            map_free(&sb->pairs);
            sb->pairs = map_new();
        }
        p = MEM_NEW(struct pair_state);
        p->tokens = PAIR_BURST;
        p->refilled_us = mono_now().us;
        map_put(sb->pairs, k, p);
    }
    return p;
}

bool pair_window_open(struct sandbox *sb, const struct number *n, struct str phone)
{
    return sb->window_open || wall_now().ms - pair_need(sb, n, phone)->last_inbound_ms < WINDOW_MS;
}

bool pair_take(struct sandbox *sb, struct pair_state *p)
{
    int64_t now = mono_now().us;

    if (!sb->pair_limit) {
        return true;
    }
    p->tokens += (double)(now - p->refilled_us) / PAIR_PERIOD_US;
    p->tokens = p->tokens > PAIR_BURST ? PAIR_BURST : p->tokens;
    p->refilled_us = now;
    if (p->tokens < 1.0) {
        return false;
    }
    p->tokens -= 1.0;
    return true;
}

struct str id_digits(struct sandbox *sb, struct arena *a, int digits)
{
    struct str s = arena_printf(a, "%0*d", digits, 0);
    char *p = (char *)(uintptr_t)s.p;

    for (int i = 0; i < digits; i++) {
        p[i] = (char)('0' + (i == 0 ? 1 + sandbox_random(sb) % 9 : sandbox_random(sb) % 10));
    }
    return s;
}

struct str id_sid(struct sandbox *sb, struct arena *a, const char *prefix)
{
    return arena_printf(a, "%s%016llx%016llx", prefix, (unsigned long long)sandbox_random(sb),
                        (unsigned long long)sandbox_random(sb));
}

/*
 * A wamid as Meta builds it: base64 of a small record with the person's digits, the direction and
 * 18 (or 20) hex digits. It is personal data; the gateway must not log it, so ours looks the same.
 */
struct str id_wamid(struct sandbox *sb, struct arena *a, struct str phone, bool inbound)
{
    struct str digits = str_starts(phone, STR("+")) ? str_slice(phone, 1, phone.n) : phone;
    struct buf raw, out;

    digits = str_slice(digits, 0, 40);
    buf_init(&raw, 256);
    buf_init(&out, 512);
    buf_add(&raw, str_make("\x1d\x18", 2));
    buf_add_char(&raw, (char)digits.n);
    buf_add(&raw, digits);
    buf_add(&raw, inbound ? str_make("\x15\x02\x00\x12\x18\x14", 6)
                          : str_make("\x15\x02\x00\x11\x18\x12", 6));
    buf_addf(&raw, inbound ? "3A%02X%016llX" : "%02X%016llX", (unsigned)(sandbox_random(sb) & 0xFF),
             (unsigned long long)sandbox_random(sb));
    buf_add_char(&raw, 0);
    buf_addz(&out, "wamid.");
    base64_add(&out, buf_str(&raw));
    struct str id = arena_dup(a, buf_str(&out));

    buf_fini(&raw);
    buf_fini(&out);
    return id;
}
