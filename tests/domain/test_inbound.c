#include "domain/inbound.h"

#include "base/pack.h"

#include "harness.h"

static struct arena *arena;

static void full(struct inbound *in)
{
    *in = (struct inbound){.kind = INBOUND_MESSAGE,
                           .account = STR("ac"),
                           .number_id = STR("nu"),
                           .provider_id = STR("id"),
                           .phone = STR("+1"),
                           .bsuid = STR("US.1"),
                           .profile_name = STR("pn"),
                           .group_id = STR("g"),
                           .at = {1789430400000},
                           .type = INBOUND_TAP,
                           .type_name = STR("interactive"),
                           .text = STR("t\x01\n"),
                           .payload = STR("p"),
                           .quoted = STR("q"),
                           .forwarded = true,
                           .emoji = STR("e"),
                           .emoji_target = STR("et"),
                           .state = DELIVERY_FAILED,
                           .correlation = STR("c"),
                           .subject = STR("s"),
                           .event = STR("ev"),
                           .detail = STR("de"),
                           .language = STR("en_US"),
                           .previous_id = STR("pi"),
                           .current_id = STR("ci"),
                           .raw = STR("{\"deep\":[[[\"x\"]]]}")};
    in->media.id = STR("mi");
    in->media.url = STR("mu");
    in->media.mime = STR("mm");
    in->media.sha256_hex = STR("ms");
    in->media.filename = STR("mf");
    in->media.voice = true;
    in->location.name = STR("ln");
    in->location.address = STR("la");
    in->error.code = 131047;
    in->error.title = STR("et");
    in->error.details = STR("ed");
}

static void test_round_trip(void)
{
    struct inbound in, back = {0};
    struct err err = {0};
    struct buf b, again;

    buf_init(&b, 65536);
    buf_init(&again, 65536);
    full(&in);
    inbound_encode(&in, &b);
    CHECK("decoded", inbound_decode(arena, buf_str(&b), &back, &err));
    inbound_encode(&back, &again);
    CHECK("again", b.n > 150 && str_eq(buf_str(&b), buf_str(&again)));
    CHECK_Z("first text", back.account, "ac");
    CHECK_Z("media", back.media.sha256_hex, "ms");
    CHECK_Z("last text", back.raw, "{\"deep\":[[[\"x\"]]]}");
    CHECK("flags", back.forwarded && back.media.voice);
    CHECK_INT("time", back.at.ms, 1789430400000);
    CHECK_INT("code", back.error.code, 131047);
    buf_fini(&b);
    buf_fini(&again);
}

static void test_every_name(void)
{
    struct buf b;

    buf_init(&b, 65536);
    for (int i = 0; i <= INBOUND_GROUP; i++) {
        for (int k = 0; k <= DELIVERY_FAILED; k++) {
            struct inbound in = {.kind = (enum inbound_kind)i, .state = (enum delivery_state)k},
                           back;
            struct err err = {0};

            in.type = i == INBOUND_MESSAGE ? INBOUND_LOCATION : INBOUND_TEXT;
            in.location.latitude = 38.889805;
            in.location.longitude = -77.009056;
            buf_reset(&b);
            inbound_encode(&in, &b);
            CHECK("decoded", inbound_decode(arena, buf_str(&b), &back, &err));
            CHECK_INT("kind", back.kind, i);
            CHECK_INT("state", back.state, k);
            CHECK_INT("type", back.type, in.type);
            CHECK("place", i != INBOUND_MESSAGE || back.location.longitude == -77.009056);
        }
    }
    for (int i = 0; i <= INBOUND_UNSUPPORTED; i++) {
        struct inbound in = {.kind = INBOUND_MESSAGE, .type = (enum inbound_type)i}, back;
        struct err err = {0};

        buf_reset(&b);
        inbound_encode(&in, &b);
        CHECK("decoded", inbound_decode(arena, buf_str(&b), &back, &err));
        CHECK_INT("type", back.type, i);
    }
    CHECK_Z("kind", str_of(inbound_kind_name(INBOUND_ID_CHANGE)), "id_change");
    CHECK_Z("no kind", str_of(inbound_kind_name((enum inbound_kind)99)), "unknown");
    buf_fini(&b);
}

