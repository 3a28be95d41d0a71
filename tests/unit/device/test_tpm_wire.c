/* device/tpm/wire: a TPM that is silent, or that lies, reached by the sockets of swtpm's TCTI. Whatever comes, it ends:
 * with a cause and what to do, and with nothing left open. How long is waited is the test's. */
#include "base/file.h"
#include "device/tpm/room.h"
#include "unit/test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PEERS = 16, LONG_ANSWER = 5000 };

enum lie {
    NOTHING,    /* takes the command and says nothing */
    HANGS_UP,   /* closes */
    SHORT,      /* half a header, then nothing */
    CUT,        /* half a header, then closes */
    TOO_LITTLE, /* a header that counts less than itself */
    NO_SIZE,    /* counts nothing */
    TOO_MUCH,   /* counts four gigabytes */
    LONG,       /* a success with octets that nobody asked for */
    HALF,       /* counts more than it sends, then closes */
    NO_BODY,    /* a success without what was asked for */
    BAD_COUNT,  /* a list of four thousand million entries */
    NOISE,      /* anything */
    LIES
};

/* A process of its own, as a TPM is: its sockets are not the device's. What it does is in memory that both have. */
static struct liar {
    char dir[40], path[64], ctrl[72], tcti[96];
    int listening[2], stop[2];
    pid_t pid;
    int honest; /* so many commands are answered well, then it lies */
    enum lie lie;
    bool no_control; /* its control channel says nothing */
    uint32_t noise;
} * shared;
#define fake (*shared)

static void say(int fd, const void *octets, size_t n)
{
    (void)!send(fd, octets, n, MSG_NOSIGNAL);
}

/* A success to GetCapability: one property, "2.0". */
static const unsigned char honest_answer[] = {0x80, 0x01, 0, 0, 0, 27, 0, 0, 0, 0,    0,    0,    0, 0,
                                              6,    0,    0, 0, 1, 0,  0, 1, 0, 0x32, 0x2e, 0x30, 0};

static void make_noise(unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fake.noise = fake.noise * 1103515245u + 12345u;
        out[i] = (unsigned char)(fake.noise >> 16);
    }
}

