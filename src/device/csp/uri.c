/* csp/uri: a LocURI of the server to the key under which the tree knows the node (oma-dm.md 5). */
#include "base/encode.h"
#include "device/csp/csp.h"

enum { MAX_SEGMENTS = 32 };

/* "./Device/...", "./User/...", bare "./Vendor/...", "./DevInfo", "./DevDetail": prefixes without regard to case, in
 * the spelling of the table afterwards. */
static const char *scope_word(struct td_slice segment, bool *ret_consumed)
{
    *ret_consumed = td_ieqs(segment, "Device") || td_ieqs(segment, "User");
    return td_ieqs(segment, "User") ? "User" : "Device";
}

static struct td_slice known_spelling(struct td_slice segment)
{
    static const char *const words[] = {"Vendor", "MSFT", "DevInfo", "DevDetail"};
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (td_ieqs(segment, words[i]))
            return td_str(words[i]);
    return segment;
}

static int read_property(struct td_slice query, struct td_arena *a, const char **ret)
{
    if (!td_starts(query, "prop="))
        return 406; /* ?list= is an optional feature that this device does not have */
    *ret = td_arena_text(a, td_sub(query, 5, query.n));
    return 200;
}

static bool segment_ok(struct td_slice raw, struct td_slice decoded, size_t position)
{
    if (raw.n == 0 || td_eqs(raw, "*") || memchr(decoded.p, '\0', decoded.n) != NULL)
        return false;
    return position == 0 || !td_eqs(raw, ".");
}

static int add_segments(struct td_slice path, struct td_arena *a, struct td_buf *out)
{
    bool begun = false;
    for (size_t position = 0; path.n != 0 || position == 0; position++) {
        struct td_slice raw;
        path = td_cut(path, '/', &raw);
        struct td_slice decoded = td_pct_decode(a, raw, false);
        if (!segment_ok(raw, decoded, position) || position >= MAX_SEGMENTS)
            return 400;
        if (position == 0 && td_eqs(raw, "."))
            continue;
        bool consumed = false;
        if (!begun)
            td_buf_adds(out, scope_word(decoded, &consumed));
        begun = true;
        if (consumed)
            continue;
        td_buf_addc(out, '/');
        td_pct_add(out, position <= 3 ? known_spelling(decoded) : decoded);
    }
    if (!begun)
        td_buf_adds(out, "Device");
    return 200;
}

int td_csp_key(const char *uri, struct td_arena *a, const char **ret_key, const char **ret_prop)
{
    struct td_slice path, query = td_cut(td_str(uri), '?', &path);
    *ret_prop = NULL;
    if (path.n > TD_CSP_MAX_URI)
        return 414;
    if (path.n == 0 || td_ends(path, "/"))
        return 400;
    TD_CLEANUP(td_buf_done) struct td_buf key;
    td_buf_init(&key, (size_t)TD_CSP_MAX_URI * 4);
    int status = add_segments(path, a, &key);
    if (status != 200)
        return status;
    *ret_key = td_arena_text(a, td_buf_slice(&key));
    return query.n == 0 ? 200 : read_property(query, a, ret_prop);
}

const char *td_csp_name(const char *key, struct td_arena *a)
{
    const char *slash = strrchr(key, '/');
    struct td_slice name = td_pct_decode(a, td_str(slash == NULL ? key : slash + 1), false);
    return td_arena_text(a, name);
}
