#include "domain/settings.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "domain/i18n.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "settings_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define R CONFIG_RELOAD
#define S CONFIG_SECRET

/* One row is one thing to read. */
#define TEXT(key, env, flag, flags, min, max, def, help)             \
    {                                                                \
        key, env, flag, CONFIG_STR, flags, min, max, NULL, def, help \
    }
#define NUMBER(key, env, flags, min, max, def, help)                 \
    {                                                                \
        key, env, NULL, CONFIG_INT, flags, min, max, NULL, def, help \
    }
#define CHOICE(key, env, flag, flags, choices, def, help)            \
    {                                                                \
        key, env, flag, CONFIG_ENUM, flags, 0, 0, choices, def, help \
    }
#define LIST(key, env, flag, def, help)                       \
    {                                                         \
        key, env, flag, CONFIG_LIST, 0, 0, 0, NULL, def, help \
    }
#define FLAG(key, env, def, help)                             \
    {                                                         \
        key, env, NULL, CONFIG_BOOL, 0, 0, 0, NULL, def, help \
    }
#define JSON(key, flags, def, help)                                \
    {                                                              \
        key, NULL, NULL, CONFIG_JSON, flags, 0, 0, NULL, def, help \
    }

/* Every setting outside "tenants". A row here, a member of struct settings and a line in config/.
 */
