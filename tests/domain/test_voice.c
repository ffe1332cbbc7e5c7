/* Voice notes as they were heard: what is confirmed is what is done. */
#include "domain/assist.h"

#include "base/mem.h"
#include "domain/talk.h"
#include "harness.h"

static struct i18n *i18n;
static struct arena *a;
static const struct wall now = {1798000000000};

static struct settings settings;
static struct tenant_settings conf = {.timezone = {"Europe/Madrid", 13},
                                      .default_language = {"en", 2}};
static struct tenant tenant;
static struct user user;
static struct order orders[2];
static struct view view;

/* Two orders in progress. */
static void scene(void)
{
    tenant = (struct tenant){.conf = &conf, .id = STR("acme"), .settings = &settings, .i18n = i18n};
    user = (struct user){.id = STR("u1"),
                         .name = STR("Ana"),
                         .phone = STR("+12025550117"),
                         .roles = ROLE_TECHNICIAN,
                         .verified = true,
                         .language = STR("en"),
                         .sender = STR("main")};
    view = (struct view){.tenant = &tenant, .user = &user, .person = STR("u1")};
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        orders[i] = (struct order){.id = i == 0 ? STR("w1") : STR("w2"),
                                   .number = i == 0 ? STR("WO-1") : STR("WO-2"),
                                   .status = i == 0 ? ORDER_IN_PROGRESS : ORDER_OPEN,
                                   .nassignees = 1,
                                   .assignees = {{.id = STR("u1")}}};
        view.orders[view.norders++] = (struct view_order){&orders[i], VIEW_ASSIGNED};
    }
}

static struct str said(const struct plan *p)
{
    return p->nmessages > 0 ? p->messages[0].m.text : STR("(nothing)");
}

static const struct {
    const char *label, *heard;
    bool quoted;
    const char *asks, *says;
} rows[] = {
    {"of the one he quotes",  "complete",      true,  "WO-2",     "not been started"},
    {"of that one only",      "start",         true,  "WO-2",     "WO-2"            },
    {"one is named",          "complete WO-1", true,  "complete", "WO-1 completed"  },
    {"nothing is quoted",     "complete",      false, "complete", "WO-1 completed"  },
    {"what is about nothing", "my work",       true,  "my work",  "work orders"     },
};

static void test_quoted(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct medium m = {.id = STR("m1"), .quoted = rows[i].quoted};
        const struct inbound yes = {.kind = INBOUND_MESSAGE,
                                    .type = INBOUND_TAP,
                                    .phone = STR("+12025550117"),
                                    .payload = STR("do:yes"),
                                    .at = now};
        struct plan p;

        scene();
        plan_init(&p, a, &tenant, now, STR("in1"));
        assist_decide_speech(&view, &m, &orders[1], STR("main"), str_of(rows[i].heard), &p);
        CHECK(rows[i].label, str_find(said(&p), str_of(rows[i].asks)) != SIZE_MAX);
        view.conversation = *p.conversation;
        plan_init(&p, a, &tenant, now, STR("in2"));
        talk_decide(&view, &yes, STR("main"), &p);
        CHECK(rows[i].label, str_find(said(&p), str_of(rows[i].says)) != SIZE_MAX);
    }
}

/* The note that was asked for is spoken: it is of that order, whatever the CMMS calls it. */
static void test_asked(void)
{
    static const char *const ids[] = {"w2", "urn:wo:17"}, *const asks[] = {"text:note", "confirm"};

    for (size_t i = 0; i < ARRAY_LEN(ids) * ARRAY_LEN(asks); i++) {
        const struct inbound in = {.kind = INBOUND_MESSAGE,
                                   .type = INBOUND_MEDIA,
                                   .type_name = STR("audio"),
                                   .media = {.mime = STR("audio/ogg")},
                                   .phone = STR("+12025550117"),
                                   .at = now};
        struct plan p;

        scene();
        orders[1].id = str_of(ids[i / 2]);
        view.conversation.question = arena_printf(a, "%s:%s", asks[i % 2], ids[i / 2]);
        view.conversation.question_at = now;
        plan_init(&p, a, &tenant, now, STR("in1"));
        talk_decide(&view, &in, STR("main"), &p);
        CHECK_INT(ids[i / 2], p.nmedia, 1);
        CHECK_Z(asks[i % 2], p.nmedia == 1 ? p.media[0].medium->order_id : STR(""), ids[i / 2]);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_quoted), TEST(test_asked)};
    struct err err = {0};
    int code;

    if (!i18n_new(NULL, &i18n, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    a = arena_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&a);
    i18n_free(&i18n);
    return code;
}
