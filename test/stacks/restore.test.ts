import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { OperationContext } from "@davit/agents/operation.ts";
import type { ArchiveId, PlanFacts } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { isFailure } from "./is-failure.ts";
import { list, openStackScene, plantKeys, type StackScene, stack, subnet } from "./open-stack.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(400_000);

suite("a Compose project is brought back as a whole", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let scene: StackScene;
	let archive: ArchiveId;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		scene = await openStackScene(host, signal);
		await plantKeys(scene.rig.config.home);
		await scene.start();
		const context = scene.rig.context();
		archive = (await perform("stack.backup", { stack, consistency: "stopped" }, { context })).result.archive;
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a restore that fails when a volume is swapped or the project is started leaves what was there before", async () => {
		await writeFile(join(scene.folder, "www/index.html"), "a later page\n");
		await writeFile(join(scene.folder, "httpd.conf"), "A:*\n# later\n");
		// A second part in the same folder as the first.
		await writeFile(join(scene.folder, "notes/today"), "much\n");
		const before = await portray(host, scene);
		const steps: string[] = [];
		for (const step of ["put-in-place volume:media_data", "up"]) {
			const context = scene.rig.context();
			const plan = await planned(scene, context, archive);
			const fail = () => {
				steps.push(step);
				throw new Error(`no ${step}`);
			};
			await assert.rejects(
				perform(
					"stack.restore",
					{ stack, archive, plan: plan.digest },
					{ context, before: { [step]: fail } },
				),
				new RegExp(`no ${step}`),
			);
			assert.deepEqual(await portray(host, scene), before, step);
		}
		assert.equal(steps.length, 2);
		assert.match(await scene.ask(), /a later page/);
	});

	test("it is restored over a later state, and an undo brings that back", async () => {
		const context = scene.rig.context();
		const plan = await planned(scene, context, archive);
		assert.deepEqual(plan.blockers, []);
		assert.ok(plan.replaces >= 3, "the page, the file and the log that is written to");
		const restored = await perform("stack.restore", { stack, archive, plan: plan.digest }, { context });
		assert.deepEqual(restored.result.warnings ?? [], []);
		assert.match(await scene.ask(), /the first page/);
		assert.equal(await readFile(join(scene.folder, "httpd.conf"), "utf8"), "A:*\n");
		assert.equal(await readFile(join(scene.folder, "notes/today"), "utf8"), "nothing\n");
		const again = scene.rig.context();
		const { result: back } = await perform(
			"stack.plan",
			{ stack, action: { action: "undo" } },
			{ context: again },
		);
		await perform("stack.undo", { stack, plan: back.digest }, { context: again });
		assert.match(await scene.ask(), /a later page/);
		assert.equal(await readFile(join(scene.folder, "httpd.conf"), "utf8"), "A:*\n# later\n");
		assert.equal(await readFile(join(scene.folder, "notes/today"), "utf8"), "much\n");
	});

	test("on an emptied host containers, volume, network, images and files come back, and the service answers", async () => {
		const secret = await stat(join(scene.folder, "db_password.txt"));
		await scene.wipe();
		assert.deepEqual(await list(host, ["ps", "--all", "--quiet"]), []);
		assert.deepEqual(await list(host, ["volume", "ls", "--quiet"]), []);
		assert.deepEqual(await list(host, ["image", "ls", "--quiet"]), []);
		assert.deepEqual(await readdir(join(host.folder, "opt")), []);
		const context = scene.rig.context();
		const plan = await planned(scene, context, archive);
		assert.deepEqual([plan.blockers, plan.replaces, plan.removes], [[], 0, 0]);
		const { state } = await perform("stack.restore", { stack, archive, plan: plan.digest }, { context });
		assert.equal(state, "succeeded");
		assert.match(await scene.ask(), /the first page/);
		assert.deepEqual((await list(host, ["ps", "--format", "{{.Image}}"])).sort(), [
			busyboxImage,
			writerImage,
		]);
		assert.match(await host.docker(["network", "inspect", `${stack}_front`]), new RegExp(subnet));
		assert.equal(
			await readFile(join(scene.folder, "db_password.txt"), "utf8"),
			"swordfish-of-a-secret-file\n",
		);
		assert.equal((await stat(join(scene.folder, "db_password.txt"))).mode, secret.mode);
		assert.match(await readFile(join(scene.folder, ".env"), "utf8"), /API_TOKEN=tok3n/);
		// The log goes on with the line after the last one of the archive.
		const log = await host.docker(["exec", `${stack}-db-1`, "cat", "/srv/written/written.log"]);
		assert.match(log, /^1 1\n2 1\n/);
		assert.match(await scene.compose("ps", "--format", "json"), /media-web-1/, "Compose itself knows it");
	});

	test("an archive of another stack, one whose secrets no key opens, and a folder that is not allowed are refused", async () => {
		const other = "other" as typeof stack;
		await assert.rejects(
			perform(
				"stack.plan",
				{ stack: other, action: { action: "restore", archive } },
				{ context: scene.rig.context() },
			),
			isFailure("archive-foreign"),
		);
		await writeFile(join(scene.rig.config.home, "agent/age-identities.txt"), "", { mode: 0o600 });
		await plantKeys(scene.rig.config.home);
		const sealed = await planned(scene, scene.rig.context(), archive);
		assert.deepEqual(
			sealed.blockers.map(({ code }) => code),
			["stack-secrets-sealed"],
		);
	});
});

async function planned(
	_scene: StackScene,
	context: OperationContext,
	archive: ArchiveId,
): Promise<PlanFacts> {
	const { result } = await perform(
		"stack.plan",
		{ stack, action: { action: "restore", archive } },
		{ context },
	);
	return result;
}

/** Everything of the stack that can be told apart, without what its writer does meanwhile. */
async function portray(host: Host, scene: StackScene): Promise<unknown> {
	const names = await list(host, ["ps", "--all", "--format", "{{.Names}} {{.State}}"]);
	const policies = await list(host, [
		"inspect",
		"--format",
		"{{.HostConfig.RestartPolicy.Name}}",
		`${stack}-web-1`,
		`${stack}-db-1`,
	]);
	const files = await readdir(scene.folder, { recursive: true });
	const contents = await Promise.all(
		["compose.yaml", ".env", "httpd.conf", "www/index.html", "notes/today"].map((name) =>
			readFile(join(scene.folder, name), "utf8"),
		),
	);
	const volumes = await readdir(join(host.dataRoot, "volumes"));
	const beside = (
		await Promise.all(volumes.map((name) => readdir(join(host.dataRoot, "volumes", name)).catch(() => [])))
	).flat();
	const left = await readdir(join(scene.rig.config.home, "stacks")).catch(() => []);
	return {
		names: names.sort(),
		policies,
		files: files.sort(),
		contents,
		volumes: volumes.sort(),
		beside: beside.sort(),
		left,
	};
}
