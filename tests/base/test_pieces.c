/* pieces: what is freed comes again by its size; what is in it is never another's. */
#include "base/pieces.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED true /* all goes to the heap */
#else
#define WATCHED false
#endif

static void test_sizes(void)
{
    static const size_t sizes[] = {0,   1,   31,  32,   33,   255,  256,   257,
                                   511, 512, 513, 2047, 2048, 2049, 100000};
    char *all[ARRAY_LEN(sizes)];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            all[i] = piece_new(sizes[i]);
            CHECK("aligned", (uintptr_t)all[i] % 16 == 0);
            memset(all[i], (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                if (all[i][k] != (char)(i + 1)) {
                    CHECK_INT("whole", k, sizes[i]);
                    break;
                }
            }
            piece_free(all[i]);
        }
    }
}

static void test_comes_again(void)
{
    void *first = piece_new(100), *other = piece_new(100), *big = piece_new(1500);
    void *next, *own, *coarse, *more;

    piece_free(first);
    piece_free(big);
    next = piece_new(200);
    own = piece_new(128);
    coarse = piece_new(1300);
    more = piece_new(100);
    CHECK("the next size does not get it", WATCHED || next != first);
    CHECK("its own does", WATCHED || own == first);
    CHECK("a coarse one too", WATCHED || coarse == big);
    CHECK("and nobody what is in use", more != other);
    piece_free(other);
    piece_free(next);
    piece_free(own);
    piece_free(coarse);
    piece_free(more);
}

static void test_resize(void)
{
    char *text = piece_dupz("a text"), *same;

    CHECK("as it was", strcmp(text, "a text") == 0);
    same = piece_resize(text, 32);
    CHECK("room is there", WATCHED || same == text);
    for (size_t bytes = 33; bytes <= 5000; bytes += 97) {
        same = piece_resize(same, bytes);
        memset(same + 7, 'x', bytes - 7);
        CHECK("what was in it came along", strcmp(same, "a text") == 0);
    }
    piece_free(same);
    same = piece_resize(NULL, 40);
    memset(same, 'y', 40);
    piece_free(same);
    same = piece_zeroed(5, 8);
    for (size_t i = 0; i < 40; i++) {
        CHECK_INT("zeroed", same[i], 0);
    }
    piece_free(same);
    piece_free(NULL);
}

static void *free_it(void *data)
{
    piece_free(data);
    return NULL;
}

/* A thread that frees what another made does not reach into its list. */
static void test_threads(void)
{
    void *data = piece_new(64), *again;
    pthread_t t;

    CHECK_INT("started", pthread_create(&t, NULL, free_it, data), 0);
    pthread_join(t, NULL);
    again = piece_new(64);
    CHECK("not given again here", WATCHED || again != data);
    piece_free(again);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_sizes),
        TEST(test_comes_again),
        TEST(test_resize),
        TEST(test_threads),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
