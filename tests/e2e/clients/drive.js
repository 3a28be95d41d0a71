/* Clients of others against a running service: @azure/msal-node signs in, @microsoft/microsoft-graph-client asks.
 *
 * node drive.js CONFIG.json PART: prints one JSON line a step; exit 0 only if all went as it must. What a person does
 * (entering a device code) is asked for by a line {"ask":...}; the caller does it. */
"use strict";
const assert = require("assert");
const crypto = require("crypto");
const fs = require("fs");
const msal = require("@azure/msal-node");
const { BatchRequestContent, BatchResponseContent, Client, PageIterator } = require("@microsoft/microsoft-graph-client");

const config = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const DEVICES = "/deviceManagement/windowsAutopilotDeviceIdentities";
const IMPORTS = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";
const SCOPE = "https://graph.microsoft.com/.default";

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const authority = (more) => ({ authority: `${config.url}/${config.tenant}`, knownAuthorities: [new URL(config.url).host], ...more });
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url").toString());

async function bySecret() {
  const app = new msal.ConfidentialClientApplication({ auth: authority({ clientId: config.client, clientSecret: config.secret }) });
  return (await app.acquireTokenByClientCredential({ scopes: [SCOPE] })).accessToken;
}

async function byCertificate(sha256) {
  const pem = fs.readFileSync(config.certificate, "utf8");
  const der = new crypto.X509Certificate(pem).raw;
  const print = (name) => crypto.createHash(name).update(der).digest("hex");
  const certificate = { privateKey: fs.readFileSync(config.key, "utf8"), x5c: pem };
  certificate[sha256 ? "thumbprintSha256" : "thumbprint"] = print(sha256 ? "sha256" : "sha1");
  const app = new msal.ConfidentialClientApplication({ auth: authority({ clientId: config.client, clientCertificate: certificate }) });
  return (await app.acquireTokenByClientCredential({ scopes: [SCOPE] })).accessToken;
}

async function byDeviceCode(scopes) {
  const app = new msal.PublicClientApplication({ auth: authority({ clientId: config.tool }) });
  const answer = await app.acquireTokenByDeviceCode({
    scopes,
    deviceCodeCallback: (r) => tell({ ask: "device-code", code: r.userCode, address: r.verificationUri, message: r.message }),
  });
  const again = await app.acquireTokenSilent({ scopes, account: answer.account, forceRefresh: true });
  assert.notStrictEqual(again.accessToken, answer.accessToken, "a refresh gives a new token");
  return { ...answer, accessToken: again.accessToken };
}

function graph(token, more) {
  return Client.init({
    baseUrl: config.url + "/",
    defaultVersion: "beta",
    customHosts: new Set([new URL(config.url).hostname]),
    authProvider: (done) => done(null, token),
    ...more,
  });
}

async function fails(promise, status, code) {
  try {
    await promise;
  } catch (e) {
    assert.strictEqual(e.statusCode, status, `${e.statusCode} ${e.message}`);
    if (code) assert.strictEqual(e.code, code);
    assert.ok(e.requestId, "the error names the request");
    return e;
  }
  throw new Error(`the call succeeded and should have failed with ${status}`);
}

/* Every page of a list, by the client's own iterator. */
async function pages(client, path, options) {
  const first = await client.api(path).query(options).get();
  const seen = new Set();
  let elements = 0;
  const iterator = new PageIterator(client, first, (one) => {
    elements++;
    seen.add(one.id);
    return true;
  });
  await iterator.iterate();
  assert.strictEqual(seen.size, elements, "no element came twice");
  return elements;
}

async function signIn() {
  for (const [name, how] of [["secret", bySecret], ["certificate", () => byCertificate(false)], ["certificate-sha256", () => byCertificate(true)]]) {
    const token = await how();
    const c = claims(token);
    assert.strictEqual(c.idtyp, "app");
    assert.ok(c.roles.includes("DeviceManagementServiceConfig.ReadWrite.All"));
    const organization = await graph(token).api("/organization").version("v1.0").get();
    assert.strictEqual(organization.value[0].id, config.tenant);
    tell({ step: "signed in", by: name });
  }
  const scopes = ["DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementApps.Read.All", "User.Read"];
  const person = await byDeviceCode(scopes);
  const c = claims(person.accessToken);
  assert.strictEqual(c.upn, config.user);
  for (const scope of scopes) assert.ok(c.scp.split(" ").includes(scope), `${scope} is in the token`);
  const client = graph(person.accessToken);
  assert.strictEqual((await client.api("/me").get()).userPrincipalName, config.user);
  assert.ok((await client.api(DEVICES).top(1).get()).value.length === 1);
  await fails(client.api("/groups").get(), 403); /* the scope was not asked for */
  await fails(client.api(`${DEVICES}/${crypto.randomUUID()}`).get(), 404, "ResourceNotFound");
  await fails(graph("nonsense").api(DEVICES).get(), 401, "InvalidAuthenticationToken");
  tell({ step: "signed in", by: "device-code" });
}

