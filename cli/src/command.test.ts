import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import test from "node:test";
import { DoctorDocument, ErrorDocument, ResultLine, StatusDocument } from "@davit/protocol";
import * as documents from "./testing/documents.ts";
import { openFakeCoordinator } from "./testing/fake-coordinator.ts";
import { entry, openHome, runDavit, startDavit } from "./testing/run-davit.ts";

test("without a coordinator each command says so, names davit start and ends with 8", async () => {
	await using home = await openHome();
	for (const words of [
		["status"],
		["list", "hosts"],
		["backup", "nas/x"],
		["restore", "nas/x@latest"],
		["watch"],
	]) {
		const { stdout, stderr, exitCode } = await runDavit(home.path, words);
		assert.equal(exitCode, 8, words.join(" "));
		assert.equal(stdout, "");
		assert.match(stderr, /error: no coordinator answers[\s\S]*do {4}davit start/);
	}
});

test("what is typed wrong ends with 2 and says what was meant", async () => {
	await using home = await openHome();
	const wrong: readonly (readonly [string, RegExp])[] = [
		["statu", /did you mean status/],
		["backup", /missing required argument/],
		["backup x --frob", /unknown option '--frob'/],
		["list bananas", /no list of bananas/],
		["list runs --page -1", /not a whole number/],
		["watch --timeout soon", /not a duration/],
		["apply p1", /not a plan's id/],
		["schedule", /schedule is not complete/],
		["schedule add nightly nas/x", /needs its times/],
		["completion tcsh", /no completion for tcsh/],
		["start --demo --agent-only", /exclude each other/],
		["start --broker-user x", /belong to --broker/],
		["start --broker ftp://x", /not a broker's address/],
		["host join ../etc", /neither a host's name nor a joining string/],
	];
	for (const [line, expected] of wrong) {
		const { stdout, stderr, exitCode } = await runDavit(home.path, line.split(" "));
		assert.match(stderr, expected, line);
		assert.equal(exitCode, 2, `${line}: ${stderr}`);
		assert.equal(stdout, "");
	}
});

test("doctor says of each host what it lacks and what would help, and --check ends with 1", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const calm = await runDavit(home.path, ["doctor", "--json", "--check"]);
	assert.deepEqual(
		DoctorDocument.parse(calm.lines[0]).hosts[0]?.capabilities.map(({ name }) => name),
		["docker"],
	);
	assert.equal(calm.exitCode, 0, calm.stderr);
	const missing = { name: "helper", available: false, detail: "switched off", hint: "set helper to true" };
	const sick = { ...documents.host, capabilities: [missing] };
	coordinator.answerWith("/hosts/nas", sick);
	const told = await runDavit(home.path, ["doctor", "--check"]);
	assert.match(told.stdout, /nas\n {2}\S helper {2}switched off {2}set helper to true/);
	assert.equal(told.exitCode, 1);
});

test("status is one document with --json, and --check ends with 1 when something needs someone", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const calm = await runDavit(home.path, ["status", "--json", "--check"]);
	StatusDocument.parse(calm.lines[0]);
	assert.equal(calm.lines.length, 1);
	assert.equal(calm.exitCode, 0);
	const need = {
		state: "failed",
		address: "nas/volume:grafana-data",
		sentence: "its backup failed",
		do: "davit show rabcdefgh",
	};
	coordinator.answerWith("/", documents.status([need]));
	assert.equal((await runDavit(home.path, ["status", "--check"])).exitCode, 1);
	const told = await runDavit(home.path, ["status"]);
	assert.equal(told.exitCode, 0);
	assert.match(
		told.stdout,
		/^✖ 1 failed .*\n {2}✖ nas\/volume:grafana-data {2}its backup failed {2}davit show rabcdefgh\n/,
	);
	assert.equal((await runDavit(home.path, ["status", "-q"])).stdout, "nas/volume:grafana-data\n");
});

test("a name that nobody has ends with 10 and offers the nearest", async () => {
	await using home = await openHome();
	await using _coordinator = await openFakeCoordinator(home.path);
	const told = await runDavit(home.path, ["show", "nas/grafana-dta"]);
	assert.equal(told.exitCode, 10);
	assert.match(told.stderr, /no resource is called nas\/grafana-dta\n {2}did you mean nas\/grafana-data\?/);
	const { lines } = await runDavit(home.path, ["show", "nas/grafana-dta", "--json"]);
	assert.equal(ErrorDocument.parse(lines[0]).exitCode, 10);
});

test("a backup is asked for, followed, and ends in its archive", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	coordinator.tellRun(documents.runDocument("running"));
	const running = startDavit(home.path, ["backup", "grafana-data", "--consistency", "live"]);
	await running.says("running  copy");
	coordinator.tellRun(documents.runDocument("succeeded", { archive: "7f3a0c11d2" }));
	const { stdout, exitCode } = await running.ended;
	assert.equal(exitCode, 0);
	assert.match(stdout, /^✔ 7f3a0c11d2 {2}nas\/grafana-data {2}backup succeeded/);
	const request = coordinator.asked.find((call) => call.path === "/requests")?.body;
	assert.deepEqual(request, {
		version: 1,
		host: "nas",
		operation: "volume.backup",
		params: { volume: "grafana-data", consistency: "live" },
	});
});

