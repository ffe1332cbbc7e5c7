/* /whatsapp/verify: codes: sent, right, wrong, over, too many; that the page tells nobody who is
 * known. */
#include <stdio.h>

#include "browser.h"

static struct world *w;

#define VERIFY "/whatsapp/verify"

static struct reply_to verify(const char *form)
{
    return ask(w, &(struct ask){
                      .method = "POST",
                      .path = VERIFY,
                      .type = FORM,
                      .accept = "text/html",
                      .body = str_of(form),
                      .extra = {"Origin", ORIGIN}
    });
}

static struct reply_to verify_json(const char *body)
{
    return ask_json(w, NOBODY, "POST", VERIFY, body);
}

/* The code of the last message to @id: what is sealed in its record. */
static const char *code_of(size_t t, const char *id)
{
    struct reply_to log = ask_json(w, t == 0 ? ACME_ADMIN : BETA_ADMIN, "GET",
                                   arena_printf(w->a, "/api/v1/messages?user=%s", id).p, NULL);
    struct str message = at(&log, "items.0.id");
    struct str key = arena_printf(w->a, "m:%.*s", STR_ARG(message)), text;
    struct redis_answer sealed =
        redis("HGET", arena_printf(w->a, "{%.*s}:%.*s", STR_ARG(tenant_at(t)->id), STR_ARG(key)),
              "b", NULL);
    struct message m;
    struct err err = {0};

    CHECK("what the log shows of it is no code",
          has(at(&log, "items.0.text"), "\xe2\x80\xa2\xe2\x80\xa2"));
    if (!vault_open_arena(tenant_at(t)->vault, w->a, key, "b", sealed.text, &text, &err) ||
        !message_decode(w->a, text, &m, &err)) {
        printf("    %s\n", err.msg);
        return "";
    }
    CHECK_INT("one sending", m.max_sends, 1);
    CHECK_Z("by the template of codes", m.template_.name, "crewline_code");
    CHECK("over in ten minutes", m.expires.ms - m.created.ms == 600000);
    CHECK("the code is in its text", has(m.text, m.template_.params[0].value.p));
    CHECK("and not in the log", !has(log.body, m.template_.params[0].value.p));
    return m.template_.params[0].value.p;
}

static size_t messages_of(enum who who, const char *id)
{
    struct reply_to r =
        ask_json(w, who, "GET", arena_printf(w->a, "/api/v1/messages?user=%s", id).p, NULL);

    return items(&r);
}

