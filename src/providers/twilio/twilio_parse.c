/*
 * Twilio's webhook forms: one inbound message, or the status of one of ours.
 *
 * Source: Twilio, "Twilio's request to your webhook", "Message status callbacks"; traffic of 2026.
 *
 *   - From is "whatsapp:+E164" or "whatsapp:<BSUID>"; once it was seen without the prefix.
 *   - Body is the text, the caption, the title of a tapped button, or a document's *file name*.
 *   - without the prefix at both ends it is an SMS: kept aside, since it opens no window and our
 *     SMS ask for an answer in WhatsApp. Its statuses are as those of a message.
 *   - a tap is told by ButtonPayload, then by ListId (not in Twilio's own table).
 *   - Forwarded comes as "false" too.
 *   - StatusCallback's query is ours: `c` is the correlation.
 *   - there is no time stamp in the form; `at` is 0 and the receiver sets its own.
 *
 * One WhatsApp message has one medium. Should a form carry more, each further one is an item of its
 * own with provider_id "<sid>:<n>", so that none is lost and each is told from its repetition.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "twilio_int.h"

struct parse {
    struct arena *a;
    struct pairs form;
    struct inbound_batch batch;
    size_t cap;
};

static struct str get(const struct parse *p, const char *name)
{
    return pairs_get(&p->form, str_of(name));
}

static struct str text(const struct parse *p, const char *name)
{
    return text_dup(p->a, get(p, name));
}

static struct str without_channel(struct str address)
{
    struct str prefix = STR("whatsapp:");

    return str_starts(address, prefix) ? str_slice(address, prefix.n, address.n) : address;
}

/* The form as a list of pairs: names may repeat, so it cannot be an object. */
static struct str raw_of(const struct parse *p)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 2 * WEBHOOK_BYTES_MAX);
    jw_init(&w, &b);
    jw_open(&w, NULL, '[');
    for (size_t i = 0; i < p->form.n; i++) {
        jw_open(&w, NULL, '[');
        jw_str(&w, NULL, p->form.v[i].name);
        jw_str(&w, NULL, p->form.v[i].value);
        jw_close(&w, ']');
    }
    jw_close(&w, ']');
    return buf_to_arena(p->a, &b);
}

/* @theirs and @ours name the parameters; of a status they are the other way round. */
static struct inbound *add(struct parse *p, enum inbound_kind kind, const char *theirs,
                           const char *ours)
{
    struct str address = without_channel(get(p, theirs));
    struct str external = without_channel(get(p, "ExternalUserId"));
    struct inbound *in = batch_add(p->a, &p->batch, &p->cap);

    in->kind = kind;
    in->account = text(p, "AccountSid");
    in->number_id = phone_of(p->a, without_channel(get(p, ours)));
    in->phone = phone_of(p->a, address);
    if (in->phone.n == 0) {
        in->phone = phone_of(p->a, get(p, "WaId"));
    }
    if (bsuid_is(external)) {
        in->bsuid = arena_dup(p->a, external);
    } else if (bsuid_is(address)) {
        in->bsuid = arena_dup(p->a, address);
    }
    return in;
}

static const struct {
    const char *name;
    enum delivery_state state;
} states[] = {
    {"sent",        DELIVERY_SENT     },
    {"delivered",   DELIVERY_DELIVERED},
    {"read",        DELIVERY_READ     },
    {"failed",      DELIVERY_FAILED   },
    {"undelivered", DELIVERY_FAILED   },
    {"canceled",    DELIVERY_FAILED   },
};

enum delivery_state twilio_state(struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eqz(word, states[i].name)) {
            return states[i].state;
        }
    }
    return DELIVERY_NONE;
}

static bool is_sms(const struct parse *p)
{
    return str_starts(get(p, "From"), STR("+")) && str_starts(get(p, "To"), STR("+"));
}

static void take_status(struct parse *p, struct str sid, struct str query)
{
    struct inbound *in = add(p, INBOUND_STATUS, "To", "From");
    struct pairs ours = {0};

    in->provider_id = arena_dup(p->a, sid);
    in->event = text(p, "MessageStatus");
    in->state = twilio_state(in->event);
    if (query.n > 0 && form_parse(p->a, query, &ours, NULL)) {
        in->correlation = pairs_get(&ours, STR("c"));
    }
    if (!str_to_i64(get(p, "ErrorCode"), 1, INT32_MAX, &in->error.code)) {
        in->error.code = 0;
    }
    in->error.title = text(p, "ErrorMessage");
    in->error.details = text(p, "ChannelStatusMessage");
}

static void take_medium(struct parse *p, size_t i, struct inbound *in)
{
    char name[32];

    snprintf(name, sizeof(name), "MediaUrl%zu", i);
    in->media.url = text(p, name);
    snprintf(name, sizeof(name), "MediaContentType%zu", i);
    in->media.mime = text(p, name);
    in->media.id = in->media.url;
    /* The last part of the URL is the medium's own id (ME…). */
    for (size_t k = in->media.url.n; k > 0; k--) {
        if (in->media.url.p[k - 1] == '/') {
            in->media.id = str_slice(in->media.url, k, in->media.url.n);
            break;
        }
    }
    in->type = str_starts(in->media.mime, STR("text/vcard")) ||
                       str_starts(in->media.mime, STR("text/x-vcard"))
                   ? INBOUND_CONTACTS
                   : INBOUND_MEDIA;
    /* WhatsApp's voice notes are opus in ogg; music comes in other clothes. */
    in->media.voice = str_starts(in->media.mime, STR("audio/ogg"));
}

static bool is_document(const struct inbound *in)
{
    static const char *const shown[] = {"image/", "video/", "audio/"};

    if (in->type_name.n > 0) {
        return str_eqz(in->type_name, "document");
    }
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        if (str_starts(in->media.mime, str_of(shown[i]))) {
            return false;
        }
    }
    return in->type == INBOUND_MEDIA;
}

