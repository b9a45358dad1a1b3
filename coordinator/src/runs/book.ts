import {
	type CommandId,
	type HostName,
	isEnded,
	isLooking,
	isOperationName,
	type ResourceId,
	type Run,
	type RunId,
	type Verb,
	verbOf,
} from "@davit/protocol";
import type { History } from "../history/history.ts";
import type { RunRecord } from "../history/records.ts";

type Ended = (record: RunRecord) => void;

/** The runs that are under way, and the newest of each verb on each resource, in memory; all others in the history. */
export class RunBook {
	readonly #history: History;
	readonly #open = new Map<RunId, RunRecord>();
	readonly #openOn = new Map<string, RunId>();
	readonly #ofCommand = new Map<CommandId, RunId>();
	readonly #newest = new Map<string, Map<Verb, Run>>();
	readonly #waiting = new Map<RunId, Ended[]>();

	constructor(history: History) {
		this.#history = history;
	}

	/** Takes up what the history holds, and nothing else; who waits for a run goes on waiting. */
	load(): void {
		for (const known of [this.#open, this.#openOn, this.#ofCommand, this.#newest]) known.clear();
		for (const record of this.#history.runs.newest()) this.#remember(record);
		for (const record of this.#history.runs.open()) this.keep(record);
	}

	/** Takes over what was just committed. */
	keep(record: RunRecord): void {
		const { run } = record;
		const place = placeOf(run.host, run.resource);
		const before = this.#open.get(run.run);
		if (before !== undefined && before.command !== record.command) this.#ofCommand.delete(before.command);
		if (!record.hidden) this.#remember(record);
		if (!isEnded(run.state)) {
			this.#open.set(run.run, record);
			if (!isLook(record)) this.#openOn.set(place, run.run);
			this.#ofCommand.set(record.command, run.run);
			return;
		}
		this.#open.delete(run.run);
		this.#ofCommand.delete(record.command);
		if (this.#openOn.get(place) === run.run) this.#openOn.delete(place);
		const waiting = this.#waiting.get(run.run) ?? [];
		this.#waiting.delete(run.run);
		for (const ended of waiting) ended(record);
	}

	find(run: RunId): RunRecord | undefined {
		return this.#open.get(run) ?? this.#history.runs.find(run);
	}

	/** The run that a command carries out or carried out, also when a newer command took its place. */
	ofCommand(command: CommandId): RunRecord | undefined {
		const run = this.#ofCommand.get(command) ?? this.#history.runs.command(command)?.run;
		return run === undefined ? undefined : this.find(run);
	}

	openOn(host: HostName, resource: ResourceId): RunRecord | undefined {
		const run = this.#openOn.get(placeOf(host, resource));
		return run === undefined ? undefined : this.#open.get(run);
	}

	open(): RunRecord[] {
		return [...this.#open.values()];
	}

	newest(host: HostName, resource: ResourceId): ReadonlyMap<Verb, Run> {
		return this.#newest.get(placeOf(host, resource)) ?? new Map();
	}

	/** Called once, when the run has ended. */
	onEnded(run: RunId, ended: Ended): void {
		this.#waiting.set(run, [...(this.#waiting.get(run) ?? []), ended]);
	}

	#remember({ run }: RunRecord): void {
		if (!isOperationName(run.operation)) return;
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
function isLook({ run: { operation } }: RunRecord): boolean {
	return isOperationName(operation) && isLooking(operation);
}

function isAfter(one: Run, other: Run): boolean {
	return one.askedAt > other.askedAt;
}

function placeOf(host: HostName, resource: ResourceId): string {
	return `${host}/${resource}`;
}
