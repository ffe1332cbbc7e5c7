/*
 * Meta's webhook body taken apart: entry[] > changes[] > value > messages[] and statuses[].
 *
 * Owns: the shapes of messages and statuses; the other fields are in meta_account.c.
 *
 * Fails: only on what is no JSON object. Whatever is not understood becomes INBOUND_OTHER or
 * INBOUND_UNSUPPORTED with its JSON in `raw`, because an answer other than 200 makes Meta repeat
 * the whole batch for seven days.
 *
 * Source: Cloud API, Webhooks, "messages" field; Graph API v23.0 to v26.0.
 *
 *   - `from` has digits without '+', is absent for people with a user name, and once was a BSUID.
 *   - `context` without `id` is a forward; with `id` it names the message answered.
 *   - a reaction without `emoji`, or with an empty one, takes the reaction back.
 *   - `sha256` of media is base64 here (hex in the media call).
 *   - `contacts` beside `messages` are senders' cards, inside a message they are shared cards.
 *   - an edit is no new command: INBOUND_UNSUPPORTED "edit" with the new text and `quoted`.
 *
 * What stands where, besides the members that say it themselves:
 *
 *   contacts     text: the first name; detail: the first phone (E.164); event: the origin, of which
 *                "contact_request" answers our question
 *   interactive  event: its inner type; detail: of a flow's answer its JSON text
 */
#include "base/buf.h"
#include "base/json.h"
#include "meta_int.h"

struct inbound *meta_item(struct meta_parse *p, enum inbound_kind kind)
{
    struct inbound *in = batch_add(p->a, p->out, &p->cap);

    if (in == NULL) {
        p->over = true;
        return NULL;
    }
    in->kind = kind;
    in->account = p->account;
    in->number_id = p->number_id;
    in->at = p->at;
    return in;
}

struct str meta_raw(struct meta_parse *p, const struct json *j)
{
    struct buf b;

    buf_init(&b, 2 * WEBHOOK_BYTES_MAX);
    json_dump(j, &b);
    return buf_to_arena(p->a, &b);
}

struct str meta_text(struct meta_parse *p, const struct json *j, const char *name)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) == JSON_STRING) {
        return arena_dup(p->a, json_str(v));
    }
    return json_kind(v) == JSON_INT ? json_get_text(j, name, p->a) : STR_NONE;
}

struct wall meta_time(const struct json *j, const char *name)
{
    const struct json *v = json_get(j, name);
    int64_t t = 0;

    if (json_kind(v) == JSON_STRING) {
        if (!str_to_i64(json_str(v), 0, INT64_MAX / 1000, &t)) {
            t = 0;
        }
    } else {
        t = json_get_int(j, name, 0);
    }
    if (t < 0 || t > 100000000000000) {
        return (struct wall){0};
    }
    return (struct wall){t >= 1000000000000 ? t : t * 1000};
}

void meta_error(struct meta_parse *p, const struct json *errors, struct inbound *in)
{
    const struct json *e = json_at(errors, 0), *data = json_get(e, "error_data");

    if (json_kind(e) != JSON_OBJECT) {
        return;
    }
    in->error.code = json_get_int(e, "code", 0);
    in->error.title = meta_text(p, e, "title");
    in->error.details = json_kind(data) == JSON_STRING ? arena_dup(p->a, json_str(data))
                                                       : meta_text(p, data, "details");
    if (in->error.details.n == 0) {
        /* The older shape has it beside the code. */
        in->error.details = meta_text(p, e, "details");
    }
    if (in->error.title.n == 0) {
        in->error.title = meta_text(p, e, "message");
    }
}

/* Who: `from` may be a phone or a business-scoped id. */
static void take_person(struct meta_parse *p, struct str from, struct str user_id,
                        struct inbound *in)
{
    in->phone = phone_of(p->a, from);
    if (bsuid_is(user_id)) {
        in->bsuid = arena_dup(p->a, user_id);
    } else if (bsuid_is(from)) {
        in->bsuid = arena_dup(p->a, from);
    }
}

/* value.contacts[] is not aligned with messages[]: the card is found by either id. */
static struct str profile_name(struct meta_parse *p, const struct json *contacts, struct str from,
                               struct str user_id)
{
    for (size_t i = 0; i < json_len(contacts); i++) {
        const struct json *card = json_at(contacts, i);
        struct str wa_id = json_get_str(card, "wa_id"), id = json_get_str(card, "user_id");

        if ((from.n > 0 && str_eq(from, wa_id)) || (user_id.n > 0 && str_eq(user_id, id))) {
            return meta_text(p, json_get(card, "profile"), "name");
        }
    }
    return STR_NONE;
}

