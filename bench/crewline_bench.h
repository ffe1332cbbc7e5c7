/*
 * crewline_bench: what the files of the load harness share.
 *
 *   _args.c      the command line            _report.c   figures, as a table or JSON; /proc
 *   _http.c      the load generator          _bodies.c   webhooks and events of real size, signed
 *   _people.c    people who exist, are verified and inside the 24-hour window
 *   _webhooks.c  webhooks, commands          _fanout.c   fanout, queue
 *   _broadcast.c broadcast, critical
 *   _idle.c      idle, idle-connections, start
 *
 * Everything is synchronous from here: a run turns the loop until it is through.
 */
#ifndef CREWLINE_BENCH_H
#define CREWLINE_BENCH_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/json.h"

/* ---- the command line ---- */

struct bench_args {
    const char *command;
    const char *url, *stub; /* http://127.0.0.1:port of what is measured, and of the provider */
    const char *key;        /* of the API */
    const char *secret, *number_id; /* of the Meta sender */
    int64_t n, connections, people, rate, urgent, lead_ms, pid, redis_pid;
    const char *text; /* of a command */
    const char *what; /* idle: event, message or command */
    bool bare;        /* a limit program: no people, no API */
    bool json;
    char **rest; /* behind "--": a program to start */
};
/** False: usage was printed. */
bool bench_args_read(int argc, char **argv, struct bench_args *out);

/* ---- the load generator: keep-alive connections, one request at a time on each ---- */

/** "http://127.0.0.1:8080"; anything else ends the program. */
void address_of(const char *url, struct sockaddr_in *out);

struct peer;
struct peer *peer_open(const char *url, size_t connections);
void peer_close(struct peer **owner);

struct load {
    int64_t n;
    double
        rate;   /* requests a second, each on time whatever the others do; 0: as fast as answered */
    int expect; /* the status that is no failure */
    /** Appends the whole request @i (from 0). */
    void (*make)(void *ctx, int64_t i, struct buf *out);
    /** May be NULL. */
    void (*on_answer)(void *ctx, int64_t i, int status, struct str body);
    void *ctx;
};
struct load_result {
    int64_t failed, began_us, ended_us; /* CLOCK_MONOTONIC */
    int64_t p50_us, p99_us, max_us;     /* at a rate: from when it should have started */
    int first_wrong; /* the first status that was not expected; 0: a broken connection */
};
void load_run(struct peer *peer, const struct load *load, struct load_result *out);
/** One request; the answer's body goes to @body (may be NULL). Returns the status, 0 without one.
 */
int peer_ask(struct peer *peer, struct str request, struct buf *body);
/** Head and body of a request; @headers end with CRLF each. */
void request_write(struct buf *out, const char *method, const char *path, const char *headers,
                   struct str body);
int64_t clock_us(void);
void sleep_ms(int64_t ms);

/* ---- bodies ---- */

/** A signed status webhook for a message id of its own. */
void body_status(const struct bench_args *a, uint64_t run, int64_t i, struct buf *out);
/** A signed text from person @who. */
void body_text(const struct bench_args *a, uint64_t run, int64_t i, int64_t who, const char *text,
               struct buf *out);
/** POST with the API key. */
void body_api(const struct bench_args *a, const char *path, const char *type, struct str body,
              struct buf *out);
void person_id(int64_t who, char out[32]);
/** Another number in each run, so that what an earlier run made is not met again. */
uint64_t run_number(void);

/** a->n messages of low priority, accepted for an instant that comes before this returns. */
struct report;
bool backlog_make(const struct bench_args *a, struct peer *gateway, struct peer *stub,
                  struct report *r);

/* ---- people and the stub ---- */

struct stub_count {
    int64_t count, first_us, last_us;
};
void stub_count(struct peer *stub, struct stub_count *out);
void stub_reset(struct peer *stub);
/** Waits until the stub has @count; false when none came for 5 s. */
bool stub_wait(struct peer *stub, int64_t count, struct stub_count *out);
/** Waits until nothing came for @ms. */
void stub_quiet(struct peer *stub, int64_t ms);
/** Makes them, lets them say Hi; false with the reason on stderr. */
bool people_make(const struct bench_args *a, struct peer *gateway, struct peer *stub);

/* ---- figures ---- */

struct usage {
    int64_t cpu_us, rss_bytes;
};
/** Zeroes for pid 0. */
void usage_read(int64_t pid, struct usage *out);

struct report;
struct report *report_new(const char *title);
void report_add(struct report *r, const char *name, double value, int digits, const char *unit);
/** "cpu_us" and "rss" of gateway and Redis since @before, for @n pieces of work. */
void report_usage(struct report *r, const struct bench_args *a, const struct usage before[2],
                  int64_t n);
/** Longest turn of the gateway's loop since the last look, from /metrics; negative when it does not
 * tell. */
double stall_ms(const struct bench_args *a, struct peer *gateway);
#define METRICS_BYTES_MAX ((size_t)4 << 20)
/** The page of /metrics; false when there is none. */
bool metrics_read(struct peer *gateway, struct buf *page);
void usage_both(const struct bench_args *a, struct usage out[2]);
/** Prints and frees. */
void report_print(struct report **owner, bool json);

/* ---- the runs: exit codes ---- */

int run_webhooks(const struct bench_args *a);
int run_commands(const struct bench_args *a);
int run_fanout(const struct bench_args *a);
int run_queue(const struct bench_args *a);
int run_broadcast(const struct bench_args *a);
int run_critical(const struct bench_args *a);
int run_idle(const struct bench_args *a);
int run_idle_connections(const struct bench_args *a);
int run_start(const struct bench_args *a);

#endif
