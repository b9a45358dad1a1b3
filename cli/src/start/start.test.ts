import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { invoke, openContext } from "../testing/open-context.ts";
import { openHome, runDavit } from "../testing/run-davit.ts";
import { hostNameOfMachine } from "./agent-settings.ts";
import { claimHome } from "./claim-home.ts";
import { prepareCoordinator } from "./coordinator-settings.ts";
import { failedStart } from "./failed-start.ts";
import { makeHome } from "./home.ts";
import { LogFile } from "./log-file.ts";
import { readFolders } from "./read-folders.ts";
import { warningOf } from "./read-log-line.ts";

test("a second davit start on the same home says so and ends with 11", async () => {
	await using home = await openHome();
	await makeHome(home.path);
	await using _claim = await claimHome(home.path);
	const { exitCode, stderr } = await runDavit(home.path, ["start"]);
	assert.equal(exitCode, 11);
	assert.match(stderr, new RegExp(`Davit already runs in ${home.path} \\(process ${process.pid}\\)`));
});

test("the claim of a davit start that was killed does not stand in the way", async () => {
	await using home = await openHome();
	await makeHome(home.path);
	const path = join(home.path, "run", "start.sock");
	// A process that listens and dies by kill -9 leaves its socket's file behind.
	const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
	const killed = spawnSync(process.execPath, ["-e", code]);
	assert.equal(killed.signal, "SIGKILL");
	assert.ok((await stat(path)).isSocket());
	await using _claim = await claimHome(home.path);
	await assert.rejects(claimHome(home.path), { exitCode: 11 });
});

test("a home whose socket's path would be too long is refused before anything is made", async () => {
	await assert.rejects(makeHome(`/tmp/${"x".repeat(120)}`), { code: "configuration-invalid", exitCode: 2 });
});

test("settings are written once; later only what is given anew is changed", async () => {
	await using home = await openHome();
	await makeHome(home.path);
	const file = join(home.path, "config", "coordinator.json");
	const settings = async () => JSON.parse(await readFile(file, "utf8"));
	const context = openContext(home.path);
	assert.equal((await prepareCoordinator(invoke(), context)).isNew, true);
	const first = await settings();
	assert.deepEqual(
		[first.site, first.broker.kind, first.broker.host, first.http.port],
		["home", "embedded", "127.0.0.1", 8787],
	);
	await writeFile(file, JSON.stringify({ ...first, site: "cabin", overdueMarginSeconds: 60 }));
	assert.equal((await prepareCoordinator(invoke(), context)).isNew, false);
	const ported = openContext(home.path, { settings: { port: "9000", broker: undefined } });
	await prepareCoordinator(invoke(), ported);
	assert.deepEqual(await settings(), {
		...first,
		site: "cabin",
		overdueMarginSeconds: 60,
		http: { host: "127.0.0.1", port: 9000 },
	});
});

test("another broker is taken with its password from a file, and kept without it being said again", async () => {
	await using home = await openHome();
	await makeHome(home.path);
	const passwordFile = join(home.path, "password");
	await writeFile(passwordFile, "s3cret\n");
	const context = openContext(home.path);
	const options = { broker: "mqtt://broker:1883", brokerUser: "davit", brokerPasswordFile: passwordFile };
	const chosen = await prepareCoordinator(invoke([], options), context);
	assert.deepEqual(chosen.clientFor("nas"), {
		url: "mqtt://broker:1883",
		username: "davit",
		password: "s3cret",
	});
	const again = openContext(home.path, { settings: { port: undefined, broker: "mqtt://broker:1883" } });
	const kept = await prepareCoordinator(invoke(), again);
	assert.equal(kept.isNew, false);
	assert.deepEqual(kept.settings, chosen.settings);
});

test("with the accounts of davit broker-config each program gets its own", async () => {
	await using home = await openHome();
	await makeHome(home.path);
	const file = join(home.path, "accounts.json");
	await writeFile(file, JSON.stringify({ accounts: { coordinator: "one", nas: "two" } }));
	const options = { broker: "mqtt://broker:1883", brokerAccounts: file };
	const chosen = await prepareCoordinator(invoke([], options), openContext(home.path));
	assert.equal(chosen.settings["username"], "coordinator");
	assert.deepEqual(chosen.clientFor("nas"), { url: "mqtt://broker:1883", username: "nas", password: "two" });
	assert.throws(() => chosen.clientFor("attic"), /no account for attic/);
});

test("a password in a broker's address is refused and not repeated", async () => {
	await using home = await openHome();
	const { stderr, exitCode } = await runDavit(home.path, ["start", "--broker", "mqtt://me:hunter2@broker"]);
	assert.equal(exitCode, 2);
	assert.doesNotMatch(stderr, /hunter2/);
});

test("a folder that does not exist, or holds Davit's own home, is not protected", async () => {
	await using home = await openHome();
	const own = join(home.path, "srv", "davit");
	await mkdir(own, { recursive: true });
	const folders = (path: string) => readFolders(invoke([], { folder: [path] }), own);
	await assert.rejects(folders(join(home.path, "gone")), { code: "path-not-found", exitCode: 10 });
	await assert.rejects(folders(join(home.path, "srv")), /lie one in the other/);
	await assert.rejects(folders(own), /lie one in the other/);
	await assert.rejects(folders("/"), /lie one in the other/);
	await mkdir(join(home.path, "photos"));
	assert.deepEqual(await folders(join(home.path, "photos")), [join(home.path, "photos")]);
});

test("a machine's name becomes a host's name", () => {
	const names = ["NAS.local", "Ünïcode Box!", "---", "coordinator", "x".repeat(80)].map(hostNameOfMachine);
	assert.deepEqual(names, ["nas-local", "n-code-box", "host", "coordinator-host", "x".repeat(48)]);
});

test("a program that cannot start is told in its own sentence with its own exit code", () => {
	const words = [
		"error: port 8787 is used by another program",
		"  do    stop it, or choose another with DAVIT_PORT",
	];
	const error = failedStart("coordinator", { code: 11, report: undefined, words });
	assert.deepEqual(
		[error.message, error.next, error.exitCode],
		["port 8787 is used by another program", "stop it, or choose another with DAVIT_PORT", 11],
	);
});

test("of a child's log only warnings come through, without its noise", () => {
	assert.equal(warningOf('{"level":30,"msg":"connected"}'), undefined);
	assert.equal(
		warningOf('{"level":40,"time":1,"pid":2,"hostname":"x","name":"davit-agent","msg":"disk low","bytes":5}'),
		"disk low (bytes=5)",
	);
	assert.equal(warningOf("Segmentation fault"), "Segmentation fault");
});

test("a log that has grown is moved aside once, so that two files are the most there is", async () => {
	await using home = await openHome();
	const path = join(home.path, "agent.log");
	{
		using log = new LogFile(path);
		for (let line = 0; line < 12; line += 1) log.write(`${line} ${"x".repeat(1_000_000)}`);
	}
	const firstWord = async (file: string) => (await readFile(file, "utf8")).slice(0, 2).trim();
	// After lines 0 to 4 it is larger than 5 MB.
	assert.deepEqual([await firstWord(`${path}.1`), await firstWord(path)], ["5", "10"]);
	assert.deepEqual((await readdir(home.path)).sort(), ["agent.log", "agent.log.1"]);
});
