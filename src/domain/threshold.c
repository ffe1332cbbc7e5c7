#include "domain/threshold.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "domain/settings.h"

#define NAME_MAX   128
#define HASH_BYTES 16

/* ---- readings ---- */

static bool member(struct err *err, const char *name, const char *what)
{
    err_set(err, ERR_INVALID, "%s", what);
    return err_member(err, "data.reading.%s", name);
}

bool reading_from_json(struct arena *a, const struct json *j, struct reading *out, struct err *err)
{
    const struct json *asset = json_get(j, "asset"), *value = json_get(j, "value");
    const struct json *at = json_get(j, "at");
    bool object = json_kind(asset) == JSON_OBJECT;

    *out = (struct reading){
        .asset_id = object ? json_get_text(asset, "id", a) : json_get_text(j, "asset", a),
        .asset_name = arena_dup(a, json_get_str(asset, "name")),
        .site = arena_dup(a, json_get_str(j, "site").n > 0 ? json_get_str(j, "site")
                                                           : json_get_str(asset, "site")),
        .metric = arena_dup(a, json_get_str(j, "metric")),
        .unit = arena_dup(a, str_slice(json_get_str(j, "unit"), 0, 32)),
        .value = json_as_real(value, 0)};
    if (out->asset_id.n == 0 || out->asset_id.n > NAME_MAX) {
        return member(err, "asset", "\"asset\" is no id of 1 to 128 bytes, nor an object with one");
    }
    if (out->metric.n == 0 || out->metric.n > NAME_MAX) {
        return member(err, "metric", "\"metric\" is not a text of 1 to 128 bytes");
    }
    if (json_kind(value) != JSON_INT && json_kind(value) != JSON_REAL) {
        return member(err, "value", "\"value\" is no number");
    }
    if (at != NULL && !wall_parse(json_str(at), &out->at)) {
        return member(err, "at", "\"at\" is not an RFC 3339 time");
    }
    out->asset_name = out->asset_name.n > 0 ? out->asset_name : out->asset_id;
    return true;
}

struct str reading_id(struct arena *a, const struct reading *r)
{
    struct str text = arena_printf(a, "%.*s\n%.*s", STR_ARG(r->asset_id), STR_ARG(r->metric));
    uint8_t digest[SHA256_BYTES];
    struct str out;
    struct buf hex;

    sha256(text, digest);
    buf_init(&hex, 2 * SHA256_BYTES + 1);
    hex_add(&hex, str_make(digest, HASH_BYTES));
    out = arena_dup(a, buf_str(&hex));
    buf_fini(&hex);
    return out;
}

/* ---- what is known of one metric of one asset ---- */

void condition_encode(const struct condition *c, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_open(&w, "asset", '{');
    jw_str(&w, "id", c->r.asset_id);
    jw_str(&w, "name", c->r.asset_name);
    jw_close(&w, '}');
    jw_str(&w, "site", c->r.site);
    jw_str(&w, "metric", c->r.metric);
    jw_str(&w, "unit", c->r.unit);
    jw_int(&w, "value", 0);
    jw_open(&w, "crossed", '[');
    for (size_t i = 0; i < c->n; i++) {
        jw_open(&w, NULL, '{');
        jw_str(&w, "threshold", c->list[i].threshold);
        jw_bool(&w, "on", c->list[i].state == CROSSING_ON);
        jw_int(&w, "since", c->list[i].since.ms);
        jw_int(&w, "until", c->list[i].until.ms);
        jw_int(&w, "gone", c->list[i].gone.ms);
        jw_real(&w, "value", c->list[i].value);
        jw_str(&w, "alert", c->list[i].alert);
        jw_close(&w, '}');
    }
    jw_close(&w, ']');
    jw_close(&w, '}');
}

bool condition_decode(struct arena *a, struct str text, struct condition *out, struct err *err)
{
    const struct json *list;
    struct json *j;
    bool ok;

    *out = (struct condition){0};
    if (!json_parse(text, (size_t)1 << 20, &j, err)) {
        return false;
    }
    ok = reading_from_json(a, j, &out->r, err);
    list = json_get(j, "crossed");
    for (; ok && out->n < json_len(list) && out->n < THRESHOLD_CROSSED_MAX; out->n++) {
        const struct json *one = json_at(list, out->n);

        out->list[out->n] = (struct crossing){
            .threshold = arena_dup(a, json_get_str(one, "threshold")),
            .state = json_get_bool(one, "on", false) ? CROSSING_ON : CROSSING_HOLD,
            .since = {json_get_int(one, "since", 0)},
            .until = {json_get_int(one, "until", 0)},
            .gone = {json_get_int(one, "gone", 0)},
            .value = json_get_real(one, "value", 0),
            .alert = arena_dup(a, json_get_str(one, "alert"))};
    }
    json_free(&j);
    return ok;
}

/* ---- levels ---- */

bool threshold_is_about(const struct threshold *th, const struct reading *r)
{
    bool asset = th->nassets == 0;

    if (!str_eq(th->metric, r->metric)) {
        return false;
    }
    for (size_t i = 0; i < th->nassets && !asset; i++) {
        asset = str_eq(th->assets[i], r->asset_id);
    }
    return asset;
}

bool threshold_fits(const struct threshold *th, const struct reading *r)
{
    return threshold_is_about(th, r) && (th->site.n == 0 || str_eq(th->site, r->site));
}

bool threshold_any(const struct tenant_settings *t, const struct reading *r)
{
    for (size_t i = 0; i < t->nthresholds; i++) {
        if (threshold_fits(&t->thresholds[i], r)) {
            return true;
        }
    }
    return false;
}

enum crossing_step threshold_step(const struct threshold *th, const struct crossing *kept,
                                  double value, struct wall at, struct wall now)
{
    bool beyond = th->below ? value < th->level : value > th->level;
    bool back =
        th->below ? value >= th->level + th->hysteresis : value <= th->level - th->hysteresis;

    if (kept == NULL) {
        if (!beyond || at.ms + th->max_age_ms < now.ms) {
            return CROSSING_SAME;
        }
        return th->hold_ms > 0 ? CROSSING_BEGIN : CROSSING_RAISE;
    }
    if (kept->state == CROSSING_ON) {
        return back ? CROSSING_CLEAR : CROSSING_SAME;
    }
    if (!beyond) {
        return CROSSING_DROP;
    }
    return at.ms >= kept->since.ms + th->hold_ms ? CROSSING_RAISE : CROSSING_SAME;
}
