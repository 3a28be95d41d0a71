#include "base/file.h"
#include "codec/json.h"
#include "device/device.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { STATE_MAX_OCTETS = 1 << 20, STATE_MAX_ENTRIES = 500 };

struct entry {
    char *key, *value;
};

struct td_device_state {
    char *path;
    struct entry *entries;
    size_t count;
};

static size_t position(const struct td_device_state *s, const char *key)
{
    size_t i = 0;
    while (i < s->count && strcmp(s->entries[i].key, key) != 0)
        i++;
    return i;
}

static void forget_value(struct entry *e)
{
    if (e->value != NULL)
        td_wipe(e->value, strlen(e->value)); /* keys of tokens rest here */
    td_free(e->value);
    e->value = NULL;
}

static enum td_code load(struct td_device_state *s, struct td_slice text, struct td_arena *a, struct td_error *err)
{
    struct td_json *root;
    if (td_json_parse(text, STATE_MAX_OCTETS, a, &root, NULL) != TD_OK || root->type != TD_JSON_OBJECT) {
        (void)td_fail(err, TD_EFORMAT, "state.json", "is not the JSON object that this program writes");
        return td_remedy(err, TD_EFORMAT, TD_STATE_DAMAGED);
    }
    for (const struct td_json *m = root->child; m != NULL; m = m->next) {
        if (m->type != TD_JSON_STRING) {
            (void)td_fail(err, TD_EFORMAT, "state.json", "%.60s is no text", m->name);
            return td_remedy(err, TD_EFORMAT, TD_STATE_DAMAGED);
        }
        td_state_set(s, m->name, m->str);
    }
    return TD_OK;
}

static void state_cleanup(struct td_device_state **s)
{
    td_state_close(*s);
}

enum td_code td_state_open(const char *dir, struct td_device_state **ret, struct td_error *err)
{
    td_try(td_dir_make(dir, 0700, err));
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(state_cleanup) struct td_device_state *s = td_new(struct td_device_state);
    s->path = td_strdup(td_arena_printf(&a, "%s/state.json", dir));
    if (td_file_exists(s->path)) {
        TD_CLEANUP(td_buf_wipe) struct td_buf text;
        td_buf_init(&text, STATE_MAX_OCTETS);
        td_try(td_file_read(s->path, &text, err));
        td_try(load(s, td_buf_slice(&text), &a, err));
    }
    *ret = TD_TAKE(s);
    return TD_OK;
}

void td_state_close(struct td_device_state *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        forget_value(&s->entries[i]);
        td_free(s->entries[i].key);
    }
    td_free(s->entries);
    td_free(s->path);
    td_free(s);
}

const char *td_state_get(const struct td_device_state *s, const char *key)
{
    size_t i = position(s, key);
    return i < s->count ? s->entries[i].value : NULL;
}

void td_state_set(struct td_device_state *s, const char *key, const char *value)
{
    size_t i = position(s, key);
    char *copy = value != NULL ? td_strdup(value) : NULL; /* first: value may be the old one */
    if (i == s->count) {
        if (copy == NULL)
            return;
        s->entries = td_realloc(s->entries, (s->count + 1) * sizeof(*s->entries));
        s->entries[s->count++] = (struct entry){td_strdup(key), copy};
        return;
    }
    forget_value(&s->entries[i]);
    s->entries[i].value = copy;
}

int64_t td_state_int(const struct td_device_state *s, const char *key, int64_t otherwise)
{
    int64_t v;
    const char *text = td_state_get(s, key);
    return text != NULL && td_parse_i64(td_str(text), &v) ? v : otherwise;
}

void td_state_set_int(struct td_device_state *s, const char *key, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    td_state_set(s, key, text);
}

bool td_state_at(const struct td_device_state *s, size_t i, const char **ret_key, const char **ret_value)
{
    if (i >= s->count)
        return false;
    *ret_key = s->entries[i].key;
    *ret_value = s->entries[i].value;
    return true;
}

enum td_code td_state_save(struct td_device_state *s, struct td_error *err)
{
    if (s->count > STATE_MAX_ENTRIES)
        return td_fail(err, TD_ELIMIT, "state.json", "more than %d entries", STATE_MAX_ENTRIES);
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, STATE_MAX_OCTETS);
    struct td_jsonw w;
    td_jsonw_init(&w, &text);
    td_jsonw_obj(&w);
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].value != NULL)
            td_jsonw_kstr(&w, s->entries[i].key, s->entries[i].value);
    td_jsonw_end(&w);
    td_try(td_buf_check(&text, "state.json", err));
    return td_file_write(s->path, td_buf_slice(&text), 0600, err);
}

/* The names that td_file_write gives to what is not whole yet. */
static bool is_left_over(struct td_slice name)
{
    enum { TAIL = 7 };
    if (name.n <= TAIL || name.p[name.n - TAIL] != '.')
        return false;
    for (size_t i = name.n - TAIL + 1; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]))
            return false;
    struct td_slice whole = td_sub(name, 0, name.n - TAIL);
    return td_ends(whole, ".json") || td_ends(whole, ".pem");
}

void td_state_sweep(const char *dir)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    DIR *d = opendir(dir);
    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_left_over(td_str(e->d_name)))
            (void)unlink(td_arena_printf(&a, "%s/%s", dir, e->d_name));
    (void)closedir(d);
}
