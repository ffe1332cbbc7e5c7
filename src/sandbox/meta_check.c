/* What Meta accepts as a message: shapes and limits of every kind. */
#include <stdio.h>

#include "group.h"
#include "media.h"
#include "meta.h"

#define CARDS_MAX 5

bool draft_refuse(struct draft *d, int64_t code, const char *fmt, ...)
{
    va_list ap;

    d->code = code;
    va_start(ap, fmt);
    vsnprintf(d->details, sizeof(d->details), fmt, ap);
    va_end(ap);
    return false;
}

static bool in_list(const char *list, struct str name)
{
    struct str item, rest = str_of(list);

    while (rest.n > 0) {
        str_cut(rest, '|', &item, &rest);
        if (str_eq(item, name)) {
            return true;
        }
    }
    return false;
}

bool draft_only(struct draft *d, const struct json *obj, const char *path, const char *known)
{
    if (json_kind(obj) != JSON_OBJECT) {
        return draft_refuse(d, json_kind(obj) == JSON_NONE ? 131008 : 100,
                            "Parameter '%s' is required and must be a JSON object.", path);
    }
    for (size_t i = 0; i < json_len(obj); i++) {
        struct str name;

        json_member_at(obj, i, &name);
        if (!in_list(known, name)) {
            return draft_refuse(d, 100, "Unexpected key \"%.*s\" on param \"%s\".", STR_ARG(name),
                                path);
        }
    }
    return true;
}

bool draft_text(struct draft *d, const struct json *obj, const char *path, const char *name,
                size_t min, size_t max, struct str *out)
{
    const struct json *j = json_get(obj, name);
    struct str s = json_str(j);

    if (json_kind(j) == JSON_NONE && min == 0) {
        *out = STR_NONE;
        return true;
    }
    if (json_kind(j) == JSON_NONE) {
        return draft_refuse(d, 131008, "Parameter '%s.%s' is required.", path, name);
    }
    if (json_kind(j) != JSON_STRING) {
        return draft_refuse(d, 100, "Param %s['%s'] must be a string.", path, name);
    }
    if (str_utf8_len(s) < min || (min > 0 && str_trim(s).n == 0) || str_utf8_len(s) > max) {
        return draft_refuse(d, str_eqz(str_of(name), "body") && max == 4096 ? 100 : 131009,
                            "Param %s['%s'] length invalid. Min length: %zu, Max length: %zu", path,
                            name, min, max);
    }
    *out = s;
    return true;
}

static bool check_text(struct draft *d, const struct json *j)
{
    return draft_only(d, j, "text", "body|preview_url") &&
           draft_text(d, j, "text", "body", 1, 4096, &d->text);
}

bool meta_check_media(struct draft *d, const struct json *j, const char *kind, const char *member)
{
    struct str id = json_get_text(j, "id", d->arena), link = json_get_str(j, "link");
    struct str caption = STR_NONE;
    const struct media *m = NULL;

    if (!draft_only(d, j, kind, "id|link|caption|filename|voice|provider")) {
        return false;
    }
    if ((id.n > 0) == (link.n > 0)) {
        return draft_refuse(d, id.n > 0 ? 131009 : 131008,
                            "Exactly one of '%s.id' and '%s.link' is required.", kind, kind);
    }
    if (!draft_text(d, j, kind, "caption", 0, 1024, &caption)) {
        return false;
    }
    if (caption.n > 0 && (str_eqz(str_of(kind), "audio") || str_eqz(str_of(kind), "sticker"))) {
        return draft_refuse(d, 100, "Unexpected key \"caption\" on param \"%s\".", kind);
    }
    if (link.n > 0) {
        struct err err = {0};

        if (!http_url_check(link, false, &err)) {
            return draft_refuse(d, 131009, "Param %s['link'] is not a valid URL.", kind);
        }
        d->fetch = link;
    } else {
        m = media_find(d->sb->media, id);
        if (m == NULL || !media_belongs(m, d->number)) {
            return draft_refuse(
                d, 100,
                "Param %s['id'] is not a valid whatsapp business account media attachment ID",
                kind);
        }
        if (!media_kind_takes(kind, m->mime)) {
            return draft_refuse(d, 131053, "Media of type %s cannot be sent as %s.", m->mime, kind);
        }
    }
    jw_open(&d->w, member, '{');
    jw_z(&d->w, "kind", kind);
    if (m != NULL) {
        jw_str(&d->w, "id", id);
        jw_z(&d->w, "mime", m->mime);
    } else {
        jw_str(&d->w, "link", link);
    }
    if (json_get_str(j, "filename").n > 0) {
        jw_str(&d->w, "filename", json_get_str(j, "filename"));
    }
    if (json_get_bool(j, "voice", false)) {
        jw_bool(&d->w, "voice", true);
    }
    jw_close(&d->w, '}');
    d->text = caption.n > 0 ? caption : d->text;
    return true;
}

