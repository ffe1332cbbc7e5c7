/*
 * settings_tenants: tenants and their senders: from "tenants" of the file, from the older
 * "WhatsApp" block (Enabled, TwilioAccountSid, TwilioAuthToken, FromNumber), or from the
 * environment alone: then there is one tenant, "default".
 */
#include "base/mem.h"
#include "domain/i18n.h"
#include "net/http_client.h"
#include "settings_int.h"
#include "store/commit.h"

#include <stdio.h>

#define SENDERS_MAX       64
#define TENANTS_MAX       1000
#define ALERT_USERS_MAX   16
#define ALERT_EVERY_S     15
#define ALERT_QUEUE_AGE_S 120
#define ALERT_SILENCE_S   900
#define TWILIO_SANDBOX_NUMBER \
    "+14155238886" /* shared by all trial accounts: one message a second */

struct place { /* for messages: "tenants[0].senders[1].app_secret" */
    struct settings *s;
    const struct json *j;
    char at[160];
    struct err *err;
    bool ok;
};

static bool wrong(struct place *p, const char *key, const char *why)
{
    if (p->ok) {
        err_set(p->err, ERR_CONFIG, "%s%s%s: %s", p->at, p->at[0] != '\0' ? "." : "", key, why);
    }
    p->ok = false;
    return false;
}

static struct str text(struct place *p, const char *key, size_t max)
{
    const struct json *m = json_get(p->j, key);
    struct str value = json_str(m);

    if (m != NULL && json_kind(m) != JSON_STRING && json_kind(m) != JSON_NULL) {
        wrong(p, key, "it is not a text");
    } else if (value.n > max) {
        wrong(p, key, "it is too long");
    }
    return value;
}

static struct str secret(struct place *p, const char *key)
{
    struct str value = text(p, key, 2000), out = STR_NONE;
    char name[200];
    char *resolved;

    if (value.n == 0 || !p->ok) {
        return value;
    }
    snprintf(name, sizeof(name), "%s.%s", p->at, key);
    if (!config_secret(p->s->config, value, name, &resolved, p->err)) {
        p->ok = false;
        return value;
    }
    out = settings_own(p->s, str_of(resolved));
    mem_wipe(resolved, strlen(resolved));
    mem_free(&resolved);
    return out;
}

