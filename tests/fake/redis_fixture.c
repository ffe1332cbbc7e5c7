#include "redis_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define WAIT_MS     15000
#define ARGS_MAX    64
#define REPLY_BYTES ((size_t)1 << 20)

struct redis_fixture {
    char dir[64];
    char url[128], tcp_url[64];
    char socket_path[96];
    int port, bus_port;
    unsigned flags;
    pid_t pid; /* 0: not running */
    struct buf reply;
    redisContext *sender;
};

static void give_up(const char *what)
{
    fprintf(stderr, "redis_fixture: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void nap_ms(long ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        give_up("no free port");
    }
    close(fd);
    return ntohs(a.sin_port);
}

static void write_conf(const struct redis_fixture *f, const char *conf)
{
    char path[128];
    FILE *out;

    snprintf(path, sizeof(path), "%s/redis.conf", f->dir);
    out = fopen(path, "w");
    if (out == NULL) {
        give_up(path);
    }
    fprintf(out,
            "port %d\nbind 127.0.0.1\nunixsocket %s\nunixsocketperm 700\ndir %s\n"
            "daemonize no\nlogfile %s/redis.log\n%s%s\n",
            f->port, f->socket_path, f->dir, f->dir,
            (f->flags & REDIS_FIXTURE_SENTINEL) != 0 ? ""
                                                     : "appendonly yes\nappendfsync always\n"
                                                       "maxmemory-policy noeviction\nsave \"\"\n",
            conf == NULL ? "" : conf);
    if ((f->flags & REDIS_FIXTURE_CLUSTER) != 0) {
        fprintf(out, "cluster-enabled yes\ncluster-port %d\n", f->bus_port);
    }
    if (fclose(out) != 0) {
        give_up(path);
    }
}

void redis_fixture_start(struct redis_fixture *f)
{
    char conf[128];
    pid_t parent = getpid();

    snprintf(conf, sizeof(conf), "%s/redis.conf", f->dir);
    f->pid = fork();
    if (f->pid < 0) {
        give_up("fork");
    }
    if (f->pid == 0) {
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(98);
        }
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        for (int fd = 3; fd < 256; fd++) {
            close(fd);
        }
        execlp("redis-server", "redis-server", conf,
               (f->flags & REDIS_FIXTURE_SENTINEL) != 0 ? "--sentinel" : (char *)NULL,
               (char *)NULL);
        _exit(97);
    }
}

void redis_fixture_wait(struct redis_fixture *f)
{
    for (int i = 0; i < WAIT_MS / 5; i++) {
        int status;

        if (access(f->socket_path, F_OK) == 0 &&
            strcmp(redis_fixture_command(f, "PING"), "PONG") == 0) {
            return;
        }
        if (waitpid(f->pid, &status, WNOHANG) == f->pid) {
            fprintf(stderr, "redis_fixture: redis-server ended with status %d; see %s/redis.log\n",
                    status, f->dir);
            exit(99);
        }
        nap_ms(5);
    }
    fprintf(stderr, "redis_fixture: redis-server does not answer\n");
    exit(99);
}

struct redis_fixture *redis_fixture_new(unsigned flags, const char *conf)
{
    struct redis_fixture *f = MEM_NEW(struct redis_fixture);

