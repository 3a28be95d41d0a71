/* Commands that look and change nothing: the hash of this machine, what a device knows, whether it would deploy, and
 * all of that in one archive. None takes the folder's lock: they work beside a run. */
#include "app/device/program.h"
#include "base/file.h"
#include "codec/json.h"
#include "device/diagnostics.h"
#include "device/dm.h"
#include "device/hardware.h"
#include "device/preflight.h"
#include "device/show.h"
#include "device/tpm.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_OUTPUT = 4 << 20 };

/* A TPM that is named now, for what only looks: nothing is kept of it. What a hardware file says goes before. */
static enum td_code look_at_tpm(struct td_program *p, struct td_hardware *hw, struct td_error *err)
{
    struct td_slice ek = {0};
    const char *version = "";
    if (p->dev.tcti == NULL)
        return TD_OK;
    td_try(td_tpm_open(p->dev.tcti, &p->dev.tpm, err));
    if (td_tpm_facts(p->dev.tpm, &p->arena, &ek, &version, NULL) != TD_OK) {
        td_tpm_sweep(p->dev.tpm); /* filled by somebody who was killed */
        td_try(td_tpm_facts(p->dev.tpm, &p->arena, &ek, &version, err));
    }
    hw->facts.tpm_ek = hw->facts.tpm_ek.n != 0 ? hw->facts.tpm_ek : ek;
    hw->facts.tpm_version = hw->facts.tpm_version[0] != '\0' ? hw->facts.tpm_version : version;
    return TD_OK;
}

/* Standard output is a file for the import, mostly. */
static void say_aside(void *ctx TD_UNUSED, const char *line)
{
    (void)fprintf(stderr, "%s\n", line);
}

int td_program_hash(struct td_program *p)
{
    struct td_error err = {0};
    p->dev.say = say_aside;
    struct td_hardware hw;
    char *hash = NULL;
    if (td_hardware_read("", p->hardware, &p->arena, &hw, &err) != TD_OK || look_at_tpm(p, &hw, &err) != TD_OK ||
        td_hardware_hash(&hw, p->env, &p->arena, &hash, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    if (!p->csv) {
        (void)printf("%s\n", hash);
        return TD_EXIT_READY;
    }
    if (strpbrk(hw.facts.serial, ",\"\r\n") != NULL)
        return td_program_complain("the serial number can't stand in a CSV without quotes", hw.facts.serial);
    (void)printf("Device Serial Number,Windows Product ID,Hardware Hash\n%s,%s,%s\n", hw.facts.serial,
                 hw.facts.product_key_id, hash);
    return TD_EXIT_READY;
}

int td_program_show(struct td_program *p)
{
    struct td_error err = {0};
    if (td_program_open_known(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, MAX_OUTPUT);
    if (p->json)
        td_device_show_json(&p->dev, &out);
    else
        td_device_show(&p->dev, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    return TD_EXIT_READY;
}

/* Box roots and those that management has brought. */
static struct td_slice all_roots(struct td_program *p)
{
    const char *more = td_device_effect(&p->dev, "trusted_roots", &p->arena);
    const char *both = td_arena_printf(&p->arena, "%.*s\n%s", TD_FMT(p->dev.ca_pem), more != NULL ? more : "");
    return td_str(both);
}

static int probe(struct td_program *p, const char *url)
{
    struct td_error err = {0};
    struct td_net *net = NULL;
    struct td_net_response r;
    const struct td_net_request req = {.method = "GET", .url = url};
    const struct td_net_config config = {.ca_pem = all_roots(p)};
    enum td_code rc = td_net_new(&config, &net, &err);
    if (rc == TD_OK)
        rc = td_net_do(net, &req, &p->arena, &r, &err);
    td_net_free(net);
    if (rc != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    td_device_say(&p->dev, "ok", "%s answers %d, and is trusted", url, r.status);
    return TD_EXIT_READY;
}

static const char *proxy_named(void)
{
    const char *upper = getenv("HTTPS_PROXY"), *lower = getenv("https_proxy");
    return upper != NULL ? upper : lower;
}

static int print_findings(struct td_program *p, const struct td_finding *list, size_t n)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, MAX_OUTPUT);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_findings_write(list, n, &w);
    td_jsonw_end(&w);
    if (p->json)
        (void)printf("%s\n", out.p);
    for (size_t i = 0; i < n && !p->json; i++)
        td_device_say(&p->dev, td_verdict_word(list[i].verdict), "%-22s %s%s%s", list[i].requirement->code,
                      list[i].found, list[i].remedy[0] != '\0' ? "; " : "", list[i].remedy);
    return td_findings_passed(list, n) ? TD_EXIT_READY : TD_EXIT_FAILED;
}

/* The hardware that is asked about: a file given now, or what the device was made of. */
static enum td_code preflight_hardware(struct td_program *p, struct td_hardware *hw, struct td_error *err)
{
    return p->hardware != NULL ? td_hardware_read("", p->hardware, &p->arena, hw, err)
                               : td_hardware_of(&p->dev, &p->arena, hw, err);
}

/* Every requirement of a deployment; with --endpoint only whether that address is there and trusted. */
int td_program_preflight(struct td_program *p)
{
    struct td_error err = {0};
    struct td_hardware hw;
    struct td_net *net = NULL;
    struct td_finding *list;
    size_t n = 0;
    if (td_program_open(p, &err) != TD_OK || td_program_load_roots(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    if (p->endpoint != NULL)
        return probe(p, p->endpoint);
    if (td_program_load_server(p, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, td_program_exit_code(&err));
    const struct td_net_config config = {.ca_pem = all_roots(p), .timeout_seconds = 10};
    if (preflight_hardware(p, &hw, &err) != TD_OK || look_at_tpm(p, &hw, &err) != TD_OK ||
        td_net_new(&config, &net, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    const struct td_preflight pf = {.dev = &p->dev, .hw = &hw, .net = &transport, .proxy = proxy_named()};
    td_preflight_run(&pf, &p->arena, &list, &n);
    td_net_free(net);
    return print_findings(p, list, n);
}

/* With the requirements of the network where the device knows its service; without a word to it otherwise. Works beside
 * a run, whose lock it does not take. */
int td_program_diagnostics(struct td_program *p)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_error err = {0};
    struct td_hardware hw;
    struct td_net *net = NULL;
    td_buf_init(&out, TD_DIAGNOSTICS_MAX);
    if (td_program_open_known(p, &err) != TD_OK || td_hardware_of(&p->dev, &p->arena, &hw, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    const char *server = td_state_get(p->dev.state, "server");
    if (server != NULL && td_program_load_roots(p, NULL) == TD_OK) {
        const struct td_net_config config = {.ca_pem = all_roots(p), .timeout_seconds = 10};
        p->dev.server = td_arena_strdup(&p->arena, server);
        td_ignore(td_net_new(&config, &net, NULL));
    }
    const struct td_transport transport = {.send = td_transport_net, .ctx = net};
    enum td_code rc = td_diagnostics_zip(&p->dev, &hw, net != NULL ? &transport : NULL, &out, &err);
    td_net_free(net);
    if (rc != TD_OK || td_file_write(p->out, td_buf_slice(&out), 0600, &err) != TD_OK)
        return td_program_fail(&p->dev, &err, TD_EXIT_FAILED);
    td_device_say(&p->dev, "step", "collected in %s: %zu octets", p->out, out.n);
    return TD_EXIT_READY;
}
