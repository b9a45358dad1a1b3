import type { CommandId, FinalState, HostName, Report, Run, RunId, RunState } from "@davit/protocol";
import { isEnded } from "@davit/protocol";
import type { Accuse } from "./auditor.ts";

/** I3 an end is the end, and a run does not go back; I4 fences and epochs never fall. */
export class StatesAudit {
	readonly #accuse: Accuse;
	readonly #states = new Map<RunId, RunState>();
	readonly #ends = new Map<string, FinalState>();
	readonly #heights = new Map<string, number>();

	constructor(accuse: Accuse) {
		this.#accuse = accuse;
	}

	heardRun({ run, state }: Pick<Run, "run" | "state">): void {
		const before = this.#states.get(run);
		this.#states.set(run, state);
		if (before === undefined || before === state) return;
		if (isEnded(before)) this.#accuse("I3", `run ${run} had ended as ${before} and is now ${state}`);
		if (before === "running" && state === "accepted") {
			this.#accuse("I3", `run ${run} went back from running to accepted`);
		}
	}

	heardEnd(
		host: HostName,
		{ command, state }: Pick<Report, "command"> & { readonly state: Report["state"] },
	): void {
		const key = keyOf(host, command);
		const before = this.#ends.get(key);
		// The caller asks only of final states.
		this.#ends.set(key, state as FinalState);
		if (before !== undefined && before !== state) {
			this.#accuse("I3", `${host} said that ${command} ended as ${before}, and now as ${state}`);
		}
	}

	/** A number that may only rise: a fence, an epoch. */
	measured(what: string, height: number): void {
		const before = this.#heights.get(what) ?? height;
		if (height < before) this.#accuse("I4", `${what} fell from ${before} to ${height}`);
		this.#heights.set(what, Math.max(before, height));
	}

	lostMemory(host: HostName): void {
		for (const key of this.#ends.keys()) if (key.startsWith(`${host} `)) this.#ends.delete(key);
		for (const what of this.#heights.keys()) if (what.startsWith(`${host} `)) this.#heights.delete(what);
	}
}

function keyOf(host: HostName, command: CommandId): string {
	return `${host} ${command}`;
}
