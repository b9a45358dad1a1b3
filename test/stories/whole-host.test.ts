import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openHome, type Running, runDavit } from "@davit/cli/testing/run-davit.ts";
import { ResourceId, ResultLine, RunDocument, resourceKey } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openStackScene, stack } from "../stacks/open-stack.ts";
import { startEverything } from "./start-everything.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);
const alone = ResourceId.parse("volume:alone");
const media = ResourceId.parse(`stack:${stack}`);

suite("everything on a host with a real engine and a real Compose project", {
	skip: unavailable ?? false,
}, () => {
	test("is backed up by one command as one run, and called done only when its stack is whole too", async () => {
		await using laboratory: Laboratory = await openLaboratory(
			{ hosts: [{ name: "nas", engine: "26.1" }] },
			signal,
		);
		const nas = laboratory.host("nas");
		await using home = await openHome();
		const scene = await openStackScene(nas, signal);
		await scene.start();
		await nas.docker(["volume", "create", "alone"]);
		await writeFile(join(nas.dataRoot, "volumes", "alone", "_data", "content"), "by itself");
		const environment = { DAVIT_PORT: "0", DOCKER_HOST: `unix://${nas.socketPath}` };
		const ask = (...words: string[]) => runDavit(home.path, [...words, "--json"], environment);
		const folders = ["--folder", join(nas.folder, "opt")];
		{
			// Its first start writes the agent's settings, which then name this laboratory's own Compose.
			await using _first = await startEverything(home.path, folders, environment);
		}
		const settings = join(home.path, "config", "agent.json");
		const before: unknown = JSON.parse(await readFile(settings, "utf8"));
		assert.ok(typeof before === "object");
		await writeFile(settings, JSON.stringify({ ...before, compose: nas.compose }));
		await using _davit = await startEverything(home.path, [], environment);
		const [host = ""] = (await runDavit(home.path, ["list", "hosts", "-q"], environment)).stdout.split("\n");
		await pollUntil(async () => (await ask("show", host)).stdout.includes(media), {
			...{ what: "the stack to be seen", timeoutMs: 30_000, signal },
		});

		const first = await ask("backup", host);
		const partial = resultOf(first);
		assert.deepEqual([partial.outcome, partial.exitCode, first.exitCode], ["partial", 3, 3]);
		assert.deepEqual(await partsOf(String(partial.run)), [
			`${media} partial`,
			`path:${join(nas.folder, "opt")} succeeded`,
			`${alone} succeeded`,
		]);

		const kit = await runDavit(
			home.path,
			["recovery-kit", "-o", join(home.path, "kit.txt"), "--new-key"],
			environment,
		);
		assert.equal(kit.exitCode, 0, kit.stderr);
		const whole = resultOf(await ask("backup", `${host}/*`));
		assert.deepEqual(
			[whole.outcome, whole.exitCode, whole.parts?.length],
			["succeeded", 0, 3],
			whole.message,
		);
		for (const resource of [media, alone]) {
			const folder = join(home.path, "archives", resourceKey(resource));
			assert.equal((await readdir(folder)).length, 2, `${resource} is backed up once a time`);
		}
		await assert.rejects(readdir(join(home.path, "archives", `volume-${stack}_data`)), { code: "ENOENT" });
		assert.match(await scene.ask(), /the first page/);

		async function partsOf(run: string): Promise<string[]> {
			const { parts = [] } = RunDocument.parse((await ask("show", run)).lines[0]);
			return parts.map(({ resource, state }) => `${resource} ${state}`);
		}
	});
});

function resultOf({ lines, stderr }: Awaited<Running["ended"]>): ResultLine {
	assert.ok(lines.length > 0, stderr);
	return ResultLine.parse(lines.at(-1));
}