static const struct config_row rows[] = {
    LIST("listen", "CREWLINE_LISTEN", "--listen", "127.0.0.1:8080", "where to listen"),
    TEXT("public_url", "CREWLINE_PUBLIC_URL", "--public-url", 0, 0, 500, NULL,
         "what providers and browsers see; signatures and links are computed from it"),
    TEXT("redis_url", "REDIS_URL", "--redis-url", S, 0, 1000, NULL,
         "redis://, unix://, redis+sentinel://; none: a private Redis in the data directory"),
    TEXT("data_dir", "CREWLINE_DATA_DIR", "--data-dir", 0, 1, 500, "data",
         "media, private Redis, master key"),
    TEXT("config_dir", "CREWLINE_CONFIG_DIR", "--config-dir", 0, 0, 500, NULL,
         "catalogues and templates instead of the embedded ones"),
    TEXT("tls_cert", "CREWLINE_TLS_CERT", NULL, 0, 0, 500, NULL, "certificate chain: serve HTTPS"),
    TEXT("tls_key", "CREWLINE_TLS_KEY", NULL, 0, 0, 500, NULL, "its key"),
    LIST("trusted_proxies", "CREWLINE_TRUSTED_PROXIES", NULL, NULL,
         "addresses whose X-Forwarded-For is believed"),
    TEXT("master_key", "CREWLINE_MASTER_KEY", NULL, S, 0, 200, NULL,
         "32 bytes, base64 or hex; seals personal data"),
    TEXT("master_key_previous", "CREWLINE_MASTER_KEY_PREVIOUS", NULL, S, 0, 200, NULL,
         "the key before, while rotating"),
    TEXT("bootstrap_key", "CREWLINE_BOOTSTRAP_KEY", NULL, S, 0, 200, NULL,
         "an admin API key for the first tenant, taken as is"),
    TEXT("ca_file", "CREWLINE_CA_FILE", NULL, 0, 0, 500, NULL, "trust store for outgoing TLS"),
    CHOICE("log_level", "CREWLINE_LOG_LEVEL", "--log-level", R, "debug|info|warn|error", "info",
           "debug for troubleshooting"),
    CHOICE("log_format", "CREWLINE_LOG_FORMAT", NULL, 0, "auto|text|json", "auto",
           "auto: text on a terminal, else json"),
    FLAG("allow_private_callbacks", "CREWLINE_ALLOW_PRIVATE_CALLBACKS", "false",
         "whether callback and media URLs may point at loopback and private addresses"),
    CHOICE("durability.redis", NULL, NULL, 0, "always|relaxed", "always",
           "what Redis must promise: appendfsync always, or less"),
    NUMBER("durability.replicas", NULL, 0, 0, 10, "0",
           "replicas of Redis that must have what is accepted"),
    NUMBER("retention.days", NULL, R, 1, 3650, "90",
           "what has ended is kept so long: messages, events, dead letters, closed orders"),
    TEXT("assistant.chat_url", NULL, NULL, R, 0, 500, NULL,
         "OpenAI-compatible chat completions, for free text that no rule understands; none: off"),
    TEXT("assistant.chat_key", NULL, NULL, S | R, 0, 500, NULL, "its key"),
    TEXT("assistant.chat_model", NULL, NULL, R, 0, 200, NULL, "its model"),
    TEXT("assistant.speech_url", NULL, NULL, R, 0, 500, NULL,
         "OpenAI-compatible transcriptions, for voice notes; none: off"),
    TEXT("assistant.speech_key", NULL, NULL, S | R, 0, 500, NULL, "its key"),
    TEXT("assistant.speech_model", NULL, NULL, R, 0, 200, "whisper-1", "its model"),
    NUMBER("assistant.timeout_ms", NULL, R, 100, 25000, "8000",
           "without an answer by then it is answered without them"),
    NUMBER("media.max_bytes", NULL, R, 1024, 1073741824, "104857600",
           "of a file that a person sends; larger ones are refused and he is told"),
    NUMBER("media.max_photo_bytes", NULL, R, 1024, 1073741824, "26214400", "the same of photos"),
    NUMBER("media.max_video_bytes", NULL, R, 1024, 1073741824, "104857600", "the same of videos"),
    NUMBER("media.max_voice_bytes", NULL, R, 1024, 1073741824, "26214400",
           "the same of voice notes and other sound"),
    NUMBER("media.max_document_bytes", NULL, R, 1024, 1073741824, "104857600",
           "the same of documents"),
    NUMBER(
        "media.quota_bytes", NULL, R, 0, 1099511627776000, "10737418240",
        "of all files of one tenant; beyond it new ones are refused, with an alarm; 0: no limit"),
    NUMBER("media.retention_days", NULL, R, 1, 36500, "365", "files are kept so long"),
    NUMBER("media.fetches", NULL, R, 1, 64, "8", "files that one gateway fetches at once"),
    NUMBER("media.fetch_timeout_ms", NULL, R, 1000, 3600000, "120000", "one try to fetch a file"),
    NUMBER("media.retry_for_s", NULL, R, 0, 604800, "3600",
           "a file that cannot be fetched is tried again for so long"),
    NUMBER("media.link_s", NULL, R, 60, 31536000, "604800",
           "how long a link to a file is good, in events and in answers of the API"),
    TEXT("media.s3.endpoint", NULL, NULL, 0, 0, 500, NULL,
         "an S3-compatible store for files instead of the data directory: its URL"),
    TEXT("media.s3.bucket", NULL, NULL, 0, 0, 100, NULL, "the bucket"),
    TEXT("media.s3.region", NULL, NULL, 0, 0, 64, "us-east-1",
         "its region, as requests are signed"),
    TEXT("media.s3.access_key", NULL, NULL, S | R, 0, 200, NULL, "access key id"),
    TEXT("media.s3.secret_key", NULL, NULL, S | R, 0, 200, NULL, "secret access key"),
    TEXT("media.s3.prefix", NULL, NULL, 0, 0, 200, NULL, "in front of every name in the bucket"),
    NUMBER("delivery.send_timeout_ms", NULL, R, 100, 120000, "15000", "one attempt at a provider"),
    NUMBER("delivery.lease_ms", NULL, 0, 1000, 600000, "30000",
           "how long work belongs to one instance"),
    NUMBER("delivery.uncertain_hold_ms", NULL, R, 0, 3600000, "90000",
           "wait for evidence before sending again"),
    NUMBER("delivery.uncertain_hold_critical_ms", NULL, R, 0, 3600000, "10000",
           "the same for critical messages"),
    NUMBER("delivery.max_sends.normal", NULL, R, 1, 10, "2",
           "hand-overs of one message, ambiguous ones counted"),
    NUMBER("delivery.max_sends.critical", NULL, R, 1, 10, "3", "the same for critical messages"),
    NUMBER("delivery.max_sends.code", NULL, R, 1, 10, "1", "the same for verification codes"),
    NUMBER("callbacks.timeout_ms", NULL, R, 100, 120000, "15000", "one callback"),
    JSON("callbacks.schedule_ms", R,
         "[5000,300000,1800000,7200000,18000000,36000000,50400000,72000000,86400000]",
         "waits between the tries of a callback"),
    TEXT("translate.url", "CREWLINE_TRANSLATE_URL", NULL, 0, 0, 500, NULL,
         "a translation service for the CMMS's own words; none: they go as they are"),
    TEXT("translate.api_key", "CREWLINE_TRANSLATE_API_KEY", NULL, S | R, 0, 500, NULL, "its key"),
    CHOICE("translate.dialect", NULL, NULL, 0, "libretranslate|apertium", "libretranslate",
           "how it is spoken to"),
    NUMBER("translate.timeout_ms", NULL, R, 50, 2000, "2000",
           "a message waits for it no longer; then it goes untranslated"),
    NUMBER("translate.cache_days", NULL, R, 1, 365, "30", "what it said is remembered so long"),
    NUMBER("http.header_bytes", NULL, 0, 1024, 65536, "16384", "request line and headers"),
    NUMBER("http.header_fields", NULL, 0, 8, 256, "64", "header fields"),
    NUMBER("http.header_timeout_ms", NULL, 0, 100, 120000, "10000",
           "until the headers are complete"),
    NUMBER("http.idle_timeout_ms", NULL, 0, 1000, 600000, "60000",
           "between two requests of a connection"),
    NUMBER("http.body_min_bytes_s", NULL, 0, 1, 1000000, "1024", "slower bodies are cut off"),
    NUMBER("http.connections", NULL, 0, 10, 60000, "10000", "connections in all"),
    NUMBER("http.connections_per_address", NULL, 0, 0, 60000, "200",
           "connections of one address; 0: no limit"),
    NUMBER("http.body_bytes_total", NULL, 0, 0, 1099511627776, "268435456",
           "bodies in all at once; 0: no limit"),
    NUMBER("http.body_bytes_per_address", NULL, 0, 0, 1099511627776, "33554432",
           "bodies of one address at once; 0: no limit"),
    NUMBER("http.webhook_bytes", NULL, 0, 65536, 16777216, "4194304", "body of a webhook"),
    NUMBER("http.api_bytes", NULL, 0, 1024, 16777216, "1048576", "body of an API request"),
    NUMBER("http.upload_bytes", NULL, 0, 1024, 67108864, "16777216", "body of an import"),
    NUMBER("http.stop_delay_ms", NULL, 0, 0, 60000, "0",
           "still serve for so long after SIGTERM, while /readyz says no"),
    TEXT("whatsapp.access_token", "WHATSAPP_ACCESS_TOKEN", NULL, S | R, 0, 2000, NULL,
         "Meta Cloud API token"),
    TEXT("whatsapp.phone_number_id", "WHATSAPP_PHONE_NUMBER_ID", NULL, 0, 0, 64, NULL,
         "Meta phone number id"),
    TEXT("whatsapp.number", "WHATSAPP_NUMBER", NULL, 0, 0, 20, NULL,
         "the number itself, E.164 (optional)"),
    TEXT("whatsapp.verify_token", "WHATSAPP_VERIFY_TOKEN", NULL, S | R, 0, 200, NULL,
         "webhook handshake"),
    TEXT("whatsapp.app_secret", "WHATSAPP_APP_SECRET", NULL, S | R, 0, 200, NULL,
         "webhook signature; Meta needs it"),
    TEXT("whatsapp.app_secret_previous", "WHATSAPP_APP_SECRET_PREVIOUS", NULL, S | R, 0, 200, NULL,
         "the secret before, while rotating"),
    TEXT("whatsapp.business_account_id", "WHATSAPP_BUSINESS_ACCOUNT_ID", NULL, 0, 0, 64, NULL,
         "for template management"),
    TEXT("whatsapp.api_base", "WHATSAPP_API_BASE", NULL, 0, 0, 500, "https://graph.facebook.com",
         "Graph API"),
    TEXT("whatsapp.api_version", "WHATSAPP_API_VERSION", NULL, 0, 0, 20, "v23.0", "its version"),
    NUMBER("whatsapp.rate_per_second", "WHATSAPP_RATE_PER_SECOND", R, 0, 100000, "80",
           "messages a second; 0: no limit"),
    TEXT("twilio.account_sid", "TWILIO_ACCOUNT_SID", NULL, 0, 0, 64, NULL, "Twilio account"),
    TEXT("twilio.auth_token", "TWILIO_AUTH_TOKEN", NULL, S | R, 0, 200, NULL, "its token"),
    TEXT("twilio.auth_token_previous", "TWILIO_AUTH_TOKEN_PREVIOUS", NULL, S | R, 0, 200, NULL,
         "the token before, while rotating"),
    TEXT("twilio.from_number", "TWILIO_FROM_NUMBER", NULL, 0, 0, 20, NULL, "Twilio sender, E.164"),
    TEXT("twilio.api_base", "TWILIO_API_BASE", NULL, 0, 0, 500, "https://api.twilio.com",
         "Twilio API"),
    TEXT("twilio.content_base", "TWILIO_CONTENT_BASE", NULL, 0, 0, 500,
         "https://content.twilio.com", "Twilio Content API"),
    NUMBER("twilio.rate_per_second", "TWILIO_RATE_PER_SECOND", R, 0, 100000, NULL,
           "messages a second; 0: no limit (default 80, the sandbox number 1)"),
    TEXT("cmms.callback_url", "CMMS_CALLBACK_URL", NULL, 0, 0, 1000, NULL,
         "where events for the CMMS go"),
    TEXT("cmms.signing_secret", "CMMS_SIGNING_SECRET", NULL, S | R, 0, 200, NULL,
         "whsec_… (Standard Webhooks)"),
    TEXT("cmms.signing_secret_previous", "CMMS_SIGNING_SECRET_PREVIOUS", NULL, S | R, 0, 200, NULL,
         "the secret before, while rotating"),
    TEXT("timezone", "CREWLINE_TIMEZONE", NULL, 0, 0, 64, "UTC",
         "IANA name, of the default tenant"),
    TEXT("default_language", "CREWLINE_DEFAULT_LANGUAGE", NULL, 0, 0, 16, "en",
         "BCP 47, of the default tenant"),
    TEXT("tenant_name", "CREWLINE_TENANT_NAME", NULL, 0, 0, 200, "the plant",
         "how the default tenant calls itself"),
};

