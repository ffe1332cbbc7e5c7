#include "domain/when.h"

#include "when_int.h"

#define DAY_MS  86400000LL
#define HOUR_MS 3600000LL

/* ---- days ---- */

/* Days since 1970. Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    int64_t era, yoe, doy;

    y -= m <= 2 ? 1 : 0;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_of(int64_t days, int *y, int *m, int *d)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2 ? 1 : 0));
}

/* Monday is 0; 1970-01-01 was a Thursday. */
static int weekday_of(int64_t day)
{
    return (int)(((day + 3) % 7 + 7) % 7);
}

static int64_t today_of(const struct reading *r)
{
    int64_t local = timezone_shift(r->timezone, r->now);

    return (local - ((local % DAY_MS) + DAY_MS) % DAY_MS) / DAY_MS;
}

/* ---- what it means ---- */

static bool says_day(const struct reading *r)
{
    return r->day > 0 || r->weekday >= 0 || r->rel >= 0 || r->week ||
           (r->this_ && r->half != HALF_NONE);
}

/* The first year from this one on that has the day, not before today. */
static int64_t day_in_years(const struct reading *r, int month, int day)
{
    int y, m, d;

    civil_of(today_of(r), &y, &m, &d);
    if (r->year > 0) {
        return days_of(r->year, month, day);
    }
    for (int n = 0; n < 9; n++) {
        if (when_day_ok(y + n, month, day) && days_of(y + n, month, day) >= today_of(r)) {
            return days_of(y + n, month, day);
        }
    }
    return today_of(r);
}

/* The next month from this one on that has the day, not before today. */
static int64_t day_in_months(const struct reading *r)
{
    int y, m, d;

    civil_of(today_of(r), &y, &m, &d);
    for (int n = 0; n < 13; n++, y += m == 12 ? 1 : 0, m = m % 12 + 1) {
        if (when_day_ok(y, m, r->day) && days_of(y, m, r->day) >= today_of(r)) {
            return days_of(y, m, r->day);
        }
    }
    return today_of(r);
}

/* Sets *other when people differ about the day meant, else to *day. */
static void weekday_days(const struct reading *r, int64_t *day, int64_t *other)
{
    int64_t today = today_of(r), monday = today - weekday_of(today);
    int64_t first = today + (r->weekday - weekday_of(today) + 7) % 7;

    if (r->week) {
        first = monday + 7 * (r->next || r->coming ? 1 : 0) + r->weekday;
        *day = *other = first;
    } else if (r->next) {
        *day = first == today ? today + 7 : first;
        *other = *day < monday + 7 ? *day + 7 : *day;
    } else if (r->coming) {
        *day = *other = first == today ? today + 7 : first;
    } else {
        *day = first;
        *other = first == today && !r->this_ ? today + 7 : first;
    }
}

static void find_day(const struct reading *r, int64_t *day, int64_t *other)
{
    int64_t today = today_of(r), named, second;

    if (r->day > 0) {
        *day = r->month > 0 ? day_in_years(r, r->month, r->day) : day_in_months(r);
        *other = r->month2 > 0 ? day_in_years(r, r->month2, r->day2) : *day;
        if (r->weekday >= 0 && r->weekday == weekday_of(*other)) {
            *day = *other;
        } else if (r->weekday >= 0 && r->weekday == weekday_of(*day)) {
            *other = *day;
        } else if (r->weekday >= 0) {
            weekday_days(r, &named, &second);
            *other = named;
        } else if (r->rel >= 0 && today + r->rel == *other) {
            *day = *other;
        } else if (r->rel >= 0) {
            *other = today + r->rel; /* "tomorrow 9-11": perhaps no date at all */
        }
    } else if (r->weekday >= 0) {
        weekday_days(r, day, other);
    } else if (r->rel >= 0) {
        *day = *other = today + r->rel;
    } else if (r->week) {
        *day = *other = today - weekday_of(today) + 7;
    } else {
        *day = *other = today;
    }
}

/* The hour by the part of the day; *other differs when both halves of the day are meant. */
static void find_hour(const struct reading *r, int *hour, int *other)
{
    int h = r->hour;

    if (h <= 12 && r->half == HALF_PM) {
        h = h == 12 ? 12 : h + 12;
    } else if (h <= 12 && r->half == HALF_AM) {
        h = h == 12 ? 0 : h;
    } else if (h <= 12 && r->half == HALF_NIGHT) {
        h = h == 12 ? 24 : h >= 6 ? h + 12 : h;
    } else if (r->midnight) {
        *hour = 0;
        *other = 24;
        return;
    } else if (!r->hour_sure && h < 7) {
        *hour = h;
        *other = h + 12;
        return;
    }
    *hour = *other = h;
}

