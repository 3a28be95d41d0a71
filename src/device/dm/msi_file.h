/* Windows Installer packages: who a package says it is, from its Property table. Reads the file, changes nothing.
 *
 * A package is a compound file (MS-CFB); its tables are streams with packed names, texts rest once in a string pool.
 * Bounds: every chain of sectors is cut off at the length of the file, a stream that is needed may have 16 MiB. */
#ifndef TD_DEVICE_DM_MSI_FILE_H
#define TD_DEVICE_DM_MSI_FILE_H

#include "base/arena.h"
#include "base/err.h"

struct td_msi_facts { /* "" where the package has none */
    const char *product_code, *version, *name, *manufacturer;
};

/* TD_EFORMAT: no Windows Installer package. */
enum td_code td_msi_file_read(const char *path, struct td_arena *a, struct td_msi_facts *ret, struct td_error *err)
    TD_MUST_USE;

#endif
