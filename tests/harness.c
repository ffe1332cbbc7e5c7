#include "harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static unsigned failed_checks;

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    failed_checks++;
    printf("%s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void test_check_int(const char *file, int line, const char *label, int64_t got, int64_t want)
{
    if (got != want) {
        test_fail(file, line, "%s: got %lld, want %lld", label, (long long)got, (long long)want);
    }
}

void test_check_str(const char *file, int line, const char *label, struct str got, struct str want)
{
    if (!str_eq(got, want)) {
        test_fail(file, line, "%s: got \"%.*s\", want \"%.*s\"", label, STR_ARG(got), STR_ARG(want));
    }
}

void test_data(const char *path, struct buf *out)
{
    const char *dir = getenv("CREWLINE_TEST_DATA");
    char name[512], part[4096];
    size_t n;
    FILE *f;

    snprintf(name, sizeof(name), "%s/%s", dir == NULL ? "tests/data" : dir, path);
    f = fopen(name, "rb");
    if (f == NULL) {
        printf("cannot read %s\n", name);
        abort();
    }
    while ((n = fread(part, 1, sizeof(part), f)) > 0) {
        buf_add(out, str_make(part, n));
    }
    fclose(f);
}

int test_main(int argc, char **argv, const struct test *tests, size_t n)
{
    unsigned passed = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        failed_checks = 0;
        tests[i].run();
        if (failed_checks == 0) {
            passed++;
        } else {
            failed++;
            printf("FAILED %s (%u checks)\n", tests[i].name, failed_checks);
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