static void test_verify(void)
{
    struct browser b = {.cookie = "", .token = ""};
    const char *code;
    struct str cookie, rest;
    size_t told;
    struct reply_to r = browser_get(&b, VERIFY);

    CHECK_INT("public", r.status, 200);
    CHECK("asks for the number", has(r.body, "name=\"phone\"") && has(r.body, "type=\"tel\""));
    CHECK_INT("v1",
              ask_json(w, ACME_ADMIN, "POST", "/api/v1/users",
                       "{\"id\":\"v1\",\"phone\":\"+34600000001\",\"language\":\"es\"}")
                  .status,
              201);
    told = messages_of(ACME_ADMIN, "v1");
    r = verify("phone=%2B34%20600-000-001");
    CHECK_INT("sent", r.status, 200);
    CHECK("asks for the code", has(r.body, "name=\"code\"") && has(r.body, "one-time-code") &&
                                   has(r.body, "value=\"+34600000001\""));
    CHECK_INT("one message", messages_of(ACME_ADMIN, "v1"), told + 1);
    code = code_of(0, "v1");
    CHECK_INT("six digits", strlen(code), 6);
    r = verify("phone=%2B34600000001&code=12345");
    CHECK_INT("not a code", r.status, 422);
    CHECK("said beside it", has(r.body, "id=\"code_error\"") && has(r.body, "aria-invalid"));
    r = user_read(ACME_VIEWER, "v1");
    CHECK("not verified by that", !json_get_bool(r.j, "verified", true));
    r = verify(arena_printf(w->a, "phone=0034600000001&code=%.3s+%s", code, code + 3).p);
    CHECK_INT("the code, as people type it", r.status, 200);
    CHECK("in his language", has(r.body, "<html lang=\"es\""));
    r = user_read(ACME_VIEWER, "v1");
    CHECK("verified", json_get_bool(r.j, "verified", false));
    CHECK_INT("told", events_of(ACME_ADMIN, "gateway.person.verified.v1", "v1"), 1);
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/audit?limit=1", NULL);
    CHECK_Z("in the trail", at(&r, "items.0.what"), "user.verify");
    r = verify(arena_printf(w->a, "phone=%%2B34600000001&code=%s", code).p);
    CHECK_INT("a code is good once", r.status, 422);
    r = verify_json("{\"phone\":\"+34600000001\"}");
    CHECK_INT("who is verified may ask for one too", r.status, 202);
    CHECK_Z("as JSON", at(&r, "status"), "sent");
    r = verify_json(
        arena_printf(w->a, "{\"phone\":\"+34600000001\",\"code\":\"%s\"}", code_of(0, "v1")).p);
    CHECK_INT("it opens the settings", r.status, 200);
    str_cut(r.cookie, ';', &cookie, &rest);
    b.cookie = arena_dup(w->a, cookie).p;
    b.token = at(&r, "csrf_token").p;
    CHECK_INT("with the session that comes along", browser_get(&b, SETTINGS).status, 200);
    CHECK_INT("and its token", browser_json(&b, "{\"parts\":false}").status, 200);
    CHECK_INT("he is verified once", events_of(ACME_ADMIN, "gateway.person.verified.v1", "v1"), 1);
    ask_json(w, ACME_ADMIN, "PUT", "/api/v1/users/v1", "{\"phone\":\"+34600000011\"}");
    CHECK_INT("until he has another number", browser_get(&b, SETTINGS).status, 403);
}

static void test_verify_tells_nothing(void)
{
    static const char *const steps[] = {"", "&code=000000", "&code=abc"};
    struct reply_to known, unknown;

    ask_json(w, ACME_ADMIN, "POST", "/api/v1/users", "{\"id\":\"v2\",\"phone\":\"+34600000002\"}");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        known = verify(arena_printf(w->a, "phone=%%2B34600000002%s", steps[i]).p);
        unknown = verify(arena_printf(w->a, "phone=%%2B34600000009%s", steps[i]).p);
        CHECK_INT(steps[i], known.status, unknown.status);
        CHECK_INT(steps[i], known.body.n, unknown.body.n);
        CHECK(steps[i], known.ms >= 400 && unknown.ms >= 400);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_INT("three an hour", verify("phone=%2B34600000002").status, 200);
        CHECK_INT("whoever it is", verify("phone=%2B34600000009").status, 200);
    }
    known = verify("phone=%2B34600000002");
    unknown = verify("phone=%2B34600000009");
    CHECK_INT("not a fourth", known.status, 429);
    CHECK_INT("of nobody either", unknown.status, 429);
    CHECK_INT("the same words", known.body.n, unknown.body.n);
    CHECK("when it goes on", known.retry_after.n > 0);
    known = verify_json("{\"phone\":\"+34600000002\"}");
    check_problem("as JSON", &known, 429, "too-many-requests", "phone");
    ask_json(w, ACME_ADMIN, "POST", "/api/v1/users",
             "{\"id\":\"v5\",\"phone\":\"+34600000005\",\"opted_out\":\"all\"}");
    CHECK_INT("who wants nothing", verify("phone=%2B34600000005").status, 200);
    CHECK_INT("gets nothing", messages_of(ACME_ADMIN, "v5"), 0);
}

