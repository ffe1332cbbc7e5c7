/*
 * media_file: one file on its way in: what comes is hashed, sealed chunk by chunk and written, all
 * of it in the pool, one piece of work at a time; what comes meanwhile waits in `in`. The file is
 * locked while it grows, so a sweep knows whose process is gone.
 */
#include "base/mem.h"
#include "media_int.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define IN_MAX (2 * MEDIA_BACKLOG)

struct media_file {
    struct loop *l;
    bool busy, dropped; /* dropped: the owner went away; the work under way ends first */
    bool ending, ended; /* no more comes; all of it is written */
    struct buf in;      /* waits */
    loop_fn *on_room;
    void *room_ctx;
    media_done_fn *on_done;
    void *done_ctx;
    /* the pool's while busy */
    char dir[MEDIA_PATH_MAX], path[MEDIA_PATH_MAX], to[MEDIA_PATH_MAX];
    int fd;
    bool last, keep;
    struct buf work, carry, sealed;
    struct sealer *sealer;
    uint8_t key[SEAL_KEY_BYTES];
    char header_bytes[MEDIA_HEADER];
    struct hasher hash;
    uint8_t sha256[SHA256_BYTES], sealed_sha256[SHA256_BYTES];
    int64_t sealed_bytes;
    char head[MEDIA_HEAD_BYTES];
    size_t nhead;
    int64_t bytes, chunks;
    struct err err;
};

/* ---- chunks ---- */

static struct str chunk_aad(char space[32], int64_t n, bool last)
{
    return str_make(space, (size_t)snprintf(space, 32, "%lld%s", (long long)n, last ? "$" : ""));
}

void media_chunk_seal(struct sealer *s, int64_t n, bool last, struct str text, struct buf *out)
{
    char space[32];

    seal(s, chunk_aad(space, n, last), text, out);
}

bool media_chunk_open(struct sealer *s, int64_t n, bool last, struct str sealed, struct buf *out,
                      struct err *err)
{
    char space[32];

    return unseal(s, chunk_aad(space, n, last), sealed, out, err);
}

/* ---- in the pool ---- */

static void failed(struct media_file *f, const char *what)
{
    if (f->err.code == ERR_NONE) {
        err_set(&f->err, ERR_IO, "cannot %s %s: %s", what, f->path, strerror(errno));
    }
}

static bool make_dirs(char *path)
{
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST) {
                *p = '/';
                return false;
            }
            *p = '/';
        }
    }
    return true;
}

