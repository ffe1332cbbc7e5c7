/*
 * http_gate: a strict check of a raw HTTP/1.x header block before llhttp sees it, because llhttp 8.1 as
 * packaged can be talked into seeing other requests than a proxy in front of us sees. Pure function.
 * Refused: anything but CRLF line ends, bare CR/LF, NUL and control bytes, obs-fold, space before the
 * colon, empty or non-token names, more or less than one valid Host on 1.1, targets that are neither
 * origin-form nor absolute-form (its authority then stands for Host), Content-Length that is not one
 * field of digits, Transfer-Encoding other than one "chunked" on 1.1, both together, a name with '_'
 * that equals a known one after '_' -> '-'.
 */
#ifndef CREWLINE_NET_HTTP_GATE_H
#define CREWLINE_NET_HTTP_GATE_H

#include "base/err.h"
#include "base/str.h"

struct http_gate_limits {
    size_t bytes_max, fields_max;
};

/**
 * Looks for a whole header block at the start of @bytes. Returns its length with the empty line, 0 when
 * more bytes are needed, or -1 with @err (ERR_BAD_REQUEST, ERR_HEADERS_TOO_LONG, ERR_URI_TOO_LONG,
 * ERR_VERSION, ERR_NOT_IMPLEMENTED for an unknown transfer coding).
 * @already: how many bytes an earlier call has looked at for the end (0 at first), to stay linear.
 */
long http_gate(struct str bytes, size_t already, const struct http_gate_limits *limits,
               struct err *err);

#endif
