#include "store/commit.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

#include "commit_int.h"

#define POOL_MAX       256
#define POOL_BYTES_MAX ((size_t)8 << 10)
#define FIRST_BYTES    512
#define FIELD_DIGITS   3
#define FIELDS_MAX     999
#define FIELDS_HEAD    4 /* "$3\r\n" */
#define LEASE_ARGS     4 /* leased queue lane "token|id|" */
#define SENT_ARGS      3 /* sent "at_ms,detail" provider_hash */

/* Units come and go by tens of thousands a second; the pool keeps their buffers. One thread. */
static struct commit *pool;
static size_t npool;

static void args_start(struct commit *c)
{
    buf_add(&c->args.resp, STR(COUNT_ROOM COUNT_ROOM));
}

/* @n in @width digits, with zeroes in front. */
static void put_count(char *to, size_t width, uint32_t n)
{
    while (width > 0) {
        to[--width] = (char)('0' + n % 10);
        n /= 10;
    }
}

struct commit *commit_new(struct str tenant)
{
    struct commit *c = pool;
    struct call args;

    assert(store_tenant_id_ok(tenant));
    if (c == NULL) {
        c = MEM_NEW(struct commit);
        buf_init(&c->args.resp, COMMIT_BYTES_MAX);
        buf_reserve(&c->args.resp, FIRST_BYTES);
    } else {
        pool = c->spare;
        npool--;
    }
    args = c->args;
    args.argc = 0;
    *c = (struct commit){.magic = COMMIT_MAGIC, .args = args};
    buf_reset(&c->args.resp);
    args_start(c);
    memcpy(c->tenant_bytes, tenant.p, tenant.n);
    c->tenant = str_make(c->tenant_bytes, tenant.n);
    return c;
}

void commit_drop(struct commit *c)
{
    c->magic = 0;
    if (npool >= POOL_MAX || c->args.resp.cap > POOL_BYTES_MAX) {
        buf_fini(&c->args.resp);
        mem_free(&c);
        return;
    }
    c->spare = pool;
    pool = c;
    npool++;
}

void commit_free(struct commit **owner)
{
    if (*owner != NULL) {
        obj_check(&(*owner)->magic, COMMIT_MAGIC);
        assert((*owner)->batch == NULL);
        commit_drop(*owner);
        *owner = NULL;
    }
}

void commit_arg(struct commit *c, struct str s)
{
    call_str(&c->args, s);
}

void commit_arg_int(struct commit *c, int64_t v)
{
    call_int(&c->args, v);
}

void commit_op_check(struct commit *c, struct str op)
{
    assert(c->magic == COMMIT_MAGIC && c->batch == NULL && !c->writing);
    commit_arg(c, op);
}

/* The first write ends the checks. */
static void start_writing(struct commit *c)
{
    c->checks = c->args.argc;
    c->writing = true;
    if (c->once != 0) {
        struct buf *b = &c->args.resp;
        char *key;

        commit_arg(c, STR("seen"));
        key = mem_dupz(str_make(b->p + c->once, c->once_n));
        commit_arg(c, str_make(key, c->once_n));
        mem_free(&key);
        commit_arg(c, STR(""));
        commit_arg(c, STR(""));
    }
}

void commit_op(struct commit *c, struct str op)
{
    assert(c->magic == COMMIT_MAGIC && c->batch == NULL);
    if (!c->writing) {
        start_writing(c);
    }
    c->doc = false;
    c->shared_n = 0;
    commit_arg(c, op);
}

void commit_count(struct commit *c)
{
    c->fields_at = c->args.resp.n + FIELDS_HEAD;
    c->fields = 0;
    commit_arg(c, STR("000"));
}

bool commit_count_room(const struct commit *c)
{
    return c->fields < FIELDS_MAX;
}

void commit_counted(struct commit *c)
{
    assert(commit_count_room(c));
    c->fields++;
    if (buf_ok(&c->args.resp)) {
        put_count(c->args.resp.p + c->fields_at, FIELD_DIGITS, c->fields);
    }
}

void commit_seal(struct commit *c)
{
    char *to = c->args.resp.p;

    if (!c->writing) {
        start_writing(c);
    }
    put_count(to + 4, COUNT_DIGITS, c->checks);
    put_count(to + COUNT_BYTES + 4, COUNT_DIGITS, c->args.argc - c->checks);
}

bool commit_is_end(const struct commit *c)
{
    return !c->left && c->sent.end != 0 && c->sent.line != 0 && c->checks == LEASE_ARGS &&
           c->args.argc == LEASE_ARGS + SENT_ARGS;
}

static struct str args_part(const struct commit *c, size_t from, size_t to)
{
    return str_slice(buf_str(&c->args.resp), from, to);
}

struct str commit_end_queue(const struct commit *c)
{
    return args_part(c, c->sent.queue, c->sent.lane);
}

