#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define EPOCH_US  1763716037000000LL
#define HOUR      (3600 * SECOND)
#define TIME_CALL "call('TIME')"
#define TIME_FAKE "{string.sub(KEYS[2], 1, -7), string.sub(KEYS[2], -6)}"

/* The invariant of include/store/keys.h, for all lanes; "" or what is wrong. */
static const char keys_script[] =
    "local P, call = KEYS[1], redis.call\n"
    "for _, q in ipairs({'out:s', 'in', 'cb'}) do\n"
    "  local held, ends, ready = {}, {}, {}\n"
    "  local k = call('HGETALL', P .. 'k:' .. q)\n"
    "  for i = 1, #k, 2 do held[k[i]] = k[i + 1] end\n"
    "  for _, lane in ipairs(call('ZRANGE', P .. 'f:' .. q, 0, -1)) do\n"
    "    ends[lane] = true\n"
    "    if lane ~= '*' and (not held[lane] or string.find(held[lane], '[hH]$')) then\n"
    "      return q .. ' ' .. lane .. ': an end without a lease' end\n"
    "  end\n"
    "  for p = 0, 4 do\n"
    "    for _, lane in ipairs(call('ZRANGE', P .. 'r:' .. q .. ':' .. p, 0, -1)) do\n"
    "      ready[lane] = true\n"
    "      if string.sub(lane, 1, 1) ~= tostring(p) then return q .. ' ' .. lane .. ': priority' "
    "end\n"
    "      if held[lane] then return q .. ' ' .. lane .. ': ready and leased' end\n"
    "      if call('EXISTS', P .. 'l:' .. q .. ':' .. lane) == 0 then return q .. ' ' .. lane .. "
    "': ready, empty' end\n"
    "    end\n"
    "  end\n"
    "  for lane, v in pairs(held) do\n"
    "    local id, list = string.match(v, '^%d+|(.*)|[^|]*$'), P .. 'l:' .. q .. ':' .. lane\n"
    "    local till, letter = string.match(v, '%.(%d+)([hH])$')\n"
    "    if not ends[letter and '*' or lane] or letter and\n"
    "        tonumber(call('ZSCORE', P .. 'f:' .. q, '*')) > tonumber(till) then\n"
    "      return q .. ' ' .. lane .. ': a lease without an end' end\n"
    "    if letter and (call('LPOS', list, id) or call('EXISTS', list) ~= (letter == 'H' and 1 or "
    "0))\n"
    "        or not letter and call('LINDEX', list, 0) ~= id then\n"
    "      return q .. ' ' .. lane .. ': leased ' .. v end\n"
    "  end\n"
    "  for _, key in ipairs(call('KEYS', P .. 'l:' .. q .. ':*')) do\n"
    "    local lane, seen = string.sub(key, #(P .. 'l:' .. q .. ':') + 1), {}\n"
    "    if not held[lane] and not ready[lane] then return q .. ' ' .. lane .. ': items, and "
    "nobody looks' end\n"
    "    if q == 'out:s' and call('EXISTS', P .. 'm:' .. call('LINDEX', key, 0)) == 0 then\n"
    "      return q .. ' ' .. lane .. ': in a list, and folded' end\n"
    "    local state = call('HGET', P .. 'm:' .. call('LINDEX', key, 0), 's')\n"
    "    if not held[lane] and state and not ({queued = 1, sending = 1, uncertain = 1})[state] "
    "then\n"
    "      return q .. ' ' .. lane .. ': waits for what is ' .. state\n"
    "    end\n"
    "    for _, id in ipairs(call('LRANGE', key, 0, -1)) do\n"
    "      if seen[id] then return q .. ' ' .. lane .. ': twice ' .. id end\n"
    "      seen[id] = true\n"
    "    end\n"
    "  end\nend\n"
    "for _, key in ipairs(call('KEYS', P .. 'mf:*')) do\n"
    "  for _, rest in ipairs(call('HKEYS', key)) do\n"
    "    local id = string.sub(key, #(P .. 'mf:') + 1) .. rest\n"
    "    local lane = string.match(call('HGET', key, rest), '^.-\\n.-\\n.-\\n.-\\n\\n(.-)\\n')\n"
    "    local held = lane and call('HGET', P .. 'k:out:s', lane) or ''\n"
    "    local flies = string.find(held, '|' .. id .. '|b1\\n', 1, true) and 1 or 0\n"
    "    if string.sub(rest, -1) == '.' then\n"
    "      if call('HEXISTS', key, string.sub(rest, 1, -2)) == 0 then return id .. ' ends' end\n"
    "    elseif call('EXISTS', P .. 'm:' .. id) == 1 then return id .. ': folded, and not'\n"
    "    elseif call('HEXISTS', key, rest .. '.') == flies then return id .. ' has ' .. held\n"
    "    end\n  end\nend\n"
    "local held = 0\n"
    "for _, key in ipairs(call('KEYS', P .. 'hm:*')) do\n"
    "  local person, sender = string.match(key, ':hm:([^:]*):([^:]*)$')\n"
    "  if call('HEXISTS', P .. 'hg:' .. sender, person) == 0 then return key .. ': nobody is "
    "asked' "
    "end\n"
    "  for _, id in ipairs(call('LRANGE', key, 0, -1)) do\n"
    "    local m = call('HMGET', P .. 'm:' .. id, 'q', 'l')\n"
    "    held = held + 1\n"
    "    if not call('ZSCORE', P .. 'hx', m[1] .. '\\n' .. m[2] .. '\\n' .. id) then return id .. "
    "': "
    "held without an end' end\n"
    "    if call('LPOS', P .. 'l:' .. m[1] .. ':' .. m[2], id) then return id .. ': held, and in "
    "its "
    "lane' end\n"
    "  end\nend\n"
    "if call('ZCARD', P .. 'hx') ~= held then return 'hx: not as many as are held' end\n"
    "return ''\n";

