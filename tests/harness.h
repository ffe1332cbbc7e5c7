/*
 * harness: the house test harness. A test file has static functions, a table and one main:
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const struct test tests[] = {TEST(test_parse), TEST(test_limits)};
 *         return test_main(argc, argv, tests, ARRAY_LEN(tests));
 *     }
 *
 * Prints one line a failed check and, last, "N passed, N failed" (tests, not checks). A name given as
 * argument runs only the tests whose names contain it.
 */
#ifndef CREWLINE_TESTS_HARNESS_H
#define CREWLINE_TESTS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"

struct test {
    const char *name;
    void (*run)(void);
};
#define TEST(fn) {#fn, fn}

int test_main(int argc, char **argv, const struct test *tests, size_t n);
void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define CHECK(label, cond)                                                                    \
    do {                                                                                      \
        if (!(cond)) {                                                                        \
            test_fail(__FILE__, __LINE__, "%s: %s", (label), #cond);                          \
        }                                                                                     \
    } while (0)
void test_check_int(const char *file, int line, const char *label, int64_t got, int64_t want);
void test_check_str(const char *file, int line, const char *label, struct str got, struct str want);
#define CHECK_INT(label, got, want) \
    test_check_int(__FILE__, __LINE__, (label), (int64_t)(got), (int64_t)(want))
#define CHECK_STR(label, got, want) test_check_str(__FILE__, __LINE__, (label), (got), (want))
#define CHECK_Z(label, got, want)   CHECK_STR(label, got, str_of(want))

/** Reads tests/data/<path> whole (CREWLINE_TEST_DATA names the folder); aborts when missing. */
void test_data(const char *path, struct buf *out);

#endif
