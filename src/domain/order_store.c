#include "domain/order_store.h"

#include "base/mem.h"
#include "domain/command.h"
#include "domain/evidence.h"
#include "domain/reminder.h"

#define ORDER_BYTES_MAX (4 * 1024 * 1024) /* an event has 1 MiB at most */
#define ENTRY_CHARS_MAX 4000

struct str order_key(struct arena *a, struct str id)
{
    return arena_printf(a, "o:%.*s", STR_ARG(id));
}

void order_check(const struct order *o, struct commit *c)
{
    struct arena *a = arena_new();

    commit_check_version(c, order_key(a, o->id), o->version);
    arena_free(&a);
}

/* "321CBA|<id>": unique endings become prefixes, which a sorted set can look up. */
static struct str reversed(struct arena *a, struct str number, struct str id)
{
    struct str canonical = command_order_canonical(a, number);
    char *out = arena_alloc(a, canonical.n + id.n + 2);

    for (size_t i = 0; i < canonical.n; i++) {
        out[i] = canonical.p[canonical.n - 1 - i];
    }
    out[canonical.n] = '|';
    memcpy(out + canonical.n + 1, id.p, id.n);
    return str_make(out, canonical.n + 1 + id.n);
}

struct str order_number_key(struct arena *a, const struct order *o)
{
    return command_order_canonical(a, o->number);
}

struct str order_number_end(struct arena *a, const struct order *o)
{
    return reversed(a, o->number, o->id);
}

static void index_number(struct arena *a, const struct order *o, const struct order *before,
                         struct commit *c)
{
    if (before != NULL && str_eq(before->number, o->number)) {
        return;
    }
    if (before != NULL) {
        commit_hdel(c, STR("on"), command_order_canonical(a, before->number));
        commit_zrem(c, STR("onr"), reversed(a, before->number, o->id));
    }
    commit_hset(c, STR("on"), command_order_canonical(a, o->number), o->id);
    commit_zadd(c, STR("onr"), 0, reversed(a, o->number, o->id));
}

/* One open-orders set: in it now, was in it before? */
static void index_open(struct arena *a, const char *prefix, struct str now, struct str before,
                       double urgency, struct str id, struct commit *c)
{
    if (before.n > 0 && !str_eq(now, before)) {
        commit_zrem(c, arena_printf(a, "%s%.*s", prefix, STR_ARG(before)), id);
    }
    if (now.n > 0) {
        commit_zadd(c, arena_printf(a, "%s%.*s", prefix, STR_ARG(now)), urgency, id);
    }
}

/* The newest entry of an order tells: completed then, or reopened since. */
static void index_completed(struct arena *a, const struct order *o, const struct order *before,
                            struct str who, struct commit *c)
{
    bool is = o->status == ORDER_COMPLETED && !o->deleted;
    bool was = before != NULL && before->status == ORDER_COMPLETED && !before->deleted;

    if (is != was) {
        commit_append(
            c, arena_printf(a, "oc:%.*s", STR_ARG(who)),
            arena_printf(a, "%lld|%.*s", is ? (long long)o->completed.ms : 0LL, STR_ARG(o->id)),
            COMPLETED_KEPT);
    }
}

static void index_people(struct arena *a, const struct order *o, const struct order *before,
                         bool open, struct commit *c)
{
    double urgency = order_urgency(o);

    for (size_t i = 0; before != NULL && i < before->nassignees; i++) {
        struct str who = before->assignees[i].id;

        if (who.n > 0 && (!open || !order_assigned_to(o, who))) {
            commit_zrem(c, arena_printf(a, "oa:%.*s", STR_ARG(who)), o->id);
        }
    }
    for (size_t i = 0; i < o->nassignees; i++) {
        struct str who = o->assignees[i].id;

        if (who.n == 0) {
            continue;
        }
        if (open) {
            commit_zadd(c, arena_printf(a, "oa:%.*s", STR_ARG(who)), urgency, o->id);
        }
        index_completed(a, o, before, who, c);
    }
}

