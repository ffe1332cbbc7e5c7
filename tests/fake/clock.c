#include "fake/clock.h"

#include "base/clock.h"

/* Not 0, which stands for "no time" in many a record: 2023-11-14T22:13:20Z. */
static struct wall wall = {1700000000000};
static struct mono mono = {1000000000};

static struct mono fake_mono(void)
{
    return mono;
}

static struct wall fake_wall(void)
{
    return wall;
}

void fake_clock_set_ms(int64_t ms)
{
    wall.ms = ms;
    clock_fake(fake_mono, fake_wall);
}

void fake_clock_advance_ms(int64_t ms)
{
    wall.ms += ms;
    mono.us += ms * 1000;
    clock_fake(fake_mono, fake_wall);
}

void fake_clock_off(void)
{
    clock_fake(NULL, NULL);
}
