#include <assert.h>
#include <string.h>

#include "http_gate_int.h"

#define CHUNK_DIGITS_MAX 16

/* Where in the framing the next byte stands. */
enum {
    AT_SIZE,    /* hex digits of the size */
    AT_EXT,     /* from ';' to the line end */
    AT_SIZE_LF, /* CR was there */
    AT_DATA,    /* g->left bytes of it */
    AT_DATA_CR, /* the line end behind the data */
    AT_DATA_LF,
    AT_TRAILER, /* a trailer line, or the empty one that ends the body */
    AT_TRAILER_LF,
    AT_END_LF,
    AT_END
};

void chunk_gate_init(struct chunk_gate *g)
{
    memset(g, 0, sizeof(*g));
    g->state = AT_SIZE;
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool bad(struct err *err, const char *why)
{
    return err_set(err, ERR_BAD_REQUEST, "%s", why);
}

static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool take_size(struct chunk_gate *g, unsigned char c, struct err *err)
{
    int digit = hex_value(c);

    if (digit >= 0) {
        if (++g->digits > CHUNK_DIGITS_MAX) {
            return bad(err, "a chunk size has more than 16 digits");
        }
        g->left = g->left * 16 + (unsigned)digit;
        return true;
    }
    if (g->digits == 0) {
        return bad(err, "a chunk does not begin with its size");
    }
    if (c == '\r') {
        g->state = AT_SIZE_LF;
        return true;
    }
    return bad(err, "a chunk size is not a hexadecimal number");
}

static bool take_ext(struct chunk_gate *g, unsigned char c, struct err *err)
{
    if (++g->ext > CHUNK_EXT_MAX + 1) { /* and the first ';' */
        return err_set(err, ERR_TOO_LONG, "the extensions of a chunk are over %d bytes",
                       CHUNK_EXT_MAX);
    }
    return is_text(c) || bad(err, "a chunk extension has a control character");
}

static bool take_size_lf(struct chunk_gate *g, unsigned char c, struct err *err)
{
    if (c != '\n') {
        return bad(err, "a chunk size does not end with CRLF");
    }
    g->state = g->left > 0 ? AT_DATA : AT_TRAILER;
    g->digits = g->ext = 0;
    return true;
}

static bool take_data_end(struct chunk_gate *g, unsigned char c, struct err *err)
{
    if (c != (g->state == AT_DATA_CR ? '\r' : '\n')) {
        return bad(err, "a chunk is longer than its size");
    }
    g->state = g->state == AT_DATA_CR ? AT_DATA_LF : AT_SIZE;
    return true;
}

static bool take_framing(struct chunk_gate *g, unsigned char c, struct err *err)
{
    switch (g->state) {
    case AT_SIZE:
        return take_size(g, c, err);
    case AT_SIZE_LF:
        return take_size_lf(g, c, err);
    default:
        return take_data_end(g, c, err);
    }
}

/* Trailers mean nothing to us, but a line that is none could be the start of another request. */
static bool take_trailer(struct chunk_gate *g, unsigned char c, struct err *err)
{
    if (g->state == AT_TRAILER_LF || g->state == AT_END_LF) {
        if (c != '\n') {
            return bad(err, "a trailer line does not end with CRLF");
        }
        g->state = g->state == AT_END_LF ? AT_END : AT_TRAILER;
        g->line = 0;
        g->colon = false;
        return true;
    }
    if (c == '\r') {
        if (g->line > 0 && !g->colon) {
            return bad(err, "a trailer line has no colon");
        }
        g->state = g->line > 0 ? AT_TRAILER_LF : AT_END_LF;
        return true;
    }
    if (++g->trailer > CHUNK_TRAILER_MAX) {
        return err_set(err, ERR_HEADERS_TOO_LONG, "the trailers are over %d bytes",
                       CHUNK_TRAILER_MAX);
    }
    if (!is_text(c) || (!g->colon && (c == ' ' || c == '\t' || (c == ':' && g->line == 0)))) {
        return bad(err, "a trailer line is not a field");
    }
    g->colon = g->colon || c == ':';
    g->line++;
    return true;
}

static enum chunk_step feed_trailer(struct chunk_gate *g, struct str bytes, size_t *used,
                                    struct err *err)
{
    size_t i = 0;

    while (i < bytes.n && g->state != AT_END) {
        if (!take_trailer(g, (unsigned char)bytes.p[i++], err)) {
            return CHUNK_BAD;
        }
    }
    *used = i;
    return g->state == AT_END ? CHUNK_ENDED : CHUNK_SKIP;
}

static bool at_ext(const struct chunk_gate *g, char c)
{
    return g->state == AT_EXT || (g->state == AT_SIZE && g->digits > 0 && c == ';');
}

/* Extensions up to their line end, which is framing again. */
static enum chunk_step feed_ext(struct chunk_gate *g, struct str bytes, size_t *used,
                                struct err *err)
{
    size_t i = 0;

    for (g->state = AT_EXT; i < bytes.n && bytes.p[i] != '\r'; i++) {
        if (!take_ext(g, (unsigned char)bytes.p[i], err)) {
            return CHUNK_BAD;
        }
    }
    if (i < bytes.n) {
        g->state = AT_SIZE; /* its CR is next */
    }
    *used = i;
    return CHUNK_SKIP;
}

enum chunk_step chunk_gate_feed(struct chunk_gate *g, struct str bytes, size_t *used,
                                struct err *err)
{
    size_t i = 0;

    assert(bytes.n > 0 && g->state != AT_END);
    if (g->state >= AT_TRAILER) {
        return feed_trailer(g, bytes, used, err);
    }
    if (at_ext(g, bytes.p[0])) {
        if (bytes.p[0] != '\r') {
            return feed_ext(g, bytes, used, err);
        }
        g->state = AT_SIZE;
    }
    while (i < bytes.n && g->state < AT_TRAILER) {
        if (g->state == AT_DATA) {
            size_t n = g->left < bytes.n - i ? (size_t)g->left : bytes.n - i;

            i += n;
            g->left -= n;
            if (g->left == 0) {
                g->state = AT_DATA_CR;
            }
        } else if (at_ext(g, bytes.p[i])) {
            break;
        } else if (!take_framing(g, (unsigned char)bytes.p[i++], err)) {
            return CHUNK_BAD;
        }
    }
    *used = i;
    return CHUNK_PASS;
}
