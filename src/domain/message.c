/* message: its names and the form it is stored in. What the API takes is in message_json.c. */
#include "domain/message.h"

#include <stddef.h>

#include "base/pack.h"
#include "domain/i18n.h"

#define MESSAGE_VERSION 1
/* Source: Cloud API, "Interactive messages" and "Text messages"; Twilio, "Messages resource". */
#define BODY_CHARS_MAX   1024
#define TEXT_CHARS_MAX   4096
#define TWILIO_CHARS_MAX 1600

static const char *const kind_names[] = {
    [MESSAGE_TEXT] = "text",         [MESSAGE_BUTTONS] = "buttons",
    [MESSAGE_LIST] = "list",         [MESSAGE_MEDIA] = "media",
    [MESSAGE_LOCATION] = "location", [MESSAGE_TEMPLATE] = "template",
    [MESSAGE_REACTION] = "reaction", [MESSAGE_READ] = "read",
};

const char *message_kind_name(enum message_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "unknown";
}

size_t message_text_max(const struct message *m, bool twilio)
{
    return m->kind != MESSAGE_TEXT ? BODY_CHARS_MAX
           : twilio                ? TWILIO_CHARS_MAX
                                   : TEXT_CHARS_MAX;
}

void message_fit(struct arena *a, struct message *m, bool twilio)
{
    m->text = i18n_cut(a, m->text, message_text_max(m, twilio));
}

bool message_kind_parse(struct str name, enum message_kind *out)
{
    if (str_eqz(name, "document")) {
        *out = MESSAGE_MEDIA;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (str_eqz(name, kind_names[i])) {
            *out = (enum message_kind)i;
            return true;
        }
    }
    return false;
}

/*
 * The stored form (base/pack): one row a member, read by encode and decode alike. A row's place is
 * its tag in records that exist: new rows go to the end.
 */
#define AT(member) offsetof(struct message, member)
static const size_t texts[] = {
    AT(id),
    AT(user),
    AT(phone),
    AT(bsuid),
    AT(sender),
    AT(cls),
    AT(lang),
    AT(text),
    AT(header),
    AT(footer),
    AT(list_button),
    AT(media.url),
    AT(media.provider_id),
    AT(media.mime),
    AT(media.filename),
    AT(location.name),
    AT(location.address),
    AT(template_.name),
    AT(template_.language),
    AT(template_.content_sid),
    AT(emoji),
    AT(quoted),
    AT(order_id),
    AT(order_number),
    AT(cause),
    AT(instead_of),
    AT(tried),
    AT(broadcast),
    AT(matter),
    AT(group),
};
static const size_t numbers[] = {AT(created.ms), AT(send_at.ms), AT(expires.ms), AT(max_sends)};
static const size_t option_texts[] = {
    offsetof(struct message_option, id), offsetof(struct message_option, title),
    offsetof(struct message_option, description), offsetof(struct message_option, section)};
static const size_t param_texts[] = {offsetof(struct message_param, name),
                                     offsetof(struct message_param, value)};

enum tag {
    TAG_TEXTS = 0,
    TAG_NUMBERS = 100,
    TAG_KIND = 120, /* plus 1, as the priority: 0 is what is absent */
    TAG_PRIO,
    TAG_TYPING,
    TAG_LATITUDE,
    TAG_LONGITUDE,
    TAG_OPTION, /* a record inside */
    TAG_PARAM,
    TAG_SMS
};

static struct str *text_at(const void *base, size_t at)
{
    return (struct str *)((uintptr_t)base + at);
}

static int64_t *number_at(const void *base, size_t at)
{
    return (int64_t *)((uintptr_t)base + at);
}

static void encode_texts(const void *base, const size_t *at, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        pack_str(out, (uint8_t)(TAG_TEXTS + i), *text_at(base, at[i]));
    }
}

/* @inner: room for one of them, used again. */
static void encode_inner(uint8_t tag, const void *base, const size_t *at, size_t n,
                         struct buf *inner, struct buf *out)
{
    buf_reset(inner);
    pack_begin(inner, MESSAGE_VERSION);
    encode_texts(base, at, n, inner);
    out->over = out->over || !buf_ok(inner);
    pack_bytes(out, tag, buf_str(inner));
}