static bool take_text(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->type = INBOUND_TEXT;
    in->text = meta_text(p, j, "body");
    return in->text.p != NULL;
}

static bool take_media(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    struct buf digest, hex;

    in->type = INBOUND_MEDIA;
    in->text = meta_text(p, j, "caption");
    in->media.id = meta_text(p, j, "id");
    in->media.url = meta_text(p, j, "url");
    in->media.mime = meta_text(p, j, "mime_type");
    in->media.filename = meta_text(p, j, "filename");
    in->media.voice = json_get_bool(j, "voice", false);
    buf_init(&digest, 64);
    buf_init(&hex, 128);
    if (base64_decode(&digest, json_get_str(j, "sha256")) && digest.n == 32) {
        hex_add(&hex, buf_str(&digest));
        in->media.sha256_hex = arena_dup(p->a, buf_str(&hex));
    }
    buf_fini(&hex);
    buf_fini(&digest);
    return in->media.id.n > 0;
}

static bool take_location(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    const struct json *latitude = json_get(j, "latitude"), *longitude = json_get(j, "longitude");
    bool numbers = (json_kind(latitude) == JSON_REAL || json_kind(latitude) == JSON_INT) &&
                   (json_kind(longitude) == JSON_REAL || json_kind(longitude) == JSON_INT);

    in->type = INBOUND_LOCATION;
    in->location.latitude = json_get_real(j, "latitude", 0);
    in->location.longitude = json_get_real(j, "longitude", 0);
    in->location.name = meta_text(p, j, "name");
    in->location.address = meta_text(p, j, "address");
    return numbers || (str_to_double(json_str(latitude), &in->location.latitude) &&
                       str_to_double(json_str(longitude), &in->location.longitude));
}

static bool take_contacts(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    const struct json *card = json_at(j, 0), *phone = json_at(json_get(card, "phones"), 0);

    in->type = INBOUND_CONTACTS;
    in->text = meta_text(p, json_get(card, "name"), "formatted_name");
    in->event = meta_text(p, card, "origin");
    in->detail = phone_of(p->a, json_get_str(phone, "wa_id"));
    if (in->detail.n == 0) {
        in->detail = phone_of(p->a, json_get_str(phone, "phone"));
    }
    in->raw = meta_raw(p, j);
    return json_kind(card) == JSON_OBJECT;
}

static bool take_button(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->type = INBOUND_TAP;
    in->text = meta_text(p, j, "text");
    in->payload = meta_text(p, j, "payload");
    return in->payload.n > 0;
}

static bool take_interactive(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    struct str type = json_get_str(j, "type");
    const struct json *reply;

    in->type = INBOUND_TAP;
    in->event = meta_text(p, j, "type");
    if (str_eqz(type, "button_reply") || str_eqz(type, "list_reply")) {
        reply = json_get(j, in->event.p);
        in->text = meta_text(p, reply, "title");
        in->payload = meta_text(p, reply, "id");
        return in->payload.n > 0;
    }
    /* A flow's answer: response_json is a text that need not even hold an object; kept as it is. */
    reply = json_get(j, "nfm_reply");
    in->text = meta_text(p, reply, "body");
    in->detail = meta_text(p, reply, "response_json");
    return false;
}

static bool take_reaction(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->type = INBOUND_REACTION;
    in->emoji = meta_text(p, j, "emoji");
    in->emoji_target = meta_text(p, j, "message_id");
    return in->emoji_target.n > 0;
}

static bool take_order(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->text = meta_text(p, j, "text");
    return false;
}

static bool take_edit(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->quoted = meta_text(p, j, "original_message_id");
    in->text = meta_text(p, json_path(j, "message.text"), "body");
    return false;
}

static bool take_unsupported(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    in->event = meta_text(p, j, "type");
    return false;
}

/*
 * A person's number or id changed. The old business-scoped id of user_changed_user_id stands only
 * in the sentence for people, next to a name that people choose, so it is not read from there; the
 * user_id_update webhook carries both ids.
 */
