import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { simulate, type Verdict } from "./simulate.ts";

/** What came of many lives. */
export interface Summary {
	readonly seeds: number;
	readonly runs: number;
	/** Simulated. */
	readonly durationMs: number;
	readonly tally: Map<string, number>;
	readonly failed: Pick<Verdict, "seed" | "violations">[];
}

interface Share {
	readonly first: number;
	readonly last: number;
	readonly every: number;
}

/** Plays the seeds from `first` to `last` on as many threads as there are cores. */
export async function playSeeds(first: number, last: number): Promise<Summary> {
	const threads = Math.max(1, Math.min(availableParallelism(), last - first + 1));
	const shares = Array.from(
		{ length: threads },
		(_, number): Share => ({ first: first + number, last, every: threads }),
	);
	const parts = await Promise.all(shares.map(playElsewhere));
	return parts.reduce(joined);
}

async function playShare({ first, last, every }: Share): Promise<Summary> {
	let summary: Summary = { seeds: 0, runs: 0, durationMs: 0, tally: new Map(), failed: [] };
	for (let seed = first; seed <= last; seed += every) {
		const { violations, tally, runs, durationMs } = await simulate({ seed });
		const failed = violations.length === 0 ? [] : [{ seed, violations }];
		summary = joined(summary, { seeds: 1, runs, durationMs, tally: new Map(tally), failed });
	}
	return summary;
}

function playElsewhere(share: Share): Promise<Summary> {
	return new Promise((resolve, reject) => {
		const worker = new Worker(new URL(import.meta.url), { workerData: share });
		worker.once("message", resolve);
		worker.once("error", reject);
	});
}

function joined(one: Summary, other: Summary): Summary {
	const tally = new Map(one.tally);
	for (const [what, times] of other.tally) tally.set(what, (tally.get(what) ?? 0) + times);
	return {
		...{ tally, seeds: one.seeds + other.seeds, runs: one.runs + other.runs },
		durationMs: one.durationMs + other.durationMs,
		failed: [...one.failed, ...other.failed],
	};
}

// The share is this file's own message to the threads that it starts.
if (!isMainThread) parentPort?.postMessage(await playShare(workerData as Share));