void message_encode(const struct message *m, struct buf *out)
{
    struct buf inner;

    buf_init(&inner, out->max);
    pack_begin(out, MESSAGE_VERSION);
    pack_int(out, TAG_KIND, (int64_t)m->kind + 1);
    pack_int(out, TAG_PRIO, (int64_t)m->prio + 1);
    encode_texts(m, texts, ARRAY_LEN(texts), out);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        pack_int(out, (uint8_t)(TAG_NUMBERS + i), *number_at(m, numbers[i]));
    }
    pack_int(out, TAG_TYPING, m->typing);
    pack_int(out, TAG_SMS, m->sms);
    pack_real(out, TAG_LATITUDE, m->location.latitude);
    pack_real(out, TAG_LONGITUDE, m->location.longitude);
    for (size_t i = 0; i < m->noptions; i++) {
        encode_inner(TAG_OPTION, &m->options[i], option_texts, ARRAY_LEN(option_texts), &inner,
                     out);
    }
    for (size_t i = 0; i < m->template_.nparams; i++) {
        encode_inner(TAG_PARAM, &m->template_.params[i], param_texts, ARRAY_LEN(param_texts),
                     &inner, out);
    }
    buf_fini(&inner);
}

static bool decode_inner(struct arena *a, struct str record, void *base, const size_t *at, size_t n)
{
    struct unpack u;
    struct str value;
    uint8_t tag;

    unpack_begin(&u, record);
    while (unpack_next(&u, &tag, &value)) {
        if (tag < n) {
            *text_at(base, at[tag]) = arena_dup(a, value);
        }
    }
    return !u.broken;
}

static bool decode_list(struct arena *a, uint8_t tag, struct str value, struct message *m)
{
    if (tag == TAG_OPTION) {
        return m->noptions < MESSAGE_ROWS_MAX &&
               decode_inner(a, value, &m->options[m->noptions++], option_texts,
                            ARRAY_LEN(option_texts));
    }
    return m->template_.nparams < MESSAGE_PARAMS_MAX &&
           decode_inner(a, value, &m->template_.params[m->template_.nparams++], param_texts,
                        ARRAY_LEN(param_texts));
}

static bool decode_member(struct arena *a, uint8_t tag, struct str value, struct message *m)
{
    if (tag < ARRAY_LEN(texts)) {
        *text_at(m, texts[tag]) = arena_dup(a, value);
        return true;
    }
    if (tag >= TAG_NUMBERS && tag - TAG_NUMBERS < (int)ARRAY_LEN(numbers)) {
        *number_at(m, numbers[tag - TAG_NUMBERS]) = unpack_int(value);
        return true;
    }
    switch (tag) {
    case TAG_KIND:
        m->kind = (enum message_kind)(unpack_int(value) - 1);
        return unpack_int(value) >= 1 && unpack_int(value) <= (int64_t)ARRAY_LEN(kind_names);
    case TAG_PRIO:
        m->prio = (enum prio)(unpack_int(value) - 1);
        return unpack_int(value) >= 1 && unpack_int(value) <= PRIO_COUNT;
    case TAG_TYPING:
        m->typing = unpack_int(value) != 0;
        return true;
    case TAG_SMS:
        m->sms = unpack_int(value) != 0;
        return true;
    case TAG_LATITUDE:
        m->location.latitude = unpack_real(value);
        return true;
    case TAG_LONGITUDE:
        m->location.longitude = unpack_real(value);
        return true;
    case TAG_OPTION:
    case TAG_PARAM:
        return decode_list(a, tag, value, m);
    default:
        return true; /* of a newer program */
    }
}

bool message_decode(struct arena *a, struct str text, struct message *out, struct err *err)
{
    struct message m = {0};
    bool kind = false, prio = false;
    struct unpack u;
    struct str value;
    uint8_t tag;

    if (unpack_begin(&u, text) != MESSAGE_VERSION) {
        return err_set(err, ERR_DAMAGED, "message record has not version %d", MESSAGE_VERSION);
    }
    while (unpack_next(&u, &tag, &value)) {
        kind = kind || tag == TAG_KIND;
        prio = prio || tag == TAG_PRIO;
        if (!decode_member(a, tag, value, &m)) {
            return err_set(err, ERR_DAMAGED, "message record has a wrong member %u", tag);
        }
    }
    if (u.broken || !kind || !prio) {
        return err_set(err, ERR_DAMAGED, "message record is cut off");
    }
    *out = m;
    return true;
}