/* ---- random numbers, the trace ---- */

/* splitmix64: the same on every machine. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
    return next(&s->random) % below;
}

bool sim_chance(struct sim *s, int percent)
{
    bool hit = sim_random(s, 100) < (uint64_t)percent;

    return hit && s->now_us < s->calm_us;
}

static void hash_bytes(struct sim *s, const void *p, size_t n)
{
    const unsigned char *b = p;

    for (size_t i = 0; i < n; i++) {
        s->hash = (s->hash ^ b[i]) * 0x100000001b3u;
    }
}

void sim_note(struct sim *s, const char *what, int64_t a, int64_t b)
{
    int64_t v[3] = {s->now_us, a, b};

    hash_bytes(s, what, strlen(what));
    hash_bytes(s, v, sizeof(v));
    if (getenv("CREWLINE_SIM_TRACE") != NULL) {
        printf("%10.3f %s %lld %lld\n", (double)(s->now_us - EPOCH_US) / 1e6, what, (long long)a,
               (long long)b);
    }
}

void sim_broken(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->broken[0] == '\0') { /* the first is the cause */
        va_start(ap, fmt);
        vsnprintf(s->broken, sizeof(s->broken), fmt, ap);
        va_end(ap);
    }
}

/* ---- Redis ---- */

static void die(const char *what)
{
    fprintf(stderr, "simulation: %s\n", what);
    exit(99);
}

static redisReply *reply_of(redisContext *c)
{
    void *r = NULL;

    if (redisGetReply(c, &r) != REDIS_OK) {
        die(c->errstr);
    }
    return r;
}

/* Replaces the one place where @find stands. */
static char *replace(const char *text, const char *find, const char *put)
{
    const char *at = strstr(text, find);
    struct buf b;
    char *out;

    if (at == NULL || strstr(at + 1, find) != NULL) {
        fprintf(stderr, "simulation: not once in the script: %s\n", find);
        exit(99);
    }
    buf_init(&b, (size_t)1 << 20);
    buf_add(&b, str_make(text, (size_t)(at - text)));
    buf_addz(&b, put);
    buf_addz(&b, at + strlen(find));
    buf_take(&b, &out);
    return out;
}

static void load(struct sim_redis *r, enum sim_script as, const char *text)
{
    redisReply *reply = redisCommand(r->c, "SCRIPT LOAD %s", text);

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        die(reply == NULL ? r->c->errstr : reply->str);
    }
    snprintf(r->sha[as], sizeof(r->sha[as]), "%s", reply->str);
    freeReplyObject(reply);
}

static void load_faked(struct sim_redis *r, enum sim_script as, const char *name,
                       const struct sim_mutation *m)
{
    for (size_t i = 0; i < scripts_count(); i++) {
        const struct script *script = scripts_at(i);
        char *text, *mutated;

        if (strcmp(script->name, name) != 0) {
            continue;
        }
        text = replace(script->text, TIME_CALL, TIME_FAKE);
        if (m != NULL && (strcmp(m->script, name) == 0 || strcmp(m->script, "common.lua") == 0)) {
            mutated = replace(text, m->find, m->put);
            mem_free(&text);
            text = mutated;
        }
        load(r, as, text);
        mem_free(&text);
        return;
    }
    die(name);
}

