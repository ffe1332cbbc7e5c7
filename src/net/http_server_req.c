#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#include "http_server_int.h"

/* Addresses. */

static bool address_parse(struct str text, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char z[INET6_ADDRSTRLEN];

    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        text = str_slice(text, 1, text.n - 1);
    }
    if (text.n == 0 || text.n >= sizeof(z)) {
        return false;
    }
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET6, z, out) == 1) {
        return true;
    }
    memcpy(out, mapped, sizeof(mapped));
    return inet_pton(AF_INET, z, out + 12) == 1;
}

bool cidr_parse(struct str text, struct cidr *out)
{
    struct str address, prefix;
    int64_t bits, base;

    if (!str_cut(text, '/', &address, &prefix)) {
        out->bits = 128;
        return address_parse(address, out->addr);
    }
    base = str_find_char(address, ':', 0) == SIZE_MAX ? 96 : 0;
    if (!address_parse(address, out->addr) || !str_to_i64(prefix, 0, 128 - base, &bits)) {
        return false;
    }
    out->bits = (int)(base + bits);
    return true;
}

static bool in_cidr(const struct cidr *net, const uint8_t addr[16])
{
    size_t whole = (size_t)net->bits / 8;
    unsigned rest = (unsigned)net->bits % 8;

    return memcmp(net->addr, addr, whole) == 0 &&
           (rest == 0 || ((net->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0);
}

bool cidr_match(const struct cidr *list, size_t n, struct str text)
{
    uint8_t addr[16];

    if (n == 0 || !address_parse(text, addr)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (in_cidr(&list[i], addr)) {
            return true;
        }
    }
    return false;
}

/*
 * Each proxy appends the address it saw, so only the end of the list is to be believed, and only as
 * long as the one who wrote it is trusted: the first stranger from the right is the client.
 */
static struct str forwarded_peer(const struct http_req *r)
{
    const struct http_server *s = r->c->s;
    struct str best = str_of(r->c->peer);

    for (size_t i = r->headers.n; i > 0; i--) {
        struct str list = r->headers.v[i - 1].value;

        if (!str_ieq(r->headers.v[i - 1].name, STR("x-forwarded-for"))) {
            continue;
        }
        while (list.n > 0) {
            size_t from = list.n;
            struct str item;
            uint8_t addr[16];

            while (from > 0 && list.p[from - 1] != ',') {
                from--;
            }
            item = str_trim(str_slice(list, from, list.n));
            list = str_slice(list, 0, from > 0 ? from - 1 : 0);
            if (!address_parse(item, addr)) {
                return best;
            }
            best = item;
            if (!cidr_match(s->trusted, s->ntrusted, item)) {
                return best;
            }
        }
    }
    return best;
}

/* The beginning. */

static bool decode_path(struct http_req *r, struct err *err)
{
    struct buf *scratch = &r->c->s->scratch;

    if (memchr(r->path.p, '%', r->path.n) == NULL) {
        return true;
    }
    buf_reset(scratch);
    if (!percent_decode(scratch, r->path, false)) {
        return err_set(err, ERR_BAD_REQUEST, "the path is not percent-encoded");
    }
    if (!str_is_utf8(buf_str(scratch))) {
        return err_set(err, ERR_BAD_REQUEST, "the path is not UTF-8");
    }
    r->path = arena_dup(r->arena, buf_str(scratch));
    return true;
}

/* An absolute target's authority replaces Host. Source: RFC 9112, 3.2.2. */
static void take_authority(struct http_req *r)
{
    size_t i = 0;

    while (i < r->headers.n && !str_ieq(r->fields[i].name, STR("host"))) {
        i++;
    }
    if (i == r->headers.n) {
        r->headers.n++; /* HTTP/1.0 without one; there is room */
    }
    r->fields[i] = (struct pair){STR("Host"), r->head.authority};
}

bool req_begin(struct http_req *r, struct err *err)
{
    r->headers = (struct pairs){r->fields, r->head.nfields};
    r->target = r->head.target;
    if (r->head.authority.p != NULL) {
        take_authority(r);
        if (r->target.n == 0 || r->target.p[0] != '/') {
            r->target = arena_printf(r->arena, "/%.*s", STR_ARG(r->target));
        }
    }
    str_cut(r->target, '?', &r->path, &r->query);
    r->peer = r->c->trusted ? forwarded_peer(r) : str_of(r->c->peer);
    return decode_path(r, err);
}

/* What a request says. */

struct str http_req_method(const struct http_req *r)
{
    return r->head.method;
}

struct str http_req_target(const struct http_req *r)
{
    return r->target;
}

struct str http_req_path(const struct http_req *r)
{
    return r->path;
}

struct str http_req_query(const struct http_req *r)
{
    return r->query;
}

const struct pairs *http_req_params(struct http_req *r)
{
    if (r->params_state == PARAMS_UNREAD) {
        r->params_state =
            form_parse(r->arena, r->query, &r->params, NULL) ? PARAMS_READ : PARAMS_BAD;
    }
    return r->params_state == PARAMS_READ ? &r->params : NULL;
}

struct str http_req_header(const struct http_req *r, struct str name)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        if (str_ieq(r->headers.v[i].name, name)) {
            return r->headers.v[i].value;
        }
    }
    return STR_NONE;
}

size_t http_req_header_count(const struct http_req *r, struct str name)
{
    size_t count = 0;

    for (size_t i = 0; i < r->headers.n; i++) {
        count += str_ieq(r->headers.v[i].name, name);
    }
    return count;
}

const struct pairs *http_req_headers(const struct http_req *r)
{
    return &r->headers;
}

int64_t http_req_content_length(const struct http_req *r)
{
    return r->head.content_length;
}

struct str http_req_body(const struct http_req *r)
{
    return r->body;
}

struct str http_req_peer(const struct http_req *r)
{
    return r->peer;
}

bool http_req_is_loopback(const struct http_req *r)
{
    return r->c->loopback;
}

int64_t http_req_number(const struct http_req *r)
{
    return r->number;
}

struct arena *http_req_arena(struct http_req *r)
{
    return r->arena;
}

struct loop *http_req_loop(struct http_req *r)
{
    return r->c->s->l;
}

void http_req_limit(struct http_req *r, size_t body_bytes_max)
{
    r->limit = body_bytes_max;
}

void http_req_hash(struct http_req *r, struct hasher *h, size_t n)
{
    r->nhash = n;
    r->hash = h;
}

void http_req_set_user(struct http_req *r, void *user)
{
    r->user = user;
}

void *http_req_user(const struct http_req *r)
{
    return r->user;
}
