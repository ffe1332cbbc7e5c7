#include "net/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"

#include "loop_int.h"

#define CHILD_MAGIC 0x4348494cu
#define PATH_BYTES  4096

struct child {
    uint32_t magic;
    uv_signal_t sigchld;
    struct loop *l;
    child_fn *on_exit;
    void *ctx;
    pid_t pid; /* 0: gone and reaped */
};

/* All that the new process needs, made before the fork: after it only system calls are safe. */
struct launch {
    const char *path;
    const char *const *argv, *const *env;
    int log_fd, null_fd;
    int report_fd; /* closed by a successful exec; else an errno comes through */
    pid_t parent;
};

static bool find_program(const char *name, char *out, size_t bytes)
{
    const char *path = getenv("PATH");
    struct str rest = str_of(path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path), dir;

    if (strchr(name, '/') != NULL) {
        return (size_t)snprintf(out, bytes, "%s", name) < bytes;
    }
    while (rest.n > 0) {
        str_cut(rest, ':', &dir, &rest);
        if (dir.n > 0 && (size_t)snprintf(out, bytes, "%.*s/%s", STR_ARG(dir), name) < bytes &&
            access(out, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void close_from(int first)
{
    if (close_range((unsigned)first, ~0u, 0) != 0) {
        for (int fd = first; fd < 65536; fd++) {
            close(fd);
        }
    }
}

/* In the new process, all signals still blocked so that none of our handlers runs in it. */
static void become(const struct launch *launch)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int report = 3, reason;

    for (int signum = 1; signum < NSIG; signum++) {
        sigaction(signum, &plain, NULL);
    }
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launch->parent) {
        _exit(127); /* it died before prctl() could watch it */
    }
    if (dup2(launch->null_fd, 0) < 0 || dup2(launch->log_fd, 1) < 0 ||
        dup2(launch->log_fd, 2) < 0 || dup2(launch->report_fd, report) < 0 ||
        fcntl(report, F_SETFD, FD_CLOEXEC) < 0) {
        _exit(127);
    }
    close_from(report + 1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(launch->path, (char *const *)launch->argv, (char *const *)launch->env);
    reason = errno;
    while (write(report, &reason, sizeof(reason)) < 0 && errno == EINTR) {
    }
    _exit(127);
}

static bool fork_child(struct launch *launch, pid_t *out, struct err *err)
{
    sigset_t every, before;
    int report[2], reason = 0;
    ssize_t n;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "cannot start %s: %s", launch->argv[0], strerror(errno));
    }
    launch->report_fd = report[1]; /* its copy at 3 is made last, from wherever it is */
    launch->parent = getpid();
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    pid = fork();
    if (pid == 0) {
        become(launch);
    }
    reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return err_set(err, ERR_IO, "cannot start %s: %s", launch->argv[0], strerror(reason));
    }
    setpgid(pid, pid); /* whichever of the two comes first */
    do {
        n = read(report[0], &reason, sizeof(reason));
    } while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == (ssize_t)sizeof(reason)) {
        waitpid(pid, NULL, 0);
        return err_set(err, ERR_IO, "cannot start %s: %s", launch->argv[0], strerror(reason));
    }
    *out = pid;
    return true;
}

/* Above what the new process fills by dup2(), even where our own 0 to 3 were closed. */
static int open_high(const char *path, int flags)
{
    int low = open(path, flags | O_CLOEXEC, 0600), high = -1;

    if (low >= 0) {
        high = fcntl(low, F_DUPFD_CLOEXEC, 10);
        close(low);
    }
    return high;
}

static bool launch_child(const char *const *argv, const char *const *env, const char *log_path,
                         pid_t *out, struct err *err)
{
    char path[PATH_BYTES];
    struct launch launch = {.path = path, .argv = argv, .env = env, .log_fd = -1, .null_fd = -1};
    bool ok = false;

    if (!find_program(argv[0], path, sizeof(path))) {
        return err_set(err, ERR_IO, "cannot start %s: no such program", argv[0]);
    }
    launch.log_fd = open_high(log_path, O_WRONLY | O_CREAT | O_APPEND);
    if (launch.log_fd < 0) {
        return err_set(err, ERR_IO, "cannot open %s: %s", log_path, strerror(errno));
    }
    launch.null_fd = open_high("/dev/null", O_RDONLY);
    if (launch.null_fd < 0) {
        err_set(err, ERR_IO, "cannot open /dev/null: %s", strerror(errno));
        goto done;
    }
    ok = fork_child(&launch, out, err);
    close(launch.null_fd);
done:
    close(launch.log_fd);
    return ok;
}

static void on_sigchld_closed(uv_handle_t *h)
{
    struct child *c = obj_check(h->data, CHILD_MAGIC);

    mem_free(&c);
}

static void on_sigchld(uv_signal_t *h, int signum)
{
    struct child *c = obj_check(h->data, CHILD_MAGIC);
    int status = 0;

    (void)signum;
    loop_mark(c->l);
    if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid) {
        return; /* somebody else's child */
    }
    c->pid = 0;
    uv_signal_stop(&c->sigchld);
    if (c->on_exit != NULL) {
        c->on_exit(c->ctx, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                   WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

bool child_start(struct loop *l, const char *const *argv, const char *const *env,
                 const char *log_path, child_fn *on_exit, void *ctx, struct child **out,
                 struct err *err)
{
    struct child *c = MEM_NEW(struct child);

    c->magic = CHILD_MAGIC;
    c->l = l;
    c->on_exit = on_exit;
    c->ctx = ctx;
    uv_signal_init(loop_uv(l), &c->sigchld);
    c->sigchld.data = c;
    /* Before the fork: a child that dies at once must not be missed. */
    uv_signal_start(&c->sigchld, on_sigchld, SIGCHLD);
    if (!launch_child(argv, env, log_path, &c->pid, err)) {
        uv_close((uv_handle_t *)&c->sigchld, on_sigchld_closed);
        return false;
    }
    *out = c;
    return true;
}

int child_pid(const struct child *c)
{
    return c->pid;
}

void child_signal(struct child *c, int signum)
{
    if (c->pid != 0) {
        kill(c->pid, signum);
    }
}

void child_free(struct child **owner)
{
    struct child *c = *owner;

    if (c == NULL) {
        return;
    }
    *owner = NULL;
    if (c->pid != 0) {
        waitpid(c->pid, NULL, WNOHANG);
        c->pid = 0;
    }
    uv_close((uv_handle_t *)&c->sigchld, on_sigchld_closed);
}