static void load_all(struct sim_redis *r)
{
    load_faked(r, SIM_COMMIT, "commit.lua", r->mutation);
    load_faked(r, SIM_ENDS, "ends.lua", r->mutation);
    load_faked(r, SIM_CLAIM, "claim.lua", r->mutation);
    load(r, SIM_KEYS, keys_script);
}

void sim_redis_open(struct sim_redis *r, const char *socket_path, const struct sim_mutation *m)
{
    *r = (struct sim_redis){0};
    r->c = redisConnectUnix(socket_path);
    if (r->c == NULL || r->c->err != 0) {
        die(r->c == NULL ? "no memory" : r->c->errstr);
    }
    r->mutation = m;
    load_all(r);
}

void sim_redis_close(struct sim_redis *r)
{
    redisFree(r->c);
    r->c = NULL;
}

static void hash_reply(struct sim *s, const redisReply *r)
{
    hash_bytes(s, &r->type, sizeof(r->type));
    if (r->str != NULL) {
        hash_bytes(s, r->str, (size_t)r->len);
    }
    if (r->type == REDIS_REPLY_INTEGER) {
        hash_bytes(s, &r->integer, sizeof(r->integer));
    }
    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
        hash_reply(s, r->element[i]);
    }
}

int64_t sim_redis_ms(const struct sim *s)
{
    return (s->now_us + s->skew_us) / 1000;
}

redisReply *sim_ask(struct sim *s, enum sim_script script, struct str args, uint32_t argc)
{
    struct sim_redis *r = s->redis;
    struct buf b;
    redisReply *reply;

    buf_init(&b, COMMIT_BYTES_MAX);
    buf_addf(&b, "*%u\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n2\r\n$6\r\n{sim}:\r\n$16\r\n%lld\r\n",
             argc + 5, r->sha[script], (long long)(s->now_us + s->skew_us));
    buf_add(&b, args);
    assert(buf_ok(&b));
    if (redisAppendFormattedCommand(r->c, b.p, b.n) != REDIS_OK) {
        die(r->c->errstr);
    }
    buf_fini(&b);
    r->calls++;
    reply = reply_of(r->c);
    hash_reply(s, reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        sim_broken(s, "script error: %s", reply->str);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

/* ---- items ---- */

struct str sim_queue_name(enum sim_queue q)
{
    static const char *const names[] = {"out:s", "in", "cb"};

    return str_of(names[q]);
}

int sim_item_add(struct sim *s, enum sim_queue queue, const char *lane)
{
    struct sim_item *it = &s->items[s->nitems];

    assert(s->nitems < SIM_ITEMS_MAX);
    *it = (struct sim_item){.queue = queue, .max_sends = 1 + (int)sim_random(s, 3)};
    snprintf(it->id, sizeof(it->id), "%s%c%d", queue == SIM_OUT ? SIM_CELL : "", "oic"[queue],
             s->nitems);
    snprintf(it->lane, sizeof(it->lane), "%s", lane);
    return s->nitems++;
}

int sim_item_find(struct sim *s, enum sim_queue queue, const char *id)
{
    for (int i = 0; i < s->nitems; i++) {
        if (s->items[i].queue == queue && strcmp(s->items[i].id, id) == 0) {
            return i;
        }
    }
    sim_broken(s, "a row names an item that nobody made: %s", id);
    return 0;
}

/* ---- events ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->nth < b->nth;
}

static void heap_put(struct sim *s, struct sim_event e)
{
    int i = s->nheap++;

    assert(s->nheap < SIM_EVENTS_MAX);
    while (i > 0 && before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
}

static struct sim_event heap_take(struct sim *s)
{
    struct sim_event first = s->heap[0], last = s->heap[--s->nheap];
    int i = 0;

    for (;;) {
        int child = 2 * i + 1;

        if (child >= s->nheap) {
            break;
        }
        if (child + 1 < s->nheap && before(&s->heap[child + 1], &s->heap[child])) {
            child++;
        }
        if (before(&last, &s->heap[child])) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return first;
}

void sim_plan(struct sim *s, int64_t delay_us, enum sim_kind kind, int worker, int a, int b)
{
    uint32_t epoch = worker < 0 ? 0 : s->workers[worker].epoch;

    heap_put(s, (struct sim_event){s->now_us + delay_us, s->nth++, kind, worker, epoch, a, b});
}

static void crash(struct sim *s, int worker)
{
    struct sim_worker *w = &s->workers[worker];

    if (w->alive) {
        w->alive = false;
        w->epoch++; /* all that it had planned is void */
        sim_plan(s, SECOND / 10 + (int64_t)sim_random(s, 10 * SECOND), EV_START, worker, 0, 0);
    }
}