/* The code of a phone was made @ms earlier. */
static void older(const char *phone, int64_t ms)
{
    struct str hash = vault_hash_arena(tenant_at(0)->vault, w->a, "phone", str_of(phone));
    struct str key = arena_printf(w->a, "{acme}:vc:%.*s", STR_ARG(hash));
    int64_t at_ms = 0;

    str_to_i64(redis("HGET", key, "at", NULL).text, 0, INT64_MAX, &at_ms);
    CHECK("it is kept as a hash", at_ms > 0);
    redis("HINCRBY", key, "at", arena_printf(w->a, "%lld", (long long)-ms).p);
}

static void test_verify_tries(void)
{
    const char *code, *wrong;
    struct reply_to r;

    ask_json(w, ACME_ADMIN, "POST", "/api/v1/users", "{\"id\":\"v3\",\"phone\":\"+34600000003\"}");
    verify("phone=%2B34600000003");
    code = code_of(0, "v3");
    wrong = strcmp(code, "111111") == 0 ? "222222" : "111111";
    for (int i = 0; i < 5; i++) {
        r = verify(arena_printf(w->a, "phone=%%2B34600000003&code=%s", wrong).p);
        CHECK_INT("wrong", r.status, 422);
    }
    r = verify(arena_printf(w->a, "phone=%%2B34600000003&code=%s", code).p);
    CHECK_INT("after five tries the right one is of no use", r.status, 422);
    verify("phone=%2B34600000003");
    wrong = code;
    code = code_of(0, "v3");
    if (strcmp(code, wrong) != 0) {
        r = verify(arena_printf(w->a, "phone=%%2B34600000003&code=%s", wrong).p);
        CHECK_INT("nor one before the last", r.status, 422);
    }
    older("+34600000003", 595000);
    r = verify(arena_printf(w->a, "phone=%%2B34600000003&code=%s", code).p);
    CHECK_INT("just in time", r.status, 200);
    verify("phone=%2B34600000003");
    code = code_of(0, "v3");
    older("+34600000003", 600000);
    r = verify(arena_printf(w->a, "phone=%%2B34600000003&code=%s", code).p);
    CHECK_INT("after ten minutes", r.status, 422);
}

static void test_verify_tenants(void)
{
    struct reply_to r;
    const char *code;

    for (int i = 0; i < 2; i++) {
        ask_json(w, i == 0 ? ACME_ADMIN : BETA_ADMIN, "POST", "/api/v1/users",
                 "{\"id\":\"v4\",\"phone\":\"+34600000004\"}");
    }
    verify("phone=%2B34600000004");
    code = code_of(1, "v4");
    CHECK("each its own", strcmp(code, code_of(0, "v4")) != 0);
    r = verify(arena_printf(w->a, "phone=%%2B34600000004&code=%s", code).p);
    CHECK_INT("the code of one", r.status, 200);
    r = user_read(BETA_VIEWER, "v4");
    CHECK("verifies there", json_get_bool(r.j, "verified", false));
    r = user_read(ACME_VIEWER, "v4");
    CHECK("and not elsewhere", !json_get_bool(r.j, "verified", true));
}

static void test_verify_fields(void)
{
    static const char *const phones[] = {"", "12", "0600000001", "%2B", "<b>", "%2B1202555abc",
                                         "+"};
    struct reply_to r;

    for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
        r = verify(arena_printf(w->a, "phone=%s", phones[i]).p);
        CHECK_INT(phones[i], r.status, 422);
        CHECK(phones[i], has(r.body, "id=\"phone_error\"") && !has(r.body, "<b>"));
    }
    r = verify_json("{}");
    check_problem("none", &r, 422, "invalid", "phone");
    r = ask(w, &(struct ask){
                   .method = "POST",
                   .path = VERIFY,
                   .type = FORM,
                   .body = STR("phone=%2B34600000001"),
                   .extra = {"Origin", "http://evil.test"}
    });
    CHECK_INT("from elsewhere", r.status, 403);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_verify),         TEST(test_verify_tells_nothing), TEST(test_verify_tries),
        TEST(test_verify_tenants), TEST(test_verify_fields),
    };
    int code;

    w = world_new();
    browser_use(w);
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
