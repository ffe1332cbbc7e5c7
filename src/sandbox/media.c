#include "media.h"

#include "answer.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define SLICE_MS 50

struct media_store {
    struct list all; /* oldest first */
    struct map *by_id;
    size_t bytes;
};

static const struct {
    const char *mime, *kind;
    size_t max;
} types[] = {
    {"image/jpeg",                                                                "image",    5u << 20  },
    {"image/png",                                                                 "image",    5u << 20  },
    {"image/webp",                                                                "sticker",  500u << 10},
    {"video/mp4",                                                                 "video",    16u << 20 },
    {"video/3gpp",                                                                "video",    16u << 20 },
    {"audio/aac",                                                                 "audio",    16u << 20 },
    {"audio/amr",                                                                 "audio",    16u << 20 },
    {"audio/mpeg",                                                                "audio",    16u << 20 },
    {"audio/mp4",                                                                 "audio",    16u << 20 },
    {"audio/ogg",                                                                 "audio",    16u << 20 },
    {"text/plain",                                                                "document", 100u << 20},
    {"application/pdf",                                                           "document", 100u << 20},
    {"application/msword",                                                        "document", 100u << 20},
    {"application/vnd.ms-excel",                                                  "document", 100u << 20},
    {"application/vnd.ms-powerpoint",                                             "document", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document",   "document",
     100u << 20                                                                                         },
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",         "document", 100u << 20},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "document",
     100u << 20                                                                                         },
};

static struct str bare(struct str mime)
{
    struct str head, tail;

    str_cut(mime, ';', &head, &tail);
    return str_trim(head);
}

static int type_of(struct str mime)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_ieq(bare(mime), str_of(types[i].mime))) {
            return (int)i;
        }
    }
    return -1;
}

size_t media_mime_max(struct str mime)
{
    int i = type_of(mime);

    return i < 0 ? 0 : types[i].max;
}

const char *media_kind_of(struct str mime)
{
    int i = type_of(mime);

    return i < 0 ? "document" : types[i].kind;
}

bool media_kind_takes(const char *kind, const char *mime)
{
    int i = type_of(str_of(mime));

    /* Anything may go as a document. */
    return i >= 0 && (strcmp(kind, "document") == 0 || strcmp(types[i].kind, kind) == 0);
}

struct media_store *media_store_new(void)
{
    struct media_store *s = MEM_NEW(struct media_store);

    list_init(&s->all);
    s->by_id = map_new();
    return s;
}

static void media_drop(struct media_store *s, struct media *m)
{
    map_del(s->by_id, str_of(m->id));
    list_del(&m->node);
    s->bytes -= m->n;
    mem_free(&m->id);
    mem_free(&m->parent);
    mem_free(&m->mime);
    mem_free(&m->filename);
    mem_free(&m->bytes);
    mem_free(&m);
}

void media_store_free(struct media_store **owner)
{
    if (*owner == NULL) {
        return;
    }
    LIST_EACH_SAFE(it, tmp, &(*owner)->all)
    {
        media_drop(*owner, LIST_OF(it, struct media, node));
    }
    map_free(&(*owner)->by_id);
    mem_free(owner);
}

struct media *media_add(struct media_store *s, struct number *n, struct str id, struct str mime,
                        struct str filename, struct str bytes)
{
    struct media *m = media_find(s, id);
    struct buf hex;

    if (m != NULL) {
        media_drop(s, m);
    }
    while (s->bytes + bytes.n > MEDIA_BYTES_MAX && !list_empty(&s->all)) {
        media_drop(s, LIST_OF(s->all.next, struct media, node));
    }
    m = MEM_NEW(struct media);
    list_init(&m->node);
    m->id = mem_dupz(id);
    m->mime = mem_dupz(mime);
    m->filename = filename.n > 0 ? mem_dupz(filename) : NULL;
    m->number = n;
    m->bytes = mem_dupz(bytes);
    m->n = bytes.n;
    sha256(bytes, m->digest);
    m->sha256 = str_make(m->digest, sizeof(m->digest));
    buf_init(&hex, 128);
    hex_add(&hex, m->sha256);
    memcpy(m->sha256_hex, hex.p, sizeof(m->sha256_hex));
    buf_fini(&hex);
    list_add_tail(&s->all, &m->node);
    map_put(s->by_id, str_of(m->id), m);
    s->bytes += m->n;
    return m;
}

struct media *media_find(struct media_store *s, struct str id)
{
    return map_get(s->by_id, id);
}

bool media_delete(struct media_store *s, struct str id)
{
    struct media *m = media_find(s, id);

    if (m != NULL) {
        media_drop(s, m);
    }
    return m != NULL;
}

bool media_belongs(const struct media *m, const struct number *n)
{
    return m->number != NULL && m->number->dialect == n->dialect &&
           strcmp(m->number->account, n->account) == 0;
}

/* A download under way. The file may be dropped from the store meanwhile, so it is copied. */
struct trickle {
    struct wait wait;
    struct sandbox *sb;
    char *bytes, *mime;
    size_t n, sent, per_slice;
    bool begun;
};

static void trickle_free(struct trickle *t)
{
    list_del(&t->wait.held);
    mem_free(&t->bytes);
    mem_free(&t->mime);
    mem_free(&t);
}

static void trickle_drop(struct wait *w)
{
    trickle_free(LIST_OF(&w->node, struct trickle, wait.node));
}

static void on_slice(void *ctx, int64_t arg)
{
    struct trickle *t = ctx;
    struct http_req *r = t->wait.req;
    struct http_reply head = {.status = 200, .content_type = t->mime};

    (void)arg;
    if (r == NULL) {
        trickle_free(t);
        return;
    }
    if (t->per_slice == 0) {
        head.body = str_make(t->bytes, t->n);
        http_reply(wait_take(&t->wait), &head);
        trickle_free(t);
        return;
    }
    if (!t->begun) {
        t->begun = true;
        http_stream_start(r, &head);
    }
    size_t n = t->n - t->sent < t->per_slice ? t->n - t->sent : t->per_slice;

    if (n > 0 && http_stream_backlog(r) < (1u << 20)) {
        http_stream_write(r, str_make(t->bytes + t->sent, n));
        t->sent += n;
    }
    if (t->sent == t->n) {
        http_stream_end(wait_take(&t->wait));
        trickle_free(t);
        return;
    }
    sched_in(t->sb->sched, SLICE_MS, on_slice, t, 0);
}

void media_serve(struct sandbox *sb, struct http_req *r, const struct media *m)
{
    int64_t delay = fault_media_delay_ms(sb->faults), rate = fault_media_rate(sb->faults);
    struct http_reply reply = {
        .status = 200, .content_type = m->mime, .body = str_make(m->bytes, m->n)};
    struct trickle *t;

    if (delay == 0 && rate == 0) {
        http_reply(r, &reply);
        return;
    }
    t = MEM_NEW(struct trickle);
    wait_init(&t->wait, r, NULL);
    answer_hold(sb, &t->wait, trickle_drop);
    t->sb = sb;
    t->bytes = mem_dupz(str_make(m->bytes, m->n));
    t->mime = mem_dupz(str_of(m->mime));
    t->n = m->n;
    t->per_slice = rate == 0 ? 0 : (size_t)(rate * SLICE_MS / 1000 + 1);
    sched_in(sb->sched, delay, on_slice, t, 0);
}
