/* settings_assist: the endpoints of the optional helpers (domain/assist.h). */
#include "net/http_client.h"
#include "settings_int.h"

static const struct {
    const char *key;
    size_t at;
} texts[] = {
    {"assistant.chat_url",     offsetof(struct settings, assist_chat_url)    },
    {"assistant.chat_key",     offsetof(struct settings, assist_chat_key)    },
    {"assistant.chat_model",   offsetof(struct settings, assist_chat_model)  },
    {"assistant.speech_url",   offsetof(struct settings, assist_speech_url)  },
    {"assistant.speech_key",   offsetof(struct settings, assist_speech_key)  },
    {"assistant.speech_model", offsetof(struct settings, assist_speech_model)},
};

static struct str *text_at(struct settings *s, size_t at)
{
    return (struct str *)((uintptr_t)s + at);
}

bool settings_read_assist(struct settings *s, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str value = config_str(s->config, texts[i].key);

        *text_at(s, texts[i].at) = value;
        if (str_ends(str_of(texts[i].key), STR("_url")) && value.n > 0 &&
            !http_url_check(value, false, err)) {
            return err_wrap(err, "%s", texts[i].key);
        }
    }
    return true;
}

void settings_reload_assist(struct settings *s, struct settings *fresh)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_at(s, texts[i].at) = *text_at(fresh, texts[i].at);
    }
    s->assist_timeout_ms = fresh->assist_timeout_ms;
}
