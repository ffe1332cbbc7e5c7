/*
 * world_int: what the files of world share: world.c (start, end, Redis), world_outside.c (the
 * server that plays Meta, Twilio and the CMMS), world_put.c (what comes in), world_look.c (what is
 * there).
 */
#ifndef CREWLINE_TESTS_JOBS_WORLD_INT_H
#define CREWLINE_TESTS_JOBS_WORLD_INT_H

#include "world.h"

/** Answers what is about templates (world_templates.c); false: it is not. */
bool world_templates(struct world *w, struct http_req *r);
extern const struct http_handler world_outside; /* ctx: the world */

#endif
