/* i18n_zones: the time zones that people choose from. */
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>

#include "base/mem.h"
#include "domain/i18n.h"

#define ZONES_MAX 700

static struct str zones[ZONES_MAX];
static size_t nzones;

/* ICU keeps the names that a place had when CLDR first knew it; people look for today's. */
static const char *today(struct str name)
{
    static const struct {
        const char *then, *now;
    } names[] = {
        {"America/Buenos_Aires", "America/Argentina/Buenos_Aires"},
        {"America/Godthab",      "America/Nuuk"                  },
        {"Asia/Calcutta",        "Asia/Kolkata"                  },
        {"Asia/Katmandu",        "Asia/Kathmandu"                },
        {"Asia/Rangoon",         "Asia/Yangon"                   },
        {"Asia/Saigon",          "Asia/Ho_Chi_Minh"              },
        {"Atlantic/Faeroe",      "Atlantic/Faroe"                },
        {"Europe/Kiev",          "Europe/Kyiv"                   },
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eqz(name, names[i].then) && timezone_ok(str_of(names[i].now))) {
            return names[i].now;
        }
    }
    return NULL;
}

/* Places, not offsets and abbreviations ("Etc/GMT+5", "EST5EDT"). */
static bool is_place(struct str name)
{
    static const char *const regions[] = {"Africa/", "America/",  "Antarctica/", "Arctic/",
                                          "Asia/",   "Atlantic/", "Australia/",  "Europe/",
                                          "Indian/", "Pacific/"};

    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        if (str_starts(name, str_of(regions[i]))) {
            return true;
        }
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void load(void)
{
    UErrorCode e = U_ZERO_ERROR;
    UEnumeration *all =
        ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_CANONICAL_LOCATION, NULL, NULL, &e);
    const char *name;
    int32_t n;

    while (U_SUCCESS(e) && nzones < ZONES_MAX && (name = uenum_next(all, &n, &e)) != NULL) {
        struct str s = str_make(name, (size_t)n);

        if (is_place(s)) {
            zones[nzones++] = str_of(today(s) != NULL ? today(s) : mem_dupz(s));
        }
    }
    uenum_close(all);
    qsort(zones, nzones, sizeof(zones[0]), by_name);
}

size_t timezone_names(struct str *out, size_t max)
{
    size_t n;

    if (nzones == 0) {
        load();
    }
    n = nzones < max ? nzones : max;
    memcpy(out, zones, n * sizeof(*out));
    return n;
}
