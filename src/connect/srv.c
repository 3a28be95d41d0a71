#include "connect/srv.h"

#include "base/fault.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

enum { HEAD = 12, ANSWERS_MAX = 64, WAIT_SECONDS = 2, ASKED = 2 };

struct reader {
    const unsigned char *begin, *end, *at;
};

static unsigned be16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static bool skip(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return false;
    r->at += n;
    return true;
}

/* Names may lead back into the message: the system's function follows them within bounds. */
static bool name(struct reader *r, char out[NS_MAXDNAME])
{
    int n = ns_name_uncompress(r->begin, r->end, r->at, out, NS_MAXDNAME);
    return n > 0 && skip(r, (size_t)n);
}

static bool is_host(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    return n != 0 && n < 254 && text[n] == '\0' && text[0] != '.' && text[0] != '-';
}

/* "." is said where there is decidedly no such service. */
static bool take(struct reader *r, struct td_arena *a, struct td_srv *ret)
{
    char host[NS_MAXDNAME];
    const unsigned char *p = r->at;
    if (!skip(r, 6) || !name(r, host))
        return false;
    td_lower(host);
    *ret = (struct td_srv){.host = is_host(host) ? td_arena_strdup(a, host) : NULL,
                           .priority = be16(p),
                           .weight = be16(p + 2),
                           .port = be16(p + 4)};
    return true;
}

static bool record(struct reader *r, struct td_arena *a, struct td_srv *ret)
{
    char owner[NS_MAXDNAME];
    ret->host = NULL;
    if (!name(r, owner))
        return false;
    const unsigned char *p = r->at;
    if (!skip(r, 10) || (size_t)(r->end - r->at) < be16(p + 8))
        return false;
    struct reader data = {r->begin, r->at + be16(p + 8), r->at};
    r->at = data.end;
    return be16(p) != ns_t_srv || be16(p + 2) != ns_c_in || take(&data, a, ret);
}

/* RFC 2782, Usage rules: of those of the least priority that are left, each by its share of their weights. */
static size_t chosen(const struct td_env *env, const struct td_srv *list, size_t count)
{
    unsigned least = list[0].priority, sum = 0;
    uint32_t chance = 0;
    size_t last = 0;
    for (size_t i = 1; i < count; i++)
        least = list[i].priority < least ? list[i].priority : least;
    for (size_t i = 0; i < count; i++)
        sum += list[i].priority == least ? list[i].weight : 0;
    td_random_fill(env, &chance, sizeof(chance));
    chance %= sum + 1;
    for (size_t i = 0; i < count; i++) {
        if (list[i].priority != least)
            continue;
        last = i;
        if (chance <= list[i].weight)
            break;
        chance -= list[i].weight;
    }
    return last;
}

static void put_in_order(const struct td_env *env, struct td_srv *list, size_t count)
{
    for (size_t i = 0; i + 1 < count && !td_fault("srv-as-it-comes"); i++) {
        size_t next = i + chosen(env, list + i, count - i);
        struct td_srv taken = list[next];
        list[next] = list[i];
        list[i] = taken;
    }
}

static enum td_code no_answer(struct td_error *err)
{
    return td_fail(err, TD_EFORMAT, "dns", "what answers is cut off or no answer of a name server");
}

enum td_code td_srv_read(const struct td_env *env, struct td_slice message, struct td_arena *a,
                         struct td_srv ret[TD_SRV_MAX], size_t *ret_count, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)message.p;
    char asked[NS_MAXDNAME];
    size_t count = 0;
    if (message.n < HEAD || be16(p + 4) != 1)
        return no_answer(err);
    struct reader r = {p, p + message.n, p + HEAD};
    unsigned answers = TD_MIN(be16(p + 6), (unsigned)ANSWERS_MAX);
    if (!name(&r, asked) || !skip(&r, 4))
        return no_answer(err);
    for (unsigned i = 0; i < answers && count < TD_SRV_MAX; i++) {
        if (!record(&r, a, &ret[count]))
            return no_answer(err);
        count += ret[count].host != NULL;
    }
    if (count == 0)
        return td_fail(err, TD_ENOTFOUND, "dns", "DNS names no server of %.200s", asked);
    put_in_order(env, ret, count);
    *ret_count = count;
    return TD_OK;
}

enum td_code td_srv_find(const struct td_env *env, const char *service, struct td_arena *a,
                         struct td_srv ret[TD_SRV_MAX], size_t *ret_count, struct td_error *err)
{
    struct __res_state state;
    unsigned char message[TD_SRV_MESSAGE_MAX];
    memset(&state, 0, sizeof(state));
    if (res_ninit(&state) != 0)
        return td_fail(err, TD_EUNAVAILABLE, "dns", "this machine's name servers can't be read");
    state.retrans = TD_MIN(state.retrans, WAIT_SECONDS);
    state.retry = TD_MIN(state.retry, ASKED);
    int n = res_nquery(&state, service, ns_c_in, ns_t_srv, message, sizeof(message));
    int why = state.res_h_errno;
    res_nclose(&state);
    if (n < 0 && (why == HOST_NOT_FOUND || why == NO_DATA))
        return td_fail(err, TD_ENOTFOUND, "dns", "DNS names no server of %.200s", service);
    if (n < 0)
        return td_fail(err, TD_EUNAVAILABLE, "dns", "no name server answers for %.200s", service);
    return td_srv_read(env, td_bytes(message, TD_MIN((size_t)n, sizeof(message))), a, ret, ret_count, err);
}
