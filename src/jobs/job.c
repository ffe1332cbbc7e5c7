/* job: what every job needs: the list of those under way, sealed bodies, dead letters. */
#include "base/log.h"
#include "base/mem.h"
#include "jobs_int.h"

#define RETRY_FIRST_MS 250
#define RETRY_MOST_MS  10000

void job_begin(struct engine *e, struct job *job, void (*drop)(struct job *job))
{
    list_init(&job->node);
    list_add_tail(&e->jobs, &job->node);
    job->drop = drop;
}

void job_end(struct job *job)
{
    list_del(&job->node);
}

int64_t job_retry_ms(int tries)
{
    int64_t ms = RETRY_FIRST_MS;

    while (tries-- > 0 && ms < RETRY_MOST_MS) {
        ms *= 2;
    }
    return ms > RETRY_MOST_MS ? RETRY_MOST_MS : ms;
}

bool job_item_body(struct engine_tenant *et, struct arena *a, struct str key,
                   const struct lane_item *item, struct str *out, struct err *err)
{
    if (item->granted) {
        *out = arena_dup(a, item->body);
        return true;
    }
    if (item->body.n == 0) {
        return err_set(err, ERR_DAMAGED, "record %.*s is missing", STR_ARG(key));
    }
    return vault_open_arena(et->t.vault, a, key, "b", item->body, out, err);
}

struct str job_seal(struct engine_tenant *et, struct arena *a, struct str key, const char *field,
                    struct str text)
{
    struct buf sealed;
    struct str out;

    buf_init(&sealed, text.n + SEAL_EXTRA_BYTES + 1);
    vault_seal(et->t.vault, key, field, text, &sealed);
    out = arena_dup(a, buf_str(&sealed));
    buf_fini(&sealed);
    return out;
}

/* ---- dead letters, and what is kept ---- */

void dead_letter_write(struct engine_tenant *et, struct arena *a, struct commit *c,
                       const struct dead_letter *d)
{
    struct str id = arena_printf(a, "%s%.*s", d->prefix, STR_ARG(d->item));
    struct str key = arena_printf(a, "dl:%.*s", STR_ARG(id));
    struct buf text;
    struct jw w;

    buf_init(&text, 64 * 1024);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_z(&w, "kind", d->kind);
    jw_str(&w, "sequence", d->item);
    jw_str(&w, "lane", d->lane);
    jw_str(&w, "reason", d->reason);
    jw_int(&w, "tries", d->tries);
    jw_wall(&w, "at", wall_now());
    jw_close(&w, '}');
    commit_hset(c, key, STR("b"), job_seal(et, a, key, "b", buf_str(&text)));
    commit_zadd(c, STR("dl"), (double)wall_now().ms, id);
    buf_fini(&text);
}

void kept_write(struct engine_tenant *et, struct arena *a, struct commit *c,
                const struct inbound *in)
{
    struct buf record;

    inbound_encode_within(in, KEPT_BYTES, &record);
    commit_append(c, STR("kept"), job_seal(et, a, STR("kept"), "b", buf_str(&record)), KEPT_MOST);
    buf_fini(&record);
}
