/* Files that people send: fetched once, kept once, within what is allowed, whatever happens on the
 * way. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "media_int.h"
#include "world.h"

#define JPEG "\xFF\xD8\xFF\xE0 a photo of the bearing"
#define KEPT "gateway.workorder.media_attached.v1"

static char dir[64];

/* Every file under @path: how many there are, and the last one's name in @last. */
static int files_under(const char *path, char last[1200])
{
    DIR *d = opendir(path);
    int n = 0;

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char sub[1200];
        struct stat st;

        snprintf(sub, sizeof(sub), "%.900s/%.255s", path, e->d_name);
        if (e->d_name[0] == '.' || stat(sub, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            n += files_under(sub, last);
        } else {
            n++;
            snprintf(last, 1200, "%s", sub);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}

static int stored(char last[1200])
{
    char path[100];

    snprintf(path, sizeof(path), "%s/media", dir);
    return files_under(path, last);
}

static struct world *start(const char *media)
{
    static char config[600];
    struct world_options o = {.config = config};
    struct world *w;

    snprintf(dir, sizeof(dir), "/tmp/crewline-media-XXXXXX");
    CHECK("directory", mkdtemp(dir) != NULL);
    snprintf(config, sizeof(config),
             "\"data_dir\":\"%s\",\"delivery\":{\"lease_ms\":1000,\"send_timeout_ms\":400},"
             "\"callbacks\":{\"schedule_ms\":[80],\"timeout_ms\":400},\"media\":{%s},",
             dir, media);
    w = world_new(&o);
    w->file = STR(JPEG);
    put_event(w, "o1", "cmms.workorder.created.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":"
              "\"in_progress\",\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "order", idle(w));
    return w;
}

static void finish(struct world *w)
{
    char command[100], last[1200];

    world_free(&w);
    for (int n = stored(last); n > 0; n--) {
        unlink(last);
        stored(last);
    }
    snprintf(command, sizeof(command), "%s", dir);
    rmdir(command);
}

static struct medium newest(struct world *w)
{
    struct str id = arena_dup(w->a, str_of(redis_get(w, "ZRANGE mx:media -1 -1")));
    struct medium m = {0};
    struct err err = {0};

    CHECK("record opens", medium_decode(w->a, record(w, medium_key(w->a, id).p), 1, &m, &err));
    return m;
}

static void on_done(void *ctx, const struct err *err)
{
    CHECK("no error", err == NULL);
    ++*(int *)ctx;
}

/* The same content twice is one file; it goes with the last of them. */
static void test_once(void)
{
    struct world *w = start("\"retention_days\":30");
    char last[1200];
    int gone = 0;

    put_photo(w, ANA, "p1", "one");
    put_photo(w, ANA, "p1", "one"); /* the provider says it again */
    put_photo(w, ANA, "p2", "two");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 2);
    CHECK_INT("files", stored(last), 1);
    CHECK_INT("counted once", redis_int(w, "HGET mq v"), (int64_t)sizeof(JPEG) - 1);
    CHECK_INT("of the order", redis_int(w, "ZCARD om:w1"), 2);
    CHECK("in its timeline", has_entry(w, "w1", "media", "photo: two"));
    CHECK("signed requests", w->nfiles == 2 && w->nfiles_signed == 2);
    media_forget(w->et, newest(w).id, STR_NONE, on_done, &gone);
    UNTIL(w, "one gone", gone == 1);
    CHECK_INT("the other needs it", stored(last), 1);
    media_forget(w->et, newest(w).id, STR_NONE, on_done, &gone);
    UNTIL(w, "both gone", gone == 2);
    CHECK_INT("file", stored(last), 0);
    CHECK_INT("bytes", redis_int(w, "HGET mq v"), 0);
    CHECK_INT("of the order", redis_int(w, "ZCARD om:w1") + redis_int(w, "ZCARD mp:u1"), 0);
    finish(w);
}

/* By age, with the next look of the clock; what is younger stays. */
static void test_retention(void)
{
    struct world *w = start("\"retention_days\":30");
    char last[1200];
    struct str old;

    put_photo(w, ANA, "p1", "old");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 1);
    old = newest(w).id;
    w->file = STR(JPEG " and another");
    put_photo(w, ANA, "p2", "new");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 2);
    CHECK_INT("aged",
              redis_int(w, "ZADD mx:media %lld %.*s",
                        (long long)(wall_now().ms - (int64_t)31 * 86400000), STR_ARG(old)),
              0);
    redis_get(w, "DEL ch:media");
    world_kill(w);
    world_start(w);
    UNTIL(w, "the old one gone", stored(last) == 1);
    UNTIL(w, "its place too", redis_int(w, "ZCARD mx:media") == 1);
    CHECK_Z("the other stays", newest(w).caption, "new");
    CHECK_INT("bytes", redis_int(w, "HGET mq v"), (int64_t)w->file.n);
    finish(w);
}

