#include "codec/hwhash_table.h"

#define FACT(name, kind, at, member)                         \
    {                                                        \
        name, kind, at, offsetof(struct td_hw_facts, member) \
    }
#define ITEM(name, kind, at, type, member)            \
    {                                                 \
        name, kind, at, offsetof(struct type, member) \
    }
#define END                  \
    {                        \
        NULL, TD_HW_U8, 0, 0 \
    }

static const struct td_hw_field versions[] = {
    FACT("tool", TD_HW_VERSION, 0, tool),
    FACT("os", TD_HW_VERSION, 8, os),
    FACT("secondsSince2000", TD_HW_U32, 16, taken),
    FACT("zoneQuarterHours", TD_HW_S8, 20, zone),
    FACT("osType", TD_HW_U8, 21, os_type),
    FACT("osArchitecture", TD_HW_U8, 22, os_arch),
    FACT("toolVersion", TD_HW_U8, 23, tool_version),
    END,
};
static const struct td_hw_field cpu[] = {
    FACT("architecture", TD_HW_U8, 0, cpu_arch),
    FACT("packages", TD_HW_U16, 2, cpu_packages),
    FACT("cores", TD_HW_U16, 4, cpu_cores),
    FACT("threads", TD_HW_U16, 6, cpu_threads),
    FACT("hyperThreading", TD_HW_U8, 8, cpu_hyperthreading),
    END,
};
static const struct td_hw_field memory[] = {
    FACT("installed", TD_HW_U64, 0, ram),           FACT("maximum", TD_HW_U64, 8, ram_max),
    FACT("slots", TD_HW_U16, 16, ram_slots),        FACT("arrays", TD_HW_U16, 18, ram_arrays),
    FACT("errorCorrection", TD_HW_U8, 20, ram_ecc), END,
};
static const struct td_hw_field disk[] = {
    ITEM("capacity", TD_HW_U64, 0, td_hw_disk, capacity),
    ITEM("bus", TD_HW_U16, 8, td_hw_disk, bus),
    ITEM("seekPenalty", TD_HW_U8, 10, td_hw_disk, seek_penalty),
    ITEM("trim", TD_HW_U8, 11, td_hw_disk, trim),
    END,
};
static const struct td_hw_field network[] = {
    ITEM("medium", TD_HW_U32, 0, td_hw_nic, medium),
    ITEM("mac", TD_HW_MAC, 4, td_hw_nic, mac),
    ITEM("unknown", TD_HW_U32, 10, td_hw_nic, unknown),
    ITEM("bus", TD_HW_WIDE, 14, td_hw_nic, bus),
    END,
};
static const struct td_hw_field display[] = {
    ITEM("width", TD_HW_U16, 0, td_hw_display, width),
    ITEM("height", TD_HW_U16, 2, td_hw_display, height),
    ITEM("pixelsX", TD_HW_U16, 4, td_hw_display, pixels_x),
    ITEM("pixelsY", TD_HW_U16, 6, td_hw_display, pixels_y),
    END,
};
static const struct td_hw_field chassis[] = {
    FACT("type", TD_HW_U8, 0, chassis),
    FACT("powerRole", TD_HW_U8, 1, power_role),
    FACT("optical", TD_HW_U8, 2, optical),
    FACT("touch", TD_HW_U8, 3, touch),
    END,
};
static const struct td_hw_field offline_id[] = {
    FACT("status", TD_HW_U32, 0, offline_id_status),
    FACT("kind", TD_HW_U32, 4, offline_id_kind),
    FACT("id", TD_HW_REST, 10, offline_id),
    END,
};
static const struct td_hw_field gpu_memory[] = {
    ITEM("video", TD_HW_U64, 0, td_hw_gpu, video_memory),
    ITEM("system", TD_HW_U64, 8, td_hw_gpu, system_memory),
    ITEM("removal", TD_HW_U8, 16, td_hw_gpu, removal),
    END,
};
static const struct td_hw_field uuid[] = {FACT("uuid", TD_HW_UUID16, 0, uuid), END};
static const struct td_hw_field tpm_ek[] = {FACT("key", TD_HW_REST, 0, tpm_ek), END};
static const struct td_hw_field text_item[] = {{"text", TD_HW_TEXT, 0, 0}, END};
static const struct td_hw_field wide_item[] = {{"text", TD_HW_WIDE, 0, 0}, END};

