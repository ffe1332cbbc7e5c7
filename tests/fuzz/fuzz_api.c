/*
 * What the CMMS posts: any JSON as an event, an order, a person. What is taken must survive being stored and
 * read, and being decided upon; what is refused must name a reason.
 */
#include <stdlib.h>

#include "domain/cmms_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct i18n *i18n;
static struct settings settings;
static struct tenant_settings conf;
static struct tenant tenant;

static void prepare(void)
{
    static const uint8_t master[32] = {1};
    struct err err = {0};
    struct buf wrapped;

    if (i18n != NULL) {
        return;
    }
    if (!i18n_new(NULL, &i18n, &err)) {
        abort();
    }
    settings.public_url = STR("https://wa.example.com");
    conf = (struct tenant_settings){.id = STR("t"), .name = STR("T"), .timezone = STR("Europe/Madrid"),
                                    .default_language = STR("es")};
    tenant = (struct tenant){.conf = &conf, .id = conf.id, .settings = &settings, .i18n = i18n};
    buf_init(&wrapped, 256);
    vault_key_make(master, conf.id, &wrapped);
    if (!vault_new(master, NULL, conf.id, buf_str(&wrapped), &tenant.vault, &err)) {
        abort();
    }
    buf_fini(&wrapped);
}

static void refused(const struct err *err)
{
    if (err->code == ERR_NONE || err->msg[0] == '\0') {
        abort(); /* refused without a word */
    }
}

static void as_order(struct arena *a, const struct json *j)
{
    struct order o, back;
    struct err err = {0};
    struct buf b;

    if (!order_from_json(a, j, &o, &err)) {
        refused(&err);
        return;
    }
    buf_init(&b, (size_t)4 << 20);
    order_encode(&o, &b);
    if (buf_ok(&b) && (!order_decode(a, buf_str(&b), 1, &back, &err) || !str_eq(back.id, o.id) ||
                       !str_eq(back.number, o.number) || back.status != o.status)) {
        abort();
    }
    buf_fini(&b);
}

static void as_person(struct arena *a, const struct json *j)
{
    struct user u, back, base = {.id = STR("u1")};
    struct err err = {0};
    struct buf b;

    if (!user_from_json(a, j, &base, &u, &err)) {
        refused(&err);
        return;
    }
    buf_init(&b, (size_t)4 << 20);
    user_encode(&u, &b);
    if (buf_ok(&b) && (!user_decode(a, buf_str(&b), 1, &back, &err) || !str_eq(back.phone, u.phone) ||
                       back.roles != u.roles || back.off != u.off)) {
        abort();
    }
    buf_fini(&b);
}

static void as_event(struct arena *a, const struct json *j)
{
    struct cmms_event e;
    struct cmms_reads *reads = ARENA_NEW(a, struct cmms_reads);
    struct cmms_view view = {0};
    struct plan plan;
    struct err err = {0};

    if (!cmms_event_parse(a, j, &e, &err)) {
        refused(&err);
        return;
    }
    cmms_event_phones(a, &e, reads);
    cmms_event_reads(a, &tenant, &e, reads);
    view.users = ARENA_ARRAY(a, struct user *, reads->nusers + 1);
    view.versions = ARENA_ARRAY(a, int64_t, reads->nusers + 1);
    view.damaged = ARENA_ARRAY(a, bool, reads->nusers + 1);
    for (size_t i = 0; i < reads->nusers; i += 2) { /* every second one is known */
        view.users[i] = ARENA_NEW(a, struct user);
        *view.users[i] = (struct user){.id = reads->users[i], .phone = STR("+12025550117"), .roles = ROLE_TECHNICIAN,
                                       .verified = true, .version = 1};
        view.versions[i] = 1;
    }
    plan_init(&plan, a, &tenant, (struct wall){1798000000000}, e.id);
    if (!cmms_event_decide(&e, reads, &view, &plan, &err)) {
        refused(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new();
    struct err err = {0};
    struct json *j = NULL;

    prepare();
    if (json_parse(str_make(data, n), (size_t)1 << 20, &j, &err)) {
        as_order(a, j);
        as_person(a, j);
        as_event(a, j);
    } else {
        refused(&err);
    }
    json_free(&j);
    arena_free(&a);
    return 0;
}
