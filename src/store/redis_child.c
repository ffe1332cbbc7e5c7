#include "store/redis_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/child.h"

#include "redis_aof.h"
#include "redis_dir.h"

#define REDIS_CHILD_MAGIC 0x52434849u
#define PROBE_SOON_MS     2 /* between two PINGs in the first moments */
#define PROBE_LATER_MS    20
#define PROBE_SOON_COUNT  100
#define ORPHAN_MS         50 /* between two looks at a predecessor that is ending */
#define KILL_MS           10000
#define RESTART_MIN_MS    50
#define RESTART_MAX_MS    5000
#define STEADY_MS         10000 /* up for so long: the next restart is quick again */
#define RUNNING_WAIT_MS   1000

/*
 * CLEARING -> MENDING -> STARTING -> UP -> WAITING -> CLEARING …, and from everywhere STOPPING.
 * CLEARING: whoever still listens on our socket is a redis-server that outlived the crewline that
 * started it; two of them on one append-only file would ruin it, so it is ended first.
 * MENDING: half a transaction at the end of that file is cut off (redis_aof.h), in the pool.
 */
enum rc_state { RC_CLEARING, RC_MENDING, RC_STARTING, RC_UP, RC_WAITING, RC_FAILED, RC_STOPPING };

struct redis_child {
    uint32_t magic;
    struct loop *l;
    struct redis_dir dir;
    char program[PATH_MAX];
    enum rc_state state;
    struct child *child;     /* or NULL */
    struct mending *mending; /* or NULL */
    struct timer *timer;     /* next probe, look, restart or SIGKILL */
    int probe_fd;            /* -1: none */
    struct poller *probe;
    int probes;
    int64_t since_us; /* in this state */
    int64_t log_from;
    int64_t backoff_ms;
    bool was_up, told_orphan;
    bool loading; /* it said so since it was asked for last */
    loop_fn *on_up, *on_stopped;
    void (*on_failed)(void *ctx, const struct err *err);
    void *ctx, *stop_ctx;
};

static void enter(struct redis_child *r, enum rc_state state, int64_t timer_ms)
{
    r->state = state;
    r->since_us = mono_now().us;
    timer_start(r->timer, timer_ms);
}

static int64_t ms_in_state(const struct redis_child *r)
{
    return (mono_now().us - r->since_us) / 1000;
}

static void end_probe(struct redis_child *r)
{
    poller_free(&r->probe);
    if (r->probe_fd >= 0) {
        close(r->probe_fd);
        r->probe_fd = -1;
    }
}

/* ---- starting ---- */

static void restart_later(struct redis_child *r)
{
    int64_t ms = r->backoff_ms * 2;

    r->backoff_ms = ms < RESTART_MIN_MS   ? RESTART_MIN_MS
                    : ms > RESTART_MAX_MS ? RESTART_MAX_MS
                                          : ms;
    enter(r, RC_WAITING, r->backoff_ms);
}

/* The first time it is for the caller to hear; later, it has worked and may work again. */
static void failed_to_start(struct redis_child *r, const struct err *err)
{
    if (r->was_up) {
        log_error("private redis is not running", LF_Z("why", err->msg));
        restart_later(r);
        return;
    }
    r->state = RC_FAILED;
    timer_stop(r->timer);
    r->on_failed(r->ctx, err);
}

static void on_exit_of_child(void *ctx, int status, int signum)
{
    struct redis_child *r = obj_check(ctx, REDIS_CHILD_MAGIC);
    struct err err = {0};
    char last[200];
    bool steady = r->state == RC_UP && ms_in_state(r) >= STEADY_MS;

    child_free(&r->child);
    end_probe(r);
    if (r->state == RC_STOPPING) {
        timer_start(r->timer, 0);
        return;
    }
    redis_dir_log_last(&r->dir, r->log_from, last, sizeof(last));
    err_set(&err, ERR_IO, "the private redis-server ended (%s %d): %s",
            signum != 0 ? "signal" : "exit status", signum != 0 ? signum : status, last);
    r->backoff_ms = steady ? 0 : r->backoff_ms;
    failed_to_start(r, &err);
}

