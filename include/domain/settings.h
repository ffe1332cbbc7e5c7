/*
 * settings: what the operator configured: the process, the tenants, their senders. Filled once from
 * base/config (the table of every key is in settings.c) and checked whole before a socket opens; SIGHUP
 * loads a second one and moves what may be reloaded. Owned by main; everybody else borrows it.
 */
#ifndef CREWLINE_DOMAIN_SETTINGS_H
#define CREWLINE_DOMAIN_SETTINGS_H

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "store/store.h"

struct ladder;
struct threshold;

enum provider_kind { PROVIDER_META, PROVIDER_TWILIO };

struct sender {
    struct str id;     /* unique within the tenant: [a-z0-9][a-z0-9_-]{0,31} */
    enum provider_kind provider;
    struct str number; /* E.164 */
    /* Meta */
    struct str phone_number_id, business_account_id, access_token, verify_token;
    struct str app_secret, app_secret_previous;
    /* Twilio */
    struct str account_sid, auth_token, auth_token_previous, messaging_service_sid;
    struct str portfolio; /* whose people of a day it shares; empty: see sender_portfolio() */
    struct str sms_from; /* Twilio: E.164 that SMS come from, or empty: it sends none */
    struct str api_base, api_version, content_base; /* without a slash at the end */
    bool numbered_options; /* Twilio: numbered text instead of Content templates */
    int64_t rate_per_second, burst, reply_reserve, pair_interval_ms, pair_burst, daily_people;
};

enum status_events { STATUS_EVENTS_FAILURES, STATUS_EVENTS_ALL, STATUS_EVENTS_NONE };

/* A team that talks in a group of its own on WhatsApp (domain/team.h). The id holds a phone: private. */
struct team_group {
    struct str team, group, sender;
};

#define WEBHOOK_SECRETS_MAX 32 /* different app secrets, or verify tokens, of all senders */

#define REMINDERS_MAX 16
struct tenant_settings {
    struct str id, name, timezone, default_language;
    struct sender *senders;
    size_t nsenders;
    struct str callback_url, signing_secret, signing_secret_previous; /* whsec_… or empty */
    enum status_events message_status_events;
    int64_t broadcast_confirm_above;
    bool require_code; /* known but unverified people must verify with the code */
    /* alarms: whom to tell by message (ids of people, or NULL); 0: never */
    const struct json *alert_users;
    int64_t alert_every_s, alert_queue_age_s, alert_silence_s;
    /* failover: how long a sender may be paused, a critical message undelivered; 0: for ever */
    int64_t failover_paused_after_ms, failover_critical_after_ms;
    unsigned sms_classes; /* bits of enum user_class: critical messages of these end as an SMS */
    struct threshold *thresholds;
    size_t nthresholds;
    struct ladder *ladder; /* or NULL: the built-in one */
    /* reminders of orders: so long before they are due, and so often after it (0: not at all) */
    int64_t remind_before_ms[REMINDERS_MAX], remind_after_ms;
    size_t nremind;
    const struct json *onboarding; /* list of what a new person is told, or NULL */
    int64_t checklist_overdue_after_ms; /* after it was due, a round is told to the supervisor */
    struct team_group *groups;
    size_t ngroups;
};

