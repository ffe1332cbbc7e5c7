/*
 * config: the sandbox's settings, from flags, a JSON file, or PUT /_sandbox/config while it runs.
 * What a document leaves out stays as it is; numbers and phones are added or changed, never
 * removed.
 */
#ifndef CREWLINE_SANDBOX_CONFIG_H
#define CREWLINE_SANDBOX_CONFIG_H

#include "base/err.h"
#include "sandbox.h"

/** ERR_INVALID names the member; earlier members may have been taken. */
bool sandbox_configure(struct sandbox *sb, const struct json *j, struct err *err);
/** Reads @path and applies it. */
bool sandbox_configure_file(struct sandbox *sb, const char *path, struct str *listen,
                            struct arena *a, struct err *err);
/** Numbers, phones and timing; secrets only where @secrets. */
void sandbox_state(struct sandbox *sb, struct jw *w, bool secrets);
/** What stands before any configuration is read. */
void sandbox_defaults(struct sandbox *sb);
/** Three people, for a sandbox that was told of none. */
void sandbox_default_phones(struct sandbox *sb);

#endif