static int64_t number(struct place *p, const char *key, int64_t min, int64_t max, int64_t otherwise)
{
    const struct json *m = json_get(p->j, key);
    int64_t value = json_get_int(p->j, key, otherwise);
    char why[80];

    if (m != NULL && (json_kind(m) != JSON_INT || value < min || value > max)) {
        snprintf(why, sizeof(why), "it is not a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        wrong(p, key, why);
    }
    return value;
}

static void unknown_keys(struct place *p, const char *const *known)
{
    for (size_t i = 0; i < json_len(p->j); i++) {
        struct str name;
        size_t k = 0;

        json_member_at(p->j, i, &name);
        while (known[k] != NULL && !str_eqz(name, known[k])) {
            k++;
        }
        if (known[k] == NULL && !str_starts(name, STR("//"))) {
            char key[80];

            snprintf(key, sizeof(key), "%.*s", STR_ARG(str_slice(name, 0, 60)));
            wrong(p, key, "there is no such setting");
        }
    }
}

static int64_t default_burst(int64_t rate)
{
    int64_t burst = rate / 20; /* 5 % */

    return burst < 1 ? 1 : burst;
}

static bool check_sender(struct place *p, struct sender *s)
{
    if (s->number.n > 0 && !str_is_e164(s->number)) {
        return wrong(p, "number", "it is not E.164, as in +12025550100");
    }
    if (s->provider == PROVIDER_META) {
        if (s->phone_number_id.n == 0) {
            return wrong(p, "phone_number_id", "Meta needs it");
        }
        if (s->access_token.n == 0) {
            return wrong(p, "access_token", "Meta needs it");
        }
        return s->app_secret.n > 0 ||
               wrong(p, "app_secret",
                     "Meta cannot be enabled without it: webhooks could not be verified");
    }
    if (s->account_sid.n == 0) {
        return wrong(p, "account_sid", "Twilio needs it");
    }
    if (s->auth_token.n == 0) {
        return wrong(p, "auth_token", "Twilio needs it: without it webhooks cannot be verified");
    }
    return s->number.n > 0 || wrong(p, "number", "Twilio needs it");
}

static struct str base_url(struct place *p, const char *key, struct str otherwise)
{
    struct str url = text(p, key, 500);

    if (url.n == 0) {
        url = otherwise;
    }
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    if (p->ok && !str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
        wrong(p, key, "it does not begin with http:// or https://");
    }
    return url;
}

static bool read_sender(struct place *p, struct sender *s)
{
    static const char *const known[] = {"id",
                                        "provider",
                                        "number",
                                        "phone_number_id",
                                        "business_account_id",
                                        "access_token",
                                        "verify_token",
                                        "app_secret",
                                        "app_secret_previous",
                                        "account_sid",
                                        "auth_token",
                                        "auth_token_previous",
                                        "messaging_service_sid",
                                        "api_base",
                                        "api_version",
                                        "content_base",
                                        "numbered_options",
                                        "rate_per_second",
                                        "burst",
                                        "pair_interval_ms",
                                        "pair_burst",
                                        "daily_people",
                                        NULL};
    const struct config *c = p->s->config;
    struct str provider = text(p, "provider", 20);
    bool meta = str_eqz(provider, "meta");
    int64_t rate;

    unknown_keys(p, known);
    if (!meta && !str_eqz(provider, "twilio")) {
        return wrong(p, "provider", "it is neither \"meta\" nor \"twilio\"");
    }
    *s = (struct sender){.id = text(p, "id", 32),
                         .provider = meta ? PROVIDER_META : PROVIDER_TWILIO};
    if (!store_tenant_id_ok(s->id) || s->id.n > 32) {
        return wrong(p, "id", "it is not 1 to 32 of a-z, 0-9, '-' and '_'");
    }
    s->number = text(p, "number", 20);
    s->phone_number_id = text(p, "phone_number_id", 64);
    s->business_account_id = text(p, "business_account_id", 64);
    s->access_token = secret(p, "access_token");
    s->verify_token = secret(p, "verify_token");
    s->app_secret = secret(p, "app_secret");
    s->app_secret_previous = secret(p, "app_secret_previous");
    s->account_sid = text(p, "account_sid", 64);
    s->auth_token = secret(p, "auth_token");
    s->auth_token_previous = secret(p, "auth_token_previous");
    s->messaging_service_sid = text(p, "messaging_service_sid", 64);
    s->api_base =
        base_url(p, "api_base", config_str(c, meta ? "whatsapp.api_base" : "twilio.api_base"));
    s->content_base = base_url(p, "content_base", config_str(c, "twilio.content_base"));
    s->api_version = text(p, "api_version", 20);
    if (s->api_version.n == 0) {
        s->api_version = config_str(c, "whatsapp.api_version");
    }
    s->numbered_options = json_get_bool(p->j, "numbered_options", false);
    rate = str_eqz(s->number, TWILIO_SANDBOX_NUMBER) && !meta ? 1 : 80;
    s->rate_per_second = number(p, "rate_per_second", 0, 100000, rate);
    s->burst = number(p, "burst", 1, 100000, default_burst(s->rate_per_second));
    s->pair_interval_ms = number(p, "pair_interval_ms", 0, 3600000, 6000);
    s->pair_burst = number(p, "pair_burst", 1, 1000, 45);
    s->daily_people = number(p, "daily_people", 0, 1000000000, 0);
    return p->ok && check_sender(p, s);
}

static bool read_senders(struct place *tenant, struct tenant_settings *t)
{
    const struct json *list = json_get(tenant->j, "senders");

    if (list != NULL && (json_kind(list) != JSON_ARRAY || json_len(list) > SENDERS_MAX)) {
        return wrong(tenant, "senders", "it is not a list of at most 64 senders");
    }
    t->senders = settings_alloc(tenant->s, (json_len(list) + 1) * sizeof(*t->senders));
    for (size_t i = 0; i < json_len(list); i++) {
        struct place p = {.s = tenant->s, .j = json_at(list, i), .err = tenant->err, .ok = true};

        snprintf(p.at, sizeof(p.at), "%.100s.senders[%zu]", tenant->at, i);
        if (json_kind(p.j) != JSON_OBJECT || !read_sender(&p, &t->senders[t->nsenders])) {
            return tenant->ok = false;
        }
        for (size_t k = 0; k < t->nsenders; k++) {
            if (str_eq(t->senders[k].id, t->senders[t->nsenders].id)) {
                tenant->ok = false;
                return wrong(&p, "id", "another sender has it");
            }
        }
        t->nsenders++;
    }
    return true;
}

static bool secret_ok(struct str s)
{
    struct buf key;
    bool ok;

    if (s.n == 0) {
        return true;
    }
    buf_init(&key, 512);
    ok = str_starts(s, STR("whsec_")) && base64_decode(&key, str_slice(s, 6, s.n)) && key.n >= 16;
    buf_fini(&key);
    return ok;
}

/* What holds for any tenant, wherever it was configured. */
static bool check_tenant(struct place *p, const struct tenant_settings *t)
{
    struct err why = {0};

    if (!store_tenant_id_ok(t->id)) {
        return wrong(
            p, "id",
            "it is not 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit");
    }
    if (!timezone_ok(t->timezone)) {
        return wrong(p, "timezone", "it is no time zone, as in Europe/Madrid");
    }
    if (t->callback_url.n > 0 &&
        !http_url_check(t->callback_url, !p->s->allow_private_callbacks, &why)) {
        return wrong(p, "cmms.callback_url", why.msg);
    }
    if (!secret_ok(t->signing_secret) || !secret_ok(t->signing_secret_previous)) {
        return wrong(p, "cmms.signing_secret",
                     "it is not \"whsec_\" and at least 16 bytes in base64");
    }
    return t->callback_url.n == 0 || t->signing_secret.n > 0 ||
           wrong(p, "cmms.signing_secret", "callbacks are signed: a callback URL needs it");
}

static bool read_events(struct place *p, enum status_events *out)
{
    struct str word = text(p, "message_status_events", 20);

    *out = str_eqz(word, "all")    ? STATUS_EVENTS_ALL
           : str_eqz(word, "none") ? STATUS_EVENTS_NONE
                                   : STATUS_EVENTS_FAILURES;
    return word.n == 0 || str_eqz(word, "all") || str_eqz(word, "none") ||
           str_eqz(word, "failures") ||
           wrong(p, "message_status_events", "it is not all, failures or none");
}

static bool read_cmms(struct place *tenant, struct tenant_settings *t)
{
    static const char *const known[] = {"callback_url", "signing_secret", "signing_secret_previous",
                                        NULL};
    struct place p = {
        .s = tenant->s, .j = json_get(tenant->j, "cmms"), .err = tenant->err, .ok = true};

    snprintf(p.at, sizeof(p.at), "%.100s.cmms", tenant->at);
    if (p.j == NULL) {
        return true;
    }
    unknown_keys(&p, known);
    t->callback_url = text(&p, "callback_url", 1000);
    t->signing_secret = secret(&p, "signing_secret");
    t->signing_secret_previous = secret(&p, "signing_secret_previous");
    return tenant->ok = p.ok;
}

static bool alert_users_ok(const struct json *users)
{
    bool ok =
        users == NULL || (json_kind(users) == JSON_ARRAY && json_len(users) <= ALERT_USERS_MAX);

    for (size_t i = 0; ok && i < json_len(users); i++) {
        ok = json_str(json_at(users, i)).n > 0;
    }
    return ok;
}

static bool read_alerts(struct place *tenant, struct tenant_settings *t)
{
    static const char *const known[] = {"users", "every_s", "queue_age_s", "webhook_silence_s",
                                        NULL};
    struct place p = *tenant;

    t->alert_every_s = ALERT_EVERY_S;
    t->alert_queue_age_s = ALERT_QUEUE_AGE_S;
    t->alert_silence_s = ALERT_SILENCE_S;
    p.j = json_get(tenant->j, "alerts");
    snprintf(p.at, sizeof(p.at), "%.100s.alerts", tenant->at);
    if (p.j == NULL) {
        return true;
    }
    unknown_keys(&p, known);
    t->alert_users = json_get(p.j, "users");
    if (!alert_users_ok(t->alert_users)) {
        wrong(&p, "users", "it is not a list of at most 16 ids of people");
    }
    t->alert_every_s = number(&p, "every_s", 1, 3600, ALERT_EVERY_S);
    t->alert_queue_age_s = number(&p, "queue_age_s", 1, 86400, ALERT_QUEUE_AGE_S);
    t->alert_silence_s = number(&p, "webhook_silence_s", 0, 86400 * 7, ALERT_SILENCE_S);
    return tenant->ok = p.ok;
}

static bool read_tenant(struct place *p, struct tenant_settings *t)
{
    static const char *const known[] = {"id",
                                        "name",
                                        "timezone",
                                        "default_language",
                                        "senders",
                                        "cmms",
                                        "message_status_events",
                                        "alerts",
                                        "broadcast_confirm_above",
                                        "require_code",
                                        "thresholds",
                                        "ladder",
                                        "reminders",
                                        NULL};
    const struct config *c = p->s->config;

    unknown_keys(p, known);
    *t = (struct tenant_settings){.id = text(p, "id", TENANT_ID_MAX), .name = text(p, "name", 200)};
    t->timezone = text(p, "timezone", 64);
    t->default_language = text(p, "default_language", 16);
    if (t->name.n == 0) {
        t->name = t->id;
    }
    if (t->timezone.n == 0) {
        t->timezone = config_str(c, "timezone");
    }
    if (t->default_language.n == 0) {
        t->default_language = config_str(c, "default_language");
    }
    t->broadcast_confirm_above = number(p, "broadcast_confirm_above", 0, 1000000000, 200);
    t->require_code = json_get_bool(p->j, "require_code", false);
    t->thresholds = json_get(p->j, "thresholds");
    t->ladder = json_get(p->j, "ladder");
    t->reminders = json_get(p->j, "reminders");
    return p->ok && read_events(p, &t->message_status_events) && read_cmms(p, t) &&
           read_senders(p, t) && read_alerts(p, t) && check_tenant(p, t);
}

/* ---- without a file: one tenant from the environment ---- */

static void env_meta(struct settings *s, struct tenant_settings *t)
{
    const struct config *c = s->config;
    struct sender *m = &t->senders[t->nsenders];
    int64_t rate = config_int(c, "whatsapp.rate_per_second");

    if (config_str(c, "whatsapp.access_token").n == 0 &&
        config_str(c, "whatsapp.phone_number_id").n == 0) {
        return;
    }
    *m = (struct sender){.id = STR("meta"),
                         .provider = PROVIDER_META,
                         .number = config_str(c, "whatsapp.number"),
                         .phone_number_id = config_str(c, "whatsapp.phone_number_id"),
                         .business_account_id = config_str(c, "whatsapp.business_account_id"),
                         .access_token = config_str(c, "whatsapp.access_token"),
                         .verify_token = config_str(c, "whatsapp.verify_token"),
                         .app_secret = config_str(c, "whatsapp.app_secret"),
                         .app_secret_previous = config_str(c, "whatsapp.app_secret_previous"),
                         .api_base = config_str(c, "whatsapp.api_base"),
                         .api_version = config_str(c, "whatsapp.api_version"),
                         .rate_per_second = rate,
                         .burst = default_burst(rate),
                         .pair_interval_ms = 6000,
                         .pair_burst = 45};
    t->nsenders++;
}

static void env_twilio(struct settings *s, struct tenant_settings *t)
{
    const struct config *c = s->config;
    const struct json *old = config_own(c, "WhatsApp");
    struct sender *w = &t->senders[t->nsenders];
    bool on = old != NULL && json_get_bool(old, "Enabled", true);
    struct str sid = config_str(c, "twilio.account_sid"),
               token = config_str(c, "twilio.auth_token"),
               from = config_str(c, "twilio.from_number");
    struct str rate = config_origin(c, "twilio.rate_per_second") == NULL ? STR_NONE : STR("set");

    if (sid.n == 0 && on) {
        sid = json_get_str(old, "TwilioAccountSid");
        token = json_get_str(old, "TwilioAuthToken");
        from = json_get_str(old, "FromNumber");
    }
    if (sid.n == 0) {
        return;
    }
    *w = (struct sender){.id = STR("twilio"),
                         .provider = PROVIDER_TWILIO,
                         .number = from,
                         .account_sid = sid,
                         .auth_token = token,
                         .auth_token_previous = config_str(c, "twilio.auth_token_previous"),
                         .api_base = config_str(c, "twilio.api_base"),
                         .content_base = config_str(c, "twilio.content_base"),
                         .rate_per_second = str_eqz(from, TWILIO_SANDBOX_NUMBER) ? 1 : 80,
                         .pair_interval_ms = 6000,
                         .pair_burst = 45};
    if (rate.n > 0 && !str_eqz(str_of(config_origin(c, "twilio.rate_per_second")), "default")) {
        w->rate_per_second = config_int(c, "twilio.rate_per_second");
    }
    w->burst = default_burst(w->rate_per_second);
    t->nsenders++;
}

static bool check_env_sender(struct settings *s, struct sender *one, struct err *err)
{
    static const struct {
        const char *member, *name;
    } names[] = {
        {"phone_number_id", "WHATSAPP_PHONE_NUMBER_ID"},
        {"access_token",    "WHATSAPP_ACCESS_TOKEN"   },
        {"app_secret",      "WHATSAPP_APP_SECRET"     },
        {"account_sid",     "TWILIO_ACCOUNT_SID"      },
        {"auth_token",      "TWILIO_AUTH_TOKEN"       },
        {"number",          "TWILIO_FROM_NUMBER"      },
    };
    struct place p = {.s = s, .err = err, .ok = true};

    if (check_sender(&p, one)) {
        return true;
    }
    /* The operator knows the variable, not the member. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i].member);

        if (strncmp(err->msg, names[i].member, n) == 0 && err->msg[n] == ':') {
            struct err named = *err;

            return err_set(err, ERR_CONFIG, "%s%s", names[i].name, named.msg + n);
        }
    }
    return false;
}

static bool env_tenant(struct settings *s, struct err *err)
{
    const struct config *c = s->config;
    struct tenant_settings *t = settings_alloc(s, sizeof(*t));
    struct place p = {.s = s, .err = err, .ok = true};

    *t = (struct tenant_settings){.id = STR("default"),
                                  .name = config_str(c, "tenant_name"),
                                  .timezone = config_str(c, "timezone"),
                                  .default_language = config_str(c, "default_language"),
                                  .callback_url = config_str(c, "cmms.callback_url"),
                                  .signing_secret = config_str(c, "cmms.signing_secret"),
                                  .signing_secret_previous =
                                      config_str(c, "cmms.signing_secret_previous"),
                                  .broadcast_confirm_above = 200,
                                  .alert_every_s = ALERT_EVERY_S,
                                  .alert_queue_age_s = ALERT_QUEUE_AGE_S,
                                  .alert_silence_s = ALERT_SILENCE_S};
    t->senders = settings_alloc(s, 2 * sizeof(*t->senders));
    env_meta(s, t);
    env_twilio(s, t);
    for (size_t i = 0; i < t->nsenders; i++) {
        if (!check_env_sender(s, &t->senders[i], err)) {
            return false;
        }
    }
    s->tenants = t;
    s->ntenants = 1;
    return check_tenant(&p, t);
}

static bool twice(struct settings *s, struct err *err)
{
    for (size_t i = 0; i < s->ntenants; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(s->tenants[i].id, s->tenants[k].id)) {
                return err_set(err, ERR_CONFIG, "tenants[%zu].id: another tenant has it", i), true;
            }
        }
    }
    return false;
}

bool settings_read_tenants(struct settings *s, struct err *err)
{
    const struct json *list = config_own(s->config, "tenants");

    if (list == NULL) {
        return env_tenant(s, err);
    }
    if (json_kind(list) != JSON_ARRAY || json_len(list) == 0 || json_len(list) > TENANTS_MAX) {
        return err_set(err, ERR_CONFIG, "tenants: it is not a list of 1 to %d tenants",
                       TENANTS_MAX);
    }
    s->tenants = settings_alloc(s, json_len(list) * sizeof(*s->tenants));
    for (size_t i = 0; i < json_len(list); i++) {
        struct place p = {.s = s, .j = json_at(list, i), .err = err, .ok = true};

        snprintf(p.at, sizeof(p.at), "tenants[%zu]", i);
        if (json_kind(p.j) != JSON_OBJECT) {
            return err_set(err, ERR_CONFIG, "%s: it is not an object", p.at);
        }
        if (!read_tenant(&p, &s->tenants[s->ntenants++])) {
            return false;
        }
    }
    return !twice(s, err);
}

/* ---- reload: secrets and rates of what was there before ---- */

static void reload_sender(struct sender *to, const struct sender *from)
{
    to->access_token = from->access_token;
    to->verify_token = from->verify_token;
    to->app_secret = from->app_secret;
    to->app_secret_previous = from->app_secret_previous;
    to->auth_token = from->auth_token;
    to->auth_token_previous = from->auth_token_previous;
    to->rate_per_second = from->rate_per_second;
    to->burst = from->burst;
    to->pair_interval_ms = from->pair_interval_ms;
    to->pair_burst = from->pair_burst;
}

void settings_reload_tenants(struct settings *s, const struct settings *fresh, struct buf *kept)
{
    if (s->ntenants != fresh->ntenants) {
        buf_addf(kept, "%stenants", kept->n > 0 ? ", " : "");
    }
    for (size_t i = 0; i < s->ntenants; i++) {
        const struct tenant_settings *now = settings_tenant(fresh, s->tenants[i].id);

        if (now == NULL) {
            continue;
        }
        s->tenants[i].signing_secret = now->signing_secret;
        s->tenants[i].signing_secret_previous = now->signing_secret_previous;
        for (size_t k = 0; k < s->tenants[i].nsenders; k++) {
            const struct sender *one = tenant_sender(now, s->tenants[i].senders[k].id);

            if (one != NULL && one->provider == s->tenants[i].senders[k].provider) {
                reload_sender(&s->tenants[i].senders[k], one);
            }
        }
    }
}
