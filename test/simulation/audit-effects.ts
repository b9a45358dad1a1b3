import {
	type CommandId,
	type FinalState,
	type HostName,
	isOperationName,
	operations,
	type RunCommand,
	type RunId,
} from "@davit/protocol";
import type { Accuse } from "./auditor.ts";
import { hasResidue, type Place } from "./place.ts";
import type { ToyEvent } from "./toy-operations.ts";

/** A command may be begun a little late: what the agent knows of the coordinator's clock is as old as a slow welcome. */
const lateAtMostMs = 100_000;

/** What one command did on one host. */
export interface Doing {
	readonly host: HostName;
	readonly command: CommandId;
	readonly place: Place;
	readonly isDangerous: boolean;
	begun: Map<string, number>;
	done: Map<string, number>;
	commits: number;
	final: FinalState | undefined;
	/** The journal that held it was lost. */
	isOrphan: boolean;
}

/** I1 an effect at most once, I2 one operation on a resource, I4 fences of effects only rise, I7 nothing without a signature. */
export class EffectsAudit {
	/** Every command that the coordinator signed. */
	readonly commands = new Map<CommandId, RunCommand>();
	/** The exact messages of these. */
	readonly messages = new Map<CommandId, string>();
	readonly doings = new Map<string, Doing>();
	readonly #accuse: Accuse;
	readonly #nowMs: () => number;
	readonly #skewsMs = new Map<HostName, number>();
	readonly #active = new Map<Place, Doing>();
	readonly #fences = new Map<Place, number>();
	/** When a host's journal was last lost. */
	readonly losses = new Map<HostName, number>();

	constructor(accuse: Accuse, nowMs: () => number) {
		this.#accuse = accuse;
		this.#nowMs = nowMs;
	}

	/** The host's clock differs from the coordinator's. */
	setSkew(host: HostName, skewMs: number): void {
		this.#skewsMs.set(host, skewMs);
	}

	toy(host: HostName, place: Place, event: ToyEvent): void {
		const { command, kind, step } = event;
		if (kind === "prepare" || kind === "read") {
			this.#requireSigned(host, event);
			if (kind === "prepare") this.#requireFence(place, event);
			return;
		}
		const doing = this.#doingOf(host, place, command);
		if (kind === "begin") this.#begins(doing, event);
		else if (kind === "done") doing.done.set(step, (doing.done.get(step) ?? 0) + 1);
		else if (kind === "commit") this.#commits(doing, event);
		else if (doing.commits > 0) {
			this.#accuse("I1", `${command} undoes ${step} on ${host} after its commit point`);
		}
	}

	ended(command: CommandId, state: FinalState): void {
		for (const doing of this.doings.values()) if (doing.command === command) doing.final = state;
	}

	lostMemory(host: HostName): void {
		this.losses.set(host, this.#nowMs());
		for (const doing of this.doings.values()) {
			if (doing.host !== host) continue;
			doing.isOrphan = true;
			this.#active.delete(doing.place);
			if (doing.isDangerous) continue;
			// Nothing but the inbox keeps what only reads from being done again, and that does no harm.
			doing.begun = new Map();
			doing.done = new Map();
			doing.commits = 0;
		}
	}

	/** What is wrong with the world when everything has ended, one line each. */
	*leftovers(): Generator<string> {
		for (const doing of this.doings.values()) {
			const { command, host, place, final, isOrphan, commits } = doing;
			if (isOrphan || final === "inconsistent") continue;
			const what = `${this.commands.get(command)?.operation} ${command} on ${host}`;
			if (hasResidue(place, command)) yield `${what} ended as ${final} and left something unfinished`;
			const isDone = final === "succeeded" || final === "partial";
			if (!isDone && commits > 0) yield `${what} ended as ${final} and took effect`;
			const isPrune = this.commands.get(command)?.operation.endsWith(".prune") === true;
			if (isDone && commits === 0 && !isPrune) yield `${what} ended as ${final} without an effect`;
		}
	}

	/** Runs of which a lost journal held what was half or wholly done to the data: nobody may call them undone. */
	*forgotten(): Generator<{ readonly run: RunId; readonly sentence: string }> {
		for (const { command, host, place, isOrphan, isDangerous, commits } of this.doings.values()) {
			const run = this.commands.get(command)?.run;
			if (!isOrphan || !isDangerous || run === undefined) continue;
			if (commits === 0 && !hasResidue(place, command)) continue;
			yield { run, sentence: `${host} forgot ${command}, which had touched ${place.resource}` };
		}
	}

	#doingOf(host: HostName, place: Place, command: CommandId): Doing {
		const key = `${host} ${command}`;
		const known = this.doings.get(key);
		if (known !== undefined) return known;
		const operation = this.commands.get(command)?.operation ?? "";
		const isDangerous = isOperationName(operation) && operations[operation].effect !== "reads";
		const doing: Doing = {
			...{ host, command, place, isDangerous, begun: new Map(), done: new Map() },
			...{ commits: 0, final: undefined, isOrphan: false },
		};
		this.doings.set(key, doing);
		return doing;
	}

