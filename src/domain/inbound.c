#include "domain/inbound.h"

#include <assert.h>
#include <stddef.h>

#include "base/pack.h"

#define INBOUND_VERSION 1
#define OVERHEAD_BYTES  2048 /* of a record beside its texts */

static const char *const kind_names[] = {
    [INBOUND_MESSAGE] = "message",   [INBOUND_STATUS] = "status",
    [INBOUND_OPT_OUT] = "opt_out",   [INBOUND_ID_CHANGE] = "id_change",
    [INBOUND_TEMPLATE] = "template", [INBOUND_ACCOUNT] = "account",
    [INBOUND_OTHER] = "other",       [INBOUND_GROUP] = "group",
};
const char *inbound_kind_name(enum inbound_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "unknown";
}

/*
 * The stored form (base/pack): one row a member, read by encode and decode alike. A row's place is
 * its tag in records that exist: new rows go to the end.
 */
#define AT(member) offsetof(struct inbound, member)
static const size_t texts[] = {
    AT(account),        AT(number_id),     AT(provider_id),
    AT(phone),          AT(bsuid),         AT(profile_name),
    AT(group_id),       AT(type_name),     AT(text),
    AT(payload),        AT(quoted),        AT(media.id),
    AT(media.url),      AT(media.mime),    AT(media.sha256_hex),
    AT(media.filename), AT(location.name), AT(location.address),
    AT(emoji),          AT(emoji_target),  AT(correlation),
    AT(error.title),    AT(error.details), AT(subject),
    AT(language),       AT(event),         AT(detail),
    AT(previous_id),    AT(current_id),    AT(raw),
};

enum tag {
    TAG_KIND = 100, /* plus 1: 0 is what is absent */
    TAG_TYPE,
    TAG_STATE,
    TAG_AT,
    TAG_FORWARDED,
    TAG_VOICE,
    TAG_LATITUDE,
    TAG_LONGITUDE,
    TAG_ERROR_CODE
};

static struct str *text_at(const struct inbound *in, size_t at)
{
    return (struct str *)((uintptr_t)in + at);
}

/* Whole characters that take at most @max bytes once packed: a byte that is none becomes three
 * there. */
static struct str cut(struct str s, size_t max)
{
    size_t n;

    if (s.n <= max / 3) {
        return s;
    }
    max = str_is_utf8(s) ? max : max / 3;
    n = s.n < max ? s.n : max;
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80) {
        n--;
    }
    return str_slice(s, 0, n);
}

static void encode(const struct inbound *in, size_t text_max, struct buf *out)
{
    pack_begin(out, INBOUND_VERSION);
    pack_int(out, TAG_KIND, (int64_t)in->kind + 1);
    pack_int(out, TAG_TYPE, in->type);
    pack_int(out, TAG_STATE, in->state);
    pack_int(out, TAG_AT, in->at.ms);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        pack_str(out, (uint8_t)i, cut(*text_at(in, texts[i]), text_max));
    }
    pack_int(out, TAG_FORWARDED, in->forwarded);
    pack_int(out, TAG_VOICE, in->media.voice);
    pack_real(out, TAG_LATITUDE, in->location.latitude);
    pack_real(out, TAG_LONGITUDE, in->location.longitude);
    pack_int(out, TAG_ERROR_CODE, in->error.code);
}

void inbound_encode(const struct inbound *in, struct buf *out)
{
    encode(in, SIZE_MAX, out);
}

bool inbound_encode_within(const struct inbound *in, size_t max, struct buf *out)
{
    buf_init(out, max);
    encode(in, SIZE_MAX, out);
    if (buf_ok(out)) {
        return true;
    }
    buf_reset(out);
    encode(in, (max - OVERHEAD_BYTES) / ARRAY_LEN(texts), out);
    assert(buf_ok(out));
    return false;
}

static bool within(int64_t v, int64_t last)
{
    return v >= 0 && v <= last;
}

static bool decode_member(uint8_t tag, struct str value, struct inbound *in)
{
    int64_t v = unpack_int(value);

    switch (tag) {
    case TAG_KIND:
        in->kind = (enum inbound_kind)(v - 1);
        return within(v - 1, INBOUND_GROUP);
    case TAG_TYPE:
        in->type = (enum inbound_type)v;
        return within(v, INBOUND_UNSUPPORTED);
    case TAG_STATE:
        in->state = (enum delivery_state)v;
        return within(v, DELIVERY_FAILED);
    case TAG_AT:
        in->at.ms = v;
        return true;
    case TAG_FORWARDED:
        in->forwarded = v != 0;
        return true;
    case TAG_VOICE:
        in->media.voice = v != 0;
        return true;
    case TAG_LATITUDE:
        in->location.latitude = unpack_real(value);
        return true;
    case TAG_LONGITUDE:
        in->location.longitude = unpack_real(value);
        return true;
    case TAG_ERROR_CODE:
        in->error.code = v;
        return true;
    default:
        return true; /* of a newer program */
    }
}

bool inbound_decode(struct arena *a, struct str text, struct inbound *out, struct err *err)
{
    struct inbound in = {0};
    bool kind = false;
    struct unpack u;
    struct str value;
    uint8_t tag;

    if (unpack_begin(&u, text) != INBOUND_VERSION) {
        return err_set(err, ERR_DAMAGED, "inbound record has not version %d", INBOUND_VERSION);
    }
    while (unpack_next(&u, &tag, &value)) {
        kind = kind || tag == TAG_KIND;
        if (tag < ARRAY_LEN(texts)) {
            *text_at(&in, texts[tag]) = arena_dup(a, value);
        } else if (!decode_member(tag, value, &in)) {
            return err_set(err, ERR_DAMAGED, "inbound record has an unknown kind, type or state");
        }
    }
    if (u.broken || !kind) {
        return err_set(err, ERR_DAMAGED, "inbound record is cut off");
    }
    *out = in;
    return true;
}