static bool check_file(struct draft *d, const struct json *j)
{
    return meta_check_media(d, j, arena_dup(d->arena, d->kind).p, "media");
}

/* Coordinates come as numbers or as decimal text. */
static bool coordinate(struct draft *d, const struct json *j, const char *name, double limit,
                       double *out)
{
    const struct json *v = json_get(j, name);
    bool ok = json_kind(v) == JSON_STRING ? str_to_double(json_str(v), out)
                                          : json_kind(v) == JSON_INT || json_kind(v) == JSON_REAL;

    if (ok && json_kind(v) != JSON_STRING) {
        *out = json_get_real(j, name, 0);
    }
    if (!ok || *out < -limit || *out > limit) {
        return draft_refuse(d, json_kind(v) == JSON_NONE ? 131008 : 131009,
                            "Param location['%s'] must be a number from -%g to %g.", name, limit,
                            limit);
    }
    return true;
}

static bool check_location(struct draft *d, const struct json *j)
{
    double lat = 0, lon = 0;
    struct str name, address;

    if (!draft_only(d, j, "location", "latitude|longitude|name|address") ||
        !coordinate(d, j, "latitude", 90, &lat) || !coordinate(d, j, "longitude", 180, &lon) ||
        !draft_text(d, j, "location", "name", 0, 1000, &name) ||
        !draft_text(d, j, "location", "address", 0, 1000, &address)) {
        return false;
    }
    jw_open(&d->w, "location", '{');
    jw_real(&d->w, "latitude", lat);
    jw_real(&d->w, "longitude", lon);
    jw_str(&d->w, "name", name);
    jw_str(&d->w, "address", address);
    jw_close(&d->w, '}');
    d->text = name;
    return true;
}

static bool check_contacts(struct draft *d, const struct json *j)
{
    if (json_kind(j) != JSON_ARRAY || json_len(j) == 0 || json_len(j) > CARDS_MAX) {
        return draft_refuse(d, 131009, "Param 'contacts' must be a list of 1 to %d cards.",
                            CARDS_MAX);
    }
    for (size_t i = 0; i < json_len(j); i++) {
        const struct json *name = json_get(json_at(j, i), "name");

        if (json_get_str(name, "formatted_name").n == 0) {
            return draft_refuse(d, 131008,
                                "Parameter 'contacts[%zu].name.formatted_name' is required.", i);
        }
        if (json_len(name) < 2) {
            return draft_refuse(
                d, 131009, "Param contacts[%zu]['name'] needs one more part than formatted_name.",
                i);
        }
    }
    jw_json(&d->w, "contacts", j);
    d->text = json_get_str(json_get(json_at(j, 0), "name"), "formatted_name");
    return true;
}

static bool check_reaction(struct draft *d, const struct json *j)
{
    struct str id, emoji;

    if (!draft_only(d, j, "reaction", "message_id|emoji") ||
        !draft_text(d, j, "reaction", "message_id", 1, 512, &id) ||
        !draft_text(d, j, "reaction", "emoji", 0, 16, &emoji)) {
        return false;
    }
    if (json_kind(json_get(d->body, "context")) != JSON_NONE) {
        return draft_refuse(d, 131009, "A reaction cannot have a context.");
    }
    jw_open(&d->w, "reaction", '{');
    jw_str(&d->w, "message_id", id);
    jw_str(&d->w, "emoji", emoji);
    jw_close(&d->w, '}');
    d->text = emoji;
    return true;
}

static const struct {
    const char *type;
    bool (*check)(struct draft *d, const struct json *j);
} kinds[] = {
    {"text",        check_text            },
    {"interactive", meta_check_interactive},
    {"template",    meta_check_template   },
    {"image",       check_file            },
    {"video",       check_file            },
    {"audio",       check_file            },
    {"document",    check_file            },
    {"sticker",     check_file            },
    {"location",    check_location        },
    {"contacts",    check_contacts        },
    {"reaction",    check_reaction        },
};

