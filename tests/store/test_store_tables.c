/* store: addresses, the table of errors, the bytes of a call: what needs no Redis. */
#include <string.h>

#include "store_int.h"
#include "world.h"

static const struct {
    const char *url, *where;
    int port;
    int64_t db;
    const char *user, *password, *shown;
} urls[] = {
    {"redis://127.0.0.1:6380/2", "127.0.0.1",   6380, 2, NULL,  NULL,    "redis://127.0.0.1:6380/2"},
    {"redis://cache",            "cache",       6379, 0, NULL,  NULL,    "redis://cache/0"         },
    {"redis://[::1]:7000/",      "::1",         7000, 0, NULL,  NULL,    "redis://[::1]:7000/0"    },
    {"redis://[fe80::1]",        "fe80::1",     6379, 0, NULL,  NULL,    "redis://[fe80::1]/0"     },
    {"redis://:p%40ss@h:1",      "h",           1,    0, NULL,  "p@ss",  "redis://h:1/0"           },
    {"redis://ann:a@b:c@h",      "h",           6379, 0, "ann", "a@b:c", "redis://h/0"             },
    {"unix:///run/r.sock?db=3",  "/run/r.sock", 0,    3, NULL,  NULL,    "unix:///run/r.sock"      },
    {"unix://u:p@/run/r.sock",   "/run/r.sock", 0,    0, "u",   "p",     "unix:///run/r.sock"      },
    {"unix:///a%20b",            "/a b",        0,    0, NULL,  NULL,    "unix:///a b"             },
};

static const struct {
    const char *url;
    enum store_mode mode;
    const char *places, *master;
    int64_t db;
    const char *password, *shown;
} many_urls[] = {
    {"redis+sentinel://a:1,b,[::1]:3/mine/2", STORE_SENTINEL, "a 1,b 26379,::1 3,", "mine",   2, NULL,
     "sentinel mine (a:1,b,[::1]:3)"                                                                                   },
    {"redis+sentinel://u:p@a/my%20own",       STORE_SENTINEL, "a 26379,",           "my own", 0, "p",
     "sentinel my own (a)"                                                                                             },
    {"redis+cluster://a:1,b",                 STORE_CLUSTER,  "a 1,b 6379,",        NULL,     0, NULL,  "cluster a:1,b"},
    {"redis+cluster://:p,q@a:1/0",            STORE_CLUSTER,  "a 1,",               NULL,     0, "p,q", "cluster a:1"  },
};

#define TEN "/123456789"
static const struct {
    const char *url, *says;
} bad_urls[] = {
    {"rediss://h",                                                                 "TLS"                          },
    {"redis+sentinel://h",                                                         "name of the master is missing"},
    {"redis+sentinel://h//0",                                                      "name of the master is missing"},
    {"redis+sentinel://h,,i/name",                                                 "host is missing"              },
    {"redis+sentinel://h/name/x",                                                  "database \"x\""               },
    {"redis+sentinel://h/name?db=1",                                               "only unix:// takes"           },
    {"redis+sentinel://h:x/name",                                                  "port \"x\""                   },
    {"redis+cluster://",                                                           "host is missing"              },
    {"redis+cluster://h/1",                                                        "database 0 only"              },
    {"redis+cluster://h1,h2,h3,h4,h5,h6,h7,h8,h9,h10,h11,h12,h13,h14,h15,h16,h17", "more than 16"                 },
    {"http://h",                                                                   "neither redis:// nor unix://" },
    {"h:6379",                                                                     "it is not redis://"           },
    {"redis://h:0",                                                                "port \"0\""                   },
    {"redis://h:65536",                                                            "port \"65536\""               },
    {"redis://h/x",                                                                "database \"x\""               },
    {"redis://h/0?x=1",                                                            "only unix:// takes"           },
    {"redis://[::1",                                                               "not [address]:port"           },
    {"redis://[::1]x",                                                             "not [address]:port"           },
    {"redis://:6379",                                                              "host is missing"              },
    {"redis://user@h",                                                             "no password"                  },
    {"redis://:%zz@h",                                                             "percent-encoded"              },
    {"unix://run/r.sock",                                                          "absolute path"                },
    {"unix:///r?base=1",                                                           "unknown parameter \"base\""   },
    {"unix://" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/1234567",                 "108 bytes, 107 is the most"   },
};

static void check_z(const char *label, const char *got, const char *want)
{
    CHECK(label, (got == NULL) == (want == NULL));
    if (got != NULL && want != NULL) {
        CHECK_Z(label, str_of(got), want);
    }
}

static void test_urls(void)
{
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct store_url u = {0};
        struct err err = {0};

        CHECK(urls[i].url, store_url_parse(str_of(urls[i].url), &u, &err));
        CHECK_INT(urls[i].url, u.nplaces, 1);
        check_z(urls[i].url, u.places[0].host, urls[i].where);
        check_z(urls[i].url, u.user, urls[i].user);
        check_z(urls[i].url, u.password, urls[i].password);
        CHECK_Z(urls[i].url, str_of(u.shown), urls[i].shown);
        CHECK_INT(urls[i].url, u.db, urls[i].db);
        CHECK_INT(urls[i].url, u.places[0].port, urls[i].port);
        store_url_fini(&u);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_urls); i++) {
        struct store_url u = {0};
        struct err err = {0};

        CHECK(bad_urls[i].url, !store_url_parse(str_of(bad_urls[i].url), &u, &err));
        CHECK_INT(bad_urls[i].url, err.code, ERR_CONFIG);
        CHECK(err.msg, strstr(err.msg, bad_urls[i].says) != NULL);
    }
}

