/* settings_media: where the files of people lie, and what of it may change while running. */
#include "settings_int.h"

static struct str without_slashes(struct str s)
{
    while (s.n > 0 && s.p[s.n - 1] == '/') {
        s.n--;
    }
    return s;
}

static bool s3_name_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
              strchr("-._/", c) != NULL)) {
            return false;
        }
    }
    return true;
}

bool settings_read_media(struct settings *s, struct err *err)
{
    const struct config *c = s->config;

    s->s3_endpoint = without_slashes(config_str(c, "media.s3.endpoint"));
    s->s3_bucket = config_str(c, "media.s3.bucket");
    s->s3_region = config_str(c, "media.s3.region");
    s->s3_key = config_str(c, "media.s3.access_key");
    s->s3_secret = config_str(c, "media.s3.secret_key");
    s->s3_prefix = without_slashes(config_str(c, "media.s3.prefix"));
    if (s->s3_bucket.n == 0 && s->s3_endpoint.n == 0) {
        return true;
    }
    if (s->s3_bucket.n == 0 || s->s3_endpoint.n == 0 || s->s3_key.n == 0 || s->s3_secret.n == 0) {
        return err_set(err, ERR_CONFIG,
                       "media.s3.%s: a store for files needs endpoint, bucket, access_key and "
                       "secret_key",
                       s->s3_bucket.n == 0     ? "bucket"
                       : s->s3_endpoint.n == 0 ? "endpoint"
                       : s->s3_key.n == 0      ? "access_key"
                                               : "secret_key");
    }
    if (!str_starts(s->s3_endpoint, STR("http://")) &&
        !str_starts(s->s3_endpoint, STR("https://"))) {
        return err_set(err, ERR_CONFIG,
                       "media.s3.endpoint: \"%.*s\" does not begin with http:// or https://",
                       STR_ARG(s->s3_endpoint));
    }
    if (!s3_name_ok(s->s3_bucket) || !s3_name_ok(s->s3_prefix)) {
        return err_set(err, ERR_CONFIG,
                       "media.s3.%s: only letters, digits, '-', '.', '_' and '/' stand in names",
                       s3_name_ok(s->s3_bucket) ? "prefix" : "bucket");
    }
    return true;
}

void settings_reload_media(struct settings *s, const struct settings *now)
{
    s->s3_key = now->s3_key;
    s->s3_secret = now->s3_secret;
    s->media_bytes = now->media_bytes;
    memcpy(s->media_kind_bytes, now->media_kind_bytes, sizeof(s->media_kind_bytes));
    s->media_quota_bytes = now->media_quota_bytes;
    s->media_retention_days = now->media_retention_days;
    s->media_fetches = now->media_fetches;
    s->media_fetch_timeout_ms = now->media_fetch_timeout_ms;
    s->media_retry_for_s = now->media_retry_for_s;
    s->media_link_s = now->media_link_s;
}
