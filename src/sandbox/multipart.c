#include "multipart.h"

/* The value of @name="…" or @name=… in a header value. */
static struct str parameter(struct str header, const char *name)
{
    struct str item, rest = header, key, value;

    while (rest.n > 0) {
        str_cut(rest, ';', &item, &rest);
        if (str_cut(item, '=', &key, &value) && str_ieq(str_trim(key), str_of(name))) {
            value = str_trim(value);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
                value = str_slice(value, 1, value.n - 1);
            }
            return value;
        }
    }
    return STR_NONE;
}

static bool part_parse(struct str raw, struct part *out)
{
    size_t end = str_find(raw, STR("\r\n\r\n"));
    struct str head, line, name, value;

    if (end == SIZE_MAX) {
        return false;
    }
    *out = (struct part){.body = str_slice(raw, end + 4, raw.n)};
    head = str_slice(raw, 0, end);
    while (head.n > 0) {
        str_cut(head, '\n', &line, &head);
        if (!str_cut(str_trim(line), ':', &name, &value)) {
            continue;
        }
        if (str_ieq(name, STR("content-disposition"))) {
            out->name = parameter(value, "name");
            out->filename = parameter(value, "filename");
        } else if (str_ieq(name, STR("content-type"))) {
            out->mime = str_trim(value);
            out->has_mime = true;
        }
    }
    return out->name.n > 0;
}

bool multipart_parse(struct str content_type, struct str body, struct part parts[PARTS_MAX],
                     size_t *n)
{
    struct str boundary = parameter(content_type, "boundary");
    char mark[80] = "\r\n--";
    struct str sep, rest;

    *n = 0;
    if (boundary.n == 0 || boundary.n > 70) {
        return false;
    }
    memcpy(mark + 4, boundary.p, boundary.n);
    sep = str_make(mark, boundary.n + 4);
    if (!str_starts(body, str_slice(sep, 2, sep.n))) {
        return false;
    }
    rest = str_slice(body, sep.n - 2, body.n);
    while (*n < PARTS_MAX && str_starts(rest, STR("\r\n"))) {
        size_t end;

        rest = str_slice(rest, 2, rest.n);
        end = str_find(rest, sep);
        if (end == SIZE_MAX || !part_parse(str_slice(rest, 0, end), &parts[*n])) {
            return false;
        }
        (*n)++;
        rest = str_slice(rest, end + sep.n, rest.n);
    }
    return str_starts(rest, STR("--"));
}
