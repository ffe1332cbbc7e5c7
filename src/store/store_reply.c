#include <assert.h>

#include "base/mem.h"

#include "store_int.h"

/*
 * hiredis builds replies with these functions instead of its own, in an arena of the connection
 * that is emptied when a reply is done with: a reply costs no malloc. The layout starts as a
 * redisReply because hiredis itself looks into replies on a connection that subscribes.
 */
struct reply {
    redisReply r;
    struct arena *arena;
    struct reply *error; /* of the root: the first error inside */
};

static struct reply *make(const redisReadTask *task, int type)
{
    struct arena *a = task->privdata;
    struct reply *r = ARENA_NEW(a, struct reply);

    r->r.type = type;
    r->arena = a;
    if (task->parent != NULL) {
        struct reply *parent = task->parent->obj;

        parent->r.element[task->idx] = &r->r;
        /* The root is found by the way up, which only an error goes. */
        if (type == REDIS_REPLY_ERROR) {
            const redisReadTask *up = task->parent;

            while (up->parent != NULL) {
                up = up->parent;
            }
            parent = up->obj;
            if (parent->error == NULL) {
                parent->error = r;
            }
        }
    } else if (type == REDIS_REPLY_ERROR) {
        r->error = r;
    }
    return r;
}

static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    struct reply *r = make(task, task->type);
    struct str copy = arena_dup(r->arena, str_make(p, n));

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
        r->r.element = ARENA_ARRAY(r->arena, redisReply *, (size_t)n);
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

/* hiredis gives back roots only, and one after the other. */
static void give_back(void *reply)
{
    if (reply != NULL) {
        arena_reset(((struct reply *)reply)->arena);
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

const struct reply *reply_error(const struct reply *r)
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
