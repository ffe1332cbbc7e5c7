/*
 * limit_command: the bare program for a webhook that is a command: signature, JSON, one EVALSHA
 * that keeps the command, 200; then a reply of fixed text posted to the provider with libcurl
 * multi, and a second EVALSHA that keeps the id it got. Nothing is decided, leased or sent twice.
 *
 *   limit_command PORT REDIS_SOCKET APP_SECRET PROVIDER_URL [CONNECTIONS]
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <uv.h>

#include "base/mem.h"
#include "base/str.h"
#include "limit_curl.h"
#include "limit_server.h"

static const char script[] = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1";

static redisAsyncContext *redis;
static char sha[41];

struct job { /* one command, from its body to the record of its reply */
    struct limit_conn *conn;
    char key[256];
    char to[32];
};

static void job_end(struct job *job)
{
    mem_free(&job);
}

static void on_recorded(redisAsyncContext *r, void *reply, void *ctx)
{
    (void)r;
    (void)reply;
    job_end(ctx);
}

static void on_sent(void *ctx, int status, const char *body, size_t n)
{
    struct job *job = ctx;
    json_t *root = json_loadb(body, n, 0, NULL);
    const char *id = json_string_value(
        json_object_get(json_array_get(json_object_get(root, "messages"), 0), "id"));

    if (status != 200 || id == NULL ||
        !limit_eval(redis, on_recorded, job, sha, job->key, "reply", id)) {
        job_end(job);
    }
    json_decref(root);
}

static void on_kept(redisAsyncContext *r, void *reply, void *ctx)
{
    static const char form[] =
        "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"%s\","
        "\"type\":\"text\","
        "\"text\":{\"body\":\"Your orders: assigned 0, acknowledged 0, in progress 0, overdue 0, "
        "completed "
        "today "
        "0.\"},\"biz_opaque_callback_data\":\"gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M:1:0123456789abcdef\"}";
    const redisReply *got = reply;
    struct job *job = ctx;
    char body[512];
    int n;

    (void)r;
    if (got == NULL || got->type != REDIS_REPLY_INTEGER) {
        limit_answer(job->conn, 503);
        job_end(job);
        return;
    }
    limit_answer(job->conn, 200);
    n = snprintf(body, sizeof(body), form, job->to);
    limit_post(body, (size_t)n, on_sent, job);
}

static void on_body(struct limit_conn *c, const char *body, size_t n)
{
    json_t *root = json_loadb(body, n, 0, NULL);
    json_t *change = json_array_get(
        json_object_get(json_array_get(json_object_get(root, "entry"), 0), "changes"), 0);
    json_t *message =
        json_array_get(json_object_get(json_object_get(change, "value"), "messages"), 0);
    const char *id = json_string_value(json_object_get(message, "id"));
    const char *from = json_string_value(json_object_get(message, "from"));
    const char *text = json_string_value(json_object_get(json_object_get(message, "text"), "body"));
    struct job *job;

    if (id == NULL || from == NULL || text == NULL) {
        limit_answer(c, 400);
    } else {
        job = MEM_NEW(struct job);
        job->conn = c;
        snprintf(job->key, sizeof(job->key), "c:%s", id);
        snprintf(job->to, sizeof(job->to), "%s", from);
        if (!limit_eval(redis, on_kept, job, sha, job->key, from, text)) {
            limit_answer(c, 503);
            job_end(job);
        }
    }
    json_decref(root);
}

int main(int argc, char **argv)
{
    int64_t port, connections = 64;

    if (argc < 5 || argc > 6 || !str_to_i64(str_of(argv[1]), 0, 65535, &port) ||
        (argc == 6 && !str_to_i64(str_of(argv[5]), 1, 1024, &connections))) {
        fprintf(stderr,
                "usage: limit_command PORT REDIS_SOCKET APP_SECRET PROVIDER_URL [CONNECTIONS]\n");
        return 2;
    }
    redis = limit_redis(argv[2], script, sha);
    limit_curl_init(argv[4], (size_t)connections);
    if (redis == NULL || !limit_listen((int)port, argv[3], on_body)) {
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
