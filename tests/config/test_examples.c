/* The examples in config/ against the table of settings: every setting is there, explained, with
 * its default. */
#include "harness.h"

#include "base/mem.h"
#include "domain/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[400]; /* config/, beside tests/ */

static const char *place(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void read_all(const char *name, struct buf *out)
{
    FILE *f = fopen(place(name), "rb");
    char part[4096];
    size_t n;

    if (f == NULL) {
        test_fail(__FILE__, __LINE__, "cannot read %s", place(name));
        return;
    }
    while ((n = fread(part, 1, sizeof(part), f)) > 0) {
        buf_add(out, str_make(part, n));
    }
    fclose(f);
}

static struct settings *load(const char *file, const char *dotenv)
{
    static char *variables[] = {"ACME_TOKEN=t",
                                "ACME_SECRET=s",
                                "ACME_VERIFY=v",
                                "TW_TOKEN=w",
                                "ACME_CMMS_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                NULL};
    char env_path[512];
    struct config_sources from = {.environ_ = variables};
    struct settings *s = NULL;
    struct err err = {0};

    if (dotenv != NULL) {
        snprintf(env_path, sizeof(env_path), "%s", place(dotenv));
        from.dotenv = env_path;
    }
    from.file = file != NULL ? place(file) : NULL;
    if (!settings_load(&from, &s, &err)) {
        test_fail(__FILE__, __LINE__, "%s", err.msg);
    }
    return s;
}

/* The object that holds the last word of a dotted key, and that word. */
static const struct json *home_of(const struct json *root, const char *key, const char **last)
{
    const char *dot;

    while (root != NULL && (dot = strchr(key, '.')) != NULL) {
        char word[64];

        snprintf(word, sizeof(word), "%.*s", (int)(dot - key), key);
        root = json_get(root, word);
        key = dot + 1;
    }
    *last = key;
    return root;
}

/* A value as the table writes its default: lists without brackets, JSON as it is. */
static void as_text(const struct config_row *row, const struct json *j, struct buf *out)
{
    if (json_kind(j) == JSON_STRING) {
        buf_add(out, json_str(j));
    } else if (row->type == CONFIG_LIST) {
        for (size_t i = 0; i < json_len(j); i++) {
            buf_addf(out, "%s%.*s", i > 0 ? "," : "", STR_ARG(json_str(json_at(j, i))));
        }
    } else {
        json_dump(j, out);
    }
}

static void test_json_has_every_setting(void)
{
    struct json *root = NULL;
    struct err err = {0};
    struct buf text;
    size_t n;
    const struct config_row *rows = settings_rows(&n);

    buf_init(&text, 1 << 20);
    read_all("crewline.example.json", &text);
    CHECK("it is JSON", json_parse(buf_str(&text), 1 << 20, &root, &err));
    for (size_t i = 0; i < n; i++) {
        const char *last;
        const struct json *home = home_of(root, rows[i].key, &last), *j = json_get(home, last);
        char comment[80];
        struct buf value;

        snprintf(comment, sizeof(comment), "// %s", last);
        buf_init(&value, 4096);
        as_text(&rows[i], j, &value);
        if (j == NULL) {
            test_fail(__FILE__, __LINE__, "%s is not in crewline.example.json", rows[i].key);
        } else if (json_get_str(home, comment).n < 3) {
            test_fail(__FILE__, __LINE__, "%s is not explained in crewline.example.json",
                      rows[i].key);
        } else if (rows[i].def != NULL) {
            CHECK_STR(rows[i].key, buf_str(&value), str_of(rows[i].def));
        } else if (strcmp(rows[i].key, "public_url") !=
                   0) { /* the one example among the defaults */
            CHECK_INT(rows[i].key, json_kind(j), JSON_NULL);
        }
        buf_fini(&value);
    }
    json_free(&root);
    buf_fini(&text);
}

static void variable_of(const struct config_row *row, char out[120])
{
    size_t n = 0;

    if (row->env != NULL) {
        snprintf(out, 120, "%s", row->env);
        return;
    }
    n = (size_t)snprintf(out, 120, "CREWLINE_");
    for (const char *p = row->key; *p != '\0' && n < 116; p++) {
        if (*p == '.') {
            out[n++] = '_';
            out[n++] = '_';
        } else {
            out[n++] = (char)toupper((unsigned char)*p);
        }
    }
    out[n] = '\0';
}

static void test_dotenv_has_every_setting(void)
{
    struct str line, rest;
    struct buf text;
    size_t n, variables = 0;
    const struct config_row *rows = settings_rows(&n);

    buf_init(&text, 1 << 20);
    read_all(".env.example", &text);
    for (size_t i = 0; i < n; i++) {
        struct str name = STR_NONE, value = STR_NONE;
        char want[120];
        bool found = false;

        variable_of(&rows[i], want);
        for (rest = buf_str(&text); rest.n > 0 && !found;) {
            str_cut(rest, '\n', &line, &rest);
            str_cut(line, '=', &name, &value);
            found = str_eqz(name, want);
        }
        if (!found) {
            test_fail(__FILE__, __LINE__, "%s is not in .env.example", want);
        } else {
            CHECK_STR(want, value, rows[i].def != NULL ? str_of(rows[i].def) : STR(""));
        }
    }
    for (rest = buf_str(&text); rest.n > 0;) {
        str_cut(rest, '\n', &line, &rest);
        variables += line.n > 0 && line.p[0] != '#';
    }
    CHECK_INT("lines that are no setting", (int64_t)(variables - n), 0);
    buf_fini(&text);
}

static void test_examples_load(void)
{
    struct settings *s = load("crewline.example.json", NULL);

    if (s != NULL) {
        CHECK_INT("tenants", s->ntenants, 1);
        CHECK_INT("senders", s->tenants[0].nsenders, 2);
        CHECK_STR("token", s->tenants[0].senders[0].access_token, STR("t"));
        CHECK_INT("burst", s->tenants[0].senders[0].burst, 4);
        CHECK("a team with a group", tenant_team_group(&s->tenants[0], STR("mechanics")) != NULL);
    }
    settings_free(&s);
    s = load(NULL, ".env.example");
    if (s != NULL) {
        CHECK_STR("tenant", s->tenants[0].id, STR("default"));
        CHECK_INT("no sender without credentials", s->tenants[0].nsenders, 0);
        CHECK_STR("public url", s->public_url, STR("http://127.0.0.1:8080"));
    }
    settings_free(&s);
    s = load("demo/crewline.json", NULL);
    if (s != NULL) {
        CHECK_STR("demo", s->tenants[0].id, STR("demo"));
        CHECK_STR("its provider is the sandbox", s->tenants[0].senders[1].content_base,
                  STR("http://127.0.0.1:9090"));
    }
    settings_free(&s);
}

static const struct test tests[] = {
    {"json has every setting",   test_json_has_every_setting  },
    {"dotenv has every setting", test_dotenv_has_every_setting},
    {"examples load",            test_examples_load           },
};

int main(int argc, char **argv)
{
    const char *dir = getenv("CREWLINE_TEST_DATA");

    snprintf(folder, sizeof(folder), "%s/../../config", dir == NULL ? "tests/data" : dir);
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