/* A phone can put any bytes into a file name; what comes back must be UTF-8 and the rest unharmed.
 */
static void test_bad_bytes(void)
{
    struct inbound in = {.kind = INBOUND_MESSAGE, .text = STR("a\xff\xc0z"), .quoted = STR("q")},
                   back;
    struct err err = {0};
    struct buf b;

    buf_init(&b, 65536);
    inbound_encode(&in, &b);
    CHECK("decoded", inbound_decode(arena, buf_str(&b), &back, &err));
    CHECK("utf-8", str_is_utf8(back.text));
    CHECK_Z("rest", back.quoted, "q");
    buf_fini(&b);
}

/* A record: @version, then three numbers as they stand in it; 0: left out. */
static struct str record(struct buf *b, uint8_t version, int64_t kind, int64_t type, int64_t state)
{
    buf_reset(b);
    pack_begin(b, version);
    pack_int(b, 100, kind);
    pack_int(b, 101, type);
    pack_int(b, 102, state);
    pack_str(b, 99, STR("of a newer program"));
    return buf_str(b);
}

static void test_damaged(void)
{
    static const struct {
        const char *label;
        uint8_t version;
        int64_t kind, type, state;
    } bad[] = {
        {"version", 2, 1,  0,  0 },
        {"no kind", 1, 0,  0,  0 },
        {"kind",    1, 9,  0,  0 },
        {"below",   1, -1, 0,  0 },
        {"type",    1, 1,  7,  0 },
        {"below",   1, 1,  -1, 0 },
        {"state",   1, 1,  0,  5 },
        {"below",   1, 1,  0,  -1},
    };
    struct inbound in = {.error = {.code = 99}};
    struct err err = {0};
    struct str whole;
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = (struct err){0};
        CHECK(bad[i].label,
              !inbound_decode(arena,
                              record(&b, bad[i].version, bad[i].kind, bad[i].type, bad[i].state),
                              &in, &err));
        CHECK_INT(bad[i].label, err.code, ERR_DAMAGED);
        CHECK_INT("untouched", in.error.code, 99);
    }
    whole = record(&b, 1, 7, 6, 4);
    CHECK("not one byte less", !inbound_decode(arena, str_slice(whole, 0, whole.n - 1), &in, &err));
    CHECK("nothing", !inbound_decode(arena, STR(""), &in, &err));
    CHECK("JSON", !inbound_decode(arena, STR("{\"v\":1}"), &in, &err));
    CHECK("the last of each", inbound_decode(arena, whole, &in, &err));
    CHECK_INT("kind", in.kind, INBOUND_OTHER);
    buf_fini(&b);
}

/* Too large in members that nobody expects to be long: all of them are cut, none is broken. */
static void test_within(void)
{
    static const struct {
        const char *label, *unit;
        size_t units;
        bool whole;
    } rows[] = {
        {"just fits",     "a",    1000,  true },
        {"letters",       "a",    90000, false},
        {"no half é",    "é",   60000, false},
        {"bytes of none", "\xff", 90000, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct inbound in = {.kind = INBOUND_OTHER}, got = {0};
        struct err err = {0};
        struct buf text, b;

        buf_init(&text, 1 << 20);
        for (size_t n = 0; n < rows[i].units; n++) {
            buf_addz(&text, rows[i].unit);
        }
        in.text = in.raw = in.detail = in.subject = in.event = buf_str(&text);
        CHECK_INT(rows[i].label, inbound_encode_within(&in, 64 * 1024, &b), rows[i].whole);
        CHECK(rows[i].label, buf_ok(&b) && b.n <= 64 * 1024);
        CHECK(rows[i].label, inbound_decode(arena, buf_str(&b), &got, &err));
        CHECK(rows[i].label, got.detail.n >= 1000 && str_is_utf8(got.detail));
        CHECK_INT(rows[i].label, got.kind, INBOUND_OTHER);
        buf_fini(&text);
        buf_fini(&b);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_round_trip), TEST(test_every_name),
                                        TEST(test_bad_bytes), TEST(test_damaged),
                                        TEST(test_within)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