async function lists() {
  const client = graph(await bySecret());
  assert.strictEqual(await pages(client, DEVICES, { $top: "100" }), config.devices);
  assert.strictEqual(await pages(client, DEVICES, { $top: "100", $orderby: "serialNumber desc" }), config.devices);
  assert.strictEqual(await pages(client, DEVICES, {}), config.devices);
  tell({ step: "pages", devices: config.devices });
  const filtered = async (filter) => (await client.api(DEVICES).filter(filter).count(true).get());
  let r = await filtered("contains(serialNumber,'GC 0007')");
  assert.deepStrictEqual(r.value.map((d) => d.serialNumber), ["GC 0007"]);
  assert.strictEqual(r["@odata.count"], 1);
  r = await filtered("startsWith(serialNumber, 'gc 000')");
  assert.strictEqual(r.value.length, 10);
  r = await filtered("groupTag eq 'EVEN'");
  assert.strictEqual(r["@odata.count"], config.devices / 2);
  r = await filtered("serialNumber eq 'GC 0001' and groupTag ne 'EVEN'");
  assert.strictEqual(r.value.length, 1);
  const selected = await client.api(DEVICES).select(["id", "serialNumber"]).top(2).get();
  assert.deepStrictEqual(Object.keys(selected.value[0]).filter((k) => !k.startsWith("@")).sort(), ["id", "serialNumber"]);
  await fails(client.api(DEVICES).filter("nonsense eq").get(), 400);
  tell({ step: "filters" });
}

async function waitFor(what, ready) {
  for (let i = 0; i < 300; i++) {
    const value = await ready();
    if (value) return value;
    await pause(100);
  }
  throw new Error(`waited in vain: ${what}`);
}

/* The way of the community's scripts: import, poll, synchronise, wait for the profile, name, delete. */
async function deployment() {
  const client = graph(await bySecret());
  const group = await client.api("/groups").post({
    displayName: "Client group", mailEnabled: false, mailNickname: "client", securityEnabled: true, groupTypes: ["DynamicMembership"],
    membershipRule: '(device.devicePhysicalIds -any _ -eq "[OrderID]:CLIENT")', membershipRuleProcessingState: "On",
  });
  const profile = await client.api("/deviceManagement/windowsAutopilotDeploymentProfiles").post({
    "@odata.type": "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile", displayName: "Client profile", locale: "os-default",
    deviceNameTemplate: "GC-%SERIAL%",
  });
  await client.api(`/deviceManagement/windowsAutopilotDeploymentProfiles/${profile.id}/assignments`).post({
    target: { "@odata.type": "#microsoft.graph.groupAssignmentTarget", groupId: group.id },
  });
  const imported = await client.api(IMPORTS).post({
    "@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentity", groupTag: "CLIENT", serialNumber: config.fresh.serial,
    productKey: "", hardwareIdentifier: config.fresh.hash, assignedUserPrincipalName: "",
    state: { "@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState", deviceImportStatus: "pending",
      deviceRegistrationId: "", deviceErrorCode: 0, deviceErrorName: "" },
  });
  assert.strictEqual(imported.state.deviceImportStatus, "unknown");
  const done = await waitFor("the import", async () => {
    const now = await client.api(`${IMPORTS}/${imported.id}`).get();
    return now.state.deviceImportStatus !== "unknown" && now;
  });
  assert.strictEqual(done.state.deviceImportStatus, "complete", JSON.stringify(done.state));
  const path = `${DEVICES}/${done.state.deviceRegistrationId}`;
  tell({ step: "imported", id: done.state.deviceRegistrationId });
  assert.strictEqual(await client.api("/deviceManagement/windowsAutopilotSettings/sync").post(), undefined);
  await client.api(`${path}/assignUserToDevice`).post({ userPrincipalName: config.user, addressableUserName: "Ada" });
  await client.api(`${path}/updateDeviceProperties`).post({ displayName: "GC-PC" });
  const device = await waitFor("the profile", async () => {
    const now = await client.api(path).expand("deploymentProfile,intendedDeploymentProfile").get();
    return now.deploymentProfileAssignmentStatus.startsWith("assigned") && now;
  });
  assert.strictEqual(device.deploymentProfile.displayName, "Client profile");
  assert.strictEqual(device.userPrincipalName, config.user);
  assert.strictEqual(device.displayName, "GC-PC");
  tell({ step: "assigned", status: device.deploymentProfileAssignmentStatus });
  await client.api(`${IMPORTS}/${imported.id}`).delete();
  await client.api(path).delete();
  await waitFor("the end of the device", async () => {
    const left = await client.api(DEVICES).filter(`contains(serialNumber,'${config.fresh.serial}')`).get();
    return left.value.length === 0;
  });
  const audit = await client.api("/deviceManagement/auditEvents").filter(`actor/applicationId eq '${config.client}'`).get();
  assert.ok(audit.value.length > 5, "the audit tells of every step");
  assert.strictEqual(audit.value[0].activityOperationType, "Delete");
  tell({ step: "deleted", audit: audit.value.length });
}

