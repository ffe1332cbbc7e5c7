/* Pages of people: the link that opens the settings, the session it makes, the form and its token,
 * what is saved. */
#include <stdio.h>

#include "base/mem.h"
#include "browser.h"
#include "html.h"
#include "web.h"

static struct world *w;

/* ---- opening it ---- */

static void test_link(void)
{
    struct browser nobody = {.cookie = ""}, b;
    struct reply_to r;

    person(ACME_ADMIN, "p1",
           ",\"name\":\"<b>Ana</b> & \\\"Co\\\" "
           "'x'\",\"language\":\"es\",\"preferences\":{\"classes\":"
           "{\"training\":false},\"quiet_hours\":{\"from\":\"22:00\",\"to\":\"06:30\"}}");
    r = browser_get(&nobody, link_of(0, "p1", 60000));
    CHECK_INT("opens", r.status, 200);
    CHECK_Z("a page", r.type, "text/html; charset=utf-8");
    CHECK("in his language", has(r.body, "<html lang=\"es\" dir=\"ltr\">"));
    CHECK("his company", has(r.body, "Acme Plant"));
    CHECK("what he is called is text",
          has(r.body, "&lt;b&gt;Ana&lt;/b&gt; &amp; &quot;Co&quot; &#39;x&#39;") &&
              !has(r.body, "<b>"));
    CHECK("what is on", has(r.body, "name=\"parts\" type=\"checkbox\" checked>"));
    CHECK("what is off", has(r.body, "name=\"training\" type=\"checkbox\">"));
    CHECK("quiet hours", has(r.body, "value=\"22:00\"") && has(r.body, "value=\"06:30\""));
    CHECK("the language", has(r.body, "<option value=\"es\" selected>"));
    CHECK("zones as people know them", has(r.body, "<option value=\"Asia/Kolkata\">Kolkata<"));
    CHECK("no script, no style in it",
          !has(r.body, "<script") && !has(r.body, "<style") && !has(r.body, " style="));
    CHECK("the policy says so", has(r.policy, "default-src 'none'") && !has(r.policy, "unsafe") &&
                                    !has(r.policy, "script-src") &&
                                    has(r.policy, "frame-ancestors 'none'") &&
                                    has(r.policy, "form-action 'self'"));
    CHECK_Z("forms name their origin, others learn nothing", r.referrer, "same-origin");
    CHECK_Z("not kept", r.cache, "no-store");
    CHECK_Z("no sniffing", r.nosniff, "nosniff");
    CHECK("a cookie for the pages alone", str_starts(r.cookie, STR("crewline_person=acme.")) &&
                                              str_ends(r.cookie, STR("; Path=/whatsapp; HttpOnly; "
                                                                     "SameSite=Strict")));
    b = browser_opened(0, "p1");
    CHECK_INT("the cookie is enough from then on", browser_get(&b, SETTINGS).status, 200);
}

static void check_closed(const char *label, const struct reply_to *r)
{
    CHECK_INT(label, r->status, 403);
    CHECK_Z(label, r->type, "text/html; charset=utf-8");
    CHECK(label, has(r->body, "This page is closed") && has(r->body, "SETTINGS"));
    CHECK(label, r->cookie.n == 0 && !has(r->body, "csrf_token"));
}

static void test_link_once(void)
{
    struct browser nobody = {.cookie = ""}, b = {.cookie = ""}, other;
    const char *url = link_of(0, "p1", 60000);
    struct str cookie, rest;
    struct reply_to r;

    r = ask(w, &(struct ask){.method = "HEAD", .path = url});
    CHECK_INT("looked at", r.status, 200);
    r = ask(w, &(struct ask){
                   .method = "GET", .path = url, .extra = {"Sec-Purpose", "prefetch;prerender"}
    });
    CHECK_INT("guessed by the browser", r.status, 503);
    r = browser_get(&nobody, url);
    CHECK_INT("neither used it up", r.status, 200);
    str_cut(r.cookie, ';', &cookie, &rest);
    b.cookie = arena_dup(w->a, cookie).p;
    r = browser_get(&nobody, url);
    check_closed("used before", &r);
    CHECK("the way back is one tap", has(r.body, "https://wa.me/12025550100?text=SETTINGS"));
    CHECK_INT("reloaded in the browser that used it", browser_get(&b, url).status, 200);
    person(ACME_ADMIN, "p2", "");
    other = browser_opened(0, "p2");
    r = browser_get(&other, url);
    check_closed("in somebody else's browser", &r);
}

