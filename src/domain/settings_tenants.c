/*
 * settings_tenants: the tenants: from "tenants" of the file, or from the environment alone: then
 * there is one, "default".
 */
#include "base/mem.h"
#include "domain/i18n.h"
#include "net/http_client.h"
#include "settings_int.h"
#include "store/commit.h"

#include <stdio.h>

#define TENANTS_MAX         1000
#define ALERT_USERS_MAX     16
#define ALERT_EVERY_S       15
#define ALERT_QUEUE_AGE_S   120
#define ALERT_SILENCE_S     900
#define CHECKLIST_OVERDUE_S 3600

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
        return place_wrong(
            p, "id",
            "it is not 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit");
    }
    if (!timezone_ok(t->timezone)) {
        return place_wrong(p, "timezone", "it is no time zone, as in Europe/Madrid");
    }
    if (t->callback_url.n > 0 &&
        !http_url_check(t->callback_url, !p->s->allow_private_callbacks, &why)) {
        return place_wrong(p, "cmms.callback_url", why.msg);
    }
    if (!secret_ok(t->signing_secret) || !secret_ok(t->signing_secret_previous)) {
        return place_wrong(p, "cmms.signing_secret",
                           "it is not \"whsec_\" and at least 16 bytes in base64");
    }
    return t->callback_url.n == 0 || t->signing_secret.n > 0 ||
           place_wrong(p, "cmms.signing_secret", "callbacks are signed: a callback URL needs it");
}

static bool read_events(struct place *p, enum status_events *out)
{
    struct str word = place_text(p, "message_status_events", 20);

    *out = str_eqz(word, "all")    ? STATUS_EVENTS_ALL
           : str_eqz(word, "none") ? STATUS_EVENTS_NONE
                                   : STATUS_EVENTS_FAILURES;
    return word.n == 0 || str_eqz(word, "all") || str_eqz(word, "none") ||
           str_eqz(word, "failures") ||
           place_wrong(p, "message_status_events", "it is not all, failures or none");
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
    if (json_kind(p.j) != JSON_OBJECT) {
        return place_wrong(tenant, "cmms", "it is not an object");
    }
    place_unknown(&p, known);
    t->callback_url = place_text(&p, "callback_url", 1000);
    t->signing_secret = place_secret(&p, "signing_secret");
    t->signing_secret_previous = place_secret(&p, "signing_secret_previous");
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
    if (json_kind(p.j) != JSON_OBJECT) {
        return place_wrong(tenant, "alerts", "it is not an object");
    }
    place_unknown(&p, known);
    t->alert_users = json_get(p.j, "users");
    if (!alert_users_ok(t->alert_users)) {
        place_wrong(&p, "users", "it is not a list of at most 16 ids of people");
    }
    t->alert_every_s = place_number(&p, "every_s", 1, 3600, ALERT_EVERY_S);
    t->alert_queue_age_s = place_number(&p, "queue_age_s", 1, 86400, ALERT_QUEUE_AGE_S);
    t->alert_silence_s = place_number(&p, "webhook_silence_s", 0, 86400 * 7, ALERT_SILENCE_S);
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
                                        "failover",
                                        "channels",
                                        "broadcast_confirm_above",
                                        "require_code",
                                        "thresholds",
                                        "ladder",
                                        "reminders",
                                        "onboarding",
                                        "checklist_overdue_after_s",
                                        "teams",
                                        NULL};
    const struct config *c = p->s->config;

    place_unknown(p, known);
    *t = (struct tenant_settings){.id = place_text(p, "id", TENANT_ID_MAX),
                                  .name = place_text(p, "name", 200)};
    t->timezone = place_text(p, "timezone", 64);
    t->default_language = place_text(p, "default_language", 16);
    if (t->name.n == 0) {
        t->name = t->id;
    }
    if (t->timezone.n == 0) {
        t->timezone = config_str(c, "timezone");
    }
    if (t->default_language.n == 0) {
        t->default_language = config_str(c, "default_language");
    }
    t->broadcast_confirm_above = place_number(p, "broadcast_confirm_above", 0, 1000000000, 200);
    t->checklist_overdue_after_ms =
        1000 * place_number(p, "checklist_overdue_after_s", 0, 86400 * 30, CHECKLIST_OVERDUE_S);
    t->require_code = place_bool(p, "require_code");
    return p->ok && read_events(p, &t->message_status_events) && read_cmms(p, t) &&
           settings_read_senders(p, t) && settings_read_failover(p, t) && read_alerts(p, t) &&
           settings_read_notices(p, t) && settings_read_ladder(p, t) && settings_read_teams(p, t) &&
           check_tenant(p, t);
}

/* ---- without a file: one tenant from the environment ---- */

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
                                  .checklist_overdue_after_ms = 1000 * CHECKLIST_OVERDUE_S,
                                  .alert_every_s = ALERT_EVERY_S,
                                  .alert_queue_age_s = ALERT_QUEUE_AGE_S,
                                  .alert_silence_s = ALERT_SILENCE_S};
    if (!settings_env_senders(s, t, err) || !settings_read_failover(&p, t) ||
        !settings_read_notices(&p, t)) {
        return false;
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

/* One more text that webhooks are compared with. False: there are too many of them. */
static bool count_secret(struct str list[WEBHOOK_SECRETS_MAX], size_t *n, struct str secret)
{
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(list[i], secret)) {
            return true;
        }
    }
    if (secret.n > 0 && *n < WEBHOOK_SECRETS_MAX) {
        list[*n] = secret;
    }
    return secret.n == 0 || ++*n <= WEBHOOK_SECRETS_MAX;
}