static void start_child(struct redis_child *r)
{
    const char *argv[] = {r->program, r->dir.conf, NULL};
    const char *env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", NULL};
    struct err err = {0};

    r->log_from = redis_dir_log_start(&r->dir);
    if (redis_dir_write_conf(&r->dir, &err) &&
        child_start(r->l, argv, env, r->dir.log, on_exit_of_child, r, &r->child, &err)) {
        r->probes = 0;
        enter(r, RC_STARTING, PROBE_SOON_MS);
    } else {
        failed_to_start(r, &err);
    }
}

/* In the pool; it cannot be recalled, so whoever is done with it forgets it, and it frees itself.
 */
struct mending {
    struct redis_child *r; /* NULL: forgotten */
    char *dir;
    int lock_fd; /* the same lock: nobody else runs a Redis there until it is done */
    bool ok;
    int64_t cut;
    struct err err;
};

static void mend_work(void *ctx)
{
    struct mending *m = ctx;

    m->ok = redis_aof_mend(m->dir, &m->cut, &m->err);
}

static void on_mended(void *ctx)
{
    struct mending *m = ctx;
    struct redis_child *r = m->r;

    if (r != NULL) {
        r->mending = NULL;
        if (m->cut > 0) {
            log_warn("redis was ended amid a write, which nobody was told of: it is taken back",
                     LF_INT("bytes", m->cut));
        }
        if (m->ok) {
            start_child(r);
        } else {
            failed_to_start(r, &m->err);
        }
    }
    if (m->lock_fd >= 0) {
        close(m->lock_fd);
    }
    mem_free(&m->dir);
    mem_free(&m);
}

static void forget_mending(struct redis_child *r)
{
    if (r->mending != NULL) {
        r->mending->r = NULL;
        r->mending = NULL;
    }
}

static void mend(struct redis_child *r)
{
    struct mending *m = MEM_NEW(struct mending);

    m->r = r;
    m->dir = mem_dupz(str_of(r->dir.dir));
    m->lock_fd = fcntl(r->dir.lock_fd, F_DUPFD_CLOEXEC, 3);
    r->mending = m;
    enter(r, RC_MENDING, 0);
    timer_stop(r->timer);
    loop_work(r->l, mend_work, on_mended, m);
}

static void clear(struct redis_child *r)
{
    int pid = 0, fd = redis_dir_connect(&r->dir, &pid);
    struct err err = {0};

    if (fd < 0) {
        mend(r);
        return;
    }
    close(fd);
    if (pid <= 1 || pid == getpid() || ms_in_state(r) > 2 * KILL_MS) {
        err_set(&err, ERR_IO, "something else listens on %s and cannot be ended", r->dir.socket);
        failed_to_start(r, &err);
        return;
    }
    if (!r->told_orphan) {
        r->told_orphan = true;
        log_warn("ending a redis-server left over from before", LF_INT("pid", pid));
        kill(pid, SIGTERM);
    } else if (ms_in_state(r) > KILL_MS) {
        kill(pid, SIGKILL);
    }
    timer_start(r->timer, ORPHAN_MS);
}

/* ---- is it up ---- */

static void up(struct redis_child *r)
{
    bool first = !r->was_up;

    enter(r, RC_UP, 0);
    timer_stop(r->timer);
    r->was_up = true;
    log_info("private redis is up", LF_INT("pid", child_pid(r->child)),
             LF_Z("socket", r->dir.socket));
    if (first) {
        r->on_up(r->ctx);
    }
}

static void probe_later(struct redis_child *r)
{
    end_probe(r);
    timer_start(r->timer, r->probes++ < PROBE_SOON_COUNT ? PROBE_SOON_MS : PROBE_LATER_MS);
}

static void on_probe(void *ctx, unsigned ready)
{
    struct redis_child *r = obj_check(ctx, REDIS_CHILD_MAGIC);
    char text[16];
    ssize_t n = recv(r->probe_fd, text, sizeof(text), 0);

    (void)ready;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0 && str_starts(str_make(text, (size_t)n), STR("+PONG"))) {
        end_probe(r);
        up(r);
        return;
    }
    r->loading = r->loading || (n > 0 && str_starts(str_make(text, (size_t)n), STR("-LOADING")));
    probe_later(r); /* that, or it went away */
}

static void probe(struct redis_child *r)
{
    end_probe(r);
    r->probe_fd = redis_dir_connect(&r->dir, NULL);
    if (r->probe_fd < 0 || send(r->probe_fd, "PING\r\n", 6, MSG_NOSIGNAL) != 6) {
        probe_later(r);
        return;
    }
    r->probe = poller_new(r->l, r->probe_fd, on_probe, r);
    if (r->probe == NULL) {
        probe_later(r);
        return;
    }
    poller_want(r->probe, POLLER_READ);
}

