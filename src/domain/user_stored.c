/*
 * How a person is stored: what is empty or as usual is left out and sets are numbers, for every
 * command reads a person back (twice as fast as the shape of the API).
 */
#include "domain/user.h"

#define USER_STORED_MAX (256 * 1024)

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"id",         offsetof(struct user, id)        },
    {"name",       offsetof(struct user, name)      },
    {"phone",      offsetof(struct user, phone)     },
    {"bsuid",      offsetof(struct user, bsuid)     },
    {"site",       offsetof(struct user, site)      },
    {"language",   offsetof(struct user, language)  },
    {"timezone",   offsetof(struct user, timezone)  },
    {"supervisor", offsetof(struct user, supervisor)},
    {"sender",     offsetof(struct user, sender)    },
};
static const struct {
    const char *name;
    size_t at;
} flags[] = {
    {"verified",  offsetof(struct user, verified) },
    {"consented", offsetof(struct user, consented)},
    {"removed",   offsetof(struct user, removed)  },
    {"welcomed",  offsetof(struct user, welcomed) },
};

void user_encode(const struct user *u, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = *(const struct str *)(const void *)((const char *)u + texts[i].at);

        if (text.n > 0) {
            jw_str(&w, texts[i].name, text);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (*(const bool *)((const char *)u + flags[i].at)) {
            jw_bool(&w, flags[i].name, true);
        }
    }
    jw_int(&w, "role_bits", u->roles);
    if (u->off != 0) {
        jw_int(&w, "off_bits", u->off);
    }
    if (u->opted_out != 0) {
        jw_int(&w, "out_bits", u->opted_out);
    }
    if (u->has_quiet) {
        jw_int(&w, "quiet_from_min", u->quiet_from_min);
        jw_int(&w, "quiet_to_min", u->quiet_to_min);
    }
    if (u->nteams > 0) {
        jw_open(&w, "teams", '[');
        for (size_t t = 0; t < u->nteams; t++) {
            jw_str(&w, NULL, u->teams[t]);
        }
        jw_close(&w, ']');
    }
    jw_close(&w, '}');
}

static void read_members(struct arena *a, const struct json *j, struct user *u)
{
    const struct json *teams = json_get(j, "teams");

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = json_get_str(j, texts[i].name);

        *(struct str *)(void *)((char *)u + texts[i].at) =
            text.n == 0 ? STR("") : arena_dup(a, text);
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        *(bool *)((char *)u + flags[i].at) = json_get_bool(j, flags[i].name, false);
    }
    u->roles = (unsigned)json_get_int(j, "role_bits", 0);
    u->off = (unsigned)json_get_int(j, "off_bits", 0);
    u->opted_out = (unsigned)json_get_int(j, "out_bits", 0);
    u->has_quiet = json_get(j, "quiet_from_min") != NULL;
    u->quiet_from_min = (int32_t)json_get_int(j, "quiet_from_min", 0);
    u->quiet_to_min = (int32_t)json_get_int(j, "quiet_to_min", 0);
    for (size_t t = 0; t < json_len(teams) && t < USER_TEAMS_MAX; t++) {
        u->teams[u->nteams++] = arena_dup(a, json_str(json_at(teams, t)));
    }
}

bool user_decode(struct arena *a, struct str text, int64_t version, struct user *out,
                 struct err *err)
{
    struct json *j = NULL;

    if (!json_parse(text, USER_STORED_MAX, &j, err)) {
        return err_set(err, ERR_DAMAGED, "stored person cannot be read");
    }
    if (json_get_str(j, "id").n == 0) {
        json_free(&j);
        return err_set(err, ERR_DAMAGED, "stored person has no id");
    }
    *out = (struct user){.version = version};
    read_members(a, j, out);
    json_free(&j);
    return true;
}
