#include "when_int.h"

#include <string.h>

bool when_day_ok(int y, int m, int d)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

    return m >= 1 && m <= 12 && d >= 1 && d <= lengths[m - 1] + (m == 2 && leap ? 1 : 0);
}

static bool number_at(const struct reading *r, size_t i)
{
    return i < r->n && r->t[i].kind == TOKEN_NUMBER;
}

static bool sign_at(const struct reading *r, size_t i, char sign)
{
    return i < r->n && r->t[i].kind == TOKEN_SIGN && r->t[i].sign == sign && r->t[i].glued;
}

static size_t says(const struct reading *r, size_t i, enum when_word what)
{
    return i < r->n ? when_says(r->l, &r->t[i], r->n - i, what) : 0;
}

static int full_year(const struct token *t)
{
    return (int)(t->digits <= 2 ? 2000 + t->number : t->number);
}

static bool is_year(const struct reading *r, size_t i)
{
    return number_at(r, i) && r->t[i].digits == 4 && r->t[i].number >= 1970 &&
           r->t[i].number <= 2999;
}

/* Sets the hour; half of the day and the language's habit come later. */
static void set_hour(struct reading *r, const struct token *hour, int64_t minute, bool sure)
{
    r->wrong = r->wrong || hour->number > 24 || minute > 59 || (hour->number == 24 && minute > 0);
    r->hour = (int)(hour->number % 24);
    r->minute = (int)minute;
    r->hour_sure =
        sure || hour->number > 12 || hour->number == 0 || (hour->digits == 2 && hour->number < 10);
}

static bool hours_are_24(const struct lang *l)
{
    static const char *const codes[] = {"es", "pt", "fr"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (str_eqz(lang_code(l), codes[i])) {
            return true;
        }
    }
    return false;
}

/* "9.30", but not "24.12." or "24.12.2026". */
static bool dotted(const struct reading *r, size_t i)
{
    return number_at(r, i) && r->t[i].digits <= 2 && r->t[i].number <= 23 && sign_at(r, i + 1, '.') &&
           number_at(r, i + 2) && r->t[i + 2].glued && r->t[i + 2].digits == 2 &&
           r->t[i + 2].number <= 59 && !sign_at(r, i + 3, '.');
}

/* A point parts hour and minute where there is no such month, or the day is said already. */
static bool dotted_time(const struct reading *r, size_t i)
{
    return dotted(r, i) && (r->t[i + 2].number > 12 || r->t[i + 2].number == 0 ||
                            r->t[i].number == 0 || r->day > 0 || r->rel >= 0);
}

/* "14:30", "14:30:00", "14h30", "2.30pm", "tomorrow 9.30"; how many tokens, 0: no time. */
static size_t take_clock(struct reading *r, size_t i)
{
    size_t used = 0;

    if (r->hour >= 0 || !number_at(r, i) || r->t[i].digits > 2) {
        return 0;
    }
    if (sign_at(r, i + 1, ':') && number_at(r, i + 2) && r->t[i + 2].digits == 2) {
        used = 3;
        if (sign_at(r, i + 3, ':') && number_at(r, i + 4)) {
            used = 5;
        }
        set_hour(r, &r->t[i], r->t[i + 2].number, hours_are_24(r->l));
    } else if (i + 2 < r->n && r->t[i + 1].kind == TOKEN_WORD && str_eqz(r->t[i + 1].word, "h") &&
               number_at(r, i + 2) && r->t[i + 2].digits == 2) {
        used = 3;
        set_hour(r, &r->t[i], r->t[i + 2].number, true);
    } else if (sign_at(r, i + 1, '.') && number_at(r, i + 2) && r->t[i + 2].digits == 2 &&
               (says(r, i + 3, SAYS_PM) > 0 || says(r, i + 3, SAYS_AM) > 0)) {
        used = 3;
        set_hour(r, &r->t[i], r->t[i + 2].number, false);
    } else if (dotted_time(r, i)) {
        used = 3;
        set_hour(r, &r->t[i], r->t[i + 2].number, hours_are_24(r->l));
    }
    return used;
}