const struct config_row *settings_rows(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

/* ---- numbers, secrets and lists out of the table ---- */

static bool read_key(const char *key, struct str text, uint8_t out[32], bool *has, struct err *err)
{
    struct buf bytes;
    bool ok;

    *has = text.n > 0;
    if (text.n == 0) {
        return true;
    }
    buf_init(&bytes, 256);
    ok = (text.n == 64 && hex_decode(&bytes, text)) || base64_decode(&bytes, text);
    ok = ok && bytes.n == 32;
    if (ok) {
        memcpy(out, bytes.p, 32);
    }
    mem_wipe(bytes.p, bytes.n);
    buf_fini(&bytes);
    return ok || err_set(err, ERR_CONFIG, "%s: it is not 32 bytes in base64 or hex", key);
}

static bool read_schedule(struct settings *s, struct err *err)
{
    const struct json *list = config_json(s->config, "callbacks.schedule_ms");

    if (json_kind(list) != JSON_ARRAY || json_len(list) > CALLBACK_SCHEDULE_MAX) {
        return err_set(err, ERR_CONFIG,
                       "callbacks.schedule_ms: it is not a list of at most %d waits in ms",
                       CALLBACK_SCHEDULE_MAX);
    }
    for (size_t i = 0; i < json_len(list); i++) {
        struct buf text;
        int64_t ms = 0;

        /* An array's items have no names: print and parse, once at the start. */
        buf_init(&text, 64);
        json_dump(json_at(list, i), &text);
        if (!str_to_i64(buf_str(&text), 1, (int64_t)30 * 86400000, &ms)) {
            err_set(err, ERR_CONFIG,
                    "callbacks.schedule_ms: \"%.*s\" is not a wait from 1 ms to 30 days",
                    STR_ARG(buf_str(&text)));
        }
        buf_fini(&text);
        if (ms < 1) {
            return false;
        }
        s->callback_schedule_ms[s->ncallback_schedule++] = ms;
    }
    return true;
}

static void read_numbers(struct settings *s)
{
    const struct config *c = s->config;
    const struct {
        const char *key;
        int64_t *to;
    } numbers[] = {
        {"retention.days",                      &s->retention_days            },
        {"media.max_bytes",                     &s->media_bytes               },
        {"media.max_photo_bytes",               &s->media_kind_bytes[0]       },
        {"media.max_video_bytes",               &s->media_kind_bytes[1]       },
        {"media.max_voice_bytes",               &s->media_kind_bytes[2]       },
        {"media.max_document_bytes",            &s->media_kind_bytes[3]       },
        {"media.quota_bytes",                   &s->media_quota_bytes         },
        {"media.retention_days",                &s->media_retention_days      },
        {"media.fetches",                       &s->media_fetches             },
        {"media.fetch_timeout_ms",              &s->media_fetch_timeout_ms    },
        {"media.retry_for_s",                   &s->media_retry_for_s         },
        {"media.link_s",                        &s->media_link_s              },
        {"assistant.timeout_ms",                &s->assist_timeout_ms         },
        {"delivery.send_timeout_ms",            &s->send_timeout_ms           },
        {"delivery.lease_ms",                   &s->lease_ms                  },
        {"delivery.uncertain_hold_ms",          &s->uncertain_hold_ms         },
        {"delivery.uncertain_hold_critical_ms", &s->uncertain_hold_critical_ms},
        {"delivery.max_sends.normal",           &s->max_sends_normal          },
        {"delivery.max_sends.critical",         &s->max_sends_critical        },
        {"delivery.max_sends.code",             &s->max_sends_code            },
        {"callbacks.timeout_ms",                &s->callback_timeout_ms       },
        {"translate.timeout_ms",                &s->translate_timeout_ms      },
        {"translate.cache_days",                &s->translate_cache_days      },
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *numbers[i].to = config_int(c, numbers[i].key);
    }
}

static bool read_public_url(struct settings *s, struct err *err)
{
    struct str url = config_str(s->config, "public_url");
    struct buf b;

    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    if (url.n > 0) {
        if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
            return err_set(err, ERR_CONFIG,
                           "public_url: \"%.*s\" does not begin with http:// or https://",
                           STR_ARG(url));
        }
        s->public_url = url;
        return true;
    }
    buf_init(&b, 600);
    buf_addf(&b, "%s%.*s", s->tls_cert.n > 0 ? "https://" : "http://",
             STR_ARG(json_str(json_at(s->listen, 0))));
    s->public_url = settings_own(s, buf_str(&b));
    buf_fini(&b);
    return true;
}

