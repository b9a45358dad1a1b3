import { existsSync, readdirSync, readFileSync } from "node:fs";
import { glob, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAlive, isMissing, listProcesses, parentOf, readBootId } from "../process/identify.ts";
import { pollUntil } from "../process/poll.ts";
import { run } from "../process/run.ts";
import { recordPathOf } from "./claim.ts";

export type Entry = readonly [kind: string, ...words: string[]];

const namespaceFolder = "/run/netns";
const cgroupRoot = "/sys/fs/cgroup";

/**
 * Removes everything a run has recorded: processes first, then mounts, namespaces, bridges, folders, and the record itself at the very end.
 * Things that are gone already are passed over, so it may be done again after it failed.
 */
export async function removeRun(runFolder: string, signal: AbortSignal): Promise<void> {
	const entries = await readEntries(runFolder);
	const wordsOf = (kind: string) => entries.filter(([its]) => its === kind).flatMap(([, word]) => word ?? []);
	await endProcesses(entries, signal);
	await removeShimSockets(runFolder);
	for (const folder of [...wordsOf("folder"), runFolder]) await unmountBelow(folder, signal);
	// Before their namespaces, which take their cables with them, but at a time of their own choosing.
	for (const name of wordsOf("bridge")) await removeBridge(name, signal);
	for (const name of wordsOf("namespace")) {
		if (existsSync(join(namespaceFolder, name))) await run(["ip", "netns", "delete", name], { signal });
	}
	for (const name of wordsOf("cgroup")) for (const folder of findCgroups(name)) await removeCgroup(folder);
	for (const folder of wordsOf("folder")) await rm(folder, { recursive: true, force: true });
	// Renamed first: a folder under its number is either complete or not there, whoever looks.
	const removed = join(dirname(runFolder), `.removed-${basename(runFolder)}-${process.pid}`);
	await rename(runFolder, removed);
	await rm(removed, { recursive: true });
}

export async function readEntries(runFolder: string): Promise<Entry[]> {
	const lines = (await readFile(recordPathOf(runFolder), "utf8")).split("\n");
	return lines.flatMap((line) => {
		const words: unknown = line.endsWith("]") ? JSON.parse(line) : undefined;
		if (!Array.isArray(words) || !words.every((word) => typeof word === "string")) return [];
		const [kind, ...rest] = words;
		return kind === undefined ? [] : [[kind, ...rest] satisfies Entry];
	});
}

/** Everything recorded, everything inside the run's namespaces and cgroups, and what these have started: all at once, until none is left. */
async function endProcesses(entries: readonly Entry[], signal: AbortSignal): Promise<void> {
	await pollUntil(
		async () => {
			const doomed = await findProcesses(entries, signal);
			for (const pid of doomed) killIfPresent(pid);
			for (const [kind, name] of entries) {
				if (kind === "cgroup" && name !== undefined)
					for (const folder of findCgroups(name)) await thaw(folder);
			}
			return doomed.size === 0;
		},
		{ what: "end of all processes of a laboratory", timeoutMs: 20_000, signal },
	);
}

async function findProcesses(entries: readonly Entry[], signal: AbortSignal): Promise<Set<number>> {
	const found = new Set<number>();
	const sameBoot = entries.some(([kind, , , bootId]) => kind === "owner" && bootId === readBootId());
	for (const [kind, first, second] of entries) {
		if (first === undefined) continue;
		const recorded = { pid: Number(first), startTicks: Number(second) };
		if (kind === "process" && sameBoot && isAlive(recorded)) found.add(recorded.pid);
		if (kind === "namespace") for (const pid of await processesInNamespace(first, signal)) found.add(pid);
		if (kind === "cgroup") for (const pid of findCgroups(first).flatMap(processesInCgroup)) found.add(pid);
	}
	addDescendants(found);
	if (found.has(process.pid))
		throw new Error("refusing to remove a laboratory from inside one of its own hosts");
	return found;
}

async function processesInNamespace(name: string, signal: AbortSignal): Promise<number[]> {
	if (!existsSync(join(namespaceFolder, name))) return [];
	const { stdout } = await run(["ip", "netns", "pids", name], { signal });
	return stdout.split("\n").filter(Boolean).map(Number);
}

function addDescendants(found: Set<number>): void {
	const parents = listProcesses().map((pid) => [pid, parentOf(pid)] as const);
	for (let before = -1; before !== found.size; ) {
		before = found.size;
		for (const [pid, parent] of parents) if (parent !== undefined && found.has(parent)) found.add(pid);
	}
}

function killIfPresent(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch (error) {
		if (!isMissing(error)) throw error;
	}
}

/** One folder with cgroups version 2, one per controller with version 1. */
function findCgroups(name: string): string[] {
	const roots = [cgroupRoot, ...readdirSync(cgroupRoot).map((controller) => join(cgroupRoot, controller))];
	return roots.map((root) => join(root, name)).filter((folder) => existsSync(folder));
}

function processesInCgroup(folder: string): number[] {
	const own = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
	const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
	return [...own, ...below.flatMap(({ name }) => processesInCgroup(join(folder, name)))];
}

/** A paused container does not even end on SIGKILL: what is frozen in a folder or below it goes on, to its end. */
async function thaw(folder: string): Promise<void> {
	for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((entry) =>
		entry.isDirectory(),
	)) {
		await thaw(join(folder, name));
	}
	const [version1, version2] = [join(folder, "freezer.state"), join(folder, "cgroup.freeze")];
	if (existsSync(version1) && basename(dirname(folder)) !== "freezer") await writeFile(version1, "THAWED");
	else if (existsSync(version2)) await writeFile(version2, "0");
}

async function removeCgroup(folder: string): Promise<void> {
	for (const entry of await readdir(folder, { withFileTypes: true })) {
		if (entry.isDirectory()) await removeCgroup(join(folder, entry.name));
	}
	await rmdir(folder);
}

/** containerd's shims listen in a folder of the whole machine; only a shim that ends in good order deletes its socket. */
async function removeShimSockets(runFolder: string): Promise<void> {
	for await (const path of glob(
		`${runFolder}/*/exec/containerd/daemon/io.containerd.runtime.v2.task/moby/*/address`,
	)) {
		await rm((await readFile(path, "utf8")).replace("unix://", ""), { force: true });
	}
}

/** Innermost first. Network namespaces of containers are mounts too. */
async function unmountBelow(folder: string, signal: AbortSignal): Promise<void> {
	const mountinfo = await readFile("/proc/self/mountinfo", "utf8");
	// proc(5): field 5 is the mount point, with blanks written as \040.
	const points = mountinfo.split("\n").map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "));
	for (const point of points.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
		await run(["umount", point], { signal });
	}
}

async function removeBridge(name: string, signal: AbortSignal): Promise<void> {
	const rule = ["FORWARD", "-i", name, "-o", name, "-j", "ACCEPT"];
	const { code } = await run(["iptables", "-w", "-C", ...rule], { signal, expectedCodes: [0, 1] });
	if (code === 0) await run(["iptables", "-w", "-D", ...rule], { signal });
	const links = readdirSync("/sys/class/net").filter((link) => link === name || link.startsWith(`${name}-`));
	for (const link of links) await run(["ip", "link", "delete", link], { signal });
}
