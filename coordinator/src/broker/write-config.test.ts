import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { HostName, SiteName } from "@davit/protocol";
import { writeBrokerConfig } from "./write-config.ts";

const site = SiteName.parse("home");
const nas = HostName.parse("nas");
const pi = HostName.parse("pi");

async function openFolder(t: TestContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), "davit-broker-"));
	t.after(() => rm(folder, { recursive: true }));
	return folder;
}

test("writing again keeps every password and changes no file", async (t) => {
	const folder = await openFolder(t);
	const first = await writeBrokerConfig(folder, { site, hosts: [nas, pi] });
	assert.equal(first.changed.length, 4);
	const again = await writeBrokerConfig(folder, { site, hosts: [pi, nas] });
	assert.deepEqual(again.accounts, first.accounts);
	assert.deepEqual(again.changed, []);
});

test("a host more gets an account, and the others keep theirs", async (t) => {
	const folder = await openFolder(t);
	const first = await writeBrokerConfig(folder, { site, hosts: [nas] });
	const second = await writeBrokerConfig(folder, { site, hosts: [nas, pi] });
	const passwords = new Map(second.accounts.map(({ username, password }) => [username, password]));
	for (const { username, password } of first.accounts) assert.equal(passwords.get(username), password);
	assert.equal(passwords.get("pi")?.length, 32);
});

test("only accounts.json holds passwords, and only its owner reads it", async (t) => {
	const folder = await openFolder(t);
	const { accounts, accountsFile } = await writeBrokerConfig(folder, { site, hosts: [nas] });
	assert.equal((await stat(accountsFile)).mode & 0o777, 0o600);
	assert.deepEqual((await readdir(folder)).sort(), [
		"access",
		"accounts.json",
		"mosquitto.conf",
		"passwords",
	]);
	for (const name of ["access", "mosquitto.conf", "passwords"]) {
		const text = await readFile(join(folder, name), "utf8");
		for (const { password } of accounts) assert.ok(!text.includes(password), name);
	}
});

test("what another wrote, or a person changed, stays as it is and nothing else is written", async (t) => {
	const foreign = await openFolder(t);
	await writeFile(join(foreign, "mosquitto.conf"), "listener 1883\n");
	await assert.rejects(writeBrokerConfig(foreign, { site, hosts: [nas] }), { code: "configuration-invalid" });
	assert.deepEqual(await readdir(foreign), ["mosquitto.conf"]);
	assert.equal(await readFile(join(foreign, "mosquitto.conf"), "utf8"), "listener 1883\n");

	const changed = await openFolder(t);
	const { accountsFile } = await writeBrokerConfig(changed, { site, hosts: [nas] });
	const before = await readFile(accountsFile, "utf8");
	await appendFile(join(changed, "access"), "topic readwrite #\n");
	await assert.rejects(writeBrokerConfig(changed, { site, hosts: [nas, pi] }), /access was not written/);
	assert.equal(await readFile(accountsFile, "utf8"), before);
});

test("another site's accounts are not mixed with ours", async (t) => {
	const folder = await openFolder(t);
	await writeBrokerConfig(folder, { site, hosts: [nas] });
	const cabin = SiteName.parse("cabin");
	await assert.rejects(writeBrokerConfig(folder, { site: cabin, hosts: [nas] }), /accounts of the site home/);
});

test("no host can have the name of another account", async (t) => {
	const folder = await openFolder(t);
	const hosts = [HostName.parse("home-assistant")];
	await assert.rejects(writeBrokerConfig(folder, { site, hosts }), { code: "host-name-taken" });
	assert.deepEqual(await readdir(folder), []);
});
