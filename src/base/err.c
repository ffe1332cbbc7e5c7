#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    int status;
    const char *slug;
    bool retry;
};

/* In the order of enum err_code, which comes from the same list. */
#define X(code, status, slug, retry) {status, slug, retry},
static const struct row rows[ERR_COUNT] = {
    {200, "", false},
    ERR_LIST(X)
};
#undef X

static enum err_code known(enum err_code code)
{
    return (unsigned)code < ERR_COUNT ? code : ERR_INTERNAL;
}

int err_status(enum err_code code)
{
    return rows[known(code)].status;
}

const char *err_slug(enum err_code code)
{
    return rows[known(code)].slug;
}

bool err_retry(enum err_code code)
{
    return rows[known(code)].retry;
}

/* Copies what fits. A cut through a UTF-8 sequence would make the problem document invalid. */
static void copy_text(char *out, size_t room, const char *text)
{
    size_t n = strlen(text);

    if (n >= room) {
        n = room - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    memcpy(out, text, n);
    out[n] = '\0';
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    /* Formatted aside: an argument may be the old message. One byte more shows where to cut. */
    char text[sizeof(err->msg) + 4];
    va_list ap;

    if (err == NULL) {
        return false;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err->code = code;
    err->member[0] = '\0';
    err->retry_after_s = 0;
    copy_text(err->msg, sizeof(err->msg), text);
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    char text[2 * sizeof(err->msg)];
    size_t n;
    va_list ap;

    if (err == NULL) {
        return false;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(err->msg), fmt, ap);
    va_end(ap);
    n = strlen(text);
    snprintf(text + n, sizeof(text) - n, ": %s", err->msg);
    copy_text(err->msg, sizeof(err->msg), text);
    return false;
}

bool err_member(struct err *err, const char *fmt, ...)
{
    char text[sizeof(err->member) + 4];
    va_list ap;

    if (err == NULL) {
        return false;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    copy_text(err->member, sizeof(err->member), text);
    return false;
}
