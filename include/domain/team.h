/*
 * team: what is said to a team reaches each of its members, with the name of who said it in front; who
 * answers by quoting it, or writes TEAM and a text, is heard by the others. Every such post is a matter
 * (matter.h) of kind MATTER_TEAM, told when its clock strikes: so it is told once, however often a gateway is
 * killed in it. A team is what people's `teams` name; posts of larger ones than MATTER_PEOPLE_MAX reach as
 * many, which is logged: those are audiences of broadcasts.
 */
#ifndef CREWLINE_DOMAIN_TEAM_H
#define CREWLINE_DOMAIN_TEAM_H

#include "domain/matter.h"

#define TEAM_TEXT_MAX 3000 /* characters */

struct team_post {
    struct str team;
    struct str from, name; /* who said it: id (empty: the CMMS), and the name that stands in front */
    struct str text;
};
/** A new post: @id unique. It strikes at once. Texts in @a. */
struct matter *team_post_new(struct arena *a, struct str id, const struct team_post *post, struct wall now);
bool team_post_decode(struct arena *a, struct str text, struct team_post *out, struct err *err);

#endif
