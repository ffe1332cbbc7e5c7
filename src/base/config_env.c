/*
 * config_env: where settings come from besides the JSON file: files, .env, the environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "config_int.h"

static ssize_t read_some(int fd, struct buf *out)
{
    char part[4096];
    ssize_t n = read(fd, part, sizeof(part));

    if (n > 0) {
        buf_add(out, str_make(part, (size_t)n));
        mem_wipe(part, (size_t)n);
        if (!buf_ok(out)) {
            errno = EFBIG;
            return -1;
        }
    }
    return n;
}

bool config_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    do {
        n = read_some(fd, out);
    } while (n > 0 || (n < 0 && errno == EINTR));
    saved = errno;
    close(fd);
    errno = saved;
    return n == 0;
}

bool config_read_secret(const char *path, char **out, struct err *err)
{
    struct buf b;
    struct str s;
    bool ok = false;

    buf_init(&b, CONFIG_SECRET_BYTES_MAX);
    /* Read in one piece of memory, so that wiping it leaves no copies. */
    buf_reserve(&b, b.max);
    if (!config_read(path, &b)) {
        err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    } else {
        s = buf_str(&b);
        if (str_ends(s, STR("\n"))) {
            s.n--;
        }
        if (str_ends(s, STR("\r"))) {
            s.n--;
        }
        ok = str_is_utf8(s) ||
             err_set(err, ERR_CONFIG, "%s is not valid UTF-8 or holds a NUL", path);
        if (ok && s.n == 0) {
            ok = err_set(err, ERR_CONFIG, "%s is empty", path);
        }
        if (ok) {
            *out = mem_dupz(s);
        }
    }
    buf_fini_secret(&b);
    return ok;
}

static void set_var(struct map *vars, struct str name, struct str value)
{
    char *old = map_get(vars, name);

    map_put(vars, name, mem_dupz(value));
    if (old != NULL) {
        mem_wipe(old, strlen(old));
        mem_free(&old);
    }
}

void config_vars_free(struct map **owner)
{
    struct str name;
    void *value;

    if (*owner == NULL) {
        return;
    }
    for (size_t it = 0; map_next(*owner, &it, &name, &value);) {
        mem_wipe(value, strlen(value));
        mem_free(&value);
    }
    map_free(owner);
}

void config_environ(struct map *vars, char **environ_)
{
    struct str name, value;

    for (char **p = environ_; p != NULL && *p != NULL; p++) {
        /* Of two entries of one name the first counts, as getenv() has it. */
        if (str_cut(str_of(*p), '=', &name, &value) && map_get(vars, name) == NULL) {
            set_var(vars, name, value);
        }
    }
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return s.n > 0 && s.n < CONFIG_NAME_BYTES;
}

/* Appends what stands between the quotes that @s begins with; *after is what follows them. */
static bool unquote(struct str s, struct buf *out, struct str *after)
{
    char quote = s.p[0];

    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];

        if (c == quote) {
            *after = str_slice(s, i + 1, s.n);
            return true;
        }
        if (c == '\\' && quote == '"' && i + 1 < s.n) {
            static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
            const char *hit = strchr(from, s.p[i + 1]);

            if (hit != NULL && *hit != '\0') {
                c = to[hit - from];
                i++;
            }
        }
        buf_add_char(out, c);
    }
    return false;
}

/* The value of a line into @out. Returns NULL or what is wrong. */
static const char *line_value(struct str s, struct buf *out)
{
    struct str after;

    s = str_trim(s);
    if (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'')) {
        if (!unquote(s, out, &after)) {
            return "quote is not closed";
        }
        after = str_trim(after);
        return after.n == 0 || after.p[0] == '#' ? NULL : "text follows the closing quote";
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t')) {
            s = str_trim(str_slice(s, 0, i));
        }
    }
    buf_add(out, s);
    return NULL;
}

static const char *take_line(struct map *vars, struct str line, struct buf *scratch)
{
    struct str name, value;
    const char *why;

    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#') {
        return NULL;
    }
    if (!str_is_utf8(line)) {
        return "text is not valid UTF-8 or holds a NUL";
    }
    if (str_starts(line, STR("export ")) || str_starts(line, STR("export\t"))) {
        line = str_trim(str_slice(line, 7, line.n));
    }
    if (!str_cut(line, '=', &name, &value)) {
        return "there is no \"=\"";
    }
    name = str_trim(name);
    if (!is_name(name)) {
        return "name of the variable is not made of letters, digits and \"_\"";
    }
    buf_reset(scratch);
    why = line_value(value, scratch);
    if (why == NULL) {
        set_var(vars, name, buf_str(scratch));
    }
    return why;
}

bool config_dotenv(struct map *vars, const char *path, struct err *err)
{
    struct buf text, scratch;
    struct str rest, line;
    const char *why = NULL;
    bool ok = true;

    buf_init(&text, CONFIG_DOTENV_BYTES_MAX);
    buf_init(&scratch, CONFIG_DOTENV_BYTES_MAX);
    if (!config_read(path, &text)) {
        ok = errno == ENOENT ||
             err_set(err, ERR_CONFIG, "%s: cannot read: %s", path, strerror(errno));
        buf_reset(&text);
    }
    rest = buf_str(&text);
    if (str_starts(rest, STR("\xef\xbb\xbf"))) {
        rest = str_slice(rest, 3, rest.n);
    }
    for (size_t number = 1; rest.n > 0 && why == NULL; number++) {
        str_cut(rest, '\n', &line, &rest);
        why = take_line(vars, line, &scratch);
        if (why != NULL) {
            ok = err_set(err, ERR_CONFIG, "%s: line %zu: %s", path, number, why);
        }
    }
    buf_fini_secret(&scratch);
    buf_fini_secret(&text);
    return ok;
}
