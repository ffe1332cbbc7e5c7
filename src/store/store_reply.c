#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"

#include "store_int.h"

#define SLAB_REPLIES   64
#define SLABS_IDLE_MAX 16

/*
 * hiredis builds replies with these functions instead of its own, in arenas that are emptied when
 * no reply in them is alive: a reply costs no malloc, and one may be kept until there is time for
 * it. A new arena is begun after some replies, so that one that is kept does not keep all that
 * follow.
 */
struct slab {
    struct replies *owner;
    struct arena *arena;
    size_t live, made; /* roots */
    struct slab *next; /* in owner->idle */
};

struct replies {
    struct slab *now, *idle;
    size_t nidle;
};

/*
 * The layout starts as a redisReply because hiredis itself looks into replies on a connection that
 * subscribes.
 */
struct reply {
    redisReply r;
    struct slab *slab;
    struct reply *error; /* of the root: the first error inside */
};

static struct slab *slab_new(struct replies *rs)
{
    struct slab *s = rs->idle;

    if (s != NULL) {
        rs->idle = s->next;
        rs->nidle--;
        return s;
    }
    s = MEM_NEW(struct slab);
    s->owner = rs;
    s->arena = arena_new();
    return s;
}

static void slab_free(struct slab *s)
{
    arena_free(&s->arena);
    mem_free(&s);
}

struct replies *replies_new(void)
{
    struct replies *rs = MEM_NEW(struct replies);

    rs->now = slab_new(rs);
    return rs;
}

void replies_free(struct replies **owner)
{
    struct replies *rs = *owner;

    if (rs == NULL) {
        return;
    }
    slab_free(rs->now);
    while (rs->idle != NULL) {
        slab_free(slab_new(rs));
    }
    mem_free(owner);
}

static struct slab *slab_for_root(struct replies *rs)
{
    if (rs->now->made >= SLAB_REPLIES && rs->now->live > 0) {
        rs->now = slab_new(rs); /* the old one comes back when its last reply goes */
    }
    rs->now->made++;
    rs->now->live++;
    return rs->now;
}

void reply_keep(struct reply *root)
{
    root->slab->live++;
}

void reply_drop(struct reply *root)
{
    struct slab *s = root->slab;
    struct replies *rs = s->owner;

    if (--s->live > 0) {
        return;
    }
    arena_reset(s->arena);
    s->made = 0;
    if (s == rs->now) {
        return;
    }
    if (rs->nidle >= SLABS_IDLE_MAX) {
        slab_free(s);
        return;
    }
    s->next = rs->idle;
    rs->idle = s;
    rs->nidle++;
}

/* The root is found by the way up, which only an error goes. */
static struct reply *root_of(const redisReadTask *task)
{
    while (task->parent != NULL) {
        task = task->parent;
    }
    return task->obj;
}

static struct reply *make(const redisReadTask *task, int type)
{
    struct reply *parent = task->parent == NULL ? NULL : task->parent->obj, *root, *r;
    struct slab *slab = parent == NULL ? slab_for_root(task->privdata) : parent->slab;

    r = ARENA_NEW(slab->arena, struct reply);
    r->r.type = type;
    r->slab = slab;
    if (parent != NULL) {
        parent->r.element[task->idx] = &r->r;
    }
    if (type == REDIS_REPLY_ERROR) {
        root = parent == NULL ? r : root_of(task);
        root->error = root->error == NULL ? r : root->error;
    }
    return r;
}

static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    struct reply *r = make(task, task->type);
    struct str copy = arena_dup(r->slab->arena, str_make(p, n));

    r->r.str = (char *)copy.p;
    r->r.len = n;
    return r;
}

#if HIREDIS_MAJOR >= 1
static void *make_array(const redisReadTask *task, size_t n)
#else
static void *make_array(const redisReadTask *task, int n)
#endif
{
    struct reply *r = make(task, REDIS_REPLY_ARRAY);

    if (n > 0) {
        r->r.element = ARENA_ARRAY(r->slab->arena, redisReply *, (size_t)n);
        r->r.elements = (size_t)n;
    }
    return r;
}

static void *make_integer(const redisReadTask *task, long long v)
{
    struct reply *r = make(task, REDIS_REPLY_INTEGER);

    r->r.integer = v;
    return r;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, REDIS_REPLY_NIL);
}

/* hiredis gives back roots only. */
static void give_back(void *reply)
{
    if (reply != NULL) {
        reply_drop(reply);
    }
}

/* RESP2 has neither doubles nor booleans, so what hiredis 1.x adds stays NULL. */
redisReplyObjectFunctions store_reply_functions = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = give_back,
};

const struct reply *reply_failure(const struct reply *r)
{
    return r == NULL ? NULL : r->error;
}

struct str reply_error_text(const struct reply *r)
{
    return str_make(r->r.str, r->r.len);
}

enum reply_kind reply_kind(const struct reply *r)
{
    if (r == NULL) {
        return REPLY_NIL;
    }
    switch (r->r.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        return REPLY_STR;
    case REDIS_REPLY_INTEGER:
        return REPLY_INT;
    case REDIS_REPLY_ARRAY:
        return REPLY_LIST;
    default:
        return REPLY_NIL;
    }
}

struct str reply_str(const struct reply *r)
{
    return reply_kind(r) == REPLY_STR ? str_make(r->r.str, r->r.len) : STR_NONE;
}

int64_t reply_int(const struct reply *r)
{
    int64_t v = 0;

    switch (reply_kind(r)) {
    case REPLY_INT:
        return r->r.integer;
    case REPLY_STR:
        return str_to_i64(reply_str(r), INT64_MIN, INT64_MAX, &v) ? v : 0;
    default:
        return 0;
    }
}

size_t reply_len(const struct reply *r)
{
    return reply_kind(r) == REPLY_LIST ? r->r.elements : 0;
}

const struct reply *reply_at(const struct reply *r, size_t i)
{
    return i < reply_len(r) ? (const struct reply *)r->r.element[i] : NULL;
}