/* What is told to the service leaves the plant: only to where callbacks might go as well. */
static bool read_translate(struct settings *s, struct err *err)
{
    struct err why = {0};

    s->translate_url = config_str(s->config, "translate.url");
    while (str_ends(s->translate_url, STR("/"))) {
        s->translate_url.n--;
    }
    s->translate_api_key = config_str(s->config, "translate.api_key");
    s->translate_apertium = str_eqz(config_str(s->config, "translate.dialect"), "apertium");
    return s->translate_url.n == 0 ||
           http_url_check(s->translate_url, !s->allow_private_callbacks, &why) ||
           err_set(err, ERR_CONFIG, "translate.url: %s", why.msg);
}

static bool read_texts(struct settings *s, struct err *err)
{
    const struct config *c = s->config;

    s->listen = config_json(c, "listen");
    s->data_dir = config_str(c, "data_dir");
    s->config_dir = config_str(c, "config_dir");
    s->redis_url = config_str(c, "redis_url");
    s->durability =
        str_eqz(config_str(c, "durability.redis"), "relaxed") ? STORE_RELAXED : STORE_ALWAYS;
    s->replicas = config_int(c, "durability.replicas");
    s->tls_cert = config_str(c, "tls_cert");
    s->tls_key = config_str(c, "tls_key");
    s->ca_file = config_str(c, "ca_file");
    s->bootstrap_key = config_str(c, "bootstrap_key");
    s->trusted_proxies = config_json(c, "trusted_proxies");
    s->allow_private_callbacks = config_bool(c, "allow_private_callbacks");
    log_level_parse(config_str(c, "log_level"), &s->log_level);
    s->log_format = str_eqz(config_str(c, "log_format"), "json")   ? LOG_JSON
                    : str_eqz(config_str(c, "log_format"), "text") ? LOG_TEXT
                                                                   : LOG_AUTO;
    if (!read_translate(s, err) || !settings_read_media(s, err)) {
        return false;
    }
    if ((s->tls_cert.n > 0) != (s->tls_key.n > 0)) {
        return err_set(err, ERR_CONFIG, "%s: HTTPS needs both tls_cert and tls_key",
                       s->tls_cert.n > 0 ? "tls_key" : "tls_cert");
    }
    if (s->replicas > 0 && s->redis_url.n == 0) {
        return err_set(err, ERR_CONFIG,
                       "durability.replicas: the private Redis has none: set redis_url");
    }
    if (s->redis_url.n > 0 && !store_url_ok(s->redis_url, err)) {
        return err_wrap(err, "redis_url");
    }
    if (json_len(s->listen) == 0) {
        return err_set(err, ERR_CONFIG, "listen: it names no address");
    }
    for (size_t i = 0; i < json_len(s->listen); i++) {
        struct str where = json_str(json_at(s->listen, i));

        if (!http_listen_ok(where)) {
            return err_set(err, ERR_CONFIG, "listen: \"%.*s\" is neither host:port nor unix:/path",
                           STR_ARG(str_slice(where, 0, 100)));
        }
    }
    if (s->bootstrap_key.n > 0 && s->bootstrap_key.n < 16) {
        return err_set(err, ERR_CONFIG, "bootstrap_key: it is shorter than 16 characters");
    }
    return read_public_url(s, err) && settings_read_assist(s, err) &&
           read_key("master_key", config_str(c, "master_key"), s->master_key, &s->has_master_key,
                    err) &&
           read_key("master_key_previous", config_str(c, "master_key_previous"),
                    s->master_key_previous, &s->has_master_key_previous, err);
}

