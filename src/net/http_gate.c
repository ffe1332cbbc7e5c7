#include "net/http_gate.h"

#include <assert.h>
#include <string.h>

#include "http_gate_int.h"

#define C_TOKEN  (1u << 0) /* RFC 9110 tchar */
#define C_TARGET (1u << 1) /* printable ASCII without '#' */
#define C_HOST   (1u << 2) /* in a registered name or an IPv4 address */
#define C_HOST6  (1u << 3) /* between the brackets of an IPv6 address */

#define DIGITS_MAX 18 /* of a Content-Length; always fits int64_t */
#define METHOD_MAX 32

/* From blank to DEL; test_http_gate.c builds the same table from the words of the RFC. */
/* clang-format off */
static const unsigned char classes[96] = {
    /* 20 */ 0, 3, 2, 1, 3, 3, 3, 3, 2, 2, 3, 3, 2, 7, 15, 2,
    /* 30 */ 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 2, 2, 2, 2, 2,
    /* 40 */ 2, 15, 15, 15, 15, 15, 15, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    /* 50 */ 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 2, 3, 7,
    /* 60 */ 3, 15, 15, 15, 15, 15, 15, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    /* 70 */ 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 3, 2, 7, 0,
};
/* clang-format on */

/*
 * Names that somebody acts on, here or in a proxy in front of us. CGI-minded software reads '_' as
 * '-', so "content_length" may frame a body for one reader and mean nothing to the next. Sorted.
 */
static const char *const known_names[] = {
    "authorization",
    "ce-datacontenttype",
    "ce-dataschema",
    "ce-id",
    "ce-source",
    "ce-specversion",
    "ce-subject",
    "ce-time",
    "ce-type",
    "content-encoding",
    "content-length",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "keep-alive",
    "last-event-id",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "user-agent",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-http-method",
    "x-http-method-override",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-method-override",
    "x-real-ip",
    "x-request-id",
    "x-twilio-signature",
};

static bool is(char c, unsigned class)
{
    unsigned char at = (unsigned char)((unsigned char)c - ' '); /* controls wrap to the top */

    return at < sizeof(classes) && (classes[at] & class) != 0;
}

static bool all(struct str s, unsigned class)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is(s.p[i], class)) {
            return false;
        }
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool bad(struct err *err, const char *why)
{
    return err_set(err, ERR_BAD_REQUEST, "%s", why);
}

long http_gate_end(struct str bytes, size_t already, const struct http_gate_limits *limits,
                   struct err *err)
{
    size_t seen = bytes.n < limits->bytes_max ? bytes.n : limits->bytes_max;
    size_t at = already < 3 ? 0 : already - 3;
    const char *p;

    if (bytes.n > 0 && !is(bytes.p[0], C_TOKEN)) {
        /* Said at once: a TLS hello on the plain port would otherwise wait for the timeout. */
        bad(err, "the request does not begin with a method");
        return -1;
    }
    while (at < seen && (p = memchr(bytes.p + at, '\n', seen - at)) != NULL) {
        size_t lf = (size_t)(p - bytes.p);

        if (lf == 0 || bytes.p[lf - 1] != '\r') {
            bad(err, "a line ends without CR");
            return -1;
        }
        if (lf >= 3 && bytes.p[lf - 2] == '\n') {
            return (long)lf + 1;
        }
        at = lf + 1;
    }
    if (bytes.n < limits->bytes_max) {
        return 0;
    }
    if (memchr(bytes.p, '\n', seen) == NULL) {
        err_set(err, ERR_URI_TOO_LONG, "the request line is over %zu bytes", limits->bytes_max);
    } else {
        err_set(err, ERR_HEADERS_TOO_LONG, "the headers are over %zu bytes", limits->bytes_max);
    }
    return -1;
}

