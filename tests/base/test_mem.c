/* mem, arena, list and embed: small modules that hand out memory or views of it. */
#include "base/mem.h"

#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/embed.h"
#include "base/list.h"
#include "harness.h"

/* Whether @run ends its process by abort(). */
static bool aborts(void (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        run();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void overflow(void)
{
    mem_array(SIZE_MAX / 2, 3);
}

static void wrong_magic(void)
{
    uint32_t object[4] = {1, 2, 3, 4};

    obj_check(object, 2);
}

static void no_object(void)
{
    obj_check(NULL, 2);
}

static void nothing(void)
{
    uint32_t object[4] = {1, 2, 3, 4};

    if (obj_check(object, 1) != object) {
        abort();
    }
}

static void test_mem(void)
{
    unsigned char *p = mem_array(10, 10);
    char *z = mem_dupz(STR("abc"));
    bool zero = true;

    for (size_t i = 0; i < 100; i++) {
        zero = zero && p[i] == 0;
    }
    CHECK("zeroed", zero);
    p[99] = 7;
    p = mem_resize(p, 200);
    CHECK_INT("resized", p[99], 7);
    mem_wipe(p, 200);
    CHECK_INT("wiped", p[99], 0);
    mem_wipe(NULL, 0);
    mem_free(&p);
    CHECK("cleared", p == NULL);
    mem_free(&p);
    CHECK_Z("copy", str_of(z), "abc");
    mem_free(&z);
    z = mem_dupz(STR_NONE);
    CHECK_Z("copy of nothing", str_of(z), "");
    mem_free(&z);
    CHECK("overflow aborts", aborts(overflow));
    CHECK("wrong magic aborts", aborts(wrong_magic));
    CHECK("NULL aborts", aborts(no_object));
    CHECK("right magic passes", !aborts(nothing));
}

static void test_arena(void)
{
    struct arena *a = arena_new();
    char text[700];
    struct str kept = arena_dup(a, STR("first"));
    unsigned wrong = 0;

    memset(text, 'x', sizeof(text));
    for (size_t round = 0; round < 3; round++) {
        for (size_t n = 0; n < 3000; n += 7) {
            unsigned char *p = arena_alloc(a, n);

            wrong += ((uintptr_t)p % alignof(max_align_t)) != 0;
            for (size_t i = 0; i < n; i++) {
                wrong += p[i] != 0;
            }
            memset(p, 0xff, n);
        }
        if (round == 0) {
            CHECK_Z("untouched by the others", kept, "first");
        }
        arena_reset(a);
    }
    CHECK_INT("zeroed, aligned, also after a reset", wrong, 0);
    memset(arena_alloc(a, 1 << 20), 1, 1 << 20);
    CHECK_Z("printf", arena_printf(a, "%s-%d", "n", 7), "n-7");
    CHECK_INT("long printf", arena_printf(a, "%.*s", 700, text).n, 700);
    CHECK_INT("NUL behind", arena_printf(a, "%.*s", 700, text).p[700], 0);
    CHECK_INT("NUL behind a copy", arena_dup(a, str_make("abc", 2)).p[2], 0);
    CHECK("none stays", arena_dup(a, STR_NONE).p == NULL);
    CHECK("empty is not none", arena_dup(a, STR("")).p != NULL);
    CHECK("typed", ARENA_ARRAY(a, struct str, 3)[2].p == NULL && ARENA_NEW(a, struct str)->n == 0);
    arena_free(&a);
    CHECK("cleared", a == NULL);
    arena_free(&a);
}

struct item {
    int n;
    struct list link;
};

static void test_list(void)
{
    struct item items[3] = {
        {1, {0}},
        {2, {0}},
        {3, {0}}
    };
    struct list head;
    int sum = 0, order = 0;

    list_init(&head);
    CHECK("empty", list_empty(&head));
    for (size_t i = 0; i < 3; i++) {
        list_add_tail(&head, &items[i].link);
    }
    LIST_EACH(it, &head)
    {
        order = order * 10 + LIST_OF(it, struct item, link)->n;
    }
    CHECK_INT("in order", order, 123);
    LIST_EACH_SAFE(it, next, &head)
    {
        sum += LIST_OF(it, struct item, link)->n;
        list_del(it);
    }
    CHECK_INT("all seen while deleting", sum, 6);
    CHECK("empty again", list_empty(&head));
    list_del(&items[0].link);
}

static void test_embed(void)
{
    static const struct embedded table[] = {
        {"a.lua",    "one", 3},
        {"b/c.html", "two", 3},
        {"d",        "",    0},
        {NULL,       NULL,  0},
    };
    static const struct embedded none[] = {
        {NULL, NULL, 0}
    };

    CHECK_Z("first", embed_find(table, STR("a.lua")), "one");
    CHECK_Z("second", embed_find(table, STR("b/c.html")), "two");
    CHECK("empty file is there", embed_find(table, STR("d")).p != NULL);
    CHECK("before", embed_find(table, STR("A")).p == NULL);
    CHECK("between", embed_find(table, STR("b")).p == NULL);
    CHECK("after", embed_find(table, STR("z")).p == NULL);
    CHECK("empty table", embed_find(none, STR("a")).p == NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_mem), TEST(test_arena), TEST(test_list),
                                        TEST(test_embed)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
