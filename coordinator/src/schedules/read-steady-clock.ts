import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** A moment on a clock that nobody sets. Two readings can be compared where `since` is the same. */
export interface SteadyMoment {
	/** Names what it counts from: a start of the machine, or of this process where the machine has no name for its own. */
	readonly since: string;
	readonly ms: number;
}

/** On Linux it counts while the machine sleeps too, and goes on when the program is started again. */
export function readSteadyClock(): () => SteadyMoment {
	const boot = readBootId();
	if (boot === undefined) {
		const since = `process ${process.pid} ${performance.timeOrigin}`;
		return () => ({ since, ms: performance.now() });
	}
	return () => ({ since: boot, ms: uptime() * 1000 });
}

/** Undefined where the system is no Linux. */
function readBootId(): string | undefined {
	try {
		return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
	} catch (error) {
		if (error instanceof Error && "code" in error) return undefined;
		throw error;
	}
}