static void test_links_refused(void)
{
    struct browser nobody = {.cookie = ""};
    const char *good = link_of(0, "p1", 60000);
    size_t n = strlen(good);
    char *bent = mem_dupz(str_of(good));
    struct str swapped;
    struct reply_to r;

    bent[n - 1] = bent[n - 1] == '0' ? '1' : '0';
    r = browser_get(&nobody, bent);
    check_closed("bent", &r);
    mem_free(&bent);
    r = browser_get(&nobody, link_of(0, "p1", -1));
    check_closed("over", &r);
    r = browser_get(&nobody, link_of(0, "nobody", 60000));
    check_closed("of somebody who is gone", &r);
    r = browser_get(&nobody, SETTINGS);
    check_closed("none", &r);
    CHECK("with two tenants nobody's number is told", !has(r.body, "wa.me"));
    r = browser_get(&nobody, SETTINGS "?token=gamma.1.cDE.00000000000000000000000000000000");
    check_closed("of a tenant that is not there", &r);
    swapped = str_slice(str_of(good), strlen(SETTINGS "?token=acme"), n);
    r = browser_get(&nobody, arena_printf(w->a, SETTINGS "?token=beta%.*s", STR_ARG(swapped)).p);
    check_closed("under another tenant's name", &r);
    r = browser_get(
        &(struct browser){.cookie =
                              "crewline_person=acme.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        SETTINGS);
    check_closed("a cookie made up", &r);
    r = ask(w, &(struct ask){.method = "GET", .path = SETTINGS, .accept = "application/json"});
    check_problem("as JSON", &r, 403, "forbidden", NULL);
}

/* Keys open the API, not the page of a person. */
static void test_keys(void)
{
    for (int who = ACME_ADMIN; who < WHO_COUNT; who++) {
        struct reply_to r = ask(w, &(struct ask){.who = who, .method = "GET", .path = SETTINGS});

        CHECK_INT("a key is no session", r.status, 403);
        r = ask(w, &(struct ask){
                       .who = who,
                       .method = "POST",
                       .path = SETTINGS,
                       .type = FORM,
                       .body = STR("language=es"),
                       .extra = {"Origin", ORIGIN}
        });
        CHECK_INT("nor to save", r.status, 403);
    }
}

/* ---- saving it ---- */

static void test_where_it_comes_from(void)
{
    struct browser b = browser_opened(0, "p1"), other = browser_opened(0, "p2");
    const struct {
        const char *label, *cookie, *token, *origin;
        int status;
    } rows[] = {
        {"no cookie",                "",       b.token,     ORIGIN,                       403},
        {"no token",                 b.cookie, "",          ORIGIN,                       403},
        {"made up",                  b.cookie, "0123",      ORIGIN,                       403},
        {"of another session",       b.cookie, other.token, ORIGIN,                       403},
        {"no origin",                b.cookie, b.token,     NULL,                         403},
        {"a foreign one",            b.cookie, b.token,     "http://evil.test",           403},
        {"\"null\"",                 b.cookie, b.token,     "null",                       403},
        {"ours, but for its scheme", b.cookie, b.token,     "https://gateway.test",       403},
        {"ours, and more",           b.cookie, b.token,     "http://gateway.test.evil.x", 403},
        {"another port",             b.cookie, b.token,     "http://gateway.test:8080",   403},
        {"as it should be",          b.cookie, b.token,     ORIGIN,                       303},
    };
    struct reply_to r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask q = {
            .method = "POST",
            .path = SETTINGS,
            .type = FORM,
            .accept = "text/html",
            .body = arena_printf(w->a, "csrf_token=%s&parts=on&language=fr", rows[i].token),
            .extra = {"Cookie", rows[i].cookie, rows[i].origin != NULL ? "Origin" : NULL,
                      rows[i].origin}
        };

        r = ask(w, &q);
        CHECK_INT(rows[i].label, r.status, rows[i].status);
        r = user_read(ACME_VIEWER, "p1");
        CHECK(rows[i].label, str_eqz(at(&r, "language"), rows[i].status == 303 ? "fr" : "es"));
    }
    r = ask(w, &(struct ask){
                   .method = "POST",
                   .path = SETTINGS,
                   .type = FORM,
                   .body = STR("language=hi"),
                   .extra = {"Cookie", b.cookie, "Origin", ORIGIN, "X-CSRF-Token", b.token}
    });
    CHECK_INT("the token in its header", r.status, 303);
}

static void test_saved(void)
{
    struct browser b = browser_opened(0, "p2");
    size_t before = events_of(ACME_ADMIN, "gateway.person.preferences_changed.v1", "p2");
    struct reply_to r =
        browser_post(&b, "assignments=on&emergency=on&language=ar&timezone=Asia/Kolkata&"
                         "quiet_from=21:15&quiet_to=5:00");

    CHECK_INT("on to the page", r.status, 303);
    CHECK_Z("of this address", r.location, "settings?saved=1");
    r = browser_get(&b, SETTINGS "?saved=1");
    CHECK("in the new language", has(r.body, "<html lang=\"ar\" dir=\"rtl\">"));
    CHECK("says that it is saved", has(r.body, "role=\"status\""));
    r = user_read(ACME_VIEWER, "p2");
    CHECK("what was ticked", is_on(&r, "assignments") && is_on(&r, "emergency"));
    CHECK("what was not", !is_on(&r, "parts") && !is_on(&r, "training"));
    CHECK_Z("language", at(&r, "language"), "ar");
    CHECK_Z("time zone", at(&r, "timezone"), "Asia/Kolkata");
    CHECK_Z("from", at(&r, "preferences.quiet_hours.from"), "21:15");
    CHECK_Z("to", at(&r, "preferences.quiet_hours.to"), "05:00");
    CHECK("no consent was withdrawn", json_len(json_get(r.j, "opted_out")) == 0);
    CHECK_INT("the CMMS hears of it",
              events_of(ACME_ADMIN, "gateway.person.preferences_changed.v1", "p2"), before + 1);
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/audit?limit=1", NULL);
    CHECK_Z("the trail", at(&r, "items.0.what"), "user.settings");
    CHECK_Z("names who", at(&r, "items.0.by"), "person p2");
    CHECK_Z("and whom", at(&r, "items.0.subject"), "p2");
    r = browser_post(&b, "language=en&timezone=&quiet_from=&quiet_to=");
    CHECK_INT("all off", r.status, 303);
    r = user_read(ACME_VIEWER, "p2");
    CHECK("all are", !is_on(&r, "assignments") && !is_on(&r, "emergency"));
    CHECK("no quiet hours", json_kind(json_path(r.j, "preferences.quiet_hours")) == JSON_NULL);
    CHECK_Z("the plant's zone", at(&r, "timezone"), "");
}

static void test_wrong_fields(void)
{
    static const struct {
        const char *form, *json, *member;
    } rows[] = {
        {"language=tlh",                    "{\"language\":\"tlh\"}",                           "language"  },
        {"language=",                       "{\"language\":null}",                              "language"  },
        {"timezone=Mars/Base",              "{\"timezone\":\"Mars/Base\"}",                     "timezone"  },
        {"quiet_from=22:00&quiet_to=",      "{\"quiet_from\":\"22:00\"}",                       "quiet_to"  },
        {"quiet_from=&quiet_to=06:00",      "{\"quiet_to\":\"06:00\"}",                         "quiet_from"},
        {"quiet_from=25:00&quiet_to=06:00", "{\"quiet_from\":\"25:00\",\"quiet_to\":\"6:00\"}",
         "quiet_from"                                                                                       },
        {"quiet_from=22:00&quiet_to=x",     "{\"quiet_from\":\"22:00\",\"quiet_to\":\"x\"}",
         "quiet_to"                                                                                         },
        {"quiet_from=22:00&quiet_to=<b>",   "{\"quiet_from\":\"22:00\",\"quiet_to\":\"6\"}",
         "quiet_to"                                                                                         },
    };
    struct browser b = browser_opened(0, "p2");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = browser_post(&b, rows[i].form);
        const char *field =
            arena_printf(w->a, "name=\"%s\" aria-invalid=\"true\"", rows[i].member).p;

        CHECK_INT(rows[i].form, r.status, 422);
        CHECK(rows[i].form, has(r.body, field) && has(r.body, "role=\"alert\""));
        CHECK(rows[i].form, has(r.body, arena_printf(w->a, "id=\"%s_error\"", rows[i].member).p) &&
                                !has(r.body, "<b>"));
        r = browser_json(&b, rows[i].json);
        check_problem(rows[i].json, &r, 422, "invalid", rows[i].member);
    }
    CHECK_INT("a body that is neither",
              ask(w,
                  &(struct ask){
                      .method = "POST",
                      .path = SETTINGS,
                      .type = "text/plain",
                      .body = STR("x"),
                      .extra = {"Cookie", b.cookie, "Origin", ORIGIN}
    })
                  .status,
              415);
}

