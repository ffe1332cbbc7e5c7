/*
 * limit_curl: POSTs through libcurl multi on libuv with a fixed set of easy handles, POSTFIELDS,
 * and a queue for what waits for one of them. As bare as limit_fanout.
 */
#ifndef CREWLINE_BENCH_LIMIT_CURL_H
#define CREWLINE_BENCH_LIMIT_CURL_H

#include <stddef.h>

typedef void limit_sent_fn(void *ctx, int status, const char *body, size_t n);

void limit_curl_init(const char *url, size_t connections);
/** @body is copied. Calls @on_sent once, later; status 0 when there was no answer. */
void limit_post(const char *body, size_t n, limit_sent_fn *on_sent, void *ctx);

#endif
