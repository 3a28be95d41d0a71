#include "api/service.h"

static struct td_slice without_port(struct td_slice host)
{
    if (host.n != 0 && host.p[0] == '[') { /* [::1]:8443 */
        size_t end = td_find(host, ']');
        return end == SIZE_MAX ? host : td_sub(host, 0, end + 1);
    }
    return td_sub(host, 0, TD_MIN(td_find(host, ':'), host.n));
}

bool td_service_is_ours(const struct td_service *svc, struct td_slice host)
{
    for (size_t i = 0; host.n != 0 && svc->names != NULL && svc->names[i] != NULL; i++)
        if (td_ieqs(host, svc->names[i]) || td_ieq(host, without_port(td_str(svc->names[i]))))
            return true;
    return false;
}