/* "redis_url: why" becomes "environment: REDIS_URL: why": the operator looks for the place. */
static bool complain(const struct config *c, struct err *err)
{
    struct str key = str_slice(str_of(err->msg), 0, str_find(str_of(err->msg), STR(": ")));
    struct err found = *err;
    const char *place;
    char name[160];

    if (str_starts(key, STR("tenants")) && config_file(c) != NULL) {
        return err_wrap(err, "%s", config_file(c));
    }
    snprintf(name, sizeof(name), "%.*s", STR_ARG(key));
    place = config_place(c, name);
    return place == NULL ? false : err_set(err, ERR_CONFIG, "%s%s", place, found.msg + key.n);
}

bool settings_load(const struct config_sources *from, struct settings **out, struct err *err)
{
    static const char *const own[] = {"tenants", "WhatsApp", NULL};
    struct settings_all *all = MEM_NEW(struct settings_all);
    struct config_sources sources = *from;
    struct settings *s = &all->s;

    all->texts = arena_new();
    sources.own_members = own;
    if (!config_load(rows, ARRAY_LEN(rows), &sources, &s->config, err)) {
        settings_free(&s);
        return false;
    }
    read_numbers(s);
    if (!settings_read_http(s, err) || !read_texts(s, err) || !read_schedule(s, err) ||
        !settings_read_tenants(s, err)) {
        complain(s->config, err);
        settings_free(&s);
        return false;
    }
    *out = s;
    return true;
}

