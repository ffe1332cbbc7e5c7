/* config: five layers over a small table. Files are written into a folder of their own. */
#include "base/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "harness.h"

static const struct config_row table[] = {
    {"listen",                    NULL,        "--listen",    CONFIG_LIST, 0,             0,    0,         NULL,              "127.0.0.1:8080", ""},
    {"redis_url",                 "REDIS_URL", NULL,          CONFIG_STR,  0,             0,    0,         NULL,              NULL,             ""},
    {"log_level",                 NULL,        "--log-level", CONFIG_ENUM, CONFIG_RELOAD, 0,    0,         "debug|info|warn", "info",
     ""                                                                                                                                           },
    {"name",                      NULL,        NULL,          CONFIG_STR,  0,             2,    8,         NULL,              NULL,             ""},
    {"master_key",                NULL,        NULL,          CONFIG_STR,  CONFIG_SECRET, 4,    16,        NULL,              NULL,             ""},
    {"delivery.lease_ms",         NULL,        "--lease",     CONFIG_INT,  0,             1000, 600000,    NULL,              "30000",          ""},
    {"delivery.max_sends.normal", NULL,        NULL,          CONFIG_INT,  0,             0,    0,         NULL,              "2",              ""},
    {"delivery.rate",             NULL,        NULL,          CONFIG_INT,  0,             1,    INT64_MAX, NULL,              NULL,             ""},
    {"callbacks.schedule_ms",     NULL,        NULL,          CONFIG_JSON, 0,             0,    0,         NULL,              "[1000,5000]",    ""},
    {"private",                   NULL,        "--private",   CONFIG_BOOL, 0,             0,    0,         NULL,              "false",          ""},
};
static const char *const own[] = {"tenants", "WhatsApp", NULL};

static char dir[] = P_tmpdir "/crewline-config-XXXXXX";
static char json_path_[64], dotenv_path[64], secret_path[64], secret_ref[80];

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL) {
        abort();
    }
    fwrite(text, 1, strlen(text), f);
    fclose(f);
}

/* Loads with the layers given; NULL leaves one out. @env ends with NULL. */
static bool load(const char *file, const char *dotenv, char **env, const struct pair *flag,
                 struct config **out, struct err *err)
{
    struct config_sources from = {.environ_ = env, .own_members = own};

    if (file != NULL) {
        write_file(json_path_, file);
        from.file = json_path_;
    }
    if (dotenv != NULL) {
        write_file(dotenv_path, dotenv);
        from.dotenv = dotenv_path;
    }
    if (flag != NULL) {
        from.flags = flag;
        from.nflags = 1;
    }
    *err = (struct err){0};
    *out = NULL;
    return config_load(table, ARRAY_LEN(table), &from, out, err);
}

