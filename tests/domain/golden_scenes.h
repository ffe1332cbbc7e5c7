/* golden_scenes: every notice that there is, a function and a row each: what test_golden plays. */
#ifndef CREWLINE_TESTS_GOLDEN_SCENES_H
#define CREWLINE_TESTS_GOLDEN_SCENES_H

#include "domain/notice.h"

struct golden_words {
    const char *name, *number, *title, *asset, *location, *person, *text;
};
/* One language, one set of words, and a plan for what is said. */
struct stage {
    const struct golden_words *w;
    const struct lang *l;
    struct plan p;
    struct order o;
    struct user to;
    struct str text, by;
    struct tenant_settings *conf; /* of the plan's tenant */
};
struct scene {
    const char *name;
    void (*play)(struct stage *s);
};
extern const struct scene golden_scenes[]; /* ended by a NULL name */

struct wall golden_moment(const char *text);

#endif