void commit_ends_put(struct call *call, struct commit *const *units, size_t n)
{
    buf_add(&call->resp, commit_end_queue(units[0]));
    call->argc++;
    for (size_t i = 0; i < n; i++) {
        const struct commit *c = units[i];

        buf_add(&call->resp, args_part(c, c->sent.lane, c->sent.end));
        buf_add(&call->resp, args_part(c, c->sent.line, c->args.resp.n));
        call->argc += LEASE_ARGS - 2 + SENT_ARGS - 1;
    }
}

void commit_units_put(struct call *call, struct commit *const *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_add(&call->resp, buf_str(&units[i]->args.resp));
        call->argc += 2 + units[i]->args.argc;
    }
}

/* Lanes and ids stand between '|' in a lease and before a line feed in the schedule. */
bool commit_name_ok(struct str s)
{
    return s.n > 0 && str_find_char(s, '|', 0) == SIZE_MAX && str_find_char(s, '\n', 0) == SIZE_MAX;
}

void commit_op3(struct commit *c, struct str op, struct str a, struct str b, struct str d)
{
    commit_op(c, op);
    commit_arg(c, a);
    commit_arg(c, b);
    commit_arg(c, d);
}

void commit_op2_int(struct commit *c, struct str op, struct str a, struct str b, int64_t v)
{
    commit_op(c, op);
    commit_arg(c, a);
    commit_arg(c, b);
    commit_arg_int(c, v);
}

void commit_op2(struct commit *c, struct str op, struct str a, struct str b)
{
    commit_op(c, op);
    commit_arg(c, a);
    commit_arg(c, b);
}

void commit_arg_lane(struct commit *c, struct str queue, struct str lane)
{
    assert(queue.n > 0 && commit_name_ok(lane) && lane.p[0] >= '0' && lane.p[0] < '0' + PRIO_COUNT);
    commit_arg(c, queue);
    c->sent.lane = c->args.resp.n;
    commit_arg(c, lane);
}

void commit_arg_id(struct commit *c, struct str id)
{
    assert(commit_name_ok(id));
    commit_arg(c, id);
}

void commit_write_on(struct commit *c, const struct str *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        commit_arg_id(c, args[i]);
    }
}

struct str commit_number(char text[COMMIT_NUMBER_BYTES], int64_t n)
{
    return str_make(text, (size_t)snprintf(text, COMMIT_NUMBER_BYTES, "%lld", (long long)n));
}

void commit_write(struct commit *c, struct str op, const struct str *args, size_t n)
{
    commit_op(c, op);
    commit_write_on(c, args, n);
}

/* ---- checks ---- */

void commit_check_version(struct commit *c, struct str key, int64_t version)
{
    commit_op_check(c, STR("version"));
    commit_arg(c, key);
    commit_arg_int(c, version);
}

void commit_check_new(struct commit *c, struct str key, struct str print)
{
    assert(str_find_char(print, '|', 0) == SIZE_MAX);
    commit_op_check(c, STR("new"));
    commit_arg(c, key);
    commit_arg(c, print);
}

static void check_lease(struct commit *c, struct str op, struct str queue, struct str lane,
                        struct str id, int64_t token)
{
    char text[COMMIT_NUMBER_BYTES];

    assert(!c->leased && commit_name_ok(id));
    commit_op_check(c, op);
    c->sent.queue = c->args.resp.n;
    commit_arg_lane(c, queue, lane);
    call_joined(&c->args, (struct str[]){commit_number(text, token), STR("|"), id, STR("|")}, 4);
    c->leased = true;
}

void commit_check_lease(struct commit *c, struct str queue, struct str lane, struct str id,
                        int64_t token)
{
    check_lease(c, STR("lease"), queue, lane, id, token);
}

void commit_check_leased(struct commit *c, struct str queue, struct str lane, struct str id,
                         int64_t token)
{
    check_lease(c, STR("leased"), queue, lane, id, token);
    c->sent.end = c->args.resp.n;
}

void commit_check_mark(struct commit *c, struct str key, int64_t mark)
{
    commit_op_check(c, STR("mark"));
    commit_arg(c, key);
    commit_arg_int(c, mark);
}

void commit_check_owner(struct commit *c, struct str key, struct str field, struct str a,
                        struct str b)
{
    commit_op_check(c, STR("owner"));
    commit_arg(c, key);
    commit_arg(c, field);
    commit_arg(c, a);
    commit_arg(c, b);
}

