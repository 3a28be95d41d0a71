/* Replays a fuzz target's seeds as an ordinary test: one TAP line a file. Also feeds each seed cut at many lengths and
 * with single octets changed, so that the ordinary run under sanitizers already meets broken input. replay
 * CORPUS-FOLDER */
#include "base/arena.h"
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SEED = 1 << 20, CUTS = 64, CHANGES = 64 };

/* A copy of exactly n octets, so that a read past the end is a read past the allocation. */
static void feed(struct td_slice s, size_t n, size_t change)
{
    unsigned char *copy = td_alloc(n);
    if (n != 0)
        memcpy(copy, s.p, n);
    if (change < n)
        copy[change] = (unsigned char)(copy[change] ^ 0x5A);
    (void)LLVMFuzzerTestOneInput(copy, n);
    td_free(copy);
}

static bool replay(const char *path)
{
    struct td_buf b;
    td_buf_init(&b, MAX_SEED);
    bool ok = td_file_read(path, &b, NULL) == TD_OK;
    struct td_slice s = td_buf_slice(&b);
    if (ok) {
        feed(s, s.n, SIZE_MAX);
        for (size_t i = 0; i < CUTS; i++)
            feed(s, s.n * i / CUTS, SIZE_MAX);
        for (size_t i = 0; i < CHANGES && s.n != 0; i++)
            feed(s, s.n, s.n * i / CHANGES);
    }
    td_buf_done(&b);
    return ok;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        (void)fprintf(stderr, "replay: cannot open the corpus\n");
        return 2;
    }
    int n = 0, bad = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1024];
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
        bool ok = replay(path);
        bad += !ok;
        (void)printf("%s %d - %s\n", ok ? "ok" : "not ok", ++n, e->d_name);
    }
    (void)closedir(dir);
    (void)printf("1..%d\n", n);
    return bad != 0 || n == 0;
}
