#include "domain/inbound.h"

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
    static const char want[] =
        "{\"v\":1,\"kind\":\"message\",\"type\":\"tap\",\"state\":\"failed\",\"at\":1789430400000,"
        "\"account\":\"ac\",\"number_id\":\"nu\",\"provider_id\":\"id\",\"phone\":\"+1\",\"bsuid\":"
        "\"US.1\",\"profile_name\":\"pn\",\"group_id\":\"g\",\"type_name\":\"interactive\","
        "\"text\":"
        "\"t\\u0001\\n\",\"payload\":\"p\",\"quoted\":\"q\",\"media_id\":\"mi\",\"media_url\":"
        "\"mu\","
        "\"media_mime\":\"mm\",\"media_sha256\":\"ms\",\"media_filename\":\"mf\",\"place_name\":"
        "\"ln\","
        "\"place_address\":\"la\",\"emoji\":\"e\",\"emoji_target\":\"et\",\"correlation\":\"c\","
        "\"error_title\":\"et\",\"error_details\":\"ed\",\"subject\":\"s\",\"language\":\"en_US\","
        "\"event\":\"ev\",\"detail\":\"de\",\"previous_id\":\"pi\",\"current_id\":\"ci\",\"raw\":"
        "\"{\\\"deep\\\":[[[\\\"x\\\"]]]}\",\"forwarded\":true,\"voice\":true,\"error_code\":"
        "131047}";
    struct inbound in, back = {0};
    struct err err = {0};
    struct buf b;

    buf_init(&b, 65536);
    full(&in);
    inbound_encode(&in, &b);
    CHECK_Z("encoded", buf_str(&b), want);
    CHECK("decoded", inbound_decode(arena, buf_str(&b), &back, &err));
    buf_reset(&b);
    inbound_encode(&back, &b);
    CHECK_Z("again", buf_str(&b), want);
    buf_fini(&b);
}

static void test_every_name(void)
{
    struct buf b;

    buf_init(&b, 65536);
    for (int i = 0; i <= INBOUND_OTHER; i++) {
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

static void test_damaged(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"v\":2,\"kind\":\"message\"}",
        "{\"v\":1}",
        "{\"v\":1,\"kind\":\"fax\"}",
        "{\"v\":1,\"kind\":\"message\",\"type\":\"fax\"}",
        "{\"v\":1,\"kind\":\"status\",\"state\":\"lost\"}",
        "{\"v\":1,\"kind\":\"status\"",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct inbound in = {.error = {.code = 99}};
        struct err err = {0};

        CHECK(bad[i], !inbound_decode(arena, str_of(bad[i]), &in, &err));
        CHECK_INT(bad[i], err.code, ERR_DAMAGED);
        CHECK_INT("untouched", in.error.code, 99);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_round_trip), TEST(test_every_name),
                                        TEST(test_bad_bytes), TEST(test_damaged)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
