#include "domain/inbound.h"

#include <stddef.h>

#include "base/buf.h"

#define INBOUND_VERSION  1
#define INBOUND_JSON_MAX (32 * 1024 * 1024) /* a webhook of 4 MiB kept raw, escaped at worst */

static const char *const kind_names[] = {
    [INBOUND_MESSAGE] = "message",   [INBOUND_STATUS] = "status",
    [INBOUND_OPT_OUT] = "opt_out",   [INBOUND_ID_CHANGE] = "id_change",
    [INBOUND_TEMPLATE] = "template", [INBOUND_ACCOUNT] = "account",
    [INBOUND_OTHER] = "other",
};
static const char *const type_names[] = {
    [INBOUND_TEXT] = "text",
    [INBOUND_TAP] = "tap",
    [INBOUND_MEDIA] = "media",
    [INBOUND_LOCATION] = "location",
    [INBOUND_CONTACTS] = "contacts",
    [INBOUND_REACTION] = "reaction",
    [INBOUND_UNSUPPORTED] = "unsupported",
};
static const char *const state_names[] = {
    [DELIVERY_NONE] = "none", [DELIVERY_SENT] = "sent",     [DELIVERY_DELIVERED] = "delivered",
    [DELIVERY_READ] = "read", [DELIVERY_FAILED] = "failed",
};

const char *inbound_kind_name(enum inbound_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "unknown";
}

/* The stored form: one row a text, read by encode and decode alike. Empty ones are left out. */
#define AT(member) offsetof(struct inbound, member)
static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"account",        AT(account)         },
    {"number_id",      AT(number_id)       },
    {"provider_id",    AT(provider_id)     },
    {"phone",          AT(phone)           },
    {"bsuid",          AT(bsuid)           },
    {"profile_name",   AT(profile_name)    },
    {"group_id",       AT(group_id)        },
    {"type_name",      AT(type_name)       },
    {"text",           AT(text)            },
    {"payload",        AT(payload)         },
    {"quoted",         AT(quoted)          },
    {"media_id",       AT(media.id)        },
    {"media_url",      AT(media.url)       },
    {"media_mime",     AT(media.mime)      },
    {"media_sha256",   AT(media.sha256_hex)},
    {"media_filename", AT(media.filename)  },
    {"place_name",     AT(location.name)   },
    {"place_address",  AT(location.address)},
    {"emoji",          AT(emoji)           },
    {"emoji_target",   AT(emoji_target)    },
    {"correlation",    AT(correlation)     },
    {"error_title",    AT(error.title)     },
    {"error_details",  AT(error.details)   },
    {"subject",        AT(subject)         },
    {"language",       AT(language)        },
    {"event",          AT(event)           },
    {"detail",         AT(detail)          },
    {"previous_id",    AT(previous_id)     },
    {"current_id",     AT(current_id)      },
 /* As a text, not as JSON in place: so it keeps its bytes and adds nothing to the depth. */
    {"raw",            AT(raw)             },
};

static struct str *text_at(const struct inbound *in, size_t at)
{
    return (struct str *)((uintptr_t)in + at);
}

void inbound_encode(const struct inbound *in, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_int(&w, "v", INBOUND_VERSION);
    jw_z(&w, "kind", inbound_kind_name(in->kind));
    if (in->kind == INBOUND_MESSAGE) {
        jw_z(&w, "type", type_names[in->type]);
    }
    if (in->state != DELIVERY_NONE) {
        jw_z(&w, "state", state_names[in->state]);
    }
    if (in->at.ms != 0) {
        jw_int(&w, "at", in->at.ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct str *s = text_at(in, texts[i].at);

        if (s->n > 0) {
            jw_str(&w, texts[i].name, *s);
        }
    }
    if (in->forwarded) {
        jw_bool(&w, "forwarded", true);
    }
    if (in->media.voice) {
        jw_bool(&w, "voice", true);
    }
    if (in->kind == INBOUND_MESSAGE && in->type == INBOUND_LOCATION) {
        jw_real(&w, "latitude", in->location.latitude);
        jw_real(&w, "longitude", in->location.longitude);
    }
    if (in->error.code != 0) {
        jw_int(&w, "error_code", in->error.code);
    }
    jw_close(&w, '}');
}

/* The index of @name in @names; @otherwise when it is absent, and n when it is unknown. */
static size_t name_index(const char *const *names, size_t n, struct str name, size_t otherwise)
{
    size_t i = 0;

    if (name.p == NULL) {
        return otherwise;
    }
    while (i < n && !str_eqz(name, names[i])) {
        i++;
    }
    return i;
}

static bool decode(struct arena *a, const struct json *j, struct inbound *in, struct err *err)
{
    int64_t version = json_get_int(j, "v", 0);
    size_t nkinds = ARRAY_LEN(kind_names), ntypes = ARRAY_LEN(type_names);
    size_t nstates = ARRAY_LEN(state_names);
    size_t kind = name_index(kind_names, nkinds, json_get_str(j, "kind"), nkinds);
    size_t type = name_index(type_names, ntypes, json_get_str(j, "type"), INBOUND_TEXT);
    size_t state = name_index(state_names, nstates, json_get_str(j, "state"), DELIVERY_NONE);

    if (version != INBOUND_VERSION) {
        return err_set(err, ERR_DAMAGED, "inbound record has version %lld, not %d",
                       (long long)version, INBOUND_VERSION);
    }
    if (kind == nkinds || type == ntypes || state == nstates) {
        return err_set(err, ERR_DAMAGED, "inbound record has an unknown kind, type or state");
    }
    in->kind = (enum inbound_kind)kind;
    in->type = (enum inbound_type)type;
    in->state = (enum delivery_state)state;
    in->at.ms = json_get_int(j, "at", 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_at(in, texts[i].at) = arena_dup(a, json_get_str(j, texts[i].name));
    }
    in->forwarded = json_get_bool(j, "forwarded", false);
    in->media.voice = json_get_bool(j, "voice", false);
    in->location.latitude = json_get_real(j, "latitude", 0);
    in->location.longitude = json_get_real(j, "longitude", 0);
    in->error.code = json_get_int(j, "error_code", 0);
    return true;
}

bool inbound_decode(struct arena *a, struct str text, struct inbound *out, struct err *err)
{
    struct inbound in = {0};
    struct json *j = NULL;
    bool ok;

    if (!json_parse(text, INBOUND_JSON_MAX, &j, err)) {
        return err_set(err, ERR_DAMAGED, "inbound record is not JSON");
    }
    ok = decode(a, j, &in, err);
    json_free(&j);
    if (ok) {
        *out = in;
    }
    return ok;
}
