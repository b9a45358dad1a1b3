import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProjectName, type Request, type RunId, resourceId, VolumeName } from "@davit/protocol";
import { busyboxImage, writerFolder } from "../lab/image/build.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { list, plantKeys } from "../stacks/open-stack.ts";
import { type Life, namesIn, openLife } from "./open-life.ts";
import type { Scene } from "./open-scene.ts";

/** What a project holds in a volume, in two folders that lie side by side, and in a file of its own; undefined where it is not there. */
export type Content = Readonly<Record<"volume" | "www" | "notes" | "environment", string | undefined>>;

/** An agent, and a Compose project of its own. */
export interface StackLane extends Life {
	readonly stack: ProjectName;
	readonly volume: VolumeName;
	/** As `Life.ask`, of the stack. */
	askStack(operation: string, params?: Request["params"]): RunId;
	/** Makes all of its content another. */
	fill(label: string): Promise<Content>;
	read(): Promise<Content>;
	/** Starts it where it is not there. */
	up(): Promise<void>;
	/** Takes its container, volume, network and files away. */
	wipe(): Promise<void>;
	/** One container that runs and writes on, with the policy of the Compose file. */
	requireServing(): Promise<void>;
	/** Nothing of the project is there. */
	requireEmpty(): Promise<void>;
	/** All that Davit keeps beside the data and in its own home, by name; and containers of its own. */
	remains(): Promise<readonly string[]>;
}

/** Twenty lines a second, as a service that is used. */
const script = `trap 'exit 0' TERM; while :; do echo line >>${writerFolder}/written.log; usleep 50000; done`;

const composeFile = {
	services: {
		app: {
			image: busyboxImage,
			command: ["sh", "-c", script],
			restart: "unless-stopped",
			stop_grace_period: "1s",
			// biome-ignore lint/suspicious/noTemplateCurlyInString: Compose puts it in.
			environment: { GREETING: "${GREETING}" },
			volumes: [`data:${writerFolder}`, "./www:/www", "./notes:/notes:ro"],
		},
	},
	volumes: { data: {} },
};

export async function openStackLane(scene: Scene, name: string): Promise<StackLane> {
	const { host, signal } = scene;
	const stack = ProjectName.parse(name);
	const volume = VolumeName.parse(`${name}_data`);
	const parent = join(host.folder, "opt", name);
	const folder = join(parent, "app");
	const [data, log] = [join(host.dataRoot, "volumes", volume, "_data"), "written.log"];
	const places = {
		volume: join(data, "content"),
		www: join(folder, "www/content"),
		notes: join(folder, "notes/content"),
		environment: join(folder, ".env"),
	};
	const compose = (...words: readonly string[]) =>
		host.docker(["compose", "--project-name", name, "--project-directory", folder, ...words], {
			...{ signal, cwd: folder },
		});
	const fill = async (label: string): Promise<Content> => {
		for (const [part, path] of Object.entries(places)) {
			await writeFile(path, part === "environment" ? `GREETING=${label}\n` : `${part} of ${label}\n`);
		}
		return read();
	};
	const read = async () => {
		const found = Object.entries(places).map(async ([part, path]) => [part, await contentOf(path)] as const);
		// Its keys are those of `places`.
		return Object.fromEntries(await Promise.all(found)) as Content;
	};
	const ofProject = ["--filter", `label=com.docker.compose.project=${name}`];
	const containers = () =>
		list(host, ["ps", "--all", "--no-trunc", ...ofProject, "--format", "{{.ID}} {{.State}}"]);
	const up = async () => {
		await mkdir(join(folder, "www"), { recursive: true });
		await mkdir(join(folder, "notes"), { recursive: true });
		await writeFile(join(folder, "compose.yaml"), JSON.stringify(composeFile));
		await writeFile(places.environment, "GREETING=first\n");
		await compose("up", "--detach", "--pull", "never");
	};
	await mkdir(parent, { recursive: true });
	await up();
	await fill("first");
	const place = await scene.writeAgent(name, { folders: [parent], compose: host.compose });
	await plantKeys(place.home);
	const life = await openLife(scene, place, resourceId({ kind: "stack", stack }));
	return {
		...{ ...life, stack, volume, fill, read, up },
		get agent() {
			return life.agent;
		},
		askStack: (operation, params = {}) => life.ask(operation, { stack, ...params }),
		async wipe() {
			await compose("down", "--volumes", "--timeout", "1");
			await rm(folder, { recursive: true });
		},
		async requireServing() {
			const [found = "", ...others] = await containers();
			assert.match(found, / running$/);
			assert.deepEqual(others, []);
			const [id = ""] = found.split(" ");
			const policy = await host.docker(["inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", id]);
			assert.equal(policy.trim(), "unless-stopped");
			const lines = async () => (await contentOf(join(data, log)))?.length ?? 0;
			const before = await lines();
			await pollUntil(async () => (await lines()) > before, {
				...{ what: `the service of ${name} to write on`, timeoutMs: 5_000, intervalMs: 20, signal },
			});
		},
		async requireEmpty() {
			assert.deepEqual(await containers(), []);
			assert.deepEqual(await list(host, ["volume", "ls", "--quiet", "--filter", `name=${volume}`]), []);
			assert.deepEqual(
				await list(host, ["network", "ls", "--quiet", "--filter", `name=${name}_default`]),
				[],
			);
			assert.deepEqual(await readdir(parent), []);
		},
		async remains() {
			const ours = (names: readonly string[]) => names.filter((one) => one.startsWith(".davit"));
			const beside = [join(host.dataRoot, "volumes", volume), folder, parent].map(namesIn);
			const helpers = await list(host, ["ps", "--all", "--quiet", "--filter", "label=davit.command"]);
			return [
				...ours((await Promise.all(beside)).flat()),
				...(await namesIn(join(place.home, "stacks"))),
				...helpers,
			].sort();
		},
	};
}

async function contentOf(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
		throw error;
	}
}
