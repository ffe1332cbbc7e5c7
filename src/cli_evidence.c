/*
 * cli_evidence: `crewline prove --order`: of an export (a file), whether its chain of hashes holds,
 * without any gateway or store; with --seal, whether it was exported with a tenant's key of ours.
 * Of a work order (its number), whether the chain in the store holds and every file it names is
 * there, byte for byte. What was changed is named; exit 1.
 */
#include "cli_evidence.h"

#include "base/mem.h"
#include "domain/command.h"
#include "domain/evidence.h"
#include "domain/media.h"
#include "domain/order_store.h"
#include "jobs/media.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)

/* ---- a file ---- */

static void tell_item(void *ctx, int64_t n, const struct json *item)
{
    struct str at = json_get_str(item, "at"), kind = json_get_str(item, "kind"),
               text = str_slice(json_get_str(item, "text"), 0, 80);

    (void)ctx;
    if (n == 0) {
        printf("the document was changed: its end does not fit its items\n");
    } else {
        printf("item %lld was changed: %.*s %.*s %.*s\n", (long long)n, STR_ARG(at), STR_ARG(kind),
               STR_ARG(text));
    }
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char piece[65536];
    size_t n;

    if (f == NULL) {
        return false;
    }
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0) {
        buf_add(out, str_make(piece, n));
    }
    fclose(f);
    return buf_ok(out);
}

struct proof {
    const struct args *args;
    struct arena *a;
    struct evidence_found found; /* of a file */
    struct str number;           /* of the store */
    struct command *c;
    struct engine_tenant *et;
    size_t at; /* tenant */
    struct op *pending;
    struct str id;
    struct evidence_chain chain;
    struct medium *media;
    size_t nmedia, medium;
    struct str *missing; /* files of its list that have no record */
    size_t nmissing;
    struct hasher hash;
    int64_t entries, broken;
};

static int check_file(struct proof *p, const char *path)
{
    struct buf text;
    struct err err = {0};
    bool ok;

    buf_init(&text, FILE_BYTES_MAX);
    ok = read_file(path, &text);
    if (!ok) {
        fprintf(stderr, "crewline: cannot read %s: %s\n", path, strerror(errno));
    } else if (!evidence_check(p->a, buf_str(&text), &p->found, tell_item, NULL, &err)) {
        fprintf(stderr, "crewline: %s: %s\n", path, err.msg);
        ok = false;
    }
    buf_fini(&text);
    if (!ok) {
        return EXIT_FAIL;
    }
    printf("%.*s: %s, %lld items, head %.*s\n", STR_ARG(p->found.order),
           p->found.broken == 0 ? "intact" : "changed", (long long)p->found.items,
           STR_ARG(p->found.head));
    if (p->found.stored_broken) {
        printf("the chain in the store was broken already when this was exported\n");
    }
    return p->found.broken == 0 && !p->found.stored_broken ? EXIT_OK : EXIT_FAIL;
}

static void check_seal(struct command *c)
{
    struct proof *p = c->user;
    struct engine_tenant *et = engine_tenant_find(c->engine, p->found.tenant);
    bool ours = et != NULL && evidence_sealed_by(engine_tenant(et), &p->found);

    printf("%s\n",
           ours ? "the seal is that of this gateway's tenant"
                : "the seal is none of ours: another wrote this, or changed it and its hashes");
    command_end(c, ours ? EXIT_OK : EXIT_FAIL);
}

/* ---- a work order ---- */

static void read_order(struct proof *p);
static void next_file(struct proof *p);

static void fail(struct proof *p, const struct err *err)
{
    fprintf(stderr, "crewline: %s\n", err->msg);
    command_end(p->c, EXIT_UNAVAILABLE);
}

static struct str key_of(struct proof *p, const char *key, struct str rest)
{
    return arena_printf(p->a, "{%.*s}:%s%.*s", STR_ARG(engine_tenant(p->et)->id), key,
                        STR_ARG(rest));
}

