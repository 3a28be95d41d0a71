/* touchdown-device domain: what a domain-join blob says, its forms for Windows' own tools, and the group policies of
 * the domain. Source: domain-join-and-tpm.md 1.6. */
#include "device/domain.h"

#include "app/device/program.h"
#include "base/file.h"
#include "codec/json.h"
#include "codec/odj.h"

#include <stdio.h>

enum { FORM_OCTETS = 4 * TD_ODJ_MAX };

/* The blob of a file, or the one that this device has taken. */
static enum td_code read_blob(struct td_program *p, struct td_slice *ret, struct td_error *err)
{
    struct td_slice file = {0};
    const char *path = p->blob;
    if (path == NULL) {
        td_try(td_program_open_known(p, err));
        path = td_device_path(&p->dev, &p->arena, "odj.txt");
        if (!td_file_exists(path))
            return td_remedy(err, td_fail(err, TD_ENOTFOUND, "domain", "this device has taken no blob"),
                             "name a file: --blob FILE");
    }
    td_try(td_program_read_file(p, path, &file, err));
    enum td_code rc = td_odj_file_read(file, &p->arena, ret, err);
    return rc == TD_OK ? TD_OK : td_remedy(err, rc, "name the file that djoin or a connector has made");
}

static enum td_code understand(struct td_program *p, struct td_slice *ret_blob, struct td_odj *ret,
                               struct td_error *err)
{
    td_try(read_blob(p, ret_blob, err));
    enum td_code rc = td_odj_read(*ret_blob, &p->arena, ret, err);
    return rc == TD_OK ? TD_OK
                       : td_remedy(err, rc, "have another one made: this one was spoilt, or is of another kind");
}

static const char *bare(const char *name)
{
    while (*name == '\\')
        name++;
    return name;
}

static const char *roots_of(struct td_program *p, const struct td_odj *odj)
{
    struct td_slice der[TD_ODJ_ROOTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < odj->extra_count; i++)
        if (memcmp(odj->extra[i].guid, td_odj_part_certificates, sizeof(odj->extra[i].guid)) == 0 &&
            td_odj_roots_read(odj->extra[i].bytes, &p->arena, der, &count, NULL) == TD_OK)
            return td_arena_printf(&p->arena, "%zu", count);
    return "";
}

/* Everything but the password. */
static void print(struct td_program *p, const struct td_odj *odj)
{
    char sid[TD_SID_TEXT], guid[37] = "", rid[16] = "";
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    td_ignore(td_guid_text(td_bytes(odj->domain_guid, sizeof(odj->domain_guid)), guid, NULL));
    if (odj->rid != 0)
        (void)snprintf(rid, sizeof(rid), "-%u", odj->rid);
    const char *domain_sid = td_sid_text(&odj->domain_sid, sid);
    const struct {
        const char *label, *name, *value, *more;
    } rows[] = {
        {"Domain", "domain", odj->domain, ""},
        {"NetBIOS name", "netbios", odj->netbios, ""},
        {"Forest", "forest", odj->forest, ""},
        {"Domain SID", "domainSid", domain_sid, ""},
        {"Domain GUID", "domainGuid", guid, ""},
        {"Computer", "computer", odj->machine, ""},
        {"Computer SID", "computerSid", rid[0] != '\0' ? domain_sid : "", rid},
        {"Domain controller", "domainController", bare(odj->dc.name), ""},
        {"Its address", "address", bare(odj->dc.address), ""},
        {"Its site", "controllerSite", odj->dc.dc_site, ""},
        {"Computer's site", "computerSite", odj->dc.client_site, ""},
        {"Roots it brings", "roots", roots_of(p, odj), ""},
    };
    td_buf_init(&out, FORM_OCTETS);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (p->json) {
            td_jsonw_key(&w, rows[i].name);
            td_jsonw_str(&w, td_arena_printf(&p->arena, "%s%s", rows[i].value, rows[i].more));
        } else if (rows[i].value[0] != '\0')
            (void)printf("%-18s %s%s\n", rows[i].label, rows[i].value, rows[i].more);
    }
    td_jsonw_end(&w);
    if (p->json)
        (void)printf("%s\n", out.p);
}

static enum td_code write_form(void (*write)(struct td_slice blob, struct td_buf *out), const char *path,
                               struct td_slice blob, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf out;
    td_buf_init(&out, FORM_OCTETS);
    if (path == NULL)
        return TD_OK;
    write(blob, &out);
    td_try(td_buf_check(&out, "blob", err));
    return td_file_write(path, td_buf_slice(&out), 0600, err);
}

/* As Windows' own tool does with such a blob: the device is in the domain from now on. */
static enum td_code take(struct td_program *p, struct td_slice blob, struct td_error *err)
{
    if (!p->take)
        return TD_OK;
    td_try(td_program_open(p, err));
    td_try(td_program_lock(p, err));
    return td_domain_apply(&p->dev, blob, err);
}

static int policies(struct td_program *p)
{
    struct td_error err = {0};
    if (td_program_open_known(p, &err) != TD_OK || td_program_lock(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    if (!td_domain_joined(&p->dev)) {
        td_ignore(td_fail(&err, TD_ESTATE, "domain", "this device is in no domain"));
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    }
    if (td_domain_policies(&p->dev, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    return td_state_get(p->dev.state, "domain.gpos_problem") == NULL ? TD_EXIT_READY : TD_EXIT_FAILED;
}

int td_program_domain(struct td_program *p)
{
    struct td_error err = {0};
    struct td_slice blob = {0};
    struct td_odj odj = {0};
    if (p->dev.dir == NULL && (p->blob == NULL || p->policies || p->take))
        return td_program_complain(p->blob == NULL ? "--state DIR or --blob FILE is needed" : "--state DIR is needed",
                                   NULL);
    if (p->take && p->blob == NULL)
        return td_program_complain("--take wants --blob FILE", NULL);
    if (p->policies)
        return policies(p);
    if (understand(p, &blob, &odj, &err) != TD_OK || write_form(td_odj_file_write, p->djoin, blob, &err) != TD_OK ||
        write_form(td_odj_answer_file, p->unattend, blob, &err) != TD_OK || take(p, blob, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    print(p, &odj);
    return TD_EXIT_READY;
}
