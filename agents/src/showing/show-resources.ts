import {
	type Activity,
	type ArchiveSummary,
	type Hold,
	type HostName,
	type Inventory,
	instantOf,
	isGood,
	maximumMessageBytes,
	type ProvenRestore,
	type ResourceArchives,
	type ResourceId,
	type ResourceState,
	type SiteName,
	topicsOf,
} from "@davit/protocol";
import type { Archives } from "../archives/archives.ts";
import type { AgentConfig } from "../config.ts";
import type { Journal } from "../journal/journal.ts";
import { forgetShown, rememberShown, shownResources } from "../journal/shown.ts";
import { holdOf } from "../resource/judge-hold.ts";
import type { UndoPoints } from "../undo-points.ts";
import type { Retained } from "./keep-retained.ts";

const archivesAtMost = 200;
/** The rest of a message's 64 KiB is for the topic and what else a broker adds. */
const messageRoomBytes = maximumMessageBytes - 4 * 1024;

export interface ShowContext {
	readonly site: SiteName;
	readonly host: HostName;
	readonly journal: Journal;
	readonly archives: Archives;
	readonly config: Pick<AgentConfig, "suspicion">;
	readonly undoPoints: UndoPoints;
	readonly retained: Retained;
	readonly activityOf: (resource: ResourceId) => Activity | null;
	readonly now: () => number;
}

/** Of an inventory. */
type Listed = Pick<Inventory, "engineAway"> & {
	readonly resources: readonly { readonly id: ResourceId }[];
};

/** The states and archives of all resources, as they are shown on retained topics. */
export class ShownResources {
	readonly #context: ShowContext;
	readonly #archives = new Map<ResourceId, readonly ArchiveSummary[]>();
	readonly #holds = new Map<ResourceId, Hold>();
	#order: Promise<void> = Promise.resolve();

	constructor(context: ShowContext) {
		this.#context = context;
	}

	/**
	 * Shows these and every other resource that has archives; what is neither is cleared, also when an earlier life showed it. While
	 * the engine is away nobody can tell what it has, and nothing of it is cleared.
	 */
	showOnly({ resources, engineAway }: Listed): Promise<void> {
		return this.#afterwards(async () => {
			const wanted = new Set([
				...resources.map(({ id }) => id),
				...(await this.#context.archives.resources()),
			]);
			for (const resource of wanted) await this.#reread(resource);
			for (const resource of this.#context.journal.read(shownResources)) {
				const mayBeThere = engineAway !== undefined && !resource.startsWith("path:");
				if (!wanted.has(resource) && !mayBeThere) this.#clear(resource);
			}
		});
	}

	/** The resource's archives or its undo may have changed. */
	refresh(resource: ResourceId): Promise<void> {
		return this.#afterwards(() => this.#reread(resource));
	}

	/** Only what is under way changed. */
	showActivity(resource: ResourceId): void {
		const archives = this.#archives.get(resource);
		if (archives !== undefined) this.#showState(resource, archives);
	}

	async #reread(resource: ResourceId): Promise<void> {
		const { archives, retained, site, host, journal, config } = this.#context;
		const summaries = await archives.list(resource);
		if (!journal.read(shownResources).includes(resource)) {
			journal.write("show", (database) => rememberShown(database, resource));
		}
		this.#archives.set(resource, summaries);
		const hold = holdOf(summaries, await archives.records.read(resource), config);
		if (hold === undefined) this.#holds.delete(resource);
		else this.#holds.set(resource, hold);
		this.#showState(resource, summaries);
		retained.show(topicsOf(site).resourceArchives(host, resource), this.#archivesOf(resource, summaries));
	}

	#showState(resource: ResourceId, archives: readonly ArchiveSummary[]): void {
		const { site, host, undoPoints, activityOf, retained, now } = this.#context;
		const hold = this.#holds.get(resource);
		const kept = undoPoints.of(resource);
		const state: ResourceState = {
			...{ version: 1, host, resource },
			lastGoodBackup: archives.find(isGood) ?? null,
			archives: archives.length,
			lastProvenRestore: lastProven(archives),
			activity: activityOf(resource),
			undo:
				kept === undefined || kept.isOver
					? null
					: { command: kept.command, archive: kept.archive, until: kept.until },
			...(hold === undefined ? {} : { hold }),
			at: instantOf(now()),
		};
		retained.show(topicsOf(site).resourceState(host, resource), state);
	}

	#archivesOf(resource: ResourceId, summaries: readonly ArchiveSummary[]): ResourceArchives {
		const { host, now } = this.#context;
		const newest = summaries.slice(0, archivesAtMost);
		const whole = { version: 1 as const, host, resource, archives: newest, at: instantOf(now()) };
		while (Buffer.byteLength(JSON.stringify(whole)) > messageRoomBytes) newest.pop();
		return whole;
	}

	#clear(resource: ResourceId): void {
		const { site, host, journal, retained } = this.#context;
		this.#archives.delete(resource);
		retained.clear(topicsOf(site).resourceState(host, resource));
		retained.clear(topicsOf(site).resourceArchives(host, resource));
		journal.write("clear", (database) => forgetShown(database, resource));
	}

	/** One after the other, so that an older reading never overwrites a newer one. */
	#afterwards(work: () => Promise<void>): Promise<void> {
		const done = this.#order.then(work);
		this.#order = done.catch(() => undefined);
		return done;
	}
}

/** The newest drill of an archive that is still there and good. */
function lastProven(archives: readonly ArchiveSummary[]): ProvenRestore | null {
	const [newest] = archives
		.flatMap(({ id: archive, drilledAt: at, restoreMs, damaged }) =>
			at === undefined || restoreMs === undefined || damaged ? [] : [{ archive, at, restoreMs }],
		)
		.toSorted((left, right) => (left.at < right.at ? 1 : -1));
	return newest ?? null;
}