static void finish(struct proof *p)
{
    printf("%.*s: %s, %lld entries, %zu files\n", STR_ARG(p->number),
           p->broken == 0 ? "intact" : "changed", (long long)p->entries, p->nmedia);
    command_end(p->c, p->broken == 0 ? EXIT_OK : EXIT_FAIL);
}

static void on_bytes(void *ctx, struct str bytes)
{
    hasher_add(&((struct proof *)ctx)->hash, bytes);
}

static void on_end(void *ctx, const struct err *err)
{
    struct proof *p = ctx;
    const struct medium *m = &p->media[p->medium++];
    uint8_t digest[SHA256_BYTES];
    struct buf hex;

    p->pending = NULL;
    hasher_done(&p->hash, digest);
    buf_init(&hex, 64);
    hex_add(&hex, str_make(digest, sizeof(digest)));
    if (err != NULL || !str_eq(buf_str(&hex), m->sha256)) {
        p->broken++;
        printf("file %.*s does not hold: %s\n", STR_ARG(m->id),
               err != NULL ? err->msg : "its bytes are not those that were sent");
    }
    buf_fini(&hex);
    next_file(p);
}

static void next_file(struct proof *p)
{
    const struct media_sink sink = {on_bytes, on_end, p};

    while (p->medium < p->nmedia && !str_eqz(p->media[p->medium].state, "kept")) {
        p->medium++;
    }
    if (p->medium == p->nmedia) {
        finish(p);
        return;
    }
    hasher_init(&p->hash, HASH_SHA256);
    p->pending = media_read(p->et, p->media[p->medium].blob, &sink);
}

static void read_media(struct proof *p, reply_fn *on_done);

static void on_listed(void *ctx, const struct err *err, const struct reply *reply)
{
    struct proof *p = ctx;

    p->pending = NULL;
    if (err != NULL) {
        fail(p, err);
        return;
    }
    for (size_t i = 0; i < p->nmissing; i++) {
        for (size_t k = 0; k < reply_len(reply); k++) {
            if (str_eq(p->missing[i], reply_str(reply_at(reply, k)))) {
                p->broken++;
                printf("file %.*s does not hold: its record is missing\n", STR_ARG(p->missing[i]));
            }
        }
    }
    next_file(p);
}

static void on_media(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct proof *p = ctx;
    struct err own = {0};
    size_t kept = 0;

    p->pending = NULL;
    if (err != NULL) {
        fail(p, err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct str id = p->media[i].id;

        if (docs[i].version == 0) {
            p->missing[p->nmissing++] = id;
        } else if (medium_open(engine_tenant(p->et), p->a, id, &docs[i], &p->media[kept], &own)) {
            kept++;
        } else {
            p->broken++;
            printf("file %.*s does not hold: %s\n", STR_ARG(id), own.msg);
        }
    }
    p->nmedia = kept;
    if (p->nmissing > 0) {
        read_media(p, on_listed); /* who is forgotten between the two reads goes from the list too */
    } else {
        next_file(p);
    }
}

static void on_ids(void *ctx, const struct err *err, const struct reply *reply)
{
    struct proof *p = ctx;
    struct str *keys;

    p->pending = NULL;
    if (err != NULL) {
        fail(p, err);
        return;
    }
    p->nmedia = reply_len(reply);
    if (p->nmedia == 0) {
        finish(p);
        return;
    }
    p->media = ARENA_ARRAY(p->a, struct medium, p->nmedia);
    keys = ARENA_ARRAY(p->a, struct str, p->nmedia);
    p->missing = ARENA_ARRAY(p->a, struct str, p->nmedia);
    for (size_t i = 0; i < p->nmedia; i++) {
        p->media[i].id = arena_dup(p->a, reply_str(reply_at(reply, i)));
        keys[i] = medium_key(p->a, p->media[i].id);
    }
    p->pending = fetch_run(engine_store(p->c->engine), engine_tenant(p->et)->id, keys, p->nmedia,
                           on_media, p);
}

static void read_media(struct proof *p, reply_fn *on_done)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("ZRANGE"));
    call_str(&call, key_of(p, "om:", p->id));
    call_int(&call, 0);
    call_int(&call, -1);
    p->pending = store_run(engine_store(p->c->engine), &call, on_done, p);
}

