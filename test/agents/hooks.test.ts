import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { OperationError, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

// F29: a hook that fails, hangs, kills its container, or is never asked for again because the agent died.

const volume = VolumeName.parse("web");
const resource = resourceId({ kind: "volume", volume });
const marks = `${writerFolder}/marks`;
const hook = (name: string, script: string, more = {}) => ({
	...{ name, container: "web", argv: ["sh", "-c", script], timeoutSeconds: 20 },
	...more,
});
/** What the container's first process cannot ignore: the container ends. */
const killContainer = "kill -9 -1; kill -TERM 1; sleep 30";
const hooks = {
	before: [
		hook("good", `echo flushed; echo before >>${marks}`),
		hook("bad", "echo broken; exit 3"),
		hook("bad-told", "echo no matter; exit 4", { onFailure: "warn" }),
		hook("hanging", "echo wait; sleep 987", { timeoutSeconds: 1 }),
		hook("deadly", killContainer),
		hook("absent", "true", { container: "nobody", onFailure: "warn" }),
	],
	after: [hook("mark", `echo after >>${marks}`), hook("deadly-after", killContainer)],
};

suite("hooks in containers", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		const settings = { hooks: { [resource]: hooks } };
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath, settings }, signal);
		const words = ["--name", "web", "--restart", "always", "--volume", `web:${writerFolder}`];
		await host.docker(["run", "--detach", ...words, writerImage]);
	});
	beforeEach(() => rm(join(dataFolder(), "marks"), { force: true }));
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("run before and after a backup, and their exit codes and last words are in the report and the manifest", async () => {
		const context = rig.context();
		const { state, result } = await backUp(["good", "mark"], { context });
		const wanted = [
			{ name: "good", when: "before", container: "web", exitCode: 0, lines: ["flushed"] },
			{ name: "mark", when: "after", container: "web", exitCode: 0, lines: [] },
		];
		assert.deepEqual([state, result.hooks], ["succeeded", wanted]);
		assert.deepEqual((await context.archives.find(result.archive)).manifest.hooks, wanted);
		assert.equal(await marksNow(), "before\nafter\n");
	});

	test("that fail end the backup, or are told, as the configuration says", async () => {
		await refused(["bad", "mark"], /hook bad .*: it ended with 3; its last words: broken/);
		assert.equal(await marksNow(), "after\n");
		const { state, result } = await backUp(["bad-told", "absent", "mark"]);
		assert.equal(state, "partial");
		assert.equal(result.consistency, "stopped");
		assert.match(
			result.warnings.join("\n"),
			/hook bad-told .*it ended with 4.*\n.*hook absent .*No such container/,
		);
		await requireServing();
	});

	test("that hang are ended at their limit, and what came after them runs", async () => {
		await refused(["hanging", "mark"], /hook hanging .*: it did not end in 1 s; its last words: wait/);
		assert.equal(await marksNow(), "after\n");
		assert.doesNotMatch(await host.docker(["top", "web", "-o", "pid,args"]), /sleep 987/);
	});

	for (const name of ["deadly", "deadly-after"]) {
		test(`that kill their own container, as ${name} does, find it started again`, async () => {
			const startedAt = await inspect("{{.State.StartedAt}}");
			const backup = backUp([name, "mark"]);
			if (name === "deadly") await assert.rejects(backup, withCode("hook-failed"));
			else assert.equal((await backup).state, "partial");
			assert.notEqual(await inspect("{{.State.StartedAt}}"), startedAt, "its container was killed");
			await requireServing();
			assert.equal(await marksNow(), "after\n");
		});
	}

	for (const step of ["hooks-before", "quiesce", "copy"]) {
		test(`before a backup whose agent dies after ${step} are followed by those after it`, async () => {
			await assert.rejects(backUp(["good", "mark"], { dieAfter: step }), Died);
			await requireServing();
			assert.equal(await marksNow(), "before\nafter\n");
		});
	}

	test("that the configuration does not have are refused by name, and nothing runs", async () => {
		await assert.rejects(backUp(["good", "rm-all"]), withCode("hook-not-allowed"));
		assert.equal(await marksNow(), "");
		const { state, result } = await backUp([]);
		assert.deepEqual([state, result.hooks], ["succeeded", undefined]);
		assert.equal(await marksNow(), "");
	});

	async function backUp(
		names: readonly string[],
		more: { readonly context?: ReturnType<Rig["context"]>; readonly dieAfter?: string } = {},
	) {
		const { context = rig.context(), ...interference } = more;
		const params = { volume, consistency: "stopped" as const, hooks: [...names] };
		return perform("volume.backup", params, { context, ...interference });
	}

	async function refused(names: readonly string[], message: RegExp): Promise<void> {
		const context = rig.context();
		const isRight = (error: unknown) => withCode("hook-failed")(error) && message.test(String(error));
		await assert.rejects(backUp(names, { context }), isRight);
		const { archives, command } = context;
		assert.equal(await archives.presence(resource, archives.archiveOf(command)), "absent");
		await requireServing();
	}

	async function requireServing(): Promise<void> {
		assert.equal(await inspect("{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"), "running always");
	}

	function inspect(format: string): Promise<string> {
		return host.docker(["inspect", "-f", format, "web"]);
	}

	async function marksNow(): Promise<string> {
		return readFile(join(dataFolder(), "marks"), "utf8").catch(() => "");
	}

	function dataFolder(): string {
		return join(host.dataRoot, "volumes", "web", "_data");
	}
});

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
