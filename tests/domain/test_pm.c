/* Scheduled maintenance, pure: what several people say of it between two strikes of its clock. */
#include "domain/pm.h"

#include "domain/cmms_event.h"
#include "domain/talk.h"
#include "harness.h"

static struct i18n *i18n;
static struct arena *a;
static const struct wall now = {1798000000000};

struct scene {
    struct settings settings;
    struct tenant_settings conf;
    struct tenant tenant;
    struct user people[3];
    struct matter m;
    struct plan plan;
};

static struct scene *scene(void)
{
    static const char *const ids[] = {"u1", "u2", "u3"}, *const names[] = {"Ana", "Ben", "Cem"};
    struct scene *s = ARENA_NEW(a, struct scene);
    struct pm pm = {.id = STR("PM-7"), .task = STR("Change the filter"), .asset = STR("Fan 2"),
                    .due = {now.ms + 86400000}, .told = true};
    struct buf body;

    s->conf = (struct tenant_settings){.id = STR("acme"), .name = STR("Acme Plant"),
                                       .timezone = STR("Europe/Madrid"), .default_language = STR("en")};
    s->tenant = (struct tenant){.conf = &s->conf, .id = s->conf.id, .settings = &s->settings, .i18n = i18n};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        s->people[i] = (struct user){.id = str_of(ids[i]), .name = str_of(names[i]), .phone = STR("+12025550117"),
                                     .roles = ROLE_TECHNICIAN, .verified = true, .language = STR("en"),
                                     .sender = STR("main"), .version = 1};
        pm.people[pm.npeople++] = str_of(ids[i]);
    }
    buf_init(&body, 64 * 1024);
    pm_encode(&pm, &body);
    s->m = (struct matter){.kind = MATTER_PM, .id = pm.id, .body = arena_dup(a, buf_str(&body)), .version = 1};
    buf_fini(&body);
    return s;
}

/* What it is after the turn counts for the next one. */
static void keep(struct scene *s)
{
    CHECK_INT("it is written", s->plan.nmatters, 1);
    if (s->plan.nmatters == 1) {
        s->m = *s->plan.matters[0];
    }
}

static void tap(struct scene *s, size_t who, const char *payload)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE, .type = INBOUND_TAP, .at = now,
                               .phone = s->people[who].phone, .text = STR("a title"),
                               .payload = str_of(payload)};
    struct view view = {.tenant = &s->tenant, .user = &s->people[who], .person = s->people[who].id,
                        .nmatters = 1, .matters = {{&s->m, VIEW_ASKED}}};

    plan_init(&s->plan, a, &s->tenant, now, STR("in1"));
    talk_decide(&view, &in, STR("main"), &s->plan);
    keep(s);
}

static void strike(struct scene *s)
{
    const struct user *people[] = {&s->people[0], &s->people[1], &s->people[2]};
    const struct matter_view v = {.m = &s->m, .people = people, .npeople = ARRAY_LEN(people)};

    plan_init(&s->plan, a, &s->tenant, now, STR("in2"));
    matter_strike(&v, &s->plan);
    keep(s);
}

static bool told(const struct scene *s, size_t who, const char *part)
{
    for (size_t i = 0; i < s->plan.nmessages; i++) {
        const struct message *m = &s->plan.messages[i].m;

        if (str_eq(m->user, s->people[who].id) && str_find(m->text, str_of(part)) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

/* One moves it, another confirms before the clock strikes: who was to hear of the move still does. */
static void test_moved_then_confirmed(void)
{
    struct scene *s = scene();

    tap(s, 0, "y:p:at,1799000000000:PM-7");
    tap(s, 1, "y:p:confirm:PM-7");
    CHECK("the clock is set", s->m.clock.ms == now.ms);
    strike(s);
    CHECK("the third hears it", told(s, 2, "Ana asked for another time"));
    CHECK("who confirmed hears it too", told(s, 1, "Ana asked for another time"));
    CHECK_INT("nobody else", s->plan.nmessages, 2);
    strike(s);
    CHECK_INT("once", s->plan.nmessages, 0);
}

static void test_moved_then_done(void)
{
    struct scene *s = scene();

    tap(s, 0, "y:p:at,1799000000000:PM-7");
    tap(s, 1, "y:p:done:PM-7");
    strike(s);
    CHECK("the last counts", told(s, 2, "Ben has done it") && told(s, 0, "Ben has done it"));
    CHECK_INT("alone", s->plan.nmessages, 2);
}

static void test_confirmed(void)
{
    struct scene *s = scene();

    tap(s, 1, "y:p:confirm:PM-7");
    CHECK_INT("nothing to tell", s->m.clock.ms, 0);
}

static void refuse(struct scene *s, const char *event)
{
    struct user *whose[] = {&s->people[0]};
    const struct cmms_view view = {.matter = &s->m, .users = whose};
    struct json *j = NULL;

    CHECK("event", json_parse(str_of(event), 4096, &j, NULL));
    plan_init(&s->plan, a, &s->tenant, now, STR("in3"));
    cmms_refused(j, STR("not before June"), &view, 1, &s->plan);
    json_free(&j);
    keep(s);
}

/* The wish of one for another time is refused: who had heard of it hears what stands. */
static void test_move_refused(void)
{
    static const char event[] = "{\"type\":\"gateway.pm.reschedule_requested.v1\",\"data\":{\"pm\":{\"id\":\"PM-7\"}}}";
    struct scene *s = scene();

    tap(s, 0, "y:p:at,1799000000000:PM-7");
    strike(s);
    CHECK("he heard of it", told(s, 1, "Ana asked for another time"));
    refuse(s, event);
    CHECK("she hears why", told(s, 0, "not before June"));
    strike(s);
    CHECK("he is reminded of the time it is", told(s, 1, "Maintenance Reminder"));
    CHECK("so is the third", told(s, 2, "Maintenance Reminder"));
    CHECK_INT("she is not", s->plan.nmessages, 2);
    s = scene();
    tap(s, 0, "y:p:at,1799000000000:PM-7");
    refuse(s, event);
    strike(s);
    CHECK_INT("nobody had heard of it", s->plan.nmessages, 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_moved_then_confirmed), TEST(test_moved_then_done),
                                        TEST(test_confirmed), TEST(test_move_refused)};
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
