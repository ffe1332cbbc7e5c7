#include "net/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

struct watch {
    struct loop *l;
    struct child *c;
    int calls, status, signum;
    bool free_it;
};

static char dir[64], log_path[128];

static void on_exit_seen(void *ctx, int exit_status, int signum)
{
    struct watch *w = ctx;

    w->calls++;
    w->status = exit_status;
    w->signum = signum;
    CHECK_INT("no process any more", child_pid(w->c), 0);
    child_signal(w->c, SIGKILL); /* must not hit a stranger */
    if (w->free_it) {
        child_free(&w->c);
    }
}

static bool start(struct watch *w, const char *script, struct err *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const env[] = {"ONLY=this", "PATH=/usr/bin:/bin", NULL};

    unlink(log_path);
    return child_start(w->l, argv, env, log_path, on_exit_seen, w, &w->c, err);
}

static void check_log(const char *label, const char *want)
{
    struct buf b;
    char part[512];
    size_t n;
    FILE *f = fopen(log_path, "rb");

    buf_init(&b, 1 << 20);
    if (f != NULL) {
        while ((n = fread(part, 1, sizeof(part), f)) > 0) {
            buf_add(&b, str_make(part, n));
        }
        fclose(f);
    }
    CHECK_Z(label, buf_str(&b), want);
    buf_fini(&b);
}

static void test_exit_status(void)
{
    struct watch w = {.l = loop_new(), .free_it = true};
    struct err err = {0};

    CHECK("starts", start(&w, "echo out; echo err >&2; echo $ONLY $HOME; exit 7", &err));
    CHECK("has a pid", child_pid(w.c) > 0);
    loop_run(w.l);
    CHECK_INT("told once", w.calls, 1);
    CHECK_INT("status", w.status, 7);
    CHECK_INT("no signal", w.signum, 0);
    CHECK("freed in the callback", w.c == NULL);
    check_log("output and environment", "out\nerr\nthis\n");
    loop_free(&w.l);
}

static void test_signal_and_group(void)
{
    struct watch w = {.l = loop_new()};
    struct err err = {0};

    CHECK("starts", start(&w, "sleep 100", &err));
    CHECK_INT("leads its own group", getpgid(child_pid(w.c)), child_pid(w.c));
    child_signal(w.c, SIGTERM);
    loop_run(w.l);
    CHECK_INT("signal", w.signum, SIGTERM);
    child_free(&w.c);
    loop_free(&w.l);
}

/*
 * Nothing but 0, 1 and 2 reaches the child, and SIGPIPE, which we ignore, is as usual there. Looked
 * at without a pipe: the shell's own ends of it would be seen now and then.
 */
static void test_nothing_inherited(void)
{
    struct watch w = {.l = loop_new()};
    struct err err = {0};
    int leak = dup(1);

    CHECK("starts", start(&w, "ls /proc/$$/fd; grep SigIgn /proc/$$/status", &err));
    loop_run(w.l);
    check_log("descriptors and signals", "0\n1\n2\nSigIgn:\t0000000000000000\n");
    close(leak);
    child_free(&w.c);
    loop_free(&w.l);
}

static void test_failures(void)
{
    struct watch w = {.l = loop_new()};
    const char *const missing[] = {"no-such-program-here", NULL};
    const char *const directory[] = {"/", NULL};
    const char *const env[] = {NULL};
    struct err err = {0};

    CHECK("missing", !child_start(w.l, missing, env, log_path, on_exit_seen, &w, &w.c, &err));
    CHECK_INT("missing", err.code, ERR_IO);
    CHECK_Z("missing", str_of(err.msg), "cannot start no-such-program-here: no such program");
    CHECK("directory", !child_start(w.l, directory, env, log_path, on_exit_seen, &w, &w.c, &err));
    CHECK_Z("directory", str_of(err.msg), "cannot start /: Permission denied");
    CHECK("log", !child_start(w.l, directory, env, "/nowhere/x", on_exit_seen, &w, &w.c, &err));
    CHECK_Z("log", str_of(err.msg), "cannot open /nowhere/x: No such file or directory");
    loop_run(w.l);
    CHECK_INT("never called", w.calls, 0);
    CHECK("nothing made", w.c == NULL);
    loop_free(&w.l);
}

static void test_detach(void)
{
    struct watch w = {.l = loop_new()};
    struct err err = {0};
    int pid;

    CHECK("starts", start(&w, "sleep 100", &err));
    pid = child_pid(w.c);
    child_free(&w.c);
    loop_run(w.l);
    CHECK_INT("lives on", kill(pid, 0), 0);
    CHECK_INT("not told", w.calls, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    loop_free(&w.l);
}

/* A process between us and the child is killed: the child must die with it. */
static void test_dies_with_us(void)
{
    int tell[2], pid = 0;
    pid_t between;

    CHECK_INT("pipe", pipe(tell), 0);
    between = fork();
    if (between == 0) {
        struct watch w = {.l = loop_new()};
        struct err err = {0};

        start(&w, "sleep 100", &err);
        pid = child_pid(w.c);
        if (write(tell[1], &pid, sizeof(pid)) == (ssize_t)sizeof(pid)) {
            pause();
        }
        _exit(0);
    }
    CHECK_INT("pid", read(tell[0], &pid, sizeof(pid)), sizeof(pid));
    CHECK_INT("alive", kill(pid, 0), 0);
    kill(between, SIGKILL);
    waitpid(between, NULL, 0);
    for (int i = 0; i < 200 && kill(pid, 0) == 0; i++) {
        char stat[64];
        FILE *f;

        snprintf(stat, sizeof(stat), "/proc/%d/stat", pid);
        f = fopen(stat, "r");
        if (f == NULL) {
            break;
        }
        if (fscanf(f, "%*d %*s %63s", stat) == 1 && stat[0] == 'Z') {
            pid = 0; /* dead; whoever adopted it has not reaped it yet */
        }
        fclose(f);
        if (pid == 0) {
            break;
        }
        usleep(10000);
    }
    CHECK("gone too", pid == 0 || kill(pid, 0) != 0);
    close(tell[0]);
    close(tell[1]);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_exit_status), TEST(test_signal_and_group), TEST(test_nothing_inherited),
        TEST(test_failures),    TEST(test_detach),           TEST(test_dies_with_us),
    };
    int rc;

    snprintf(dir, sizeof(dir), "/tmp/crewline-child-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    snprintf(log_path, sizeof(log_path), "%s/log", dir);
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    unlink(log_path);
    rmdir(dir);
    return rc;
}
