/* redis_child: the private Redis from start to end, and what may go wrong with it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_aof.h"
#include "redis_dir.h"
#include "store/redis_child.h"
#include "world.h"

struct life {
    struct world *w;
    char base[64], data[400];
    struct redis_child *child;
    bool up, stopped, failed;
    int ups;
    struct err err;
};

static void on_up(void *ctx)
{
    struct life *x = ctx;

    x->up = true;
    x->ups++;
    loop_stop(x->w->loop);
}

static void on_failed(void *ctx, const struct err *err)
{
    struct life *x = ctx;

    x->failed = true;
    x->err = *err;
    loop_stop(x->w->loop);
}

static void on_stopped(void *ctx)
{
    struct life *x = ctx;

    x->stopped = true;
    loop_stop(x->w->loop);
}

/* @below: the data directory, below a temporary one. */
static void life_init(struct life *x, const char *below)
{
    *x = (struct life){.w = world_new_without_redis()};
    snprintf(x->base, sizeof(x->base), "/tmp/crewline-test-child-XXXXXX");
    CHECK("temporary directory", mkdtemp(x->base) != NULL);
    snprintf(x->data, sizeof(x->data), "%s/%s", x->base, below);
}

static bool start(struct life *x)
{
    x->up = x->stopped = x->failed = false;
    return redis_child_start(x->w->loop, x->data, on_up, on_failed, x, &x->child, &x->err);
}

static void start_and_wait(struct life *x)
{
    CHECK("starts", start(x));
    CHECK("up", world_run(x->w, &x->up, 10000));
}

