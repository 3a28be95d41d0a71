/* The settings catalogue: nodes of the device's management tree with format, operations and meaning, as one table.
 *
 * It serves the checks of configuration items and their documentation. A node that is not in it may still be asked for
 * by its whole LocURI (Windows has thousands; a device answers 404 or 405 for what it lacks). Facts: csp.md. Pure. */
#ifndef TD_POLICY_CATALOGUE_H
#define TD_POLICY_CATALOGUE_H

#include "base/err.h"
#include "base/slice.h"

enum { TD_OP_ADD = 1, TD_OP_DELETE = 2, TD_OP_GET = 4, TD_OP_REPLACE = 8, TD_OP_EXEC = 16 };
enum { TD_SCOPE_DEVICE = 1, TD_SCOPE_USER = 2 };

struct td_csp_node {
    const char *path;   /* below ./Device or ./User, "{}" stands for one segment: "Vendor/MSFT/Reboot/RebootNow" */
    const char *format; /* chr, int, bool, b64, xml, node, null */
    unsigned ops;       /* TD_OP_ */
    unsigned scopes;    /* TD_SCOPE_ */
    int64_t min, max;   /* of int; both 0: not bounded here */
    const char *about;  /* one sentence */
};

extern const struct td_csp_node td_csp_nodes[];
extern const size_t td_csp_node_count;

/* By LocURI (./Device/..., ./User/... or the bare form, which is device scope); NULL if the table has no such node. */
const struct td_csp_node *td_csp_find(struct td_slice uri);
/* A value for a node: format and range; err->where is the LocURI. */
enum td_code td_csp_check(const struct td_csp_node *node, struct td_slice uri, struct td_slice value,
                          struct td_error *err) TD_MUST_USE;

#endif
