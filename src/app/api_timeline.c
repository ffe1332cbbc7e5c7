/*
 * api_timeline: everything said about a work order, oldest first: the entries of its timeline (list
 * ot:<id>) and the messages about it (index mo:<id>), merged by time. ENTRIES -> ids of MESSAGES ->
 * records of the page. Both grow at their end, so that a place in the merged order is a cursor; it
 * counts the entries that are not kept any more, for the list may lose its first between two pages.
 * As evidence (domain/evidence.h) all of it goes out, a slice at a time, each item chained.
 */
#include "app_int.h"
#include "base/mem.h"
#include "domain/evidence.h"
#include "domain/order_store.h"

#include <stdio.h>

#define SLICE        50 /* of an export: some 1 ms of the loop */
#define ENTRIES      100
#define MESSAGES_MAX 5000 /* of one order; later ones are in /api/v1/messages?work_order= */

struct moment { /* one item: an entry, or a message */
    struct wall at;
    struct str entry; /* its JSON, or empty: a message */
    struct str id;
};
struct timeline {
    struct str order_id;
    int64_t from, limit, trimmed; /* trimmed: entries before the first that is kept */
    struct moment *entries, *messages, *all;
    size_t nentries, nmessages, n, nread; /* nread: of the stored entries */
    struct message_record *records;       /* of the page's messages, in order */
    struct str *ids;
    size_t nrecords;
    bool cut;     /* there are more messages */
    bool export_; /* as evidence: then */
    struct str number;
    struct evidence_chain chain;
    struct evidence evidence;
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

static void export_slice(struct request *r, struct timeline *t);

static void answer(struct request *r, struct timeline *t)
{
    size_t end = page_end(t);
    struct jw w;

    if (t->export_) {
        export_slice(r, t);
        return;
    }

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
    cursor_write(&w, end < t->n ? arena_printf(r->a, "%lld", (long long)end + t->trimmed)
                                : STR_NONE);
    jw_close(&w, '}');
    reply_built(r, 200, &r->out);
}

/* ---- evidence ---- */

static void read_records(struct request *r, struct timeline *t);

static void on_room(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    read_records(r, r->user);
}

static void export_item(struct request *r, struct timeline *t, const struct moment *item)
{
    struct buf text;
    struct jw w;

    if (item->entry.n > 0) {
        evidence_item(&t->evidence, item->entry, &r->out);
        return;
    }
    buf_init(&text, (size_t)1 << 20);
    jw_init(&w, &text);
    write_message(r, t, item, &w);
    if (text.n > 0) {
        evidence_item(&t->evidence, buf_str(&text), &r->out);
    }
    buf_fini(&text);
}

/* The name of the order, where it is fit for a file's; it cannot end the header. */
static void export_start(struct request *r, struct timeline *t)
{
    char file[80] = "evidence-", *p = file + strlen(file);

    for (size_t i = 0; i < t->number.n && i < 40; i++) {
        char c = t->number.p[i];
        bool fit = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-';

        *p++ = fit ? c : '_';
    }
    snprintf(p, 6, ".json");
    reply_stream(r, "application/json", file);
    buf_init(&r->out, (size_t)16 << 20);
    evidence_begin(&t->evidence, r->who.tenant->id, t->number, wall_now(), &r->out);
    t->evidence.broken = t->chain.broken;
}

static void export_slice(struct request *r, struct timeline *t)
{
    size_t end = page_end(t);

    if (t->from == 0) {
        export_start(r, t);
    }
    for (size_t i = (size_t)t->from; i < end; i++) {
        export_item(r, t, &t->all[i]);
    }
    t->from = (int64_t)end;
    t->nrecords = 0;
    if (end == t->n && t->cut) {
        evidence_item(&t->evidence,
                      STR("{\"kind\":\"cut\",\"text\":\"there are more messages: "
                          "/api/v1/messages?work_order=\"}"),
                      &r->out);
    }
    if (end == t->n) {
        evidence_end(&t->evidence, r->who.tenant, &r->out);
    }
    http_stream_write(r->http, buf_str(&r->out));
    buf_reset(&r->out);
    if (end == t->n) {
        buf_fini(&r->out);
        http_stream_end(r->http);
    } else {
        http_stream_wait(r->http, on_room, r); /* others are let in between */
    }
}

/* ---- what is read ---- */

static void on_records(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct timeline *t = r->user;

    if (err != NULL && t->export_ && t->from > 0) {
        r->pending = NULL;
        buf_fini(&r->out);
        http_req_break(r->http, STR_NONE); /* half of it must not look whole */
        return;
    }
    if (!request_resume(ctx, err, &r)) {
        return;
    }
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
    t->cut = reply_len(reply) > MESSAGES_MAX;
    for (size_t i = 0; i < reply_len(reply) && i < MESSAGES_MAX; i++) {
        struct str id = arena_dup(r->a, reply_str(reply_at(reply, i)));

        t->messages[t->nmessages++] = (struct moment){id_time(id), STR_NONE, id};
    }
    merge(r, t);
    t->from = t->from > t->trimmed ? t->from - t->trimmed : 0;
    t->from = t->from < (int64_t)t->n ? t->from : (int64_t)t->n;
    read_records(r, t);
}

static void read_entries(struct request *r, struct timeline *t);

static void take_entry(struct request *r, struct timeline *t, struct str stored)
{
    struct str key = arena_printf(r->a, "ot:%.*s", STR_ARG(t->order_id)), text;
    struct wall before = t->nentries > 0 ? t->entries[t->nentries - 1].at : (struct wall){0};
    struct err own = {0};

    if (evidence_entry_open(r->who.tenant, r->a, key, stored, t->export_ ? &t->chain : NULL, &text,
                            &own)) {
        t->entries[t->nentries++] = (struct moment){time_of(text), text, STR_NONE};
    } else if (t->export_) {
        t->entries[t->nentries++] =
            (struct moment){before, STR("{\"kind\":\"damaged\"}"), STR_NONE};
    }
}

/* Each begins with its number ("501|…"), counted from 1; of before there were numbers: none. */
static int64_t trimmed_before(struct str stored)
{
    struct str number, rest;
    int64_t n = 1;

    return str_cut(stored, '|', &number, &rest) && str_to_i64(number, 1, INT64_MAX, &n) ? n - 1 : 0;
}

static void on_entries(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;
    struct timeline *t;
    struct call call;

    if (!request_resume(ctx, err, &r)) {
        return;
    }
    t = r->user;
    if (t->nread == 0) {
        t->trimmed = trimmed_before(reply_str(reply_at(reply, 0)));
    }
    for (size_t i = 0; i < reply_len(reply) && t->nread < TIMELINE_KEPT; i++, t->nread++) {
        take_entry(r, t, reply_str(reply_at(reply, i)));
    }
    if (t->nread < TIMELINE_KEPT && reply_len(reply) == ENTRIES) {
        read_entries(r, t);
        return;
    }
    call_init(&call);
    call_str(&call, STR("ZRANGE"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "mo:%.*s", STR_ARG(t->order_id)).p));
    call_int(&call, 0);
    call_int(&call, MESSAGES_MAX);
    r->pending = store_run(engine_store(r->e), &call, on_messages, r);
}

/* Some at a time: each is opened. */
static void read_entries(struct request *r, struct timeline *t)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("LRANGE"));
    call_str(&call, tenant_key(r, arena_printf(r->a, "ot:%.*s", STR_ARG(t->order_id)).p));
    call_int(&call, (int64_t)t->nread);
    call_int(&call, (int64_t)t->nread + ENTRIES - 1);
    r->pending = store_run(engine_store(r->e), &call, on_entries, r);
}

static struct timeline *timeline_of(struct request *r, struct str order_id)
{
    struct timeline *t = ARENA_NEW(r->a, struct timeline);

    t->order_id = order_id;
    t->entries = ARENA_ARRAY(r->a, struct moment, TIMELINE_KEPT);
    r->user = t;
    return t;
}

void timeline_answer(struct request *r, struct str order_id, int64_t from, int64_t limit)
{
    struct timeline *t = timeline_of(r, order_id);

    t->from = from;
    t->limit = limit;
    read_entries(r, t);
}

void timeline_export(struct request *r, struct str order_id, struct str number)
{
    struct timeline *t = timeline_of(r, order_id);

    t->export_ = true;
    t->number = number;
    t->limit = SLICE;
    read_entries(r, t);
}
