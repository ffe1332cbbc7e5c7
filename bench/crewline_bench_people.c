#include <stdio.h>
#include <time.h>

#include "crewline_bench.h"

#define EVENTS_IN_BATCH 100
#define POLL_MS         10
#define PATIENCE_MS     5000
#define QUIET_MS        500
#define INBOX_MS        600000

void sleep_ms(int64_t ms)
{
    const struct timespec t = {ms / 1000, (ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* ---- the stub ---- */

static void stub_ask(struct peer *stub, const char *method, const char *path,
                     struct stub_count *out)
{
    struct buf request, body;
    struct json *j = NULL;
    struct err err = {0};

    buf_init(&request, 1024);
    buf_init(&body, 65536);
    request_write(&request, method, path, "", STR_NONE);
    *out = (struct stub_count){0};
    if (peer_ask(stub, buf_str(&request), &body) == 200 &&
        json_parse(buf_str(&body), 65536, &j, &err)) {
        out->count = json_get_int(j, "count", 0);
        out->first_us = json_get_int(j, "first_us", 0);
        out->last_us = json_get_int(j, "last_us", 0);
    }
    json_free(&j);
    buf_fini(&request);
    buf_fini(&body);
}

void stub_count(struct peer *stub, struct stub_count *out)
{
    stub_ask(stub, "GET", "/count", out);
}

void stub_reset(struct peer *stub)
{
    struct stub_count none;

    stub_ask(stub, "DELETE", "/stats", &none);
}

bool stub_wait(struct peer *stub, int64_t count, struct stub_count *out)
{
    int64_t seen = -1, since = clock_us();

    for (;;) {
        stub_count(stub, out);
        if (out->count >= count) {
            return true;
        }
        if (out->count != seen) {
            seen = out->count;
            since = clock_us();
        } else if (clock_us() - since > PATIENCE_MS * 1000) {
            fprintf(stderr, "crewline-bench: %lld of %lld came, and no more for %d ms\n",
                    (long long)seen, (long long)count, PATIENCE_MS);
            return false;
        }
        sleep_ms(POLL_MS);
    }
}

void stub_quiet(struct peer *stub, int64_t ms)
{
    struct stub_count now;
    int64_t seen = -1, since = clock_us();

    while (clock_us() - since < ms * 1000) {
        stub_count(stub, &now);
        if (now.count != seen) {
            seen = now.count;
            since = clock_us();
        }
        sleep_ms(POLL_MS);
    }
}

/* ---- people ---- */

struct people {
    const struct bench_args *a;
    uint64_t run;
};

/* The same id and content each time: to a gateway that has them they are duplicates. */
static void make_event(void *ctx, int64_t batch, struct buf *out)
{
    const struct people *p = ctx;
    struct buf body;
    struct jw w;
    char id[32], phone[32];

    buf_init(&body, 1 << 20);
    jw_init(&w, &body);
    jw_open(&w, NULL, '[');
    for (int64_t i = batch * EVENTS_IN_BATCH; i < (batch + 1) * EVENTS_IN_BATCH && i < p->a->people;
         i++) {
        person_id(i, id);
        snprintf(phone, sizeof(phone), "+1999%07lld", (long long)i);
        jw_open(&w, NULL, '{');
        jw_z(&w, "specversion", "1.0");
        jw_z(&w, "id", id);
        jw_z(&w, "source", "/bench/people");
        jw_z(&w, "type", "cmms.person.upserted.v1");
        jw_open(&w, "data", '{');
        jw_open(&w, "person", '{');
        jw_z(&w, "id", id);
        jw_z(&w, "name", "Ada Quill");
        jw_z(&w, "phone", phone);
        jw_open(&w, "roles", '[');
        jw_z(&w, NULL, "technician");
        jw_close(&w, ']');
        jw_z(&w, "language", "en");
        jw_close(&w, '}');
        jw_close(&w, '}');
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    body_api(p->a, "/api/v1/events", "application/cloudevents-batch+json", buf_str(&body), out);
    buf_fini(&body);
}

static void make_hello(void *ctx, int64_t i, struct buf *out)
{
    const struct people *p = ctx;

    body_text(p->a, p->run, i, i, "Hi", out);
}

/* All samples of the inbox, in its lanes and leased, are zero; a Redis that stands still gives
 * none. */
static bool nothing_waits(struct str page)
{
    struct str line;
    bool told = false;

    while (page.n > 0) {
        str_cut(page, '\n', &line, &page);
        if (!str_starts(line, STR("crewline_queue_")) ||
            str_starts(line, STR("crewline_queue_oldest")) ||
            str_find(line, STR("queue=\"in\"")) == SIZE_MAX) {
            continue;
        }
        told = true;
        if (!str_ends(line, STR(" 0"))) {
            return false;
        }
    }
    return told;
}

/*
 * An event of a person sends nothing, so that the stub is quiet says nothing of them; and whoever
 * says Hi before his event was carried out stays a stranger.
 */
static bool inbox_empty(struct peer *gateway)
{
    int64_t since = clock_us();
    struct buf page;
    bool empty = false;

    buf_init(&page, METRICS_BYTES_MAX);
    while (!empty && clock_us() - since < INBOX_MS * 1000) {
        buf_reset(&page);
        empty = metrics_read(gateway, &page) && nothing_waits(buf_str(&page));
        sleep_ms(empty ? 0 : POLL_MS);
    }
    buf_fini(&page);
    return empty;
}

static bool last_is_verified(const struct bench_args *a, struct peer *gateway)
{
    char path[64], headers[256], id[32];
    struct buf request, body;
    struct json *j = NULL;
    struct err err = {0};
    bool ok = false;

    person_id(a->people - 1, id);
    snprintf(path, sizeof(path), "/api/v1/users/%s", id);
    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", a->key);
    buf_init(&request, 1024);
    buf_init(&body, 65536);
    request_write(&request, "GET", path, headers, STR_NONE);
    if (peer_ask(gateway, buf_str(&request), &body) == 200 &&
        json_parse(buf_str(&body), 65536, &j, &err)) {
        ok = json_get_bool(j, "verified", false);
    }
    json_free(&j);
    buf_fini(&request);
    buf_fini(&body);
    return ok;
}

bool people_make(const struct bench_args *a, struct peer *gateway, struct peer *stub)
{
    struct people p = {a, run_number()};
    const struct load events = {.n = (a->people + EVENTS_IN_BATCH - 1) / EVENTS_IN_BATCH,
                                .expect = 202,
                                .make = make_event,
                                .ctx = &p};
    const struct load hello = {.n = a->people, .expect = 200, .make = make_hello, .ctx = &p};
    struct load_result result;

    load_run(gateway, &events, &result);
    if (result.failed > 0) {
        fprintf(stderr, "crewline-bench: people refused, status %d\n", result.first_wrong);
        return false;
    }
    if (!inbox_empty(gateway)) {
        fprintf(stderr, "crewline-bench: people are not carried out within %d s\n",
                INBOX_MS / 1000);
        return false;
    }
    load_run(gateway, &hello, &result);
    if (result.failed > 0 || !inbox_empty(gateway) || !last_is_verified(a, gateway)) {
        fprintf(stderr, "crewline-bench: people said Hi, status %d, and are not verified\n",
                result.first_wrong);
        return false;
    }
    stub_quiet(stub, QUIET_MS);
    return true;
}
