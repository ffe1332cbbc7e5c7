#include <stdio.h>
#include <time.h>

#include "base/crypto.h"
#include "crewline_bench.h"

#define BODY_ROOM 4096

uint64_t run_number(void)
{
    static uint64_t calls;
    struct timespec t;

    /* Two floods of one program may begin in the same millisecond. */
    clock_gettime(CLOCK_REALTIME, &t);
    return (calls++ * 1000003 + (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000) &
           0xffffffffffu;
}

void person_id(int64_t who, char out[32])
{
    snprintf(out, 32, "bench-%06lld", (long long)who);
}

/* Numbers that nobody has: +1 999 and seven digits. */
static long long phone_of(int64_t who)
{
    return 19990000000LL + (long long)who;
}

void request_write(struct buf *out, const char *method, const char *path, const char *headers,
                   struct str body)
{
    buf_addz(out, method);
    buf_addz(out, " ");
    buf_addz(out, path);
    buf_addz(out, " HTTP/1.1\r\nHost: bench\r\n");
    buf_addz(out, headers);
    if (body.p != NULL) {
        buf_addz(out, "Content-Length: ");
        buf_add_i64(out, (int64_t)body.n);
        buf_addz(out, "\r\n");
    }
    buf_addz(out, "\r\n");
    buf_add(out, body);
}

/* As Meta sends: these headers, this signature. */
static void webhook(const struct bench_args *a, struct str body, struct buf *out)
{
    static const char hex[] = "0123456789abcdef";
    char headers[] =
        "Accept: */*\r\nUser-Agent: facebookexternalua\r\nContent-Type: application/json\r\n"
        "X-Hub-Signature-256: "
        "sha256=----------------------------------------------------------------\r\n";
    char *to = headers + sizeof(headers) - 1 - 2 - 64;
    uint8_t mac[SHA256_BYTES];

    hmac_sha256(str_of(a->secret), body, mac);
    for (size_t i = 0; i < sizeof(mac); i++) {
        to[2 * i] = hex[mac[i] >> 4];
        to[2 * i + 1] = hex[mac[i] & 15];
    }
    request_write(out, "POST", "/whatsapp/webhook", headers, body);
}

void body_status(const struct bench_args *a, uint64_t run, int64_t i, struct buf *out)
{
    static const char form[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"402290129340371\","
        "\"changes\":[{\"value\":{"
        "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"12025550143\","
        "\"phone_number_id\":\"%s\"},\"contacts\":[{\"profile\":{\"name\":\"Ada "
        "Quill\"},\"wa_id\":\"12025550117\","
        "\"user_id\":\"US.40918274650193827465\"}],\"statuses\":[{\"id\":\"wamid."
        "HBgLMTIwMjU1NTAxMTcVAgARGBJ%010llX"
        "%08llXAA==\",\"status\":\"delivered\",\"timestamp\":\"%lld\",\"recipient_id\":"
        "\"12025550117\","
        "\"recipient_user_id\":\"US.40918274650193827465\",\"biz_opaque_callback_data\":"
        "\"gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M\",\"pricing\":{\"billable\":true,\"pricing_model\":"
        "\"PMP\","
        "\"type\":\"regular\",\"category\":\"utility\"}}]},\"field\":\"messages\"}]}]}";
    char body[BODY_ROOM];
    int n = snprintf(body, sizeof(body), form, a->number_id, (unsigned long long)run,
                     (unsigned long long)i, (long long)time(NULL));

    webhook(a, str_make(body, (size_t)n), out);
}

void body_text(const struct bench_args *a, uint64_t run, int64_t i, int64_t who, const char *text,
               struct buf *out)
{
    static const char form[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"402290129340371\","
        "\"changes\":[{\"value\":{"
        "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"12025550143\","
        "\"phone_number_id\":\"%s\"},\"contacts\":[{\"profile\":{\"name\":\"Ada "
        "Quill\"},\"wa_id\":\"%lld\"}],"
        "\"messages\":[{\"from\":\"%lld\",\"id\":\"wamid.HBgLMTIwMjU1NTAxMTcVAgASGBQ%010llX%"
        "08llXAA==\","
        "\"timestamp\":\"%lld\",\"text\":{\"body\":\"%s\"},\"type\":\"text\"}]},\"field\":"
        "\"messages\"}]}]}";
    char body[BODY_ROOM];
    int n = snprintf(body, sizeof(body), form, a->number_id, phone_of(who), phone_of(who),
                     (unsigned long long)run, (unsigned long long)i, (long long)time(NULL), text);

    webhook(a, str_make(body, (size_t)n), out);
}

void body_api(const struct bench_args *a, const char *path, const char *type, struct str body,
              struct buf *out)
{
    char headers[512];

    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nContent-Type: %s\r\n", a->key,
             type);
    request_write(out, "POST", path, headers, body);
}
