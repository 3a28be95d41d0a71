#include "api/service.h"

/* "", or ":" and digits. */
static bool is_port(struct td_slice s)
{
    enum { LONGEST = 6 };
    if (s.n == 0)
        return true;
    bool good = s.p[0] == ':' && s.n > 1 && s.n <= LONGEST;
    for (size_t i = 1; i < s.n; i++)
        good = good && s.p[i] >= '0' && s.p[i] <= '9';
    return good;
}

bool td_service_is_ours(const struct td_service *svc, struct td_slice host)
{
    size_t name = td_http_host_name(host).n;
    if (host.n != 0 && host.p[0] == '[')
        name += 2;
    return host.n != 0 && is_port(td_sub(host, name, host.n)) && td_http_host_in(host, svc->names);
}
