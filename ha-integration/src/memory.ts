import {
	closeSync,
	existsSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import { z } from "zod";
import { JobEvent } from "./events.ts";

const mostPending = 50;
const mostSeen = 1000;

const Kept = z.object({
	version: z.literal(1),
	/** Runs whose event was made. */
	seen: z.array(z.string()),
	/** Events that Home Assistant has not surely had, oldest first. `sent` = sent while nobody knew if it listens. */
	pending: z.array(z.object({ event: JobEvent, sent: z.boolean() })),
	/** Discovery topics of devices that a person deleted in Home Assistant. */
	hidden: z.array(z.string()),
});
type Kept = z.infer<typeof Kept>;

/** What the integration must not forget, in one small file that is replaced as a whole. */
export class Memory {
	readonly isNew: boolean;
	readonly #file: string;
	#kept: Kept;

	/** @throws OperationError database-damaged where the file exists and cannot be read */
	constructor(file: string) {
		this.#file = file;
		this.isNew = !existsSync(file);
		this.#kept = this.isNew ? { version: 1, seen: [], pending: [], hidden: [] } : readKept(file);
	}

	hasSeen(run: string): boolean {
		return this.#kept.seen.includes(run);
	}

	get pending(): readonly { readonly event: JobEvent; readonly sent: boolean }[] {
		return this.#kept.pending;
	}

	get hidden(): readonly string[] {
		return this.#kept.hidden;
	}

	isHidden(topic: string): boolean {
		return this.#kept.hidden.includes(topic);
	}

	/** Marks a run as seen without an event, where it has none. */
	see(run: string): void {
		this.#save({ ...this.#kept, seen: [...this.#kept.seen, run].slice(-mostSeen) });
	}

	keep(event: JobEvent): void {
		this.#save({
			...this.#kept,
			seen: [...this.#kept.seen, event.run].slice(-mostSeen),
			pending: [...this.#kept.pending, { event, sent: false }].slice(-mostPending),
		});
	}

	markSent(run: string): void {
		const pending = this.#kept.pending.map((kept) =>
			kept.event.run === run ? { ...kept, sent: true } : kept,
		);
		this.#save({ ...this.#kept, pending });
	}

	drop(runs: ReadonlySet<string>): void {
		if (runs.size === 0) return;
		this.#save({ ...this.#kept, pending: this.#kept.pending.filter(({ event }) => !runs.has(event.run)) });
	}

	hide(topic: string): void {
		if (!this.isHidden(topic)) this.#save({ ...this.#kept, hidden: [...this.#kept.hidden, topic] });
	}

	unhide(topic: string): void {
		if (this.isHidden(topic)) {
			this.#save({ ...this.#kept, hidden: this.#kept.hidden.filter((hidden) => hidden !== topic) });
		}
	}

	#save(kept: Kept): void {
		const directory = dirname(this.#file);
		mkdirSync(directory, { recursive: true, mode: 0o700 });
		const partial = `${this.#file}.partial`;
		writeDurably(partial, JSON.stringify(kept));
		renameSync(partial, this.#file);
		syncDirectory(directory);
		this.#kept = kept;
	}
}

function readKept(file: string): Kept {
	try {
		return Kept.parse(JSON.parse(readFileSync(file, "utf8")));
	} catch (error) {
		throw new OperationError("database-damaged", `the integration's memory ${file} cannot be read`, {
			cause: error,
			hint: "move the file away; only events that Home Assistant has not had are lost",
		});
	}
}

function writeDurably(file: string, text: string): void {
	const descriptor = openSync(file, "w", 0o600);
	try {
		writeSync(descriptor, text);
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}

function syncDirectory(directory: string): void {
	const descriptor = openSync(directory, "r");
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