/* "2pm", "3 o'clock", "9 बजे"; the part of the day is left for the next step. */
static size_t take_hour(struct reading *r, size_t i)
{
    size_t k;

    if (r->hour >= 0 || !number_at(r, i) || r->t[i].digits > 2) {
        return 0;
    }
    k = says(r, i + 1, SAYS_HOUR);
    if (k > 0) {
        set_hour(r, &r->t[i], 0, false);
        return 1 + k;
    }
    if (says(r, i + 1, SAYS_AM) > 0 || says(r, i + 1, SAYS_PM) > 0 ||
        says(r, i + 1, SAYS_NIGHT) > 0) {
        set_hour(r, &r->t[i], 0, false);
        return 1;
    }
    return 0;
}

static bool by_month_first(const struct reading *r)
{
    return str_eqz(lang_code(r->l), "en") && timezone_of(r->timezone, "US");
}

/* "24/12", "24.12.2026", "12/24", "2026-12-24". */
static size_t take_numbers(struct reading *r, size_t i)
{
    const struct token *t = &r->t[i];
    char sign = i + 1 < r->n && t[1].kind == TOKEN_SIGN ? t[1].sign : 0;
    bool three;
    int a, b;

    if (r->day > 0 || !number_at(r, i) || !number_at(r, i + 2) || !t[2].glued || sign == 0 ||
        strchr("/.-", sign) == NULL) {
        return 0;
    }
    three = sign_at(r, i + 3, sign) && number_at(r, i + 4);
    if (is_year(r, i) && three) {
        r->year = (int)t->number;
        r->month = (int)t[2].number;
        r->day = (int)t[4].number;
        r->wrong = r->wrong || !when_day_ok(r->year, r->month, r->day);
        return 5;
    }
    if (t->digits > 2 || t[2].digits > 2 || (three && t[4].digits != 2 && t[4].digits != 4)) {
        return 0;
    }
    a = (int)t->number;
    b = (int)t[2].number;
    r->day = a;
    r->month = b;
    if (b > 12 && a <= 12) {
        r->day = b;
        r->month = a;
    } else if (a <= 12 && b <= 12 && a != b && sign == '/' && by_month_first(r)) {
        r->day2 = b;
        r->month2 = a;
    }
    r->year = three ? full_year(&t[4]) : 0;
    if (!when_day_ok(r->year > 0 ? r->year : 2000, r->month, r->day)) {
        r->wrong = true;
    }
    return three ? 5 : 3;
}

/* The year behind "24 dec" or "24 de diciembre de", also after "of" and the like. */
static size_t take_year(struct reading *r, size_t i)
{
    size_t k = says(r, i, SAYS_FILLER);

    if (is_year(r, i + k)) {
        r->year = (int)r->t[i + k].number;
        return k + 1;
    }
    return 0;
}

/* "24 dec 2026", "24th of december", "24-dez"; with no month behind it, "the 24th". */
static size_t take_day_month(struct reading *r, size_t i)
{
    size_t used = 1, k, named;
    bool ordinal;
    int month;

    if (r->day > 0 || !number_at(r, i) || r->t[i].digits > 2 || r->t[i].number < 1) {
        return 0;
    }
    k = i + 1 < r->n && r->t[i + 1].glued ? says(r, i + 1, SAYS_ORDINAL) : 0;
    ordinal = k > 0;
    used += k;
    named = used;
    named += says(r, i + named, SAYS_FILLER);
    if (sign_at(r, i + named, '-') || sign_at(r, i + named, '.') || sign_at(r, i + named, '/')) {
        named++;
    }
    k = i + named < r->n ? when_month(r->l, &r->t[i + named], r->n - i - named, &month) : 0;
    if (k > 0) {
        r->day = (int)r->t[i].number;
        r->month = month;
        named += k;
        if (sign_at(r, i + named, '-') || sign_at(r, i + named, '/')) {
            named++;
        }
        named += take_year(r, i + named);
        r->wrong = r->wrong || !when_day_ok(r->year > 0 ? r->year : 2000, month, r->day);
        return named;
    }
    if (!ordinal || r->t[i].number > 31) {
        return 0;
    }
    r->day = (int)r->t[i].number;
    return used;
}

