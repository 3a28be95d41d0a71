/* The medium for existing devices (autopilot.md 2.4, 3.5; row S15): a profile's file, scripts that wipe a disk, load
 * Windows and put the file in place (Windows PE, Configuration Manager), and what to do. Pure: files go to a function.
 *
 * The scripts are constant texts (src/media/existing): nothing of a profile stands in them, so its name cannot become a
 * command. Only README.txt names it. Line ends are those of Windows. */
#ifndef TD_MEDIA_EXISTING_H
#define TD_MEDIA_EXISTING_H

#include "base/arena.h"
#include "base/err.h"

struct td_media_text {
    const char *name, *text;
};
extern const struct td_media_text td_media_existing_texts[];
extern const size_t td_media_existing_texts_count;

struct td_media_existing {
    struct td_slice profile_file; /* AutopilotConfigurationFile.json, from td_profile_export */
    const char *profile_name, *profile_id, *tenant_domain;
    bool user_files; /* with the scripts that save and restore them */
};

typedef enum td_code td_media_put(void *ctx, const char *name, struct td_slice content, struct td_error *err);

/* Gives every file to put, by its name in the folder; stops at its first failure. */
enum td_code td_media_existing_write(const struct td_media_existing *in, td_media_put *put, void *ctx,
                                     struct td_error *err) TD_MUST_USE;

#endif