static void stop(struct life *x)
{
    redis_child_stop(x->child, on_stopped, x);
    CHECK("not before it returns", !x->stopped);
    CHECK("stopped", world_run(x->w, &x->stopped, 10000));
    redis_child_free(&x->child);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void life_fini(struct life *x)
{
    store_free(&x->w->store);
    if (x->child != NULL) {
        stop(x);
    }
    world_free(&x->w);
    nftw(x->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int listener(struct life *x)
{
    struct redis_dir d;
    int pid = 0, fd = -1;

    if (redis_dir_find(x->data, &d)) {
        fd = redis_dir_connect(&d, &pid);
    }
    if (fd >= 0) {
        close(fd);
    }
    redis_dir_close(&d);
    return fd >= 0 ? pid : 0;
}

static int mode_of(const struct life *x, const char *name)
{
    char path[512];
    struct stat st = {0};

    snprintf(path, sizeof(path), "%s/%s", x->data, name);
    CHECK(path, stat(path, &st) == 0);
    return (int)(st.st_mode & 0777);
}

static void open_store(struct life *x)
{
    world_store(x->w, redis_child_url(x->child), STORE_ALWAYS);
    CHECK("its policy is the right one", world_health(x->w, STORE_READY, 3000));
}

static void life_of(const char *below)
{
    struct life x;
    struct buf url;
    struct asked a;

    life_init(&x, below);
    buf_init(&url, 4096);
    CHECK("none is running", !redis_child_running(x.data, &url));
    start_and_wait(&x);
    open_store(&x);
    ask_wait(x.w, &a, "SET kept 42");
    CHECK_Z("set", str_of(a.text), "OK");
    CHECK_INT("configuration is private", mode_of(&x, "redis/redis.conf"), 0600);
    CHECK_INT("directory is private", mode_of(&x, "redis"), 0700);
    CHECK_INT("log is private", mode_of(&x, "redis/redis.log"), 0600);
    ask_wait(x.w, &a, "CONFIG GET port");
    CHECK_Z("nobody from elsewhere", str_of(a.text), "0");
    ask_wait(x.w, &a, "CONFIG GET auto-aof-rewrite-min-size");
    CHECK_Z("seldom written anew", str_of(a.text), "134217728");
    CHECK("running", redis_child_running(x.data, &url));
    CHECK_STR("its URL", buf_str(&url), redis_child_url(x.child));
    store_free(&x.w->store);
    stop(&x);
    buf_reset(&url);
    CHECK("stopped", !redis_child_running(x.data, &url));
    CHECK_INT("nobody listens", listener(&x), 0);
    start_and_wait(&x);
    open_store(&x);
    ask_wait(x.w, &a, "GET kept");
    CHECK_INT("data survives", a.number, 42);
    buf_fini(&url);
    life_fini(&x);
}

static void append(struct life *x, const char *name, const char *text)
{
    char path[600];
    FILE *f;

    snprintf(path, sizeof(path), "%s/redis/appendonlydir/%s", x->data, name);
    f = fopen(path, "a");
    CHECK("append-only file", f != NULL);
    if (f != NULL) {
        fputs(text, f);
        fclose(f);
    }
}

/* Ended amid a script: nothing of it is ever carried out, also not at the start after the next. */
static void test_half_a_transaction(void)
{
    struct life x;
    struct asked a;

    life_init(&x, "data");
    for (int starts = 0; starts < 3; starts++) {
        start_and_wait(&x);
        open_store(&x);
        if (starts == 0) {
            ask_wait(x.w, &a, "SET kept 42");
        } else {
            ask_wait(x.w, &a, "GET kept");
            CHECK_INT("data survives", a.number, 42);
            ask_wait(x.w, &a, "EXISTS half");
            CHECK_INT("not carried out", a.number, 0);
            ask_wait(x.w, &a, "EVAL redis.call('SET','next','1')redis.call('SET','more','1') 0");
            ask_wait(x.w, &a, "EXISTS next more");
            CHECK_INT("the next one is", a.number, 2);
        }
        store_free(&x.w->store);
        stop(&x);
        if (starts == 0) {
            append(&x, "appendonly.aof.1.incr.aof",
                   "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1\r\n1\r\n"
                   "*3\r\n$3\r\nSET\r\n$5\r\nother\r\n$20\r\n1234");
        }
    }
    life_fini(&x);
}

static void test_whole(void)
{
    static const struct {
        const char *text;
        int64_t whole;
    } of[] = {
        {"",                                                               0 },
        {"*1\r\n$4\r\nPING\r\n",                                           14},
        {"#TS:1\r\n*1\r\n$4\r\nPING\r\n",                                  21},
        {"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI",                             14},
        {"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nPING\r\n",                       14},
        {"*1\r\n$4\r\nPING\r\n*",                                          14},
        {"*1\r\n$4\r\nPING\r\n#TS",                                        14},
        {"*1\r\n$4\r\nPING\r\n*1\r\n$5\r\nMULTI\r\n",                      14},
        {"*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEX",        0 },
        {"*1\r\n$5\r\nmulti\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nexec\r\n*", 43},
        {"REDIS0010",                                                      -1},
        {"*x\r\n",                                                         -1},
        {"*1\r\n$4\r\nPING\r\n\x01\x01",                                   -1},
        {"*1\r\n$9999999999999\r\n",                                       -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        CHECK_INT(of[i].text, redis_aof_whole(of[i].text, strlen(of[i].text)), of[i].whole);
    }
}

#define BYTES(text) {text, sizeof(text) - 1}

/* What a power cut leaves: bytes that the file was to have, and that never came. */
static void test_nuls(void)
{
    static const struct {
        const char *label;
        struct str text;
        int64_t whole;
    } of[] = {
        {"behind a command",       BYTES("*1\r\n$4\r\nPING\r\n\0\0\0\0"),             14},
        {"amid a length",          BYTES("*1\r\n$4\r\nPING\r\n*2\r\n$1\0\0\0"),      14},
        {"amid an argument",       BYTES("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI\0\0\0"), 14},
        {"nothing else",           BYTES("\0\0"),                                     0 },
        {"an argument holds one",  BYTES("*1\r\n$4\r\nPI\0G\r\n"),                    14},
        {"something behind them",  BYTES("*1\r\n$4\r\nPING\r\n\0\0*1\r\n"),           -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        CHECK_INT(of[i].label, redis_aof_whole(of[i].text.p, of[i].text.n), of[i].whole);
    }
}

static void test_life(void)
{
    life_of("data");
}

static void test_odd_path(void)
{
    struct life x;

    life_of("a b/%41x=\"1\"#\\n@y'");
    life_init(&x, "what?");
    CHECK("a pattern", !start(&x));
    CHECK_INT("code", x.err.code, ERR_CONFIG);
    life_fini(&x);
}

#define TEN "/123456789"
static void test_long_path(void)
{
    life_of("long" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN);
}

static void test_long_path_elsewhere(void)
{
    struct redis_dir d, again;
    char parent[128];
    struct life x;
    struct stat st;
    struct err err = {0};

    life_init(&x, "long" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN);
    CHECK("opens", redis_dir_open(x.data, &d, &err));
    CHECK("elsewhere", d.socket_elsewhere);
    snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(d.socket, '/') - d.socket), d.socket);
    CHECK("is there", lstat(parent, &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_INT("closed to others", st.st_mode & 0777, 0700);
    /* What somebody else may have prepared is refused. */
    chmod(parent, 0777);
    CHECK("open to others", !redis_dir_open(x.data, &again, &err));
    CHECK(err.msg, strstr(err.msg, "closed to others") != NULL);
    rmdir(parent);
    CHECK("link", symlink("/tmp", parent) == 0);
    CHECK("a link", !redis_dir_open(x.data, &again, &err));
    unlink(parent);
    redis_dir_close(&d);
    life_fini(&x);
}

static void test_two(void)
{
    struct redis_child *second = NULL;
    struct err err = {0};
    char pid[32];
    struct life x;

    life_init(&x, "data");
    start_and_wait(&x);
    CHECK("the second does not start",
          !redis_child_start(x.w->loop, x.data, on_up, on_failed, &x, &second, &err));
    CHECK_INT("code", err.code, ERR_CONFIG);
    snprintf(pid, sizeof(pid), "process %d", (int)getpid());
    CHECK(err.msg, strstr(err.msg, pid) != NULL);
    stop(&x);
    start_and_wait(&x);
    life_fini(&x);
}

static void test_killed(void)
{
    struct life x;
    struct many m = {0};
    struct asked a;

    life_init(&x, "data");
    start_and_wait(&x);
    open_store(&x);
    for (int i = 0; i < 3; i++) {
        int pid = listener(&x);

        CHECK("it runs", pid > 1);
        many_append(x.w, &m, "{t}:", 500);
        world_pass(x.w, 5);
        kill(pid, SIGKILL);
        many_append(x.w, &m, "{t}:", 500);
        CHECK("all answered", world_run(x.w, &m.done, 5000));
        CHECK("another one runs", listener(&x) > 1 && listener(&x) != pid);
    }
    CHECK_INT(m.msg, m.ok, m.asked);
    ask_wait(x.w, &a, "LLEN {t}:list");
    CHECK_INT("each once", a.number, m.asked);
    CHECK_INT("up is told once", x.ups, 1);
    life_fini(&x);
}

static void test_failed(void)
{
    char path[512];
    struct life x;
    FILE *f;

    life_init(&x, "data");
    start_and_wait(&x);
    open_store(&x);
    stop(&x);
    store_free(&x.w->store);
    snprintf(path, sizeof(path), "%s/redis/appendonlydir/appendonly.aof.manifest", x.data);
    f = fopen(path, "w");
    CHECK("manifest", f != NULL);
    if (f != NULL) {
        fputs("nonsense\n", f);
        fclose(f);
    }
    CHECK("starts", start(&x));
    CHECK("fails", world_run(x.w, &x.failed, 10000));
    CHECK(x.err.msg, strstr(x.err.msg, "exit status 1") != NULL);
    CHECK(x.err.msg, strstr(x.err.msg, "AOF") != NULL);
    CHECK("not up", !x.up);
    stop(&x); /* what failed can still be stopped */
    life_fini(&x);
}

static void test_no_program(void)
{
    char *path = strdup(getenv("PATH"));
    struct life x;

    life_init(&x, "data");
    setenv("PATH", "/nonexistent:relative", 1);
    CHECK("does not start", !start(&x));
    setenv("PATH", path, 1);
    CHECK_INT("code", x.err.code, ERR_CONFIG);
    CHECK(x.err.msg, strstr(x.err.msg, "install it (Debian, Ubuntu: redis-server") != NULL);
    free(path);
    life_fini(&x);
}

static void test_no_directory(void)
{
    struct life x;

    life_init(&x, "data");
    snprintf(x.data, sizeof(x.data), "/proc/nothing/data");
    CHECK("does not start", !start(&x));
    CHECK_INT("code", x.err.code, ERR_IO);
    CHECK(x.err.msg, strstr(x.err.msg, "cannot make the directory /proc/nothing") != NULL);
    life_fini(&x);
}

/* A redis-server that outlived its crewline still has our append-only file open. */
static void orphan(bool stubborn)
{
    struct life x;
    struct asked a;
    int status = 0;
    char conf[512];
    pid_t pid, ended = 0;

    life_init(&x, "data");
    start_and_wait(&x);
    stop(&x);
    snprintf(conf, sizeof(conf), "%s/redis/redis.conf", x.data);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 1);
        dup2(null, 2);
        execlp("redis-server", "redis-server", conf, (char *)NULL);
        _exit(97);
    }
    for (int i = 0; i < 1000 && listener(&x) != pid; i++) {
        usleep(5000);
    }
    CHECK_INT("the orphan listens", listener(&x), pid);
    if (stubborn) {
        kill(pid, SIGSTOP);
    }
    CHECK("starts", start(&x));
    if (stubborn) {
        world_pass(x.w, 200);
        CHECK("waits for its end", !x.up);
        kill(pid, SIGCONT);
    }
    CHECK("up", world_run(x.w, &x.up, 10000));
    /* Its socket is gone before the process is: the answer comes first, its end a little later. */
    for (int i = 0; i < 400 && (ended = waitpid(pid, &status, WNOHANG)) == 0; i++) {
        usleep(5000);
    }
    CHECK_INT("the orphan has ended", ended, pid);
    CHECK("by itself", WIFEXITED(status));
    CHECK("another one runs", listener(&x) > 1 && listener(&x) != pid);
    open_store(&x);
    ask_wait(x.w, &a, "PING");
    life_fini(&x);
}

static void test_orphan(void)
{
    orphan(false);
    orphan(true);
}

static void test_stop_early(void)
{
    struct life x;

    life_init(&x, "data");
    CHECK("starts", start(&x));
    stop(&x); /* before the first turn */
    CHECK("starts", start(&x));
    world_pass(x.w, 1);
    stop(&x); /* while it starts */
    CHECK("starts", start(&x));
    world_pass(x.w, 1);
    redis_child_free(&x.child);
    start_and_wait(&x); /* the one before may still be ending */
    CHECK_INT("one up", x.ups, 1);
    life_fini(&x);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_life),         TEST(test_half_a_transaction),
        TEST(test_whole),        TEST(test_nuls), TEST(test_odd_path),
        TEST(test_long_path),    TEST(test_long_path_elsewhere),
        TEST(test_two),          TEST(test_killed),
        TEST(test_failed),       TEST(test_no_program),
        TEST(test_no_directory), TEST(test_orphan),
        TEST(test_stop_early),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