struct str settings_own(struct settings *s, struct str text)
{
    return arena_dup(((struct settings_all *)(void *)s)->texts, text);
}

void *settings_alloc(struct settings *s, size_t bytes)
{
    return arena_alloc(((struct settings_all *)(void *)s)->texts, bytes);
}

void settings_free(struct settings **owner)
{
    struct settings_all *all = (void *)*owner;

    if (all == NULL) {
        return;
    }
    while (all->replaced != NULL) {
        struct settings_all *next = all->replaced->replaced;
        struct settings *one = &all->replaced->s;

        all->replaced->replaced = NULL;
        settings_free(&one);
        all->replaced = next;
    }
    config_free(&all->s.config);
    arena_free(&all->texts);
    mem_wipe(all, sizeof(*all));
    mem_free(owner);
}

/* ---- master key ---- */

static bool key_file_read(const char *path, struct settings *s, struct err *err)
{
    char text[200];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, ERR_CONFIG, "master_key: cannot read %s: %s", path, strerror(errno));
    }
    n = read(fd, text, sizeof(text));
    close(fd);
    return read_key(path, str_trim(str_make(text, n > 0 ? (size_t)n : 0)), s->master_key,
                    &s->has_master_key, err);
}

static bool key_file_make(const char *path, struct settings *s, struct buf *notice, struct err *err)
{
    struct buf text;
    bool ok;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return err_set(err, ERR_CONFIG, "master_key: cannot make %s: %s", path, strerror(errno));
    }
    random_bytes(s->master_key, sizeof(s->master_key));
    buf_init(&text, 100);
    base64_add(&text, str_make(s->master_key, sizeof(s->master_key)));
    buf_add_char(&text, '\n');
    ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    close(fd);
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    if (!ok) {
        unlink(path);
        return err_set(err, ERR_CONFIG, "master_key: cannot write %s: %s", path, strerror(errno));
    }
    s->has_master_key = true;
    buf_addf(notice,
             "a master key was made in %s: back it up, without it the stored personal data cannot "
             "be read",
             path);
    return true;
}

