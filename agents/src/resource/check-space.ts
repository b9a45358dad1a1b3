import { OperationError } from "@davit/protocol";

export interface Space {
	/** As in "the archive of volume:web". */
	readonly what: string;
	/** On whose disk it goes. */
	readonly path: string;
	readonly needBytes: number;
	readonly freeBytes: number;
	/** Kept free whatever is written. */
	readonly reserveBytes: number;
}

/** What is short, as the failure it would become; undefined where there is room. */
export function lackOfSpace({
	what,
	path,
	needBytes,
	freeBytes,
	reserveBytes,
}: Space): OperationError | undefined {
	if (freeBytes >= needBytes + reserveBytes) return undefined;
	const short = needBytes + reserveBytes - freeBytes;
	return new OperationError(
		"disk-full",
		`${what} needs ${formatBytes(needBytes)} on the disk of ${path} and ${formatBytes(reserveBytes)} must stay free; it has ${formatBytes(freeBytes)}`,
		{ hint: `free ${formatBytes(short)} on the disk of ${path}, then try again` },
	);
}

/** Binary units, three digits: `1.21 GiB`. */
export function formatBytes(bytes: number): string {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let [value, unit] = [bytes, 0];
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit += 1;
	}
	return `${unit === 0 ? value : value.toPrecision(value >= 1000 ? 4 : 3)} ${units[unit]}`;
}
