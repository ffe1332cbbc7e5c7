/* Who follows a machine is told of its state: in steps, each once. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "crowd.h"

/*
 * More people follow a machine, or its site, than are told in one step: each of them once, also when the
 * gateway ends between two steps.
 */
static void test_many_followers(void)
{
    struct world *w = world_new(NULL);
    int64_t before;

    crowd(w, 600);
    stand_still(w);
    for (int i = 1; i <= 600; i++) { /* some of both */
        redis_get(w, "ZADD %s 0 p%d", i <= 400 ? "fa:P-01" : "fs:North", i);
        redis_get(w, "ZADD fs:North 0 p%d", i % 7 == 0 ? i : 600);
    }
    before = redis_int(w, "ZCARD mx");
    put_event(w, "down", "cmms.asset.status_changed.v1",
              "{\"asset\":{\"id\":\"P-01\",\"name\":\"Pump\",\"site\":\"North\",\"status\":\"down\"}}");
    UNTIL(w, "a step", redis_int(w, "ZCARD mx") > before);
    CHECK("not the last", redis_int(w, "ZCARD mx") < before + 600);
    world_kill(w);
    world_start(w);
    UNTIL(w, "all", redis_int(w, "ZCARD mx") >= before + 600 && redis_int(w, "HLEN k:in") == 0);
    CHECK_INT("each once", redis_int(w, "ZCARD mx"), before + 600);
    CHECK_INT("the first", redis_int(w, "ZCARD mu:p1"), 1);
    CHECK_INT("the last", redis_int(w, "ZCARD mu:p600"), 1);
    CHECK_INT("of both", redis_int(w, "ZCARD mu:p7"), 1);
    world_free(&w);
}

/* Connections to Redis break with what they have not handed on yet: those calls are asked again. */
static void lose_replies(void)
{
    char bytes[64 * 1024];

    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_un peer = {0};
        socklen_t n = sizeof(peer);

        if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0 && peer.sun_family == AF_UNIX &&
            strstr(peer.sun_path, "redis") != NULL) {
            while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
            }
            shutdown(fd, SHUT_RDWR);
        }
    }
}

/* The answer to a step is lost, and it is carried out: asked again it tells nobody a second time. */
static void test_followers_asked_again(void)
{
    struct world *w = world_new(NULL);
    int64_t before;
    int told = 0;

    crowd(w, 300);
    stand_still(w);
    for (int i = 1; i <= 300; i++) {
        redis_get(w, "ZADD fa:P-01 0 p%d", i);
    }
    before = redis_int(w, "ZCARD mx");
    put_event(w, "down", "cmms.asset.status_changed.v1",
              "{\"asset\":{\"id\":\"P-01\",\"name\":\"Pump\",\"status\":\"down\"}}");
    for (int i = 0; i < 8000 && redis_int(w, "ZCARD mx") == before; i++) {
        world_run(w, 1);
    }
    lose_replies();
    UNTIL(w, "all", redis_int(w, "ZCARD mx") >= before + 300 && redis_int(w, "HLEN k:in") == 0);
    CHECK_INT("each has a message", redis_int(w, "ZCARD mx"), before + 300);
    for (int i = 1; i <= 300; i++) {
        told += (int)redis_int(w, "LLEN l:out:main:3p%d", i);
    }
    CHECK_INT("which waits once", told, 300);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_many_followers), TEST(test_followers_asked_again)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