static bool truth(struct str s)
{
    return str_ieq(s, STR("true"));
}

static void take_common(struct parse *p, struct str sid, struct inbound *in)
{
    in->provider_id = arena_dup(p->a, sid);
    in->profile_name = text(p, "ProfileName");
    in->type_name = text(p, "MessageType");
    in->quoted = text(p, "OriginalRepliedMessageSid");
    in->forwarded = truth(get(p, "Forwarded")) || truth(get(p, "FrequentlyForwarded"));
}

static void take_media(struct parse *p, struct str sid, struct inbound *in)
{
    char name[32];

    take_medium(p, 0, in);
    if (is_document(in)) {
        in->media.filename = in->text;
        in->text = STR_NONE;
    }
    for (size_t i = 1; i < FORM_PAIRS_MAX; i++) {
        struct inbound *more;

        snprintf(name, sizeof(name), "MediaUrl%zu", i);
        if (get(p, name).n == 0) {
            break;
        }
        more = add(p, INBOUND_MESSAGE, "From", "To");
        take_common(p, sid, more);
        more->provider_id = arena_printf(p->a, "%.*s:%zu", STR_ARG(sid), i);
        take_medium(p, i, more);
    }
}

static void take_location(struct parse *p, struct inbound *in)
{
    in->type = INBOUND_LOCATION;
    if (!str_to_double(get(p, "Latitude"), &in->location.latitude) ||
        !str_to_double(get(p, "Longitude"), &in->location.longitude)) {
        in->type = INBOUND_UNSUPPORTED;
        in->raw = raw_of(p);
    }
    in->location.name = text(p, "Label");
    in->location.address = text(p, "Address");
}

/* A button or a row; in session and from a template alike. */
static bool take_tap(struct parse *p, struct inbound *in)
{
    in->payload = text(p, "ButtonPayload");
    if (in->payload.n > 0) {
        in->event = STR("button_reply");
        if (get(p, "ButtonText").n > 0) {
            in->text = text(p, "ButtonText");
        }
        return true;
    }
    in->payload = text(p, "ListId");
    if (in->payload.n > 0) {
        in->event = STR("list_reply");
        if (get(p, "ListTitle").n > 0) {
            in->text = text(p, "ListTitle");
        }
        return true;
    }
    return false;
}

/*
 * Twilio's own keywords, where its Advanced Opt-Out is on: it has answered by itself, and sends
 * nothing any more to whoever said STOP. HELP is answered there too, but asks us just as well.
 * Source: Twilio Messaging, Advanced Opt-Out, "OptOutType".
 */
static bool take_opt_out(struct parse *p, struct inbound *in)
{
    struct str type = get(p, "OptOutType");

    if (!str_ieq(type, STR("STOP")) && !str_ieq(type, STR("START"))) {
        return false;
    }
    in->kind = INBOUND_OPT_OUT;
    in->subject = STR("all");
    in->event = text(p, "OptOutType");
    in->raw = raw_of(p);
    return true;
}

/* MessageType is missing in older traffic and unconfirmed for some kinds, so the fields decide. */
static void take_message(struct parse *p, struct str sid)
{
    struct inbound *in = add(p, INBOUND_MESSAGE, "From", "To");

    take_common(p, sid, in);
    in->text = text(p, "Body");
    if (take_opt_out(p, in)) {
        return;
    }
    if (take_tap(p, in)) {
        in->type = INBOUND_TAP;
    } else if (get(p, "MediaUrl0").n > 0) {
        take_media(p, sid, in);
    } else if (get(p, "Latitude").n > 0) {
        take_location(p, in);
    } else if (get(p, "FlowData").n > 0 || get(p, "InteractiveData").n > 0) {
        in->type = INBOUND_UNSUPPORTED;
        in->event = STR("nfm_reply");
        in->detail = text(p, get(p, "FlowData").n > 0 ? "FlowData" : "InteractiveData");
        in->raw = raw_of(p);
    } else if (in->text.n > 0) {
        in->type = INBOUND_TEXT;
    } else {
        in->type = INBOUND_UNSUPPORTED;
        in->raw = raw_of(p);
    }
}

bool twilio_parse_query(struct arena *a, struct str body, struct str query,
                        struct inbound_batch *out, struct err *err)
{
    struct parse p = {.a = a};
    struct inbound *in;
    struct str sid;

    if (body.n > WEBHOOK_BYTES_MAX) {
        return err_set(err, ERR_BAD_REQUEST, "form of %zu bytes is too long", body.n);
    }
    if (!form_parse(a, body, &p.form, err)) {
        if (err != NULL) {
            err->code = ERR_BAD_REQUEST;
        }
        return err_wrap(err, "webhook form");
    }
    sid = get(&p, "MessageSid");
    if (sid.n == 0) {
        sid = get(&p, "SmsSid");
    }
    if (p.form.n == 0) {
        return err_set(err, ERR_BAD_REQUEST, "webhook form is empty");
    }
    sid = text_dup(a, sid);
    if (sid.n > 0 && get(&p, "MessageStatus").n > 0) {
        take_status(&p, sid, query);
    } else if (sid.n > 0 && get(&p, "From").n > 0 && !is_sms(&p)) {
        take_message(&p, sid);
    } else {
        in = add(&p, INBOUND_OTHER, "From", "To");
        in->provider_id = sid;
        in->raw = raw_of(&p);
    }
    *out = p.batch;
    return true;
}

bool twilio_parse(struct arena *a, struct str body, struct inbound_batch *out, struct err *err)
{
    return twilio_parse_query(a, body, STR_NONE, out, err);
}
