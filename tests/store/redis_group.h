/*
 * redis_group: a master with replicas and the Sentinels that watch it under the name "mine", or the
 * masters of a cluster; all on free ports of 127.0.0.1, all dead when the test is.
 */
#ifndef CREWLINE_TESTS_STORE_REDIS_GROUP_H
#define CREWLINE_TESTS_STORE_REDIS_GROUP_H

#include "redis_fixture.h"

#define GROUP_MAX 6

struct redis_group {
    struct redis_fixture *servers[GROUP_MAX]; /* the first is the master */
    struct redis_fixture *sentinels[GROUP_MAX];
    size_t nservers, nsentinels;
};
/** Returns when the replicas are in step and the Sentinels know of them and of each other. */
struct redis_group *redis_group_new(size_t servers, size_t sentinels);
void redis_group_free(struct redis_group **owner);

void redis_group_sentinel_url(const struct redis_group *g, char *out, size_t out_bytes);
/** Tells a Sentinel to make a replica the master, and returns when it has agreed to. */
void redis_group_failover(struct redis_group *g);

/**
 * A cluster: @masters with a third (or so) of the slots each, and behind them @replicas, the nth of the
 * nth master. Returns when every node knows all of it.
 */
struct redis_group *redis_group_new_cluster(size_t masters, size_t replicas);
void redis_group_cluster_url(const struct redis_group *g, char *out, size_t out_bytes);
/** As an operator moves a slot: the hand-over begins, some keys go (0: all), it ends. */
void redis_group_slot_begin(struct redis_group *g, int slot, size_t from, size_t to);
void redis_group_slot_keys(struct redis_group *g, int slot, size_t from, size_t to, int most);
void redis_group_slot_end(struct redis_group *g, int slot, size_t from, size_t to);

#endif
