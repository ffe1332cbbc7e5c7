#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/text.h"

#include "store_int.h"

#define URL_MAX       2048
#define DEFAULT_PORT  6379
#define SENTINEL_PORT 26379
#define DB_MAX        16383
#define NAME_MAX_LEN  200

void place_set(struct place *p, struct str host, int port)
{
    snprintf(p->host, sizeof(p->host), "%.*s", STR_ARG(host));
    p->port = port;
}

bool place_eq(const struct place *a, const struct place *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

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
        return err_set(err, ERR_CONFIG, "the user has no password (user:password@host)");
    }
    if ((user.n > 0 && !decode(user, &u->user)) || !decode(password, &u->password)) {
        return err_set(err, ERR_CONFIG, "user or password is not percent-encoded");
    }
    return true;
}

static bool take_db(struct str text, struct store_url *u, struct err *err)
{
    if (text.n > 0 && !str_to_i64(text, 0, DB_MAX, &u->db)) {
        return err_set(err, ERR_CONFIG, "database \"%.*s\" is not a number from 0 to %d",
                       STR_ARG(text), DB_MAX);
    }
    return true;
}

static bool parse_unix(struct str rest, struct store_url *u, struct err *err)
{
    struct str path, query, name, value;
    char *where = NULL;

    str_cut(rest, '?', &path, &query);
    if (!str_starts(path, STR("/")) || !decode(path, &where)) {
        return err_set(err, ERR_CONFIG, "\"unix://\" needs an absolute path");
    }
    if (strlen(where) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        err_set(err, ERR_CONFIG, "the socket's path has %zu bytes, %zu is the most", strlen(where),
                sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
        mem_free(&where);
        return false;
    }
    place_set(&u->places[u->nplaces++], str_of(where), 0);
    mem_free(&where);
    while (query.n > 0) {
        struct str item;

        str_cut(query, '&', &item, &query);
        str_cut(item, '=', &name, &value);
        if (!str_eqz(name, "db")) {
            return err_set(err, ERR_CONFIG, "unknown parameter \"%.*s\"", STR_ARG(name));
        }
        if (!take_db(value, u, err)) {
            return false;
        }
    }
    snprintf(u->shown, sizeof(u->shown), "unix://%.107s", u->places[0].host);
    return true;
}

/* "host:port", "[address]:port", each with or without the port. */
static bool take_place(struct str text, int default_port, struct store_url *u, struct err *err)
{
    struct str host, port = STR_NONE;
    int64_t n = default_port;

    if (str_starts(text, STR("["))) {
        size_t end = str_find_char(text, ']', 0);

        if (end == SIZE_MAX || (end + 1 < text.n && text.p[end + 1] != ':')) {
            return err_set(err, ERR_CONFIG, "\"%.*s\" is not [address]:port", STR_ARG(text));
        }
        host = str_slice(text, 1, end);
        port = str_slice(text, end + 2, text.n);
    } else {
        str_cut(text, ':', &host, &port);
    }
    if (host.n == 0 || host.n > 253) {
        return err_set(err, ERR_CONFIG, "the host is missing or too long");
    }
    if (port.n > 0 && !str_to_i64(port, 1, 65535, &n)) {
        return err_set(err, ERR_CONFIG, "port \"%.*s\" is not a number from 1 to 65535",
                       STR_ARG(port));
    }
    if (u->nplaces == PLACES_MAX) {
        return err_set(err, ERR_CONFIG, "it names more than %d servers", PLACES_MAX);
    }
    place_set(&u->places[u->nplaces++], host, (int)n);
    return true;
}

static bool take_places(struct str text, int default_port, struct store_url *u, struct err *err)
{
    do {
        struct str one;

        str_cut(text, ',', &one, &text);
        if (!take_place(one, default_port, u, err)) {
            return false;
        }
    } while (text.n > 0);
    return true;
}

static bool no_parameters(struct str rest, struct err *err)
{
    return str_find_char(rest, '?', 0) == SIZE_MAX ||
           err_set(err, ERR_CONFIG, "only unix:// takes parameters (\"?\")");
}

static bool parse_tcp(struct str rest, struct store_url *u, struct err *err)
{
    struct str place, db;

    str_cut(rest, '/', &place, &db);
    if (!no_parameters(rest, err) || !take_place(place, DEFAULT_PORT, u, err) ||
        !take_db(db, u, err)) {
        return false;
    }
    snprintf(u->shown, sizeof(u->shown), "redis://%.*s/%d", (int)(place.n < 180 ? place.n : 180),
             place.p, (int)u->db);
    return true;
}

static bool parse_sentinel(struct str rest, struct store_url *u, struct err *err)
{
    struct str places, name, db;

    u->mode = STORE_SENTINEL;
    str_cut(rest, '/', &places, &rest);
    str_cut(rest, '/', &name, &db);
    if (!no_parameters(rest, err) || !take_places(places, SENTINEL_PORT, u, err) ||
        !take_db(db, u, err)) {
        return false;
    }
    if (name.n == 0 || name.n > NAME_MAX_LEN || !decode(name, &u->master)) {
        return err_set(err, ERR_CONFIG,
                       "the name of the master is missing "
                       "(redis+sentinel://host:port,host:port/name/db)");
    }
    snprintf(u->shown, sizeof(u->shown), "sentinel %.60s (%.*s)", u->master,
             (int)(places.n < 100 ? places.n : 100), places.p);
    return true;
}

static bool parse_cluster(struct str rest, struct store_url *u, struct err *err)
{
    struct str places, db;

    u->mode = STORE_CLUSTER;
    str_cut(rest, '/', &places, &db);
    if (!no_parameters(rest, err) || !take_places(places, DEFAULT_PORT, u, err) ||
        !take_db(db, u, err)) {
        return false;
    }
    if (u->db != 0) {
        return err_set(err, ERR_CONFIG, "a cluster has database 0 only, not %d", (int)u->db);
    }
    snprintf(u->shown, sizeof(u->shown), "cluster %.*s", (int)(places.n < 150 ? places.n : 150),
             places.p);
    return true;
}

static bool refuse_tls(struct str rest, struct store_url *u, struct err *err)
{
    (void)rest;
    (void)u;
    return err_set(err, ERR_CONFIG,
                   "rediss:// cannot be used: this build has no TLS to Redis: use a Unix "
                   "socket, a private network or a tunnel");
}

static const struct {
    struct str scheme;
    bool (*parse)(struct str rest, struct store_url *u, struct err *err);
} schemes[] = {
    {{"redis", 5},           parse_tcp     },
    {{"unix", 4},            parse_unix    },
    {{"redis+sentinel", 14}, parse_sentinel},
    {{"redis+cluster", 13},  parse_cluster },
    {{"rediss", 6},          refuse_tls    },
};

bool store_url_parse(struct str text, struct store_url *out, struct err *err)
{
    struct store_url u = {0};
    size_t colon = str_find(text, STR("://"));
    struct str scheme, rest;
    bool ok = false, known = false;

    if (colon == SIZE_MAX || text.n > URL_MAX) {
        return err_set(err, ERR_CONFIG, "it is not redis://host:port/db or unix:///path");
    }
    scheme = str_slice(text, 0, colon);
    u.places = mem_array(PLACES_MAX, sizeof(u.places[0]));
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !known; i++) {
        known = str_eq(scheme, schemes[i].scheme);
        ok = known && take_login(str_slice(text, colon + 3, text.n), &u, &rest, err) &&
             schemes[i].parse(rest, &u, err);
    }
    if (!known) {
        err_set(err, ERR_CONFIG,
                "\"%.*s://\" is neither redis:// nor unix://, redis+sentinel:// or "
                "redis+cluster://",
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
    mem_free(&u->master);
    mem_free(&u->places);
}

bool store_url_ok(struct str text, struct err *err)
{
    struct store_url u;

    if (!store_url_parse(text, &u, err)) {
        return false;
    }
    store_url_fini(&u);
    return true;
}