void commit_check_held(struct commit *c, struct str queue, struct str lane, struct str id)
{
    commit_op_check(c, STR("held"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
}

void commit_check_untaken(struct commit *c, struct str queue, struct str lane, struct str id)
{
    commit_op_check(c, STR("untaken"));
    commit_arg_lane(c, queue, lane);
    commit_arg_id(c, id);
}

void commit_check_once_sent(struct commit *c, struct str id, int64_t attempts)
{
    commit_op_check(c, STR("once_sent"));
    commit_arg_id(c, id);
    commit_arg_int(c, attempts);
}

void commit_once(struct commit *c, struct str unit_id)
{
    assert(c->once == 0 && unit_id.n > 0);
    commit_op_check(c, STR("new"));
    commit_arg(c, unit_id);
    if (buf_ok(&c->args.resp)) {
        c->once = c->args.resp.n - 2 - unit_id.n;
        c->once_n = unit_id.n;
    }
    commit_arg(c, STR(""));
}

/* ---- documents and what was seen ---- */

void commit_doc(struct commit *c, struct str key, int64_t version, struct str body)
{
    commit_op(c, STR("doc"));
    commit_arg(c, key);
    commit_arg_int(c, version);
    commit_arg(c, body);
    commit_count(c);
    c->doc = true;
}

void commit_field(struct commit *c, struct str field, struct str value)
{
    assert(c->batch == NULL && c->doc);
    commit_arg(c, field);
    commit_arg(c, value);
    commit_counted(c);
}

void commit_doc_field(struct commit *c, const char *field, struct str value)
{
    commit_field(c, str_of(field), value);
}

void commit_delete(struct commit *c, struct str key)
{
    commit_op(c, STR("delete"));
    commit_arg(c, key);
}

void commit_remember(struct commit *c, struct str key, struct str print, struct str value)
{
    assert(str_find_char(print, '|', 0) == SIZE_MAX);
    commit_op(c, STR("seen"));
    commit_arg(c, key);
    commit_arg(c, print);
    commit_arg(c, value);
}

void commit_mark(struct commit *c, struct str key, int64_t mark)
{
    commit_op(c, STR("mark"));
    commit_arg(c, key);
    commit_arg_int(c, mark);
}

/* ---- plain values ---- */

void commit_ended(struct commit *c, struct str queue, struct str id)
{
    commit_op2(c, STR("ended"), queue, id);
}

void commit_fields(struct commit *c, struct str key)
{
    commit_op(c, STR("fields"));
    commit_arg(c, key);
    commit_count(c);
    c->doc = true;
}

void commit_persist(struct commit *c, struct str key)
{
    commit_op(c, STR("persist"));
    commit_arg(c, key);
}

void commit_hset(struct commit *c, struct str key, struct str field, struct str value)
{
    commit_op3(c, STR("hset"), key, field, value);
}

void commit_hdel(struct commit *c, struct str key, struct str field)
{
    commit_op2(c, STR("hdel"), key, field);
}

void commit_hincr(struct commit *c, struct str key, struct str field, int64_t by)
{
    commit_op2_int(c, STR("hincr"), key, field, by);
}

void commit_hmax(struct commit *c, struct str key, struct str field, int64_t value)
{
    commit_op2_int(c, STR("hmax"), key, field, value);
}

void commit_ahead(struct commit *c, struct str key, struct str field, int64_t us)
{
    commit_op2_int(c, STR("ahead"), key, field, us);
}

void commit_line_add(struct commit *c, struct str key, struct str field, struct str line,
                     int64_t most)
{
    commit_op(c, STR("line_add"));
    commit_arg(c, key);
    commit_arg(c, field);
    commit_arg(c, line);
    commit_arg_int(c, most);
}

void commit_line_drop(struct commit *c, struct str key, struct str field, struct str line)
{
    commit_op3(c, STR("line_drop"), key, field, line);
}

void commit_zadd(struct commit *c, struct str key, double score, struct str member)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%.17g", score);

    commit_op3(c, STR("zadd"), key, str_make(text, (size_t)n), member);
}

void commit_zrem(struct commit *c, struct str key, struct str member)
{
    commit_op2(c, STR("zrem"), key, member);
}

void commit_append(struct commit *c, struct str key, struct str body, int64_t keep)
{
    assert(keep > 0);
    commit_op2_int(c, STR("append"), key, body, keep);
}

void commit_chain(struct commit *c, struct str key, struct str body, int64_t keep)
{
    commit_op2_int(c, STR("chain"), key, body, keep);
}

void commit_log(struct commit *c, struct str key, struct str body)
{
    commit_op2(c, STR("log"), key, body);
}

void commit_put_for(struct commit *c, struct str key, struct str value, int64_t ms)
{
    assert(ms > 0);
    commit_op2_int(c, STR("put_for"), key, value, ms);
}

void commit_sender(struct commit *c, struct str sender, const char *what, int64_t number,
                   int64_t token, struct str why, struct str advice)
{
    commit_op(c, STR("sender"));
    commit_arg(c, sender);
    commit_arg(c, str_of(what));
    commit_arg_int(c, number);
    commit_arg_int(c, token);
    commit_arg(c, why);
    commit_arg(c, advice);
}
