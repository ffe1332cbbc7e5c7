/*
 * tenant: a tenant at work: its settings and its vault. Made at start by jobs/engine; lives as
 * long.
 */
#ifndef CREWLINE_DOMAIN_TENANT_H
#define CREWLINE_DOMAIN_TENANT_H

#include "domain/i18n.h"
#include "domain/settings.h"
#include "domain/template.h"
#include "domain/vault.h"

struct tenant {
    const struct tenant_settings *conf;
    struct str id;
    struct vault *vault;
    const struct settings *settings;
    const struct i18n *i18n;
    const struct templates *templates;
    bool cmms_away; /* it takes no events just now: what is booked for it waits until it is back */
};

#endif
