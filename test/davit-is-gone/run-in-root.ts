import { join } from "node:path";
import { type Outcome, run } from "../lab/process/run.ts";

/** What is seen of this machine in there, and where. */
export interface Places {
	/** An archive's folder, which cannot be written. */
	readonly archive?: string;
	readonly kit?: string;
	readonly repository?: string;
	/** The only place that can be written. */
	readonly work: string;
}

/**
 * Runs a script by the root's own `sh`, with nothing of this machine but the places, no network, and an empty environment. Mounts and
 * processes end with it.
 */
export function runInRoot(root: string, script: string, { places, signal }: Running): Promise<Outcome> {
	const mounts = Object.entries(places).map(
		([name, folder]) =>
			`mount --bind ${name === "work" ? "" : "-r "}${quote(folder)} ${quote(join(root, name))}`,
	);
	const inside = `exec env -i PATH=/bin HOME=/work /usr/sbin/chroot ${quote(root)} /bin/sh -c ${quote(script)}`;
	const argv = [
		"unshare",
		"--mount",
		"--net",
		"--pid",
		"--fork",
		"--kill-child",
		"sh",
		"-ec",
		[...mounts, inside].join("\n"),
	];
	return run(argv, { signal, expectedCodes: Array.from({ length: 256 }, (_, code) => code) });
}

interface Running {
	readonly places: Places;
	readonly signal: AbortSignal;
}

function quote(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}
