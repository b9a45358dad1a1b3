import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ResourceId, resourceId, VolumeName } from "@davit/protocol";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, writerFolder } from "../lab/image/build.ts";
import { pollUntil } from "../lab/process/poll.ts";

/** Paths and contents (of long ones the sum), without what the writer writes. */
export type Tree = Readonly<Record<string, string>>;

/** A volume with a container that never stops writing to it, and one that was paused by somebody. */
export interface WrittenVolume {
	readonly volume: VolumeName;
	readonly resource: ResourceId;
	/** Where it lies on this machine. */
	readonly folder: string;
	/** Makes its content another: entries are replaced, added and removed. */
	fill(label: string): Promise<Tree>;
	/** Adds so much that does not get smaller: a copy of it can be met in its middle. */
	enlarge(bytes: number): Promise<void>;
	read(): Promise<Tree>;
	/** What Davit keeps beside the data. */
	beside(): Promise<readonly string[]>;
	/** Volumes and containers of an agent that the engine has. */
	scratches(agent: string): Promise<readonly string[]>;
	/** `running` or `paused`, as the engine says it, of the writer. */
	writerState(): Promise<string>;
	/** The writer runs and writes on, the other is paused still, both with the restart policy they had. */
	requireContainersAsBefore(): Promise<void>;
}

const log = "written.log";
/** Twenty whole lines a second: a number and the length of that number. */
const script = `trap 'exit 0' TERM; n=0; while :; do n=$((n + 1)); echo "$n \${#n}" >>${writerFolder}/${log}; usleep 50000; done`;

export async function openVolume(host: Host, name: string, signal: AbortSignal): Promise<WrittenVolume> {
	const volume = VolumeName.parse(name);
	const folder = join(host.dataRoot, "volumes", name, "_data");
	const writer = `${name}-writer`;
	const asleep = `${name}-asleep`;
	const mount = ["--volume", `${name}:${writerFolder}`];
	const start = (container: string, policy: string) =>
		host.docker([
			...["run", "--detach", "--name", container, "--restart", policy, ...mount],
			...[busyboxImage, "sh", "-c", script],
		]);
	await start(writer, "unless-stopped");
	await start(asleep, "no");
	await host.docker(["pause", asleep]);
	const inspect = async (container: string) =>
		host.docker(["inspect", "-f", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", container]);
	const lines = async () => (await readFile(join(folder, log), "utf8")).split("\n");
	return {
		...{ volume, folder, resource: resourceId({ kind: "volume", volume }) },
		fill: (label) => fill(folder, label),
		enlarge: (bytes) => writeFile(join(folder, "bulk"), randomBytes(bytes)),
		read: () => readTree(folder),
		beside: async () => (await readdir(dirname(folder))).filter((entry) => entry !== "_data").sort(),
		async scratches(agent) {
			const volumes = await host.docker([
				"volume",
				"ls",
				"--quiet",
				"--filter",
				`label=davit.agent=${agent}`,
			]);
			const helpers = await host.docker(["ps", "--all", "--quiet", "--filter", `label=davit.agent=${agent}`]);
			return [...volumes.split("\n"), ...helpers.split("\n")].filter(Boolean);
		},
		writerState: async () => (await inspect(writer)).split(" ")[0] ?? "",
		async requireContainersAsBefore() {
			assert.deepEqual(
				await Promise.all([inspect(writer), inspect(asleep)]),
				["running unless-stopped", "paused no"],
				"containers are not as before",
			);
			const before = (await lines()).length;
			await pollUntil(async () => (await lines()).length > before, {
				...{ what: `${writer} to write on`, timeoutMs: 5_000, intervalMs: 20, signal },
			});
		},
	};
}

async function fill(folder: string, label: string): Promise<Tree> {
	for (const entry of await readdir(folder)) {
		if (entry !== log) await rm(join(folder, entry), { recursive: true });
	}
	await mkdir(join(folder, `only-${label}`));
	await writeFile(join(folder, `only-${label}`, "added"), `${label} alone has this`);
	await writeFile(join(folder, "version"), label);
	await writeFile(join(folder, "same"), "the same in all");
	await writeFile(join(folder, "large"), `${label}\n`.repeat(20_000));
	return readTree(folder);
}

/** What a volume's folder holds, without what its writer writes. */
export async function readTree(folder: string): Promise<Tree> {
	const tree: Record<string, string> = {};
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
		if (path === log) continue;
		tree[path] = entry.isFile() ? describe(await readFile(join(folder, path))) : "a folder";
	}
	return tree;
}

/** Short enough to be read when two of them differ. */
function describe(content: Buffer): string {
	if (content.byteLength < 100) return content.toString();
	return `${content.byteLength} bytes, SHA-256 ${createHash("sha256").update(content).digest("hex")}`;
}
