/* Trusted makers of TPMs as callers of the administration interface see them (docs/tasks/attestation.md). */
#include "store/views.h"

static const struct td_view_column maker_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "m.sha256", .fold = "m.sha256"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "m.label"},
    {.name = "subject", .type = TD_V_TEXT, .sql = "m.subject"},
    {.name = "expirationDateTime", .type = TD_V_TIME, .sql = "m.not_after"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "m.added_at"},
};
const struct td_view td_view_tpm_makers = {.name = "tpmManufacturerCertificates",
                                           .from = "tpm_root m",
                                           .tenant = "m.tenant",
                                           .key = "m.sha256",
                                           .sought = (const char *const[]){"subject", "displayName", NULL},
                                           .columns = maker_columns,
                                           .count = TD_COUNTOF(maker_columns)};