static void test_urls_of_many(void)
{
    for (size_t i = 0; i < ARRAY_LEN(many_urls); i++) {
        struct store_url u = {0};
        struct err err = {0};
        struct buf places;

        buf_init(&places, 1000);
        CHECK(many_urls[i].url, store_url_parse(str_of(many_urls[i].url), &u, &err));
        for (size_t p = 0; p < u.nplaces; p++) {
            buf_addf(&places, "%s %d,", u.places[p].host, u.places[p].port);
        }
        CHECK_Z(many_urls[i].url, buf_str(&places), many_urls[i].places);
        CHECK_INT(many_urls[i].url, u.mode, many_urls[i].mode);
        CHECK_INT(many_urls[i].url, u.db, many_urls[i].db);
        check_z(many_urls[i].url, u.master, many_urls[i].master);
        check_z(many_urls[i].url, u.password, many_urls[i].password);
        CHECK_Z(many_urls[i].url, str_of(u.shown), many_urls[i].shown);
        buf_fini(&places);
        store_url_fini(&u);
    }
}

static const struct {
    const char *text;
    enum store_action action;
} errors[] = {
    {"NOSCRIPT No matching script. Please use EVAL.",                                    ACT_RELOAD   },
    {"LOADING Redis is loading the dataset in memory",                                   ACT_WAIT     },
    {"BUSY Redis is busy running a script.",                                             ACT_WAIT     },
    {"MASTERDOWN Link with MASTER is down",                                              ACT_WAIT     },
    {"TRYAGAIN Multiple keys request during rehashing of slot",                          ACT_PARK     },
    {"CLUSTERDOWN The cluster is down",                                                  ACT_PARK     },
    {"MOVED 3999 127.0.0.1:6381",                                                        ACT_MOVED    },
    {"ASK 3999 127.0.0.1:6381",                                                          ACT_ASK      },
    {"READONLY You can't write against a read only replica.",                            ACT_RECONNECT},
    {"OOM command not allowed when used memory > 'maxmemory'.",                          ACT_FULL     },
    {"MISCONF Redis is configured to save RDB snapshots",                                ACT_FULL     },
    {"NOREPLICAS Not enough good replicas to write.",                                    ACT_FULL     },
    {"ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed", ACT_FULL     },
    {"ERR Error running script (call to f_1): @user_script:1: -READONLY You",            ACT_RECONNECT},
    {"ERR Error running script (call to f_1): @user_script:1: -NOSCRIPT x",              ACT_FAIL     },
    {"ERR value is not-OOM an integer",                                                  ACT_FAIL     },
    {"ERR unknown command",                                                              ACT_FAIL     },
    {"WRONGTYPE Operation against a key -OOM x",                                         ACT_FAIL     },
    {"BUSYGROUP Consumer Group name already exists",                                     ACT_FAIL     },
    {"OOM",                                                                              ACT_FULL     },
    {"",                                                                                 ACT_FAIL     },
};

static void test_error_table(void)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        CHECK_INT(errors[i].text, store_action_of(str_of(errors[i].text)), errors[i].action);
    }
}

static void test_call_bytes(void)
{
    struct call c;

    call_init(&c);
    call_str(&c, STR("SET"));
    call_str(&c, STR_NONE);
    call_int(&c, INT64_MIN);
    CHECK_Z("bytes", call_seal(&c), "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$20\r\n-9223372036854775808\r\n");
    call_fini(&c);
    call_init_script(&c, "t_get", STR("{a}:"));
    call_int(&c, 0);
    /* printf '%s\n%s' "$(cat common.lua; echo)" … | sha1sum is not repeated here: Redis checks it.
     */
    CHECK("script", str_starts(call_seal(&c), STR("*5\r\n$7\r\nEVALSHA\r\n$40\r\n")));
    CHECK("key", str_ends(call_seal(&c), STR("\r\n$1\r\n1\r\n$4\r\n{a}:\r\n$1\r\n0\r\n")));
    call_fini(&c);
}

static void test_tenant_id(void)
{
    char long_id[TENANT_ID_MAX + 2];

    memset(long_id, 'a', sizeof(long_id));
    CHECK("plain", store_tenant_id_ok(STR("acme-1_x")));
    CHECK("digit", store_tenant_id_ok(STR("1")));
    CHECK("longest", store_tenant_id_ok(str_make(long_id, TENANT_ID_MAX)));
    CHECK("too long", !store_tenant_id_ok(str_make(long_id, TENANT_ID_MAX + 1)));
    CHECK("empty", !store_tenant_id_ok(STR("")));
    CHECK("dash first", !store_tenant_id_ok(STR("-a")));
    CHECK("brace", !store_tenant_id_ok(STR("a}b")));
    CHECK("capital", !store_tenant_id_ok(STR("Acme")));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_urls),       TEST(test_urls_of_many), TEST(test_error_table),
        TEST(test_call_bytes), TEST(test_tenant_id),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
