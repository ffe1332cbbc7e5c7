/* settings_find: whose number is that? Look-ups of tenants and senders. */
#include "settings_int.h"
#include "store/commit.h"

const struct tenant_settings *settings_tenant(const struct settings *s, struct str id)
{
    for (size_t i = 0; i < s->ntenants; i++) {
        if (str_eq(s->tenants[i].id, id)) {
            return &s->tenants[i];
        }
    }
    return NULL;
}

const struct sender *tenant_sender(const struct tenant_settings *t, struct str id)
{
    for (size_t i = 0; i < t->nsenders; i++) {
        if (str_eq(t->senders[i].id, id)) {
            return &t->senders[i];
        }
    }
    return NULL;
}

struct str sender_portfolio(const struct sender *s)
{
    return s->portfolio.n > 0             ? s->portfolio
           : s->business_account_id.n > 0 ? s->business_account_id
                                          : s->id;
}

int64_t tenant_portfolio_people(const struct tenant_settings *t, struct str portfolio)
{
    int64_t least = 0;

    for (size_t i = 0; i < t->nsenders; i++) {
        int64_t own = t->senders[i].daily_people;

        if (own > 0 && (least == 0 || own < least) &&
            str_eq(sender_portfolio(&t->senders[i]), portfolio)) {
            least = own;
        }
    }
    return least;
}

const struct sender *tenant_sender_for(const struct tenant_settings *t, struct str wanted,
                                       struct str spoken_to)
{
    const struct sender *s = wanted.n > 0 ? tenant_sender(t, wanted) : NULL;

    if (s == NULL && spoken_to.n > 0) {
        s = tenant_sender(t, spoken_to);
    }
    return s != NULL || t->nsenders == 0 ? s : &t->senders[0];
}

typedef bool sender_test(const struct sender *s, struct str a, struct str b);

static const struct sender *find(const struct settings *s, sender_test *fits, struct str a,
                                 struct str b, const struct tenant_settings **tenant)
{
    for (size_t i = 0; i < s->ntenants && a.n > 0; i++) {
        for (size_t k = 0; k < s->tenants[i].nsenders; k++) {
            if (fits(&s->tenants[i].senders[k], a, b)) {
                *tenant = &s->tenants[i];
                return &s->tenants[i].senders[k];
            }
        }
    }
    return NULL;
}

const struct team_group *tenant_team_group(const struct tenant_settings *t, struct str team)
{
    for (size_t i = 0; i < t->ngroups; i++) {
        if (str_eq(t->groups[i].team, team)) {
            return &t->groups[i];
        }
    }
    return NULL;
}

const struct team_group *tenant_group(const struct tenant_settings *t, struct str sender,
                                      struct str group)
{
    for (size_t i = 0; i < t->ngroups; i++) {
        if (str_eq(t->groups[i].group, group) && str_eq(t->groups[i].sender, sender)) {
            return &t->groups[i];
        }
    }
    return NULL;
}

static bool is_meta(const struct sender *s, struct str id, struct str unused)
{
    (void)unused;
    return s->provider == PROVIDER_META && str_eq(s->phone_number_id, id);
}

static bool is_meta_account(const struct sender *s, struct str waba, struct str unused)
{
    (void)unused;
    return s->provider == PROVIDER_META && str_eq(s->business_account_id, waba);
}

static bool is_twilio(const struct sender *s, struct str sid, struct str number)
{
    return s->provider == PROVIDER_TWILIO && str_eq(s->account_sid, sid) &&
           (str_eq(s->number, number) || (s->sms_from.n > 0 && str_eq(s->sms_from, number)));
}

const struct sender *settings_sender_meta(const struct settings *s, struct str phone_number_id,
                                          const struct tenant_settings **tenant)
{
    return find(s, is_meta, phone_number_id, STR_NONE, tenant);
}

const struct sender *settings_sender_meta_account(const struct settings *s, struct str waba_id,
                                                  const struct tenant_settings **tenant)
{
    return find(s, is_meta_account, waba_id, STR_NONE, tenant);
}

const struct sender *settings_sender_twilio(const struct settings *s, struct str account_sid,
                                            struct str number_,
                                            const struct tenant_settings **tenant)
{
    return find(s, is_twilio, account_sid, number_, tenant);
}

void sender_rate(const struct sender *sender, struct rate *out)
{
    *out = (struct rate){.interval_us =
                             sender->rate_per_second > 0 ? 1000000 / sender->rate_per_second : 0,
                         .burst = sender->burst,
                         .reserve = sender->reply_reserve,
                         .pair_interval_ms = sender->pair_interval_ms,
                         .pair_burst = sender->pair_burst};
}
