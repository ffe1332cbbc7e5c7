/*
 * settings_senders: the numbers a tenant speaks with: from "senders" of the file, from the older
 * "WhatsApp" block (Enabled, TwilioAccountSid, TwilioAuthToken, FromNumber), or from the
 * environment.
 */
#include "settings_int.h"
#include "store/commit.h"

#include <stdio.h>
#include <string.h>

#define SENDERS_MAX 64
#define TWILIO_SANDBOX_NUMBER \
    "+14155238886" /* shared by all trial accounts: one message a second */

static const char *const sender_keys[] = {"id",
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
                                          "sms_from",
                                          "api_base",
                                          "api_version",
                                          "content_base",
                                          "numbered_options",
                                          "rate_per_second",
                                          "burst",
                                          "reply_reserve",
                                          "pair_interval_ms",
                                          "pair_burst",
                                          "daily_people",
                                          "portfolio",
                                          NULL};

static int64_t default_burst(int64_t rate)
{
    int64_t burst = rate / 20; /* 5 % */

    return burst < 1 ? 1 : burst;
}

/* A burst of one has nothing to spare. */
static int64_t default_reserve(int64_t burst)
{
    int64_t reserve = burst / 4 > 1 ? burst / 4 : 1;

    return burst > 1 ? reserve : 0;
}

static bool check_sender(struct place *p, struct sender *s)
{
    if (s->reply_reserve >= s->burst) {
        return place_wrong(p, "reply_reserve", "it is not less than the burst");
    }
    if (s->number.n > 0 && !str_is_e164(s->number)) {
        return place_wrong(p, "number", "it is not E.164, as in +12025550100");
    }
    if (str_find_char(s->business_account_id, '|', 0) != SIZE_MAX ||
        str_find_char(s->business_account_id, '\n', 0) != SIZE_MAX) {
        return place_wrong(p, "business_account_id", "it is no id of Meta's");
    }
    if (s->portfolio.n > 0 && !store_tenant_id_ok(s->portfolio)) {
        return place_wrong(p, "portfolio", "it is not of a-z, 0-9, '-' and '_'");
    }
    if (s->sms_from.n > 0 && (s->provider != PROVIDER_TWILIO || !str_is_e164(s->sms_from))) {
        return place_wrong(p, "sms_from",
                           "it is not an E.164 number of Twilio, as in +12025550100");
    }
    if (s->provider == PROVIDER_META) {
        if (s->phone_number_id.n == 0) {
            return place_wrong(p, "phone_number_id", "Meta needs it");
        }
        if (s->access_token.n == 0) {
            return place_wrong(p, "access_token", "Meta needs it");
        }
        return s->app_secret.n > 0 ||
               place_wrong(p, "app_secret",
                           "Meta cannot be enabled without it: webhooks could not be verified");
    }
    if (s->account_sid.n == 0) {
        return place_wrong(p, "account_sid", "Twilio needs it");
    }
    if (s->auth_token.n == 0) {
        return place_wrong(p, "auth_token",
                           "Twilio needs it: without it webhooks cannot be verified");
    }
    return s->number.n > 0 || place_wrong(p, "number", "Twilio needs it");
}

static struct str base_url(struct place *p, const char *key, struct str otherwise)
{
    struct str url = place_text(p, key, 500);

    if (url.n == 0) {
        url = otherwise;
    }
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    if (p->ok && !str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
        place_wrong(p, key, "it does not begin with http:// or https://");
    }
    return url;
}

/* Who we are at the provider, and what proves it. */
static void read_account(struct place *p, struct sender *s)
{
    s->number = place_text(p, "number", 20);
    s->phone_number_id = place_text(p, "phone_number_id", 64);
    s->business_account_id = place_text(p, "business_account_id", 64);
    s->access_token = place_secret(p, "access_token");
    s->verify_token = place_secret(p, "verify_token");
    s->app_secret = place_secret(p, "app_secret");
    s->app_secret_previous = place_secret(p, "app_secret_previous");
    s->account_sid = place_text(p, "account_sid", 64);
    s->auth_token = place_secret(p, "auth_token");
    s->auth_token_previous = place_secret(p, "auth_token_previous");
    s->messaging_service_sid = place_text(p, "messaging_service_sid", 64);
    s->sms_from = place_text(p, "sms_from", 20);
}

static void read_addresses(struct place *p, struct sender *s)
{
    const struct config *c = p->s->config;
    bool meta = s->provider == PROVIDER_META;

    s->api_base =
        base_url(p, "api_base", config_str(c, meta ? "whatsapp.api_base" : "twilio.api_base"));
    s->content_base = base_url(p, "content_base", config_str(c, "twilio.content_base"));
    s->api_version = place_text(p, "api_version", 20);
    if (s->api_version.n == 0) {
        s->api_version = config_str(c, "whatsapp.api_version");
    }
}

