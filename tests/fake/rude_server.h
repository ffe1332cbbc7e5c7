/*
 * rude_server: an HTTP/1.1 server for tests of the HTTP client that misbehaves on request. It runs
 * in threads of its own with blocking sockets on 127.0.0.1, so that it is as simple as it is rude.
 * What it does is the first part of the path; N is the second.
 *
 *   /ok               200, {"ok":true}                  /status/N      that status
 *   /echo             200, the request's bytes          /retry/V       429, Retry-After: V
 *   /retry-date/N     429, Retry-After: a date N s ahead
 *   /slow/N           200 after N ms                    /drip/N        10 bytes, N ms before each
 *   /big/N            N bytes, Content-Length           /chunked/N     N bytes, chunked
 *   /fields/N         200 with N header fields          /interim       100 and 103, then 200
 *   /redirect         302 to /ok                        /early         413 without reading the body
 *   /half             half a body, then the end         /half-head     half a head, then the end
 *   /empty            the end without a byte            /garbage       no HTTP
 *   /reset            reads all, then RST               /mid           reads the head, then RST
 *   /close            200 and Connection: close
 *
 * These answer 200 and are rude to the *next* request on the same connection, whatever it is:
 *   /next-unread      RST as soon as it shows, nothing read
 *   /next-head        RST after its head                /next-read     reads all of it, then the
 * end /next-reset       reads all of it, then RST         /next-gone     closes at once, before it
 * comes
 */
#ifndef CREWLINE_TESTS_RUDE_SERVER_H
#define CREWLINE_TESTS_RUDE_SERVER_H

#include <stdint.h>

struct rude_server;

struct rude_server *rude_start(void);
/** Ends all connections and threads. */
void rude_stop(struct rude_server **owner);
/** New connections are refused from now on; the standing ones go on. */
void rude_deafen(struct rude_server *r);
int rude_port(const struct rude_server *r);

struct rude_counts {
    int connections, open, open_most;
    int heads;  /* requests whose head was read whole */
    int bodies; /* of these, with a body or without, read whole */
    int64_t body_bytes;
};
void rude_counts(struct rude_server *r, struct rude_counts *out);
/** Requests read whole whose path holds @text. */
int rude_seen(struct rude_server *r, const char *text);

#endif
