/* codec/ini: any file. Sections, keys and values are trimmed texts of one line; whoever takes them ends it at once. */
#include "codec/ini.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
    struct td_slice s = td_str(text);
    if (!td_eq(td_trim(s), s) || td_find(s, '\n') != SIZE_MAX)
        __builtin_trap();
}

struct seen {
    size_t pairs, most;
};

static enum td_code look(void *ctx, const char *section, const char *key, const char *value, struct td_error *err)
{
    struct seen *s = ctx;
    if (s->pairs == s->most)
        __builtin_trap();
    check(section);
    check(key);
    check(value);
    return ++s->pairs == s->most ? td_fail(err, TD_ELIMIT, "", "enough") : TD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a = {0};
    struct td_error err = {0};
    struct seen all = {0, SIZE_MAX}, some = {0, 3};
    enum td_code rc = td_ini_read("f", td_bytes(data, size), &a, look, &all, &err);
    if (rc != TD_OK && (rc != TD_EFORMAT || err.remedy[0] == '\0'))
        __builtin_trap();
    rc = td_ini_read("f", td_bytes(data, size), &a, look, &some, &err);
    if ((all.pairs >= 3) != (rc == TD_ELIMIT) || (all.pairs >= 3 && err.where[0] != '['))
        __builtin_trap();
    td_arena_done(&a);
    return 0;
}
