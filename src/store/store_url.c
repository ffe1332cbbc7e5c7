#include <limits.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/text.h"

#include "store_int.h"

#define URL_MAX      2048
#define DEFAULT_PORT 6379
#define DB_MAX       16383

/* What we know and do not speak (yet), so that the message says more than "unknown". */
static const struct {
    struct str scheme;
    const char *why;
} refused[] = {
    {{"rediss", 6},
     "this build has no TLS to Redis: use a Unix socket, a private network or a tunnel"          },
    {{"redis+sentinel", 14}, "Sentinel is not built yet: give the address of the master"         },
    {{"redis+cluster", 13},  "Redis Cluster is not built yet: give one server that is no cluster"},
};

static bool decode(struct str text, char **out)
{
    struct buf b;
    bool ok;

    buf_init(&b, URL_MAX);
    ok = percent_decode(&b, text, false) && buf_ok(&b);
    if (ok) {
        buf_take(&b, out);
    }
    buf_fini_secret(&b);
    return ok;
}

/* "user:pass@" and ":pass@"; *rest is what comes after. The last '@' counts: passwords have them.
 */
static bool take_login(struct str text, struct store_url *u, struct str *rest, struct err *err)
{
    size_t slash = str_find_char(text, '/', 0), at = SIZE_MAX;
    struct str login, user, password;

    for (size_t i = 0; i < text.n && i < slash; i++) {
        at = text.p[i] == '@' ? i : at;
    }
    *rest = text;
    if (at == SIZE_MAX) {
        return true;
    }
    login = str_slice(text, 0, at);
    *rest = str_slice(text, at + 1, text.n);
    if (!str_cut(login, ':', &user, &password)) {
        return err_set(err, ERR_CONFIG, "redis URL: the user has no password (user:password@host)");
    }
    if ((user.n > 0 && !decode(user, &u->user)) || !decode(password, &u->password)) {
        return err_set(err, ERR_CONFIG, "redis URL: user or password is not percent-encoded");
    }
    return true;
}

static bool take_db(struct str text, struct store_url *u, struct err *err)
{
    if (text.n > 0 && !str_to_i64(text, 0, DB_MAX, &u->db)) {
        return err_set(err, ERR_CONFIG, "redis URL: database \"%.*s\" is not a number from 0 to %d",
                       STR_ARG(text), DB_MAX);
    }
    return true;
}

static bool parse_unix(struct str rest, struct store_url *u, struct err *err)
{
    struct str path, query, name, value;

    str_cut(rest, '?', &path, &query);
    if (!str_starts(path, STR("/")) || !decode(path, &u->where)) {
        return err_set(err, ERR_CONFIG, "redis URL: \"unix://\" needs an absolute path");
    }
    if (strlen(u->where) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        return err_set(err, ERR_CONFIG,
                       "redis URL: the socket's path has %zu bytes, %zu is the most",
                       strlen(u->where), sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    }
    while (query.n > 0) {
        struct str item;

        str_cut(query, '&', &item, &query);
        str_cut(item, '=', &name, &value);
        if (!str_eqz(name, "db")) {
            return err_set(err, ERR_CONFIG, "redis URL: unknown parameter \"%.*s\"", STR_ARG(name));
        }
        if (!take_db(value, u, err)) {
            return false;
        }
    }
    u->local = true;
    snprintf(u->shown, sizeof(u->shown), "unix://%s", u->where);
    return true;
}

static bool take_port(struct str text, struct store_url *u, struct err *err)
{
    int64_t port = DEFAULT_PORT;

    if (text.n > 0 && !str_to_i64(text, 1, 65535, &port)) {
        return err_set(err, ERR_CONFIG, "redis URL: port \"%.*s\" is not a number from 1 to 65535",
                       STR_ARG(text));
    }
    u->port = (int)port;
    return true;
}

static bool parse_tcp(struct str rest, struct store_url *u, struct err *err)
{
    struct str place, db, host, port = STR_NONE;

    str_cut(rest, '/', &place, &db);
    if (str_find_char(rest, '?', 0) != SIZE_MAX) {
        return err_set(err, ERR_CONFIG, "redis URL: \"redis://\" takes no parameters (\"?\")");
    }
    if (str_starts(place, STR("["))) {
        size_t end = str_find_char(place, ']', 0);

        if (end == SIZE_MAX || (end + 1 < place.n && place.p[end + 1] != ':')) {
            return err_set(err, ERR_CONFIG, "redis URL: \"%.*s\" is not [address]:port",
                           STR_ARG(place));
        }
        host = str_slice(place, 1, end);
        port = str_slice(place, end + 2, place.n);
    } else {
        str_cut(place, ':', &host, &port);
    }
    if (host.n == 0 || host.n > 253) {
        return err_set(err, ERR_CONFIG, "redis URL: the host is missing or too long");
    }
    if (!take_port(port, u, err) || !take_db(db, u, err)) {
        return false;
    }
    u->where = mem_dupz(host);
    snprintf(u->shown, sizeof(u->shown), "redis://%.*s/%d", (int)(place.n < 180 ? place.n : 180),
             place.p, (int)u->db);
    return true;
}

bool store_url_parse(struct str text, struct store_url *out, struct err *err)
{
    struct store_url u = {0};
    size_t colon = str_find(text, STR("://"));
    struct str scheme, rest;
    bool ok;

    if (colon == SIZE_MAX || text.n > URL_MAX) {
        return err_set(err, ERR_CONFIG,
                       "redis URL: it is not redis://host:port/db or unix:///path");
    }
    scheme = str_slice(text, 0, colon);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (str_eq(scheme, refused[i].scheme)) {
            return err_set(err, ERR_CONFIG, "redis URL: %.*s:// cannot be used: %s",
                           STR_ARG(scheme), refused[i].why);
        }
    }
    if (!take_login(str_slice(text, colon + 3, text.n), &u, &rest, err)) {
        ok = false;
    } else if (str_eqz(scheme, "redis")) {
        ok = parse_tcp(rest, &u, err);
    } else if (str_eqz(scheme, "unix")) {
        ok = parse_unix(rest, &u, err);
    } else {
        ok = err_set(err, ERR_CONFIG, "redis URL: \"%.*s://\" is neither redis:// nor unix://",
                     STR_ARG(scheme));
    }
    if (!ok) {
        store_url_fini(&u);
        return false;
    }
    *out = u;
    return true;
}

static void wipe(char **z)
{
    if (*z != NULL) {
        mem_wipe(*z, strlen(*z));
    }
    mem_free(z);
}

void store_url_fini(struct store_url *u)
{
    wipe(&u->user);
    wipe(&u->password);
    mem_free(&u->where);
}