	#requireSigned(host: HostName, { command, run, resource }: ToyEvent): void {
		const signed = this.commands.get(command);
		if (signed?.host === host && signed.run === run && signed.resource === resource) {
			const lateMs = this.#nowMs() - Date.parse(signed.startBy);
			if (lateMs > lateAtMostMs + Math.abs(this.#skewsMs.get(host) ?? 0)) {
				this.#accuse("I7", `${host} begins ${command} ${lateMs} ms after its start-by time`);
			}
			return;
		}
		this.#accuse("I7", `${host} begins ${command} of ${run} on ${resource}, which nobody signed for it so`);
	}

	#requireFence(place: Place, { command }: ToyEvent): void {
		const signed = this.commands.get(command);
		if (signed === undefined || !isOperationName(signed.operation)) return;
		if (operations[signed.operation].effect === "reads") return;
		const seen = this.#fences.get(place) ?? -1;
		if (signed.fence <= seen) {
			this.#accuse("I4", `${command} begins with fence ${signed.fence}, and ${seen} had begun before it`);
		}
		this.#fences.set(place, Math.max(seen, signed.fence));
	}

	#begins(doing: Doing, { step, isBeforeCommit }: ToyEvent): void {
		const { command, host, place, begun, done } = doing;
		const times = (isBeforeCommit ? begun : done).get(step) ?? 0;
		if (times > 0) this.#accuse("I1", `${command} begins ${step} on ${host} again`);
		begun.set(step, (begun.get(step) ?? 0) + 1);
		if (doing.final !== undefined && !doing.isOrphan) {
			this.#accuse("I1", `${command} begins ${step} on ${host} after it ended as ${doing.final}`);
		}
		const other = this.#active.get(place);
		if (other !== undefined && other !== doing && other.final === undefined) {
			this.#accuse(
				"I2",
				`${command} begins ${step} on ${host} ${place.resource} while ${other.command} holds it`,
			);
		}
		this.#active.set(place, doing);
		this.#requireAlone(doing);
	}

	#requireAlone({ command, host, place }: Doing): void {
		for (const other of this.doings.values()) {
			if (other.place !== place || other.command === command || other.isOrphan) continue;
			if (!hasResidue(place, other.command)) continue;
			this.#accuse(
				"I2",
				`${command} works on ${host} ${place.resource}, where ${other.command} is unfinished`,
			);
		}
	}

	#commits(doing: Doing, { run }: ToyEvent): void {
		doing.commits += 1;
		const ofRun = [...this.doings.values()].filter(
			({ command, isDangerous, isOrphan, commits }) =>
				commits > 0 && this.commands.get(command)?.run === run && (isDangerous || !isOrphan),
		);
		const times = ofRun.reduce((sum, { commits }) => sum + commits, 0);
		if (times > 1) this.#accuse("I1", `run ${run} takes effect ${times} times`);
	}
}
