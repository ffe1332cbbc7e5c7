/*
 * settings_failover: `failover` and `channels` of a tenant: when the next sender is used, and for
 * which classes an SMS is the last way.
 */
#include "domain/user.h"
#include "settings_int.h"

#include <stdio.h>

#define PAUSED_AFTER_MS   10000
#define CRITICAL_AFTER_MS 60000
#define AFTER_MS_MAX      86400000

static struct place inner(const struct place *tenant, const char *name)
{
    struct place p = *tenant;

    p.j = json_get(tenant->j, name);
    snprintf(p.at, sizeof(p.at), "%.100s.%s", tenant->at, name);
    if (p.j != NULL && json_kind(p.j) != JSON_OBJECT) {
        snprintf(p.at, sizeof(p.at), "%s", tenant->at);
        place_wrong(&p, name, "it is not an object");
    }
    return p;
}

static bool read_failover(struct place *tenant, struct tenant_settings *t)
{
    static const char *const known[] = {"paused_after_ms", "critical_after_ms", NULL};
    struct place p = inner(tenant, "failover");

    place_unknown(&p, known);
    t->failover_paused_after_ms =
        place_number(&p, "paused_after_ms", 0, AFTER_MS_MAX, PAUSED_AFTER_MS);
    t->failover_critical_after_ms =
        place_number(&p, "critical_after_ms", 0, AFTER_MS_MAX, CRITICAL_AFTER_MS);
    return tenant->ok = p.ok;
}

static bool sends_sms(const struct tenant_settings *t)
{
    for (size_t i = 0; i < t->nsenders; i++) {
        if (t->senders[i].sms_from.n > 0) {
            return true;
        }
    }
    return false;
}

/* ["whatsapp"] or ["whatsapp","sms"]: there is nothing before WhatsApp. */
static bool read_channel_list(struct place *p, struct str name, const struct json *list,
                              struct tenant_settings *t)
{
    static const char *const words[] = {"whatsapp", "sms"};
    size_t n = json_len(list);
    bool ok = json_kind(list) == JSON_ARRAY && n >= 1 && n <= ARRAY_LEN(words);
    enum user_class cls;
    char key[64];

    snprintf(key, sizeof(key), "%.*s", STR_ARG(str_slice(name, 0, 60)));
    for (size_t i = 0; ok && i < n; i++) {
        ok = str_eqz(json_str(json_at(list, i)), words[i]);
    }
    if (!ok) {
        return place_wrong(p, key, "it is neither [\"whatsapp\"] nor [\"whatsapp\",\"sms\"]");
    }
    if (!user_class_parse(name, &cls)) {
        return place_wrong(p, key, "there is no such class of messages");
    }
    if (n == ARRAY_LEN(words)) {
        t->sms_classes |= 1u << cls;
    }
    return t->sms_classes == 0 || sends_sms(t) ||
           place_wrong(p, key, "SMS need a Twilio sender with sms_from");
}

static bool read_channels(struct place *tenant, struct tenant_settings *t)
{
    struct place p = inner(tenant, "channels");

    for (size_t i = 0; p.ok && i < json_len(p.j); i++) {
        struct str name;
        const struct json *list = json_member_at(p.j, i, &name);

        if (!str_starts(name, STR("//"))) {
            read_channel_list(&p, name, list, t);
        }
    }
    return tenant->ok = p.ok;
}

bool settings_read_failover(struct place *tenant, struct tenant_settings *t)
{
    return read_failover(tenant, t) && read_channels(tenant, t);
}

void settings_reload_failover(struct tenant_settings *to, const struct tenant_settings *from)
{
    to->failover_paused_after_ms = from->failover_paused_after_ms;
    to->failover_critical_after_ms = from->failover_critical_after_ms;
    to->sms_classes = from->sms_classes;
}
