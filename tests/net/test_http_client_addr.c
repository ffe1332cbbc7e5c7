/* Addresses that a stranger's URL must not reach, however they are written. */
#include "client_fixture.h"

#include <netinet/in.h>
#include <stdio.h>

#include "http_client_int.h"

static void test_addresses(void)
{
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"8.8.8.8",              true },
        {"1.1.1.1",              true },
        {"157.240.1.1",          true },
        {"9.255.255.255",        true },
        {"11.0.0.0",             true },
        {"100.63.255.255",       true },
        {"100.128.0.0",          true },
        {"172.15.255.255",       true },
        {"172.32.0.0",           true },
        {"192.167.255.255",      true },
        {"192.169.0.0",          true },
        {"198.17.255.255",       true },
        {"198.20.0.0",           true },
        {"223.255.255.255",      true },
        {"0.0.0.0",              false},
        {"0.1.2.3",              false},
        {"10.0.0.1",             false},
        {"10.255.255.255",       false},
        {"100.64.0.1",           false},
        {"100.127.255.255",      false},
        {"127.0.0.1",            false},
        {"127.255.255.254",      false},
        {"169.254.169.254",      false},
        {"172.16.0.1",           false},
        {"172.31.255.255",       false},
        {"192.0.0.1",            false},
        {"192.0.2.1",            false},
        {"192.88.99.1",          false},
        {"192.168.0.1",          false},
        {"198.18.0.1",           false},
        {"198.19.255.255",       false},
        {"198.51.100.1",         false},
        {"203.0.113.1",          false},
        {"224.0.0.1",            false},
        {"239.255.255.255",      false},
        {"240.0.0.1",            false},
        {"255.255.255.255",      false},
        {"2606:4700::1111",      true },
        {"2a03:2880:f001::1",    true },
        {"2001:4860:4860::8888", true },
        {"2001:200::1",          true },
        {"::ffff:8.8.8.8",       true },
        {"64:ff9b::808:808",     true },
        {"::",                   false},
        {"::1",                  false},
        {"::127.0.0.1",          false},
        {"::ffff:127.0.0.1",     false},
        {"::ffff:10.0.0.1",      false},
        {"::ffff:a9fe:a9fe",     false},
        {"64:ff9b::7f00:1",      false},
        {"64:ff9b::a9fe:a9fe",   false},
        {"64:ff9b:1::808:808",   false},
        {"100::1",               false},
        {"2001::1",              false},
        {"2001:1ff:ffff::1",     false},
        {"2001:db8::1",          false},
        {"2002:7f00:1::",        false},
        {"2002:808:808::",       false},
        {"3fff:fff::1",          false},
        {"5f00::1",              false},
        {"fc00::1",              false},
        {"fd12:3456::1",         false},
        {"fe80::1",              false},
        {"fec0::1",              false},
        {"ff02::1",              false},
        {"",                     false},
        {"localhost",            false},
        {"0x7f.1",               false},
        {"1.2.3",                false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].text, http_addr_text_public(rows[i].text), rows[i].is_public);
    }
    CHECK("no other families", !http_addr_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static const struct {
    const char *url;
    enum err_code code; /* with public_only */
    bool plain_ok;      /* without */
} urls[] = {
    {"https://example.com/hook?a=b#c",           ERR_NONE,                  true },
    {"http://example.com:8080",                  ERR_NONE,                  true },
    {"HTTPS://EXAMPLE.COM/",                     ERR_NONE,                  true },
    {"https://8.8.8.8/",                         ERR_NONE,                  true },
    {"https://[2606:4700::1111]/",               ERR_NONE,                  true },
    {"https://localhost.example.com/",           ERR_NONE,                  true },
    {"https://notlocalhost/",                    ERR_NONE,                  true },
    {"http://localhost/",                        ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://LOCALHOST:80/",                     ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://localhost./",                       ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://a.localhost/",                      ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://ip6-localhost/",                    ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://127.0.0.1/",                        ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://127.1/",                            ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://0x7f.1/",                           ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://0x7f000001/",                       ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://0177.0.0.1/",                       ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://2130706433/",                       ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://0/",                                ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://%31%32%37.0.0.1/",                  ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://10.1/",                             ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://169.254.169.254/latest/meta-data/", ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[::1]/",                            ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[::]/",                             ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[::ffff:127.0.0.1]/",               ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[0:0:0:0:0:ffff:7f00:1]:80/",       ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[64:ff9b::7f00:1]/",                ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://[fe80::1%25eth0]/",                 ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://127.0.0.1#@example.com/",           ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://127.0.0.1?@example.com/",           ERR_NET_FORBIDDEN_ADDRESS, true },
    {"http://example.com@127.0.0.1/",            ERR_INVALID,               false},
    {"http://127.0.0.1\\@example.com/",          ERR_INVALID,               false},
    {"http://user:pw@example.com/",              ERR_INVALID,               false},
    {"ftp://example.com/",                       ERR_INVALID,               false},
    {"file:///etc/passwd",                       ERR_INVALID,               false},
    {"example.com",                              ERR_INVALID,               false},
    {"//example.com/",                           ERR_INVALID,               false},
    {"http:/example.com/",                       ERR_INVALID,               false},
    {"http://",                                  ERR_INVALID,               false},
    {"https:///path",                            ERR_INVALID,               false},
    {"http://exa mple.com/",                     ERR_INVALID,               false},
    {"http://example.com/a\nb",                  ERR_INVALID,               false},
    {"http://example.com:99999/",                ERR_INVALID,               false},
    {"http://[::1/",                             ERR_INVALID,               false},
    {"",                                         ERR_INVALID,               false},
};

static void test_url_check(void)
{
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct err err = {0};
        bool ok = http_url_check(str_of(urls[i].url), true, &err);

        CHECK_INT(urls[i].url, err.code, urls[i].code);
        CHECK_INT(urls[i].url, ok, urls[i].code == ERR_NONE);
        CHECK_INT(urls[i].url, http_url_check(str_of(urls[i].url), false, NULL), urls[i].plain_ok);
    }
}

/* At the socket: nothing may arrive, whatever the name says. */
static void test_refused(void)
{
    static const char *const hosts[] = {
        "127.0.0.1", "127.1",      "0x7f.1",   "0x7f000001",         "2130706433",
        "0177.1",    "[::1]",      "0",        "[::ffff:127.0.0.1]", "localhost",
        "loop.test", "mixed.test", "10.0.0.1", "[64:ff9b::7f00:1]",  "169.254.169.254",
    };
    struct client_fixture f;
    struct rude_counts counts;
    struct http_client_stats st;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct shot s;
        char url[128];

        snprintf(url, sizeof(url), "http://%s:%d/ok", hosts[i], rude_port(f.server));
        shot_run(&s, &f, i % 2 == 0 ? "POST" : "GET", url, i % 2 == 0 ? STR("body") : STR_NONE,
                 HTTP_PUBLIC_ONLY);
        CHECK_INT(hosts[i], s.err.code, ERR_NET_FORBIDDEN_ADDRESS);
        shot_fini(&s);
    }
    rude_counts(f.server, &counts);
    CHECK_INT("no connection", counts.connections, 0);
    http_client_stats(f.client, &st);
    CHECK_INT("no socket", st.connections_opened, 0);
    client_teardown(&f);
}

/* A connection that another call opened without the rule is not lent to one with it. */
static void test_no_borrowing(void)
{
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 8);
    for (int i = 0; i < 3; i++) {
        shot_run(&s, &f, "POST", "/ok/plain", STR("body"), 0);
        CHECK_INT("without the rule", s.status, 200);
        shot_fini(&s);
        shot_run(&s, &f, "POST", "/ok/guarded", STR("body"), HTTP_PUBLIC_ONLY);
        CHECK_INT("with it", s.err.code, ERR_NET_FORBIDDEN_ADDRESS);
        shot_fini(&s);
    }
    CHECK_INT("not over the open connection", rude_seen(f.server, "guarded"), 0);
    CHECK_INT("the others all", rude_seen(f.server, "plain"), 3);
    client_teardown(&f);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_addresses), TEST(test_url_check),
                                        TEST(test_refused), TEST(test_no_borrowing)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
