/* settings_http: what the HTTP server takes in. */
#include "settings_int.h"

static void read_numbers(struct settings *s)
{
    const struct {
        const char *key;
        int64_t *to;
    } numbers[] = {
        {"http.header_bytes",            &s->http_header_bytes           },
        {"http.header_fields",           &s->http_header_fields          },
        {"http.header_timeout_ms",       &s->http_header_timeout_ms      },
        {"http.idle_timeout_ms",         &s->http_idle_timeout_ms        },
        {"http.body_min_bytes_s",        &s->http_body_min_bytes_s       },
        {"http.connections",             &s->http_connections            },
        {"http.connections_per_address", &s->http_connections_per_address},
        {"http.body_bytes_total",        &s->http_body_bytes_total       },
        {"http.body_bytes_per_address",  &s->http_body_bytes_per_address },
        {"http.webhook_bytes",           &s->http_webhook_bytes          },
        {"http.api_bytes",               &s->http_api_bytes              },
        {"http.upload_bytes",            &s->http_upload_bytes           },
        {"http.stop_delay_ms",           &s->http_stop_delay_ms          },
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *numbers[i].to = config_int(s->config, numbers[i].key);
    }
}

/* A body that fits into its own limit, but never into this one, would be told to come again. */
static bool has_room(const char *key, int64_t bytes, const struct settings *s, struct err *err)
{
    const int64_t bodies[] = {s->http_webhook_bytes, s->http_api_bytes, s->http_upload_bytes};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        if (bytes > 0 && bytes < bodies[i]) {
            return err_set(err, ERR_CONFIG, "%s: it is %lld, and a single body may have %lld bytes",
                           key, (long long)bytes, (long long)bodies[i]);
        }
    }
    return true;
}

bool settings_read_http(struct settings *s, struct err *err)
{
    read_numbers(s);
    return has_room("http.body_bytes_total", s->http_body_bytes_total, s, err) &&
           has_room("http.body_bytes_per_address", s->http_body_bytes_per_address, s, err);
}