/* One whose record does not open does not keep the others. */
static void test_retention_damaged(void)
{
    struct world *w = start("\"retention_days\":30");
    char last[1200];

    put_photo(w, ANA, "p1", "old");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 1);
    redis_get(w, "HSET me:f1 v 1 b x");
    redis_get(w, "ZADD mx:media 1 f1");
    redis_get(w, "ZADD mx:media 2 %.*s", STR_ARG(newest(w).id));
    redis_get(w, "DEL ch:media");
    world_kill(w);
    world_start(w);
    UNTIL(w, "both gone", redis_int(w, "ZCARD mx:media") == 0);
    UNTIL(w, "its file too", stored(last) == 0);
    finish(w);
}

static void test_redirect(void)
{
    struct world *w = start("\"retention_days\":30");

    put_photo(w, ANA, "p1", "twilio has it");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 1);
    CHECK_INT("without the password", (int64_t)w->nfiles_signed, 0);
    finish(w);
}

#define MORE(id)                                                                            \
    "{\"workorder\":{\"id\":\"" id "\",\"number\":\"WO-" id "\",\"title\":\"T\",\"status\":" \
    "\"in_progress\",\"assignees\":[{\"id\":\"u1\"}]}}"

/* "Which order?" is answered with a number, however it is written. */
static void test_order_typed(void)
{
    static const struct {
        const char *typed;
        int files; /* the order has then */
    } rows[] = {
        {"WO-w2",    1},
        {"w2",       1},
        {"wo WO-w2", 0}, /* which shows it */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = start("\"retention_days\":30");

        put_event(w, "o2", "cmms.workorder.created.v1", MORE("w2"));
        put_photo(w, ANA, "p1", "");
        UNTIL(w, "asked", idle(w) && sent_to(w, ANA, ":media:w1") == 1);
        put_text(w, ANA, "t2", rows[i].typed);
        UNTIL(w, "answered", idle(w));
        CHECK_INT(rows[i].typed, redis_int(w, "ZCARD om:w2"), rows[i].files);
        finish(w);
    }
}

/* A row of another list shows its order; the file goes where its own question is answered. */
static void test_other_list(void)
{
    struct world *w = start("\"retention_days\":30");

    put_event(w, "o2", "cmms.workorder.created.v1", MORE("w2"));
    put_photo(w, ANA, "p1", "");
    UNTIL(w, "asked", idle(w) && sent_to(w, ANA, ":media:w1") == 1);
    put_tap(w, ANA, "t1", "pick:show:w1");
    UNTIL(w, "shown", idle(w));
    CHECK_INT("not to the one that was looked at", redis_int(w, "ZCARD om:w1"), 0);
    put_tap(w, ANA, "t2", "pick:media:w2");
    UNTIL(w, "answered", idle(w));
    CHECK_INT("to the one that was chosen", redis_int(w, "ZCARD om:w2"), 1);
    finish(w);
}

/* Files that are sent together: one has the words, the others belong to the same fault. */
static void test_fault_several(void)
{
    struct world *w = start("\"retention_days\":30");

    put_photo(w, ANA, "p1", "REPORT P-01");
    UNTIL(w, "asked", idle(w));
    put_photo(w, ANA, "p2", "");
    UNTIL(w, "asked again", idle(w));
    CHECK_INT("what is wrong", sent_to(w, ANA, "What is wrong with"), 2);
    put_text(w, ANA, "t1", "it leaks");
    UNTIL(w, "reported", idle(w));
    CHECK_INT("once", stream_events(w, "gateway.request.submitted.v1", "it leaks"), 1);
    CHECK_INT("with both", stream_events(w, "gateway.request.submitted.v1", "},{\"id\""), 1);
    CHECK_INT("none to the order at hand", redis_int(w, "ZCARD om:w1"), 0);
    finish(w);
}

