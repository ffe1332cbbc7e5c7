#include "ledger.h"

#include "base/mem.h"

#define CODES_MAX 128

struct code_count {
    enum dialect dialect;
    int status;
    int64_t code, n;
};

struct ledger {
    struct entry **ring;
    size_t cap, max;
    int64_t first, next; /* seqs [first, next) are kept */
    struct map *by_id;
    struct map
        *by_message; /* correlation's message id -> times accepted, as a number in a pointer */
    int64_t accepted[2], said, duplicates;
    struct code_count codes[CODES_MAX];
    size_t ncodes;
    struct rate second, tenth;
};

const char *step_name(enum status_step s)
{
    static const char *const names[] = {"accepted", "sent", "delivered", "read", "failed"};

    return names[s];
}

enum status_step entry_step(const struct entry *e)
{
    if (e->step_us[STEP_FAILED] != 0) {
        return STEP_FAILED;
    }
    for (int s = STEP_READ; s > STEP_NONE; s--) {
        if (e->step_us[s] != 0) {
            return (enum status_step)s;
        }
    }
    return STEP_NONE;
}

struct ledger *ledger_new(size_t max)
{
    struct ledger *l = MEM_NEW(struct ledger);

    l->max = max;
    l->first = l->next = 1;
    l->by_id = map_new();
    l->by_message = map_new();
    rate_init(&l->second, 1000000);
    rate_init(&l->tenth, 100000);
    return l;
}

/* The message behind a correlation: what stands before its attempt and mac. */
static struct str message_of(const struct entry *e)
{
    struct str head, tail;

    str_cut(e->correlation, '.', &head, &tail);
    return head;
}

static struct entry **slot(struct ledger *l, int64_t seq)
{
    return &l->ring[(size_t)seq % l->cap];
}

static void drop_oldest(struct ledger *l)
{
    struct entry **at = slot(l, l->first++);
    struct entry *e = *at;

    if (e == NULL) {
        return;
    }
    if (map_get(l->by_id, e->id) == e) {
        map_del(l->by_id, e->id);
    }
    if (!e->inbound && !e->copy && e->correlation.n > 0) {
        map_del(l->by_message, message_of(e));
    }
    mem_free(at);
}

void ledger_clear(struct ledger *l)
{
    while (l->first < l->next) {
        drop_oldest(l);
    }
    l->accepted[0] = l->accepted[1] = l->said = l->duplicates = 0;
    l->ncodes = 0;
    rate_reset(&l->second);
    rate_reset(&l->tenth);
}

void ledger_free(struct ledger **owner)
{
    struct ledger *l = *owner;

    if (l == NULL) {
        return;
    }
    ledger_clear(l);
    map_free(&l->by_id);
    map_free(&l->by_message);
    rate_fini(&l->second);
    rate_fini(&l->tenth);
    mem_free(&l->ring);
    mem_free(owner);
}

void ledger_set_max(struct ledger *l, size_t max)
{
    while (l->next - l->first > (int64_t)max) {
        drop_oldest(l);
    }
    l->max = max;
}

static void grow(struct ledger *l)
{
    size_t cap = l->cap == 0 ? 1024 : l->cap * 2;
    struct entry **ring = mem_array(cap, sizeof(struct entry *));

    for (int64_t seq = l->first; seq < l->next; seq++) {
        ring[(size_t)seq % cap] = *slot(l, seq);
    }
    mem_free(&l->ring);
    l->ring = ring;
    l->cap = cap;
}

static struct entry *entry_dup(const struct entry *from)
{
    static const size_t texts[] = {
        offsetof(struct entry, id),          offsetof(struct entry, phone),
        offsetof(struct entry, kind),        offsetof(struct entry, text),
        offsetof(struct entry, sms_from),    offsetof(struct entry, quote),
        offsetof(struct entry, correlation), offsetof(struct entry, extra),
        offsetof(struct entry, callback),    offsetof(struct entry, category),
        offsetof(struct entry, group),
    };
    size_t bytes = sizeof(*from);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        bytes += ((const struct str *)(const void *)((const char *)from + texts[i]))->n + 1;
    }
    struct entry *e = mem_new(bytes);
    char *at = (char *)(e + 1);

    *e = *from;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str *s = (struct str *)(void *)((char *)e + texts[i]);

        if (s->n > 0) {
            memcpy(at, s->p, s->n);
        }
        s->p = at;
        at += s->n + 1;
    }
    return e;
}

static void count(struct ledger *l, const struct entry *e)
{
    rate_add(&l->second, e->wire_us);
    rate_add(&l->tenth, e->wire_us);
    rate_add(&e->number->second, e->wire_us);
    rate_add(&e->number->tenth, e->wire_us);
    l->accepted[e->number->dialect]++;
    if (e->correlation.n > 0) {
        struct str message = message_of(e);
        uintptr_t times = (uintptr_t)map_get(l->by_message, message);

        l->duplicates += times > 0 ? 1 : 0;
        map_put(l->by_message, message, (void *)(times + 1));
    }
}

