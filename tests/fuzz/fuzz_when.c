/*
 * Days and times as people type them: the first byte chooses the language, the second the zone, the
 * rest is the text. Whatever it is, what is read of it is a moment to come, or says why not.
 */
#include <stdlib.h>

#include "domain/when.h"

#define NOW_MS 1795597200000LL /* 2026-11-25T09:00:00Z */
#define DAY_MS 86400000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check(struct str text, enum when_result result, const struct when *w)
{
    struct str trimmed = str_trim(text);

    must(w->rest.n <= trimmed.n);
    must(w->rest.n == 0 || w->rest.p + w->rest.n == trimmed.p + trimmed.n);
    switch (result) {
    case WHEN_OK:
        must(w->at.ms > NOW_MS - (w->grain == WHEN_TIME ? 0 : DAY_MS));
        must(w->at.ms == w->other.ms);
        break;
    case WHEN_AMBIGUOUS:
        must(w->at.ms != w->other.ms);
        break;
    case WHEN_PAST:
        must(w->at.ms <= NOW_MS);
        break;
    case WHEN_NOT:
        must(str_eq(w->rest, trimmed));
        break;
    default:
        must(result == WHEN_NO_SUCH_DAY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const codes[] = {"en", "es", "hi", "ar", "pt", "fr"};
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia",
                                        ""};
    static struct i18n *texts;
    struct when w;
    struct str text;

    if (texts == NULL) {
        must(i18n_new(NULL, &texts, NULL));
    }
    if (n < 2) {
        return 0;
    }
    text = str_make((const char *)data + 2, n - 2);
    check(text,
          when_parse(text, i18n_lang(texts, str_of(codes[data[0] % ARRAY_LEN(codes)]), STR("en")),
                     str_of(zones[data[1] % ARRAY_LEN(zones)]), (struct wall){NOW_MS}, &w),
          &w);
    return 0;
}
