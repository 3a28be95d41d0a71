/* Items as texts, for tests of policy: read, checked, written again. One arena and one error a program. */
#ifndef TD_TESTS_UNIT_POLICY_ITEM_TEXT_H
#define TD_TESTS_UNIT_POLICY_ITEM_TEXT_H

#include "policy/item.h"
#include "unit/test.h"

static struct td_arena arena;
static struct td_error err;

#define ID "9a2a490f-10f6-4764-974a-43b19e722c23"

static inline enum td_code read_item(const char *text, struct td_item *ret)
{
    struct td_json *json = NULL;
    assert_ok(td_json_parse(td_str(text), 1 << 20, &arena, &json, &err));
    return td_item_parse(json, &arena, ret, &err);
}

/* One that must be right, as the service hands it on. */
static inline struct td_item item_named(const char *name, const char *text)
{
    struct td_item item = {.id = ""};
    if (read_item(text, &item) != TD_OK)
        fail_msg("%s: %s: %s", text, err.where, err.text);
    item.id = ID;
    item.name = name;
    item.revision = 1;
    return item;
}

static inline const char *written(const struct td_item *item, bool with_secrets)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 1 << 20);
    td_jsonw_init(&w, &b);
    td_item_write(&w, item, with_secrets);
    char *text = td_arena_text(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

#endif
