/*
 * log: one event per line on stderr: fixed text and fields. Text on a terminal, JSON elsewhere.
 * Phone numbers are masked here (+12******117) in every field and at every level, in texts as
 * log_mask() does and integers from ten digits up; ids (id_is) stay whole. Bodies and tokens never
 * come here. Lines are written with one write(); a blocked stderr drops lines and counts them.
 */
#ifndef CREWLINE_BASE_LOG_H
#define CREWLINE_BASE_LOG_H

#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

void log_setup(enum log_level level, enum log_format format);
bool log_level_parse(struct str text, enum log_level *out);
bool log_on(enum log_level level);

struct log_field {
    const char *name;
    enum { LOG_F_STR, LOG_F_INT } kind;
    struct str s;
    int64_t i;
};

/* clang-format takes the closing brace of an initializer for the end of a block. */
/* clang-format off */
#define LF_STR(name, value) ((struct log_field){name, LOG_F_STR, value, 0})
#define LF_Z(name, value)   ((struct log_field){name, LOG_F_STR, str_of(value), 0})
#define LF_INT(name, value) ((struct log_field){name, LOG_F_INT, {NULL, 0}, value})

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define log_event(level, event, ...)                                                          \
    do {                                                                                      \
        if (log_on(level)) {                                                                  \
            const struct log_field log_fields_[] = {{NULL, LOG_F_INT, {NULL, 0}, 0},          \
                                                    __VA_ARGS__};                             \
            log_write(level, event, log_fields_ + 1, ARRAY_LEN(log_fields_) - 1);             \
        }                                                                                     \
    } while (0)
/* clang-format on */
#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)

/** Copies @s to @out with every run of 7 or more digits masked but its first two and last three. */
void log_mask(struct str s, char *out, size_t out_bytes);

#endif
