#include <assert.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include "store_int.h"

#define TABLES_MAX 4
#define COMMON     "common.lua"

extern const struct embedded store_scripts[]; /* src/store/lua, compiled in */

/* Made once, on first use, from all tables: one process has one set of scripts. */
static const struct embedded *tables[TABLES_MAX] = {store_scripts};
static size_t ntables = 1;
static struct script *scripts;
static size_t nscripts;
static bool made;
static int stores;

/*
 * A shebang ("#!lua flags=allow-oom") counts for Redis in the first line only, so it moves in front
 * of the common part. The script's own part is a function in it: what its functions use of the
 * common part is then handed on to them, instead of being looked for among all that is open (26k
 * instructions of 229k for a commit without work).
 */
static void join(struct str common, struct str own, struct buf *out)
{
    struct str first = STR_NONE, rest = own;

    if (str_starts(own, STR("#!"))) {
        str_cut(own, '\n', &first, &rest);
        buf_add(out, first);
        buf_add_char(out, '\n');
    }
    buf_add(out, common);
    buf_addz(out, "\nreturn (function()\n");
    buf_add(out, rest);
    buf_addz(out, "\nend)()\n");
}

static void make_one(struct script *s, const struct embedded *from, struct str common)
{
    struct buf text, hex;
    struct hasher h;
    uint8_t sha[SHA1_BYTES];

    buf_init(&text, (size_t)1 << 20);
    join(common, str_make(from->data, from->bytes), &text);
    assert(buf_ok(&text));
    hasher_init(&h, HASH_SHA1);
    hasher_add(&h, buf_str(&text));
    hasher_done(&h, sha);
    buf_init(&hex, 2 * SHA1_BYTES);
    hex_add(&hex, str_make(sha, sizeof(sha)));
    s->name = from->name;
    s->head_bytes = (size_t)snprintf(s->head, sizeof(s->head),
                                     "$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n1\r\n", hex.p);
    assert(s->head_bytes < sizeof(s->head));
    s->bytes = buf_take(&text, &s->text);
    buf_fini(&hex);
}

static void make(void)
{
    struct str common = embed_find(store_scripts, STR(COMMON));

    made = true;
    for (size_t t = 0; t < ntables; t++) {
        for (const struct embedded *e = tables[t]; e->name != NULL; e++) {
            if (strcmp(e->name, COMMON) == 0) {
                continue;
            }
            scripts = mem_resize(scripts, (nscripts + 1) * sizeof(scripts[0]));
            make_one(&scripts[nscripts++], e, common);
        }
    }
}

void store_scripts_add(const struct embedded *table)
{
    assert(stores == 0 && ntables < TABLES_MAX);
    for (size_t i = 0; i < nscripts; i++) {
        mem_free(&scripts[i].text);
    }
    mem_free(&scripts);
    nscripts = 0;
    made = false;
    tables[ntables++] = table;
}

size_t scripts_count(void)
{
    if (!made) {
        make();
    }
    return nscripts;
}

const struct script *scripts_at(size_t i)
{
    assert(i < nscripts);
    return &scripts[i];
}

void scripts_freeze(int by)
{
    stores += by;
}
