/* The OpenAPI document: valid JSON, every route in it, every reference resolves, every schema is
 * used. */
#include "app_int.h"
#include "world.h"

static struct json *doc;

static void test_head(void)
{
    CHECK_Z("version", json_get_str(doc, "openapi"), "3.1.0");
    CHECK("title", json_str(json_path(doc, "info.title")).n > 0);
    CHECK("version of the API", json_str(json_path(doc, "info.version")).n > 0);
    CHECK_Z("bearer", json_str(json_path(doc, "components.securitySchemes.bearer.scheme")),
            "bearer");
}

static struct json *operation(const struct route *route)
{
    char method[8] = "";

    for (size_t i = 0; route->method[i] != '\0'; i++) {
        method[i] = (char)(route->method[i] + 32);
    }
    return json_get(json_get(json_get(doc, "paths"), route->path), method);
}

static void test_routes(void)
{
    char label[200], code[8];

    for (size_t i = 0; i < nroutes; i++) {
        struct json *op = operation(&routes[i]);
        struct str id = json_get_str(op, "operationId");

        snprintf(label, sizeof(label), "%s %s", routes[i].method, routes[i].path);
        snprintf(code, sizeof(code), "%d", routes[i].status);
        CHECK(label, op != NULL && id.n > 0 && json_get_str(op, "summary").n > 0);
        CHECK(label, json_get(json_get(op, "responses"), code) != NULL);
        CHECK(label,
              json_len(json_get(op, "responses")) > (routes[i].flags & ROUTE_PUBLIC ? 0 : 1));
        CHECK(label, (routes[i].request != NULL) == (json_get(op, "requestBody") != NULL));
        for (size_t k = 0; k < i; k++) {
            CHECK(label, !str_eq(id, json_get_str(operation(&routes[k]), "operationId")));
        }
    }
}

static void test_path_parameters(void)
{
    for (size_t i = 0; i < nroutes; i++) {
        struct json *params = json_get(operation(&routes[i]), "parameters");
        struct str path = str_of(routes[i].path), head, name;
        size_t declared = 0, used = 0, query = 0, named = 0;

        for (size_t k = 0; k < json_len(params); k++) {
            struct json *p = json_at(params, k);

            CHECK(routes[i].path,
                  json_get(p, "schema") != NULL && json_get_str(p, "description").n > 0);
            declared += str_eqz(json_get_str(p, "in"), "path") ? 1 : 0;
            query += str_eqz(json_get_str(p, "in"), "query") ? 1 : 0;
        }
        while (str_cut(path, '{', &head, &path)) {
            str_cut(path, '}', &name, &path);
            used++;
        }
        path = str_of(routes[i].query);
        while (path.n > 0) {
            str_cut(path, ' ', &name, &path);
            named++;
        }
        CHECK_INT(routes[i].path, declared, used);
        CHECK_INT(routes[i].path, query, named);
    }
}

static size_t refs; /* references followed */

static void follow(const struct json *j)
{
    struct str name, ref = json_get_str(j, "$ref");
    char path[200];

    if (ref.n > 0) {
        refs++;
        snprintf(path, sizeof(path), "%.*s", STR_ARG(str_slice(ref, 2, ref.n)));
        for (char *c = path; *c != '\0'; c++) {
            *c = *c == '/' ? '.' : *c;
        }
        CHECK(path, str_starts(ref, STR("#/")) && json_path(doc, path) != NULL);
    }
    for (size_t i = 0; i < json_len(j); i++) {
        follow(json_kind(j) == JSON_OBJECT ? json_member_at(j, i, &name) : json_at(j, i));
    }
}

static void test_references(void)
{
    refs = 0;
    follow(doc);
    CHECK("there are many", refs > 100);
}

static void test_schemas(void)
{
    struct buf text, want;

    buf_init(&text, (size_t)4 << 20);
    buf_init(&want, 200);
    json_dump(doc, &text);
    for (size_t i = 0; i < nopenapi_schemas; i++) {
        struct json *j = NULL;

        CHECK(openapi_schemas[i].name,
              json_parse(str_of(openapi_schemas[i].json), 1 << 16, &j, NULL) &&
                  json_kind(j) == JSON_OBJECT);
        json_free(&j);
        CHECK("sorted", i == 0 || strcmp(openapi_schemas[i - 1].name, openapi_schemas[i].name) < 0);
        buf_reset(&want);
        buf_addf(&want, "#/components/schemas/%s\"", openapi_schemas[i].name);
        CHECK(openapi_schemas[i].name, str_find(buf_str(&text), buf_str(&want)) != SIZE_MAX);
    }
    buf_fini(&text);
    buf_fini(&want);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_head),       TEST(test_routes),  TEST(test_path_parameters),
        TEST(test_references), TEST(test_schemas),
    };
    struct buf text;
    struct err err = {0};
    int code;

    buf_init(&text, (size_t)1 << 20);
    openapi_write(&text);
    if (!json_parse(buf_str(&text), (size_t)1 << 20, &doc, &err)) {
        printf("the document is no JSON: %s\n0 passed, 1 failed\n", err.msg);
        return 1;
    }
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    json_free(&doc);
    buf_fini(&text);
    return code;
}
