/* What the assistant made of a text is asked about first. The buttons and rows of a question answer that
 * question, and no later one. */
#include "domain/assist.h"

#include "domain/command.h"
#include "domain/talk.h"
#include "harness.h"

static struct i18n *i18n;
static struct arena *a;
static const struct wall start = {1798000000000};

struct scene {
    struct settings settings;
    struct tenant_settings conf;
    struct tenant tenant;
    struct view view;
    struct user user;
    struct order orders[2];
    struct plan plan;
    struct wall now;
};

static struct scene *scene(void)
{
    static const char *const names[][2] = {
        {"w1", "WO-1"},
        {"w2", "WO-2"}
    };
    struct scene *s = ARENA_NEW(a, struct scene);

    s->now = start;
    s->conf = (struct tenant_settings){.id = STR("acme"),
                                       .name = STR("Acme Plant"),
                                       .timezone = STR("Europe/Madrid"),
                                       .default_language = STR("en")};
    s->tenant = (struct tenant){
        .conf = &s->conf, .id = s->conf.id, .settings = &s->settings, .i18n = i18n};
    s->user = (struct user){.id = STR("u1"),
                            .name = STR("Ana"),
                            .phone = STR("+12025550117"),
                            .roles = ROLE_TECHNICIAN,
                            .verified = true,
                            .language = STR("en"),
                            .sender = STR("main"),
                            .version = 3};
    s->view = (struct view){.tenant = &s->tenant, .user = &s->user, .person = STR("u1")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        s->orders[i] = (struct order){.id = str_of(names[i][0]),
                                      .number = str_of(names[i][1]),
                                      .title = STR("Replace motor bearing"),
                                      .status = ORDER_IN_PROGRESS,
                                      .rev = 7,
                                      .version = 2,
                                      .nassignees = 1,
                                      .assignees = {{.id = STR("u1")}}};
        s->view.orders[s->view.norders++] = (struct view_order){&s->orders[i], VIEW_ASSIGNED};
    }
    return s;
}

/* A turn is over: what it remembers is what the next one reads. */
static void remember(struct scene *s)
{
    if (s->plan.conversation != NULL) {
        s->view.conversation = *s->plan.conversation;
    }
    s->now.ms += 5000;
}

/* What the assistant answered; the payload of the button "Yes". */
static const char *ask(struct scene *s, const char *command)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .type = INBOUND_TEXT,
                               .at = s->now,
                               .phone = s->user.phone,
                               .text = STR("free text")};
    const struct assist_answer answer = {.command = str_of(command)};

    plan_init(&s->plan, a, &s->tenant, s->now, STR("in1"));
    assist_decide_chat(&s->view, &in, STR("main"), &answer, &s->plan);
    remember(s);
    CHECK_INT(command, s->plan.nevents, 0);
    return s->plan.nmessages == 1 && s->plan.messages[0].m.noptions == 2
               ? arena_printf(a, "%.*s", STR_ARG(s->plan.messages[0].m.options[0].id)).p
               : "(no question)";
}

static void tap(struct scene *s, const char *payload)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .type = INBOUND_TAP,
                               .at = s->now,
                               .phone = s->user.phone,
                               .text = STR("Yes"),
                               .payload = str_of(payload)};

    plan_init(&s->plan, a, &s->tenant, s->now, STR("in2"));
    talk_decide(&s->view, &in, STR("main"), &s->plan);
    remember(s);
}

/* Said so that it must be asked which order is meant; the payload of the first row. */
static const char *say(struct scene *s, const char *text)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .type = INBOUND_TEXT,
                               .at = s->now,
                               .phone = s->user.phone,
                               .text = str_of(text)};

    plan_init(&s->plan, a, &s->tenant, s->now, STR("in3"));
    talk_decide(&s->view, &in, STR("main"), &s->plan);
    remember(s);
    CHECK_INT(text, s->plan.nevents, 0);
    return s->plan.nmessages == 1 && s->plan.messages[0].m.noptions == 2
               ? arena_printf(a, "%.*s", STR_ARG(s->plan.messages[0].m.options[0].id)).p
               : "(no question)";
}

static void test_asked(void)
{
    struct scene *s = scene();
    const char *yes = ask(s, "COMPLETE WO-1");

    tap(s, yes);
    CHECK_INT("done", s->plan.norders, 1);
    CHECK("that one", s->plan.norders == 1 && str_eqz(s->plan.orders[0]->id, "w1"));
    tap(s, yes);
    CHECK_INT("once", s->plan.norders, 0);
}

/* The first of two questions is tapped: it does not do what the second asks. */
static void test_older_question(void)
{
    struct scene *s = scene();
    const char *first = ask(s, "COMPLETE WO-1"), *second = ask(s, "COMPLETE WO-2");

    tap(s, first);
    CHECK_INT("nothing is done", s->plan.norders, 0);
    CHECK("said so", s->plan.nmessages == 1 && str_find(s->plan.messages[0].m.text,
                                                        STR("expired")) != SIZE_MAX);
    tap(s, second);
    CHECK("the second stands", s->plan.norders == 1 && str_eqz(s->plan.orders[0]->id, "w2"));
}

