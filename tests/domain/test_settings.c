/* The file read anew while running: what changes, and what is said to need a restart. */
#include "harness.h"

#include "base/mem.h"
#include "domain/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SENDER                                                                       \
    "{\"id\":\"main\",\"provider\":\"meta\",\"phone_number_id\":\"1\","              \
    "\"business_account_id\":\"9\",\"access_token\":\"t\",\"app_secret\":\"s\"}"
#define SECRET "\"signing_secret\":\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\""
#define CMMS   "{\"callback_url\":\"https://a.test/x\"," SECRET "}"

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

/* What needs a restart where @before becomes @after. */
static void check_kept(const char *label, const char *before, const char *after, const char *want)
{
    struct err err = {0};
    struct settings *s = load("", before, &err), *two = load("", after, &err);
    struct buf kept;

    buf_init(&kept, 8192);
    CHECK(err.msg, s != NULL && two != NULL);
    if (s != NULL && two != NULL) {
        settings_reload(s, &two, &kept);
        CHECK_Z(label, buf_str(&kept), want);
    }
    buf_fini(&kept);
    settings_free(&s);
    settings_free(&two);
}

static void test_needs_a_restart(void)
{
    static const struct {
        const char *label, *before, *after, *want; /* members of the tenant "a" beside its senders */
    } rows[] = {
        {"nothing changed", "", "", ""},
        {"name", "\"name\":\"A\",", "\"name\":\"B\",", "tenants.a.name"},
        {"time zone", "", "\"timezone\":\"Europe/Madrid\",", "tenants.a.timezone"},
        {"language", "", "\"default_language\":\"es\",", "tenants.a.default_language"},
        {"callback", "\"cmms\":" CMMS ",", "\"cmms\":{\"callback_url\":\"https://b.test/x\"," SECRET "},",
         "tenants.a.cmms.callback_url"},
        {"status events", "", "\"message_status_events\":\"all\",", "tenants.a.message_status_events"},
        {"alerts", "", "\"alerts\":{\"users\":[\"u1\"]},", "tenants.a.alerts"},
        {"the same alerts", "\"alerts\":{\"users\":[\"u1\"]},", "\"alerts\":{\"users\":[\"u1\"]},", ""},
        {"confirmation", "", "\"broadcast_confirm_above\":5,", "tenants.a.broadcast_confirm_above"},
        {"code", "", "\"require_code\":true,", "tenants.a.require_code"},
        {"checklists", "", "\"checklist_overdue_after_s\":5,", "tenants.a.checklist_overdue_after_s"},
        {"what is reloaded", "", "\"reminders\":[60],\"failover\":{\"critical_after_ms\":5},", ""},
        {"two", "", "\"name\":\"B\",\"require_code\":true,", "tenants.a.name, tenants.a.require_code"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char before[1000], after[1000];

        snprintf(before, sizeof(before), "{\"id\":\"a\",%s\"senders\":[" SENDER "]}", rows[i].before);
        snprintf(after, sizeof(after), "{\"id\":\"a\",%s\"senders\":[" SENDER "]}", rows[i].after);
        check_kept(rows[i].label, before, after, rows[i].want);
    }
    check_kept("another tenant in its place", "{\"id\":\"a\"}", "{\"id\":\"b\"}", "tenants");
    check_kept("one more", "{\"id\":\"a\"}", "{\"id\":\"a\"},{\"id\":\"b\"}", "tenants");
}

static void test_sender_needs_a_restart(void)
{
    static const struct {
        const char *label, *members, *want;
    } rows[] = {
        {"the same", "\"phone_number_id\":\"1\",\"access_token\":\"t\"", ""},
        {"a token", "\"phone_number_id\":\"1\",\"access_token\":\"u\"", ""},
        {"another number id", "\"phone_number_id\":\"2\",\"access_token\":\"t\"", "senders of a"},
        {"a number", "\"phone_number_id\":\"1\",\"access_token\":\"t\",\"number\":\"+12025550100\"", "senders of a"},
        {"its portfolio", "\"phone_number_id\":\"1\",\"access_token\":\"t\",\"portfolio\":\"p\"", "senders of a"},
        {"where it is", "\"phone_number_id\":\"1\",\"access_token\":\"t\",\"api_base\":\"https://g.test\"", "senders of a"},
    };
    char after[1000];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(after, sizeof(after),
                 "{\"id\":\"a\",\"senders\":[{\"id\":\"main\",\"provider\":\"meta\","
                 "\"business_account_id\":\"9\",\"app_secret\":\"s\",%s}]}",
                 rows[i].members);
        check_kept(rows[i].label, "{\"id\":\"a\",\"senders\":[" SENDER "]}", after, rows[i].want);
    }
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

/* One body of each kind fits, or the start ends. */
static void test_bodies(void)
{
    static const struct {
        const char *label, *http, *why; /* NULL: fine */
    } rows[] = {
        {"by default",       "",                                                          NULL},
        {"no limits",        "\"body_bytes_total\":0,\"body_bytes_per_address\":0",       NULL},
        {"just room",        "\"body_bytes_total\":16777216",                             NULL},
        {"no room in all",   "\"body_bytes_total\":16777215",
         "http.body_bytes_total: it is 16777215, and a single body may have 16777216 bytes"    },
        {"none of a webhook",
         "\"upload_bytes\":1024,\"body_bytes_per_address\":4194303",
         "http.body_bytes_per_address: it is 4194303, and a single body may have 4194304 bytes"},
        {"a larger import",  "\"upload_bytes\":40000000",
         "http.body_bytes_per_address: it is 33554432, and a single body may have 40000000"
         " bytes"                                                                              },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct settings *s;
        char above[300];

        snprintf(above, sizeof(above), "\"http\":{%s},", rows[i].http);
        s = load(above, "{\"id\":\"a\"}", &err);
        CHECK(err.msg, (s != NULL) == (rows[i].why == NULL));
        CHECK(rows[i].label, rows[i].why == NULL ||
                                 str_find(str_of(err.msg), str_of(rows[i].why)) != SIZE_MAX);
        settings_free(&s);
    }
}

/* Each webhook is compared with all of them while it arrives: so there is an end to their number. */
static void test_webhook_secrets(void)
{
    for (int n = WEBHOOK_SECRETS_MAX; n <= WEBHOOK_SECRETS_MAX + 1; n++) {
        struct err err = {0};
        struct settings *s;
        struct buf list;

        buf_init(&list, (size_t)1 << 20);
        for (int i = 0; i < n; i++) {
            buf_addf(&list,
                     "%s{\"id\":\"t%d\",\"senders\":[{\"id\":\"main\",\"provider\":\"meta\","
                     "\"phone_number_id\":\"%d\",\"access_token\":\"t\",\"app_secret\":\"s%d\"},"
                     "{\"id\":\"two\",\"provider\":\"meta\",\"phone_number_id\":\"two%d\","
                     "\"access_token\":\"t\",\"app_secret\":\"s%d\"}]}",
                     i > 0 ? "," : "", i, i, i, i, i);
        }
        buf_add_char(&list, '\0');
        s = load("", list.p, &err);
        CHECK(err.msg, (s != NULL) == (n == WEBHOOK_SECRETS_MAX));
        if (s == NULL) {
            CHECK(err.msg, strstr(err.msg, "app_secret") != NULL);
            CHECK_INT("as configuration", err.code, ERR_CONFIG);
        }
        settings_free(&s);
        buf_fini(&list);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_needs_a_restart),
        TEST(test_sender_needs_a_restart),
        TEST(test_translation),
        TEST(test_bodies),
        TEST(test_webhook_secrets),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
