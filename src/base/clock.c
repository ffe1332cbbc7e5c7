#include "base/clock.h"

#include <time.h>

static struct mono (*fake_mono)(void);
static struct wall (*fake_wall)(void);

struct mono mono_now(void)
{
    struct timespec t;

    if (fake_mono != NULL) {
        return fake_mono();
    }
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){(int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000};
}

struct wall wall_now(void)
{
    struct timespec t;

    if (fake_wall != NULL) {
        return fake_wall();
    }
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct wall){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

void clock_fake(struct mono (*mono)(void), struct wall (*wall)(void))
{
    fake_mono = mono;
    fake_wall = wall;
}

/*
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar and back, by 400-year eras
 * with the year starting in March. Source: H. Hinnant, chrono-compatible low-level date algorithms.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

#define DAY_MS        86400000LL
#define WALL_FIRST_MS (-62167219200000LL) /* 0000-01-01 */
#define WALL_LAST_MS  253402300799999LL   /* 9999-12-31T23:59:59.999 */

static char *put_digits(char *p, int64_t v, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + count;
}

const char *wall_format(struct wall t, char out[WALL_TEXT_BYTES])
{
    int64_t ms = t.ms, days, year, month, day;
    char *p = out;

    /* RFC 3339 has four digits for the year: what lies outside shows the nearest instant inside. */
    ms = ms < WALL_FIRST_MS ? WALL_FIRST_MS : ms > WALL_LAST_MS ? WALL_LAST_MS : ms;
    days = ms / DAY_MS - (ms % DAY_MS < 0 ? 1 : 0);
    ms -= days * DAY_MS;
    date_of(days, &year, &month, &day);
    p = put_digits(p, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, ms / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, ms / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, ms % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
    return out;
}

/* Takes @count digits within [min, max] off the front of @s. */
static bool eat_number(struct str *s, size_t count, int64_t min, int64_t max, int64_t *out)
{
    if (s->n < count || s->p[0] == '-' || !str_to_i64(str_slice(*s, 0, count), min, max, out)) {
        return false;
    }
    *s = str_slice(*s, count, s->n);
    return true;
}

static bool eat_char(struct str *s, char a, char b)
{
    if (s->n == 0 || (s->p[0] != a && s->p[0] != b)) {
        return false;
    }
    *s = str_slice(*s, 1, s->n);
    return true;
}

static bool eat_date(struct str *s, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day, last;

    if (!eat_number(s, 4, 0, 9999, &year) || !eat_char(s, '-', '-') ||
        !eat_number(s, 2, 1, 12, &month) || !eat_char(s, '-', '-') ||
        !eat_number(s, 2, 1, 31, &day)) {
        return false;
    }
    last = lengths[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        last = 29;
    }
    *days = days_of(year, month, day);
    return day <= last;
}

/* Optional decimals: the first three count, the rest is cut off. */
static bool eat_fraction(struct str *s, int64_t *ms)
{
    int64_t scale = 100;
    size_t n = 0;

    *ms = 0;
    if (!eat_char(s, '.', '.')) {
        return true;
    }
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        *ms += (s->p[n] - '0') * scale;
        scale /= 10;
    }
    *s = str_slice(*s, n, s->n);
    return n >= 1 && n <= 9;
}

static bool eat_offset(struct str *s, int64_t *minutes)
{
    bool west = s->n > 0 && s->p[0] == '-';
    int64_t h, m;

    *minutes = 0;
    if (eat_char(s, 'Z', 'z')) {
        return true;
    }
    if (!eat_char(s, '+', '-') || !eat_number(s, 2, 0, 23, &h) || !eat_char(s, ':', ':') ||
        !eat_number(s, 2, 0, 59, &m)) {
        return false;
    }
    *minutes = (west ? -1 : 1) * (h * 60 + m);
    return true;
}

bool wall_parse(struct str text, struct wall *out)
{
    int64_t days, h, m, s, ms, minutes;

    if (!eat_date(&text, &days)) {
        return false;
    }
    if (text.n == 0) {
        out->ms = days * DAY_MS;
        return true;
    }
    /* RFC 3339, 5.6: lower case letters and a blank for the T are allowed; a leap second is 60. */
    if ((!eat_char(&text, 'T', 't') && !eat_char(&text, ' ', ' ')) ||
        !eat_number(&text, 2, 0, 23, &h) || !eat_char(&text, ':', ':') ||
        !eat_number(&text, 2, 0, 59, &m) || !eat_char(&text, ':', ':') ||
        !eat_number(&text, 2, 0, 60, &s) || !eat_fraction(&text, &ms) ||
        !eat_offset(&text, &minutes) || text.n != 0) {
        return false;
    }
    out->ms = days * DAY_MS + ((h * 60 + m - minutes) * 60 + s) * 1000 + ms;
    return true;
}
