#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

/* A line up to PIPE_BUF bytes enters a pipe whole or not at all, so lines never mix. */
#define LOG_LINE_BYTES  4096
#define LOG_VALUE_BYTES 512
/* Room kept for what ends a line after a field did not fit. */
#define LOG_TAIL_BYTES 32
#define MASK_DIGITS    7
#define MASK_INT_MIN   1000000000LL

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static enum log_level least = LOG_INFO;
static bool as_json = true;
static int64_t dropped;

void log_setup(enum log_level level, enum log_format format)
{
    least = level;
    as_json = format == LOG_JSON || (format == LOG_AUTO && isatty(STDERR_FILENO) == 0);
}

bool log_level_parse(struct str text, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (str_eqz(text, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_on(enum log_level level)
{
    return level >= least;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Writes @s to @out of @room bytes and a NUL, masked; returns the length. */
static size_t mask(struct str s, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < room;) {
        size_t run = 0;

        while (i + run < s.n && is_digit(s.p[i + run])) {
            run++;
        }
        if (run < MASK_DIGITS) {
            run = run == 0 ? 1 : run;
            for (size_t k = 0; k < run && n < room; k++) {
                out[n++] = s.p[i + k];
            }
        } else {
            for (size_t k = 0; k < run && n < room; k++) {
                out[n++] = k < 2 || k + 3 >= run ? s.p[i + k] : '*';
            }
        }
        i += run;
    }
    out[n] = '\0';
    return n;
}

void log_mask(struct str s, char *out, size_t out_bytes)
{
    if (out_bytes > 0) {
        mask(s, out, out_bytes - 1);
    }
}

/* Bare in text lines: what has no blank, quote or control character in it. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c == '"' || c == '\\' || c >= 0x7f) {
            return false;
        }
    }
    return s.n > 0;
}

static void add_value(struct buf *line, const struct log_field *f)
{
    char text[LOG_VALUE_BYTES], number[24];
    struct str s = f->s;
    bool quoted = as_json;

    if (f->kind == LOG_F_INT) {
        if (f->i < MASK_INT_MIN && f->i > -MASK_INT_MIN) {
            buf_add_i64(line, f->i);
            return;
        }
        snprintf(number, sizeof(number), "%lld", (long long)f->i);
        s = str_of(number);
    }
    /* Our own ids are random letters and digits: masking them would only break searching. */
    if (id_is(s)) {
        memcpy(text, s.p, s.n);
        s.p = text;
    } else {
        s = str_make(text, mask(s, text, sizeof(text) - 1));
    }
    if (quoted || !is_plain(s)) {
        json_escape_add(line, s);
    } else {
        buf_add(line, s);
    }
}

static void add_head(struct buf *line, enum log_level level, const char *event)
{
    char time[WALL_TEXT_BYTES];

    wall_format(wall_now(), time);
    if (as_json) {
        buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time, level_names[level]);
        json_escape_add(line, str_of(event));
    } else {
        buf_addf(line, "%s %-5s %s", time, level_names[level], event);
    }
}

static void add_field(struct buf *line, const struct log_field *f)
{
    size_t before = line->n;

    if (as_json) {
        buf_add_char(line, ',');
        json_escape_add(line, str_of(f->name));
        buf_add_char(line, ':');
    } else {
        buf_add_char(line, ' ');
        buf_addz(line, f->name);
        buf_add_char(line, '=');
    }
    add_value(line, f);
    if (!buf_ok(line)) {
        /* Half a field would break the line: it goes as a whole. */
        line->over = false;
        buf_cut(line, before);
    }
}

/* One write, or none: poll() says whether a pipe has room, so the loop never waits for a reader. */
static bool put(struct str line)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&fd, 1, 0) != 1 || (fd.revents & POLLOUT) == 0) {
        return false;
    }
    return write(STDERR_FILENO, line.p, line.n) == (ssize_t)line.n;
}

static bool write_line(enum log_level level, const char *event, const struct log_field *fields,
                       size_t n)
{
    char bytes[LOG_LINE_BYTES];
    /* A buffer on the stack: its limit lies below its capacity, so it never reaches the heap. */
    struct buf line = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) - LOG_TAIL_BYTES};

    bytes[0] = '\0';
    add_head(&line, level, event);
    for (size_t i = 0; i < n; i++) {
        add_field(&line, &fields[i]);
    }
    line.max = sizeof(bytes) - 1;
    buf_addz(&line, as_json ? "}\n" : "\n");
    return put(buf_str(&line));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    const struct log_field lost = LF_INT("lines", dropped);

    if (!log_on(level)) {
        return;
    }
    if (dropped > 0 && write_line(LOG_WARN, "log lines dropped", &lost, 1)) {
        dropped = 0;
    }
    if (!write_line(level, event, fields, n)) {
        dropped++;
    }
}
