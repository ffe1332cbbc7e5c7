/*
 * How a person is stored (base/pack): what is empty or as usual is left out and sets are numbers,
 * for every command reads a person back.
 */
#include "base/pack.h"
#include "domain/user.h"

#define USER_VERSION 1

/* A row's place is its tag in records that exist: new rows go to the end. */
#define AT(member) offsetof(struct user, member)
static const size_t texts[] = {AT(id),       AT(name),     AT(phone),      AT(bsuid), AT(site),
                               AT(language), AT(timezone), AT(supervisor), AT(sender)};
static const size_t flags[] = {AT(verified), AT(consented), AT(removed), AT(welcomed),
                               AT(has_quiet), AT(onboarded)};

enum tag {
    TAG_TEXTS = 0,
    TAG_FLAGS = 50, /* one number, a bit each */
    TAG_ROLES,
    TAG_OFF,
    TAG_OPTED_OUT,
    TAG_QUIET_FROM,
    TAG_QUIET_TO,
    TAG_TEAM,
    TAG_ASSET,
    TAG_SITE
};

static struct str *text_at(const struct user *u, size_t at)
{
    return (struct str *)((uintptr_t)u + at);
}

static bool *flag_at(const struct user *u, size_t at)
{
    return (bool *)((uintptr_t)u + at);
}

void user_encode(const struct user *u, struct buf *out)
{
    int64_t bits = 0;

    pack_begin(out, USER_VERSION);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        pack_str(out, (uint8_t)(TAG_TEXTS + i), *text_at(u, texts[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        bits |= (int64_t)*flag_at(u, flags[i]) << i;
    }
    pack_int(out, TAG_FLAGS, bits);
    pack_int(out, TAG_ROLES, u->roles);
    pack_int(out, TAG_OFF, u->off);
    pack_int(out, TAG_OPTED_OUT, u->opted_out);
    if (u->has_quiet) {
        pack_int(out, TAG_QUIET_FROM, u->quiet_from_min);
        pack_int(out, TAG_QUIET_TO, u->quiet_to_min);
    }
    for (size_t i = 0; i < u->nteams; i++) {
        pack_str(out, TAG_TEAM, u->teams[i]);
    }
    for (size_t i = 0; i < u->nassets; i++) {
        pack_str(out, TAG_ASSET, u->assets[i]);
    }
    for (size_t i = 0; i < u->nsites; i++) {
        pack_str(out, TAG_SITE, u->sites[i]);
    }
}

static void add_follow(struct arena *a, struct str value, struct str **list, size_t *n)
{
    if (*n == 0) {
        *list = ARENA_ARRAY(a, struct str, USER_FOLLOWS_MAX);
    }
    if (*n < USER_FOLLOWS_MAX) {
        (*list)[(*n)++] = arena_dup(a, value);
    }
}

static void read_member(struct arena *a, uint8_t tag, struct str value, struct user *u)
{
    int64_t v = unpack_int(value);

    switch (tag) {
    case TAG_FLAGS:
        for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
            *flag_at(u, flags[i]) = (v >> i & 1) != 0;
        }
        break;
    case TAG_ROLES:
        u->roles = (unsigned)v;
        break;
    case TAG_OFF:
        u->off = (unsigned)v;
        break;
    case TAG_OPTED_OUT:
        u->opted_out = (unsigned)v;
        break;
    case TAG_QUIET_FROM:
        u->quiet_from_min = (int32_t)v;
        break;
    case TAG_QUIET_TO:
        u->quiet_to_min = (int32_t)v;
        break;
    case TAG_TEAM:
        if (u->nteams < USER_TEAMS_MAX) {
            u->teams[u->nteams++] = arena_dup(a, value);
        }
        break;
    case TAG_ASSET:
        add_follow(a, value, &u->assets, &u->nassets);
        break;
    case TAG_SITE:
        add_follow(a, value, &u->sites, &u->nsites);
        break;
    default: /* of a newer program */
        break;
    }
}

bool user_decode(struct arena *a, struct str text, int64_t version, struct user *out,
                 struct err *err)
{
    struct user u = {.version = version};
    struct unpack up;
    struct str value;
    uint8_t tag;

    if (unpack_begin(&up, text) != USER_VERSION) {
        return err_set(err, ERR_DAMAGED, "stored person has not version %d", USER_VERSION);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_at(&u, texts[i]) = STR("");
    }
    while (unpack_next(&up, &tag, &value)) {
        if (tag < ARRAY_LEN(texts)) {
            *text_at(&u, texts[tag]) = arena_dup(a, value);
        } else {
            read_member(a, tag, value, &u);
        }
    }
    if (up.broken) {
        return err_set(err, ERR_DAMAGED, "stored person is cut off");
    }
    if (u.id.n == 0) {
        return err_set(err, ERR_DAMAGED, "stored person has no id");
    }
    *out = u;
    return true;
}
