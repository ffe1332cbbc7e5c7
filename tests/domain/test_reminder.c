/* When people are reminded: before, at and after what is due; times that were missed are one. */
#include "domain/link.h"
#include "domain/reminder.h"
#include "harness.h"

#define H ((int64_t)3600 * 1000)
#define D (24 * H)

static struct arena *a;
static const int64_t due = 100 * D;

static void test_next(void)
{
    static const struct {
        const char *label;
        int64_t before[3], after_ms;
        size_t n;
        int64_t now, want; /* from the due time; want 0: none, else + 1 ms */
    } rows[] = {
        {"long before",         {2 * D, 2 * H, 0}, D,      3, -9 * D,    -2 * D   },
        {"in whatever order",   {0, 2 * D, 2 * H}, D,      3, -9 * D,    -2 * D   },
        {"just then: the next", {2 * D, 2 * H, 0}, D,      3, -2 * D,    -2 * H   },
        {"between",             {2 * D, 2 * H, 0}, D,      3, -3 * H,    -2 * H   },
        {"at due",              {2 * D, 2 * H, 0}, D,      3, -H,        0        },
        {"then each day",       {2 * D, 2 * H, 0}, D,      3, 0,         D        },
        {"missed ones are one", {2 * D, 2 * H, 0}, D,      3, 5 * D + H, 6 * D    },
        {"exactly a day",       {2 * D, 2 * H, 0}, D,      3, 2 * D,     3 * D    },
        {"not after",           {2 * D, 2 * H, 0}, 0,      3, 1,         INT64_MAX},
        {"only after",          {0, 0, 0},         12 * H, 0, -9 * D,    12 * H   },
        {"not at all",          {0, 0, 0},         0,      0, -9 * D,    INT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tenant_settings c = {.remind_after_ms = rows[i].after_ms, .nremind = rows[i].n};
        struct wall got;

        memcpy(c.remind_before_ms, rows[i].before, sizeof(rows[i].before));
        got = reminder_next(&c, (struct wall){due}, (struct wall){due + rows[i].now});
        CHECK_INT(rows[i].label, got.ms, rows[i].want == INT64_MAX ? 0 : due + rows[i].want);
        CHECK(rows[i].label, got.ms == 0 || got.ms > due + rows[i].now);
    }
}

/* One of the CMMS and one of ours at about the same time are one; before and after due are two. */
static void test_told(void)
{
    static const struct {
        const char *label;
        int64_t reminded, now;
        bool told;
    } rows[] = {
        {"just now",          -2 * H,   -2 * H + 1000, true },
        {"an hour ago",       -2 * H,   -H,            false},
        {"never",             -100 * D, -2 * H,        false},
        {"before, now after", -H / 4,   H / 8,         false},
        {"after, again",      H,        H + 1000,      true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct order o = {.due = {due}, .reminded = {due + rows[i].reminded}};

        CHECK_INT(rows[i].label, reminder_told(&o, (struct wall){due + rows[i].now}), rows[i].told);
    }
    CHECK("no copy", !reminder_told(NULL, (struct wall){due}));
}

static struct vault *vault_of(const uint8_t master[32])
{
    struct vault *v = NULL;
    struct buf wrapped;

    buf_init(&wrapped, 1024);
    vault_key_make(master, STR("acme"), &wrapped);
    CHECK("vault", vault_new(master, NULL, STR("acme"), buf_str(&wrapped), &v, &(struct err){0}));
    buf_fini(&wrapped);
    return v;
}

/* A link opens for whom it was made, for what, and until its end; a changed byte makes it nobody's.
 */
static void test_link(void)
{
    static const uint8_t key[32] = {1}, other[32] = {2};
    struct tenant t = {.id = STR("acme")}, foreign = {.id = STR("acme")};
    const struct wall now = {1798000000000}, until = {1798000900000};
    struct link got;
    struct err err = {0};
    struct str token;

    t.vault = vault_of(key);
    foreign.vault = vault_of(other);
    token = link_token(a, &t, LINK_SETTINGS, STR("u-1"), until);
    CHECK_Z("whose vault", link_tenant(token), "acme");
    CHECK("opens", link_open(a, &t, LINK_SETTINGS, token, now, &got, &err));
    CHECK_Z("for him", got.person, "u-1");
    CHECK_INT("until", got.until.ms, until.ms);
    CHECK("over", !link_open(a, &t, LINK_SETTINGS, token, until, &got, &err));
    CHECK("for something else", !link_open(a, &t, "verify", token, now, &got, &err));
    CHECK("another vault", !link_open(a, &foreign, LINK_SETTINGS, token, now, &got, &err));
    for (size_t i = 0; i < token.n; i++) {
        char *bent = arena_alloc(a, token.n + 1);

        memcpy(bent, token.p, token.n);
        bent[i] = bent[i] == 'a' ? 'b' : 'a';
        CHECK("a changed byte",
              !link_open(a, &t, LINK_SETTINGS, str_make(bent, token.n), now, &got, &err));
        CHECK("cut", !link_open(a, &t, LINK_SETTINGS, str_slice(token, 0, i), now, &got, &err));
    }
    CHECK_INT("the mark of its use", link_used_key(a, token).n, 3 + VAULT_HASH_CHARS);
    vault_free(&t.vault);
    vault_free(&foreign.vault);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_next), TEST(test_told), TEST(test_link)};
    int rc;

    a = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&a);
    return rc;
}
