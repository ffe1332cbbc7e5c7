#include "base/pack.h"

#include "base_int.h"

#define GROUP_BITS  7
#define GROUPS_MAX  10 /* 64 bits */
#define GROUP_MORE  0x80u
#define REPLACEMENT "\xef\xbf\xbd"

static size_t put_number(char *to, uint64_t v)
{
    size_t n = 0;

    while (v >= GROUP_MORE) {
        to[n++] = (char)(v | GROUP_MORE);
        v >>= GROUP_BITS;
    }
    to[n++] = (char)v;
    return n;
}

/* SIZE_MAX bytes: it has no end. */
static size_t take_number(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.n && i < GROUPS_MAX; i++) {
        uint64_t group = (unsigned char)s.p[i];

        v |= (group & (GROUP_MORE - 1)) << (GROUP_BITS * i);
        if (group < GROUP_MORE) {
            *out = v;
            return i + 1;
        }
    }
    return SIZE_MAX;
}

void pack_begin(struct buf *out, uint8_t version)
{
    buf_add_char(out, (char)version);
}

void pack_bytes(struct buf *out, uint8_t tag, struct str bytes)
{
    char *to = buf_reserve(out, 1 + GROUPS_MAX + bytes.n);
    size_t n = 1;

    if (to == NULL) {
        return;
    }
    to[0] = (char)tag;
    n += put_number(to + 1, bytes.n);
    if (bytes.n > 0) {
        memcpy(to + n, bytes.p, bytes.n);
    }
    buf_grew(out, n + bytes.n);
}

/* A phone can put any bytes into a file name. */
static void pack_repaired(struct buf *out, uint8_t tag, struct str text)
{
    struct buf good;

    buf_init(&good, out->max);
    for (size_t i = 0; i < text.n;) {
        size_t n = text.p[i] == '\0' ? 0 : utf8_step((const unsigned char *)text.p + i, text.n - i);

        buf_add(&good, n == 0 ? STR(REPLACEMENT) : str_make(text.p + i, n));
        i += n == 0 ? 1 : n;
    }
    out->over = out->over || !buf_ok(&good);
    pack_bytes(out, tag, buf_str(&good));
    buf_fini(&good);
}

void pack_str(struct buf *out, uint8_t tag, struct str text)
{
    if (text.n == 0) {
        return;
    }
    if (str_is_utf8(text)) {
        pack_bytes(out, tag, text);
    } else {
        pack_repaired(out, tag, text);
    }
}

/* Zigzag, so that small negative numbers are short too. */
void pack_int(struct buf *out, uint8_t tag, int64_t v)
{
    char text[GROUPS_MAX];

    if (v != 0) {
        uint64_t zigzag = ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);

        pack_bytes(out, tag, str_make(text, put_number(text, zigzag)));
    }
}

void pack_real(struct buf *out, uint8_t tag, double v)
{
    char text[sizeof(uint64_t)];
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    if (bits != 0) {
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (char)(bits >> (8 * i));
        }
        pack_bytes(out, tag, str_make(text, sizeof(text)));
    }
}

int unpack_begin(struct unpack *u, struct str record)
{
    *u = (struct unpack){.rest = str_slice(record, 1, record.n)};
    return record.n == 0 ? -1 : (unsigned char)record.p[0];
}

bool unpack_next(struct unpack *u, uint8_t *tag, struct str *value)
{
    struct str s = u->rest;
    uint64_t n;
    size_t head;

    if (s.n == 0 || u->broken) {
        return false;
    }
    head = take_number(str_make(s.p + 1, s.n - 1), &n);
    if (head == SIZE_MAX || n > s.n - 1 - head) {
        u->broken = true;
        return false;
    }
    head++;
    *tag = (uint8_t)s.p[0];
    *value = str_make(s.p + head, (size_t)n);
    u->rest = str_make(s.p + head + n, s.n - head - (size_t)n);
    return true;
}

int64_t unpack_int(struct str value)
{
    uint64_t zigzag = 0;

    if (take_number(value, &zigzag) != value.n) {
        return 0;
    }
    return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

double unpack_real(struct str value)
{
    uint64_t bits = 0;
    double v;

    if (value.n != sizeof(bits)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(bits); i++) {
        bits |= (uint64_t)(unsigned char)value.p[i] << (8 * i);
    }
    memcpy(&v, &bits, sizeof(v));
    return v;
}