static bool write_all(struct media_file *f, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(f->fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static void open_file(struct media_file *f)
{
    char id[ID_BYTES];

    id_new(id);
    snprintf(f->path, sizeof(f->path), "%.900s/%s", f->dir, id);
    if (!make_dirs(f->path)) {
        failed(f, "make the directory of");
        return;
    }
    f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0 || flock(f->fd, LOCK_EX | LOCK_NB) != 0 ||
        !write_all(f, str_make(f->header_bytes, MEDIA_HEADER))) {
        failed(f, "make");
    }
}

static void seal_chunk(struct media_file *f, struct str text, bool last)
{
    buf_reset(&f->sealed);
    media_chunk_seal(f->sealer, f->chunks++, last, text, &f->sealed);
    if (!write_all(f, buf_str(&f->sealed))) {
        failed(f, "write");
    }
}

static void take_in(struct media_file *f)
{
    size_t at = 0, room = sizeof(f->head) - f->nhead;

    room = room < f->work.n ? room : f->work.n;
    if (room > 0) {
        memcpy(f->head + f->nhead, f->work.p, room);
        f->nhead += room;
    }
    f->bytes += (int64_t)f->work.n;
    hasher_add(&f->hash, buf_str(&f->work));
    buf_add(&f->carry, buf_str(&f->work));
    /* A whole chunk stays until more comes: only then is it known not to be the last. */
    while (f->carry.n - at > MEDIA_CHUNK && f->err.code == ERR_NONE) {
        seal_chunk(f, str_slice(buf_str(&f->carry), at, at + MEDIA_CHUNK), false);
        at += MEDIA_CHUNK;
    }
    buf_drop(&f->carry, at);
    if (f->last && f->err.code == ERR_NONE) {
        seal_chunk(f, buf_str(&f->carry), true);
        buf_reset(&f->carry);
        hasher_done(&f->hash, f->sha256);
    }
}

static void sync_dir(const char *path)
{
    char dir[MEDIA_PATH_MAX];
    int fd;

    snprintf(dir, sizeof(dir), "%s", path);
    *strrchr(dir, '/') = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static void count_sealed(struct media_file *f)
{
    struct hasher h;
    ssize_t n;

    f->sealed_bytes = 0;
    hasher_init(&h, HASH_SHA256);
    buf_reset(&f->sealed);
    buf_reserve(&f->sealed, MEDIA_CHUNK);
    while ((n = pread(f->fd, f->sealed.p, MEDIA_CHUNK, f->sealed_bytes)) > 0) {
        hasher_add(&h, str_make(f->sealed.p, (size_t)n));
        f->sealed_bytes += n;
    }
    hasher_done(&h, f->sealed_sha256);
    if (n < 0) {
        failed(f, "read");
    }
}

static void keep_file(struct media_file *f)
{
    if (pwrite(f->fd, f->header_bytes, MEDIA_HEADER, 0) != MEDIA_HEADER || fsync(f->fd) != 0) {
        failed(f, "write");
    } else if (f->to[0] != '\0') {
        if (!make_dirs(f->to) || rename(f->path, f->to) != 0) {
            failed(f, "keep");
            return;
        }
        sync_dir(f->to);
        f->path[0] = '\0';
    } else {
        count_sealed(f);
    }
}

static void work(void *ctx)
{
    struct media_file *f = ctx;

    if (f->fd < 0 && f->err.code == ERR_NONE) {
        open_file(f);
    }
    if (f->err.code != ERR_NONE) {
        return;
    }
    if (f->keep) {
        keep_file(f);
    } else {
        take_in(f);
    }
}

static void bury(void *ctx)
{
    struct media_file *f = ctx;

    if (f->path[0] != '\0' && f->fd >= 0) {
        unlink(f->path);
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
}

/* ---- on the loop ---- */

static void buried(void *ctx)
{
    struct media_file *f = ctx;

    buf_fini(&f->in);
    buf_fini(&f->work);
    buf_fini(&f->carry);
    buf_fini(&f->sealed);
    hasher_fini(&f->hash);
    sealer_free(&f->sealer);
    mem_wipe(f->key, sizeof(f->key));
    mem_free(&f);
}

static void go_on(struct media_file *f);

static void worked(void *ctx)
{
    struct media_file *f = ctx;
    media_done_fn *on_done = f->on_done;
    struct err gone = {0};

    f->busy = false;
    if (f->dropped) {
        f->busy = true;
        loop_work(f->l, bury, buried, f);
        if (on_done != NULL) {
            err_set(&gone, ERR_CANCELLED, "nobody waits for the file any more");
            on_done(f->done_ctx, &gone);
        }
        return;
    }
    buf_reset(&f->work);
    f->ended = f->ended || f->last;
    go_on(f);
    if (f->busy) {
        return;
    }
    if (f->on_room != NULL && !f->ending) {
        f->on_room(f->room_ctx);
    } else if (on_done != NULL && (f->keep || f->ended || f->err.code != ERR_NONE)) {
        f->on_done = NULL;
        on_done(f->done_ctx, f->err.code == ERR_NONE ? NULL : &f->err);
    }
}

static void go_on(struct media_file *f)
{
    struct buf swap = f->work;

    if (f->busy || f->ended || (f->in.n == 0 && !f->ending)) {
        return;
    }
    if (f->err.code != ERR_NONE && !f->ending) {
        return;
    }
    f->work = f->in;
    f->in = swap;
    buf_reset(&f->in);
    f->last = f->ending;
    f->busy = true;
    loop_work(f->l, work, worked, f);
}

struct media_file *media_file_new(struct loop *l, const char *dir)
{
    struct media_file *f = MEM_NEW(struct media_file);

    f->l = l;
    f->fd = -1;
    snprintf(f->dir, sizeof(f->dir), "%s", dir);
    buf_init(&f->in, IN_MAX);
    buf_init(&f->work, IN_MAX);
    buf_init(&f->carry, IN_MAX + MEDIA_CHUNK);
    buf_init(&f->sealed, MEDIA_SEALED_CHUNK);
    random_bytes(f->key, sizeof(f->key));
    f->sealer = sealer_new(f->key);
    hasher_init(&f->hash, HASH_SHA256);
    return f;
}

bool media_file_write(struct media_file *f, struct str bytes)
{
    buf_add(&f->in, bytes);
    assert(buf_ok(&f->in)); /* the source was told to wait long before */
    go_on(f);
    return f->in.n < MEDIA_BACKLOG;
}

const struct err *media_file_error(const struct media_file *f)
{
    return f->busy || f->err.code == ERR_NONE ? NULL : &f->err;
}

void media_file_on_room(struct media_file *f, loop_fn *on_room, void *ctx)
{
    f->on_room = on_room;
    f->room_ctx = ctx;
}

void media_file_finish(struct media_file *f, media_done_fn *on_done, void *ctx)
{
    f->ending = true;
    f->on_done = on_done;
    f->done_ctx = ctx;
    go_on(f);
}

int64_t media_file_bytes(const struct media_file *f)
{
    return f->bytes;
}

struct str media_file_head(const struct media_file *f)
{
    return str_make(f->head, f->nhead);
}

const uint8_t *media_file_sha256(const struct media_file *f)
{
    return f->sha256;
}

int64_t media_file_sealed_bytes(const struct media_file *f)
{
    return f->sealed_bytes;
}

const uint8_t *media_file_sealed_sha256(const struct media_file *f)
{
    return f->sealed_sha256;
}

int media_file_dup(const struct media_file *f)
{
    return fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
}

void media_file_keep(struct media_file *f, const struct tenant *t, struct str name,
                     const char *path, media_done_fn *on_done, void *ctx)
{
    struct buf header;
    char record[128];

    snprintf(record, sizeof(record), "mb:%.*s", STR_ARG(name));
    buf_init(&header, MEDIA_HEADER);
    buf_addz(&header, MEDIA_MAGIC);
    vault_seal(t->vault, str_of(record), "k", str_make(f->key, sizeof(f->key)), &header);
    memcpy(f->header_bytes, header.p, MEDIA_HEADER);
    buf_fini(&header);
    snprintf(f->to, sizeof(f->to), "%s", path);
    f->keep = true;
    f->busy = true;
    f->on_done = on_done;
    f->done_ctx = ctx;
    loop_work(f->l, work, worked, f);
}

void media_file_free(struct media_file **owner)
{
    struct media_file *f = *owner;

    if (f == NULL) {
        return;
    }
    *owner = NULL;
    f->dropped = true;
    f->on_done = f->keep ? f->on_done : NULL;
    f->on_room = NULL;
    if (!f->busy) {
        f->busy = true;
        loop_work(f->l, bury, buried, f);
    }
}