#define CALLBACK_SCHEDULE_MAX 16
struct settings {
    struct config *config; /* owns the texts below */
    const struct json *listen; /* list of "host:port" */
    struct str public_url;     /* without a slash at the end */
    struct str data_dir, config_dir, redis_url; /* redis_url empty: the private one */
    enum store_durability durability;
    int64_t replicas; /* that must have what is accepted */
    struct str tls_cert, tls_key, ca_file, bootstrap_key;
    const struct json *trusted_proxies; /* list, or NULL */
    uint8_t master_key[32], master_key_previous[32];
    bool has_master_key, has_master_key_previous;
    bool allow_private_callbacks;
    enum log_level log_level;
    enum log_format log_format;
    int64_t retention_days;
    int64_t send_timeout_ms, lease_ms, uncertain_hold_ms, uncertain_hold_critical_ms;
    int64_t max_sends_normal, max_sends_critical, max_sends_code;
    int64_t callback_timeout_ms, callback_schedule_ms[CALLBACK_SCHEDULE_MAX];
    size_t ncallback_schedule;
    /* limits of DESIGN section 6, "HTTP in" */
    int64_t http_header_bytes, http_header_fields, http_header_timeout_ms, http_idle_timeout_ms;
    int64_t http_body_min_bytes_s, http_connections, http_connections_per_address;
    int64_t http_body_bytes_total, http_body_bytes_per_address;
    /* files that people send */
    int64_t media_bytes, media_kind_bytes[4]; /* at most; of each enum media_kind */
    int64_t media_quota_bytes, media_retention_days, media_fetches, media_fetch_timeout_ms;
    int64_t media_retry_for_s, media_link_s;
    struct str translate_url, translate_api_key; /* without a slash at the end; empty: off */
    bool translate_apertium;                     /* else LibreTranslate */
    int64_t translate_timeout_ms, translate_cache_days;
    struct str s3_endpoint, s3_bucket, s3_region, s3_key, s3_secret, s3_prefix; /* bucket empty: the disk */
    /* the helpers of domain/assist.h; an empty address: there is none */
    struct str assist_chat_url, assist_chat_key, assist_chat_model;
    struct str assist_speech_url, assist_speech_key, assist_speech_model;
    int64_t assist_timeout_ms;
    int64_t http_webhook_bytes, http_api_bytes, http_upload_bytes, http_stop_delay_ms;
    struct tenant_settings *tenants;
    size_t ntenants;
};

/** ERR_CONFIG with place, key and reason. Without a file there is one tenant, "default". */
bool settings_load(const struct config_sources *from, struct settings **out, struct err *err);
void settings_free(struct settings **owner);
/** Moves what may change while running from @fresh to @s; names in @kept what needs a restart. */
void settings_reload(struct settings *s, struct settings **fresh, struct buf *kept);
/** Makes or reads the master key in the data directory (mode 0600); a line to log when it was made. */
bool settings_master_key(struct settings *s, struct buf *notice, struct err *err);

const struct tenant_settings *settings_tenant(const struct settings *s, struct str id);
const struct sender *tenant_sender(const struct tenant_settings *t, struct str id);
/** Its own, else that of its business account, else itself. */
struct str sender_portfolio(const struct sender *s);
/** People a day of the whole portfolio: the least that a sender of it states; 0: none does. */
int64_t tenant_portfolio_people(const struct tenant_settings *t, struct str portfolio);
/** The group of a team; NULL: it has none. */
const struct team_group *tenant_team_group(const struct tenant_settings *t, struct str team);
/** The same by its id, as said to @sender; NULL: no team of ours talks there. */
const struct team_group *tenant_group(const struct tenant_settings *t, struct str sender, struct str group);
/**
 * The number a message goes out by, the one rule for all of them: the sender @wanted by whoever sends it,
 * else the one the person wrote to last (user.sender: his window is open there), else the first configured;
 * an id that is no sender (any more) counts as none. Either may be empty. NULL: the tenant has no sender.
 */
const struct sender *tenant_sender_for(const struct tenant_settings *t, struct str wanted,
                                       struct str spoken_to);
/** A webhook's sender: Meta by phone number id, Twilio by account sid and number (E.164). NULL: nobody's. */
const struct sender *settings_sender_meta(const struct settings *s, struct str phone_number_id,
                                          const struct tenant_settings **tenant);
const struct sender *settings_sender_meta_account(const struct settings *s, struct str waba_id,
                                                  const struct tenant_settings **tenant);
const struct sender *settings_sender_twilio(const struct settings *s, struct str account_sid,
                                            struct str number, const struct tenant_settings **tenant);
struct rate;
void sender_rate(const struct sender *sender, struct rate *out);
/** Every row of the table for `--help`, the examples and the tests that compare them. */
const struct config_row *settings_rows(size_t *n);

#endif
