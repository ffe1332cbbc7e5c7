/*
 * settings_int: between settings.c (the table, the process) and settings_tenants.c (tenants and
 * senders). struct settings is the first member, so its address is that of the whole.
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

bool settings_read_tenants(struct settings *s, struct err *err);
void settings_reload_tenants(struct settings *s, const struct settings *fresh, struct buf *kept);

#endif