    /* A Sentinel stands still while it writes its state down, and one that stood for 2 s does
     * nothing for 30 s more (TILT): no disk that others keep busy. */
    snprintf(f->dir, sizeof(f->dir), "%s/crewline-test-redis-XXXXXX",
             (flags & REDIS_FIXTURE_SENTINEL) != 0 && access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                                                    : "/tmp");
    if (mkdtemp(f->dir) == NULL) {
        give_up(f->dir);
    }
    buf_init(&f->reply, REPLY_BYTES);
    snprintf(f->socket_path, sizeof(f->socket_path), "%s/redis.sock", f->dir);
    snprintf(f->url, sizeof(f->url), "unix://%s", f->socket_path);
    f->flags = flags;
    if ((flags & REDIS_FIXTURE_TCP) != 0) {
        f->port = free_port();
        f->bus_port = (flags & REDIS_FIXTURE_CLUSTER) != 0 ? free_port() : 0;
        snprintf(f->tcp_url, sizeof(f->tcp_url), "redis://127.0.0.1:%d", f->port);
    }
    write_conf(f, conf);
    redis_fixture_start(f);
    redis_fixture_wait(f);
    return f;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void redis_fixture_kill(struct redis_fixture *f)
{
    if (f->pid > 0) {
        kill(f->pid, SIGKILL);
        while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        f->pid = 0;
    }
}

void redis_fixture_free(struct redis_fixture **owner)
{
    struct redis_fixture *f = *owner;

    if (f == NULL) {
        return;
    }
    redis_fixture_kill(f);
    if (f->sender != NULL) {
        redisFree(f->sender);
    }
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    buf_fini(&f->reply);
    mem_free(owner);
}

struct str redis_fixture_url(const struct redis_fixture *f)
{
    return str_of(f->url);
}

struct str redis_fixture_tcp_url(const struct redis_fixture *f)
{
    return str_of(f->tcp_url);
}

int redis_fixture_port(const struct redis_fixture *f)
{
    return f->port;
}

int redis_fixture_bus_port(const struct redis_fixture *f)
{
    return f->bus_port;
}

const char *redis_fixture_dir(const struct redis_fixture *f)
{
    return f->dir;
}

void redis_fixture_stop(struct redis_fixture *f)
{
    kill(f->pid, SIGSTOP);
}

void redis_fixture_cont(struct redis_fixture *f)
{
    kill(f->pid, SIGCONT);
}

static void add_reply(struct buf *out, const redisReply *r)
{
    switch (r->type) {
    case REDIS_REPLY_ERROR:
        buf_addf(out, "-%s", r->str);
        break;
    case REDIS_REPLY_INTEGER:
        buf_addf(out, "%lld", r->integer);
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < r->elements; i++) {
            buf_addz(out, i == 0 ? "" : "\n");
            add_reply(out, r->element[i]);
        }
        break;
    case REDIS_REPLY_NIL:
        break;
    default:
        buf_add(out, str_make(r->str, r->len));
    }
}

struct words {
    const char *v[ARGS_MAX];
    size_t lengths[ARGS_MAX];
    int n;
};

static void split(const char *text, struct words *out)
{
    struct str rest = str_of(text), word;

    out->n = 0;
    while (rest.n > 0 && out->n < ARGS_MAX) {
        str_cut(rest, ' ', &word, &rest);
        out->v[out->n] = word.p;
        out->lengths[out->n++] = word.n;
    }
}

static redisContext *connect_to(const struct redis_fixture *f)
{
    struct timeval timeout = {5, 0};
    redisContext *c = redisConnectUnixWithTimeout(f->socket_path, timeout);

    if (c != NULL && c->err != 0) {
        redisFree(c);
        return NULL;
    }
    if (c != NULL) {
        redisSetTimeout(c, timeout);
    }
    return c;
}

const char *redis_fixture_command(struct redis_fixture *f, const char *text)
{
    redisContext *c = connect_to(f);
    redisReply *r = NULL;
    struct words w;

    buf_reset(&f->reply);
    if (c == NULL) {
        return f->reply.p;
    }
    split(text, &w);
    r = redisCommandArgv(c, w.n, w.v, w.lengths);
    if (r != NULL) {
        add_reply(&f->reply, r);
        freeReplyObject(r);
    }
    redisFree(c);
    return f->reply.p;
}

void redis_fixture_send(struct redis_fixture *f, const char *text)
{
    struct words w;
    int done = 0;

    if (f->sender != NULL) {
        redisFree(f->sender);
    }
    f->sender = connect_to(f);
    if (f->sender == NULL) {
        give_up("connect");
    }
    split(text, &w);
    redisAppendCommandArgv(f->sender, w.n, w.v, w.lengths);
    while (!done) {
        if (redisBufferWrite(f->sender, &done) != REDIS_OK) {
            give_up("write");
        }
    }
}
