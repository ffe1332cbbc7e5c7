#include "base/map.h"

#include <stdlib.h>

#include "harness.h"

#define KEYS 400

static struct str key_of(char text[16], unsigned i)
{
    return str_make(text, (size_t)snprintf(text, 16, "key-%u", i));
}

static void test_basics(void)
{
    struct map *m = map_new();
    char text[16];
    int a, b;

    CHECK("nothing yet", map_get(m, STR("a")) == NULL && map_del(m, STR("a")) == NULL);
    map_put(m, key_of(text, 1), &a);
    memset(text, 'x', sizeof(text));
    CHECK("keys are copied", map_get(m, STR("key-1")) == &a);
    map_put(m, STR("key-1"), &b);
    CHECK("replaced", map_get(m, STR("key-1")) == &b);
    CHECK_INT("one entry", map_len(m), 1);
    map_put(m, STR(""), &a);
    CHECK("the empty key is a key", map_get(m, STR_NONE) == &a);
    map_put(m, str_make("a\0b", 3), &a);
    CHECK("a NUL counts", map_get(m, STR("a")) == NULL && map_get(m, str_make("a\0b", 3)) == &a);
    CHECK("deleted", map_del(m, STR("")) == &a && map_get(m, STR("")) == NULL);
    CHECK("only once", map_del(m, STR("")) == NULL);
    map_free(&m);
    CHECK("cleared", m == NULL);
    map_free(&m);
}

/* Against a plain table, through growth and deletion in runs of neighbours. */
static void test_random_walk(void)
{
    static char present[KEYS];
    struct map *m = map_new();
    size_t count = 0;
    unsigned wrong = 0;

    srand(1);
    for (int step = 0; step < 100000; step++) {
        unsigned i = (unsigned)rand() % KEYS;
        char text[16];
        struct str key = key_of(text, i);
        void *want = present[i] ? &present[i] : NULL;

        wrong += map_get(m, key) != want;
        /* Phases in which it fills and phases in which it empties. */
        if (rand() % 10 < (step / 5000 % 2 == 0 ? 7 : 3)) {
            count += present[i] == 0;
            present[i] = 1;
            map_put(m, key, &present[i]);
        } else {
            wrong += map_del(m, key) != want;
            count -= present[i] != 0;
            present[i] = 0;
        }
        wrong += map_len(m) != count;
    }
    CHECK_INT("differences", wrong, 0);
    map_free(&m);
}

static void test_walk(void)
{
    static int values[KEYS];
    struct map *m = map_new();
    struct str key;
    void *value;
    size_t seen = 0;

    for (unsigned i = 0; i < KEYS; i++) {
        char text[16];

        map_put(m, key_of(text, i), &values[i]);
    }
    for (size_t it = 0; map_next(m, &it, &key, &value);) {
        char text[16];
        unsigned i = (unsigned)((int *)value - values);

        CHECK_STR("key and value belong together", key, key_of(text, i));
        CHECK_INT("once each", values[i]++, 0);
        seen++;
    }
    CHECK_INT("all", seen, KEYS);
    map_free(&m);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_basics), TEST(test_random_walk), TEST(test_walk)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