static void test_json(void)
{
    struct browser b = browser_opened(0, "p2");
    struct reply_to r = ask(w, &(struct ask){
                                   .method = "GET",
                                   .path = SETTINGS,
                                   .accept = "application/json",
                                   .extra = {"Cookie", b.cookie}
    });

    CHECK_Z("the token for scripts", at(&r, "csrf_token"), b.token);
    CHECK_Z("and who it is", at(&r, "person.id"), "p2");
    r = browser_json(&b, "{\"parts\":true,\"checklists\":true}");
    CHECK_INT("saved", r.status, 200);
    CHECK("true and false change what they name", is_on(&r, "parts") && is_on(&r, "checklists"));
    r = browser_json(&b, "{\"parts\":false,\"language\":\"pt\"}");
    CHECK("and nothing else", !is_on(&r, "parts") && is_on(&r, "checklists"));
    CHECK_Z("as the API answers", at(&r, "language"), "pt");
    r = browser_json(&b, "{\"updates\":\"on\",\"quiet_from\":\"23:00\",\"quiet_to\":\"04:00\"}");
    CHECK("the form as JSON is the form", is_on(&r, "updates") && !is_on(&r, "checklists"));
    CHECK_Z("quiet", at(&r, "preferences.quiet_hours.from"), "23:00");
    r = browser_json(&b, "{\"quiet_from\":null,\"quiet_to\":null}");
    CHECK("none any more", json_kind(json_path(r.j, "preferences.quiet_hours")) == JSON_NULL);
    CHECK("classes as they were", is_on(&r, "updates"));
}

