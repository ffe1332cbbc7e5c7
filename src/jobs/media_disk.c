/* media_disk: stored files under the data directory. Every call to the system is made in the pool.
 */
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "media_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define PIECE (128 * 1024)

/* ---- keeping ---- */

struct put { /* nothing but what is to be called: the work is the file's */
    struct op op;
    media_done_fn *on_done; /* NULL: cancelled */
    void *ctx;
};

static void put_cancelled(struct op *op)
{
    ((struct put *)(void *)op)->on_done = NULL;
}

static void on_put(void *ctx, const struct err *err)
{
    struct put *p = ctx;
    media_done_fn *on_done = p->on_done;
    void *done_ctx = p->ctx;

    mem_free(&p);
    if (on_done != NULL) {
        on_done(done_ctx, err);
    }
}

static void file_path(const struct media_store *ms, const struct tenant *t, struct str name,
                      char out[2 * MEDIA_PATH_MAX])
{
    char path[MEDIA_PATH_MAX];

    media_store_path(t, name, path);
    snprintf(out, (size_t)2 * MEDIA_PATH_MAX, "%.1000s/%.1000s", ms->dir, path);
}

static struct op *disk_put(struct media_store *ms, const struct tenant *t, struct str name,
                           struct media_file *f, media_done_fn *on_done, void *ctx)
{
    struct put *p = MEM_NEW(struct put);
    char path[2 * MEDIA_PATH_MAX];

    *p = (struct put){{put_cancelled}, on_done, ctx};
    file_path(ms, t, name, path);
    media_file_keep(f, t, name, path, on_put, p);
    return &p->op;
}

/* ---- reading ---- */

struct get {
    struct op op;
    struct loop *l;
    struct media_source to;
    bool busy, dropped, paused;
    /* the pool's while busy */
    char path[2 * MEDIA_PATH_MAX];
    int fd, code; /* code: errno */
    bool opened, at_end;
    ssize_t n;
    char piece[PIECE];
};

static void get_piece(void *ctx)
{
    struct get *g = ctx;

    if (g->dropped) {
        return;
    }
    if (!g->opened) {
        g->fd = open(g->path, O_RDONLY | O_CLOEXEC);
        g->opened = true;
    }
    do {
        g->n = g->fd < 0 ? -1 : read(g->fd, g->piece, sizeof(g->piece));
    } while (g->n < 0 && g->fd >= 0 && errno == EINTR);
    g->code = g->n < 0 ? errno : 0;
}

static void get_free(struct get *g)
{
    if (g->busy) {
        g->dropped = true;
        return;
    }
    if (g->fd >= 0) {
        close(g->fd); /* of a file that was only read: nothing is written out by that */
    }
    mem_free(&g);
}

static void get_end(struct get *g, const struct err *err)
{
    struct media_source to = g->to;

    get_free(g);
    to.on_end(to.ctx, err);
}

static void on_piece(void *ctx);

static void get_next(struct get *g)
{
    if (!g->busy && !g->paused) {
        g->busy = true;
        loop_work(g->l, get_piece, on_piece, g);
    }
}

static void on_piece(void *ctx)
{
    struct get *g = ctx;
    struct err err = {0};

    g->busy = false;
    if (g->dropped) {
        get_free(g);
    } else if (g->code == ENOENT) {
        err_set(&err, ERR_NOT_FOUND, "the file is not in the store");
        get_end(g, &err);
    } else if (g->code != 0) {
        err_set(&err, ERR_IO, "cannot read %s: %s", g->path, strerror(g->code));
        get_end(g, &err);
    } else if (g->n == 0) {
        get_end(g, NULL);
    } else {
        /* Busy while it is handed over: whoever cancels us in there leaves the freeing to us. */
        g->busy = true;
        g->to.on_bytes(g->to.ctx, str_make(g->piece, (size_t)g->n));
        g->busy = false;
        if (g->dropped) {
            get_free(g);
        } else {
            get_next(g);
        }
    }
}

static void get_cancelled(struct op *op)
{
    get_free((struct get *)(void *)op);
}

static struct op *disk_get(struct media_store *ms, const struct tenant *t, struct str name,
                           const struct media_source *to)
{
    struct get *g = MEM_NEW(struct get);

    g->op.cancel = get_cancelled;
    g->l = ms->e->loop;
    g->to = *to;
    g->fd = -1;
    file_path(ms, t, name, g->path);
    get_next(g);
    return &g->op;
}

static void disk_pause(struct op *op, bool paused)
{
    struct get *g = (struct get *)(void *)op;

    g->paused = paused;
    if (!paused) {
        get_next(g);
    }
}

/* ---- dropping ---- */

struct drop {
    struct op op;
    media_done_fn *on_done;
    void *ctx;
    char path[2 * MEDIA_PATH_MAX];
    int code;
};

static void drop_cancelled(struct op *op)
{
    ((struct drop *)(void *)op)->on_done = NULL;
}

static void drop_work(void *ctx)
{
    struct drop *d = ctx;

    d->code = unlink(d->path) == 0 || errno == ENOENT ? 0 : errno;
}

static void on_dropped(void *ctx)
{
    struct drop *d = ctx;
    media_done_fn *on_done = d->on_done;
    void *done_ctx = d->ctx;
    struct err err = {0};

    if (d->code != 0) {
        err_set(&err, ERR_IO, "cannot delete %s: %s", d->path, strerror(d->code));
    }
    mem_free(&d);
    if (on_done != NULL) {
        on_done(done_ctx, err.code == ERR_NONE ? NULL : &err);
    }
}

static struct op *disk_drop(struct media_store *ms, const struct tenant *t, struct str name,
                            media_done_fn *on_done, void *ctx)
{
    struct drop *d = MEM_NEW(struct drop);

    *d = (struct drop){.op = {drop_cancelled}, .on_done = on_done, .ctx = ctx};
    file_path(ms, t, name, d->path);
    loop_work(ms->e->loop, drop_work, on_dropped, d);
    return &d->op;
}

const struct media_backend media_disk = {disk_put, disk_get, disk_pause, disk_drop};

/* ---- what a killed gateway left ---- */

struct sweep {
    char tmp[MEDIA_PATH_MAX];
    int64_t swept;
};

/* Whose lock can be had has no process any more: the system gives it free. */
static void sweep_work(void *ctx)
{
    struct sweep *s = ctx;
    DIR *dir = opendir(s->tmp);

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char path[2 * MEDIA_PATH_MAX];
        int fd;

        if (!id_is(str_of(e->d_name))) {
            continue;
        }
        snprintf(path, sizeof(path), "%.1000s/%.100s", s->tmp, e->d_name);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0) {
            s->swept++;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void on_swept(void *ctx)
{
    struct sweep *s = ctx;

    if (s->swept > 0) {
        log_info("half fetched files of a gateway that ended were swept",
                 LF_INT("files", s->swept));
    }
    mem_free(&s);
}

void media_store_sweep(struct media_store *ms)
{
    struct sweep *s = MEM_NEW(struct sweep);

    snprintf(s->tmp, sizeof(s->tmp), "%s", ms->tmp);
    loop_work(ms->e->loop, sweep_work, on_swept, s);
}