struct entry *ledger_add(struct ledger *l, const struct entry *from)
{
    struct entry *e = entry_dup(from);

    while (l->next - l->first >= (int64_t)l->max && l->first < l->next) {
        drop_oldest(l);
    }
    if (l->next - l->first >= (int64_t)l->cap) {
        grow(l);
    }
    e->seq = l->next++;
    *slot(l, e->seq) = e;
    map_put(l->by_id, e->id, e);
    if (e->inbound) {
        l->said++;
    } else if (!e->copy) {
        count(l, e);
    }
    return e;
}

struct entry *ledger_at(struct ledger *l, int64_t seq)
{
    return seq >= l->first && seq < l->next ? *slot(l, seq) : NULL;
}

struct entry *ledger_find(struct ledger *l, struct str id)
{
    return map_get(l->by_id, id);
}

bool ledger_forget(struct ledger *l, struct str id)
{
    /* It stays in the books: a test must see what was accepted. Only the provider forgets it. */
    return map_del(l->by_id, id) != NULL;
}

int64_t ledger_next(const struct ledger *l)
{
    return l->next;
}

int64_t ledger_oldest(const struct ledger *l)
{
    return l->first;
}

void ledger_reject(struct ledger *l, enum dialect d, int status, int64_t code)
{
    for (size_t i = 0; i < l->ncodes; i++) {
        if (l->codes[i].dialect == d && l->codes[i].status == status && l->codes[i].code == code) {
            l->codes[i].n++;
            return;
        }
    }
    if (l->ncodes < CODES_MAX) {
        l->codes[l->ncodes++] = (struct code_count){d, status, code, 1};
    }
}

void ledger_stats(struct ledger *l, struct jw *w)
{
    jw_open(w, "accepted", '{');
    jw_int(w, "total", l->accepted[DIALECT_META] + l->accepted[DIALECT_TWILIO]);
    jw_int(w, "meta", l->accepted[DIALECT_META]);
    jw_int(w, "twilio", l->accepted[DIALECT_TWILIO]);
    jw_close(w, '}');
    jw_int(w, "inbound", l->said);
    jw_int(w, "kept", l->next - l->first);
    jw_int(w, "duplicates", l->duplicates);
    jw_int(w, "max_in_1s", (int64_t)l->second.most);
    jw_int(w, "max_in_100ms", (int64_t)l->tenth.most);
    jw_open(w, "rejected", '[');
    for (size_t i = 0; i < l->ncodes; i++) {
        jw_open(w, NULL, '{');
        jw_z(w, "provider", l->codes[i].dialect == DIALECT_META ? "meta" : "twilio");
        jw_int(w, "status", l->codes[i].status);
        jw_int(w, "code", l->codes[i].code);
        jw_int(w, "count", l->codes[i].n);
        jw_close(w, '}');
    }
    jw_close(w, ']');
}

void entry_json(const struct entry *e, struct jw *w, const char *name)
{
    jw_open(w, name, '{');
    jw_int(w, "seq", e->seq);
    jw_z(w, "direction", e->inbound ? "in" : "out");
    jw_z(w, "provider", e->number->dialect == DIALECT_META ? "meta" : "twilio");
    jw_z(w, "number", e->number->id);
    jw_str(w, "number_e164", e->sms_from.n > 0 ? e->sms_from : str_of(e->number->e164));
    jw_z(w, "channel", e->sms_from.n > 0 ? "sms" : "whatsapp");
    jw_str(w, e->inbound ? "from" : "to", e->phone);
    jw_str(w, "kind", e->kind);
    jw_str(w, "text", e->text);
    if (e->extra.n > 0) {
        buf_add_char(w->out, ',');
        buf_add(w->out, e->extra);
    }
    if (e->correlation.n > 0) {
        jw_str(w, "correlation", e->correlation);
    }
    if (e->quote.n > 0) {
        jw_str(w, "quote", e->quote);
    }
    if (e->group.n > 0) {
        jw_str(w, "group", e->group);
        jw_bool(w, "copy", e->copy);
    }
    jw_str(w, "id", e->id);
    jw_int(w, "at_us", e->wire_us);
    jw_z(w, "status", e->inbound ? "received" : step_name(entry_step(e)));
    jw_open(w, "statuses", '{');
    for (int s = STEP_SENT; s < STEP_COUNT; s++) {
        if (e->step_us[s] != 0) {
            jw_int(w, step_name((enum status_step)s), e->step_us[s]);
        }
    }
    jw_close(w, '}');
    if (e->error_code != 0) {
        jw_int(w, "error_code", e->error_code);
    }
    jw_close(w, '}');
}
