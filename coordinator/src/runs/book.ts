import {
	type CommandId,
	type HostName,
	isEnded,
	isLooking,
	isWorkName,
	type OperationName,
	type ResourceId,
	type Run,
	type RunId,
	type Verb,
	verbOf,
} from "@davit/protocol";
import type { History } from "../history/history.ts";
import { type AnyRunRecord, isWhole, type RunRecord, type WholeRecord } from "../history/records.ts";
import { repositoryIn } from "../requests/lease.ts";

type Ended = (record: AnyRunRecord) => void;

/** The newest runs of one operation on a repository that have ended. */
export interface TendedRuns {
	readonly last: Run;
	readonly good: Run | undefined;
}

/** The runs that are under way, and the newest of each verb on each resource, in memory; all others in the history. */
export class RunBook {
	readonly #history: History;
	readonly #open = new Map<RunId, RunRecord>();
	readonly #wholes = new Map<RunId, WholeRecord>();
	/** Which open whole a run is a part of. */
	readonly #wholeOf = new Map<RunId, RunId>();
	readonly #openOn = new Map<string, RunId>();
	readonly #ofCommand = new Map<CommandId, RunId>();
	readonly #newest = new Map<string, Map<Verb, Run>>();
	readonly #tended = new Map<string, TendedRuns>();
	readonly #waiting = new Map<RunId, Ended[]>();

	constructor(history: History) {
		this.#history = history;
	}

	/** Takes up what the history holds, and nothing else; who waits for a run goes on waiting. */
	load(): void {
		const known = [this.#open, this.#wholes, this.#wholeOf, this.#openOn, this.#ofCommand, this.#newest];
		for (const one of [...known, this.#tended]) one.clear();
		for (const record of this.#history.runs.newest()) this.#remember(record);
		for (const record of this.#history.runs.open()) this.keep(record);
	}

	/** Takes over what was just committed. */
	keep(record: AnyRunRecord): void {
		const { run } = record;
		const place = placeOf(run.host, run.resource);
		if (isWhole(record)) this.#keepWhole(record);
		else this.#keepOpen(record);
		if (!record.hidden) this.#remember(record);
		if (!isEnded(run.state)) {
			if (!isLook(record)) this.#openOn.set(place, run.run);
			return;
		}
		if (this.#openOn.get(place) === run.run) this.#openOn.delete(place);
		const waiting = this.#waiting.get(run.run) ?? [];
		this.#waiting.delete(run.run);
		for (const ended of waiting) ended(record);
	}

	find(run: RunId): AnyRunRecord | undefined {
		return this.#open.get(run) ?? this.#wholes.get(run) ?? this.#history.runs.find(run);
	}

	/** The run that a command carries out or carried out, also when a newer command took its place. */
	ofCommand(command: CommandId): RunRecord | undefined {
		const run = this.#ofCommand.get(command) ?? this.#history.runs.command(command)?.run;
		const record = run === undefined ? undefined : this.find(run);
		return record === undefined || isWhole(record) ? undefined : record;
	}

	openOn(host: HostName, resource: ResourceId): AnyRunRecord | undefined {
		const run = this.#openOn.get(placeOf(host, resource));
		return run === undefined ? undefined : (this.#open.get(run) ?? this.#wholes.get(run));
	}

	/** Those that hosts carry out. */
	open(): RunRecord[] {
		return [...this.#open.values()];
	}

	/** Those that have parts. */
	openWholes(): WholeRecord[] {
		return [...this.#wholes.values()];
	}

	/** The open whole that a run is a part of. */
	wholeOf(run: RunId): RunId | undefined {
		return this.#wholeOf.get(run);
	}

	newest(host: HostName, resource: ResourceId): ReadonlyMap<Verb, Run> {
		return this.#newest.get(placeOf(host, resource)) ?? new Map();
	}

	/** Of a repository, as one host knows it. */
	tended(host: HostName, operation: OperationName, repository: string): TendedRuns | undefined {
		return this.#tended.get(`${host}/${operation}/${repository}`);
	}

	/** Called once, when the run has ended. */
	onEnded(run: RunId, ended: Ended): void {
		this.#waiting.set(run, [...(this.#waiting.get(run) ?? []), ended]);
	}

	#keepOpen(record: RunRecord): void {
		const { run, command } = record;
		const before = this.#open.get(run.run);
		if (before !== undefined && before.command !== command) this.#ofCommand.delete(before.command);
		if (isEnded(run.state)) {
			this.#open.delete(run.run);
			this.#ofCommand.delete(command);
		} else {
			this.#open.set(run.run, record);
			this.#ofCommand.set(command, run.run);
		}
	}

	#keepWhole(record: WholeRecord): void {
		const { run, parts } = record;
		const isOver = isEnded(run.state);
		if (isOver) this.#wholes.delete(run.run);
		else this.#wholes.set(run.run, record);
		for (const part of parts) {
			if (part.run === null) continue;
			if (isOver) this.#wholeOf.delete(part.run);
			else this.#wholeOf.set(part.run, run.run);
		}
	}

	#remember({ run, params }: AnyRunRecord): void {
		if (!isWorkName(run.operation)) return;
		if (run.operation.startsWith("repository.") && isEnded(run.state)) {
			const key = `${run.host}/${run.operation}/${repositoryIn(params)}`;
			const good = run.state === "succeeded" ? run : this.#tended.get(key)?.good;
			this.#tended.set(key, { last: run, good });
		}
		const place = placeOf(run.host, run.resource);
		const verbs = this.#newest.get(place) ?? new Map<Verb, Run>();
		this.#newest.set(place, verbs);
		const known = verbs.get(verbOf(run.operation));
		// Runs of one moment are told apart by their requests, whose ids rise with time.
		if (known === undefined || known.run === run.run || !isAfter(known, run)) {
			verbs.set(verbOf(run.operation), run);
		}
	}
}

/** Looking into an archive holds nothing up. */
function isLook({ run: { operation } }: AnyRunRecord): boolean {
	return isWorkName(operation) && isLooking(operation);
}

function isAfter(one: Run, other: Run): boolean {
	return one.askedAt > other.askedAt;
}

function placeOf(host: HostName, resource: ResourceId): string {
	return `${host}/${resource}`;
}