/* What STOP stopped is shown as off; switching it on there is consent again. */
static void test_after_stop(void)
{
    struct browser b;
    struct reply_to r;

    person(ACME_ADMIN, "p3", ",\"opted_out\":[\"parts\",\"training\"]");
    b = browser_opened(0, "p3");
    r = browser_get(&b, SETTINGS);
    CHECK("shown as off", has(r.body, "name=\"parts\" type=\"checkbox\">"));
    browser_post(&b, "assignments=on&parts=on");
    r = user_read(ACME_VIEWER, "p3");
    CHECK("wanted again", is_on(&r, "parts") && items(&r) == 0);
    CHECK_Z("the other stays stopped", at(&r, "opted_out.0"), "training");
    CHECK_INT("one of them", json_len(json_get(r.j, "opted_out")), 1);
    CHECK_INT("told", events_of(ACME_ADMIN, "gateway.person.opted_in.v1", "p3"), 1);
    ask_json(w, ACME_ADMIN, "PUT", "/api/v1/users/p3", "{\"opted_out\":\"all\"}");
    browser_post(&b, "language=es");
    r = user_read(ACME_VIEWER, "p3");
    CHECK_Z("STOP ALL stays when nothing is switched on", at(&r, "opted_out"), "all");
    browser_post(&b, "reminders=on");
    r = user_read(ACME_VIEWER, "p3");
    CHECK_INT("and ends when something is", json_len(json_get(r.j, "opted_out")), 0);
    CHECK("that alone",
          is_on(&r, "reminders") && !is_on(&r, "assignments") && !is_on(&r, "emergency"));
}

