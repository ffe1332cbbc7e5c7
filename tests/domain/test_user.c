#include "domain/user.h"

#include "harness.h"

static void test_first(void)
{
    CHECK("compiles", true);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_first)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
