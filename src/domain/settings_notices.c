/* settings_notices: `reminders` of a tenant: when people are told by the clock. */
#include "base/mem.h"
#include "settings_int.h"

#include <stdio.h>
#include <string.h>

#define SECONDS_MAX    31536000 /* a year */
#define ONBOARDING_MAX 10

static const int64_t usual_before_s[] = {172800, 7200, 0};
#define USUAL_AFTER_S 86400

static bool take_before(struct place *p, const char *key, const struct json *list,
                        struct tenant_settings *t)
{
    if (json_kind(list) != JSON_ARRAY || json_len(list) > REMINDERS_MAX) {
        return place_wrong(p, key, "it is not a list of at most 16 numbers of seconds");
    }
    t->nremind = 0;
    for (size_t i = 0; i < json_len(list); i++) {
        int64_t s = json_as_int(json_at(list, i), -1);

        if (s < 0 || s > SECONDS_MAX) {
            return place_wrong(p, key,
                               "it holds something that is no number of seconds, 0 to 31536000");
        }
        t->remind_before_ms[t->nremind++] = s * 1000;
    }
    return true;
}

static bool text_item_ok(const struct json *item)
{
    const struct json *many = json_get(item, "texts"), *media = json_get(item, "media");
    struct str name;
    bool ok = json_get(item, "text") == NULL || json_get_str(item, "text").n > 0;

    for (size_t i = 0; ok && i < json_len(many); i++) {
        ok = json_str(json_member_at(many, i, &name)).n > 0;
    }
    if (media != NULL) {
        ok = ok && json_get_str(media, "url").n > 0 && json_get_str(media, "mime").n > 0;
    }
    return ok && (json_get(item, "text") != NULL || json_len(many) > 0 || media != NULL);
}

/* [{"text" or "texts": {"en": …}, "media"?: {url, mime, filename}}, …] */
static bool read_onboarding(struct place *tenant, struct tenant_settings *t)
{
    const struct json *list = json_get(tenant->j, "onboarding");
    bool ok = list == NULL || (json_kind(list) == JSON_ARRAY && json_len(list) <= ONBOARDING_MAX);

    for (size_t i = 0; ok && i < json_len(list); i++) {
        ok = text_item_ok(json_at(list, i));
    }
    t->onboarding = list;
    return ok ||
           place_wrong(tenant, "onboarding",
                       "it is not a list of at most 10 objects with a text, texts by language, "
                       "or media with url and mime");
}

/* [172800, 7200, 0], [] for none at all, or {"before_s": […], "after_s": 86400}. */
bool settings_read_notices(struct place *tenant, struct tenant_settings *t)
{
    static const char *const known[] = {"before_s", "after_s", NULL};
    const struct json *v = json_get(tenant->j, "reminders");
    struct place p = *tenant;

    for (size_t i = 0; i < ARRAY_LEN(usual_before_s); i++) {
        t->remind_before_ms[t->nremind++] = usual_before_s[i] * 1000;
    }
    t->remind_after_ms = (int64_t)USUAL_AFTER_S * 1000;
    if (!read_onboarding(tenant, t) || v == NULL) {
        return tenant->ok;
    }
    if (json_kind(v) == JSON_ARRAY) {
        t->remind_after_ms = json_len(v) > 0 ? t->remind_after_ms : 0;
        return take_before(tenant, "reminders", v, t);
    }
    if (json_kind(v) != JSON_OBJECT) {
        return place_wrong(tenant, "reminders", "it is neither a list of seconds nor an object");
    }
    p.j = v;
    snprintf(p.at, sizeof(p.at), "%.100s.reminders", tenant->at);
    place_unknown(&p, known);
    if (json_get(v, "before_s") != NULL) {
        take_before(&p, "before_s", json_get(v, "before_s"), t);
    }
    t->remind_after_ms = place_number(&p, "after_s", 0, SECONDS_MAX, USUAL_AFTER_S) * 1000;
    return tenant->ok = p.ok;
}

void settings_reload_notices(struct tenant_settings *to, const struct tenant_settings *from)
{
    memcpy(to->remind_before_ms, from->remind_before_ms, sizeof(to->remind_before_ms));
    to->nremind = from->nremind;
    to->remind_after_ms = from->remind_after_ms;
    to->onboarding = from->onboarding;
}
