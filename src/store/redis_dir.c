#include "redis_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define LOG_BYTES_MAX ((off_t)8 << 20)
#define CONF_MAX      ((size_t)64 * 1024)
#define SOCKET_MAX    (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define NAME_HEX      16 /* of the hash of the data directory in the name of a directory in /tmp */

static char *join(const char *dir, const char *name)
{
    struct buf b;
    char *z;

    buf_init(&b, PATH_MAX * 2);
    buf_addf(&b, "%s/%s", dir, name);
    buf_take(&b, &z);
    return z;
}

/* mkdir -p with mode 0700; what exists stays as it is. */
static bool make_dirs(const char *path, struct err *err)
{
    char *copy = mem_dupz(str_of(path));
    bool ok = true;

    for (char *p = copy + 1; ok && p[-1] != '\0'; p++) {
        if (*p == '/' || *p == '\0') {
            char was = *p;

            *p = '\0';
            if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
                ok =
                    err_set(err, ERR_IO, "cannot make the directory %s: %s", copy, strerror(errno));
            }
            *p = was;
        }
    }
    mem_free(&copy);
    return ok;
}

/* In /tmp anybody may have made the name before us: it must be a directory, ours and closed. */
static bool own_tmp_dir(const char *path, struct err *err)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_IO, "cannot make the directory %s: %s", path, strerror(errno));
    }
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 077) != 0) {
        return err_set(err, ERR_IO, "%s is not a directory of ours that is closed to others", path);
    }
    return true;
}

static void tmp_dir_name(const char *dir, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];

    sha256(str_of(dir), hash);
    buf_addf(out, "/tmp/crewline-%u-", (unsigned)geteuid());
    hex_add(out, str_make(hash, NAME_HEX / 2));
}

static bool place_socket(struct redis_dir *d, bool make, struct err *err)
{
    struct buf tmp;
    bool ok = true;

    d->socket = join(d->dir, "redis.sock");
    if (strlen(d->socket) <= SOCKET_MAX) {
        return true;
    }
    d->socket_elsewhere = true;
    mem_free(&d->socket);
    buf_init(&tmp, PATH_MAX);
    tmp_dir_name(d->dir, &tmp);
    if (make) {
        ok = own_tmp_dir(tmp.p, err);
    }
    d->socket = join(tmp.p, "redis.sock");
    buf_fini(&tmp);
    return ok;
}

static void write_url(struct redis_dir *d)
{
    struct str rest = str_of(d->socket + 1), part;

    buf_init(&d->url, PATH_MAX * 3);
    buf_addz(&d->url, "unix://");
    while (rest.n > 0) {
        str_cut(rest, '/', &part, &rest);
        buf_add_char(&d->url, '/');
        percent_add(&d->url, part);
    }
}

static bool complete(struct redis_dir *d, bool make, struct err *err)
{
    if (!place_socket(d, make, err)) {
        return false;
    }
    d->conf = join(d->dir, "redis.conf");
    d->log = join(d->dir, "redis.log");
    write_url(d);
    return true;
}

static bool absolute(const char *data_dir, struct redis_dir *out)
{
    char *full = realpath(data_dir, NULL);

    *out = (struct redis_dir){.lock_fd = -1};
    buf_init(&out->url, 0);
    if (full == NULL) {
        return false;
    }
    out->dir = join(full, "redis");
    free(full); /* realpath()'s own malloc */
    return true;
}

bool redis_dir_open(const char *data_dir, struct redis_dir *out, struct err *err)
{
    struct redis_dir d;

    if (!make_dirs(data_dir, err)) {
        return false;
    }
    if (!absolute(data_dir, &d)) {
        return err_set(err, ERR_IO, "cannot open the data directory %s: %s", data_dir,
                       strerror(errno));
    }
    if (strpbrk(d.dir, "*?[") != NULL) {
        /* Redis 7 takes the name of its configuration file for a pattern. */
        err_set(err, ERR_CONFIG, "the data directory %s has one of * ? [ in its path", data_dir);
        goto fail;
    }
    if (mkdir(d.dir, 0700) != 0 && errno != EEXIST) {
        err_set(err, ERR_IO, "cannot make the directory %s: %s", d.dir, strerror(errno));
        goto fail;
    }
    if (chmod(d.dir, 0700) != 0) {
        err_set(err, ERR_IO, "cannot close the directory %s to others: %s", d.dir, strerror(errno));
        goto fail;
    }
    if (!complete(&d, true, err)) {
        goto fail;
    }
    *out = d;
    return true;
fail:
    redis_dir_close(&d);
    return false;
}

bool redis_dir_find(const char *data_dir, struct redis_dir *out)
{
    return absolute(data_dir, out) && complete(out, false, NULL);
}

void redis_dir_close(struct redis_dir *d)
{
    if (d->lock_fd >= 0 && d->socket_elsewhere) {
        char *end = strrchr(d->socket, '/');

        *end = '\0';
        rmdir(d->socket); /* works when Redis has ended in peace and taken its socket away */
    }
    if (d->lock_fd >= 0) {
        close(d->lock_fd);
        d->lock_fd = -1;
    }
    mem_free(&d->dir);
    mem_free(&d->socket);
    mem_free(&d->conf);
    mem_free(&d->log);
    buf_fini(&d->url);
}

/* ---- lock ---- */

static int holder(int fd)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    int64_t pid = 0;

    if (n <= 0 || !str_to_i64(str_trim(str_make(text, (size_t)n)), 1, INT_MAX, &pid)) {
        return 0;
    }
    return (int)pid;
}

/*
 * A lock of the open file rather than of the process: it goes with us however we end, it can be
 * asked for without being taken, and two in one process see one another.
 */
