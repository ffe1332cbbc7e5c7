/*
 * settings_int: between settings.c (the table, the process), settings_tenants.c and
 * settings_senders.c, which read objects of the file through settings_place.c. struct settings is
 * the first member, so its address is that of the whole.
 */
#ifndef CREWLINE_DOMAIN_SETTINGS_INT_H
#define CREWLINE_DOMAIN_SETTINGS_INT_H

#include "base/arena.h"
#include "domain/settings.h"

struct settings_all {
    struct settings s;
    struct arena *texts;           /* what is not in the config itself */
    struct settings_all *replaced; /* loaded by SIGHUP: texts of it are in use */
};

/** Copies that live as long as the settings. */
struct str settings_own(struct settings *s, struct str text);
void *settings_alloc(struct settings *s, size_t bytes);

/* One object of the file, and where it stands, for messages: "tenants[0].senders[1].app_secret". */
struct place {
    struct settings *s;
    const struct json *j;
    char at[160];
    struct err *err;
    bool ok; /* false: *err has the first thing that was wrong */
};

/** Keeps the first complaint about @key; false. */
bool place_wrong(struct place *p, const char *key, const char *why);
struct str place_text(struct place *p, const char *key, size_t max);
/** A text that may be "env:NAME" or "file:/path". */
struct str place_secret(struct place *p, const char *key);
int64_t place_number(struct place *p, const char *key, int64_t min, int64_t max, int64_t otherwise);
bool place_bool(struct place *p, const char *key);
/** Complains about a member that is not among @known (ended by NULL) and no comment. */
void place_unknown(struct place *p, const char *const *known);

bool settings_read_senders(struct place *tenant, struct tenant_settings *t);
bool settings_env_senders(struct settings *s, struct tenant_settings *t, struct err *err);
void settings_reload_senders(struct tenant_settings *to, const struct tenant_settings *from,
                             struct buf *kept);
/** `failover` and `channels`, behind the senders. */
bool settings_read_failover(struct place *tenant, struct tenant_settings *t);
void settings_reload_failover(struct tenant_settings *to, const struct tenant_settings *from);

/** `reminders`: what people are told by the clock. */
bool settings_read_notices(struct place *tenant, struct tenant_settings *t);
void settings_reload_notices(struct tenant_settings *to, const struct tenant_settings *from);
/** `ladder` and `thresholds`. */
bool settings_read_ladder(struct place *tenant, struct tenant_settings *t);
void settings_reload_ladder(struct tenant_settings *to, const struct tenant_settings *from);

/** `teams`: those that talk in a group on WhatsApp; behind the senders. */
bool settings_read_teams(struct place *tenant, struct tenant_settings *t);
void settings_reload_teams(struct tenant_settings *to, const struct tenant_settings *from);

/** `http`: nothing of it changes while running. */
bool settings_read_http(struct settings *s, struct err *err);
bool settings_read_media(struct settings *s, struct err *err);
void settings_reload_media(struct settings *s, const struct settings *now);

bool settings_read_tenants(struct settings *s, struct err *err);
void settings_reload_tenants(struct settings *s, const struct settings *fresh, struct buf *kept);

bool settings_read_assist(struct settings *s, struct err *err);
void settings_reload_assist(struct settings *s, struct settings *fresh);

#endif
