import { readFileSync } from "node:fs";

/** One line of a benchmark's table. */
export interface Row {
	readonly measure: string;
	readonly value: string;
	/** What it is held against, from the same run; empty where there is none. */
	readonly peer: string;
	readonly goal: string;
	/** Undefined = reported only. */
	readonly met: boolean | undefined;
}

export interface Bench {
	readonly name: string;
	/** One line: what it measures, how. */
	readonly about: string;
	run(signal: AbortSignal): Promise<Row[]>;
}

/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
	const sorted = [...samples].sort((one, other) => one - other);
	return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export interface MemoryUse {
	readonly rssBytes: number;
	/** Each shared page counted by the share of this process. */
	readonly proportionalBytes: number;
	readonly privateBytes: number;
}

/** What the kernel says of a living process. @throws Error where it is gone */
export function memoryOf(pid: number): MemoryUse {
	const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
	const kibibytes = (key: string): number =>
		Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
	return {
		rssBytes: kibibytes("Rss") * 1024,
		proportionalBytes: kibibytes("Pss") * 1024,
		privateBytes: (kibibytes("Private_Clean") + kibibytes("Private_Dirty")) * 1024,
	};
}

/** The process and everything it started, by the kernel's list of children. */
export function processTree(pid: number): number[] {
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
	const ids = children === "" ? [] : children.split(" ").map(Number);
	return [pid, ...ids.flatMap(processTree)];
}

/** How a process was started, for a table: the last words of its command line. */
export function commandLine(pid: number): string {
	return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean).join(" ");
}

export function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(0)} MB`;
}
