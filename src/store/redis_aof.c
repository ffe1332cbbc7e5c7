#include "redis_aof.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define FOLDER       "appendonlydir"
#define MANIFEST     "appendonly.aof.manifest"
#define NUMBER_BYTES 12 /* digits of a length */

/* ---- what is whole ---- */

struct reader {
    const char *p;
    size_t n, at;
    bool torn, odd; /* it ends before its time; it is no such file */
};

/* "*3\r\n" or "$5\r\n" */
static size_t number(struct reader *r, char kind)
{
    size_t v = 0, digits = 0;

    if (r->at < r->n && r->p[r->at] != kind) {
        r->odd = true;
        return 0;
    }
    for (r->at++; r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9'; r->at++) {
        v = v * 10 + (size_t)(r->p[r->at] - '0');
        r->odd = r->odd || ++digits > NUMBER_BYTES;
    }
    if (r->at + 2 > r->n) {
        r->torn = true;
        return 0;
    }
    r->odd = r->odd || digits == 0 || r->p[r->at] != '\r' || r->p[r->at + 1] != '\n';
    r->at += 2;
    return v;
}

static struct str argument(struct reader *r)
{
    size_t n = number(r, '$');
    struct str s = {r->p + r->at, n};

    if (r->torn || r->odd) {
        return STR_NONE;
    }
    if (n + 2 > r->n - r->at) {
        r->torn = true;
        return STR_NONE;
    }
    r->at += n + 2;
    return s;
}

/* A line that begins with "#" is a note of Redis to itself. */
static void skip_line(struct reader *r)
{
    while (r->at < r->n && r->p[r->at] != '\n') {
        r->at++;
    }
    r->torn = r->at == r->n;
    r->at++;
}

static bool is_word(struct str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

int64_t redis_aof_whole(const char *p, size_t n)
{
    struct reader r = {.p = p, .n = n};
    bool inside = false; /* a transaction */
    size_t whole = 0;

    while (r.n > 0 && p[r.n - 1] == '\0') {
        r.n--;
    }
    n = r.n;
    while (r.at < n && !r.torn && !r.odd) {
        struct str name = STR_NONE;

        if (p[r.at] == '#') {
            skip_line(&r);
        } else {
            size_t argc = number(&r, '*');

            for (size_t i = 0; i < argc && !r.torn && !r.odd; i++) {
                struct str s = argument(&r);

                name = i == 0 ? s : name;
            }
        }
        if (r.torn || r.odd) {
            break;
        }
        inside = is_word(name, "MULTI") || (inside && !is_word(name, "EXEC"));
        whole = inside ? whole : r.at;
    }
    return r.odd ? -1 : (int64_t)whole;
}

/* ---- the file ---- */

static char *path_of(const char *dir, const char *name)
{
    struct buf b;
    char *path;

    buf_init(&b, 2 * PATH_MAX);
    buf_addf(&b, "%s/" FOLDER "/%s", dir, name);
    buf_take(&b, &path);
    return path;
}

/* "file appendonly.aof.2.incr.aof seq 2 type i": the last such line names the newest. */
static bool newest(const char *dir, char out[256])
{
    char *path = path_of(dir, MANIFEST), line[512], name[256], type;
    FILE *f = fopen(path, "re");
    bool found = false;

    mem_free(&path);
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "file %255s seq %*s type %c", name, &type) == 2 && type == 'i' &&
            strchr(name, '/') == NULL) {
            snprintf(out, 256, "%s", name);
            found = true;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return found;
}

static bool mend(int fd, int64_t *cut)
{
    struct stat st;
    int64_t whole;
    void *p;

    if (fstat(fd, &st) != 0 || st.st_size == 0) {
        return st.st_size == 0;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        return false;
    }
    whole = redis_aof_whole(p, (size_t)st.st_size);
    munmap(p, (size_t)st.st_size);
    if (whole < 0 || whole == st.st_size) {
        return true;
    }
    *cut = st.st_size - whole;
    return ftruncate(fd, whole) == 0 && fsync(fd) == 0;
}

bool redis_aof_mend(const char *dir, int64_t *cut, struct err *err)
{
    char name[256], *path;
    bool ok;
    int fd;

    *cut = 0;
    if (!newest(dir, name)) {
        return true;
    }
    path = path_of(dir, name);
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    ok = fd < 0 ? errno == ENOENT : mend(fd, cut);
    if (!ok) {
        err_set(err, ERR_IO, "cannot mend the end of %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    mem_free(&path);
    return ok;
}