static void test_precedence(void)
{
    static const struct pair flag = {
        {"--lease", 7},
        {"5000",    4}
    };
    static char *env[] = {"CREWLINE_DELIVERY__LEASE_MS=4000", NULL};
    static const struct {
        const char *file, *dotenv;
        char **env;
        const struct pair *flag;
        int64_t want;
        const char *origin;
    } rows[] = {
        {NULL,                                 NULL,                               NULL, NULL,  30000, "default"      },
        {"{\"delivery\":{\"lease_ms\":2000}}", NULL,                               NULL, NULL,  2000,  "crewline.json"},
        {"{\"delivery\":{\"lease_ms\":2000}}", "CREWLINE_DELIVERY__LEASE_MS=3000", NULL, NULL,  3000,
         ".env"                                                                                                       },
        {"{\"delivery\":{\"lease_ms\":2000}}", "CREWLINE_DELIVERY__LEASE_MS=3000", env,  NULL,  4000,
         "environment"                                                                                                },
        {"{\"delivery\":{\"lease_ms\":2000}}", "CREWLINE_DELIVERY__LEASE_MS=3000", env,  &flag, 5000,
         "flag"                                                                                                       },
        {"{\"delivery\":{\"lease_ms\":null}}", "CREWLINE_DELIVERY__LEASE_MS=",     NULL, NULL,  30000,
         "default"                                                                                                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *c;
        struct err err;

        CHECK("loads", load(rows[i].file, rows[i].dotenv, rows[i].env, rows[i].flag, &c, &err));
        if (c != NULL) {
            CHECK_INT(rows[i].origin, config_int(c, "delivery.lease_ms"), rows[i].want);
            CHECK_Z("origin", str_of(config_origin(c, "delivery.lease_ms")), rows[i].origin);
        }
        config_free(&c);
    }
}

static void check_dump(const char *label, const struct json *j, const char *want)
{
    struct buf b;

    buf_init(&b, 1000);
    json_dump(j, &b);
    CHECK_Z(label, buf_str(&b), want);
    buf_fini(&b);
}

static void test_types(void)
{
    static char *env[] = {"CREWLINE_LISTEN= a:1, b:2 ,",
                          "REDIS_URL=redis://h:1/0",
                          "CREWLINE_PRIVATE=Yes",
                          "PATH=/bin",
                          "OTHER=x",
                          "REDIS_URL=second",
                          "broken",
                          "CREWLINE_TEST_DATA=left alone",
                          NULL};
    struct config *c;
    struct err err;

    CHECK("defaults", load(NULL, NULL, NULL, NULL, &c, &err));
    check_dump("list", config_json(c, "listen"), "[\"127.0.0.1:8080\"]");
    check_dump("json", config_json(c, "callbacks.schedule_ms"), "[1000,5000]");
    CHECK_Z("enum", config_str(c, "log_level"), "info");
    CHECK("unset", config_str(c, "redis_url").p == NULL && config_int(c, "delivery.rate") == 0);
    CHECK_Z("unset comes from", str_of(config_origin(c, "redis_url")), "default");
    CHECK("bool", !config_bool(c, "private"));
    CHECK("no own member", config_own(c, "tenants") == NULL);
    config_free(&c);
    CHECK("cleared", c == NULL);
    config_free(&c);

    CHECK("what a secret reads, and what Kubernetes says of a service",
          load("{\"tenants\":[{\"x\":\"env:TWILIO_MINE\"}]}",
               "TWILIO_MINE=x\nWHATSAPP_SERVICE_HOST=h\nTWILIO_PORT=tcp://h:1", NULL, NULL, &c,
               &err));
    config_free(&c);
    CHECK("environment",
          load(NULL, "BOTH=dotenv\nONLY=dotenv\nOTHER=y\nEMPTY=", env, NULL, &c, &err));
    check_dump("list", config_json(c, "listen"), "[\"a:1\",\"b:2\"]");
    CHECK_Z("own name", config_str(c, "redis_url"), "redis://h:1/0");
    CHECK("bool", config_bool(c, "private"));
    CHECK_Z("environment over .env", config_env(c, "OTHER"), "x");
    CHECK_Z(".env", config_env(c, "ONLY"), "dotenv");
    CHECK("empty is unset", config_env(c, "EMPTY").p == NULL && config_env(c, "NO").p == NULL);
    config_free(&c);

    CHECK("file",
          load("{\"//\":\"a comment\",\"// "
               "listen\":2,\"listen\":[\"x\"],\"name\":\"caf\xc3\xa9\",\"delivery\":{"
               "\"//\":1,\"max_sends\":{\"normal\":-7}},\"callbacks\":{\"schedule_ms\":{}},"
               "\"private\":true,\"tenants\":[{\"any\":1}],\"WhatsApp\":{\"Enabled\":true}}",
               NULL, NULL, NULL, &c, &err));
    CHECK_Z("error", str_of(err.msg), "");
    if (c != NULL) {
        check_dump("list", config_json(c, "listen"), "[\"x\"]");
        check_dump("any JSON", config_json(c, "callbacks.schedule_ms"), "{}");
        CHECK_INT("no bounds", config_int(c, "delivery.max_sends.normal"), -7);
        CHECK("bool", config_bool(c, "private"));
        check_dump("own", config_own(c, "tenants"), "[{\"any\":1}]");
        CHECK("own, too", json_get_bool(config_own(c, "WhatsApp"), "Enabled", false));
    }
    config_free(&c);
}

/* One mistake a row; the message ends with @want, behind the folder where there is one. */
static void test_mistakes(void)
{
    static const struct {
        const char *file, *dotenv;
        char *env;
        struct pair flag;
        const char *want;
    } rows[] = {
        {"{\"delivery\":{\"lease_ms\":\"abc\"}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.lease_ms: \"abc\" is not a whole number from 1000 to 600000"                                                                                                },
        {"{\"delivery\":{\"lease_ms\":999}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.lease_ms: 999 is not a whole number from 1000 to 600000"                                                                                                    },
        {"{\"delivery\":{\"lease_ms\":2000.5}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "lease_ms: 2000.5 is not a whole number from 1000 to 600000"                                                                                                                         },
        {"{\"delivery\":{\"rate\":0}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.rate: 0 is not a whole number of at least 1"                                                                                                                },
        {"{\"delivery\":{\"max_sends\":{\"normal\":true}}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "normal: true is not a whole number"                                                                                                                                                 },
        {"{\"delivery\":{\"max_sends\":{\"typo\":1}}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.max_sends.typo: unknown key"                                                                                                                                },
        {"{\"delivery\":5}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery: the value is not an object"                                                                                                                                },
        {"{\"delivery.lease_ms\":5000}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.lease_ms: unknown key"                                                                                                                                      },
        {"{\"deliver\":{}}",                                 NULL,            NULL,                              {{0}, {0}},                  "crewline.json: deliver: unknown key"           },
        {"{\"delivery\":{\"tenants\":[]}}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: delivery.tenants: unknown key"                                                                                                                                       },
        {"{\"\":1}",                                         NULL,            NULL,                              {{0}, {0}},                  "crewline.json: : unknown key"                  },
        {"{\"listen\":[1]}",                                 NULL,            NULL,                              {{0}, {0}},                  "listen: [1] is not a list of texts"            },
        {"{\"listen\":{}}",                                  NULL,            NULL,                              {{0}, {0}},                  "listen: {} is not a list of texts"             },
        {"{\"name\":7}",                                     NULL,            NULL,                              {{0}, {0}},                  "crewline.json: name: 7 is not a text"          },
        {"{\"name\":\"x\"}",                                 NULL,            NULL,                              {{0}, {0}},                  "name: 1 bytes are not 2 to 8"                  },
        {"{\"log_level\":\"loud\"}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: log_level: \"loud\" is not one of debug, info, warn"                                                                                                                 },
        {"{\"private\":\"yes\"}",                            NULL,            NULL,                              {{0}, {0}},                  "private: \"yes\" is not true or false"         },
        {"{\"master_key\":12345678}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: master_key: the value is not a text"                                                                                                                                 },
        {"{\"master_key\":\"abc\"}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: master_key: 3 bytes are not 4 to 16"                                                                                                                                 },
        {"{\"master_key\":\"env:NOT_THERE\"}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "master_key: environment variable \"NOT_THERE\" is not set"                                                                                                                          },
        {"{\"master_key\":\"file:/nowhere/key\"}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "master_key: cannot read /nowhere/key: No such file or directory"                                                                                                                    },
        {"{\n \"listen\": [\"a\"],,\n}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: line 2, column 18: string or '}' expected"                                                                                                                           },
        {"{\"name\":\"ab\",\n\"name\":\"ab\"}",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: line 2, column 6: duplicate object key"                                                                                                                              },
        {"[]",
         NULL,                                                                NULL,
         {{0}, {0}},
         "crewline.json: line 1, column 1: the file is not a JSON object"                                                                                                                     },
        {"",                                                 NULL,            NULL,                              {{0}, {0}},                  "crewline.json: line 1, column 0: JSON is empty"},
        {NULL,
         "# c\n\nCREWLINE_TYPO=1",                                            NULL,
         {{0}, {0}},
         ".env: CREWLINE_TYPO: unknown setting; the nearest is CREWLINE_NAME"                                                                                                                 },
        {NULL,
         "CREWLINE_REDIS_URL=x",                                              NULL,
         {{0}, {0}},
         ".env: CREWLINE_REDIS_URL: unknown setting; the nearest is CREWLINE_LISTEN"                                                                                                          },
        {NULL,
         "CREWLINE_PRIVATE=maybe",                                            NULL,
         {{0}, {0}},
         ".env: CREWLINE_PRIVATE: \"maybe\" is not true or false"                                                                                                                             },
        {NULL,                                               "TWILIO_TYPO=1", NULL,                              {{0}, {0}},                  ".env: TWILIO_TYPO: unknown setting"            },
        {NULL,                                               NULL,            "WHATSAPP_TYPO=1",                 {{0}, {0}},                  "environment: WHATSAPP_TYPO: unknown setting"   },
        {NULL,                                               "A=1\nB\n",      NULL,                              {{0}, {0}},                  ".env: line 2: there is no \"=\""               },
        {NULL,                                               "A='x\n",        NULL,                              {{0}, {0}},                  ".env: line 1: quote is not closed"             },
        {NULL,                                               "A=\"x\" y\n",   NULL,                              {{0}, {0}},                  ".env: line 1: text follows the closing quote"  },
        {NULL,
         "A B=1\n",                                                           NULL,
         {{0}, {0}},
         ".env: line 1: name of the variable is not made of letters, digits and \"_\""                                                                                                        },
        {NULL,
         "A=\xff\n",                                                          NULL,
         {{0}, {0}},
         ".env: line 1: text is not valid UTF-8 or holds a NUL"                                                                                                                               },
        {NULL,
         NULL,                                                                "CREWLINE_TYPO=",
         {{0}, {0}},
         "environment: CREWLINE_TYPO: unknown setting; the nearest is CREWLINE_NAME"                                                                                                          },
        {NULL,
         NULL,                                                                "CREWLINE_DELIVERY__LEASE_MS=1e3",
         {{0}, {0}},
         "environment: CREWLINE_DELIVERY__LEASE_MS: \"1e3\" is not a whole number from 1000 to "
         "600000"                                                                                                                                                                             },
        {NULL,
         NULL,                                                                "CREWLINE_LISTEN=[1]",
         {{0}, {0}},
         "CREWLINE_LISTEN: [1] is not a list of texts"                                                                                                                                        },
        {NULL,
         NULL,                                                                "CREWLINE_LISTEN=[",
         {{0}, {0}},
         "environment: CREWLINE_LISTEN: the value is not JSON: line 1, column 1: ']' expected "
         "near end of file"                                                                                                                                                                   },
        {NULL,
         NULL,                                                                "CREWLINE_NAME=\xff\xff",
         {{0}, {0}},
         "CREWLINE_NAME: the value is not valid UTF-8 or holds a NUL"                                                                                                                         },
        {NULL,                                               NULL,            NULL,                              {{"--typo", 6}, {"1", 1}},   "flag: --typo: unknown flag"                    },
        {NULL,                                               NULL,            NULL,                              {{"--lease", 7}, {NULL, 0}}, "flag: --lease: the value is missing"           },
        {NULL,
         NULL,                                                                NULL,
         {{"--lease", 7}, {"x", 1}},
         "flag: --lease: \"x\" is not a whole number from 1000 to 600000"                                                                                                                     },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *env[] = {rows[i].env, NULL};
        struct config *c;
        struct err err;

        CHECK(rows[i].want, !load(rows[i].file, rows[i].dotenv, env,
                                  rows[i].flag.name.n > 0 ? &rows[i].flag : NULL, &c, &err));
        CHECK_INT(rows[i].want, err.code, ERR_CONFIG);
        if (!str_ends(str_of(err.msg), str_of(rows[i].want))) {
            CHECK_Z("message", str_of(err.msg), rows[i].want);
        }
        config_free(&c);
    }
}

static void test_files(void)
{
    struct config_sources from = {.file = "/nowhere/crewline.json"};
    struct config *c = NULL;
    struct err err = {0};

    CHECK("a file asked for must be there", !config_load(table, ARRAY_LEN(table), &from, &c, &err));
    CHECK_Z("message", str_of(err.msg),
            "/nowhere/crewline.json: cannot read: No such file or directory");
    from.file = dir;
    CHECK("a folder is no file", !config_load(table, ARRAY_LEN(table), &from, &c, &err));
    from = (struct config_sources){.dotenv = "/nowhere/.env"};
    CHECK(".env may be missing", config_load(table, ARRAY_LEN(table), &from, &c, &err));
    config_free(&c);
    from.dotenv = dir;
    CHECK("but not unreadable", !config_load(table, ARRAY_LEN(table), &from, &c, &err));
    CHECK("no place for the error", !config_load(table, ARRAY_LEN(table), &from, &c, NULL));
}

static void test_dotenv(void)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"A=1",                               "1"                },
        {"export A=1",                        "1"                },
        {"  A = 1  ",                         "1"                },
        {"A=1\r\n",                           "1"                },
        {"\xef\xbb\xbf"
         "A=1",                      "1"                },
        {"A=1 # comment",                     "1"                },
        {"A=1#no",                            "1#no"             },
        {"A=a b c",                           "a b c"            },
        {"A=a=b",                             "a=b"              },
        {"A='a # \\n b'",                     "a # \\n b"        },
        {"A=\"a # \\n\\t\\\"\\\\\\x b\" # c", "a # \n\t\"\\\\x b"},
        {"A=it's",                            "it's"             },
        {"A=1\nA=2",                          "2"                },
        {"#A=1\nA=3",                         "3"                },
        {"A=$B",                              "$B"               },
        {"exported=1\nA=4",                   "4"                },
        {"A=",                                NULL               },
        {"A=''",                              NULL               },
        {"A= # only a comment",               NULL               },
        {"a=1",                               NULL               },
        {"",                                  NULL               },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *c;
        struct err err;

        CHECK(rows[i].line, load(NULL, rows[i].line, NULL, NULL, &c, &err));
        if (c != NULL) {
            CHECK_Z(rows[i].line, config_env(c, "A"), rows[i].want);
            CHECK_INT(rows[i].line, config_env(c, "A").p == NULL, rows[i].want == NULL);
        }
        config_free(&c);
    }
}

static void test_secrets(void)
{
    static char *env[] = {"KEY=fromenv", "CREWLINE_MASTER_KEY=override", NULL};
    static const struct {
        const char *content, *want; /* want NULL: refused */
    } rows[] = {
        {"hush!",            "hush!"  },
        {"hush!\n",          "hush!"  },
        {"hush!\r\n",        "hush!"  },
        {"hush!\n\n",        "hush!\n"},
        {" hush ",           " hush " },
        {"",                 NULL     },
        {"\n",               NULL     },
        {"\xff\xff\xff\xff", NULL     },
    };
    struct config *c;
    struct err err;
    char *out = NULL, file[200];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_file(secret_path, rows[i].content);
        CHECK("loads", load("{}", "DOT=fromdotenv", env, NULL, &c, &err));
        CHECK_INT(rows[i].content,
                  config_secret(c, str_of(secret_ref), "tenants.0.access_token", &out, &err),
                  rows[i].want != NULL);
        CHECK_Z(rows[i].content, str_of(out), rows[i].want);
        CHECK("the error names the place",
              rows[i].want != NULL ||
                  strstr(err.msg, "crewline.json: tenants.0.access_token: ") != NULL);
        mem_free(&out);
        config_free(&c);
    }
    write_file(secret_path, "hush!\n");
    snprintf(file, sizeof(file), "{\"master_key\":\"%s\"}", secret_ref);
    CHECK("file", load(file, NULL, NULL, NULL, &c, &err));
    CHECK_Z("is read", config_str(c, "master_key"), "hush!");
    config_free(&c);
    CHECK("env", load("{\"master_key\":\"env:KEY\"}", "KEY=dotenv", NULL, NULL, &c, &err));
    CHECK_Z("is read", config_str(c, "master_key"), "dotenv");
    CHECK_Z("origin", str_of(config_origin(c, "master_key")), "crewline.json");
    CHECK("plain", config_secret(c, STR("as it is"), "k", &out, &err));
    CHECK_Z("plain", str_of(out), "as it is");
    mem_free(&out);
    CHECK("a view without NUL", config_secret(c, str_make("env:KEYS", 7), "k", &out, &err));
    CHECK_Z("its value", str_of(out), "dotenv");
    mem_free(&out);
    config_free(&c);
    CHECK("what is overridden is not followed",
          load("{\"master_key\":\"env:NOT_THERE\"}", NULL, env, NULL, &c, &err));
    CHECK_Z("value", config_str(c, "master_key"), "override");
    config_free(&c);
    CHECK("too long", !load("{\"master_key\":\"0123456789abcdefg\"}", NULL, NULL, NULL, &c, &err));
    CHECK("is not shown", strstr(err.msg, "0123") == NULL);
    config_free(&c);
}

static void test_same(void)
{
    struct config *a, *b;
    struct err err;

    CHECK("a", load("{\"name\":\"one\",\"listen\":[\"x\"]}", NULL, NULL, NULL, &a, &err));
    CHECK("b", load("{\"name\":\"two\",\"listen\":[\"x\"],\"private\":true}", NULL, NULL, NULL, &b,
                    &err));
    CHECK("same list", config_same(a, b, "listen"));
    CHECK("same default", config_same(a, b, "callbacks.schedule_ms"));
    CHECK("both unset", config_same(a, b, "redis_url"));
    CHECK("other text", !config_same(a, b, "name"));
    CHECK("other bool", !config_same(a, b, "private"));
    config_free(&a);
    config_free(&b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_precedence), TEST(test_types),   TEST(test_mistakes), TEST(test_files),
        TEST(test_dotenv),     TEST(test_secrets), TEST(test_same)};
    int rc;

    if (mkdtemp(dir) == NULL) {
        abort();
    }
    snprintf(json_path_, sizeof(json_path_), "%s/crewline.json", dir);
    snprintf(dotenv_path, sizeof(dotenv_path), "%s/.env", dir);
    snprintf(secret_path, sizeof(secret_path), "%s/secret", dir);
    snprintf(secret_ref, sizeof(secret_ref), "file:%s", secret_path);
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    unlink(json_path_);
    unlink(dotenv_path);
    unlink(secret_path);
    rmdir(dir);
    return rc;
}