static void read_pace(struct place *p, struct sender *s)
{
    bool slow = s->provider == PROVIDER_TWILIO && str_eqz(s->number, TWILIO_SANDBOX_NUMBER);

    s->rate_per_second = place_number(p, "rate_per_second", 0, 100000, slow ? 1 : 80);
    s->burst = place_number(p, "burst", 1, 100000, default_burst(s->rate_per_second));
    s->reply_reserve = place_number(p, "reply_reserve", 0, 99999, default_reserve(s->burst));
    s->pair_interval_ms = place_number(p, "pair_interval_ms", 0, 3600000, 6000);
    s->pair_burst = place_number(p, "pair_burst", 1, 1000, 45);
    s->daily_people = place_number(p, "daily_people", 0, 1000000000, 0);
    s->portfolio = place_text(p, "portfolio", 64);
}

static bool read_sender(struct place *p, struct sender *s)
{
    struct str provider = place_text(p, "provider", 20);
    bool meta = str_eqz(provider, "meta");

    place_unknown(p, sender_keys);
    if (!meta && !str_eqz(provider, "twilio")) {
        return place_wrong(p, "provider", "it is neither \"meta\" nor \"twilio\"");
    }
    *s = (struct sender){.id = place_text(p, "id", 32),
                         .provider = meta ? PROVIDER_META : PROVIDER_TWILIO};
    if (!store_tenant_id_ok(s->id) || s->id.n > 32) {
        return place_wrong(p, "id", "it is not 1 to 32 of a-z, 0-9, '-' and '_'");
    }
    read_account(p, s);
    read_addresses(p, s);
    s->numbered_options = place_bool(p, "numbered_options");
    read_pace(p, s);
    return p->ok && check_sender(p, s);
}

bool settings_read_senders(struct place *tenant, struct tenant_settings *t)
{
    const struct json *list = json_get(tenant->j, "senders");

    if (list != NULL && (json_kind(list) != JSON_ARRAY || json_len(list) > SENDERS_MAX)) {
        return place_wrong(tenant, "senders", "it is not a list of at most 64 senders");
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
                return place_wrong(&p, "id", "another sender has it");
            }
        }
        t->nsenders++;
    }
    return true;
}

/* ---- without a file: from the environment ---- */

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
                         .reply_reserve = default_reserve(default_burst(rate)),
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
    w->reply_reserve = default_reserve(w->burst);
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

bool settings_env_senders(struct settings *s, struct tenant_settings *t, struct err *err)
{
    t->senders = settings_alloc(s, 2 * sizeof(*t->senders));
    env_meta(s, t);
    env_twilio(s, t);
    for (size_t i = 0; i < t->nsenders; i++) {
        if (!check_env_sender(s, &t->senders[i], err)) {
            return false;
        }
    }
    return true;
}

/* ---- reload: secrets, rates and the number of its SMS, of what was there before ---- */

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
    to->reply_reserve = from->reply_reserve;
    to->pair_interval_ms = from->pair_interval_ms;
    to->pair_burst = from->pair_burst;
    to->daily_people = from->daily_people;
    to->sms_from = from->sms_from;
}

/* Who it is at the provider, and where that is, stays until a restart. */
static bool same_account(const struct sender *a, const struct sender *b)
{
    return a->provider == b->provider && str_eq(a->number, b->number) &&
           str_eq(a->phone_number_id, b->phone_number_id) &&
           str_eq(a->business_account_id, b->business_account_id) &&
           str_eq(a->account_sid, b->account_sid) &&
           str_eq(a->messaging_service_sid, b->messaging_service_sid) &&
           str_eq(a->portfolio, b->portfolio) && str_eq(a->api_base, b->api_base) &&
           str_eq(a->api_version, b->api_version) && str_eq(a->content_base, b->content_base) &&
           a->numbered_options == b->numbered_options;
}

void settings_reload_senders(struct tenant_settings *to, const struct tenant_settings *from,
                             struct buf *kept)
{
    size_t same = 0;

    for (size_t k = 0; k < to->nsenders; k++) {
        const struct sender *one = tenant_sender(from, to->senders[k].id);

        if (one != NULL && one->provider == to->senders[k].provider) {
            same += same_account(&to->senders[k], one);
            reload_sender(&to->senders[k], one);
        }
    }
    if (same != to->nsenders || same != from->nsenders) {
        buf_addf(kept, "%ssenders of %.*s", kept->n > 0 ? ", " : "", STR_ARG(to->id));
    }
}
