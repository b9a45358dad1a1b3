import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { openDemo, removeDemo } from "@davit/cli/demo/demo.ts";
import { openContext } from "@davit/cli/testing/open-context.ts";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";

const available = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("davit start --demo", () => {
	const withHosts = { skip: available.hosts ?? false };

	test(
		"its containers are made from nothing, write, and leave no trace when they are removed",
		withHosts,
		async () => {
			await using laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }] }, signal);
			const nas = laboratory.host("nas");
			await using home = await openHome();
			const environment = { DOCKER_HOST: `unix://${nas.socketPath}` };
			const context = openContext(home.path, { environment, signal });
			await nas.docker(["volume", "create", "somebody-elses"]);
			const before = await everything(nas);

			await using demo = await openDemo(context);
			assert.deepEqual(demo.folders, []);
			for (const name of ["davit-demo-diary", "davit-demo-counter"]) {
				const diary = `${nas.dataRoot}/volumes/${name}/_data/diary.txt`;
				const what = `a diary that grows in ${name}`;
				await pollUntil(async () => (await linesOf(diary)) > 1, { what, signal, timeoutMs: 30_000 });
			}
			const ids = await nas.docker(["ps", "--quiet"]);
			await using _again = await openDemo(context);
			assert.equal(await nas.docker(["ps", "--quiet"]), ids, "a second --demo makes nothing twice");

			assert.equal(await removeDemo(context), 0);
			assert.deepEqual(await everything(nas), before);
			assert.match(context.written.out, /removed container davit-demo-/);
		},
	);

	test("without an engine it is a folder with a live writer that ends with davit start", async () => {
		await using home = await openHome();
		const context = openContext(home.path, {
			environment: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
		});
		{
			await using demo = await openDemo(context);
			const [folder = ""] = demo.folders;
			await pollUntil(async () => (await linesOf(`${folder}/diary.txt`)) > 1, {
				what: "a diary that grows",
				signal,
				timeoutMs: 30_000,
			});
		}
		const written = await linesOf(`${home.path}-demo/diary/diary.txt`);
		assert.equal(await removeDemo(context), 0);
		assert.ok(written > 1);
		assert.deepEqual(await readdir(home.path), []);
	});
});

async function everything(host: Host): Promise<string[]> {
	return [
		await host.docker(["ps", "--all", "--quiet"]),
		await host.docker(["volume", "ls", "--quiet"]),
		await host.docker(["image", "ls", "--all", "--quiet"]),
	];
}

async function linesOf(file: string): Promise<number> {
	const text = await readFile(file, "utf8").catch(() => "");
	return text.split("\n").length - 1;
}
