/* The reader of files of people by itself: slices, rows that are too long, and what one call looks
 * at. */
#include "base/arena.h"
#include "base/mem.h"
#include "harness.h"
#include "import_rows.h"

static struct arena *a;

static void test_slices(void)
{
    struct str text = STR(" [ {\"a\":\"]},\\\"\"} , [1,[2]], \"x,]\" ,null,12 ] ");

    for (size_t step = 1; step <= text.n; step++) {
        struct import_source s;
        struct json *j = NULL;
        struct err err = {0};
        size_t checked = 0, rows = 0, bad = 0;
        enum import_took took;

        CHECK("open", import_open(a, text, false, &s, &err));
        while (!import_check(&s, &checked, step, &err)) {
            CHECK_INT("no fault", err.code, ERR_NONE);
        }
        while ((took = import_next(&s, a, &j, &err)) != IMPORT_DONE) {
            rows++;
            bad += took == IMPORT_BAD_ROW ? 1 : 0;
            json_free(&j);
        }
        CHECK_INT("five elements", rows, 5);
        CHECK_INT("one of them an object", bad, 4);
    }
}

/* A row that is too long takes none of the next ones along, whatever stands in its rest. */
static void test_behind_a_long_row(void)
{
    static const char *const rests[] = {"", "y\",z", "\"y,z", ",\"a\nid,b\",c", ",\"\"\"\nid\"", ",a\"b"};

    for (size_t i = 0; i < ARRAY_LEN(rests); i++) {
        bool quoted = rests[i][0] == 'y';
        struct import_source s;
        enum import_took took;
        struct json *j = NULL;
        struct err err = {0};
        struct buf text;
        size_t bad = 0, good = 0;

        buf_init(&text, (size_t)1 << 20);
        buf_addf(&text, "id,name\na,%s", quoted ? "\"" : "");
        for (int k = 0; k < 200000; k++) {
            buf_add_char(&text, 'x');
        }
        buf_addf(&text, "%s\nb,B\n", rests[i]);
        CHECK("open", import_open(a, buf_str(&text), true, &s, &err));
        while ((took = import_next(&s, a, &j, &err)) != IMPORT_DONE) {
            bad += took == IMPORT_BAD_ROW;
            good += took == IMPORT_ROW && str_eqz(json_get_str(j, "id"), "b");
            json_free(&j);
        }
        CHECK_INT(rests[i], bad, 1);
        CHECK_INT(rests[i], good, 1);
        CHECK_INT("two rows", s.row, 2);
        buf_fini(&text);
    }
}

/* Wherever the limit of a row cuts it: the rest of the row is the rest of the row. */
static void test_cut(void)
{
    static const char *const pieces[] = {
        "\"\"", "\"\"\"\"", "\"\"\"\"\"\"", "\"\",\"\"", "\n", "\"\"\n", "\n\"\"", "\",\"", "\",\"\"\"", "\",,\"",
        "\"x,\"", "\"x\"\"\",\"", "\",\"\",\"", "\"\r,\"", "\",\"\"\",\"",
    };

    for (size_t i = 0; i < ARRAY_LEN(pieces) * 14; i++) {
        size_t before = ((size_t)64 << 10) - 13 + i % 14, bad = 0, good = 0;
        const char *piece = pieces[i / 14];
        struct import_source s;
        enum import_took took;
        struct json *j = NULL;
        struct err err = {0};
        struct buf text;

        buf_init(&text, (size_t)1 << 20);
        buf_addz(&text, "id,name\na,\"");
        for (size_t k = 0; k < before; k++) {
            buf_add_char(&text, 'x');
        }
        buf_addf(&text, "%sxxxxxxxxxxxxxxx\"\nb,B\nc,C\n", piece);
        CHECK("open", import_open(a, buf_str(&text), true, &s, &err));
        while ((took = import_next(&s, a, &j, &err)) != IMPORT_DONE) {
            bad += took == IMPORT_BAD_ROW;
            good += took == IMPORT_ROW;
            json_free(&j);
        }
        CHECK_INT(piece, bad, 1);
        CHECK_INT(piece, good, 2);
        buf_fini(&text);
    }
}

/* However a file is made, one call looks at little of it. */
static void test_long_rows(void)
{
    static const struct {
        const char *label, *head;
        char fill;
        bool csv;
        int64_t bad;
    } rows[] = {
        {"separators",             "id,name\n",   ',',  true,  1},
        {"one cell",               "id,name\n",   'x',  true,  1},
        {"one cell in quotes",     "id,name\n\"", 'x',  true,  1},
        {"lines in quotes",        "id,name\n\"", '\n', true,  1},
        {"quotes",                 "id,name\n",   '"',  true,  1},
        {"empty lines",            "id,name\n",   '\n', true,  0},
        {"blanks behind an array", "[1]",         ' ',  false, 1},
        {"a text in an array",     "[\"",         'x',  false, 1},
    };
    size_t n = (size_t)16 << 20;
    char *text = mem_array(n, 1);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct import_source s;
        struct json *j = NULL;
        struct err err = {0};
        enum import_took took;
        int64_t bad = 0;
        size_t most = 0;

        memset(text, rows[i].fill, n);
        memcpy(text, rows[i].head, strlen(rows[i].head));
        if (rows[i].fill == 'x' && !rows[i].csv) {
            memcpy(text + n - 2, "\"]", 2);
        }
        CHECK("open", import_open(a, str_make(text, n), rows[i].csv, &s, &err));
        do {
            size_t before = s.at;

            took = import_next(&s, a, &j, &err);
            most = s.at - before > most ? s.at - before : most;
            bad += took == IMPORT_BAD_ROW;
            json_free(&j);
        } while (took != IMPORT_DONE);
        CHECK_INT(rows[i].label, bad, rows[i].bad);
        CHECK(rows[i].label, most <= (size_t)128 << 10);
    }
    mem_free(&text);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_slices),
        TEST(test_cut),
        TEST(test_long_rows),
        TEST(test_behind_a_long_row),
    };
    int code;

    a = arena_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&a);
    return code;
}
