/*
 * fake/clock: both clocks stand still until a test moves them. The first call puts the fake in the
 * place of the real clocks; fake_clock_off() brings those back.
 */
#ifndef CREWLINE_FAKE_CLOCK_H
#define CREWLINE_FAKE_CLOCK_H

#include <stdint.h>

/** Wall time is @ms. The monotonic clock does not move: this is how a clock jump is played. */
void fake_clock_set_ms(int64_t ms);
/** Time passes: both clocks go forward by @ms. */
void fake_clock_advance_ms(int64_t ms);
void fake_clock_off(void);

#endif
