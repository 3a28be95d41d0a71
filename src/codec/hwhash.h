/* Hardware hash (4K HH): base64 or octets to facts about one machine, and back. Pure; must not decide what the facts
 * are worth (way/match.h does). Sources: autopilot.md 1.2, domain-join-and-tpm.md 3.
 *
 * A hash is a claim, not a proof. Octets are bounded (TD_HW_MIN_OCTETS to TD_HW_MAX_OCTETS); one that was cut anywhere
 * or counts past its end is refused (TD_EFORMAT, the error names the record). A wrong check sum alone is told in
 * checksum_ok, because what it covers is not settled by a real sample. All memory is the caller's arena; texts are
 * checked UTF-8 without control characters, "" where the hash has none. SHA-256 comes as a function: codec/ sees no
 * crypto/. */
#ifndef TD_CODEC_HWHASH_H
#define TD_CODEC_HWHASH_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    TD_HW_MIN_OCTETS = 3000, /* a whole hash is padded with zeros to this */
    TD_HW_MAX_OCTETS = 12288,
    TD_HW_MAX_TEXT = 16640, /* base64 with line breaks */
    TD_HW_MAX_RECORDS = 512
};

enum td_hw_type {
    TD_HW_VERSIONS = 1,
    TD_HW_CPU = 2,
    TD_HW_CPU_MAKER = 3,
    TD_HW_CPU_MODEL = 4,
    TD_HW_MEMORY = 5,
    TD_HW_DISK = 6,
    TD_HW_DISK_SERIAL = 7,
    TD_HW_NETWORK = 8,
    TD_HW_DISPLAY = 9,
    TD_HW_CHASSIS = 10,
    TD_HW_OFFLINE_ID = 11,
    TD_HW_UUID = 12,
    TD_HW_TPM_VERSION = 13,
    TD_HW_SERIAL = 14,
    TD_HW_FIRMWARE_VENDOR = 15,
    TD_HW_MANUFACTURER = 16,
    TD_HW_MODEL = 17,
    TD_HW_SKU = 18,
    TD_HW_FAMILY = 19,
    TD_HW_FIRMWARE_VERSION = 20,
    TD_HW_BOARD_PRODUCT = 21,
    TD_HW_BOARD_VERSION = 22,
    TD_HW_SYSTEM_VERSION = 23,
    TD_HW_PRODUCT_KEY_ID = 24,
    TD_HW_TPM_EK = 25,
    TD_HW_PRODUCT_KEY_PART = 26,
    TD_HW_UNKNOWN_27 = 27,
    TD_HW_KERNEL_DISK_SERIAL = 28,
    TD_HW_GPU_MEMORY = 29,
    TD_HW_GPU_NAME = 30
};

struct td_hw_version {
    uint16_t major, minor, build, revision;
};

struct td_hw_disk {
    uint64_t capacity; /* octets */
    uint16_t bus;      /* 3 ATA, 8 RAID, 10 SAS, 11 SATA, 17 NVMe */
    uint8_t seek_penalty, trim;
};

struct td_hw_nic {
    uint32_t medium; /* 1 wireless LAN, 9 native 802.11, 10 Bluetooth, 14 Ethernet */
    unsigned char mac[6];
    uint32_t unknown;
    const char *bus; /* "PCI", "USB", "" */
};

struct td_hw_display {
    uint16_t width, height, pixels_x, pixels_y; /* width and height are physical */
};

struct td_hw_gpu {
    uint64_t video_memory, system_memory;
    uint8_t removal;
};

struct td_hw_record { /* as it stands in the hash, for what we do not decode and for printing all of it */
    uint16_t type;
    struct td_slice data;
};

struct td_hw_facts {
    struct td_hw_version tool, os;
    uint32_t taken;  /* seconds since 2000-01-01 */
    int8_t zone;     /* quarter hours */
    uint8_t os_type; /* 2: full OS */
    uint8_t os_arch; /* 0 x86, 9 x64, 12 ARM64 */
    uint8_t tool_version;

    uint8_t cpu_arch; /* as os_arch */
    uint16_t cpu_packages, cpu_cores, cpu_threads;
    uint8_t cpu_hyperthreading;
    const char *cpu_maker, *cpu_model;

    uint64_t ram, ram_max; /* unit as the firmware gave it */
    uint16_t ram_slots, ram_arrays;
    uint8_t ram_ecc;

    uint8_t chassis, power_role, optical, touch;
    uint32_t offline_id_status, offline_id_kind; /* 0x00200001 TPM_EK, 0x00200102 UEFI variable TPM */
    struct td_slice offline_id;

    bool has_uuid;
    unsigned char uuid[16]; /* raw, as it stands in SMBIOS (first three fields little-endian) */
    const char *tpm_version;
    const char *serial, *manufacturer, *model, *sku, *family;
    const char *firmware_vendor, *firmware_version, *board_product, *board_version, *system_version;
    const char *product_key_id, *product_key_part;
    struct td_slice tpm_ek;      /* public part of the endorsement key, inner form not settled */
    unsigned char ek_sha256[32]; /* of tpm_ek, valid if tpm_ek.n != 0 */

    const struct td_hw_disk *disks;
    size_t disk_count;
    const char *const *disk_serials;
    size_t disk_serial_count;
    const char *const *kernel_disk_serials;
    size_t kernel_disk_serial_count;
    const struct td_hw_nic *nics;
    size_t nic_count;
    const struct td_hw_display *displays;
    size_t display_count;
    const struct td_hw_gpu *gpus;
    size_t gpu_count;
    const char *const *gpu_names; /* "maker|model" */
    size_t gpu_name_count;

    /* Set by the decoder only. */
    bool checksum_ok;
    const struct td_hw_record *records; /* every record, known or not, in order */
    size_t record_count;
};

typedef void td_sha256_fn(struct td_slice in, unsigned char out[32]); /* td_sha256 of crypto/digest.h */

/* Texts of an empty machine are "", so that callers fill only what they know. */
void td_hw_facts_init(struct td_hw_facts *f);

enum td_code td_hwhash_decode(struct td_slice octets, td_sha256_fn *sha256, struct td_arena *a, struct td_hw_facts *ret,
                              struct td_error *err) TD_MUST_USE;
/* Base64 as it is found in the field: padding missing, too much or made of 'A's, line breaks inside. ret_octets may be
 * NULL; it gets the decoded hash. */
enum td_code td_hwhash_decode_text(struct td_slice text, td_sha256_fn *sha256, struct td_arena *a,
                                   struct td_hw_facts *ret, struct td_slice *ret_octets, struct td_error *err)
    TD_MUST_USE;

/* Appends a whole hash of at least TD_HW_MIN_OCTETS. Empty texts and lists give no record. TD_ELIMIT past the bounds.
 */
enum td_code td_hwhash_encode(const struct td_hw_facts *f, td_sha256_fn *sha256, struct td_buf *out,
                              struct td_error *err) TD_MUST_USE;
/* The same as base64 text (standard alphabet, one line). */
enum td_code td_hwhash_encode_text(const struct td_hw_facts *f, td_sha256_fn *sha256, struct td_arena *a, char **ret,
                                   struct td_error *err) TD_MUST_USE;

#define TD_MAC_TEXT 18
void td_hw_mac_text(const unsigned char mac[6], char out[TD_MAC_TEXT]); /* "00:11:22:AA:BB:CC" */

/* All of it as one JSON object, each record once, by its name (`touchdown hash decode --json`). */
void td_hwhash_json(const struct td_hw_facts *f, struct td_buf *out);

#endif