/* "dec 24", "December 24th, 2026". */
static size_t take_month_day(struct reading *r, size_t i)
{
    size_t used;
    int month;

    if (r->day > 0 || (used = when_month(r->l, &r->t[i], r->n - i, &month)) == 0) {
        return 0;
    }
    if (sign_at(r, i + used, '-') || sign_at(r, i + used, '.')) {
        used++;
    }
    if (!number_at(r, i + used) || r->t[i + used].digits > 2 || sign_at(r, i + used + 1, ':')) {
        return 0;
    }
    r->day = (int)r->t[i + used].number;
    r->month = month;
    used++;
    if (i + used < r->n && r->t[i + used].glued) {
        used += says(r, i + used, SAYS_ORDINAL);
    }
    used += take_year(r, i + used);
    r->wrong = r->wrong || !when_day_ok(r->year > 0 ? r->year : 2000, r->month, r->day);
    return used;
}

static size_t take_weekday(struct reading *r, size_t i)
{
    int d = r->weekday >= 0 || r->t[i].kind != TOKEN_WORD ? -1 : when_weekday(r->l, r->t[i].word);

    if (d < 0) {
        return 0;
    }
    r->weekday = d;
    return 1;
}

/* "3 days", "1.5 hours", "2 घंटे": a span only with its "in", before or after. */
static size_t take_span(struct reading *r, size_t i)
{
    static const struct {
        enum when_word says;
        int64_t minutes;
    } units[] = {
        {SAYS_MINUTES, 1          },
        {SAYS_HOURS,   60         },
        {SAYS_DAYS,    24 * 60    },
        {SAYS_WEEKS,   7 * 24 * 60}
    };
    size_t k = 0, after, unit = 0, n = 1;
    bool part = sign_at(r, i + 1, '.') && number_at(r, i + 2) && r->t[i + 2].glued &&
                r->t[i + 2].digits == 1;

    if (r->amount > 0 || !number_at(r, i) || r->t[i].digits > 3) {
        return 0;
    }
    n = part ? 3 : 1;
    for (size_t u = 0; u < ARRAY_LEN(units) && k == 0; u++) {
        k = says(r, i + n, units[u].says);
        unit = k > 0 ? u : unit;
    }
    after = k > 0 && !r->in ? says(r, i + n + k, SAYS_IN) : 0;
    if (k == 0 || (!r->in && after == 0)) {
        return 0;
    }
    r->unit = part ? SAYS_MINUTES : units[unit].says;
    r->amount = part ? (r->t[i].number * 10 + r->t[i + 2].number) * units[unit].minutes / 10
                     : r->t[i].number;
    return n + k + after;
}

static bool take_part_of_day(struct reading *r, enum when_word what)
{
    static const struct {
        enum when_word what;
        enum half half;
    } halves[] = {
        {SAYS_AM,      HALF_AM   },
        {SAYS_PM,      HALF_PM   },
        {SAYS_NIGHT,   HALF_NIGHT},
        {SAYS_TONIGHT, HALF_NIGHT}
    };

    for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
        if (what == halves[i].what) {
            r->half = halves[i].half;
            return true;
        }
    }
    if (what == SAYS_NOON || what == SAYS_MIDNIGHT) {
        r->midnight = what == SAYS_MIDNIGHT;
        r->half = HALF_NONE;
        r->hour = what == SAYS_NOON ? 12 : 0;
        r->minute = 0;
        r->hour_sure = true;
        return true;
    }
    return false;
}

