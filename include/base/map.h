/*
 * map: hash table from byte strings to pointers, for look-ups in memory (tenants, senders, routes,
 * waiting requests). Keys are copied; values are borrowed. SipHash with a per-process key, so that
 * outsiders cannot choose collisions.
 */
#ifndef CREWLINE_BASE_MAP_H
#define CREWLINE_BASE_MAP_H

#include "base/str.h"

struct map;

struct map *map_new(void);
void map_free(struct map **owner);
void *map_get(const struct map *m, struct str key);       /* NULL: none */
void map_put(struct map *m, struct str key, void *value); /* replaces */
void *map_del(struct map *m, struct str key);             /* what was there, or NULL */
size_t map_len(const struct map *m);
/** Walk: for (size_t it = 0; map_next(m, &it, &key, &value);) - do not change the map meanwhile. */
bool map_next(const struct map *m, size_t *it, struct str *key, void **value);

#endif