/* "What is wrong?" is open: a photo is for the item of a checklist that asked for one since. */
static void test_fault_or_item(void)
{
    struct world *w = start("\"retention_days\":30");

    put_event(w, "c1", "cmms.checklist.due.v1",
              "{\"checklist\":{\"id\":\"C1\",\"name\":\"Daily check\",\"period\":\"daily\",\"items\":["
              "{\"id\":\"a\",\"label\":\"Gauge\",\"kind\":\"photo\",\"required\":true}],"
              "\"assignees\":[\"u1\"]}}");
    UNTIL(w, "due", idle(w));
    put_text(w, ANA, "t1", "REPORT P-01");
    UNTIL(w, "asked", idle(w));
    put_tap(w, ANA, "t2", "y:c:go,1:C1");
    UNTIL(w, "begun", idle(w));
    put_photo(w, ANA, "p1", "");
    UNTIL(w, "fetched", w->nfiles == 1 && idle(w));
    CHECK_INT("the item has it",
              stream_events(w, "gateway.checklist.answered.v1", "\"id\":\"a\""), 1);
    CHECK_INT("what is wrong is not asked again", sent_to(w, ANA, "What is wrong with"), 1);
    finish(w);
}

/* What waits for "which order?" still does when a fault is told in between, with a file of its own. */
static void test_fault_between(void)
{
    struct world *w = start("\"retention_days\":30");

    put_event(w, "o2", "cmms.workorder.created.v1",
              "{\"workorder\":{\"id\":\"w2\",\"number\":\"WO-2\",\"title\":\"T\",\"status\":"
              "\"in_progress\",\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "two orders", idle(w));
    put_photo(w, ANA, "p1", "");
    UNTIL(w, "which order", idle(w));
    put_photo(w, ANA, "p2", "REPORT P-01");
    UNTIL(w, "what is wrong", idle(w));
    put_text(w, ANA, "t1", "it leaks");
    UNTIL(w, "reported", stream_events(w, "gateway.request.submitted.v1", "it leaks") == 1);
    CHECK_INT("with one", stream_events(w, "gateway.request.submitted.v1", "},{\"id\""), 0);
    put_tap(w, ANA, "t2", "pick:media:w2");
    UNTIL(w, "answered", idle(w));
    CHECK_INT("the first goes where it was meant to", redis_int(w, "ZCARD om:w2"), 1);
    CHECK_INT("the CMMS hears it", stream_events(w, KEPT, ""), 1);
    finish(w);
}

static struct wall later(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + (int64_t)20 * 60 * 1000};
}

/* A question that is over takes no file: it is kept once, for its order. */
static void test_fault_over(void)
{
    struct world *w = start("\"retention_days\":30");

    put_text(w, ANA, "t1", "REPORT P-01");
    UNTIL(w, "asked", idle(w));
    clock_fake(NULL, later);
    put_photo(w, ANA, "p1", "the bearing");
    UNTIL(w, "answered", idle(w));
    UNTIL(w, "kept", stream_events(w, KEPT, "") == 1 && idle(w));
    clock_fake(NULL, NULL);
    CHECK_INT("one file", redis_int(w, "ZCARD mp:u1"), 1);
    CHECK_INT("fetched once", (int64_t)w->nfiles, 1);
    finish(w);
}

static void test_quota(void)
{
    struct world *w = start("\"quota_bytes\":40");
    char last[1200];

    put_photo(w, ANA, "p1", "fits");
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 1);
    w->file = STR(JPEG " and more");
    put_photo(w, ANA, "p2", "does not");
    UNTIL(w, "told", sent_to(w, ANA, "the storage is full") == 1);
    UNTIL(w, "the office too", w->nalerts > 0 && idle(w));
    CHECK_Z("state", newest(w).state, "failed");
    CHECK_Z("reason", newest(w).reason, "full");
    CHECK_INT("nothing old is deleted", stored(last), 1);
    finish(w);
}

/* One at a time, and a gateway that ends in the middle: the other goes on. */
static void test_limit_and_crash(void)
{
    struct world *w = start("\"fetches\":1");
    char last[1200];

    w->file_hangs = true;
    put_photo(w, ANA, "p1", "one");
    put_photo(w, ANA, "p2", "two");
    UNTIL(w, "answers do not wait", sent_to(w, ANA, "Got your photo") == 2);
    world_run(w, 300);
    CHECK_INT("one at a time", (int64_t)w->nfiles, 1);
    world_kill(w);
    w->file_hangs = false;
    world_start(w);
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 2);
    CHECK_INT("nothing half", stored(last), 1);
    finish(w);
}

static void test_lost(void)
{
    static const struct {
        const char *label, *reason;
        int place, file;
        struct str bytes;
    } rows[] = {
        {"expired",  "expired",   404, 0, {JPEG, sizeof(JPEG) - 1}},
        {"no photo", "type",      0,   0, {"<html>", 6}           },
        {"too long", "too_large", 0,   0, {NULL, 0}               },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = start("\"max_photo_bytes\":2000");
        char last[1200];

        w->place_status = rows[i].place;
        w->file_status = rows[i].file;
        w->file = rows[i].bytes.n > 0 ? rows[i].bytes : arena_printf(w->a, JPEG "%2000d", 1);
        put_photo(w, ANA, "p1", "one");
        UNTIL(w, rows[i].label,
              sent_to(w, ANA, rows[i].reason[0] == 't' ? "" : "no longer") > 0 && idle(w) &&
                  str_eqz(newest(w).state, "failed"));
        CHECK_Z(rows[i].label, newest(w).reason, rows[i].reason);
        CHECK(rows[i].label, has_entry(w, "w1", "media", rows[i].reason));
        CHECK_INT(rows[i].label, stored(last), 0);
        finish(w);
    }
}