bool redis_dir_lock(struct redis_dir *d, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = join(d->dir, "lock"), text[24];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), n;
    bool ok = false;

    if (fd < 0) {
        err_set(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
        goto done;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        err_set(err, ERR_CONFIG, "the data directory %s is in use by another crewline, process %d",
                d->dir, holder(fd));
        close(fd);
        goto done;
    }
    n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        err_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
        close(fd);
        goto done;
    }
    d->lock_fd = fd;
    ok = true;
done:
    mem_free(&path);
    return ok;
}

bool redis_dir_locked_by_other(const struct redis_dir *d)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = join(d->dir, "lock");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool locked = false;

    if (fd >= 0) {
        locked = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
        close(fd);
    }
    mem_free(&path);
    return locked;
}

/* ---- redis.conf ---- */

/* As redis.conf wants its words: in double quotes, with \xHH for what is not plain. */
static void add_quoted(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s \"", name);
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
        if (*p < ' ' || *p == '"' || *p == '\\' || *p == 0x7f) {
            buf_addf(out, "\\x%02x", *p);
        } else {
            buf_add_char(out, (char)*p);
        }
    }
    buf_addz(out, "\"\n");
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes = str_slice(bytes, n < 0 ? 0 : (size_t)n, bytes.n);
    }
    return true;
}

/*
 * Small hashes and sorted sets lie in one piece that is searched from its beginning: dear at some
 * hundred leases or messages of a person, cheap and small at a record of a message, whose sealed
 * body would be too long for it by default.
 */
#define SHAPES                       \
    "latency-tracking no\n"          \
    "zset-max-listpack-entries 32\n" \
    "hash-max-listpack-entries 32\n" \
    "hash-max-listpack-value 1024\n"

/*
 * The append-only file is written anew when it has doubled: half a second of one core for 60 MB,
 * and a second when they are read at a start. Beginning with 64 MB, as Redis has it, that fell into
 * the broadcast to 10,000 people who had just been imported.
 */
#define REWRITES                        \
    "auto-aof-rewrite-percentage 100\n" \
    "auto-aof-rewrite-min-size 128mb\n"

bool redis_dir_write_conf(const struct redis_dir *d, struct err *err)
{
    int fd = open(d->conf, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct buf text;
    bool ok;

    if (fd < 0 || fchmod(fd, 0600) != 0) {
        err_set(err, ERR_IO, "cannot write %s: %s", d->conf, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    buf_init(&text, CONF_MAX);
    buf_addz(&text, "# Written by crewline at every start; changes made here are lost.\n"
                    "port 0\n"
                    "unixsocketperm 700\n"
                    "daemonize no\n"
                    "supervised no\n"
                    "databases 1\n"
                    "appendonly yes\n"
                    "appendfsync always\n"
                    "no-appendfsync-on-rewrite no\n"
                    "aof-load-truncated yes\n"
                    "maxmemory-policy noeviction\n"
                    "save \"\"\n"
                    "logfile \"\"\n" SHAPES REWRITES);
    add_quoted(&text, "dir", d->dir);
    add_quoted(&text, "unixsocket", d->socket);
    ok = buf_ok(&text) && write_all(fd, buf_str(&text));
    ok = close(fd) == 0 && ok;
    if (!ok) {
        err_set(err, ERR_IO, "cannot write %s: %s", d->conf, strerror(errno));
    }
    buf_fini(&text);
    return ok;
}

/* ---- log ---- */

int64_t redis_dir_log_start(const struct redis_dir *d)
{
    struct stat st;
    char *old;

    if (stat(d->log, &st) != 0) {
        return 0;
    }
    if (st.st_size <= LOG_BYTES_MAX) {
        return st.st_size;
    }
    old = join(d->dir, "redis.log.1");
    if (rename(d->log, old) == 0) {
        st.st_size = 0;
    }
    mem_free(&old);
    return st.st_size;
}

void redis_dir_log_last(const struct redis_dir *d, int64_t from, char *out, size_t out_bytes)
{
    char tail[2048];
    struct str rest, line;
    struct stat st;
    ssize_t n = 0;
    int fd = open(d->log, O_RDONLY | O_CLOEXEC);

    out[0] = '\0';
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0) {
        off_t at = st.st_size - (off_t)sizeof(tail);

        n = pread(fd, tail, sizeof(tail), at > from ? at : (off_t)from);
    }
    close(fd);
    for (rest = str_make(tail, n > 0 ? (size_t)n : 0); rest.n > 0;) {
        str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.n > 0) {
            snprintf(out, out_bytes, "%.*s", STR_ARG(line));
        }
    }
}

/* ---- socket and program ---- */

int redis_dir_connect(const struct redis_dir *d, int *pid)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t n = sizeof(peer);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->socket);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return -1;
    }
    if (pid != NULL) {
        *pid = 0;
        if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0) {
            *pid = peer.uid == geteuid() ? peer.pid : 0;
        }
    }
    return fd;
}

bool redis_dir_program(char *out, size_t out_bytes, struct err *err)
{
    const char *path = getenv("PATH");
    struct str rest = str_of(path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path), dir;

    while (rest.n > 0) {
        str_cut(rest, ':', &dir, &rest);
        if (dir.n > 0 && dir.p[0] == '/' &&
            (size_t)snprintf(out, out_bytes, "%.*s/redis-server", STR_ARG(dir)) < out_bytes &&
            access(out, X_OK) == 0) {
            return true;
        }
    }
    return err_set(err, ERR_CONFIG,
                   "redis-server is not in PATH: install it (Debian, Ubuntu: redis-server; Fedora, "
                   "Alpine: redis) or give the URL of a Redis of yours");
}
