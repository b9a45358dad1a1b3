import { type Consistency, type Manifest, OperationError, type ResourceId } from "@davit/protocol";
import type { Archives } from "../archives/archives.ts";

/** What a backup is about to do. */
export interface Coming {
	readonly resource: ResourceId;
	/** The rung that it is on. */
	readonly consistency: Consistency;
	/** Absent where it cannot be known before: as much as the last time. */
	readonly contentBytes?: number;
	/** Whether any container is stopped or paused for it. */
	readonly holdsWriters: boolean;
	/** Where it goes; absent = this host's archives. */
	readonly repository?: string;
}

export type Measured = NonNullable<Manifest["downtimeParts"]> & { readonly contentBytes: number };

/** So many of the newest archives are measured by: their median forgives one slow run. */
const measuredBy = 3;
/** So many are looked through for them. */
const lookedThrough = 20;
/** Of a copy: its thread, its folder, its syncs. An empty volume's was measured: 841 ms while both cores of the host were busy. */
const fixedCopyMs = 500;
/** With less content the time of a copy says nothing of its rate. */
const ratedFromBytes = 1024 * 1024;

type Known = Pick<Archives, "list" | "find" | "resources">;

/**
 * How long the longest writer will not serve, by the newest archives of the same resource on the same rung, of any resource of this
 * host where it has none. Manifests outlive the journal. Undefined until something like it was measured.
 */
export async function predictDowntime(coming: Coming, archives: Known): Promise<number | undefined> {
	if (!coming.holdsWriters) return 0;
	const own = await predictBy([coming.resource], coming, archives);
	if (own !== undefined) return own;
	const others = (await archives.resources()).filter((one) => one !== coming.resource);
	return predictBy(others, coming, archives);
}

/** The sum of the medians of what each part took; a copy's is scaled to the content. Undefined where none can be. */
export function sumMedians(
	measured: readonly Measured[],
	{ consistency, contentBytes }: Pick<Coming, "consistency" | "contentBytes">,
): number | undefined {
	const rated = measured.flatMap((one) => {
		const copyMs = consistency === "snapshot" ? one.copyMs : scaleCopy(one, contentBytes);
		return copyMs === undefined ? [] : { ...one, copyMs };
	});
	if (rated.length === 0) return undefined;
	const parts = ["stopMs", "copyMs", "startMs"] as const;
	return Math.round(parts.reduce((sum, part) => sum + median(rated.map((one) => one[part])), 0));
}

async function predictBy(
	resources: readonly ResourceId[],
	coming: Coming,
	archives: Known,
): Promise<number | undefined> {
	const known = (await Promise.all(resources.map((one) => archives.list(one)))).flat();
	const alike = known
		.filter(({ consistency, damaged }) => consistency === coming.consistency && !damaged)
		.toSorted((left, right) => (left.takenAt < right.takenAt ? 1 : -1));
	const measured: Measured[] = [];
	for (const { id } of alike.slice(0, lookedThrough)) {
		const one = await measuredIn(id, coming, archives);
		if (one !== undefined && sumMedians([one], coming) !== undefined) measured.push(one);
		if (measured.length === measuredBy) break;
	}
	return sumMedians(measured, coming);
}

async function measuredIn(
	id: Parameters<Known["find"]>[0],
	{ repository, resource }: Coming,
	archives: Known,
): Promise<Measured | undefined> {
	try {
		const { downtimeParts, stack, ...manifest } = (await archives.find(id)).manifest;
		const isStack = resource.startsWith("stack:");
		const isAlike = (stack !== undefined) === isStack && manifest.repository?.name === repository;
		// Containers wait for a stack's parts, and not for its own files or images.
		const contentBytes =
			stack?.parts.reduce((sum, part) => sum + part.contentBytes, 0) ?? manifest.contentBytes;
		return isAlike && downtimeParts !== undefined ? { ...downtimeParts, contentBytes } : undefined;
	} catch (error) {
		// One that went or rotted since it was listed tells nothing, and is no reason to fail a backup.
		if (error instanceof OperationError) return undefined;
		throw error;
	}
}

function scaleCopy({ copyMs, contentBytes: known }: Measured, wanted = known): number | undefined {
	const fixedMs = Math.min(copyMs, fixedCopyMs);
	if (known >= ratedFromBytes) return fixedMs + ((copyMs - fixedMs) * wanted) / known;
	return wanted < ratedFromBytes ? copyMs : undefined;
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((left, right) => left - right);
	const middle = (sorted.length - 1) / 2;
	const [low = 0, high = 0] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
	return (low + high) / 2;
}
