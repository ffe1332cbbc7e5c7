#include "base/embed.h"

struct str embed_find(const struct embedded *table, struct str name)
{
    size_t lo = 0, hi = 0;

    while (table[hi].name != NULL) {
        hi++;
    }
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int r = str_cmp(name, str_of(table[mid].name));

        if (r == 0) {
            return str_make(table[mid].data, table[mid].bytes);
        }
        if (r < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return STR_NONE;
}
