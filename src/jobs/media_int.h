/*
 * media_int: files that people send, inside this room. media_file.c writes a sealed file while it
 * comes in, media_read.c reads one back, media_store.c knows where they lie (media_disk.c,
 * media_s3.c), media_fetch.c gets them from the providers, inbox_media.c is the inbound item.
 */
#ifndef CREWLINE_JOBS_MEDIA_INT_H
#define CREWLINE_JOBS_MEDIA_INT_H

#include "base/crypto.h"
#include "domain/media.h"
#include "inbox_int.h"
#include "jobs/media.h"

#define MEDIA_MAGIC         "CWM1"
#define MEDIA_CHUNK         65536
#define MEDIA_SEALED_CHUNK  (MEDIA_CHUNK + SEAL_EXTRA_BYTES)
#define MEDIA_KEY_SEALED    (SEAL_KEY_BYTES + SEAL_EXTRA_BYTES)
#define MEDIA_HEADER        (4 + MEDIA_KEY_SEALED)
#define MEDIA_PATH_MAX      1024
#define MEDIA_BACKLOG       (512 * 1024) /* from here on a source is to wait */

/* ---- writing one ---- */

struct media_file;
/** In @dir (made if need be), a file of no name yet that goes with @f or with the process. */
struct media_file *media_file_new(struct loop *l, const char *dir);
/** False: the source is to wait until @on_room of media_file_on_room(). */
bool media_file_write(struct media_file *f, struct str bytes);
/** Why it cannot be written, or NULL. */
const struct err *media_file_error(const struct media_file *f);
void media_file_on_room(struct media_file *f, loop_fn *on_room, void *ctx);
/** No more comes: @on_done when all is sealed and written, or could not be. */
void media_file_finish(struct media_file *f, media_done_fn *on_done, void *ctx);
/* Behind it: */
int64_t media_file_bytes(const struct media_file *f);
struct str media_file_head(const struct media_file *f);
const uint8_t *media_file_sha256(const struct media_file *f);
/**
 * The header, with its key sealed for @name; then it moves to @path, for good (fsync). Without a path it stays
 * where it is, to be copied elsewhere: then its sealed bytes are counted and hashed. @on_done is called in any
 * case, also when @f is freed meanwhile.
 */
void media_file_keep(struct media_file *f, const struct tenant *t, struct str name,
                     const char *path, media_done_fn *on_done, void *ctx);
int64_t media_file_sealed_bytes(const struct media_file *f);
const uint8_t *media_file_sealed_sha256(const struct media_file *f);
/** A descriptor of the sealed file, the caller's to close. */
int media_file_dup(const struct media_file *f);
/** Also while something is under way: nobody but who keeps it is called any more. */
void media_file_free(struct media_file **owner);
/** Seals or opens chunk @n. */
void media_chunk_seal(struct sealer *s, int64_t n, bool last, struct str text, struct buf *out);
bool media_chunk_open(struct sealer *s, int64_t n, bool last, struct str sealed, struct buf *out,
                      struct err *err);

/* ---- where they lie ---- */

struct media_source { /* gives the sealed bytes of one */
    void (*on_bytes)(void *ctx, struct str bytes);
    void (*on_end)(void *ctx, const struct err *err);
    void *ctx;
};
struct media_store;
struct media_backend {
    /** The finished file, under @path. Once for a file. */
    struct op *(*put)(struct media_store *ms, const struct tenant *t, struct str name,
                      struct media_file *f, media_done_fn *on_done, void *ctx);
    struct op *(*get)(struct media_store *ms, const struct tenant *t, struct str name,
                      const struct media_source *to);
    void (*pause)(struct op *op, bool paused);
    /** Gone, or was never there: no error. */
    struct op *(*drop)(struct media_store *ms, const struct tenant *t, struct str name,
                       media_done_fn *on_done, void *ctx);
};
struct media_store {
    struct engine *e;
    const struct media_backend *backend;
    char dir[MEDIA_PATH_MAX], tmp[MEDIA_PATH_MAX]; /* …/media and where files grow */
    int64_t fetches;                               /* under way in this gateway */
    struct list waiting;                           /* struct media_fetch, for a place */
    size_t nwaiting;
};
extern const struct media_backend media_disk, media_s3;
struct media_store *media_store_new(struct engine *e);
/** Sweeps what a gateway that was killed left half done. */
void media_store_sweep(struct media_store *ms);
void media_store_free(struct media_store **owner);
/** "acme/ab/cd/abcd…" */
void media_store_path(const struct tenant *t, struct str name, char out[MEDIA_PATH_MAX]);

/* ---- the fetch ---- */

struct media_fetch;
enum fetch_end {
    FETCH_GOT,   /* the file is there */
    FETCH_LATER, /* might work another time: err says why not now; reason: if it never does */
    FETCH_LOST   /* never: reason is that of medium.reason */
};
struct media_fetched {
    enum fetch_end end;
    const char *reason;
    const struct media_type *type;
    struct media_file *file; /* taken */
    struct err err;
};
typedef void media_fetched_fn(void *ctx, struct media_fetched *got);
/** Begins when there is a place; @in and @s live as long as it. */
struct media_fetch *media_fetch_new(struct engine_tenant *et, const struct sender *s,
                                    const struct inbound *in, media_fetched_fn *on_done, void *ctx);
void media_fetch_free(struct media_fetch **owner);

#endif