static void test_older_list(void)
{
    static const struct {
        const char *first, *second, *booked;
    } rows[] = {
        {"NOTE the seal leaks", "NOTE the belt is new", "the belt is new"     },
        {"DELAY no parts",      "DELAY no crane",       "no crane"            },
        {"STATUS on hold",      "STATUS completed",     "\"to\":\"completed\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene *s = scene();
        const char *first = say(s, rows[i].first), *second = say(s, rows[i].second);

        tap(s, first);
        CHECK_INT(rows[i].first, s->plan.nevents, 0);
        CHECK(rows[i].first, s->plan.nmessages == 1 && str_find(s->plan.messages[0].m.text,
                                                                STR("expired")) != SIZE_MAX);
        tap(s, second);
        CHECK(rows[i].second, s->plan.nevents > 0 && str_find(s->plan.events[0].data,
                                                              str_of(rows[i].booked)) != SIZE_MAX);
    }
}

static void tap_under(struct scene *s, const char *message, const char *payload)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .type = INBOUND_TAP,
                               .at = s->now,
                               .phone = s->user.phone,
                               .text = STR("a title"),
                               .quoted = str_of(message),
                               .payload = str_of(payload)};

    plan_init(&s->plan, a, &s->tenant, s->now, STR("in4"));
    talk_decide(&s->view, &in, STR("main"), &s->plan);
    remember(s);
}

/* A whole checklist later an old button still says that it was done. */
static void test_old_button(void)
{
    struct scene *s = scene();
    struct user boss = s->user;
    struct matter m = {.kind = MATTER_ORDER_CHECKLIST, .id = STR("w1")};

    boss.id = STR("u9");
    s->view.supervisor = &boss;
    s->orders[0].source =
        STR("{\"checklist\":[{\"id\":\"a\",\"label\":\"Oil level\",\"kind\":\"yes_no_na\"},"
            "{\"id\":\"b\",\"label\":\"Belts\",\"kind\":\"check\"}]}");
    tap_under(s, "wamid.old", "escalate:w1");
    CHECK_INT("escalated", s->plan.nevents, 1);
    for (int i = 0; i < 40; i++) {
        tap_under(s, arena_printf(a, "wamid.%d", i).p,
                  arena_printf(a, "y:o:a,1,0,%d:w1", i % 2).p);
        CHECK_INT("an answer", s->plan.nevents, 1);
        if (s->plan.nmatters > 0) {
            m = *s->plan.matters[0];
            m.version++;
            s->view.matters[0] = (struct view_matter){&m, VIEW_ASKED};
            s->view.nmatters = 1;
        }
    }
    tap_under(s, "wamid.old", "escalate:w1");
    CHECK_INT("not once more", s->plan.nevents, 0);
}

static const char *checklist_of(const char *choices)
{
    return arena_printf(a,
                        "{\"checklist\":[{\"id\":\"n\",\"label\":\"Noise\",\"kind\":\"choice\","
                        "\"options\":[%s]},{\"id\":\"b\",\"label\":\"Belts\"}]}",
                        choices)
        .p;
}

/* The CMMS puts the choices in another order, and takes one out: a button of before means its own. */
static void test_choices_moved(void)
{
    struct scene *s = scene();
    const struct message *m;
    struct matter kept;
    const char *low, *high;

    s->orders[0].source = str_of(checklist_of("\"Low\",\"High\""));
    tap_under(s, "wamid.1", "y:o:go,1:w1");
    CHECK("asked", s->plan.nmessages == 1 && s->plan.messages[0].m.noptions == 2);
    m = &s->plan.messages[0].m;
    low = arena_dup(a, m->options[0].id).p;
    high = arena_dup(a, m->options[1].id).p;
    kept = *s->plan.matters[0];
    kept.version = 1;
    s->view.matters[0] = (struct view_matter){&kept, VIEW_ASKED};
    s->view.nmatters = 1;
    s->orders[0].source = str_of(checklist_of("\"Very high\",\"Low\""));
    tap_under(s, "wamid.2", high);
    CHECK_INT("it is gone: nothing is booked", s->plan.nevents, 0);
    tap_under(s, "wamid.2", low);
    CHECK("the same as before", s->plan.nevents == 1 && str_find(s->plan.events[0].data,
                                                                 STR("\"value\":\"Low\"")) != SIZE_MAX);
}

/* An order outside his lists is read by its number: the button that confirms has to name it. */
static void test_reads_what_it_names(void)
{
    struct scene *s = scene();
    const char *yes = ask(s, "COMPLETE WO-2");
    const struct inbound in = {
        .kind = INBOUND_MESSAGE, .type = INBOUND_TAP, .payload = str_of(yes)};
    struct view_query query;

    talk_query(a, &s->tenant, &in, &query);
    CHECK_STR("its number", query.typed, command_order_canonical(a, STR("WO-2")));
    tap(s, yes);
    CHECK("done", s->plan.norders == 1 && str_eqz(s->plan.orders[0]->id, "w2"));
}

/* What only shows does nothing else, whatever the assistant calls an order. */
static void test_only_shows(void)
{
    static const char *const commands[] = {"WO WO-1",          "WO WO-1 complete", "WO WO-1 start",
                                           "WO WO-1 cancelled", "WO WO-1 NOTE all is well",
                                           "WO WO-1 done",     "WO status WO-1 completed",
                                           "WO stop all"};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct scene *s = scene();
        const struct inbound in = {.kind = INBOUND_MESSAGE, .type = INBOUND_TEXT, .at = s->now,
                                   .phone = s->user.phone, .text = STR("how is the pump?")};
        const struct assist_answer answer = {.command = str_of(commands[i])};

        plan_init(&s->plan, a, &s->tenant, s->now, STR("in1"));
        assist_decide_chat(&s->view, &in, STR("main"), &answer, &s->plan);
        CHECK_INT(commands[i], s->plan.nevents, 0);
        CHECK_INT(commands[i], s->plan.norders, 0);
        CHECK_INT(commands[i], s->plan.nusers, 0);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_asked), TEST(test_older_question), TEST(test_older_list), TEST(test_old_button), TEST(test_choices_moved), TEST(test_reads_what_it_names), TEST(test_only_shows)};
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