static void on_entries(void *ctx, const struct err *err, const struct reply *reply)
{
    struct proof *p = ctx;
    struct str key = arena_printf(p->a, "ot:%.*s", STR_ARG(p->id));

    p->pending = NULL;
    if (err != NULL) {
        fail(p, err);
        return;
    }
    for (size_t i = 0; i < reply_len(reply); i++) {
        struct err own = {0};
        struct str entry;
        bool open;

        p->chain.broken = false;
        open = evidence_entry_open(engine_tenant(p->et), p->a, key, reply_str(reply_at(reply, i)),
                                   &p->chain, &entry, &own);
        p->entries++;
        if (!open || p->chain.broken) {
            p->broken++;
            printf("entry %lld was changed, or one before it is missing: %.*s\n",
                   (long long)p->chain.n,
                   STR_ARG(open ? str_slice(entry, 0, 120) : STR("it does not open")));
        }
    }
    read_media(p, on_ids);
}

static void read_entries(struct proof *p)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("LRANGE"));
    call_str(&call, key_of(p, "ot:", p->id));
    call_int(&call, 0);
    call_int(&call, -1);
    p->pending = store_run(engine_store(p->c->engine), &call, on_entries, p);
}

static void on_number(void *ctx, const struct err *err, const struct reply *reply)
{
    struct proof *p = ctx;

    p->pending = NULL;
    if (err != NULL) {
        fail(p, err);
    } else if (reply_str(reply).n > 0) {
        p->id = arena_dup(p->a, reply_str(reply));
        read_entries(p);
    } else {
        p->at++;
        read_order(p);
    }
}

/* In the tenant that is named, or the first that has such an order. */
static void read_order(struct proof *p)
{
    struct str only = args_flag(p->args, "--tenant");
    struct call call;

    while (p->at < engine_tenants(p->c->engine)) {
        p->et = engine_tenant_at(p->c->engine, p->at);
        if (only.n == 0 || str_eq(only, engine_tenant(p->et)->id)) {
            break;
        }
        p->at++;
    }
    if (p->at == engine_tenants(p->c->engine)) {
        fprintf(stderr, "crewline: there is neither a file nor a work order \"%.*s\"\n",
                STR_ARG(p->number));
        command_end(p->c, EXIT_FAIL);
        return;
    }
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, key_of(p, "on", STR("")));
    call_str(&call, command_order_canonical(p->a, p->number));
    p->pending = store_run(engine_store(p->c->engine), &call, on_number, p);
}

static void on_ready(struct command *c)
{
    struct proof *p = c->user;

    p->c = c;
    if (p->number.n > 0) {
        read_order(p);
    } else {
        check_seal(c);
    }
}

static void on_command_end(struct command *c)
{
    op_cancel(&((struct proof *)c->user)->pending);
}

int prove_order(const struct args *a, struct str what)
{
    static const struct command_hooks hooks = {.on_ready = on_ready, .on_end = on_command_end};
    struct proof p = {.args = a, .a = arena_new()};
    const char *path = arena_dup(p.a, what).p;
    int code = EXIT_OK;

    if (access(path, F_OK) == 0) {
        code = check_file(&p, path);
        if (code == EXIT_OK && args_has(a, "--seal")) {
            code = command_run(a, &hooks, &p);
        }
    } else {
        p.number = what;
        code = command_run(a, &hooks, &p);
    }
    arena_free(&p.a);
    return code;
}
