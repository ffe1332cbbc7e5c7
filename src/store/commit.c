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

static void add(struct commit *c, struct str s)
{
    call_str(&c->args, s);
}

static void add_int(struct commit *c, int64_t v)
{
    call_int(&c->args, v);
}

static void check(struct commit *c, struct str op)
{
    assert(c->magic == COMMIT_MAGIC && c->batch == NULL && !c->writing);
    add(c, op);
}

/* The first write ends the checks. */
static void start_writing(struct commit *c)
{
    c->checks = c->args.argc;
    c->writing = true;
    if (c->once != 0) {
        struct buf *b = &c->args.resp;
        char *key;

        add(c, STR("seen"));
        key = mem_dupz(str_make(b->p + c->once, c->once_n));
        add(c, str_make(key, c->once_n));
        mem_free(&key);
        add(c, STR(""));
        add(c, STR(""));
    }
}

static void put(struct commit *c, struct str op)
{
    assert(c->magic == COMMIT_MAGIC && c->batch == NULL);
    if (!c->writing) {
        start_writing(c);
    }
    c->doc = false;
    add(c, op);
}

struct str commit_seal(struct commit *c)
{
    char *to = c->args.resp.p;

    if (!c->writing) {
        start_writing(c);
    }
    put_count(to + 4, COUNT_DIGITS, c->checks);
    put_count(to + COUNT_BYTES + 4, COUNT_DIGITS, c->args.argc - c->checks);
    return buf_str(&c->args.resp);
}

/* Lanes and ids stand between '|' in a lease and before a line feed in the schedule. */
static bool name_ok(struct str s)
{
    return s.n > 0 && str_find_char(s, '|', 0) == SIZE_MAX && str_find_char(s, '\n', 0) == SIZE_MAX;
}

static void put3(struct commit *c, struct str op, struct str a, struct str b, struct str d)
{
    put(c, op);
    add(c, a);
    add(c, b);
    add(c, d);
}

static void put2_int(struct commit *c, struct str op, struct str a, struct str b, int64_t v)
{
    put(c, op);
    add(c, a);
    add(c, b);
    add_int(c, v);
}

static void put2(struct commit *c, struct str op, struct str a, struct str b)
{
    put(c, op);
    add(c, a);
    add(c, b);
}

static void add_lane(struct commit *c, struct str queue, struct str lane)
{
    assert(queue.n > 0 && name_ok(lane) && lane.p[0] >= '0' && lane.p[0] < '0' + PRIO_COUNT);
    add(c, queue);
    add(c, lane);
}

static void add_id(struct commit *c, struct str id)
{
    assert(name_ok(id));
    add(c, id);
}

void commit_write_on(struct commit *c, const struct str *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_id(c, args[i]);
    }
}

struct str commit_number(char text[COMMIT_NUMBER_BYTES], int64_t n)
{
    return str_make(text, (size_t)snprintf(text, COMMIT_NUMBER_BYTES, "%lld", (long long)n));
}

void commit_write(struct commit *c, struct str op, const struct str *args, size_t n)
{
    put(c, op);
    commit_write_on(c, args, n);
}

/* ---- checks ---- */

void commit_check_version(struct commit *c, struct str key, int64_t version)
{
    check(c, STR("version"));
    add(c, key);
    add_int(c, version);
}

void commit_check_new(struct commit *c, struct str key, struct str print)
{
    assert(str_find_char(print, '|', 0) == SIZE_MAX);
    check(c, STR("new"));
    add(c, key);
    add(c, print);
}

void commit_check_lease(struct commit *c, struct str queue, struct str lane, struct str id,
                        int64_t token)
{
    assert(!c->leased);
    check(c, STR("lease"));
    add_lane(c, queue, lane);
    add_id(c, id);
    add_int(c, token);
    c->leased = true;
}

void commit_check_mark(struct commit *c, struct str key, int64_t mark)
{
    check(c, STR("mark"));
    add(c, key);
    add_int(c, mark);
}

void commit_check_owner(struct commit *c, struct str key, struct str field, struct str a,
                        struct str b)
{
    check(c, STR("owner"));
    add(c, key);
    add(c, field);
    add(c, a);
    add(c, b);
}

void commit_check_held(struct commit *c, struct str queue, struct str lane, struct str id)
{
    check(c, STR("held"));
    add_lane(c, queue, lane);
    add_id(c, id);
}

void commit_once(struct commit *c, struct str unit_id)
{
    assert(c->once == 0 && unit_id.n > 0);
    check(c, STR("new"));
    add(c, unit_id);
    if (buf_ok(&c->args.resp)) {
        c->once = c->args.resp.n - 2 - unit_id.n;
        c->once_n = unit_id.n;
    }
    add(c, STR(""));
}

/* ---- documents and what was seen ---- */

