/*
 * base_int: what only the modules of base know of each other.
 */
#ifndef CREWLINE_BASE_INT_H
#define CREWLINE_BASE_INT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * Length (1 to 4) of the valid UTF-8 sequence at @p with @n bytes left, 0 when there is none.
 * Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing over U+10FFFF.
 */
static inline size_t utf8_step(const unsigned char *p, size_t n)
{
    unsigned char c = p[0], lo = 0x80, hi = 0xbf;
    size_t len;

    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }
    len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n < len) {
        return 0;
    }
    if (c == 0xe0) {
        lo = 0xa0;
    } else if (c == 0xed) {
        hi = 0x9f;
    } else if (c == 0xf0) {
        lo = 0x90;
    } else if (c == 0xf4) {
        hi = 0x8f;
    }
    if (p[1] < lo || p[1] > hi) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/**
 * How many bytes at the front of @p may stand in a JSON string as they are: ASCII from the blank
 * on, without quote and backslash. Eight at a time, because strings are most of what passes here.
 */
static inline size_t clean_run(const unsigned char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t w, quote, slash;

        memcpy(&w, p + i, sizeof(w));
        quote = w ^ ones * '"';
        slash = w ^ ones * '\\';
        /* A borrow reaches the top bit of a byte that is 0 (or below the blank), never before it.
         */
        if (((w | (w - ones * ' ') | (quote - ones) | (slash - ones)) & tops) != 0) {
            break;
        }
    }
    while (i < n && p[i] >= ' ' && p[i] < 0x80 && p[i] != '"' && p[i] != '\\') {
        i++;
    }
    return i;
}

/**
 * vsnprintf for what keys and texts are made of: %.*s %s %d %lld %zu. Returns the length, no NUL is written;
 * SIZE_MAX: something else is in @fmt, or @room is too small, and printf has to do it.
 */
size_t format_fast(char *to, size_t room, const char *fmt, va_list ap);

/** Counts the forks this process descends from: state that must not be shared compares it. */
unsigned random_generation(void);

#endif
