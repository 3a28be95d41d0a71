/* codec/wap: any bytes give a document or an error, and what can be written reads as the same. */
#include "codec/wap.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        __builtin_trap();
}

/* Folders that a path can't tell from a name with '/' in it read otherwise: only plain names are compared. */
static bool plain(const struct td_wap *wap)
{
    for (size_t i = 0; i < wap->node_count; i++) {
        const char *p = wap->nodes[i].path;
        if (p[0] == '/' || p[0] == '\0' || strstr(p, "//") != NULL || p[strlen(p) - 1] == '/')
            return false;
    }
    return strlen(wap->certificate.hash) == 40;
}

static void compare(const struct td_wap *a, const struct td_wap *b)
{
    same(a->provider, b->provider);
    same(a->certificate.hash, b->certificate.hash);
    if (!td_eq(a->certificate.der, b->certificate.der) || a->renewal != b->renewal || a->node_count != b->node_count)
        __builtin_trap();
    for (size_t i = 0; i < a->node_count; i++) {
        same(a->nodes[i].path, b->nodes[i].path);
        same(a->nodes[i].value, b->nodes[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_buf b;
    struct td_wap wap, again;
    td_arena_init(&a);
    td_buf_init(&b, 1 << 22);
    if (td_wap_read(td_bytes(data, size), &a, &wap, NULL, NULL) == TD_OK && plain(&wap)) {
        if (wap.renewal)
            wap.node_count = 0; /* a renewal's document has none */
        if (td_wap_write(&wap, &b, NULL) == TD_OK && b.n <= TD_WAP_MAX) {
            if (td_wap_read(td_buf_slice(&b), &a, &again, NULL, NULL) != TD_OK)
                __builtin_trap();
            compare(&wap, &again);
        }
    }
    td_buf_done(&b);
    td_arena_done(&a);
    return 0;
}