static void jump(struct sim *s)
{
    static const int64_t jumps[] = {SECOND / 10, 3 * SECOND, 20 * SECOND, HOUR};
    int64_t by = jumps[sim_random(s, ARRAY_LEN(jumps))];
    uint64_t how = sim_random(s, 3);

    s->skew_us = how == 0 ? s->skew_us + by : how == 1 ? s->skew_us - by : 0;
    s->jumps++;
    sim_note(s, "jump", s->skew_us, 0);
}

/* Away for some tenths of a second; it comes back with its data and without the scripts. */
static void restart(struct sim *s, int tenths)
{
    redisReply *reply = redisCommand(s->redis->c, "SCRIPT FLUSH");

    if (reply == NULL) {
        die(s->redis->c->errstr);
    }
    freeReplyObject(reply);
    load_all(s->redis);
    s->down_until_us = s->now_us + tenths * SECOND / 10;
    sim_note(s, "restart", tenths, 0);
}

static void carry_out(struct sim *s, const struct sim_event *e)
{
    switch (e->kind) {
    case EV_ARRIVE:
        sim_arrive(s, e->a, e->b != 0);
        break;
    case EV_CLAIM:
        sim_claim(s, e->worker, (enum sim_queue)e->a, (uint32_t)e->b);
        break;
    case EV_ITEM:
        sim_item_turn(s, e->a);
        break;
    case EV_RESULT:
        sim_result(s, e->a);
        break;
    case EV_CALL:
        sim_call_turn(s, e->a, e->b);
        break;
    case EV_STATUS:
        sim_status(s, e->a, e->b);
        break;
    case EV_CANCEL:
        sim_cancel(s, e->a);
        break;
    case EV_CRASH:
        crash(s, e->a);
        break;
    case EV_START:
        sim_start(s, e->worker);
        break;
    case EV_STALL:
        s->workers[e->worker].stalled_until_us = s->now_us + e->b * SECOND / 10;
        break;
    case EV_CLOCK:
        jump(s);
        break;
    case EV_RESTART:
        restart(s, e->b);
        break;
    case EV_RESUME:
        sim_resume(s);
        break;
    case EV_WORD:
        sim_word(s, e->a, e->b != 0);
        break;
    case EV_TIER:
        sim_tier(s, e->a);
        break;
    case EV_OTHER:
        sim_other(s, e->a != 0);
        break;
    case EV_WAIT_OVER:
        sim_wait_over(s);
        break;
    case EV_KEYS:
        sim_check_keys(s);
        if (!sim_all_settled(s)) {
            sim_plan(s, 5 * SECOND, EV_KEYS, -1, 0, 0);
        }
        break;
    }
}

/* ---- a run ---- */

static void draw_items(struct sim *s, int64_t for_us)
{
    int n = 20 + (int)sim_random(s, 40), people = 3 + (int)sim_random(s, 6);
    bool few = sim_random(s, 2) == 0; /* lanes, and more in each */

    for (int i = 0; i < n; i++) {
        bool in = sim_random(s, 3) == 0;
        int64_t at = (int64_t)sim_random(s, (uint64_t)for_us);
        char lane[16];
        int item;

        snprintf(lane, sizeof(lane), "%dp%d", few ? PRIO_NORMAL : (int)sim_random(s, 5),
                 (int)sim_random(s, (uint64_t)people));
        item = sim_item_add(s, in ? SIM_IN : SIM_OUT, lane);
        s->items[item].client = true;
        s->items[item].later = !in && sim_random(s, 8) == 0;
        sim_plan(s, at, EV_ARRIVE, -1, item, 0);
        if (sim_random(s, 10) == 0) {
            sim_plan(s, at + (int64_t)sim_random(s, 20 * SECOND), EV_ARRIVE, -1, item,
                     1); /* it comes twice */
        }
        if (!in && sim_random(s, 12) == 0) {
            sim_plan(s, at + (int64_t)sim_random(s, 20 * SECOND), EV_CANCEL, -1, item, 0);
        }
    }
}

