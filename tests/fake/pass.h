/*
 * fake/pass: time passes on a loop of the test's own.
 */
#ifndef CREWLINE_FAKE_PASS_H
#define CREWLINE_FAKE_PASS_H

#include "net/loop.h"

/** Runs @l for @ms, or until something stops it. */
void loop_pass(struct loop *l, int64_t ms);

#endif
