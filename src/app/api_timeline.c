/*
 * api_timeline: everything said about a work order, oldest first: the entries of its timeline (list
 * ot:<id>) and the messages about it (index mo:<id>), merged by time. ENTRIES -> ids of MESSAGES ->
 * records of the page. Both grow at their end, so that a place in the merged order is a cursor.
 */
#include "app_int.h"
#include "domain/order_store.h"

#define MESSAGES_MAX 5000 /* of one order; later ones are in /api/v1/messages?work_order= */

struct moment { /* one item: an entry, or a message */
    struct wall at;
    struct str entry; /* its JSON, or empty: a message */
    struct str id;
};
struct timeline {
    struct str order_id;
    int64_t from, limit;
    struct moment *entries, *messages, *all;
    size_t nentries, nmessages, n;
    struct message_record *records; /* of the page's messages, in order */
    struct str *ids;
    size_t nrecords;
};

/* Entries begin with {"at":"<time>"; the whole of one is parsed by whoever reads it. */
static struct wall time_of(struct str entry)
{
    struct wall at = {0};
    struct str head = STR("{\"at\":\"");

    if (str_starts(entry, head)) {
        wall_parse(str_slice(entry, head.n, str_find_char(entry, '"', head.n)), &at);
    }
    return at;
}

/* Of the same millisecond: what happened before what was said about it. */
static void merge(struct request *r, struct timeline *t)
{
    size_t e = 0, m = 0;

    t->all = ARENA_ARRAY(r->a, struct moment, t->nentries + t->nmessages + 1);
    while (e < t->nentries || m < t->nmessages) {
        bool entry =
            m == t->nmessages || (e < t->nentries && t->entries[e].at.ms <= t->messages[m].at.ms);

        t->all[t->n++] = entry ? t->entries[e++] : t->messages[m++];
    }
}

/* ---- the answer ---- */

static void write_message(struct request *r, struct timeline *t, const struct moment *item,
                          struct jw *w)
{
    struct message m;

    for (size_t i = 0; i < t->nrecords; i++) {
        if (!str_eq(t->ids[i], item->id)) {
            continue;
        }
        if (message_record_open(r, r->a, item->id, &t->records[i], &m) && m.kind != MESSAGE_READ) {
            jw_open(w, NULL, '{');
            jw_wall(w, "at", item->at);
            jw_z(w, "kind", "message");
            jw_str(w, "who", m.user);
            jw_str(w, "text", m.kind == MESSAGE_TEMPLATE ? m.template_.name : m.text);
            jw_open(w, "message", '{');
            jw_str(w, "id", m.id);
            jw_z(w, "kind", message_kind_name(m.kind));
            jw_str(w, "state", t->records[i].state);
            jw_close(w, '}');
            jw_close(w, '}');
        }
        return;
    }
}

static size_t page_end(const struct timeline *t)
{
    size_t end = (size_t)(t->from + t->limit);

    return end < t->n ? end : t->n;
}

static void answer(struct request *r, struct timeline *t)
{
    size_t end = page_end(t);
    struct jw w;

    reply_begin(r, &w);
    jw_open(&w, NULL, '{');
    jw_open(&w, "items", '[');
    for (size_t i = (size_t)t->from; i < end; i++) {
        if (t->all[i].entry.n > 0) {
            jw_raw(&w, NULL, t->all[i].entry);
        } else {
            write_message(r, t, &t->all[i], &w);
        }
    }
    jw_close(&w, ']');
    cursor_write(&w, end < t->n ? arena_printf(r->a, "%zu", end) : STR_NONE);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

/* ---- what is read ---- */

static void on_records(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct timeline *t;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    t = r->user;
    t->records = ARENA_ARRAY(r->a, struct message_record, reply_len(reply) + 1);
    t->ids = ARENA_ARRAY(r->a, struct str, reply_len(reply) + 1);
    for (size_t i = 1; i < reply_len(reply); i++) {
        t->ids[t->nrecords] = reply_str(reply_at(reply_at(reply, i), 0));
        t->records[t->nrecords++] = message_record_of(reply_at(reply, i), 2);
    }
    answer(r, t);
}

/* The messages of a page stand side by side in their index. */
static void read_records(struct request *r, struct timeline *t)
{
    static const char *const fields[] = {MESSAGE_RECORD_FIELDS};
    struct str first = STR_NONE, last = STR_NONE;
    struct call call;

    for (size_t i = (size_t)t->from; i < page_end(t); i++) {
        if (t->all[i].entry.n == 0) {
            first = first.n == 0 ? t->all[i].id : first;
            last = t->all[i].id;
        }
    }
    if (first.n == 0) {
        answer(r, t);
        return;
    }
    call_script(r, &call, "rows");
    call_str(&call, arena_printf(r->a, "mo:%.*s", STR_ARG(t->order_id)));
    call_str(&call, STR("up"));
    call_str(&call, arena_printf(r->a, "[%.*s", STR_ARG(first)));
    call_str(&call, arena_printf(r->a, "[%.*s", STR_ARG(last)));
    call_int(&call, t->limit);
    call_int(&call, t->limit);
    call_str(&call, STR("m:"));
    call_str(&call, STR_NONE);
    call_str(&call, STR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        call_str(&call, str_of(fields[i]));
    }
    r->pending = store_run(engine_store(r->e), &call, on_records, r);
}

static void on_messages(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct timeline *t;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    t = r->user;
    t->messages = ARENA_ARRAY(r->a, struct moment, reply_len(reply) + 1);
    for (size_t i = 0; i < reply_len(reply); i++) {
        struct str id = arena_dup(r->a, reply_str(reply_at(reply, i)));

        t->messages[t->nmessages++] = (struct moment){id_time(id), STR_NONE, id};
    }
    merge(r, t);
    t->from = t->from < (int64_t)t->n ? t->from : (int64_t)t->n;
    read_records(r, t);
}

static void on_entries(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct timeline *t;
    struct str key, text;
    struct call call;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    t = r->user;
    key = arena_printf(r->a, "ot:%.*s", STR_ARG(t->order_id));
    t->entries = ARENA_ARRAY(r->a, struct moment, reply_len(reply) + 1);
    for (size_t i = 0; i < reply_len(reply); i++) {
        struct err own = {0};

        if (vault_open_arena(r->who.tenant->vault, r->a, key, "e", reply_str(reply_at(reply, i)),
                             &text, &own)) {
            t->entries[t->nentries++] = (struct moment){time_of(text), text, STR_NONE};
        }
    }
    call_init(&call);
    call_str(&call, STR("ZRANGE"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "mo:%.*s", STR_ARG(t->order_id)).p));
    call_int(&call, 0);
    call_int(&call, MESSAGES_MAX - 1);
    r->pending = store_run(engine_store(r->e), &call, on_messages, r);
}

void timeline_answer(struct request *r, struct str order_id, int64_t from, int64_t limit)
{
    struct timeline *t = ARENA_NEW(r->a, struct timeline);
    struct call call;

    *t = (struct timeline){.order_id = order_id, .from = from, .limit = limit};
    r->user = t;
    call_init(&call);
    call_str(&call, STR("LRANGE"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "ot:%.*s", STR_ARG(order_id)).p));
    call_int(&call, 0);
    call_int(&call, -1);
    r->pending = store_run(engine_store(r->e), &call, on_entries, r);
}
