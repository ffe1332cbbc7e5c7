#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "crewline_bench.h"

#define FIGURES_MAX 32

struct figure {
    const char *name, *unit;
    double value;
    int digits;
};
struct report {
    const char *title;
    struct figure figures[FIGURES_MAX];
    size_t n;
};

struct report *report_new(const char *title)
{
    struct report *r = MEM_NEW(struct report);

    r->title = title;
    return r;
}

void report_add(struct report *r, const char *name, double value, int digits, const char *unit)
{
    if (r->n < FIGURES_MAX) {
        r->figures[r->n++] = (struct figure){name, unit, value, digits};
    }
}

void report_print(struct report **owner, bool json)
{
    struct report *r = *owner;

    printf(json ? "{\"run\":\"%s\"" : "%s\n", r->title);
    for (size_t i = 0; i < r->n; i++) {
        const struct figure *f = &r->figures[i];

        if (json) {
            printf(",\"%s\":%.*f", f->name, f->digits, f->value);
        } else {
            printf("  %-28s %14.*f %s\n", f->name, f->digits, f->value, f->unit);
        }
    }
    printf(json ? "}\n" : "");
    mem_free(owner);
}

/* ---- /proc ---- */

static bool proc_text(int64_t pid, const char *file, char *out, size_t room)
{
    char path[64];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, file);
    f = fopen(path, "r");
    if (f == NULL) {
        return false;
    }
    n = fread(out, 1, room - 1, f);
    out[n] = '\0';
    fclose(f);
    return n > 0;
}

static int64_t field(struct str text, size_t nth)
{
    struct str one = text;
    int64_t v = 0;

    for (size_t i = 0; i <= nth; i++) {
        str_cut(text, ' ', &one, &text);
    }
    return str_to_i64(one, 0, INT64_MAX, &v) ? v : 0;
}

void usage_read(int64_t pid, struct usage *out)
{
    char text[4096];
    const char *at;
    int64_t kib = 0;

    *out = (struct usage){0};
    if (pid == 0) {
        return;
    }
    /* Behind the name in brackets: state is field 0, utime 11, stime 12. */
    if (proc_text(pid, "stat", text, sizeof(text)) && (at = strrchr(text, ')')) != NULL) {
        int64_t ticks = field(str_of(at + 2), 11) + field(str_of(at + 2), 12);

        out->cpu_us = ticks * 1000000 / sysconf(_SC_CLK_TCK);
    }
    if (proc_text(pid, "status", text, sizeof(text)) && (at = strstr(text, "VmRSS:")) != NULL) {
        struct str line = str_trim(str_of(at + 6)), rest;

        str_cut(line, ' ', &line, &rest);
        str_to_i64(line, 0, INT64_MAX / 1024, &kib);
        out->rss_bytes = kib * 1024;
    }
}

void usage_both(const struct bench_args *a, struct usage out[2])
{
    usage_read(a->pid, &out[0]);
    usage_read(a->redis_pid, &out[1]);
}

void report_usage(struct report *r, const struct bench_args *a, const struct usage before[2],
                  int64_t n)
{
    struct usage now[2];

    usage_both(a, now);
    if (a->pid != 0) {
        report_add(r, "cpu_us", (double)(now[0].cpu_us - before[0].cpu_us) / (double)n, 1,
                   "us of CPU each");
        report_add(r, "rss_mib", (double)now[0].rss_bytes / 1048576, 1, "MiB");
    }
    if (a->redis_pid != 0) {
        report_add(r, "redis_cpu_us", (double)(now[1].cpu_us - before[1].cpu_us) / (double)n, 1,
                   "us of CPU each");
        report_add(r, "redis_rss_mib", (double)now[1].rss_bytes / 1048576, 1, "MiB");
    }
}

bool metrics_read(struct peer *gateway, struct buf *page)
{
    struct buf request;
    int status;

    buf_init(&request, 1024);
    request_write(&request, "GET", "/metrics", "", STR_NONE);
    status = peer_ask(gateway, buf_str(&request), page);
    buf_fini(&request);
    return status == 200;
}

double stall_ms(const struct bench_args *a, struct peer *gateway)
{
    static const struct str name = {"\ncrewline_loop_longest_turn_seconds ", 36};
    struct str line, rest;
    struct buf page;
    double seconds = -1;
    size_t at;

    if (a->bare) {
        return -1;
    }
    buf_init(&page, METRICS_BYTES_MAX);
    if (metrics_read(gateway, &page) && (at = str_find(buf_str(&page), name)) != SIZE_MAX) {
        str_cut(str_slice(buf_str(&page), at + name.n, page.n), '\n', &line, &rest);
        if (!str_to_double(line, &seconds)) {
            seconds = -1;
        }
    }
    buf_fini(&page);
    return seconds * 1000;
}
