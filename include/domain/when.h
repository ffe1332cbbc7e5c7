/*
 * when: days and times as people type them, in their language: "24/12", "24.12.2026", "24 dec",
 * "mañana a las 3 de la tarde", "next friday 14:30", "कल सुबह 9 बजे". Pure. Words are the
 * lists "when.*" of the catalogues, months and weekdays come from ICU; English always works. Digits
 * of every script count.
 *
 * Rules, for no one is to be surprised:
 * - ISO 8601 is what it says; with an offset or Z it is that instant, else local time.
 * - Day before month. Month before day only where nothing else can be meant ("12/24"). In English
 * in a time zone of the United States "3/4" is AMBIGUOUS.
 * - Without a year: the next such day from today on, so what is past is next year's. "24th": of
 * this month, else the next month that has it. A year of two digits is 20yy. With a year, or with
 *   "today", what is over is PAST.
 * - A weekday is the next one after today; today's own name is AMBIGUOUS (today or in a week)
 * unless a time in it says. "next friday" (also French, Hindi) is AMBIGUOUS while this week's
 * Friday is still to come; "this", "coming", "el viernes que viene", "القادم" are the first to
 * come. Weeks begin on Monday.
 * - "next week" is its Monday, with grain WHEN_WEEK. "in 3 days" is a day, "in 2 hours" a time.
 * - A time alone is today's, tomorrow's when it is over. 7 to 11 are the morning. 1 to 6 are
 *   AMBIGUOUS without am, pm, a part of the day, or a 24-hour form ("03:30", "3h30"; "3:30" in a
 *   language that counts 24 hours), unless only the afternoon is still to come. So is midnight.
 * - A weekday or day that is not that of the date ("friday 24/12", "tomorrow 9-11"): AMBIGUOUS, the date first.
 * - A point between two numbers is that of a date ("24.12"), but a time where there is no such month ("9.30"),
 *   behind a day or date ("tomorrow 9.10") and behind "at".
 */
#ifndef CREWLINE_DOMAIN_WHEN_H
#define CREWLINE_DOMAIN_WHEN_H

#include "domain/i18n.h"

enum when_result {
    WHEN_OK,
    WHEN_NOT,         /* no day or time stands at the beginning of it */
    WHEN_AMBIGUOUS,   /* two readings: `at` and `other`. Ask, never take the first */
    WHEN_PAST,        /* a moment, but over: `at` */
    WHEN_NO_SUCH_DAY, /* "31/02", "25:00" */
};
enum when_grain { WHEN_TIME, WHEN_DAY, WHEN_WEEK };

struct when {
    struct wall at, other; /* a day or week: its beginning there, midnight of @timezone */
    enum when_grain grain; /* of both */
    struct str
        rest; /* of @text: what stands behind it ("friday, pump is out"), trimmed; or empty */
};

/**
 * Reads the moment at the beginning of @text; @timezone is an IANA name (unknown: UTC). *out is set
 * whole whatever the result; WHEN_NOT leaves all of @text in rest.
 */
enum when_result when_parse(struct str text, const struct lang *l, struct str timezone,
                            struct wall now, struct when *out);

#endif