/*
 * Whose secret a webhook of Meta's is signed with is not known before it is read, so each is
 * compared with all of them, byte by byte: one too many would be refused for ever, unheard.
 */
static bool few_secrets(const struct settings *s, struct err *err)
{
    struct str secrets[WEBHOOK_SECRETS_MAX], tokens[WEBHOOK_SECRETS_MAX];
    size_t nsecrets = 0, ntokens = 0;

    for (size_t t = 0; t < s->ntenants; t++) {
        for (size_t i = 0; i < s->tenants[t].nsenders; i++) {
            const struct sender *one = &s->tenants[t].senders[i];
            bool meta = one->provider == PROVIDER_META;

            if (meta && (!count_secret(secrets, &nsecrets, one->app_secret) ||
                         !count_secret(secrets, &nsecrets, one->app_secret_previous))) {
                return err_set(err, ERR_CONFIG,
                               "tenants[%zu].senders[%zu].app_secret: there are more than %d "
                               "different ones of Meta's apps, the previous ones counted",
                               t, i, WEBHOOK_SECRETS_MAX);
            }
            if (meta && !count_secret(tokens, &ntokens, one->verify_token)) {
                return err_set(err, ERR_CONFIG,
                               "tenants[%zu].senders[%zu].verify_token: there are more than %d "
                               "different ones",
                               t, i, WEBHOOK_SECRETS_MAX);
            }
        }
    }
    return true;
}

static bool one_number(const struct sender *a, const struct sender *b)
{
    return a->provider == b->provider &&
           (a->provider == PROVIDER_META
                ? str_eq(a->phone_number_id, b->phone_number_id)
                : str_eq(a->account_sid, b->account_sid) && str_eq(a->number, b->number));
}

/* Whatever comes to a number goes to one sender of one tenant: of two the other would hear nothing,
 * and its people's words and numbers would be another's. */
static bool number_twice(const struct settings *s, struct err *err)
{
    const struct sender *mine, *other;
    const struct tenant_settings *owner;

    for (size_t i = 0; i < s->ntenants; i++) {
        for (size_t k = 0; k < s->tenants[i].nsenders; k++) {
            mine = &s->tenants[i].senders[k];
            other = mine->provider == PROVIDER_META
                        ? settings_sender_meta(s, mine->phone_number_id, &owner)
                        : settings_sender_twilio(s, mine->account_sid, mine->number, &owner);
            if (other != NULL && other != mine && one_number(mine, other)) {
                return err_set(err, ERR_CONFIG,
                               "tenants[%zu].senders[%zu].%s: sender \"%.*s\" of tenant "
                               "\"%.*s\" has that number",
                               i, k, mine->provider == PROVIDER_META ? "phone_number_id" : "number",
                               STR_ARG(other->id), STR_ARG(owner->id)),
                       true;
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
    return !twice(s, err) && few_secrets(s, err) && !number_twice(s, err);
}

/* What of a tenant stays until a restart, as it stands in both. */
static void tell_kept(const struct tenant_settings *t, const struct tenant_settings *now,
                      struct buf *kept)
{
    const struct {
        const char *name;
        bool same;
    } members[] = {
        {"name", str_eq(t->name, now->name)},
        {"timezone", str_eq(t->timezone, now->timezone)},
        {"default_language", str_eq(t->default_language, now->default_language)},
        {"cmms.callback_url", str_eq(t->callback_url, now->callback_url)},
        {"message_status_events", t->message_status_events == now->message_status_events},
        {"alerts", t->alert_every_s == now->alert_every_s &&
                       t->alert_queue_age_s == now->alert_queue_age_s &&
                       t->alert_silence_s == now->alert_silence_s &&
                       json_eq(t->alert_users, now->alert_users)},
        {"broadcast_confirm_above", t->broadcast_confirm_above == now->broadcast_confirm_above},
        {"require_code", t->require_code == now->require_code},
        {"checklist_overdue_after_s",
         t->checklist_overdue_after_ms == now->checklist_overdue_after_ms},
    };

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!members[i].same) {
            buf_addf(kept, "%stenants.%.*s.%s", kept->n > 0 ? ", " : "", STR_ARG(t->id),
                     members[i].name);
        }
    }
}

void settings_reload_tenants(struct settings *s, const struct settings *fresh, struct buf *kept)
{
    const bool listed = config_own(s->config, "tenants") != NULL; /* else settings.c tells its rows */
    size_t same = 0;

    for (size_t i = 0; i < s->ntenants; i++) {
        same += settings_tenant(fresh, s->tenants[i].id) != NULL;
    }
    if (same != s->ntenants || same != fresh->ntenants) {
        buf_addf(kept, "%stenants", kept->n > 0 ? ", " : "");
    }
    for (size_t i = 0; i < s->ntenants; i++) {
        const struct tenant_settings *now = settings_tenant(fresh, s->tenants[i].id);

        if (now == NULL) {
            continue;
        }
        if (listed) {
            tell_kept(&s->tenants[i], now, kept);
        }
        s->tenants[i].signing_secret = now->signing_secret;
        s->tenants[i].signing_secret_previous = now->signing_secret_previous;
        settings_reload_senders(&s->tenants[i], now, kept);
        settings_reload_failover(&s->tenants[i], now);
        settings_reload_ladder(&s->tenants[i], now);
        settings_reload_notices(&s->tenants[i], now);
        settings_reload_teams(&s->tenants[i], now);
    }
}