static bool take_system(struct meta_parse *p, const struct json *j, struct inbound *in)
{
    struct str type = json_get_str(j, "type"), number = json_get_str(j, "wa_id");

    in->event = meta_text(p, j, "type");
    in->text = meta_text(p, j, "body");
    if (number.n == 0) {
        number = json_get_str(j, "new_wa_id");
    }
    if (str_eqz(type, "user_changed_number") || str_eqz(type, "customer_changed_number")) {
        in->previous_id = in->phone;
        in->current_id = phone_of(p->a, number);
    } else if (str_eqz(type, "user_changed_user_id")) {
        in->previous_id = in->bsuid;
        in->current_id = meta_text(p, j, "user_id");
    }
    in->kind = in->current_id.n > 0 ? INBOUND_ID_CHANGE : INBOUND_OTHER;
    return in->kind == INBOUND_ID_CHANGE;
}

/* Each takes the member of its name; false: INBOUND_UNSUPPORTED (or what it set), kept raw. */
static const struct {
    const char *name;
    bool (*take)(struct meta_parse *p, const struct json *j, struct inbound *in);
} types[] = {
    {"text",        take_text       },
    {"interactive", take_interactive},
    {"button",      take_button     },
    {"image",       take_media      },
    {"audio",       take_media      },
    {"document",    take_media      },
    {"video",       take_media      },
    {"voice",       take_media      },
    {"sticker",     take_media      },
    {"location",    take_location   },
    {"reaction",    take_reaction   },
    {"contacts",    take_contacts   },
    {"system",      take_system     },
    {"order",       take_order      },
    {"edit",        take_edit       },
    {"revoke",      take_edit       },
    {"unsupported", take_unsupported},
};

static void take_content(struct meta_parse *p, const struct json *m, const struct json *value,
                         struct inbound *in)
{
    struct str type = json_get_str(m, "type");
    bool understood = false;

    in->type = INBOUND_UNSUPPORTED;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eqz(type, types[i].name)) {
            in->type_name = str_of(types[i].name);
            understood = types[i].take(p, json_get(m, types[i].name), in);
            break;
        }
    }
    if (in->type_name.p == NULL) {
        in->type_name = arena_dup(p->a, type);
    }
    if (!understood) {
        in->type = INBOUND_UNSUPPORTED;
        in->raw = meta_raw(p, m);
        meta_error(p, json_get(m, "errors"), in);
        if (in->error.code == 0) {
            meta_error(p, json_get(value, "errors"), in);
        }
    }
}

static void take_message(struct meta_parse *p, const struct json *m, const struct json *value)
{
    struct str from = json_get_str(m, "from"), user_id = json_get_str(m, "from_user_id");
    const struct json *context = json_get(m, "context");
    struct inbound *in = meta_item(p, INBOUND_MESSAGE);

    if (in == NULL) {
        return;
    }
    in->provider_id = meta_text(p, m, "id");
    if (in->provider_id.n == 0) {
        /* Without an id it cannot be told from its own repetition. */
        in->kind = INBOUND_OTHER;
        in->type_name = STR("messages");
        in->raw = meta_raw(p, m);
        return;
    }
    in->at = meta_time(m, "timestamp");
    take_person(p, from, user_id, in);
    in->profile_name = profile_name(p, json_get(value, "contacts"), from, user_id);
    in->group_id = meta_text(p, m, "group_id");
    if (context != NULL) {
        in->quoted = meta_text(p, context, "id");
        in->forwarded = json_get_bool(context, "forwarded", false) ||
                        json_get_bool(context, "frequently_forwarded", false);
    }
    take_content(p, m, value, in);
}

static const struct {
    const char *name;
    enum delivery_state state;
} states[] = {
    {"sent",      DELIVERY_SENT     },
    {"delivered", DELIVERY_DELIVERED},
    {"read",      DELIVERY_READ     },
    {"failed",    DELIVERY_FAILED   },
    {"played",    DELIVERY_READ     },
};

/* Of a group, recipient_id names the group and the participant stands under one of two spellings.
 */
static void take_recipient(struct meta_parse *p, const struct json *s, struct inbound *in)
{
    struct str recipient = json_get_str(s, "recipient_id"), who = recipient;
    struct str user_id = json_get_str(s, "recipient_user_id");

    if (str_eqz(json_get_str(s, "recipient_type"), "group")) {
        in->group_id = arena_dup(p->a, recipient);
        who = json_get_str(s, "recipient_participant_id");
        if (who.n == 0) {
            who = json_get_str(s, "participant_recipient_id");
        }
        user_id = json_get_str(s, "recipient_participant_user_id");
    }
    take_person(p, who, user_id, in);
}

/* The hot path: of every message we send come three of these. Nothing is copied but what is kept.
 */
