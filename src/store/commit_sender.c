/* commit_sender: writes about the people that a sender may write to in a day. */
#include "commit_int.h"

void commit_tier(struct commit *c, struct str sender, struct str portfolio, int64_t people)
{
    char most[COMMIT_NUMBER_BYTES];

    commit_write(c, STR("tier"),
                 (const struct str[]){sender, portfolio, commit_number(most, people)}, 3);
}

void commit_tier_told(struct commit *c, struct str portfolio, int64_t people, struct wall at)
{
    char most[COMMIT_NUMBER_BYTES], when[COMMIT_NUMBER_BYTES];

    commit_write(
        c, STR("tier_told"),
        (const struct str[]){portfolio, commit_number(most, people), commit_number(when, at.ms)},
        3);
}
