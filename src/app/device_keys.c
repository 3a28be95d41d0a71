#include "app/device_keys.h"

#include "base/file.h"
#include "codec/csv.h"

enum { MAX_FILE = 64 << 20 };

void td_device_keys_add(struct td_cli *cli, struct td_device_keys *keys, const char *key)
{
    keys->list = td_arena_room(&cli->arena, keys->list, keys->count, &keys->cap, sizeof(*keys->list));
    keys->list[keys->count++] = key;
}

enum td_code td_device_keys_read(struct td_cli *cli, struct td_device_keys *keys, const char *path, size_t max,
                                 struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf file;
    TD_CLEANUP(td_buf_done) struct td_buf converted;
    struct td_csv csv;
    struct td_csv_row row;
    td_buf_init(&file, MAX_FILE);
    td_buf_init(&converted, 2 * (size_t)MAX_FILE);
    td_try(td_file_read(path, &file, err));
    td_try(td_csv_open(td_buf_slice(&file), &converted, &csv, err));
    while (td_csv_next(&csv, &cli->arena, &row)) {
        if (row.broken != NULL)
            return td_fail(err, TD_EFORMAT, "file", "line %zu: %s", row.line, row.broken);
        struct td_slice cell = row.cells[0];
        if (cell.n == 0 || td_ieqs(cell, "Device Serial Number") || td_ieqs(cell, "serialNumber"))
            continue;
        if (keys->count == max)
            return td_fail(err, TD_ELIMIT, "file", "names more than %zu devices", max);
        td_device_keys_add(cli, keys, td_arena_text(&cli->arena, cell));
    }
    return TD_OK;
}
