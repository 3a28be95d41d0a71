/* What a domain's controllers say and the device or the connector reads by itself: links of group policies, paths and
 * versions of their files, the cause in a Kerberos refusal, the error in an LDAP one, servers that DNS names, the
 * reason in a status page's text. The first letter says which. What applies stands first, a path has a share and
 * something in it, and a server a name. */
#include "connect/krb_room.h"
#include "connect/ldap.h"
#include "connect/srv.h"
#include "way/domain_join.h"
#include "way/group_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "DN|links|links|...": an object, and what its places link, from the domain down; an upper-case X blocks. */
static void links(struct td_slice in, struct td_arena *a)
{
    struct td_gp_place places[TD_GP_MAX_PLACES];
    struct td_gp_link *all = NULL;
    struct td_slice object, one;
    size_t count = 0, n = 0;
    in = td_cut(in, '|', &object);
    if (td_gp_places(td_arena_text(a, object), "DC=corp,DC=test", a, places, &count, NULL) != TD_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        in = td_cut(in, '|', &one);
        places[i].blocks = td_starts(one, "X");
        places[i].links = td_arena_text(a, td_sub(one, places[i].blocks, one.n));
    }
    if (td_gp_order(places, count, a, &all, &n, NULL) != TD_OK)
        return;
    for (size_t i = 1; i < n; i++)
        if (td_gp_applies(all[i].verdict) && !td_gp_applies(all[i - 1].verdict))
            __builtin_trap();
}

static void path(struct td_slice in, struct td_arena *a)
{
    const char *share = NULL, *below = NULL;
    if (td_gp_path(td_arena_text(a, in), "corp.test", "dc1.corp.test", a, &share, &below, NULL) != TD_OK)
        return;
    if (share[0] == '\0' || strchr(share, '\\') != NULL || below[0] == '\0') /* the rest is held by connect/smb */
        __builtin_trap();
}

static void servers(struct td_slice in, struct td_arena *a)
{
    struct td_env_fixed world;
    struct td_srv found[TD_SRV_MAX];
    size_t n = 0;
    td_env_fixed_init(&world, 0, 7);
    if (td_srv_read(&world.env, in, a, found, &n, NULL) != TD_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (found[i].host[0] == '\0' || (i != 0 && found[i].priority < found[i - 1].priority))
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    int64_t version = 0;
    if (size == 0)
        return 0;
    td_arena_init(&a);
    struct td_slice in = td_bytes(data + 1, size - 1);
    if (data[0] == 'l')
        links(in, &a);
    else if (data[0] == 'p')
        path(in, &a);
    else if (data[0] == 'i')
        (void)!td_gp_ini_version(in, &version, NULL);
    else if (data[0] == 'k')
        (void)td_krb_win32(TD_KRB_CLIENT_REVOKED, td_krb_status(in));
    else if (data[0] == 's')
        servers(in, &a);
    else if (data[0] == 'd')
        (void)td_ldap_win32(td_arena_text(&a, in));
    else
        (void)td_domain_reason_told(td_arena_text(&a, in));
    td_arena_done(&a);
    return 0;
}
