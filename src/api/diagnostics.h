/* Archives of logs: what a device is told to collect, the door where it brings it, and the links by which it is read.
 *
 * A device gets a signed link in its ArchiveDefinition (DiagnosticLog of Windows) and puts one zip there, as clients of
 * Azure Blob do (one Put Blob, at most TD_DIAGNOSTIC_MAX octets); docs/protocol/diagnostics-upload.md. The bytes rest
 * in DIR/diagnostics/<action id>, the row in store/diagnostics.h; a job removes both after 28 days, or when ten newer
 * ones of the device have come. */
#ifndef TD_API_DIAGNOSTICS_H
#define TD_API_DIAGNOSTICS_H

#include "api/service.h"
#include "store/diagnostics.h"

enum { TD_DIAGNOSTIC_MAX = 50 << 20 };

extern const struct td_route td_diagnostics_routes[]; /* ctx: struct td_service */
extern const size_t td_diagnostics_route_count;

/* The Collection that is sent with the Exec: id is the action's; base as the device knows us. */
enum td_code td_diagnostic_order(const struct td_service *svc, const char *tenant, const char *id, const char *base,
                                 struct td_arena *a, const char **ret, struct td_error *err) TD_MUST_USE;
/* A link for people, good for an hour. */
enum td_code td_diagnostic_link(const struct td_service *svc, const char *tenant, const char *id, const char *base,
                                struct td_arena *a, const char **ret, struct td_error *err) TD_MUST_USE;
char *td_diagnostic_path(const char *data_dir, const char *id, struct td_arena *a);
/* td_job_fn: one slice of those that are too old. */
enum td_code td_diagnostics_job(struct td_service *svc, bool *ret_more, struct td_error *err);

#endif
