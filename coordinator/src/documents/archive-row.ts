import {
	type ArchiveId,
	type ArchiveRow,
	type ArchiveSummary,
	type HostName,
	OperationError,
	type Proof,
	type ResourceId,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { countProof } from "../recovery/count-proof.ts";
import { shown } from "../requests/names.ts";
import { keptReasons } from "../schedules/retention.ts";

export interface FoundArchive {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly archive: ArchiveSummary;
}

const shortestPrefix = 4;

/** Every archive that is known of, also of hosts and resources that are gone. */
export function allArchives(core: Core): FoundArchive[] {
	return [...core.fleet.hosts()].flatMap(({ record: { host }, resources }) =>
		[...resources.values()].flatMap(({ id, archives }) =>
			archives.map((archive) => ({ host, resource: id, archive })),
		),
	);
}

/** The archive whose id is `id` or the only one that begins so. @throws OperationError archive-not-found | archive-ambiguous */
export function findArchive(core: Core, id: string): FoundArchive {
	const found = allArchives(core).filter(({ archive }) => archive.id.startsWith(id));
	const [first] = found;
	const ids = [...new Set(found.map(({ archive }) => archive.id))];
	if (id.length < shortestPrefix || first === undefined) {
		throw new OperationError("archive-not-found", `no archive is called ${shown(id)}`);
	}
	if (ids.length === 1) return first;
	const candidates = ids.slice(0, 5);
	throw new OperationError("archive-ambiguous", `more than one archive's id begins with ${id}`, {
		candidates,
		hint: `type more of it: ${candidates.join(", ")}`,
	});
}

/** Says how much of an archive's id is enough. */
export function shortener(archives: readonly FoundArchive[]): (id: ArchiveId) => string {
	const ids = [...new Set(archives.map(({ archive }) => archive.id))].sort();
	const lengths = new Map<ArchiveId, number>();
	ids.forEach((id, index) => {
		const shared = Math.max(sharedLength(id, ids[index - 1]), sharedLength(id, ids[index + 1]));
		lengths.set(id, Math.max(shortestPrefix, shared + 1));
	});
	return (id) => id.slice(0, lengths.get(id) ?? id.length);
}

/** What is told of an archive by looking at others. */
export interface ArchiveTellers {
	readonly short: (id: ArchiveId) => string;
	readonly reasonsOf: ReturnType<typeof keptReasons>;
	readonly proofOf: (archive: ArchiveSummary) => Proof[];
}

export function archiveTellers(core: Core): ArchiveTellers {
	return {
		short: shortener(allArchives(core)),
		reasonsOf: keptReasons(core),
		proofOf: ({ proof }) => countProof(core, proof),
	};
}

export function archiveRow(
	{ host, resource, archive }: FoundArchive,
	{ short, reasonsOf, proofOf }: ArchiveTellers,
): ArchiveRow {
	return {
		...archive,
		proof: proofOf(archive),
		keptBecause: [...reasonsOf({ host, resource, archive })],
		host,
		resource,
		address: `${host}/${resource}@${short(archive.id)}`,
		short: short(archive.id),
	};
}

function sharedLength(one: string, other: string | undefined): number {
	let length = 0;
	while (other !== undefined && length < one.length && one[length] === other[length]) length += 1;
	return length;
}
