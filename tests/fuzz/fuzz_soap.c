/* codec/soap and codec/wstep: any bytes give messages or errors, and what was read is written so that it reads again.
 */
#include "codec/wstep.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BOUND = 1 << 22 };

/* Parses what a writer wrote; it must be an envelope. A longer text than a reader takes is the only way out. */
static bool reparse(enum td_code rc, struct td_buf *b, struct td_arena *a, struct td_soap *ret)
{
    if (rc != TD_OK || b->n > TD_SOAP_MAX)
        return false;
    if (td_soap_parse(td_buf_slice(b), a, ret, NULL) != TD_OK)
        __builtin_trap();
    return true;
}

static void same(const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        __builtin_trap();
}

static void try_discover(const struct td_soap *soap, struct td_arena *a, struct td_buf *b)
{
    struct td_discover d, again;
    struct td_soap soap2;
    if (td_discover_read(soap, a, &d, NULL) != TD_OK || !reparse(td_discover_write(soap, &d, b, NULL), b, a, &soap2))
        return;
    if (td_discover_read(&soap2, a, &again, NULL) != TD_OK || again.version != d.version || again.auth != d.auth)
        __builtin_trap();
    same(again.email, d.email);
}

static void try_request(const struct td_soap *soap, struct td_arena *a, struct td_buf *b)
{
    struct td_rst r, again;
    struct td_soap soap2;
    if (td_rst_read(soap, a, &r, NULL) != TD_OK || !reparse(td_rst_write(soap, &r, b, NULL), b, a, &soap2))
        return;
    if (td_rst_read(&soap2, a, &again, NULL) != TD_OK || again.kind != r.kind || again.cms != r.cms)
        __builtin_trap();
    same(again.context.device_name, r.context.device_name);
    if (again.context.mac_count != r.context.mac_count || again.context.not_in_oobe != r.context.not_in_oobe)
        __builtin_trap();
}

static void try_fault(const struct td_soap *soap, struct td_arena *a, struct td_buf *b)
{
    enum td_fault fault, fault2;
    struct td_fault_text text, text2;
    struct td_soap soap2;
    if (!td_soap_is_fault(soap, a, &fault, &text) ||
        !reparse(td_soap_fault("a", "m", fault, &text, b, NULL), b, a, &soap2))
        return;
    if (!td_soap_is_fault(&soap2, a, &fault2, &text2) || fault2 != fault)
        __builtin_trap();
}

static void try_answers(const struct td_soap *soap, struct td_arena *a)
{
    struct td_policies_request request;
    struct td_discovered discovered;
    struct td_policies policies;
    struct td_rstrc rstrc;
    (void)!td_policies_request_read(soap, a, &request, NULL);
    (void)!td_discovered_read(soap, a, &discovered, NULL);
    (void)!td_policies_read(soap, a, &policies, NULL);
    (void)!td_rstrc_read(soap, a, &rstrc, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_buf b;
    struct td_soap soap;
    td_arena_init(&a);
    td_buf_init(&b, BOUND);
    if (td_soap_parse(td_bytes(data, size), &a, &soap, NULL) == TD_OK) {
        try_discover(&soap, &a, &b);
        td_buf_reset(&b);
        try_request(&soap, &a, &b);
        td_buf_reset(&b);
        try_fault(&soap, &a, &b);
        try_answers(&soap, &a);
        td_soap_wipe(&soap);
    }
    td_buf_done(&b);
    td_arena_done(&a);
    return 0;
}