/* Digits with '+', blanks, brackets and dashes stripped. Without '+' Meta guesses; we keep the
 * digits. */
static bool recipient_phone(struct draft *d, struct str to)
{
    struct buf b;

    buf_init(&b, 64);
    buf_add_char(&b, '+');
    for (size_t i = 0; i < to.n; i++) {
        if (strchr(" ()-.+", to.p[i]) == NULL) {
            buf_add_char(&b, to.p[i]);
        }
    }
    d->phone = arena_dup(d->arena, buf_str(&b));
    buf_fini(&b);
    return str_is_e164(d->phone) ||
           draft_refuse(d, 131009, "Recipient phone number '%.*s' is not valid.",
                        STR_ARG(str_slice(to, 0, 40)));
}

static bool is_bsuid(struct str s)
{
    return s.n > 3 && s.n <= 160 && s.p[2] == '.' && s.p[0] >= 'A' && s.p[0] <= 'Z' &&
           s.p[1] >= 'A' && s.p[1] <= 'Z';
}

static bool check_group(struct draft *d)
{
    if (!d->number->official) {
        return draft_refuse(d, 131215, "%s", "");
    }
    d->group = group_find(d->sb, d->number, d->to);
    d->phone = d->to;
    if (d->group == NULL) {
        return draft_refuse(d, 131041, "%s", "");
    }
    if (d->group->suspended) {
        return draft_refuse(d, 131207, "%s", "");
    }
    if (d->group->npeople == 0) {
        return draft_refuse(d, 131020, "%s", "");
    }
    return in_list("text|template|image|video|audio|document|sticker", d->kind) ||
           draft_refuse(d, 131051, "Messages of type '%.*s' cannot be sent to groups.",
                        STR_ARG(str_slice(d->kind, 0, 40)));
}

static bool check_recipient(struct draft *d)
{
    struct str type = json_get_str(d->body, "recipient_type");
    struct str bsuid = json_get_str(d->body, "recipient");

    d->to = json_get_text(d->body, "to", d->arena);
    if (str_eqz(type, "group")) {
        return check_group(d);
    }
    if (type.n > 0 && !str_eqz(type, "individual")) {
        return draft_refuse(d, 100, "Param recipient_type must be one of {INDIVIDUAL, GROUP}.");
    }
    if (d->to.n == 0 && bsuid.n > 0) {
        d->to = d->phone = bsuid;
        d->by_bsuid = true;
        return is_bsuid(bsuid) ||
               draft_refuse(d, 131009, "Param recipient is not a business-scoped user id.");
    }
    if (d->to.n == 0) {
        return draft_refuse(d, 131008, "Parameter 'to' is required.");
    }
    if (is_bsuid(d->to)) {
        return draft_refuse(d, 131009, "A business-scoped user id belongs in 'recipient'.");
    }
    if (!recipient_phone(d, d->to)) {
        return false;
    }
    return !str_eqz(d->phone, d->number->e164) || draft_refuse(d, 131021, "%s", "");
}

static bool check_head(struct draft *d)
{
    const struct json *context = json_get(d->body, "context");

    if (!str_eqz(json_get_str(d->body, "messaging_product"), "whatsapp")) {
        return draft_refuse(d, 100,
                            "The parameter messaging_product is required and must be 'whatsapp'.");
    }
    if (!draft_text(d, d->body, "body", "biz_opaque_callback_data", 0, 512, &d->correlation)) {
        return false;
    }
    if (json_kind(context) != JSON_NONE) {
        if (!draft_only(d, context, "context", "message_id") ||
            !draft_text(d, context, "context", "message_id", 1, 512, &d->quote)) {
            return false;
        }
    }
    return check_recipient(d);
}

bool meta_check(struct draft *d)
{
    static const char head[] = "messaging_product|recipient_type|to|recipient|type|context|"
                               "biz_opaque_callback_data|recipient_identity_key_hash|";
    struct str type = json_get_str(d->body, "type");

    d->kind = type.n > 0 ? type : STR("text");
    d->category = STR("service");
    if (!check_head(d)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eqz(d->kind, kinds[i].type)) {
            struct str known = arena_printf(d->arena, "%s%s", head, kinds[i].type);

            return draft_only(d, d->body, "body", known.p) &&
                   kinds[i].check(d, json_get(d->body, kinds[i].type));
        }
    }
    return draft_refuse(d, 131051, "Unsupported message type '%.*s'.",
                        STR_ARG(str_slice(type, 0, 40)));
}