/* ---- stopping ---- */

static void stopped(struct redis_child *r)
{
    loop_fn *on_stopped = r->on_stopped;

    r->on_stopped = NULL;
    if (on_stopped != NULL) {
        on_stopped(r->stop_ctx);
    }
}

static void on_timer(void *ctx)
{
    struct redis_child *r = obj_check(ctx, REDIS_CHILD_MAGIC);

    switch (r->state) {
    case RC_CLEARING:
        clear(r);
        break;
    case RC_STARTING:
        probe(r);
        break;
    case RC_WAITING:
        r->told_orphan = false;
        r->state = RC_CLEARING;
        r->since_us = mono_now().us;
        clear(r);
        break;
    case RC_STOPPING:
        if (r->child == NULL) {
            stopped(r);
        } else {
            log_warn("private redis did not end in time and is killed",
                     LF_INT("pid", child_pid(r->child)));
            child_signal(r->child, SIGKILL);
        }
        break;
    case RC_MENDING:
    case RC_UP:
    case RC_FAILED:
        break;
    }
}

void redis_child_stop(struct redis_child *r, loop_fn *on_stopped, void *ctx)
{
    assert(r->state != RC_STOPPING);
    end_probe(r);
    forget_mending(r);
    r->on_stopped = on_stopped;
    r->stop_ctx = ctx;
    if (r->child == NULL) {
        enter(r, RC_STOPPING, 0);
        return;
    }
    child_signal(r->child, SIGTERM);
    enter(r, RC_STOPPING, KILL_MS);
}

/* ---- life ---- */

bool redis_child_start(struct loop *l, const char *data_dir, loop_fn *on_up,
                       void (*on_failed)(void *ctx, const struct err *err), void *ctx,
                       struct redis_child **out, struct err *err)
{
    struct redis_child *r = MEM_NEW(struct redis_child);

    r->magic = REDIS_CHILD_MAGIC;
    if (!redis_dir_program(r->program, sizeof(r->program), err) ||
        !redis_dir_open(data_dir, &r->dir, err)) {
        mem_free(&r);
        return false;
    }
    if (!redis_dir_lock(&r->dir, err)) {
        redis_dir_close(&r->dir);
        mem_free(&r);
        return false;
    }
    if (r->dir.socket_elsewhere) {
        log_warn("the data directory's path is too long for a socket, which is therefore elsewhere",
                 LF_Z("socket", r->dir.socket));
    }
    r->l = l;
    r->probe_fd = -1;
    r->on_up = on_up;
    r->on_failed = on_failed;
    r->ctx = ctx;
    r->timer = timer_new(l, on_timer, r);
    enter(r, RC_CLEARING, 0);
    *out = r;
    return true;
}

bool redis_child_loading(struct redis_child *r)
{
    bool loading = r->state == RC_MENDING || (r->state == RC_STARTING && r->loading);

    r->loading = false;
    return loading;
}

struct str redis_child_url(const struct redis_child *r)
{
    return buf_str(&r->dir.url);
}

void redis_child_free(struct redis_child **owner)
{
    struct redis_child *r = *owner;

    if (r == NULL) {
        return;
    }
    *owner = NULL;
    end_probe(r);
    forget_mending(r);
    timer_free(&r->timer);
    if (r->child != NULL) {
        child_signal(r->child, SIGKILL);
        child_free(&r->child);
    }
    redis_dir_close(&r->dir);
    mem_free(&r);
}

/* ---- for the command line, before any loop ---- */

static bool answers(const struct redis_dir *d)
{
    int fd = redis_dir_connect(d, NULL);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char text[16];
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && poll(&p, 1, RUNNING_WAIT_MS) == 1 &&
         recv(fd, text, sizeof(text), 0) >= 5 && memcmp(text, "+PONG", 5) == 0;
    close(fd);
    return ok;
}

bool redis_child_running(const char *data_dir, struct buf *url)
{
    struct redis_dir d;
    bool ok = redis_dir_find(data_dir, &d) && redis_dir_locked_by_other(&d) && answers(&d);

    if (ok) {
        buf_add(url, buf_str(&d.url));
    }
    redis_dir_close(&d);
    return ok;
}