bool settings_master_key(struct settings *s, struct buf *notice, struct err *err)
{
    char path[600];

    if (s->has_master_key) {
        return true;
    }
    snprintf(path, sizeof(path), "%.*s", STR_ARG(s->data_dir));
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_CONFIG, "data_dir: cannot make %s: %s", path, strerror(errno));
    }
    snprintf(path, sizeof(path), "%.*s/master.key", STR_ARG(s->data_dir));
    return access(path, F_OK) == 0 ? key_file_read(path, s, err)
                                   : key_file_make(path, s, notice, err);
}

/* ---- reload ---- */

/* What may change is moved into the old struct, whose address everybody holds; the new one is kept
 * alive behind it. */
void settings_reload(struct settings *s, struct settings **fresh, struct buf *kept)
{
    struct settings_all *old = (void *)s, *now = (void *)*fresh;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str a = rows[i].type == CONFIG_STR || rows[i].type == CONFIG_ENUM
                           ? config_str(s->config, rows[i].key)
                           : STR_NONE;
        struct str b = rows[i].type == CONFIG_STR || rows[i].type == CONFIG_ENUM
                           ? config_str(now->s.config, rows[i].key)
                           : STR_NONE;
        bool same =
            rows[i].type == CONFIG_INT
                ? config_int(s->config, rows[i].key) == config_int(now->s.config, rows[i].key)
            : rows[i].type == CONFIG_BOOL
                ? config_bool(s->config, rows[i].key) == config_bool(now->s.config, rows[i].key)
            : rows[i].type == CONFIG_LIST || rows[i].type == CONFIG_JSON
                ? json_eq(config_json(s->config, rows[i].key),
                          config_json(now->s.config, rows[i].key))
                : str_eq(a, b);

        if (!same && (rows[i].flags & CONFIG_RELOAD) == 0) {
            buf_addf(kept, "%s%s", kept->n > 0 ? ", " : "", rows[i].key);
        }
    }
    s->log_level = now->s.log_level;
    s->send_timeout_ms = now->s.send_timeout_ms;
    s->retention_days = now->s.retention_days;
    settings_reload_media(s, &now->s);
    settings_reload_assist(s, &now->s);
    s->uncertain_hold_ms = now->s.uncertain_hold_ms;
    s->uncertain_hold_critical_ms = now->s.uncertain_hold_critical_ms;
    s->max_sends_normal = now->s.max_sends_normal;
    s->max_sends_critical = now->s.max_sends_critical;
    s->max_sends_code = now->s.max_sends_code;
    s->callback_timeout_ms = now->s.callback_timeout_ms;
    s->translate_api_key = now->s.translate_api_key;
    s->translate_timeout_ms = now->s.translate_timeout_ms;
    s->translate_cache_days = now->s.translate_cache_days;
    memcpy(s->callback_schedule_ms, now->s.callback_schedule_ms, sizeof(s->callback_schedule_ms));
    s->ncallback_schedule = now->s.ncallback_schedule;
    settings_reload_tenants(s, &now->s, kept);
    now->replaced = old->replaced;
    old->replaced = now;
    *fresh = NULL;
}
