/*
 * commit_int: what the files of commits and lanes share with each other and with store.c.
 *
 *   commit.c       a unit under construction: RESP arguments in one buffer
 *   commit_broadcast.c  writes about broadcasts
 *   commit_lanes.c its writes on lanes, messages, events, broadcasts
 *   commit_sender.c  about a sender's tier
 *   commit_run.c   units of one turn as one call, results handed to each
 *   lane.c         workers: claims, grants, items      lane_wake.c   the wake channel
 *   lane_lost.c    grants whose answer came too late
 */
#ifndef CREWLINE_STORE_COMMIT_INT_H
#define CREWLINE_STORE_COMMIT_INT_H

#include "base/list.h"
#include "store/commit.h"

#include "store_int.h"

/* "$6\r\n000012\r\n": a number known last is written over zeroes of this width. */
#define COUNT_DIGITS 6
#define COUNT_BYTES  (4 + COUNT_DIGITS + 2)
#define COUNT_ROOM   "$6\r\n000000\r\n"
_Static_assert(sizeof(COUNT_ROOM) == COUNT_BYTES + 1, "room of a count");
#define FOLDED_CELL_BYTES 15 /* of an id: cell_of() in common.lua */
#define COMMIT_MAGIC 0x434f4d54u

struct batch;
struct commit {
    struct op op; /* first: the caller holds this once it runs */
    uint32_t magic;
    bool writing, grants, doc;
    bool left;           /* ends.lua has left it alone */
    bool leased;         /* it checks a lease: it drains, and goes on when Redis is full */
    struct call args;    /* room for two counts, then the arguments; never sealed */
    uint32_t checks;     /* arguments of the checks */
    size_t once, once_n; /* commit_once()'s argument in args.resp; 0: none */
    /* Where in args.resp the arguments of commit_check_leased() begin, and end, and those of commit_sent(). */
    struct {
        size_t queue, lane, end, line;
    } sent;
    size_t fields_at;    /* the count in the operation written last, of its fields or messages */
    uint32_t fields;
    size_t shared_at, shared_n; /* what the messages of the operation written last share; 0: none */
    struct str tenant;
    char tenant_bytes[TENANT_ID_MAX];
    struct batch *batch; /* NULL: under construction */
    size_t nth;          /* its place in the batch */
    commit_fn *on_done;
    void *ctx;
    struct commit *spare; /* next in the pool */
};

#define COMMIT_NUMBER_BYTES 24
struct str commit_number(char text[COMMIT_NUMBER_BYTES], int64_t n);
/** A write of names (no '|', no line feed), and more names behind the last write. */
void commit_write(struct commit *c, struct str op, const struct str *args, size_t n);
void commit_write_on(struct commit *c, const struct str *args, size_t n);
/** A count behind the arguments so far, of what follows: of each, commit_counted(), while there is room. */
void commit_count(struct commit *c);
bool commit_count_room(const struct commit *c);
void commit_counted(struct commit *c);
/* Its operations: a word, then arguments. */
void commit_op_check(struct commit *c, struct str op);
void commit_op(struct commit *c, struct str op); /* a write */
void commit_op2(struct commit *c, struct str op, struct str a, struct str b);
void commit_op3(struct commit *c, struct str op, struct str a, struct str b, struct str d);
void commit_op2_int(struct commit *c, struct str op, struct str a, struct str b, int64_t v);
void commit_arg(struct commit *c, struct str s);
void commit_arg_int(struct commit *c, int64_t v);
void commit_arg_lane(struct commit *c, struct str queue, struct str lane);
void commit_arg_id(struct commit *c, struct str id);
bool commit_name_ok(struct str s);
/** The arguments are complete: puts the counts down. */
void commit_seal(struct commit *c);
/** Sealed units behind the arguments of @call, as the script reads them. */
void commit_units_put(struct call *call, struct commit *const *units, size_t n);
/** Is a sealed unit nothing but commit_check_leased() and commit_sent()? Then the script ends.lua may do it, if it has
 * not left it alone before: of one queue each call (commit_end_queue(): as it stands in RESP). */
bool commit_is_end(const struct commit *c);
struct str commit_end_queue(const struct commit *c);
void commit_ends_put(struct call *call, struct commit *const *units, size_t n);
/** Back to the pool. */
void commit_drop(struct commit *c);

/* One per store. */
struct commits {
    struct store *s;
    struct list open; /* batches that still take units, one a tenant */
    struct list sent; /* asked, to be answered */
    struct list bad;  /* of one unit each that cannot be sent: fails at the end of the turn */
    char *owner;
    int64_t lease_ms;
    uint64_t serial;
    bool answering;    /* results are being handed out; */
    struct mono asked; /* their call was made then */
};
struct commits *commits_of(struct store *s);
/** The end of a turn: what was gathered becomes calls. */
void commits_flush(struct store *s);
void commits_free(struct store *s);

/* Workers of one store. */
struct lanes {
    struct list all;
    struct list due;      /* something to do at the end of this turn */
    struct map *by_queue; /* "{acme}:out:main" -> worker */
};
struct lanes *lanes_of(struct store *s);
void lanes_turn(struct store *s);
/** Wakes may have been lost: everybody looks. */
void lanes_wake_all(struct store *s);
/** A commit with grants failed: what it leased, if Redis carried it out, is to be claimed. */
void lanes_lost(struct store *s, const char *tenant, uint64_t serial);
void lanes_free(struct store *s);

#endif
