#include "link.h"

#include <stdio.h>

#include "base/mem.h"
#include "events.h"
#include "media.h"
#include "status.h"

#define FETCH_MS    15000
#define FETCHES_MAX 64 /* beyond, links are taken at their word */

struct fetch {
    struct list node; /* in sandbox.fetches */
    struct sandbox *sb;
    int64_t seq;
    struct op *op;
};
static int under_way;

static void fail_entry(struct sandbox *sb, struct entry *e)
{
    e->fails_with = e->number->dialect == DIALECT_META ? 131053 : 63019;
    status_fail(sb, e);
}

static void fetch_free(struct fetch *f)
{
    op_cancel(&f->op);
    list_del(&f->node);
    under_way--;
    mem_free(&f);
}

static void on_fetched(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct fetch *f = ctx;
    struct entry *e = ledger_at(f->sb->ledger, f->seq);
    char id[40];

    if (e != NULL && (err != NULL || answer->status != 200)) {
        fail_entry(f->sb, e);
    } else if (e != NULL) {
        struct str mime = pairs_get(&answer->headers, STR("content-type"));

        media_add(f->sb->media, NULL, link_media_id(e, id),
                  mime.n > 0 ? mime : STR("application/octet-stream"), STR_NONE, answer->body);
        events_status(f->sb, e);
    }
    f->op = NULL;
    fetch_free(f);
}

void link_close(struct sandbox *sb)
{
    LIST_EACH_SAFE(it, tmp, &sb->fetches)
    {
        fetch_free(LIST_OF(it, struct fetch, node));
    }
}

struct str link_media_id(const struct entry *e, char out[40])
{
    return str_make(out, (size_t)snprintf(out, 40, "link-%lld", (long long)e->seq));
}

void link_fetch(struct sandbox *sb, struct entry *e, struct str url)
{
    struct http_call call = {.method = "GET",
                             .url = url,
                             .basic_user = STR_NONE,
                             .basic_password = STR_NONE,
                             .body = STR_NONE,
                             .flags = HTTP_IDEMPOTENT,
                             .timeout_ms = FETCH_MS,
                             .response_bytes_max = 17u << 20};
    struct fetch *f;

    if (!sb->fetch_links || under_way >= FETCHES_MAX) {
        return;
    }
    f = MEM_NEW(struct fetch);
    f->sb = sb;
    f->seq = e->seq;
    under_way++;
    list_add_tail(&sb->fetches, &f->node);
    f->op = http_call_start(sb->client, &call, on_fetched, f);
}
