#include "api/service.h"

bool td_service_is_ours(const struct td_service *svc, struct td_slice host)
{
    return td_http_host_in(host, svc->names);
}
