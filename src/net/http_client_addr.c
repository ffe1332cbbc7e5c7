#include "http_client_int.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/mem.h"

/*
 * Addresses that no stranger may make us call.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6052 (NAT64), RFC 4291
 * (mapped).
 */
static const struct {
    uint32_t net;
    unsigned bits;
} forbidden4[] = {
    {0x00000000, 8 }, /* this network, unspecified */
    {0x0a000000, 8 }, /* private */
    {0x64400000, 10}, /* carrier-grade NAT */
    {0x7f000000, 8 }, /* loopback */
    {0xa9fe0000, 16}, /* link-local, and the metadata services of the clouds */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays, withdrawn */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4 }, /* multicast */
    {0xf0000000, 4 }, /* reserved, broadcast */
};

/* Within 2000::/3, the only block in use; all else is forbidden without being named. */
static const struct {
    uint8_t net[4];
    unsigned bits;
} forbidden6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4: carries any IPv4 address */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool public4(uint32_t ip)
{
    for (size_t i = 0; i < ARRAY_LEN(forbidden4); i++) {
        uint32_t mask = ~(uint32_t)0 << (32 - forbidden4[i].bits);

        if ((ip & mask) == forbidden4[i].net) {
            return false;
        }
    }
    return true;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool public6(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    /* A mapped address is IPv4 on the wire; 64:ff9b::/96 is how an IPv6-only host reaches IPv4. */
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0) {
        return public4(be32(ip + 12));
    }
    if ((ip[0] & 0xe0) != 0x20) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(forbidden6); i++) {
        uint32_t mask = ~(uint32_t)0 << (32 - forbidden6[i].bits);

        if ((be32(ip) & mask) == be32(forbidden6[i].net)) {
            return false;
        }
    }
    return true;
}

bool http_addr_public(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        return public6(in6.sin6_addr.s6_addr);
    }
    return false;
}

/* 1: public, 0: not, -1: no address. */
static int address_kind(const char *text)
{
    struct in_addr in;
    struct in6_addr in6;

    if (inet_pton(AF_INET, text, &in) == 1) {
        return public4(ntohl(in.s_addr)) ? 1 : 0;
    }
    if (inet_pton(AF_INET6, text, &in6) == 1) {
        return public6(in6.s6_addr) ? 1 : 0;
    }
    return -1;
}

bool http_addr_text_public(const char *text)
{
    return address_kind(text) == 1;
}

/* Names that mean this machine wherever they are asked (RFC 6761), with or without the root's dot.
 */
static bool name_is_local(struct str host)
{
    static const char *const names[] = {"localhost", "ip6-localhost", "ip6-loopback",
                                        "localhost.localdomain"};
    static const struct str under = {".localhost", 10};

    while (host.n > 0 && host.p[host.n - 1] == '.') {
        host.n--;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_ieq(host, str_of(names[i]))) {
            return true;
        }
    }
    return host.n > under.n && str_ieq(str_slice(host, host.n - under.n, host.n), under);
}

static bool host_check(char *host, struct err *err)
{
    size_t n = strlen(host);
    int kind;

    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        kind = address_kind(host + 1);
        host[n - 1] = ']';
        if (kind < 0) {
            return err_set(err, ERR_INVALID, "url has a bad IPv6 address");
        }
    } else {
        kind = address_kind(host);
    }
    if (kind == 0 || name_is_local(str_of(host))) {
        return err_set(err, ERR_NET_FORBIDDEN_ADDRESS, "host \"%.100s\" is not a public address",
                       host);
    }
    return true;
}

bool http_url_check(struct str url, bool public_only, struct err *err)
{
    CURLU *u;
    char *z, *host = NULL;
    struct str origin;
    bool https, ok = false;
    CURLUcode rc;

    if (!http_url_origin(url, &origin, &https)) {
        return err_set(err, ERR_INVALID, "url is not http:// or https:// with a plain host");
    }
    u = curl_url();
    z = mem_dupz(url);
    /* libcurl's own parser: 0x7f.1, 2130706433 and 0177.1 come out of it as 127.0.0.1. */
    rc = u == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(u, CURLUPART_URL, z, CURLU_DISALLOW_USER);
    if (rc == CURLUE_OK) {
        rc = curl_url_get(u, CURLUPART_HOST, &host, 0);
    }
    if (rc != CURLUE_OK || host == NULL || host[0] == '\0') {
        err_set(err, ERR_INVALID, "url is malformed: %s", curl_url_strerror(rc));
    } else {
        ok = !public_only || host_check(host, err);
    }
    curl_free(host);
    curl_url_cleanup(u);
    mem_free(&z);
    return ok;
}

bool http_url_origin(struct str url, struct str *origin, bool *https)
{
    static const struct str plain = {"http://", 7}, tls = {"https://", 8};
    size_t from, to;

    if (str_ieq(str_slice(url, 0, tls.n), tls)) {
        *https = true;
        from = tls.n;
    } else if (str_ieq(str_slice(url, 0, plain.n), plain)) {
        *https = false;
        from = plain.n;
    } else {
        return false;
    }
    for (to = from; to < url.n && strchr("/?#", url.p[to]) == NULL; to++) {
        /* Credentials come as http_call.basic_user, never in a URL that ends up in logs. */
        if (url.p[to] == '@' || url.p[to] == '\\') {
            return false;
        }
    }
    for (size_t i = 0; i < url.n; i++) {
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f) {
            return false;
        }
    }
    *origin = str_slice(url, 0, to);
    return to > from && to - from <= 300;
}

int64_t http_retry_after(struct str value, int64_t now_s)
{
    char z[64];
    int64_t s;
    time_t when;

    value = str_trim(value);
    if (value.n == 0 || value.n >= sizeof(z)) {
        return 0;
    }
    if (!str_to_i64(value, 0, INT64_MAX, &s)) {
        memcpy(z, value.p, value.n);
        z[value.n] = '\0';
        /* curl_getdate() makes a date of bare numbers too ("1.5", "-3"); a date of HTTP has
         * letters. */
        if (!isalpha((unsigned char)z[0])) {
            return 0;
        }
        when = curl_getdate(z, NULL);
        if (when == (time_t)-1) {
            return 0;
        }
        s = (int64_t)when - now_s;
    }
    if (s < 0) {
        return 0;
    }
    return s > HTTP_RETRY_AFTER_MAX ? HTTP_RETRY_AFTER_MAX : s;
}
