/* The file read anew while running: what changes, and what is said to need a restart. */
#include "harness.h"

#include "base/mem.h"
#include "domain/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct settings *load(const char *above, const char *tenants, struct err *err)
{
    char path[] = "/tmp/crewline-test-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    struct config_sources from = {.file = path};
    struct settings *s = NULL;

    fprintf(f, "{\"public_url\":\"https://x.test\",%s\"tenants\":[%s]}", above, tenants);
    fclose(f);
    if (!settings_load(&from, &s, err)) {
        s = NULL;
    }
    unlink(path);
    return s;
}

static void test_translation(void)
{
    struct err err = {0};
    struct settings *s = load("\"translate\":{\"url\":\"https://t.test\",\"api_key\":\"old\"},",
                              "{\"id\":\"a\"}", &err);
    struct settings *two =
        load("\"translate\":{\"url\":\"https://t.test\",\"api_key\":\"new\",\"timeout_ms\":700,"
             "\"cache_days\":3},",
             "{\"id\":\"a\"}", &err);
    struct buf kept;

    buf_init(&kept, 1000);
    settings_reload(s, &two, &kept);
    CHECK_Z("without a restart", buf_str(&kept), "");
    CHECK_Z("its key", s->translate_api_key, "new");
    CHECK_INT("its patience", s->translate_timeout_ms, 700);
    CHECK_INT("its memory", s->translate_cache_days, 3);
    buf_fini(&kept);
    settings_free(&s);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_translation),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
