import { readdirSync, readFileSync } from "node:fs";

/** A process that cannot be confused with a later one under the same number: `startTicks` counts from boot. */
export type ProcessIdentity = { readonly pid: number; readonly startTicks: number };

/** The process `pid` as it is now, or undefined where there is none; a zombie has ended and counts as none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
	const stat = readProcFile(pid, "stat");
	if (stat === undefined) return undefined;
	// proc(5): the command in field 2 may hold spaces and parentheses, so fields are counted from its end.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [state, startTicks] = [fields[0], fields[19]];
	if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
	return { pid, startTicks: Number(startTicks) };
}

export function isAlive(identity: ProcessIdentity): boolean {
	return identifyProcess(identity.pid)?.startTicks === identity.startTicks;
}

/** Program and arguments as one line; empty where the process has ended. */
export function commandLineOf(pid: number): string {
	return (readProcFile(pid, "cmdline") ?? "").replaceAll("\0", " ").trim();
}

export function listProcesses(): number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map(Number);
}

export function parentOf(pid: number): number | undefined {
	const stat = readProcFile(pid, "stat");
	return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Changes with every boot, after which recorded process numbers mean nothing. */
export function readBootId(): string {
	return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readProcFile(pid: number, name: string): string | undefined {
	try {
		return readFileSync(`/proc/${pid}/${name}`, "utf8");
	} catch (error) {
		// proc(5): a process may end between open and read; both mean that it is gone.
		if (isMissing(error)) return undefined;
		throw error;
	}
}

export function isMissing(error: unknown): boolean {
	return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}
