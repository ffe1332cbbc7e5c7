#include "i18n_int.h"

#include <assert.h>
#include <unicode/ucal.h>
#include <unicode/uclean.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/unum.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

#include "base/mem.h"

#define DAY_MS       86400000LL
#define ZONE_MAX     64  /* bytes of an IANA name */
#define ZONES_MAX    256 /* kept open at once */
#define FORMAT_UNITS 128

/*
 * Times are shown without a zone's name, so a language needs its formats once, in UTC: the zone's
 * offset is added before. That keeps zones x languages x styles formats (some 10 KB each) out of
 * memory. They are opened when the language is first written in: 1 ms then, and a gateway that
 * nobody has written to does without 3 MiB of ICU.
 */
struct lang_format {
    const char *code;
    UPluralRules *plural; /* NULL: not used yet; with the two below */
    UNumberFormat *number;
    UDateFormat *time[TIME_STYLE_COUNT]; /* NULL: not used yet */
    UChar zero;                          /* the digit 0 */
};

struct zone {
    UCalendar *calendar;
    int64_t from_ms, to_ms; /* where @offset_ms is known to hold: [from, to) */
    int64_t offset_ms;
};

/* Of the process: zones are the same in every language. */
static struct map *zones;

/* UTF-16 out of ICU; narrow no-break spaces (before AM and PM) become blanks, phones draw them so.
 */
static void add_utf16(struct buf *out, UChar *text, int32_t n)
{
    UErrorCode e = U_ZERO_ERROR;
    int32_t wrote = 0;
    char *room = buf_reserve(out, (size_t)n * 3 + 1);

    if (room == NULL) {
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        text[i] = text[i] == 0x202f ? ' ' : text[i];
    }
    u_strToUTF8(room, n * 3, &wrote, text, n, &e);
    buf_grew(out, U_SUCCESS(e) ? (size_t)wrote : 0);
}

static UDateFormat *open_time(UDateTimePatternGenerator *g, const char *code, const char *skeleton)
{
    static const UChar utc[] = {'U', 'T', 'C', 0};
    UChar wish[16], pattern[FORMAT_UNITS];
    UErrorCode e = U_ZERO_ERROR;
    int32_t n;

    u_charsToUChars(skeleton, wish, (int32_t)strlen(skeleton) + 1);
    n = udatpg_getBestPattern(g, wish, -1, pattern, FORMAT_UNITS, &e);
    return udat_open(UDAT_PATTERN, UDAT_PATTERN, code, utc, -1, pattern, n, &e);
}

struct lang_format *lang_format_new(const char *code)
{
    struct lang_format *f = MEM_NEW(struct lang_format);
    UErrorCode e = U_ZERO_ERROR;

    u_init(&e);
    assert(U_SUCCESS(e)); /* ICU's data is missing: at the start, not at the first message */
    f->code = code;
    return f;
}

/* Any code opens, by ICU's root rules at worst. */
static void need_times(struct lang_format *f)
{
    static const char *const skeletons[] = {"yMMMd", "jm", "yMMMdjm"};
    UErrorCode e = U_ZERO_ERROR;
    UDateTimePatternGenerator *g;

    if (f->time[TIME_BOTH] != NULL) {
        return;
    }
    g = udatpg_open(f->code, &e);
    for (size_t i = 0; i < TIME_STYLE_COUNT; i++) {
        f->time[i] = open_time(g, f->code, skeletons[i]);
    }
    udatpg_close(g);
    assert(U_SUCCESS(e) && f->time[TIME_BOTH] != NULL);
}

static void need_numbers(struct lang_format *f)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar zero[8] = {'0'};

    if (f->number != NULL) {
        return;
    }
    f->plural = uplrules_open(f->code, &e);
    f->number = unum_open(UNUM_DECIMAL, NULL, 0, f->code, NULL, &e);
    unum_formatInt64(f->number, 0, zero, ARRAY_LEN(zero), NULL, &e);
    f->zero = zero[0];
    assert(U_SUCCESS(e) && f->number != NULL);
}

void lang_format_free(struct lang_format **owner)
{
    struct lang_format *f = *owner;

    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < TIME_STYLE_COUNT; i++) {
        udat_close(f->time[i]); /* NULL is well */
    }
    uplrules_close(f->plural);
    unum_close(f->number);
    mem_free(owner);
}

bool plural_form_parse(struct str keyword, enum plural_form *out)
{
    static const char *const names[] = {"zero", "one", "two", "few", "many", "other"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eqz(keyword, names[i])) {
            *out = (enum plural_form)i;
            return true;
        }
    }
    return false;
}

enum plural_form lang_format_plural(struct lang_format *f, int64_t n)
{
    UErrorCode e = U_ZERO_ERROR;
    UChar word[8];
    char text[ARRAY_LEN(word)];
    enum plural_form form = FORM_OTHER;
    int32_t len;

    need_numbers(f);
    len = uplrules_select(f->plural, (double)n, word, ARRAY_LEN(word), &e);
    if (U_SUCCESS(e) && len < (int32_t)ARRAY_LEN(text)) {
        u_UCharsToChars(word, text, len);
        plural_form_parse(str_make(text, (size_t)len), &form);
    }
    return form;
}

