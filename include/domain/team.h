/*
 * team: what is said to a team reaches each of its members, with the name of who said it in front; who
 * answers by quoting it, or writes TEAM and a text, is heard by the others. Every such post is a matter
 * (matter.h) of kind MATTER_TEAM, told when its clock strikes: so it is told once, however often a gateway is
 * killed in it. A team is what people's `teams` name; posts of larger ones than MATTER_PEOPLE_MAX reach as
 * many, which is logged: those are audiences of broadcasts. The CMMS hears what a member says to his team:
 * gateway.team.message.v1.
 *
 * A team may have a group on WhatsApp (`teams` of the tenant; Meta only, 8 participants at most). Then:
 *
 *   - A post goes to the group, once, by its sender: a message whose `group` is set and whose `user` is
 *     "~team:<team>", so that it has a lane, a pace and a window of its own. It is text, and outside the
 *     window its template: groups carry neither buttons nor lists.
 *   - Who is not known to be in the group gets it from us as well. People join by a link, and Meta need not
 *     tell us of those who had joined before; so in it is who was told to have come
 *     (group_participants_add), who wrote there, and whom something said there was delivered to, until he
 *     leaves. So a group that is new to us costs each of its members one message that he reads twice, and
 *     a member who never joined it misses nothing.
 *   - The window of a group is the group's: whoever writes in it opens it for all that we say there, and
 *     none for himself. Source: WhatsApp Groups API, Pricing ("a customer service window is opened between
 *     you and the entire group").
 *   - It is delivered, and read, when the first of them says so; that it did not reach one of them does not
 *     fail it: he gets it from us, and the timeline says so.
 *   - Refused (131215: the number is not official; 131041: no such group, or we are not in it; 131207:
 *     suspended; …), outside its window without a template, or while its sender is paused, it has failed,
 *     and goes to the members one by one: each once, by ITEM_GROUP, which says so in the timeline of that
 *     message, and raises the alert "group:<team>".
 *   - While Meta says that the group is suspended, posts go to the members at once.
 *   - What a member writes in the group is a post to the team that the group has read: it is relayed to
 *     those alone who are not known to be in it.
 *   - Commands: in a talk among people "done" and "1" are words. Only what begins with '/' is meant for us;
 *     it is carried out, and answered to that person alone, never in the group. His own window may be shut:
 *     then he gets the template that asks him to write. Other kinds than text (and the captions of files),
 *     and words of strangers, lead to nothing.
 *
 *   gr:<team>  HASH of what is known of its groups, each named by the keyed hash of its id: "<group>|su" since
 *              when it is suspended or gone (ms), "<group>|in|<keyed hash of a phone or BSUID>" when that person
 *              was last seen to come or to write there (ms), "<group>|<keyed hash>" when he left it last (ms),
 *              "<group>|got|<keyed hash>" when something said there was delivered to him: it says nothing of who
 *              has left. The times are the provider's: what it tells may come in another order
 */
#ifndef CREWLINE_DOMAIN_TEAM_H
#define CREWLINE_DOMAIN_TEAM_H

#include "domain/matter.h"
#include "domain/message.h"
#include "domain/settings.h"

#define TEAM_TEXT_MAX 3000 /* characters, of the CMMS */
#define TEAM_SAID_MAX 4096 /* of a person: as much as WhatsApp takes */
#define TEAM_FROM_MAX 200  /* of the name that the CMMS puts in front */

struct team_post {
    struct str team;
    struct str from, name; /* who said it: id (empty: the CMMS), and the name that stands in front */
    struct str text;
    bool heard;        /* said in the group: those in it have read it */
    bool one_by_one;   /* the group did not take it: it went to the members */
    struct str told;   /* ids of those who got it from us, a line each */
};
/** A new post: @id unique. It strikes at once. Texts in @a. */
struct matter *team_post_new(struct arena *a, struct str id, const struct team_post *post, struct wall now);
bool team_post_decode(struct arena *a, struct str text, struct team_post *out, struct err *err);

/** What stands in @user of messages to a team's group, of its window and its lane. */
struct str team_address(struct arena *a, struct str team);
/** The team of a message to a group, as its `user` tells; empty: it is none. */
struct str team_of_address(struct str user);
/** "gr:<team>" */
struct str team_group_key(struct arena *a, struct str team);

#endif