/* Field values may hold printable ASCII, blanks and bytes from 0x80; eight of them a step. */
static bool value_ok(struct str s)
{
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
        uint64_t v, del;

        memcpy(&v, s.p + i, 8);
        del = v ^ (ones * 0x7f);
        if ((((v - ones * 0x20) & ~v) | ((del - ones) & ~del)) & tops) {
            break;
        }
    }
    for (; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool port_ok(struct str port)
{
    int64_t n;

    return port.n == 0 || (is_digit(port.p[0]) && str_to_i64(port, 0, 65535, &n));
}

static bool host_ok(struct str host)
{
    struct str name = host, port = STR_NONE;

    if (host.n > 0 && host.p[0] == '[') {
        size_t close = str_find_char(host, ']', 0);

        if (close == SIZE_MAX || close < 3 || !all(str_slice(host, 1, close), C_HOST6)) {
            return false;
        }
        port = str_slice(host, close + 1, host.n);
        return port.n == 0 || (port.p[0] == ':' && port_ok(str_slice(port, 1, port.n)));
    }
    str_cut(host, ':', &name, &port);
    return name.n > 0 && name.n <= 255 && all(name, C_HOST) && port_ok(port);
}

static bool known_with_dashes(struct str name)
{
    char dashed[32];

    if (name.n > sizeof(dashed) || memchr(name.p, '_', name.n) == NULL) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        dashed[i] = name.p[i];
        if (name.p[i] == '_') {
            dashed[i] = '-';
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(known_names); i++) {
        if (str_ieq(str_make(dashed, name.n), str_of(known_names[i]))) {
            return true;
        }
    }
    return false;
}

static bool parse_absolute(struct str rest, struct gate_head *head, struct err *err)
{
    size_t at = 0;

    while (at < rest.n && rest.p[at] != '/' && rest.p[at] != '?') {
        at++;
    }
    head->authority = str_slice(rest, 0, at);
    head->target = str_slice(rest, at, rest.n);
    return host_ok(head->authority) || bad(err, "the target names no valid host");
}

static bool parse_target(struct str target, struct gate_head *head, struct err *err)
{
    static const struct str schemes[] = {
        {"http://",  7},
        {"https://", 8}
    };

    if (target.n == 0 || !all(target, C_TARGET)) {
        return bad(err, "the target has a byte that must be escaped");
    }
    head->target = target;
    if (target.p[0] == '/') {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (target.n > schemes[i].n && str_ieq(str_slice(target, 0, schemes[i].n), schemes[i])) {
            return parse_absolute(str_slice(target, schemes[i].n, target.n), head, err);
        }
    }
    return bad(err, "the target is neither a path nor an http URL");
}

static bool parse_request_line(struct str line, struct gate_head *head, struct err *err)
{
    struct str rest, target, version;

    if (!str_cut(line, ' ', &head->method, &rest) || head->method.n == 0 ||
        head->method.n > METHOD_MAX || !all(head->method, C_TOKEN)) {
        return bad(err, "the request line has no valid method");
    }
    if (!str_cut(rest, ' ', &target, &version)) {
        return bad(err, "the request line has no HTTP version");
    }
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || !is_digit(version.p[5]) ||
        version.p[6] != '.' || !is_digit(version.p[7])) {
        return bad(err, "the request line does not end with an HTTP version");
    }
    if (version.p[5] != '1' || version.p[7] > '1') {
        return err_set(err, ERR_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here, not %.*s",
                       STR_ARG(version));
    }
    head->minor = version.p[7] - '0';
    return parse_target(target, head, err);
}

static bool take_length(struct gate_head *head, struct str value, struct err *err)
{
    int64_t n = 0;

    if (head->content_length >= 0) {
        return bad(err, "more than one Content-Length");
    }
    if (value.n == 0) {
        return bad(err, "Content-Length is empty");
    }
    for (size_t i = 0; i < value.n; i++) {
        if (!is_digit(value.p[i])) {
            return bad(err, "Content-Length is not a whole number");
        }
    }
    if (value.n > DIGITS_MAX) {
        return err_set(err, ERR_TOO_LONG, "Content-Length is over any limit");
    }
    for (size_t i = 0; i < value.n; i++) {
        n = n * 10 + (value.p[i] - '0');
    }
    head->content_length = n;
    return true;
}

/* Codings we do not know get 501, as RFC 9112 6.1 asks; what no reader should accept gets 400. */
static bool take_coding(struct gate_head *head, struct str value, bool *unknown, struct err *err)
{
    unsigned chunked = 0;
    struct str rest = value, item;

    if (head->chunked || *unknown) {
        return bad(err, "more than one Transfer-Encoding");
    }
    if (str_ieq(value, STR("chunked"))) {
        head->chunked = true;
        return true;
    }
    do {
        str_cut(rest, ',', &item, &rest);
        item = str_trim(item);
        if (item.n == 0 || !all(item, C_TOKEN)) {
            return bad(err, "Transfer-Encoding is not a coding");
        }
        chunked += str_ieq(item, STR("chunked"));
    } while (rest.n > 0);
    if (chunked > 1) {
        return bad(err, "Transfer-Encoding says chunked twice");
    }
    *unknown = true;
    return true;
}