async function batch() {
  const client = graph(await bySecret());
  const list = await client.api(DEVICES).filter("startsWith(serialNumber,'GC 00')").top(20).get();
  const content = new BatchRequestContent(list.value.map((d) => ({
    id: d.serialNumber, request: new Request(`${config.url}/beta${DEVICES}/${d.id}`, { method: "DELETE" }) })));
  const answer = new BatchResponseContent(await client.api("/$batch").post(await content.getContent()));
  let gone = 0;
  for (const [id, response] of answer.getResponsesIterator()) {
    assert.ok(response.status === 204 || response.status === 200, `${id}: ${response.status}`);
    gone++;
  }
  assert.strictEqual(gone, 20);
  assert.strictEqual(await pages(client, DEVICES, { $top: "500" }), config.devices - 20);
  const chain = await client.api("/$batch").post({ requests: [
    { id: "a", method: "GET", url: `${DEVICES}/${crypto.randomUUID()}` },
    { id: "b", method: "GET", url: "/organization", dependsOn: ["a"] },
    { id: "c", method: "GET", url: `${DEVICES}?$top=1` }] });
  const status = Object.fromEntries(chain.responses.map((r) => [r.id, r.status]));
  assert.deepStrictEqual(status, { a: 404, b: 424, c: 200 });
  tell({ step: "batch", deleted: gone });
}

/* More calls than the tenant lets a program make: the client waits as it is told to, and every call comes through. */
async function throttled() {
  let refused = 0;
  const counting = async (...words) => {
    const answer = await fetch(...words);
    if (answer.status === 429) {
      refused++;
      assert.ok(Number(answer.headers.get("retry-after")) >= 1, "429 tells when to come again");
    }
    return answer;
  };
  const token = await bySecret();
  const { AuthenticationHandler, CustomAuthenticationProvider, RetryHandler, RetryHandlerOptions } = require("@microsoft/microsoft-graph-client");
  const auth = new AuthenticationHandler(new CustomAuthenticationProvider((done) => done(null, token)));
  const retry = new RetryHandler(new RetryHandlerOptions(3, 5));
  auth.setNext(retry);
  retry.setNext({ execute: async (context) => { context.response = await counting(context.request, context.options); } });
  const client = Client.initWithMiddleware({ baseUrl: config.url + "/", defaultVersion: "beta", middleware: auth,
    customHosts: new Set([new URL(config.url).hostname]) });
  for (let i = 0; i < config.burst; i++)
    assert.strictEqual((await client.api(DEVICES).top(1).select("id").get()).value.length, 1);
  assert.ok(refused > 0, "the limit was met");
  tell({ step: "throttled", refused, calls: config.burst });
}

const parts = { signIn, lists, deployment, batch, throttled };
parts[process.argv[3]]().catch((e) => {
  process.stderr.write(`${e.stack}\n${e.body !== undefined ? JSON.stringify(e.body) : ""}\n`);
  process.exit(1);
});