void asset_put(struct arena *a, struct str id, struct str name, struct commit *c)
{
    char *lower = arena_alloc(a, id.n + 1);

    for (size_t i = 0; i < id.n; i++) {
        lower[i] = (char)(id.p[i] >= 'A' && id.p[i] <= 'Z' ? id.p[i] + 32 : id.p[i]);
    }
    commit_hset(c, STR("as"), str_make(lower, id.n),
                arena_printf(a, "%.*s\n%.*s", STR_ARG(id), STR_ARG(name)));
}

static void index_asset(struct arena *a, const struct order *o, const struct order *before,
                        struct commit *c)
{
    if (o->asset_id.n > 0 && o->asset_id.n <= ASSET_ID_MAX &&
        (before == NULL || !str_eq(before->asset_id, o->asset_id) ||
         !str_eq(before->asset_name, o->asset_name))) {
        asset_put(a, o->asset_id, o->asset_name, c);
    }
}

/* Its next reminder: as set, or the first one from now on. */
static struct wall remind_at(const struct tenant *t, const struct order *o, struct wall now)
{
    if (!order_is_open(o) || o->due.ms == 0) {
        return (struct wall){0};
    }
    return o->remind.ms > 0 ? o->remind : reminder_next(t->conf, o->due, now);
}

static void index_reminder(const struct order *o, const struct order *before, struct commit *c)
{
    int64_t was = before != NULL ? before->remind.ms : 0;

    if (o->remind.ms > 0 && o->remind.ms != was) {
        commit_zadd(c, STR("od"), (double)o->remind.ms, o->id);
    } else if (o->remind.ms == 0 && was > 0) {
        commit_zrem(c, STR("od"), o->id);
    }
}

bool order_put(const struct tenant *t, struct arena *a, const struct order *o,
               const struct order *before, struct wall now, struct commit *c)
{
    static const struct str none = {NULL, 0};
    bool open = order_is_open(o), was_open = before != NULL && order_is_open(before);
    struct str key = order_key(a, o->id);
    struct order *kept = ARENA_NEW(a, struct order);
    struct buf text, sealed;
    bool ok;

    *kept = *o;
    kept->remind = remind_at(t, o, now);
    buf_init(&text, ORDER_BYTES_MAX);
    buf_init(&sealed, ORDER_BYTES_MAX + SEAL_EXTRA_BYTES);
    order_encode(kept, &text);
    ok = buf_ok(&text);
    vault_seal(t->vault, key, "b", buf_str(&text), &sealed);
    commit_doc(c, key, o->version + 1, buf_str(&sealed));
    index_number(a, o, before, c);
    index_people(a, o, before, open, c);
    index_asset(a, o, before, c);
    index_open(a, "og:", open ? o->team_id : none, was_open ? before->team_id : none,
               order_urgency(o), o->id, c);
    index_open(a, "os:", open ? o->site : none, was_open ? before->site : none, order_urgency(o),
               o->id, c);
    index_reminder(kept, before, c);
    commit_zadd(c, STR("ol"), (double)now.ms, o->id);
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    buf_fini(&sealed);
    return ok;
}

bool order_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
                struct order *out, struct err *err)
{
    struct str text;

    return vault_open_arena(t->vault, a, order_key(a, id), "b", doc->body, &text, err) &&
           order_decode(a, text, doc->version, out, err);
}

void order_timeline_put(const struct tenant *t, struct arena *a, struct str order_id,
                        const char *kind, struct str who, struct str text, struct str more,
                        struct wall at, struct commit *c)
{
    struct str key = arena_printf(a, "ot:%.*s", STR_ARG(order_id));
    struct buf entry, sealed;
    struct jw w;

    buf_init(&entry, 64 * 1024);
    buf_init(&sealed, 65 * 1024);
    jw_init(&w, &entry);
    jw_open(&w, NULL, '{');
    jw_wall(&w, "at", at);
    jw_z(&w, "kind", kind);
    jw_str(&w, "who", who);
    jw_str(&w, "text", i18n_cut(a, text, ENTRY_CHARS_MAX));
    buf_add(&entry, more);
    jw_close(&w, '}');
    evidence_entry_seal(t, key, buf_str(&entry), &sealed);
    commit_chain(c, key, buf_str(&sealed), TIMELINE_KEPT);
    buf_fini(&entry);
    buf_fini(&sealed);
}
