/* media_store: where the files of people lie; which back end, and under which path. */
#include "base/mem.h"
#include "media_int.h"

#include <stdio.h>

void media_store_path(const struct tenant *t, struct str name, char out[MEDIA_PATH_MAX])
{
    snprintf(out, MEDIA_PATH_MAX, "%.*s/%.2s/%.2s/%.*s", STR_ARG(t->id), name.p, name.p + 2,
             STR_ARG(name));
}

struct media_store *media_store_new(struct engine *e)
{
    struct media_store *ms = MEM_NEW(struct media_store);
    struct str dir = e->o.settings->data_dir;

    ms->e = e;
    ms->backend = e->o.settings->s3_bucket.n > 0 ? &media_s3 : &media_disk;
    list_init(&ms->waiting);
    snprintf(ms->dir, sizeof(ms->dir), "%.*s/media", (int)(dir.n < 900 ? dir.n : 900), dir.p);
    snprintf(ms->tmp, sizeof(ms->tmp), "%.900s/tmp", ms->dir);
    return ms;
}

void media_store_free(struct media_store **owner)
{
    mem_free(owner);
}
