#include "way/os_version.h"

#include "base/fault.h"

enum { PARTS = 4 };

static bool parse(struct td_slice text, uint64_t parts[PARTS])
{
    size_t n = 0;
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = 0;
    while (text.n != 0 && n < PARTS) {
        struct td_slice part;
        text = td_cut(text, '.', &part);
        if (part.n > 9 || !td_parse_u64(part, &parts[n++]))
            return false;
    }
    return n != 0 && text.n == 0;
}

enum td_code td_os_version_check(const char *where, struct td_slice text, struct td_error *err)
{
    uint64_t parts[PARTS];
    if (text.n == 0 || parse(text, parts))
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, where, "\"%.*s\" is no version", (int)TD_MIN(text.n, 32), text.p),
                     "write it as 10.0.22631.1, or leave it empty");
}

static int compare(const uint64_t a[PARTS], const uint64_t b[PARTS])
{
    for (size_t i = 0; i < PARTS; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

bool td_os_version_between(struct td_slice version, struct td_slice min, struct td_slice max)
{
    uint64_t have[PARTS], bound[PARTS];
    if ((min.n == 0 && max.n == 0) || td_fault("enrol-any-version"))
        return true;
    if (!parse(version, have))
        return false;
    if (min.n != 0 && parse(min, bound) && compare(have, bound) < 0)
        return false;
    return max.n == 0 || !parse(max, bound) || compare(have, bound) <= 0;
}