static bool take_field(struct gate_head *head, struct str name, struct str value, bool *unknown,
                       struct err *err)
{
    switch (name.n) {
    case 4:
        if (str_ieq(name, STR("host"))) {
            if (head->host.p != NULL) {
                return bad(err, "more than one Host");
            }
            head->host = value;
            return host_ok(value) || bad(err, "Host is not a valid host");
        }
        break;
    case 6:
        if (str_ieq(name, STR("expect"))) {
            head->expect_continue = str_ieq(value, STR("100-continue"));
        }
        break;
    case 14:
        if (str_ieq(name, STR("content-length"))) {
            return take_length(head, value, err);
        }
        break;
    case 17:
        if (str_ieq(name, STR("transfer-encoding"))) {
            return take_coding(head, value, unknown, err);
        }
        break;
    default:
        break;
    }
    return !known_with_dashes(name) || bad(err, "a field name has '_' where '-' belongs");
}

static bool parse_field(struct str line, struct pair *out, struct err *err)
{
    const char *p = line.p, *end = line.p + line.n;

    while (p < end && is(*p, C_TOKEN)) {
        p++;
    }
    if (p == line.p) {
        return bad(err, is_blank(*p) ? "a field is folded over two lines"
                                     : "a field name is empty or not a token");
    }
    if (p == end || *p != ':') {
        return bad(err, "a field name is not a token followed by a colon");
    }
    out->name = str_make(line.p, (size_t)(p - line.p));
    p++;
    while (p < end && is_blank(*p)) {
        p++;
    }
    while (end > p && is_blank(end[-1])) {
        end--;
    }
    out->value = str_make(p, (size_t)(end - p));
    return value_ok(out->value) || bad(err, "a field value has a control character");
}

static bool check_whole(const struct gate_head *head, bool unknown, struct err *err)
{
    if (head->minor == 1 && head->host.p == NULL) {
        return bad(err, "Host is missing");
    }
    if (!head->chunked && !unknown) {
        return true;
    }
    if (head->content_length >= 0) {
        return bad(err, "both Content-Length and Transfer-Encoding");
    }
    if (head->minor == 0) {
        return bad(err, "Transfer-Encoding on HTTP/1.0");
    }
    return !unknown ||
           err_set(err, ERR_NOT_IMPLEMENTED, "the only transfer coding known here is chunked");
}

bool http_gate_head(struct str block, const struct http_gate_limits *limits, struct gate_head *head,
                    struct err *err)
{
    struct pair *fields = head->fields, one;
    const char *p = block.p, *end = block.p + block.n - 2; /* without the empty line */
    const char *lf;
    bool unknown = false;

    *head = (struct gate_head){.content_length = -1, .fields = fields};
    lf = memchr(p, '\n', (size_t)(end - p));
    assert(lf != NULL); /* http_gate_end() saw two line ends */
    if (!parse_request_line(str_make(p, (size_t)(lf - 1 - p)), head, err)) {
        return false;
    }
    for (p = lf + 1; p < end; p = lf + 1) {
        struct pair *field = fields == NULL ? &one : &fields[head->nfields];

        if (head->nfields == limits->fields_max) {
            return err_set(err, ERR_HEADERS_TOO_LONG, "more than %zu header fields",
                           limits->fields_max);
        }
        lf = memchr(p, '\n', (size_t)(end - p));
        if (!parse_field(str_make(p, (size_t)(lf - 1 - p)), field, err) ||
            !take_field(head, field->name, field->value, &unknown, err)) {
            return false;
        }
        head->nfields++;
    }
    return check_whole(head, unknown, err);
}

long http_gate(struct str bytes, size_t already, const struct http_gate_limits *limits,
               struct err *err)
{
    struct gate_head head = {.fields = NULL};
    long n = http_gate_end(bytes, already, limits, err);

    if (n <= 0) {
        return n;
    }
    return http_gate_head(str_slice(bytes, 0, (size_t)n), limits, &head, err) ? n : -1;
}
