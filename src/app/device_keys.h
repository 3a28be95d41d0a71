/* Which devices a command is about: keys (serial numbers or ids) as they were given, one by one or in a list. Whether
 * there is such a device is asked later, slice by slice. Texts rest in the command's arena. */
#ifndef TD_APP_DEVICE_KEYS_H
#define TD_APP_DEVICE_KEYS_H

#include "app/cli.h"

struct td_device_keys {
    const char **list;
    size_t count, cap;
};

/* The key itself is not copied. */
void td_device_keys_add(struct td_cli *cli, struct td_device_keys *keys, const char *key);

/* The first cell of each line, in any form that lists of devices are taken in (one key a line, the CSV of an import);
 * a heading is passed over. TD_ELIMIT behind max keys, TD_EFORMAT with the line, a file of at most 64 MiB. */
enum td_code td_device_keys_read(struct td_cli *cli, struct td_device_keys *keys, const char *path, size_t max,
                                 struct td_error *err) TD_MUST_USE;

#endif
