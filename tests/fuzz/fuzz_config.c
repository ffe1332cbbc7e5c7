/*
 * The configuration file and .env, as an operator may write them: taken whole or refused with one line that
 * names a place. The first byte chooses which of the two the rest is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "domain/settings.h"
#include "store/commit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_file(const char *path, const uint8_t *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(data, 1, n, f) != n) {
        abort();
    }
    fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char path[64];
    struct config_sources from = {0};
    struct settings *s = NULL;
    struct err err = {0};

    if (n == 0) {
        return 0;
    }
    if (path[0] == '\0') {
        snprintf(path, sizeof(path), "/tmp/crewline-fuzz-%d", (int)getpid());
    }
    write_file(path, data + 1, n - 1);
    if (data[0] == 'e') {
        from.dotenv = path;
    } else {
        from.file = path;
    }
    if (settings_load(&from, &s, &err)) {
        for (size_t i = 0; i < s->ntenants; i++) {
            const struct tenant_settings *t = &s->tenants[i];

            if (settings_tenant(s, t->id) == NULL || t->timezone.n == 0) {
                abort();
            }
            for (size_t k = 0; k < t->nsenders; k++) {
                struct rate rate;

                sender_rate(&t->senders[k], &rate);
                if (tenant_sender(t, t->senders[k].id) == NULL || rate.burst < 1) {
                    abort();
                }
            }
        }
    } else if (err.code == ERR_NONE || err.msg[0] == '\0') {
        abort(); /* refused without a word */
    }
    settings_free(&s);
    unlink(path);
    return 0;
}
