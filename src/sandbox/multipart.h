/*
 * multipart: reads multipart/form-data bodies (RFC 7578). Pure.
 */
#ifndef CREWLINE_SANDBOX_MULTIPART_H
#define CREWLINE_SANDBOX_MULTIPART_H

#include "base/str.h"

#define PARTS_MAX 32
struct part {
    struct str name, filename, mime, body; /* views into the whole */
    bool has_mime;
};
/** @content_type: the request's header. False: no boundary, or the body does not follow it. */
bool multipart_parse(struct str content_type, struct str body, struct part parts[PARTS_MAX],
                     size_t *n);

#endif
