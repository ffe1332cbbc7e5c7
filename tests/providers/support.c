#include "support.h"

#include <dirent.h>
#include <stddef.h>
#include <stdlib.h>

#define AT(member)                                \
    {                                             \
#member, offsetof(struct inbound, member) \
    }
static const struct {
    const char *name;
    size_t at;
} texts[] = {
    AT(account),        AT(number_id),     AT(provider_id),
    AT(phone),          AT(bsuid),         AT(profile_name),
    AT(group_id),       AT(type_name),     AT(text),
    AT(payload),        AT(quoted),        AT(media.id),
    AT(media.url),      AT(media.mime),    AT(media.sha256_hex),
    AT(media.filename), AT(location.name), AT(location.address),
    AT(emoji),          AT(emoji_target),  AT(correlation),
    AT(error.title),    AT(error.details), AT(subject),
    AT(event),          AT(detail),        AT(language),
    AT(previous_id),    AT(current_id),
};

static struct str text_at(const struct inbound *in, size_t at)
{
    return *(const struct str *)((uintptr_t)in + at);
}

void want_check(const struct want *want, const struct inbound *got)
{
    const struct inbound *in = &want->in;
    char label[160];

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        snprintf(label, sizeof(label), "%s[%zu].%s", want->file, want->at, texts[i].name);
        CHECK_STR(label, text_at(got, texts[i].at), text_at(in, texts[i].at));
    }
    snprintf(label, sizeof(label), "%s[%zu]", want->file, want->at);
    CHECK_INT(label, got->kind, in->kind);
    CHECK_INT(label, got->at.ms, in->at.ms);
    CHECK_INT(label, got->state, in->state);
    CHECK_INT(label, got->error.code, in->error.code);
    CHECK_INT(label, got->raw.n > 0, want->raw);
    if (in->kind == INBOUND_MESSAGE) {
        CHECK_INT(label, got->type, in->type);
        CHECK_INT(label, got->forwarded, in->forwarded);
        CHECK_INT(label, got->media.voice, in->media.voice);
        CHECK(label, got->location.latitude == in->location.latitude);
        CHECK(label, got->location.longitude == in->location.longitude);
    }
}

void round_trip_check(struct arena *a, const char *label, const struct inbound *in)
{
    struct inbound back = {0};
    struct err err = {0};
    struct buf b, again;

    buf_init(&b, 1 << 20);
    buf_init(&again, 1 << 20);
    inbound_encode(in, &b);
    CHECK(label, inbound_decode(a, buf_str(&b), &back, &err));
    inbound_encode(&back, &again);
    CHECK_STR(label, buf_str(&again), buf_str(&b));
    buf_fini(&again);
    buf_fini(&b);
}

void fixture(const char *folder, const char *file, struct buf *out)
{
    char path[512];

    snprintf(path, sizeof(path), "providers/%s/%s", folder, file);
    buf_init(out, 1 << 22);
    buf_add(out, STR("")); /* an empty file is an empty text, not none */
    test_data(path, out);
}

size_t fixtures_each(const char *folder, const char *sub, void (*each)(const char *file, void *ctx),
                     void *ctx)
{
    const char *data = getenv("CREWLINE_TEST_DATA");
    struct dirent **names = NULL;
    char path[512];
    size_t files = 0;
    int n;

    snprintf(path, sizeof(path), "%s/providers/%s/%s", data == NULL ? "tests/data" : data, folder,
             sub);
    n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", sub, names[i]->d_name);
            each(path, ctx);
            files++;
        }
        free(names[i]);
    }
    free(names);
    return files;
}

struct json *fixture_json(const char *folder, const char *file)
{
    struct json *j = NULL;
    struct err err = {0};
    struct buf b;

    fixture(folder, file, &b);
    if (!json_parse(buf_str(&b), 1 << 22, &j, &err)) {
        printf("%s: %s\n", file, err.msg);
        abort();
    }
    buf_fini(&b);
    return j;
}
