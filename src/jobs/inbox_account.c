/*
 * inbox_account: what Meta tells of an account. All of it is kept for the operator. Its messaging
 * limit (how many people a day the portfolio may write to first) is gone by from then on: it comes
 * with business_capability_update as a number, with phone_number_quality_update as a tier.
 */
#include "base/log.h"
#include "inbox_int.h"

/* "2000", "-1", "TIER_250", "TIER_2K", "TIER_UNLIMITED"; -1: no limit. False: it is none of these.
 */
static bool people_of(struct str s, int64_t *out)
{
    bool tier = str_starts(s, STR("TIER_")), thousands;
    int64_t n;

    if (str_eqz(s, "TIER_UNLIMITED") || str_eqz(s, "-1")) {
        *out = -1;
        return true;
    }
    s = tier ? str_slice(s, 5, s.n) : s;
    thousands = tier && s.n > 1 && s.p[s.n - 1] == 'K';
    s.n -= thousands ? 1 : 0;
    if (!str_to_i64(s, 1, 1000000000, &n)) {
        return false;
    }
    *out = thousands ? n * 1000 : n;
    return true;
}

static void write_tier(struct inbox_job *j, struct commit *c)
{
    const struct sender *s = tenant_sender(j->et->t.conf, j->sender_id);

    commit_tier_told(c, sender_portfolio(s), j->people, j->in.at);
}

void inbox_read_account(struct inbox_job *j)
{
    const struct sender *s = tenant_sender(j->et->t.conf, j->sender_id);

    j->keep = true;
    if (people_of(j->in.current_id, &j->people)) {
        log_info("the provider tells how many people a day may be written to first",
                 LF_STR("tenant", j->et->t.id), LF_STR("portfolio", sender_portfolio(s)),
                 LF_INT("people", j->people));
        j->also_write = write_tier;
    }
    inbox_read_nothing(j);
}
