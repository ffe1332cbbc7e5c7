/* message: its names and the form it is stored in. What the API takes is in message_json.c. */
#include "domain/message.h"

#include <stddef.h>

#include "base/buf.h"

#define MESSAGE_VERSION  1
#define MESSAGE_JSON_MAX (256 * 1024) /* of a stored record; far above every provider's limits */

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

/* The stored form: one row a member, read by encode and decode alike. Empty ones are left out. */
#define AT(member) offsetof(struct message, member)
static const struct {
    const char *name;
    size_t at;
} texts[] =
    {
        {"id",                AT(id)                   },
        {"user",              AT(user)                 },
        {"phone",             AT(phone)                },
        {"bsuid",             AT(bsuid)                },
        {"sender",            AT(sender)               },
        {"class",             AT(cls)                  },
        {"lang",              AT(lang)                 },
        {"text",              AT(text)                 },
        {"header",            AT(header)               },
        {"footer",            AT(footer)               },
        {"list_button",       AT(list_button)          },
        {"media_url",         AT(media.url)            },
        {"media_id",          AT(media.provider_id)    },
        {"media_mime",        AT(media.mime)           },
        {"media_filename",    AT(media.filename)       },
        {"place_name",        AT(location.name)        },
        {"place_address",     AT(location.address)     },
        {"template",          AT(template_.name)       },
        {"template_language", AT(template_.language)   },
        {"content_sid",       AT(template_.content_sid)},
        {"emoji",             AT(emoji)                },
        {"quoted",            AT(quoted)               },
        {"order_id",          AT(order_id)             },
        {"order_number",      AT(order_number)         },
        {"cause",             AT(cause)                },
},
  option_texts[] =
      {
          {"id", offsetof(struct message_option, id)},
          {"title", offsetof(struct message_option, title)},
          {"description", offsetof(struct message_option, description)},
          {"section", offsetof(struct message_option, section)},
},
  param_texts[] = {
      {"name", offsetof(struct message_param, name)},
      {"value", offsetof(struct message_param, value)},
};
static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    {"created",   AT(created.ms)},
    {"send_at",   AT(send_at.ms)},
    {"expires",   AT(expires.ms)},
    {"max_sends", AT(max_sends) },
};

static struct str *text_at(const void *base, size_t at)
{
    return (struct str *)((uintptr_t)base + at);
}

static int64_t *number_at(const void *base, size_t at)
{
    return (int64_t *)((uintptr_t)base + at);
}

void message_encode(const struct message *m, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_int(&w, "v", MESSAGE_VERSION);
    jw_z(&w, "kind", message_kind_name(m->kind));
    jw_int(&w, "prio", m->prio);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct str *s = text_at(m, texts[i].at);

        if (s->n > 0) {
            jw_str(&w, texts[i].name, *s);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (*number_at(m, numbers[i].at) != 0) {
            jw_int(&w, numbers[i].name, *number_at(m, numbers[i].at));
        }
    }
    if (m->typing) {
        jw_bool(&w, "typing", true);
    }
    if (m->kind == MESSAGE_LOCATION) {
        jw_real(&w, "latitude", m->location.latitude);
        jw_real(&w, "longitude", m->location.longitude);
    }
    if (m->noptions > 0) {
        jw_open(&w, "options", '[');
        for (size_t i = 0; i < m->noptions; i++) {
            jw_open(&w, NULL, '{');
            for (size_t k = 0; k < ARRAY_LEN(option_texts); k++) {
                if (text_at(&m->options[i], option_texts[k].at)->n > 0) {
                    jw_str(&w, option_texts[k].name, *text_at(&m->options[i], option_texts[k].at));
                }
            }
            jw_close(&w, '}');
        }
        jw_close(&w, ']');
    }
    if (m->template_.nparams > 0) {
        jw_open(&w, "params", '[');
        for (size_t i = 0; i < m->template_.nparams; i++) {
            jw_open(&w, NULL, '{');
            for (size_t k = 0; k < ARRAY_LEN(param_texts); k++) {
                jw_str(&w, param_texts[k].name,
                       *text_at(&m->template_.params[i], param_texts[k].at));
            }
            jw_close(&w, '}');
        }
        jw_close(&w, ']');
    }
    jw_close(&w, '}');
}

static bool decode_lists(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *options = json_get(j, "options"), *params = json_get(j, "params");

    if (json_len(options) > MESSAGE_ROWS_MAX || json_len(params) > MESSAGE_PARAMS_MAX) {
        return err_set(err, ERR_DAMAGED, "message record has too many options or parameters");
    }
    m->noptions = json_len(options);
    for (size_t i = 0; i < m->noptions; i++) {
        for (size_t k = 0; k < ARRAY_LEN(option_texts); k++) {
            *text_at(&m->options[i], option_texts[k].at) =
                arena_dup(a, json_get_str(json_at(options, i), option_texts[k].name));
        }
    }
    m->template_.nparams = json_len(params);
    for (size_t i = 0; i < m->template_.nparams; i++) {
        for (size_t k = 0; k < ARRAY_LEN(param_texts); k++) {
            *text_at(&m->template_.params[i], param_texts[k].at) =
                arena_dup(a, json_get_str(json_at(params, i), param_texts[k].name));
        }
    }
    return true;
}

static bool decode(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    int64_t version = json_get_int(j, "v", 0), prio = json_get_int(j, "prio", -1);

    if (version != MESSAGE_VERSION) {
        return err_set(err, ERR_DAMAGED, "message record has version %lld, not %d",
                       (long long)version, MESSAGE_VERSION);
    }
    if (!message_kind_parse(json_get_str(j, "kind"), &m->kind)) {
        return err_set(err, ERR_DAMAGED, "message record has no known kind");
    }
    if (prio < 0 || prio >= PRIO_COUNT) {
        return err_set(err, ERR_DAMAGED, "message record has priority %lld", (long long)prio);
    }
    m->prio = (enum prio)prio;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_at(m, texts[i].at) = arena_dup(a, json_get_str(j, texts[i].name));
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *number_at(m, numbers[i].at) = json_get_int(j, numbers[i].name, 0);
    }
    m->typing = json_get_bool(j, "typing", false);
    m->location.latitude = json_get_real(j, "latitude", 0);
    m->location.longitude = json_get_real(j, "longitude", 0);
    return decode_lists(a, j, m, err);
}

bool message_decode(struct arena *a, struct str text, struct message *out, struct err *err)
{
    struct message m = {0};
    struct json *j = NULL;
    bool ok;

    if (!json_parse(text, MESSAGE_JSON_MAX, &j, err)) {
        return err_set(err, ERR_DAMAGED, "message record is not JSON");
    }
    ok = decode(a, j, &m, err);
    json_free(&j);
    if (ok) {
        *out = m;
    }
    return ok;
}