/* false: the connection ends. */
static bool tell_a_lie(int fd)
{
    static const unsigned char half[] = {0x80, 0x01, 0, 0, 0}, little[] = {0x80, 0x01, 0, 0, 0, 4, 0, 0, 0, 0},
                               none[] = {0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0},
                               much[] = {0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
                               part[] = {0x80, 0x01, 0, 0, 0, 40, 0, 0, 0, 0, 1, 2, 3},
                               bare[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0},
                               count[] = {0x80, 0x01, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        const unsigned char *octets;
        size_t n;
        bool stays;
    } rows[LIES] = {[SHORT] = {half, sizeof(half), true},
                    [CUT] = {half, sizeof(half), false},
                    [TOO_LITTLE] = {little, sizeof(little), true},
                    [NO_SIZE] = {none, sizeof(none), true},
                    [TOO_MUCH] = {much, sizeof(much), true},
                    [HALF] = {part, sizeof(part), false},
                    [NO_BODY] = {bare, sizeof(bare), true},
                    [BAD_COUNT] = {count, sizeof(count), true},
                    [NOTHING] = {half, 0, true},
                    [HANGS_UP] = {half, 0, false}};
    unsigned char octets[LONG_ANSWER] = {0x80, 0x01, 0, 0, LONG_ANSWER >> 8, LONG_ANSWER & 0xff};
    if (fake.lie == LONG) {
        say(fd, octets, sizeof(octets));
        return true;
    }
    if (fake.lie == NOISE) { /* its size is right, so that the rest is looked at */
        make_noise(octets, 64);
        octets[0] = 0x80;
        octets[1] = (unsigned char)(1 + octets[1] % 2);
        octets[2] = octets[3] = octets[4] = 0;
        octets[5] = 64;
        memset(octets + 6, 0, 4);
        say(fd, octets, 64);
        return true;
    }
    say(fd, rows[fake.lie].octets, rows[fake.lie].n);
    return rows[fake.lie].stays;
}

/* One command, or the end; false: the connection is over. */
static bool serve(int fd, bool control)
{
    static const unsigned char fine[8] = {0};
    unsigned char command[4096];
    ssize_t n = recv(fd, command, sizeof(command), 0);
    if (n <= 0)
        return false;
    if (control) {
        if (!fake.no_control)
            say(fd, fine, 4);
        return true;
    }
    if (fake.honest-- > 0) {
        say(fd, honest_answer, sizeof(honest_answer));
        return true;
    }
    return tell_a_lie(fd);
}

static void run(void)
{
    struct pollfd p[3 + MAX_PEERS] = {
        {fake.stop[0], POLLIN, 0}, {fake.listening[0], POLLIN, 0}, {fake.listening[1], POLLIN, 0}};
    bool control[3 + MAX_PEERS] = {false};
    size_t n = 3;
    while (poll(p, n, -1) > 0 && p[0].revents == 0) {
        for (size_t i = 3; i < n; i++)
            if (p[i].fd >= 0 && p[i].revents != 0 && !serve(p[i].fd, control[i])) {
                (void)close(p[i].fd);
                p[i].fd = -1;
            }
        for (size_t k = 0; k < 2 && n < TD_COUNTOF(p); k++)
            if (p[1 + k].revents != 0) {
                p[n] = (struct pollfd){accept(fake.listening[k], NULL, NULL), POLLIN, 0};
                control[n++] = k == 1;
            }
    }
    for (size_t i = 3; i < n; i++)
        if (p[i].fd >= 0)
            (void)close(p[i].fd);
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void switch_on(enum lie lie, int honest)
{
    const uint32_t noise = fake.noise;
    fake = (struct liar){.lie = lie, .honest = honest, .noise = noise};
    (void)snprintf(fake.dir, sizeof(fake.dir), "/tmp/td-wire-XXXXXX");
    assert_non_null(mkdtemp(fake.dir));
    (void)snprintf(fake.path, sizeof(fake.path), "%s/tpm", fake.dir);
    (void)snprintf(fake.ctrl, sizeof(fake.ctrl), "%s.ctrl", fake.path);
    (void)snprintf(fake.tcti, sizeof(fake.tcti), "swtpm:path=%s", fake.path);
    fake.listening[0] = listen_at(fake.path);
    fake.listening[1] = listen_at(fake.ctrl);
    assert_int_equal(pipe(fake.stop), 0);
    fake.pid = fork();
    assert_true(fake.pid >= 0);
    if (fake.pid == 0) {
        (void)close(fake.stop[1]);
        run();
        _exit(0);
    }
    (void)close(fake.stop[0]);
    for (size_t i = 0; i < 2; i++)
        (void)close(fake.listening[i]);
}

static void switch_off(void)
{
    (void)close(fake.stop[1]);
    (void)waitpid(fake.pid, NULL, 0);
    (void)unlink(fake.path);
    (void)unlink(fake.ctrl);
    (void)rmdir(fake.dir);
}

/* Short, so that silence is soon over; every other answer is there at once. */
static enum td_code reach(struct td_tpm **ret, struct td_error *err)
{
    static const struct td_tpm_patience short_ = {50, 50}, long_ = {60000, 60000};
    bool waits = fake.lie == NOTHING || fake.lie == SHORT || fake.no_control;
    return td_tpm_open_for(fake.tcti, waits ? &short_ : &long_, ret, err);
}

static void told(const struct td_error *err)
{
    assert_string_equal(err->where, "tpm");
    assert_true(err->text[0] != '\0' && err->remedy[0] != '\0');
    assert_true((err->hresult >> 31) == 1);
}

static void no_tcti(void)
{
    struct td_tpm *t = NULL;
    struct td_error err = {0};
    switch_on(NOTHING, 1);
    enum td_code rc = reach(&t, &err);
    td_tpm_close(t);
    switch_off();
    if (rc != TD_OK) /* no tss2 here, or none of its TCTIs */
        skip();
}

/* From the first word: it is no TPM, and that is told as its absence. */
static void lies_at_the_first_word(void **state TD_UNUSED)
{
    no_tcti();
    for (int lie = 0; lie < LIES; lie++) {
        struct td_tpm *t = NULL;
        struct td_error err = {0};
        switch_on((enum lie)lie, 0);
        if (reach(&t, &err) == TD_OK) {
            if (lie != NOISE) /* what is well-formed by chance is an answer */
                fail_msg("lie %d was believed", lie);
        } else {
            told(&err);
        }
        if (lie == NOTHING) {
            assert_int_equal(err.code, TD_EUNAVAILABLE);
            assert_int_equal(err.hresult, 0x800705b4);
        }
        td_tpm_close(t);
        switch_off();
    }
}

/* It greets, and then lies about everything else. */
static void lies_behind_a_greeting(void **state TD_UNUSED)
{
    no_tcti();
    for (int lie = 0; lie < LIES; lie++)
        for (int what = 0; what < 3; what++) {
            TD_CLEANUP(td_arena_done) struct td_arena a = {0};
            struct td_tpm *t = NULL;
            struct td_error err = {0};
            struct td_tpm_ek ek = {0};
            struct td_slice ak;
            unsigned char pcrs[TD_TPM_BOOT_PCRS][32];
            switch_on((enum lie)lie, 1);
            if (reach(&t, &err) != TD_OK)
                fail_msg("lie %d: %s", lie, err.text);
            enum td_code rc = what == 0   ? td_tpm_ek(t, &a, &ek, &err)
                              : what == 1 ? td_tpm_ak(t, &a, &ak, &err)
                                          : td_tpm_pcrs(t, pcrs, &err);
            assert_true(rc != TD_OK);
            told(&err);
            td_tpm_sweep(t);
            td_tpm_close(t);
            switch_off();
        }
}

/* Many answers that only look like some. */
static void noise(void **state TD_UNUSED)
{
    no_tcti();
    for (int i = 0; i < 100; i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_tpm *t = NULL;
        struct td_error err = {0};
        struct td_tpm_ek ek = {0};
        switch_on(NOISE, 1);
        assert_ok(reach(&t, &err));
        if (td_tpm_ek(t, &a, &ek, &err) != TD_OK)
            told(&err);
        td_tpm_close(t);
        switch_off();
    }
}

/* swtpm's TCTI asks its control channel while it is being opened, and would wait for ever. In a process of its own:
 * where its opening fails it leaks its path. */
static void silent_while_it_is_opened(void **state TD_UNUSED)
{
    int status = -1;
    no_tcti();
    switch_on(NOTHING, 0);
    fake.no_control = true;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct td_tpm *t = NULL;
        struct td_error err = {0};
        enum td_code rc = reach(&t, &err);
        _exit(rc == TD_EUNAVAILABLE && err.hresult == 0x800705b4 && err.remedy[0] != '\0' ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    switch_off();
}

/* Silence breaks the connection and not the device: it is reached anew once it answers. */
static void comes_back(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = NULL;
    struct td_slice ak;
    struct td_error err = {0};
    no_tcti();
    switch_on(NOTHING, 1);
    assert_ok(reach(&t, &err));
    assert_int_equal(td_tpm_ak(t, &a, &ak, &err), TD_EUNAVAILABLE);
    assert_true(td_tpm_wire_is_broken(t->wire));
    fake.honest = 8;
    assert_ok(td_tpm_again(t, &err));
    assert_false(td_tpm_wire_is_broken(t->wire));
    td_tpm_close(t);
    switch_off();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_at_the_first_word),
        cmocka_unit_test(lies_behind_a_greeting),
        cmocka_unit_test(noise),
        cmocka_unit_test(silent_while_it_is_opened),
        cmocka_unit_test(comes_back),
    };
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
