#include "jobs/metrics.h"

static int64_t counts[METRIC_COUNT];

static const struct {
    const char *name, *help;
} counter_rows[METRIC_COUNT] = {
#define X(id, text, help) {text, help},
    METRIC_LIST(X)
#undef X
};
static const struct {
    const char *name, *help;
} histogram_rows[HISTOGRAM_COUNT] = {
#define X(id, text, help) {text, help},
    HISTOGRAM_LIST(X)
#undef X
};

/* Upper bounds in microseconds; one more bucket for what is above. */
static const int64_t bounds_us[] = {500,    1000,   2500,   5000,    10000,   25000,    50000,
                                    100000, 250000, 500000, 1000000, 2500000, 10000000, 60000000,
                                    300000000, 900000000, 3600000000};
#define BOUNDS (sizeof(bounds_us) / sizeof(bounds_us[0]))
static struct {
    int64_t buckets[BOUNDS + 1], count, sum_us;
} histograms[HISTOGRAM_COUNT];

void metric_add(enum metric m, int64_t n)
{
    counts[m] += n;
}

int64_t metric_get(enum metric m)
{
    return counts[m];
}

void histogram_add(enum histogram h, int64_t us)
{
    size_t i = 0;

    while (i < BOUNDS && us > bounds_us[i]) {
        i++;
    }
    histograms[h].buckets[i]++;
    histograms[h].count++;
    histograms[h].sum_us += us;
}

static void write_histogram(struct buf *out, enum histogram h)
{
    const char *name = histogram_rows[h].name;
    int64_t seen = 0;

    buf_addf(out, "# HELP crewline_%s %s\n# TYPE crewline_%s histogram\n", name,
             histogram_rows[h].help, name);
    for (size_t i = 0; i < BOUNDS; i++) {
        seen += histograms[h].buckets[i];
        buf_addf(out, "crewline_%s_bucket{le=\"%g\"} %lld\n", name, (double)bounds_us[i] / 1e6,
                 (long long)seen);
    }
    buf_addf(out,
             "crewline_%s_bucket{le=\"+Inf\"} %lld\ncrewline_%s_sum %.6f\ncrewline_%s_count %lld\n",
             name, (long long)histograms[h].count, name, (double)histograms[h].sum_us / 1e6, name,
             (long long)histograms[h].count);
}

void metrics_write(struct buf *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        buf_addf(out, "# HELP crewline_%s %s\n# TYPE crewline_%s counter\ncrewline_%s %lld\n",
                 counter_rows[i].name, counter_rows[i].help, counter_rows[i].name,
                 counter_rows[i].name, (long long)counts[i]);
    }
    for (size_t i = 0; i < HISTOGRAM_COUNT; i++) {
        write_histogram(out, (enum histogram)i);
    }
}
