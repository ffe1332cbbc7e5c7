/*
 * limit_webhook: the bare program for a status webhook: signature, JSON, one EVALSHA that keeps the
 * status, 200. The ratio of crewline's webhooks to this is the figure that counts.
 *
 *   limit_webhook PORT REDIS_SOCKET APP_SECRET      (Redis with appendonly yes, appendfsync always)
 */
#include <jansson.h>
#include <stdio.h>
#include <uv.h>

#include "base/str.h"
#include "limit_server.h"

static const char script[] = "redis.call('HSET', KEYS[1], 's', ARGV[1], 'at', ARGV[2]) return 1";

static redisAsyncContext *redis;
static char sha[41];

static void on_kept(redisAsyncContext *r, void *reply, void *ctx)
{
    const redisReply *got = reply;

    (void)r;
    limit_answer(ctx, got != NULL && got->type == REDIS_REPLY_INTEGER ? 200 : 503);
}

/* entry[0].changes[0].value.statuses[0] */
static json_t *status_of(json_t *root)
{
    json_t *entry = json_array_get(json_object_get(root, "entry"), 0);
    json_t *change = json_array_get(json_object_get(entry, "changes"), 0);

    return json_array_get(json_object_get(json_object_get(change, "value"), "statuses"), 0);
}

static void on_body(struct limit_conn *c, const char *body, size_t n)
{
    json_t *root = json_loadb(body, n, 0, NULL), *status = status_of(root);
    const char *id = json_string_value(json_object_get(status, "id"));
    const char *state = json_string_value(json_object_get(status, "status"));
    const char *at = json_string_value(json_object_get(status, "timestamp"));
    char key[256];

    if (id == NULL || state == NULL || at == NULL) {
        limit_answer(c, 400);
    } else {
        snprintf(key, sizeof(key), "s:%s", id);
        if (!limit_eval(redis, on_kept, c, sha, key, state, at)) {
            limit_answer(c, 503);
        }
    }
    json_decref(root);
}

int main(int argc, char **argv)
{
    int64_t port;

    if (argc != 4 || !str_to_i64(str_of(argv[1]), 0, 65535, &port)) {
        fprintf(stderr, "usage: limit_webhook PORT REDIS_SOCKET APP_SECRET\n");
        return 2;
    }
    redis = limit_redis(argv[2], script, sha);
    if (redis == NULL || !limit_listen((int)port, argv[3], on_body)) {
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