/* ---- what lies on the disk ---- */

struct got {
    struct buf text;
    int ends;
    enum err_code code;
};

static void on_bytes(void *ctx, struct str bytes)
{
    buf_add(&((struct got *)ctx)->text, bytes);
}

static void on_end(void *ctx, const struct err *err)
{
    struct got *g = ctx;

    g->ends++;
    g->code = err == NULL ? ERR_NONE : err->code;
}

static enum err_code read_back(struct world *w, struct str name, struct str want)
{
    struct got g = {.code = ERR_NONE};
    const struct media_sink sink = {on_bytes, on_end, &g};

    buf_init(&g.text, 1 << 20);
    media_read(w->et, name, &sink);
    UNTIL(w, "read", g.ends == 1);
    if (g.code == ERR_NONE) {
        CHECK("the same bytes", str_eq(buf_str(&g.text), want));
    }
    buf_fini(&g.text);
    return g.code;
}

static void test_damage(void)
{
    static const size_t sizes[] = {1, 65536, 65537, 200000}; /* behind the beginning of a photo */
    struct world *w = start("\"retention_days\":30");
    char last[1200], byte;
    struct str name;
    int fd;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *bytes = arena_alloc(w->a, sizes[i] + 3);

        memcpy(bytes, "\xFF\xD8\xFF", 3);
        w->file = str_make(bytes, sizes[i] + 3);
        put_photo(w, ANA, arena_printf(w->a, "p%zu", i).p, "one");
        UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == (int)i + 1);
        CHECK_INT("whole", read_back(w, newest(w).blob, w->file), ERR_NONE);
    }
    name = newest(w).blob;
    snprintf(last, sizeof(last), "%s/media/acme/%.2s/%.2s/%.*s", dir, name.p, name.p + 2,
             STR_ARG(name));
    fd = open(last, O_RDWR);
    CHECK("there", fd >= 0 && pread(fd, &byte, 1, 100000) == 1);
    byte ^= 1;
    CHECK("touched", pwrite(fd, &byte, 1, 100000) == 1);
    CHECK_INT("a byte", read_back(w, name, w->file), ERR_DAMAGED);
    byte ^= 1;
    CHECK("mended", pwrite(fd, &byte, 1, 100000) == 1);
    CHECK_INT("whole again", read_back(w, name, w->file), ERR_NONE);
    CHECK("cut", ftruncate(fd, MEDIA_HEADER + 2 * MEDIA_SEALED_CHUNK) == 0);
    CHECK_INT("between chunks", read_back(w, name, w->file), ERR_DAMAGED);
    CHECK("cut", ftruncate(fd, 20) == 0);
    CHECK_INT("in the header", read_back(w, name, w->file), ERR_DAMAGED);
    close(fd);
    unlink(last);
    CHECK_INT("gone", read_back(w, name, w->file), ERR_NOT_FOUND);
    finish(w);
}

/* A file cannot grow on our disk: somebody is told, and it is tried until it can. */
static void test_no_room(void)
{
    struct world *w = start("\"retry_for_s\":60");
    const char *tmp = arena_printf(w->a, "%s/media/tmp", dir).p;
    int fd;

    rmdir(tmp);
    mkdir(arena_printf(w->a, "%s/media", dir).p, 0700);
    fd = open(tmp, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK("in its place", fd >= 0);
    close(fd);
    put_photo(w, ANA, "p1", "one");
    UNTIL(w, "told", stream_events(w, "gateway.system.alert.v1", "\"component\":\"media\"") == 1);
    CHECK_INT("not kept", stream_events(w, KEPT, ""), 0);
    unlink(tmp);
    UNTIL(w, "kept", idle(w) && stream_events(w, KEPT, "") == 1);
    finish(w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_once),   TEST(test_retention),       TEST(test_retention_damaged), TEST(test_redirect),
        TEST(test_quota),  TEST(test_limit_and_crash), TEST(test_lost),
        TEST(test_damage), TEST(test_order_typed), TEST(test_other_list), TEST(test_fault_several),
        TEST(test_fault_or_item), TEST(test_fault_over), TEST(test_no_room), TEST(test_fault_between),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