static void draw_faults(struct sim *s, int64_t for_us)
{
    for (uint64_t i = sim_random(s, 6); i > 0; i--) {
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_CRASH, -1,
                 (int)sim_random(s, (uint64_t)s->nworkers), 0);
    }
    for (uint64_t i = sim_random(s, 5); i > 0; i--) {
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_STALL,
                 (int)sim_random(s, (uint64_t)s->nworkers), 0, 1 + (int)sim_random(s, 300));
    }
    for (uint64_t i = sim_random(s, 3); i > 0; i--) {
        sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_RESTART, -1, 0,
                 1 + (int)sim_random(s, 60));
    }
    if (sim_random(s, 3) == 0) {
        for (uint64_t i = 1 + sim_random(s, 3); i > 0; i--) {
            sim_plan(s, (int64_t)sim_random(s, (uint64_t)for_us), EV_CLOCK, -1, 0, 0);
        }
    }
}

static void draw(struct sim *s)
{
    int64_t for_us = (20 + (int64_t)sim_random(s, 60)) * SECOND;

    s->now_us = EPOCH_US;
    s->calm_us = s->now_us + for_us + 20 * SECOND;
    s->end_us = s->calm_us + HOUR / 2;
    s->nworkers = 2 + (int)sim_random(s, 4);
    s->nslots = 1 + (int)sim_random(s, 8);
    s->lease_ms = 2000 + (int64_t)sim_random(s, 8000);
    s->hold_ms = 3000 + (int64_t)sim_random(s, 6000);
    s->rate.interval_us = sim_random(s, 5) == 0 ? 0 : 20000 + (int64_t)sim_random(s, 300000);
    s->rate.burst = 1 + (int64_t)sim_random(s, 4);
    s->rate.reserve = s->rate.interval_us > 0 ? (int64_t)sim_random(s, (uint64_t)s->rate.burst) : 0;
    s->told_percent = (int)sim_random(s, 100);
    s->rate.pair_interval_ms = sim_random(s, 3) == 0 ? 0 : 200 + (int64_t)sim_random(s, 3000);
    s->rate.pair_burst = 1 + (int64_t)sim_random(s, 3);
    s->lost_percent = (int)sim_random(s, 25);
    s->crash_percent = (int)sim_random(s, 6);
    for (int w = 0; w < s->nworkers; w++) {
        s->workers[w].epoch = 1;
        sim_start(s, w);
    }
    sim_people_draw(s, for_us);
    draw_items(s, for_us);
    draw_faults(s, for_us);
    sim_plan(s, SECOND, EV_KEYS, -1, 0, 0);
}

static void reset(struct sim *s, struct sim_redis *r, uint64_t seed)
{
    redisReply *flushed = redisCommand(r->c, "FLUSHALL SYNC");

    if (flushed == NULL) {
        die(r->c->errstr);
    }
    freeReplyObject(flushed);
    memset(s, 0, sizeof(*s));
    s->redis = r;
    s->random = seed * 0x2545f4914f6cdd1du + 1;
    s->gives_up = seed % 4 == 2;
    s->gathers = seed % 2 == 1;
    s->hash = 0xcbf29ce484222325u;
}

const char *sim_run(struct sim *s, struct sim_redis *r, uint64_t seed, uint64_t *hash)
{
    reset(s, r, seed);
    draw(s);
    while (s->nheap > 0 && s->broken[0] == '\0') {
        struct sim_event e = heap_take(s);
        struct sim_worker *w = e.worker < 0 ? NULL : &s->workers[e.worker];

        s->now_us = e.at_us;
        if (s->now_us > s->end_us || (s->now_us > s->calm_us && sim_all_settled(s))) {
            break;
        }
        if (w != NULL && w->epoch != e.epoch) {
            continue;
        }
        if (w != NULL && w->stalled_until_us > s->now_us && e.kind != EV_STALL) {
            e.at_us = w->stalled_until_us;
            heap_put(s, e);
            continue;
        }
        carry_out(s, &e);
    }
    if (s->broken[0] == '\0') {
        sim_check_end(s);
    }
    for (int i = 0; i < SIM_CALLS_MAX; i++) {
        if (s->calls[i].used) {
            buf_fini(&s->calls[i].unit.resp);
            buf_fini(&s->calls[i].end.resp);
        }
    }
    *hash = s->hash;
    return s->broken;
}
