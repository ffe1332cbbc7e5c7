/*
 * http_gate_int: the gate's findings, for the server: where the parts of a header block are and how
 * its body is framed. And the gate for chunked bodies.
 */
#ifndef CREWLINE_NET_HTTP_GATE_INT_H
#define CREWLINE_NET_HTTP_GATE_INT_H

#include "base/text.h"
#include "net/http_gate.h"

struct gate_head {
    struct str method;
    struct str target;      /* path and query; "" where an absolute-form target has neither */
    struct str authority;   /* of an absolute-form target, else STR_NONE */
    struct str host;        /* value of the Host field, or STR_NONE on 1.0 */
    int minor;              /* HTTP/1.minor */
    int64_t content_length; /* -1: none */
    bool chunked;
    bool expect_continue;
    struct pair *fields; /* the caller's, room for limits->fields_max; NULL: not wanted */
    size_t nfields;
};

/** The first half of http_gate(): where the block ends. */
long http_gate_end(struct str bytes, size_t already, const struct http_gate_limits *limits,
                   struct err *err);
/** The second half: checks @block, which ends with its empty line; all of @head points into it. */
bool http_gate_head(struct str block, const struct http_gate_limits *limits, struct gate_head *head,
                    struct err *err);

/*
 * The same strictness for a chunked body, whose framing llhttp 8.1 reads leniently as well: sizes
 * of 1 to 16 hex digits, CRLF only, at most CHUNK_EXT_MAX bytes of extensions a chunk and
 * CHUNK_TRAILER_MAX of trailers.
 */
#define CHUNK_EXT_MAX     256
#define CHUNK_TRAILER_MAX 4096

struct chunk_gate {
    unsigned state;
    unsigned digits, ext;   /* of this chunk's size line */
    unsigned trailer, line; /* bytes of all trailers, of this line */
    bool colon;
    uint64_t left; /* data bytes of this chunk still to come */
};

void chunk_gate_init(struct chunk_gate *g);

enum chunk_step {
    CHUNK_BAD,   /* err says why */
    CHUNK_PASS,  /* *used bytes are body framing or data: the parser may have them */
    CHUNK_SKIP,  /* *used bytes are extensions or trailers: dropped */
    CHUNK_ENDED, /* *used bytes are the last line end: the body is whole */
};
/** Takes a first part of @bytes (at least one byte of them); call again for the rest. */
enum chunk_step chunk_gate_feed(struct chunk_gate *g, struct str bytes, size_t *used,
                                struct err *err);

#endif
