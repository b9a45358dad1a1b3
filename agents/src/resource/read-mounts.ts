import { readFile } from "node:fs/promises";
import { isMissing, isWithin } from "./place.ts";

/** A line of proc_pid_mountinfo(5). */
export interface Mounted {
	/** Where it is mounted. */
	readonly point: string;
	/** The folder of the file system that is seen there; `/` = all of it. */
	readonly root: string;
	/** `ext4`, `btrfs`, `zfs` … */
	readonly fileSystem: string;
	/** The device, or what the file system takes for one. */
	readonly source: string;
}

/** What is mounted here, oldest first; nothing where there is no Linux. */
export async function readMounts(): Promise<readonly Mounted[]> {
	try {
		return parseMounts(await readFile("/proc/self/mountinfo", "utf8"));
	} catch (error) {
		// No Linux, no such table; the rename itself then refuses a mount point.
		if (isMissing(error)) return [];
		throw error;
	}
}

/** Mount points at or below a folder: a rename would not move what is mounted there, and a removal would empty it. */
export async function mountsWithin(folder: string): Promise<readonly string[]> {
	return (await readMounts()).map(({ point }) => point).filter((point) => isWithin(point, folder));
}

/** The mount that a path lies in: of those above it the longest, and of several at one point the newest. */
export function mountOf(path: string, mounts: readonly Mounted[]): Mounted | undefined {
	return mounts
		.filter(({ point }) => isWithin(path, point))
		.reduce<Mounted | undefined>(
			(best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
			undefined,
		);
}

export function parseMounts(table: string): readonly Mounted[] {
	return table.split("\n").flatMap((line) => {
		const [fields = "", more = ""] = line.split(" - ");
		const [, , , root, point] = fields.split(" ");
		const [fileSystem = "", source = ""] = more.split(" ");
		if (root === undefined || point === undefined) return [];
		return {
			point: unescapeField(point),
			root: unescapeField(root),
			fileSystem,
			source: unescapeField(source),
		};
	});
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapeField(field: string): string {
	return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
		String.fromCharCode(Number.parseInt(digits, 8)),
	);
}
