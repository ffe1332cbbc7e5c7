#include "catalogue_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

struct str catalogue_code(struct str file)
{
    return str_slice(file, 0, file.n - (sizeof(CATALOGUE_SUFFIX) - 1));
}

static bool read_file(const char *path, struct str name, catalogue_fn *each, void *ctx,
                      struct err *err)
{
    FILE *f = fopen(path, "re");
    struct buf text;
    bool ok = false;
    char *room;

    if (f == NULL) {
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    }
    buf_init(&text, CATALOGUE_MAX + 2);
    room = buf_reserve(&text, CATALOGUE_MAX + 1);
    buf_grew(&text, fread(room, 1, CATALOGUE_MAX + 1, f));
    ok = !ferror(f) || err_set(err, ERR_CONFIG, "cannot be read");
    ok = ok && each(ctx, catalogue_code(name), buf_str(&text), err);
    buf_fini(&text);
    fclose(f);
    return ok || err_wrap(err, "%s", path);
}

bool catalogue_dir_each(const char *config_dir, const char *folder, catalogue_fn *each, void *ctx,
                        struct err *err)
{
    struct arena *a = arena_new();
    struct str path = arena_printf(a, "%s/%s", config_dir, folder);
    DIR *dir = opendir(path.p);
    bool ok = dir != NULL || errno == ENOENT ||
              err_set(err, ERR_CONFIG, "%s: %s", path.p, strerror(errno));

    for (struct dirent *e; ok && dir != NULL && (e = readdir(dir)) != NULL;) {
        struct str name = str_of(e->d_name);

        if (name.p[0] != '.' && str_ends(name, STR(CATALOGUE_SUFFIX))) {
            ok = read_file(arena_printf(a, "%s/%s", path.p, e->d_name).p, name, each, ctx, err);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    arena_free(&a);
    return ok;
}