static struct wall moment(const struct reading *r, int64_t day, int hour)
{
    return timezone_wall(r->timezone, day * DAY_MS + hour * HOUR_MS + r->minute * 60000LL);
}

static enum when_result both(struct when *out, struct wall at, struct wall other)
{
    out->at = at;
    out->other = other;
    return at.ms == other.ms ? WHEN_OK : WHEN_AMBIGUOUS;
}

static enum when_result day_and_hour(const struct reading *r, struct when *out)
{
    int64_t day, other;
    int hour, late;
    enum when_result result;

    find_day(r, &day, &other);
    find_hour(r, &hour, &late);
    out->grain = WHEN_TIME;
    if (!says_day(r)) {
        /* A time alone: the next there is. */
        if (moment(r, day, late).ms <= r->now.ms) {
            day++;
        }
        other = day;
    } else if (other == day + 7 && moment(r, day, late).ms <= r->now.ms) {
        day = other; /* today's name, with a time that is over */
    }
    if (hour != late && moment(r, day, hour).ms <= r->now.ms &&
        moment(r, day, late).ms > r->now.ms) {
        hour = late; /* only the afternoon is still to come */
    }
    result = other != day ? both(out, moment(r, day, late), moment(r, other, late))
                          : both(out, moment(r, day, hour), moment(r, day, late));
    return result == WHEN_OK && out->at.ms <= r->now.ms ? WHEN_PAST : result;
}

static enum when_result day_alone(const struct reading *r, struct when *out)
{
    int64_t day, other;
    enum when_result result;

    find_day(r, &day, &other);
    out->grain = r->week && r->weekday < 0 ? WHEN_WEEK : WHEN_DAY;
    result = both(out, timezone_wall(r->timezone, day * DAY_MS),
                  timezone_wall(r->timezone, other * DAY_MS));
    return result == WHEN_OK && day < today_of(r) ? WHEN_PAST : result;
}

static enum when_result span_from_now(struct reading *r, struct when *out)
{
    int64_t unit = r->unit == SAYS_MINUTES ? 60000 : HOUR_MS;

    if (r->unit == SAYS_DAYS || r->unit == SAYS_WEEKS) {
        r->rel = (int)(r->amount * (r->unit == SAYS_WEEKS ? 7 : 1));
        return r->hour >= 0 ? day_and_hour(r, out) : day_alone(r, out);
    }
    out->grain = WHEN_TIME;
    return both(out, (struct wall){r->now.ms + r->amount * unit},
                (struct wall){r->now.ms + r->amount * unit});
}

static enum when_result mean(struct reading *r, struct when *out)
{
    if (r->wrong) {
        return WHEN_NO_SUCH_DAY;
    }
    if (r->amount > 0) {
        return span_from_now(r, out);
    }
    if (r->week && r->weekday < 0 && !r->next && !r->coming) {
        return WHEN_NOT; /* "week", "this week" */
    }
    if (r->hour >= 0) {
        return day_and_hour(r, out);
    }
    return says_day(r) ? day_alone(r, out) : WHEN_NOT;
}

/* A whole instant of ISO 8601, with its offset. */
static bool take_instant(struct str text, struct wall now, struct when *out,
                         enum when_result *result)
{
    size_t end = str_find_char(text, ' ', 0);
    struct str word = str_slice(text, 0, end == SIZE_MAX ? text.n : end);
    struct wall at;

    if (word.n <= 10 || !wall_parse(word, &at)) {
        return false;
    }
    out->grain = WHEN_TIME;
    out->at = out->other = at;
    out->rest = str_trim(str_slice(text, word.n, text.n));
    *result = at.ms <= now.ms ? WHEN_PAST : WHEN_OK;
    return true;
}

enum when_result when_parse(struct str text, const struct lang *l, struct str timezone,
                            struct wall now, struct when *out)
{
    struct reading *r;
    struct arena *a;
    enum when_result result = WHEN_NOT;
    size_t end;

    text = str_trim(text);
    *out = (struct when){.at = now, .other = now, .grain = WHEN_DAY, .rest = text};
    if (take_instant(text, now, out, &result)) {
        return result;
    }
    a = arena_new();
    r = ARENA_NEW(a, struct reading);
    r->l = l;
    r->timezone = timezone;
    r->now = now;
    r->weekday = r->rel = r->hour = -1;
    r->n = when_tokens(a, text, r->t);
    end = when_read(r);
    if (end > 0) {
        result = mean(r, out);
    }
    if (result != WHEN_NOT) {
        out->rest = end < r->n ? str_trim(str_slice(text, r->t[end].from, text.n)) : STR("");
    }
    arena_free(&a);
    return result;
}