#define TEXT(type, name, member)                                                                                    \
    {                                                                                                               \
        type, name, 0, 0, (const struct td_hw_field[]){FACT("text", TD_HW_TEXT, 0, member), END}, 0, 0, 0, SIZE_MAX \
    }
#define ONE(type, name, min, size, fields)               \
    {                                                    \
        type, name, min, size, fields, 0, 0, 0, SIZE_MAX \
    }
#define LIST(type, name, min, size, fields, element, list, count, text)                     \
    {                                                                                       \
        type, name, min, size, fields, sizeof(element), offsetof(struct td_hw_facts, list), \
            offsetof(struct td_hw_facts, count), text                                       \
    }

const struct td_hw_layout td_hw_layouts[] = {
    ONE(TD_HW_VERSIONS, "versions", 16, 24, versions),
    ONE(TD_HW_CPU, "processor", 8, 12, cpu),
    TEXT(TD_HW_CPU_MAKER, "processorManufacturer", cpu_maker),
    TEXT(TD_HW_CPU_MODEL, "processorModel", cpu_model),
    ONE(TD_HW_MEMORY, "memory", 8, 24, memory),
    LIST(TD_HW_DISK, "disk", 8, 12, disk, struct td_hw_disk, disks, disk_count, SIZE_MAX),
    LIST(TD_HW_DISK_SERIAL, "diskSerial", 1, 0, text_item, const char *, disk_serials, disk_serial_count, 0),
    LIST(TD_HW_NETWORK, "network", 10, 14, network, struct td_hw_nic, nics, nic_count, offsetof(struct td_hw_nic, bus)),
    LIST(TD_HW_DISPLAY, "display", 8, 8, display, struct td_hw_display, displays, display_count, SIZE_MAX),
    ONE(TD_HW_CHASSIS, "chassis", 1, 4, chassis),
    ONE(TD_HW_OFFLINE_ID, "offlineDeviceId", 8, 10, offline_id),
    ONE(TD_HW_UUID, "smbiosUuid", 16, 16, uuid),
    TEXT(TD_HW_TPM_VERSION, "tpmVersion", tpm_version),
    TEXT(TD_HW_MANUFACTURER, "manufacturer", manufacturer),
    TEXT(TD_HW_MODEL, "model", model),
    TEXT(TD_HW_SERIAL, "serialNumber", serial),
    TEXT(TD_HW_FIRMWARE_VENDOR, "firmwareVendor", firmware_vendor),
    TEXT(TD_HW_SKU, "skuNumber", sku),
    TEXT(TD_HW_FAMILY, "systemFamily", family),
    TEXT(TD_HW_FIRMWARE_VERSION, "firmwareVersion", firmware_version),
    TEXT(TD_HW_BOARD_PRODUCT, "boardProduct", board_product),
    TEXT(TD_HW_BOARD_VERSION, "boardVersion", board_version),
    TEXT(TD_HW_SYSTEM_VERSION, "systemVersion", system_version),
    TEXT(TD_HW_PRODUCT_KEY_ID, "productKeyId", product_key_id),
    ONE(TD_HW_TPM_EK, "tpmEkPub", 1, 0, tpm_ek),
    TEXT(TD_HW_PRODUCT_KEY_PART, "productKeyPartNumber", product_key_part),
    LIST(TD_HW_KERNEL_DISK_SERIAL, "kernelDiskSerial", 1, 0, text_item, const char *, kernel_disk_serials,
         kernel_disk_serial_count, 0),
    LIST(TD_HW_GPU_MEMORY, "gpuMemory", 16, 18, gpu_memory, struct td_hw_gpu, gpus, gpu_count, SIZE_MAX),
    LIST(TD_HW_GPU_NAME, "gpuName", 2, 0, wide_item, const char *, gpu_names, gpu_name_count, 0),
};
const size_t td_hw_layout_count = TD_COUNTOF(td_hw_layouts);

const struct td_hw_layout *td_hw_layout(unsigned type)
{
    for (size_t i = 0; i < td_hw_layout_count; i++)
        if (td_hw_layouts[i].type == type)
            return &td_hw_layouts[i];
    return NULL;
}

size_t td_hw_kind_size(enum td_hw_kind kind)
{
    static const unsigned char sizes[] = {1, 1, 2, 4, 8, 8, 6, 16, 0, 0, 0};
    return sizes[kind];
}
