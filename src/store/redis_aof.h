/*
 * redis_aof: the tail of the private Redis' append-only file, before Redis reads it.
 *
 * A Redis that is killed amid a write leaves half a transaction at the end of the file: all that a
 * script did is one, MULTI to EXEC. Redis 7.0 cuts such a tail behind the last whole command, which
 * may be amid the transaction (loadSingleAppendOnlyFile(), valid_up_to), and goes on behind it. At
 * the start after that the half transaction ends with the EXEC of the next one, and is carried out:
 * items without the record that they were seen, leases without an end. So we cut it first, where
 * the transaction begins. Nothing of it was ever acknowledged.
 *
 * After a power cut a file may be as long as it was to become, and hold NULs where the bytes did not
 * reach the disk. Redis takes that for a damaged file, and does not start. A whole command ends with
 * a line break, so such NULs belong to what was never acknowledged either, and go with it.
 */
#ifndef CREWLINE_STORE_REDIS_AOF_H
#define CREWLINE_STORE_REDIS_AOF_H

#include "base/err.h"
#include "base/str.h"

/** Of the @n bytes at @p, how many are whole commands outside or whole transactions; -1: they are
 * not such a file. */
int64_t redis_aof_whole(const char *p, size_t n);

/**
 * Cuts the newest file of the directory @dir of a Redis that does not run; *cut: how many bytes.
 * Blocks: it reads all of the file. Where there is no such file, or it is not what we know, it is
 * left to Redis. Fails: ERR_IO.
 */
bool redis_aof_mend(const char *dir, int64_t *cut, struct err *err);

#endif