/* "at 3": a bare number is an hour. */
static size_t take_at(struct reading *r, size_t i)
{
    size_t k = says(r, i, SAYS_AT), used;

    if (k == 0 || r->hour >= 0 || !number_at(r, i + k) || r->t[i + k].digits > 2) {
        return 0;
    }
    used = take_clock(r, i + k);
    if (used == 0 && dotted(r, i + k)) {
        set_hour(r, &r->t[i + k], r->t[i + k + 2].number, hours_are_24(r->l));
        used = 3;
    }
    if (used == 0) {
        used = take_hour(r, i + k);
    }
    if (used == 0) {
        set_hour(r, &r->t[i + k], 0, false);
        used = 1;
    }
    return k + used;
}

/* "the 24": a bare number is a day of the month. */
static size_t take_day_of(struct reading *r, size_t i)
{
    size_t k = says(r, i, SAYS_DAY_OF), used;

    if (k == 0 || r->day > 0 || !number_at(r, i + k) || sign_at(r, i + k + 1, ':')) {
        return 0;
    }
    used = take_numbers(r, i + k);
    if (used == 0) {
        used = take_day_month(r, i + k);
    }
    if (used == 0 && r->t[i + k].digits <= 2 && r->t[i + k].number >= 1 &&
        r->t[i + k].number <= 31) {
        r->day = (int)r->t[i + k].number;
        used = 1;
    }
    return used == 0 ? 0 : k + used;
}

/* What a phrase of the catalogue says by itself; false: nothing here. */
static bool take_phrase(struct reading *r, enum when_word what)
{
    switch (what) {
    case SAYS_TODAY:
    case SAYS_TONIGHT:
        r->rel = 0;
        take_part_of_day(r, what);
        break;
    case SAYS_TOMORROW:
        r->rel = 1;
        break;
    case SAYS_OVERMORROW:
        r->rel = 2;
        break;
    case SAYS_THIS:
        r->this_ = true;
        break;
    case SAYS_NEXT:
        r->next = true;
        break;
    case SAYS_COMING:
        r->coming = true;
        break;
    case SAYS_WEEK:
        r->week = true;
        break;
    case SAYS_IN:
        r->in = true;
        break;
    case SAYS_DAY_OF:
    case SAYS_FILLER:
        break;
    default:
        return take_part_of_day(r, what);
    }
    return true;
}

/* "2026-12-24t14:30": the letter between them. */
static size_t take_t(struct reading *r, size_t i)
{
    return r->day > 0 && r->t[i].kind == TOKEN_WORD && r->t[i].glued &&
                   str_eqz(r->t[i].word, "t") && number_at(r, i + 1)
               ? 1
               : 0;
}

static size_t take_one(struct reading *r, size_t i)
{
    typedef size_t take_fn(struct reading * r, size_t i);
    static take_fn *const takes[] = {take_t,         take_at,     take_day_of, take_clock,
                                     take_span,      take_numbers, take_hour,  take_day_month,
                                     take_month_day, take_weekday};
    size_t used = 0, phrase;
    enum when_word what = when_any(r->l, &r->t[i], r->n - i, &phrase);

    /* A phrase of several words goes before one of its words ("mar" of "mar del"). */
    for (size_t k = 0; k < ARRAY_LEN(takes) && used == 0 && phrase < 2; k++) {
        used = takes[k](r, i);
    }
    if (used == 0 && what == SAYS_AT) {
        used = take_at(r, i);
    }
    return used == 0 && what != SAYS_COUNT && take_phrase(r, what) ? phrase : used;
}

size_t when_read(struct reading *r)
{
    size_t i = 0, used = 1, end = 0;

    while (i < r->n && used > 0) {
        bool filler = says(r, i, SAYS_FILLER) > 0 || says(r, i, SAYS_DAY_OF) > 0;

        used = take_one(r, i);
        i += used;
        /* "friday the pump …": the article is not the date's. */
        end = used > 0 && !(filler && used == 1) ? i : end;
    }
    return end > 0 && i >= r->n ? r->n : end;
}