test("a run's end decides the exit code and the result line says the same", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const failure = (code: string) => ({
		failure: { code, message: "it did not work", hint: "look", retryable: false },
	});
	const ends = [
		["succeeded", {}, 0],
		["partial", failure("source-changed"), 3],
		["failed", failure("disk-full"), 1],
		["failed", failure("archive-corrupt"), 7],
		["rejected", failure("resource-busy"), 11],
		["expired", failure("host-offline"), 8],
		["inconsistent", failure("inconsistent"), 6],
		["cancelled", failure("cancelled"), 130],
	] as const;
	for (const [state, more, expected] of ends) {
		coordinator.tellRun(documents.runDocument(state, more));
		const { lines, exitCode } = await runDavit(home.path, ["verify", "7f3a", "--json"]);
		const result = ResultLine.parse(lines.at(-1));
		assert.deepEqual([exitCode, result.exitCode, result.outcome], [expected, expected, state]);
		const quiet = await runDavit(home.path, ["verify", "7f3a", "--quiet", "--json"]);
		assert.equal(quiet.lines.length, 1);
	}
});

test("a restore without a terminal asks nobody: it ends with 2 and names the flag", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const { stdout, stderr, exitCode } = await runDavit(home.path, ["restore", "nas/grafana-data@latest"]);
	assert.equal(exitCode, 2);
	assert.equal(stdout, "");
	assert.match(
		stderr,
		/there is no terminal to ask[\s\S]*do {4}davit apply pabcdefgh --confirm grafana-data/,
	);
	assert.ok(!coordinator.asked.some((call) => call.path.endsWith("/apply")));
	const confirmed = await runDavit(home.path, [
		"restore",
		"nas/grafana-data@latest",
		"--confirm",
		"grafana-data",
		"--json",
	]);
	assert.equal(confirmed.exitCode, 0);
	assert.deepEqual(coordinator.asked.find((call) => call.path.endsWith("/apply"))?.body, {
		confirm: "grafana-data",
	});
	assert.deepEqual(coordinator.asked.find((call) => call.path === "/plans")?.body, {
		host: "nas",
		resource: "volume:grafana-data",
		action: { action: "restore", archive: "7f3a0c11d2" },
	});
});

test("--plan changes nothing: 0 when it could run, 4 when it is blocked", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const ready = await runDavit(home.path, ["undo", "nas/grafana-data", "--plan", "-q"]);
	assert.deepEqual([ready.stdout, ready.exitCode], ["pabcdefgh\n", 0]);
	coordinator.answerWith("/plans", documents.plan("blocked"));
	const blocked = await runDavit(home.path, ["restore", "7f3a", "--plan", "--json"]);
	assert.deepEqual(
		[blocked.lines.length, blocked.lines[0]?.["schema"], blocked.exitCode],
		[1, "davit/plan/1", 4],
	);
	const refused = await runDavit(home.path, ["restore", "7f3a", "--confirm", "grafana-data"]);
	assert.equal(refused.exitCode, 4);
	assert.ok(!coordinator.asked.some((call) => call.path.endsWith("/apply")));
});

test("the first Ctrl-C leaves the run alone with 9, a second one cancels it with 130", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	coordinator.tellRun(documents.runDocument("running"));
	const left = startDavit(home.path, ["watch", "rabcdefgh", "--json"]);
	// Its first line says that it listens.
	await new Promise((resolve) => left.process.stdout?.once("data", resolve));
	left.process.kill("SIGINT");
	const pressed = startDavit(home.path, ["watch", "rabcdefgh"]);
	await pressed.says("running  copy");
	pressed.process.kill("SIGINT");
	await pressed.says("Ctrl-C again within 3 s cancels it");
	pressed.process.kill("SIGINT");
	assert.equal((await pressed.ended).exitCode, 130);
	assert.ok(coordinator.asked.some((call) => call.path === "/runs/rabcdefgh/cancel"));
	const { exitCode, lines } = await left.ended;
	assert.equal(exitCode, 9);
	assert.equal(ResultLine.parse(lines.at(-1)).outcome, "detached");
});

test("--detach and --timeout end with 9 while the run goes on", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	coordinator.tellRun(documents.runDocument("running"));
	const detached = await runDavit(home.path, ["backup", "grafana-data", "--detach", "-q"]);
	assert.deepEqual([detached.stdout, detached.exitCode], ["rabcdefgh\n", 9]);
	const late = await runDavit(home.path, ["backup", "grafana-data", "--timeout", "0.2s", "--json"]);
	assert.deepEqual([late.exitCode, late.lines.at(-1)?.["outcome"]], [9, "detached"]);
});

test("a reader that goes away does not make davit crash", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	coordinator.tellRun(documents.runDocument("running"));
	for (const words of [["help"], ["list", "archives"], ["watch", "rabcdefgh", "--json"]]) {
		const child = spawn(process.execPath, [entry, ...words], {
			stdio: ["ignore", "pipe", "pipe"],
			env: { DAVIT_HOME: home.path },
		});
		child.stdout.destroy();
		let stderr = "";
		child.stderr.on("data", (text) => {
			stderr += String(text);
		});
		if (words[0] === "watch") {
			await coordinator.until("/runs/rabcdefgh");
			const beat = setInterval(() => coordinator.tellRun(documents.runDocument("running")), 50);
			child.on("close", () => clearInterval(beat));
		}
		const code = await new Promise((resolve) => child.on("close", resolve));
		assert.equal(code, words[0] === "watch" ? 9 : 0, stderr);
		assert.doesNotMatch(stderr, /EPIPE|Error:/);
	}
});
