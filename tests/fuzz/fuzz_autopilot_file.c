/* codec/autopilot_file: any octets; what is taken is ASCII, its texts are bounded, its ids are ids. */
#include "base/env.h"
#include "codec/autopilot_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct td_autopilot_file *f)
{
    const char *const texts[] = {f->comment, f->tenant_domain, f->tenant_upn, f->device_name, f->language, f->region};
    char id[TD_UUID_TEXT];
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        if (texts[i] == NULL || strlen(texts[i]) > TD_AUTOPILOT_FILE_TEXT_MAX || !td_utf8_ok(td_str(texts[i])))
            __builtin_trap();
    if (!td_uuid_parse(td_str(f->correlation_id), id) || !td_uuid_parse(td_str(f->tenant_id), id))
        __builtin_trap();
    if ((f->oobe & TD_AUTOPILOT_FILE_NO_BITS) != 0 || f->join_method > 1 || f->forced > 1)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file f;
    struct td_error err = {0};
    enum td_code rc = td_autopilot_file_read(td_bytes(data, size), &a, &f, &err);
    if (rc == TD_OK)
        check(&f);
    else if (err.text[0] == '\0' || err.remedy[0] == '\0')
        __builtin_trap();
    return 0;
}