/* Behind https, and below a path of its own. */
static void test_public_url(void)
{
    struct browser nobody = {.cookie = "", .token = ""}, b;
    struct str kept = w->settings->public_url;
    struct reply_to r;

    w->settings->public_url = STR("https://gateway.test:443/wa");
    r = browser_get(&nobody, link_of(0, "p1", 60000));
    CHECK("a cookie for https, where the pages are",
          str_ends(r.cookie, STR("; Path=/wa/whatsapp; HttpOnly; SameSite=Strict; Secure")));
    CHECK("addresses do not leave the path",
          has(r.body, "href=\"../static/") && has(r.body, "action=\"settings\""));
    b = browser_opened(0, "p1");
    CHECK_INT("http is another origin", browser_post(&b, "language=es").status, 403);
    r = ask(w, &(struct ask){
                   .method = "POST",
                   .path = SETTINGS,
                   .type = FORM,
                   .body = STR("language=es"),
                   .extra = {"Cookie", b.cookie, "Origin", "https://gateway.test", "X-CSRF-Token",
                             b.token}
    });
    CHECK_INT("ours is as browsers write it", r.status, 303);
    w->settings->public_url = kept;
}

/* What a form cannot show more precisely stays as it is. */
static void test_dialect(void)
{
    struct browser b;
    struct reply_to r;

    person(ACME_ADMIN, "p5", ",\"language\":\"es-MX\",\"timezone\":\"Etc/GMT+6\"");
    b = browser_opened(0, "p5");
    r = browser_get(&b, SETTINGS);
    CHECK("his zone is there, though not in the list",
          has(r.body, "<option value=\"Etc/GMT+6\" selected>"));
    CHECK_INT("saved", browser_post(&b, "language=es&timezone=Etc/GMT%2B6&parts=on").status, 303);
    r = user_read(ACME_VIEWER, "p5");
    CHECK_Z("of Mexico still", at(&r, "language"), "es-MX");
    CHECK_Z("his zone", at(&r, "timezone"), "Etc/GMT+6");
}

static void test_tenants(void)
{
    struct browser mine = browser_opened(0, "p1");
    struct reply_to r;
    const char *foreign;

    person(BETA_ADMIN, "p1", ",\"language\":\"en\"");
    browser_post(&mine, "language=pt");
    r = user_read(BETA_VIEWER, "p1");
    CHECK_Z("his namesake elsewhere is not touched", at(&r, "language"), "en");
    foreign = arena_printf(w->a, "crewline_person=beta%s", strchr(mine.cookie, '.')).p;
    r = browser_get(&(struct browser){.cookie = foreign}, SETTINGS);
    check_closed("a cookie under another tenant's name", &r);
}

/* The session began @ms ago. */
static void since(struct str key, int64_t ms)
{
    const char *value = arena_printf(w->a, "%lld|p4", (long long)(wall_now().ms - ms)).p;

    redis("SET", key, value, "KEEPTTL");
}

static void test_session_ends(void)
{
    struct browser b, gone;
    struct redis_answer key;
    struct reply_to r;

    redis("FLUSHALL", STR("SYNC"), NULL, NULL); /* the only session there is: the next one */
    person(ACME_ADMIN, "p4", "");
    b = browser_opened(0, "p4");
    key = redis("KEYS", STR("{acme}:ss:*"), NULL, NULL);
    CHECK("kept as a hash of it", key.text.n > 0 && !has(key.text, strchr(b.cookie, '.') + 1));
    CHECK("it ends when left alone",
          redis("PTTL", key.text, NULL, NULL).n > SESSION_IDLE_MS - 60000 &&
              redis("PTTL", key.text, NULL, NULL).n <= SESSION_IDLE_MS);
    redis("PEXPIRE", key.text, "60000", "GT");
    since(key.text, 42900000); /* 11 h 55 min */
    CHECK_INT("late, but open", browser_get(&b, SETTINGS).status, 200);
    CHECK("not beyond its last hour", redis("PTTL", key.text, NULL, NULL).n <= 300000);
    since(key.text, 43200001);
    r = browser_get(&b, SETTINGS);
    check_closed("after twelve hours", &r);
    CHECK_INT("nothing of it stays", redis("EXISTS", key.text, NULL, NULL).n, 0);
    gone = browser_opened(0, "p4");
    CHECK_INT("deleted", ask_json(w, ACME_ADMIN, "DELETE", "/api/v1/users/p4", NULL).status, 204);
    r = browser_get(&gone, SETTINGS);
    check_closed("nobody's any more", &r);
}

