#include "world.h"

#include <string.h>

#include "domain/order_store.h"
#include "domain/user_store.h"

struct look {
    bool done;
    struct str text;
    struct arena *a;
    struct doc doc;
};

static void on_doc(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct look *l = ctx;

    (void)n;
    l->done = true;
    if (err == NULL) {
        l->doc = (struct doc){docs[0].version, arena_dup(l->a, docs[0].body)};
    }
}

static struct doc fetch(struct world *w, struct str key)
{
    struct look l = {.a = w->a};

    fetch_run(engine_store(w->engine), STR("acme"), &key, 1, on_doc, &l);
    UNTIL(w, "fetch", l.done);
    return l.doc;
}

bool get_user(struct world *w, const char *id, struct user *out)
{
    struct doc doc = fetch(w, user_key(w->a, str_of(id)));
    struct err err = {0};

    return doc.version > 0 && user_open(engine_tenant(w->et), w->a, str_of(id), &doc, out, &err);
}

bool get_order(struct world *w, const char *id, struct order *out)
{
    struct doc doc = fetch(w, order_key(w->a, str_of(id)));
    struct err err = {0};

    return doc.version > 0 && order_open(engine_tenant(w->et), w->a, str_of(id), &doc, out, &err);
}

static void on_list(void *ctx, const struct err *err, const struct reply *reply)
{
    struct look *l = ctx;
    struct buf all;

    l->done = true;
    if (err != NULL) {
        return;
    }
    if (reply_kind(reply) != REPLY_LIST) {
        l->text = arena_dup(l->a, reply_str(reply));
        return;
    }
    /* Lengths in front: sealed bytes hold anything. */
    buf_init(&all, 32 << 20);
    for (size_t i = 0; i < reply_len(reply); i++) {
        const struct reply *one = reply_at(reply, i);
        struct str s = reply_kind(one) == REPLY_LIST ? reply_str(reply_at(reply_at(one, 1), 1))
                                                     : reply_str(one);
        uint32_t n = (uint32_t)s.n;

        buf_add(&all, str_make((const char *)&n, sizeof(n)));
        buf_add(&all, s);
    }
    l->text = arena_dup(l->a, buf_str(&all));
    buf_fini(&all);
}

static struct str ask(struct world *w, const char *const *words)
{
    struct look l = {.a = w->a};
    struct call call;

    call_init(&call);
    for (size_t i = 0; words[i] != NULL; i++) {
        call_str(&call, str_of(words[i]));
    }
    store_run(engine_store(w->engine), &call, on_list, &l);
    UNTIL(w, "reply", l.done);
    return l.text;
}

static struct str next_of(struct str *all)
{
    uint32_t n;
    struct str s;

    memcpy(&n, all->p, sizeof(n));
    s = str_slice(*all, sizeof(n), sizeof(n) + n);
    *all = str_slice(*all, sizeof(n) + n, all->n);
    return s;
}

static struct str opened(struct world *w, struct str key, const char *field, struct str sealed)
{
    struct err err = {0};
    struct str text = STR("");

    if (sealed.n == 0 ||
        !vault_open_arena(engine_tenant(w->et)->vault, w->a, key, field, sealed, &text, &err)) {
        return STR("");
    }
    return text;
}

bool has_entry(struct world *w, const char *order, const char *kind, const char *text)
{
    struct str key = arena_printf(w->a, "ot:%s", order);
    const char *const words[] = {"LRANGE", arena_printf(w->a, "{acme}:%.*s", STR_ARG(key)).p, "0",
                                 "-1", NULL};
    struct str all = ask(w, words);
    struct str want = arena_printf(w->a, "\"kind\":\"%s\"", kind);

    while (all.n > 0) {
        struct str stored = next_of(&all), rest, link, entry;

        str_cut(stored, '|', &link, &rest);
        str_cut(rest, '|', &link, &entry);
        entry = opened(w, key, "e", entry);

        if (str_find(entry, want) != SIZE_MAX && str_find(entry, str_of(text)) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

struct str stream_event(struct world *w, int64_t sequence)
{
    const char *id = arena_printf(w->a, "%lld-0", (long long)sequence).p;
    const char *const words[] = {"XRANGE", "{acme}:ev", id, id, NULL};
    struct str all = ask(w, words);

    return all.n > 0 ? opened(w, STR("ev"), "b", next_of(&all)) : STR("");
}

int stream_events(struct world *w, const char *type, const char *part)
{
    const char *const words[] = {"XRANGE", "{acme}:ev", "-", "+", NULL};
    struct str all = ask(w, words), want = arena_printf(w->a, "\"type\":\"%s\"", type);
    int n = 0;

    while (all.n > 0) {
        struct str event = opened(w, STR("ev"), "b", next_of(&all));

        n += str_find(event, want) != SIZE_MAX && str_find(event, str_of(part)) != SIZE_MAX;
    }
    return n;
}

int sent_to(struct world *w, const char *phone, const char *part)
{
    int n = 0;

    for (size_t i = 0; i < w->nsent && i < POSTS; i++) {
        n += str_eqz(w->sent[i].to, phone) && str_find(w->sent[i].body, str_of(part)) != SIZE_MAX;
    }
    return n;
}

struct str dead_letter(struct world *w, const char *id)
{
    struct str key = str_of(id != NULL ? id : redis_get(w, "ZRANGE dl 0 0"));
    const char *words[] = {"HGET", NULL, "b", NULL};

    key = arena_printf(w->a, "dl:%.*s", STR_ARG(key));
    words[1] = arena_printf(w->a, "{acme}:%.*s", STR_ARG(key)).p;
    return opened(w, key, "b", ask(w, words));
}

struct str record(struct world *w, const char *key)
{
    const char *const words[] = {"HGET", arena_printf(w->a, "{acme}:%s", key).p, "b", NULL};

    return opened(w, str_of(key), "b", ask(w, words));
}

struct str kept(struct world *w)
{
    const char *words[] = {"LINDEX", "{acme}:kept", "-1", NULL};

    return opened(w, STR("kept"), "b", ask(w, words));
}
