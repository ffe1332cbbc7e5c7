#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

static _Noreturn void die(const char *why)
{
    /* Nothing that allocates: the heap may be what failed. */
    if (write(STDERR_FILENO, why, strlen(why)) < 0) {
        abort();
    }
    abort();
}

static void *must(void *p)
{
    if (p == NULL) {
        die("crewline: out of memory\n");
    }
    return p;
}

void *mem_new(size_t bytes)
{
    return must(calloc(1, bytes == 0 ? 1 : bytes));
}

void *mem_array(size_t count, size_t bytes)
{
    size_t total;

    if (__builtin_mul_overflow(count, bytes, &total)) {
        die("crewline: array size overflows\n");
    }
    return mem_new(total);
}

void *mem_resize(void *p, size_t bytes)
{
    return must(realloc(p, bytes == 0 ? 1 : bytes));
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

char *mem_dupz(struct str s)
{
    char *z = mem_resize(NULL, s.n + 1);

    if (s.n > 0) {
        memcpy(z, s.p, s.n);
    }
    z[s.n] = '\0';
    return z;
}

void mem_free(void *owner)
{
    void *p;

    /* Copied as bytes: the owner is a T * and must not be written through a void **. */
    memcpy(&p, owner, sizeof(p));
    free(p);
    memset(owner, 0, sizeof(p));
}

void mem_wipe(void *p, size_t n)
{
    if (n > 0) {
        explicit_bzero(p, n);
    }
}

void *obj_check(void *p, unsigned magic)
{
    uint32_t got;

    if (p == NULL) {
        die("crewline: object is NULL\n");
    }
    memcpy(&got, p, sizeof(got));
    if (got != magic) {
        die("crewline: object has the wrong magic number\n");
    }
    return p;
}
