/* catalogue_dir: the operator's own catalogues beside the embedded ones, read at the start. */
#ifndef CREWLINE_DOMAIN_CATALOGUE_DIR_H
#define CREWLINE_DOMAIN_CATALOGUE_DIR_H

#include "base/err.h"
#include "base/str.h"

#define CATALOGUE_MAX    (1024 * 1024)
#define CATALOGUE_SUFFIX ".json"

/** "es.json" -> "es" */
struct str catalogue_code(struct str file);
typedef bool catalogue_fn(void *ctx, struct str code, struct str text, struct err *err);
/**
 * Calls @each for every "<config_dir>/<folder>/<code>.json" until one fails; the error names the
 * file. A folder that is not there is fine: the operator has nothing of his own.
 */
bool catalogue_dir_each(const char *config_dir, const char *folder, catalogue_fn *each, void *ctx,
                        struct err *err);

#endif