/* Who has his old telephone has nothing of his any more. */
static void test_number_moved(void)
{
    struct browser old, fresh, nobody = {.cookie = ""};
    struct str cookie, rest;
    const char *link;
    struct reply_to r;

    person(ACME_ADMIN, "p5", ",\"phone\":\"+34600000501\"");
    old = browser_opened(0, "p5");
    link = link_of(0, "p5", LINK_SETTINGS_MS - 1000);
    r = ask_json(w, ACME_ADMIN, "PUT", "/api/v1/users/p5", "{\"name\":\"P\"}");
    CHECK_INT("a name alone", r.status, 200);
    CHECK_INT("moves nothing", browser_get(&old, SETTINGS).status, 200);
    CHECK_INT("another number",
              ask_json(w, ACME_ADMIN, "PUT", "/api/v1/users/p5",
                       "{\"phone\":\"+34600000502\",\"verified\":true}")
                  .status,
              200);
    r = browser_get(&old, SETTINGS);
    check_closed("the browser of the old one", &r);
    r = browser_post(&old, "language=fr");
    check_closed("nor is anything saved", &r);
    r = browser_get(&nobody, link);
    check_closed("a link that went to the old one", &r);
    world_run(w, 5);
    r = browser_get(&nobody, link_of(0, "p5", LINK_SETTINGS_MS));
    CHECK_INT("one that goes to the new one", r.status, 200);
    str_cut(r.cookie, ';', &cookie, &rest);
    fresh = (struct browser){.cookie = arena_dup(w->a, cookie).p};
    CHECK_INT("opens, and stays open", browser_get(&fresh, SETTINGS).status, 200);
    CHECK_INT("deleted", ask_json(w, ACME_ADMIN, "DELETE", "/api/v1/users/p5", NULL).status, 204);
    person(ACME_ADMIN, "p5", ",\"phone\":\"+34600000503\"");
    r = browser_get(&fresh, SETTINGS);
    check_closed("another person of the same id", &r);
}

/* ---- what pages are made of ---- */

static void test_files(void)
{
    struct reply_to page = browser_get(&(struct browser){.cookie = ""}, SETTINGS);
    const char *href = between(page.body, "href=\"../", "\"");
    struct reply_to r = ask_json(w, NOBODY, "GET", arena_printf(w->a, "/%s", href).p, NULL);

    CHECK_INT("there", r.status, 200);
    CHECK_Z("a style sheet", r.type, "text/css; charset=utf-8");
    CHECK_Z("kept for good under its version", r.cache, "public, max-age=31536000, immutable");
    CHECK_Z("no sniffing", r.nosniff, "nosniff");
    r = ask_json(w, NOBODY, "GET", "/static/page.css?v=000000000000", NULL);
    CHECK_Z("not under another", r.cache, "no-cache");
    r = ask_json(w, NOBODY, "GET", "/static/..%2fpage.css", NULL);
    check_problem("nothing else", &r, 404, "not-found", NULL);
}

static void test_html(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"plain",                                "plain"                     },
        {"a<b>&\"'",                             "a&lt;b&gt;&amp;&quot;&#39;"},
        {"&lt;",                                 "&amp;lt;"                  },
        {"\xd8\xb9<",                            "\xd8\xb9&lt;"              },
        {"</textarea><script>alert(1)</script>",
         "&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;"            },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct html h;
        const char *want =
            arena_printf(w->a, "<!DOCTYPE html>\n<p title=\"%s\">%s<input name=\"%s\"></p>\n",
                         rows[i].want, rows[i].want, rows[i].want)
                .p;

        buf_init(&out, 4096);
        html_init(&h, &out);
        html_tag(&h, "p");
        html_attr(&h, "title", str_of(rows[i].text));
        html_text(&h, str_of(rows[i].text));
        html_tag(&h, "input");
        html_attr(&h, "name", str_of(rows[i].text));
        html_fini(&h);
        CHECK_Z(rows[i].text, buf_str(&out), want);
        buf_fini(&out);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_html),          TEST(test_link),         TEST(test_link_once),
        TEST(test_links_refused), TEST(test_keys),         TEST(test_where_it_comes_from),
        TEST(test_saved),         TEST(test_wrong_fields), TEST(test_json),
        TEST(test_after_stop),    TEST(test_public_url),   TEST(test_dialect),
        TEST(test_tenants),       TEST(test_files),        TEST(test_session_ends), TEST(test_number_moved),
    };
    int code;

    w = world_new();
    browser_use(w);
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