static void take_status(struct meta_parse *p, const struct json *s)
{
    struct str word = json_get_str(s, "status"), id = json_get_str(s, "id");
    struct inbound *in = meta_item(p, INBOUND_STATUS);
    const struct json *errors;

    if (in == NULL) {
        return;
    }
    if (id.n == 0) {
        in->kind = INBOUND_OTHER;
        in->type_name = STR("statuses");
        in->raw = meta_raw(p, s);
        return;
    }
    in->provider_id = arena_dup(p->a, id);
    in->at = meta_time(s, "timestamp");
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eqz(word, states[i].name)) {
            in->state = states[i].state;
            in->event = str_of(states[i].name);
            break;
        }
    }
    if (in->event.p == NULL) {
        /* "deleted" and words to come: they prove that Meta has the message, nothing more. */
        in->event = arena_dup(p->a, word);
    }
    take_recipient(p, s, in);
    in->correlation = meta_text(p, s, "biz_opaque_callback_data");
    errors = json_get(s, "errors");
    if (errors != NULL) {
        meta_error(p, errors, in);
    }
}

static void take_messages(struct meta_parse *p, const struct json *value)
{
    const struct json *messages = json_get(value, "messages"),
                      *statuses = json_get(value, "statuses");
    const struct json *errors = json_get(value, "errors");
    struct inbound *in;

    for (size_t i = 0; i < json_len(messages); i++) {
        take_message(p, json_at(messages, i), value);
    }
    for (size_t i = 0; i < json_len(statuses); i++) {
        take_status(p, json_at(statuses, i));
    }
    if (json_len(messages) > 0 || (json_len(statuses) > 0 && json_len(errors) == 0)) {
        return;
    }
    /* Errors of the account itself; or a shape we do not know. */
    in = meta_item(p, json_len(errors) > 0 ? INBOUND_ACCOUNT : INBOUND_OTHER);
    if (in != NULL) {
        in->type_name = STR("messages");
        in->event = json_len(errors) > 0 ? STR("error") : STR_NONE;
        meta_error(p, errors, in);
        in->raw = meta_raw(p, value);
    }
}

static void take_change(struct meta_parse *p, const struct json *change)
{
    struct str field = json_get_str(change, "field");
    const struct json *value = json_get(change, "value");

    p->number_id = meta_text(p, json_get(value, "metadata"), "phone_number_id");
    if (str_eqz(field, "messages") && json_kind(value) == JSON_OBJECT) {
        take_messages(p, value);
    } else {
        meta_account_change(p, field, json_kind(value) == JSON_NONE ? change : value);
    }
}

static void take_entry(struct meta_parse *p, const struct json *entry)
{
    const struct json *changes = json_get(entry, "changes");
    struct inbound *in;

    p->account = meta_text(p, entry, "id");
    p->number_id = STR_NONE;
    p->at = meta_time(entry, "time");
    if (json_kind(changes) != JSON_ARRAY) {
        in = meta_item(p, INBOUND_OTHER);
        if (in != NULL) {
            in->type_name = STR("entry");
            in->raw = meta_raw(p, entry);
        }
        return;
    }
    for (size_t i = 0; i < json_len(changes) && !p->over; i++) {
        take_change(p, json_at(changes, i));
    }
}

bool meta_parse(struct arena *a, struct str body, struct inbound_batch *out, struct err *err)
{
    struct inbound_batch batch = {0};
    struct meta_parse p = {.a = a, .out = &batch};
    struct json *j = NULL;
    struct inbound *in;

    if (!json_parse(body, WEBHOOK_BYTES_MAX, &j, err)) {
        if (err != NULL) {
            err->code = ERR_BAD_REQUEST;
        }
        return err_wrap(err, "webhook body");
    }
    if (json_kind(j) != JSON_OBJECT) {
        json_free(&j);
        return err_set(err, ERR_BAD_REQUEST, "webhook body is not a JSON object");
    }
    if (str_eqz(json_get_str(j, "object"), "whatsapp_business_account") &&
        json_kind(json_get(j, "entry")) == JSON_ARRAY) {
        const struct json *entries = json_get(j, "entry");

        for (size_t i = 0; i < json_len(entries) && !p.over; i++) {
            take_entry(&p, json_at(entries, i));
        }
    } else {
        /* Of another product (a page, Instagram) whose webhook was pointed here. */
        in = meta_item(&p, INBOUND_OTHER);
        in->type_name = arena_dup(a, json_get_str(j, "object"));
        in->raw = arena_dup(a, body);
    }
    json_free(&j);
    if (p.over) {
        return err_set(err, ERR_BAD_REQUEST, "webhook body has more than %d items",
                       INBOUND_ITEMS_MAX);
    }
    *out = batch;
    return true;
}