void commit_doc(struct commit *c, struct str key, int64_t version, struct str body)
{
    put(c, STR("doc"));
    add(c, key);
    add_int(c, version);
    add(c, body);
    c->fields_at = c->args.resp.n + FIELDS_HEAD;
    c->fields = 0;
    add(c, STR("000"));
    c->doc = true;
}

void commit_field(struct commit *c, struct str field, struct str value)
{
    assert(c->batch == NULL && c->doc && c->fields < FIELDS_MAX);
    add(c, field);
    add(c, value);
    c->fields++;
    if (buf_ok(&c->args.resp)) {
        put_count(c->args.resp.p + c->fields_at, FIELD_DIGITS, c->fields);
    }
}

void commit_doc_field(struct commit *c, const char *field, struct str value)
{
    commit_field(c, str_of(field), value);
}

void commit_delete(struct commit *c, struct str key)
{
    put(c, STR("delete"));
    add(c, key);
}

void commit_remember(struct commit *c, struct str key, struct str print, struct str value)
{
    assert(str_find_char(print, '|', 0) == SIZE_MAX);
    put(c, STR("seen"));
    add(c, key);
    add(c, print);
    add(c, value);
}

void commit_mark(struct commit *c, struct str key, int64_t mark)
{
    put(c, STR("mark"));
    add(c, key);
    add_int(c, mark);
}

/* ---- lanes ---- */

void commit_enqueue(struct commit *c, struct str queue, struct str lane, struct str id,
                    struct wall not_before, enum commit_grant grant, const struct rate *rate)
{
    static const struct str whom[] = {
        [GRANT_ANSWER] = {"a", 1},
          [GRANT_BULK] = {"b", 1},
          [GRANT_OUTSIDE] = {"o", 1}
    };

    put(c, grant != GRANT_NONE ? STR("grant") : STR("enqueue"));
    add_lane(c, queue, lane);
    add_id(c, id);
    add_int(c, not_before.ms);
    if (grant != GRANT_NONE) {
        add(c, whom[grant]);
        add_int(c, rate == NULL ? 0 : rate->interval_us);
        /* The reserve is for those above: for the others the burst is that much smaller. */
        add_int(c, rate == NULL                    ? 0
                   : lane.p[0] - '0' <= PRIO_REPLY ? rate->burst
                                                   : rate->burst - rate->reserve);
        add_int(c, rate == NULL ? 0 : rate->pair_interval_ms);
        add_int(c, rate == NULL ? 0 : rate->pair_burst);
        c->grants = true;
    }
}

void commit_finish(struct commit *c, struct str queue, struct str lane, struct str id)
{
    assert(c->leased);
    put(c, STR("finish"));
    add_lane(c, queue, lane);
    add_id(c, id);
}

void commit_put_off(struct commit *c, struct str queue, struct str lane, int64_t wait_ms)
{
    assert(c->leased);
    put(c, STR("put_off"));
    add_lane(c, queue, lane);
    add_int(c, wait_ms);
}

void commit_extend(struct commit *c, struct str queue, struct str lane, int64_t lease_ms)
{
    assert(c->leased);
    put(c, STR("extend"));
    add_lane(c, queue, lane);
    add_int(c, lease_ms);
}

void commit_withdraw(struct commit *c, struct str queue, struct str lane, struct str id)
{
    put(c, STR("withdraw"));
    add_lane(c, queue, lane);
    add_id(c, id);
}

/* ---- what waits for a person's next word ---- */

void commit_hold(struct commit *c, struct str queue, struct str lane, struct str id,
                 struct wall over, struct wall window, struct str detail)
{
    assert(c->leased);
    put(c, STR("hold"));
    add_lane(c, queue, lane);
    add_id(c, id);
    add_int(c, over.ms);
    add_int(c, window.ms);
    add(c, detail);
}

void commit_heard(struct commit *c, struct str sender, struct str person, struct str why)
{
    put3(c, STR("heard"), sender, person, why);
}

void commit_unheard(struct commit *c, struct str sender, struct str person)
{
    put2(c, STR("unheard"), sender, person);
}

void commit_unhold(struct commit *c, struct str queue, struct str lane, struct str id)
{
    put(c, STR("unhold"));
    add_lane(c, queue, lane);
    add_id(c, id);
}

void commit_window_shut(struct commit *c, struct str sender, struct str person, struct wall window)
{
    put2_int(c, STR("window_shut"), sender, person, window.ms);
}

/* ---- messages and events ---- */

void commit_check_once_sent(struct commit *c, struct str id)
{
    check(c, STR("once_sent"));
    add_id(c, id);
    add_int(c, 1);
}

void commit_again(struct commit *c, struct str id, struct wall at, struct str detail)
{
    assert(str_find_char(detail, '\n', 0) == SIZE_MAX);
    put(c, STR("again"));
    add_id(c, id);
    add_int(c, at.ms);
    add(c, detail);
}