void lang_format_int(struct lang_format *f, int64_t n, struct buf *out)
{
    UChar text[FORMAT_UNITS];
    UErrorCode e = U_ZERO_ERROR;
    int32_t len = 0;

    need_numbers(f);
    if (n >= 0 && n < 1000) {
        /* Most counts: no grouping, so the digits stand as they are. */
        for (int32_t div = n >= 100 ? 100 : n >= 10 ? 10 : 1; div > 0; div /= 10) {
            text[len++] = (UChar)(f->zero + n / div % 10);
        }
    } else {
        len = unum_formatInt64(f->number, n, text, FORMAT_UNITS, NULL, &e);
    }
    add_utf16(out, text, len);
}

static bool zone_name(struct str name, UChar out[ZONE_MAX])
{
    if (name.n == 0 || name.n >= ZONE_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '/' || c == '_' || c == '-' || c == '+')) {
            return false;
        }
        out[i] = (UChar)c;
    }
    out[name.n] = 0;
    return true;
}

bool timezone_ok(struct str name)
{
    UChar id[ZONE_MAX], canonical[ZONE_MAX * 2];
    UErrorCode e = U_ZERO_ERROR;
    UBool known = 0;

    if (zones != NULL && map_get(zones, name) != NULL) {
        return true; /* every person read back asks for his zone */
    }
    if (!zone_name(name, id)) {
        return false;
    }
    ucal_getCanonicalTimeZoneID(id, -1, canonical, ARRAY_LEN(canonical), &known, &e);
    return U_SUCCESS(e) && known;
}

static void zones_drop(void)
{
    struct str name;
    void *z;

    for (size_t it = 0; map_next(zones, &it, &name, &z);) {
        ucal_close(((struct zone *)z)->calendar);
        mem_free(&z);
    }
    map_free(&zones);
}

static struct zone *zone_open(struct str name)
{
    struct zone *z = zones == NULL ? NULL : map_get(zones, name);
    UErrorCode e = U_ZERO_ERROR;
    UChar id[ZONE_MAX];

    if (z != NULL) {
        return z;
    }
    if (!timezone_ok(name) || !zone_name(name, id)) {
        return NULL;
    }
    if (zones != NULL && map_len(zones) >= ZONES_MAX) {
        zones_drop();
    }
    if (zones == NULL) {
        zones = map_new();
    }
    z = MEM_NEW(struct zone);
    z->calendar = ucal_open(id, -1, "en", UCAL_GREGORIAN, &e);
    assert(U_SUCCESS(e));
    map_put(zones, name, z);
    return z;
}

/* Milliseconds to add to UTC; 0 for a zone that is unknown. */
static int64_t zone_offset(struct str name, struct wall t)
{
    struct zone *z = zone_open(name);
    UErrorCode e = U_ZERO_ERROR;
    UDate edge;

    if (z == NULL) {
        return 0;
    }
    if (t.ms >= z->from_ms && t.ms < z->to_ms) {
        return z->offset_ms;
    }
    ucal_setMillis(z->calendar, (UDate)t.ms, &e);
    z->offset_ms =
        ucal_get(z->calendar, UCAL_ZONE_OFFSET, &e) + ucal_get(z->calendar, UCAL_DST_OFFSET, &e);
    z->from_ms = z->to_ms = t.ms;
    if (ucal_getTimeZoneTransitionDate(z->calendar, UCAL_TZ_TRANSITION_NEXT, &edge, &e)) {
        z->to_ms = (int64_t)edge;
    } else if (U_SUCCESS(e)) {
        z->to_ms = t.ms + DAY_MS; /* no change is known ever again; a day is enough for a cache */
    }
    return z->offset_ms;
}

void lang_format_time(struct lang_format *f, struct str timezone, struct wall t,
                      enum time_style style, struct buf *out)
{
    UChar text[FORMAT_UNITS];
    UErrorCode e = U_ZERO_ERROR;
    UDate local = (UDate)(t.ms + zone_offset(timezone, t));
    int32_t n;

    need_times(f);
    n = udat_format(f->time[style], local, text, FORMAT_UNITS, NULL, &e);
    if (U_SUCCESS(e)) {
        add_utf16(out, text, n);
    }
}

static int64_t floor_day(int64_t ms)
{
    int64_t rest = ms % DAY_MS;

    return ms - (rest < 0 ? rest + DAY_MS : rest);
}

void timezone_local(struct str name, struct wall t, int32_t *minutes, struct wall *midnight)
{
    int64_t local = t.ms + zone_offset(name, t), day = floor_day(local);
    struct wall start = {day - zone_offset(name, t)};

    /* On the day the clocks change midnight had another offset. */
    start.ms = day - zone_offset(name, start);
    *minutes = (int32_t)((local - day) / 60000);
    *midnight = start;
}

int64_t timezone_shift(struct str name, struct wall t)
{
    return t.ms + zone_offset(name, t);
}

struct wall timezone_wall(struct str name, int64_t local_ms)
{
    struct wall guess = {local_ms - zone_offset(name, (struct wall){local_ms})};

    /* Near a change of the clocks the first offset may be that of the other side. */
    guess.ms = local_ms - zone_offset(name, guess);
    return guess;
}

bool timezone_of(struct str name, const char *region)
{
    UErrorCode e = U_ZERO_ERROR;
    UEnumeration *ids = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_ANY, region, NULL, &e);
    const char *id;
    bool found = false;

    while (U_SUCCESS(e) && !found && (id = uenum_next(ids, NULL, &e)) != NULL) {
        found = str_eqz(name, id);
    }
    uenum_close(ids);
    return found;
}
