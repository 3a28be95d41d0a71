/* way/rule: any text; what parses gives a verdict. */
#include "way/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct td_rule_device device = {
        .display_name = "PC1",
        .manufacturer = "Contoso",
        .model = "Book 1",
        .os_type = "Windows",
        .ownership = "Company",
        .object_id = "9a",
        .physical_ids = {"[ZTDID]:3f0c", "[OrderId]:KIOSK"},
        .physical_id_count = 2,
    };
    const struct td_rule *rule;
    struct td_arena a;
    td_arena_init(&a);
    if (td_rule_parse(td_bytes(data, size), &a, &rule, NULL) == TD_OK)
        (void)td_rule_matches(rule, &device);
    td_arena_done(&a);
    return 0;
}
