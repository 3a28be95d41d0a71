/* codec/security_descriptor and codec/sid: what a directory, or somebody in its place, sends. */
#include "codec/security_descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void texts(const struct td_sid *sid)
{
    struct td_sid got = {0};
    char buf[TD_SID_TEXT];
    unsigned char octets[TD_SID_MAX_BYTES];
    if (td_sid_parse(td_str(td_sid_text(sid, buf)), &got, NULL) != TD_OK || !td_sid_equal(sid, &got) ||
        td_sid_read(td_bytes(octets, td_sid_write(sid, octets)), &got, NULL, NULL) != TD_OK || !td_sid_equal(sid, &got))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_slice in = td_bytes(data, size);
    struct td_security_descriptor sd = {0};
    struct td_sid sid = {0};
    struct td_arena a;
    td_arena_init(&a);
    if (td_security_descriptor_read(in, &a, &sd, NULL) == TD_OK) {
        if (sd.ace_count > TD_SD_MAX_ACES ||
            (sd.has_dacl && sd.ace_count == 0 && td_security_descriptor_grants(&sd, &sd.owner, 1, 1, NULL)))
            __builtin_trap();
        for (size_t i = 0; i < sd.ace_count; i++) {
            const struct td_ace *ace = &sd.aces[i];
            texts(&ace->who);
            /* with the rights of an identity that the list does not name nobody gets anything */
            (void)td_security_descriptor_grants(&sd, &ace->who, 1, ace->mask, ace->has_object ? ace->object : NULL);
        }
        if (sd.has_dacl && td_security_descriptor_grants(&sd, NULL, 0, 1, NULL))
            __builtin_trap();
    }
    if (td_sid_read(in, &sid, NULL, NULL) == TD_OK)
        texts(&sid);
    if (td_sid_parse(in, &sid, NULL) == TD_OK)
        texts(&sid);
    td_arena_done(&a);
    return 0;
}
