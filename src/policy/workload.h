/* Co-management: which kinds of settings this service has and which are Configuration Manager's. One bit a workload, by
 * the numbers of its client's CoManagementFlags. Pure. */
#ifndef TD_POLICY_WORKLOAD_H
#define TD_POLICY_WORKLOAD_H

#include "policy/item.h"

enum td_workload {
    TD_WORKLOAD_COMPLIANCE = 2,
    TD_WORKLOAD_RESOURCE_ACCESS = 4,
    TD_WORKLOAD_DEVICE_CONFIGURATION = 8,
    TD_WORKLOAD_WINDOWS_UPDATE = 16,
    TD_WORKLOAD_CLIENT_APPS = 64,
    TD_WORKLOAD_OFFICE = 128,
    TD_WORKLOAD_ENDPOINT_PROTECTION = 4128, /* two bits, always together */
    TD_WORKLOAD_ALL = 2 + 4 + 8 + 16 + 64 + 128 + 4128,
    TD_WORKLOAD_MANAGED = 8193 /* co-management itself */
};

/* "compliance", "resource-access", ...; the list by place: NULL behind the last. */
const char *td_workload_word(size_t at, unsigned *ret_bits);

/* Which workload a setting belongs to by its LocURI; 0: always ours. */
unsigned td_workload_of(const char *uri);

/* Takes out what is Configuration Manager's by the first item of kind co-management: whole items, and single settings
 * of policies. What such an item or a domain join brings along stays, and so does its client's package. Returns how
 * many are left; items keep their order. */
enum { TD_WORKLOAD_MAX_ITEMS = 2048 };
size_t td_workload_keep(struct td_item *items, size_t count);

#endif