void commit_event(struct commit *c, struct str lane, struct str body, bool callback)
{
    put(c, STR("event"));
    assert(name_ok(lane) && lane.p[0] >= '0' && lane.p[0] < '0' + PRIO_COUNT);
    add(c, lane);
    add(c, body);
    add(c, callback ? STR("1") : STR("0"));
}

/* As the script ranks them; what a provider says is one of the last four of the first row. */
static bool state_ok(const char *state, bool from_provider)
{
    static const char *const states[] = {"sent",    "delivered", "read",    "failed",   "queued",
                                         "sending", "uncertain", "expired", "cancelled"};
    size_t n = from_provider ? 4 : ARRAY_LEN(states);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(states[i], state) == 0) {
            return true;
        }
    }
    return false;
}

void commit_message_note(struct commit *c, struct str id, struct wall at, struct str detail)
{
    assert(str_find_char(detail, '\n', 0) == SIZE_MAX);
    put(c, STR("note"));
    add_id(c, id);
    add_int(c, at.ms);
    add(c, detail);
}

void commit_unsend(struct commit *c, struct str id)
{
    assert(c->leased);
    put(c, STR("unsend"));
    add_id(c, id);
}

void commit_message_state(struct commit *c, struct str id, const char *state, struct wall at,
                          struct str detail)
{
    assert(state_ok(state, false));
    put(c, STR("message_state"));
    add(c, id);
    add(c, str_of(state));
    add_int(c, at.ms);
    add(c, detail);
}

void commit_status(struct commit *c, struct str id, struct str provider_hash, const char *state,
                   struct wall at, struct str detail)
{
    assert(state_ok(state, true) && (id.n > 0 || provider_hash.n > 0));
    put(c, STR("status"));
    add(c, id);
    add(c, provider_hash);
    add(c, str_of(state));
    add_int(c, at.ms);
    add(c, detail);
}

void commit_provider_id(struct commit *c, struct str provider_hash, struct str id)
{
    assert(provider_hash.n > 0);
    put(c, STR("provider_id"));
    add(c, provider_hash);
    add_id(c, id);
}

/* ---- plain values ---- */

void commit_ended(struct commit *c, struct str queue, struct str id)
{
    put2(c, STR("ended"), queue, id);
}

void commit_fields(struct commit *c, struct str key)
{
    put(c, STR("fields"));
    add(c, key);
    c->fields_at = c->args.resp.n + FIELDS_HEAD;
    c->fields = 0;
    add(c, STR("000"));
    c->doc = true;
}

void commit_persist(struct commit *c, struct str key)
{
    put(c, STR("persist"));
    add(c, key);
}

void commit_hset(struct commit *c, struct str key, struct str field, struct str value)
{
    put3(c, STR("hset"), key, field, value);
}

void commit_hdel(struct commit *c, struct str key, struct str field)
{
    put2(c, STR("hdel"), key, field);
}

void commit_line_add(struct commit *c, struct str key, struct str field, struct str line,
                     int64_t most)
{
    put(c, STR("line_add"));
    add(c, key);
    add(c, field);
    add(c, line);
    add_int(c, most);
}

void commit_line_drop(struct commit *c, struct str key, struct str field, struct str line)
{
    put3(c, STR("line_drop"), key, field, line);
}

void commit_hincr(struct commit *c, struct str key, struct str field, int64_t by)
{
    put2_int(c, STR("hincr"), key, field, by);
}

void commit_hmax(struct commit *c, struct str key, struct str field, int64_t value)
{
    put2_int(c, STR("hmax"), key, field, value);
}

void commit_ahead(struct commit *c, struct str key, struct str field, int64_t us)
{
    put2_int(c, STR("ahead"), key, field, us);
}

void commit_zadd(struct commit *c, struct str key, double score, struct str member)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%.17g", score);

    put3(c, STR("zadd"), key, str_make(text, (size_t)n), member);
}

void commit_zrem(struct commit *c, struct str key, struct str member)
{
    put2(c, STR("zrem"), key, member);
}

void commit_append(struct commit *c, struct str key, struct str body, int64_t keep)
{
    assert(keep > 0);
    put2_int(c, STR("append"), key, body, keep);
}

void commit_chain(struct commit *c, struct str key, struct str body, int64_t keep)
{
    put2_int(c, STR("chain"), key, body, keep);
}

void commit_log(struct commit *c, struct str key, struct str body)
{
    put2(c, STR("log"), key, body);
}

void commit_put_for(struct commit *c, struct str key, struct str value, int64_t ms)
{
    assert(ms > 0);
    put2_int(c, STR("put_for"), key, value, ms);
}

void commit_sender(struct commit *c, struct str sender, const char *what, int64_t number,
                   int64_t token, struct str why, struct str advice)
{
    put(c, STR("sender"));
    add(c, sender);
    add(c, str_of(what));
    add_int(c, number);
    add_int(c, token);
    add(c, why);
    add(c, advice);
}
