import { basename } from "node:path";
import {
	type AddressDocument,
	type HostName,
	OperationError,
	type ResourceId,
	RunId,
	resourceName,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { didYouMean, findHost, nearest, shown } from "../requests/names.ts";
import { lastGoodOf } from "../schedules/overdue.ts";
import { type FoundArchive, findArchive } from "./archive-row.ts";

interface Place {
	readonly host: HostName;
	readonly resource: ResourceId;
}

/**
 * What an address means: `host`, `host/name`, `host/kind:name`, `name` where it is unique (of a folder its
 * path or the last part of it), each resource with `@latest`, `@latest-proven` or
 * `@ID` for an archive; a run's or an archive's id alone, or its unique beginning of 4 characters or more.
 * @throws OperationError resource-not-found | resource-ambiguous | archive-not-found | archive-ambiguous | host-not-found
 */
export function resolveAddress(core: Core, address: string): AddressDocument {
	const at = address.lastIndexOf("@");
	if (at > 0) return archiveOf(core, findPlace(core, address.slice(0, at)), address.slice(at + 1));
	const host = [...core.fleet.hosts()].find(({ record }) => record.host === address)?.record.host;
	if (host !== undefined) return documentOf({ host });
	const places = placesNamed(core, address);
	if (places.length > 0) return documentOf(onlyOne(address, places));
	const run = findRunId(core, address);
	const record = run === undefined ? undefined : core.runs.find(run);
	if (record !== undefined) {
		const { host: runHost, resource } = record.run;
		return documentOf({ host: runHost, resource, run: record.run.run });
	}
	if (/^[0-9a-f]{4,10}$/.test(address)) {
		const { host: owner, resource, archive } = findArchive(core, address);
		return documentOf({ host: owner, resource, archive: archive.id });
	}
	return documentOf(findPlace(core, address));
}

/** The run with this id, or the only one whose id begins so. */
export function findRunId(core: Core, text: string): RunId | undefined {
	const whole = RunId.safeParse(text);
	if (whole.success) return core.runs.find(whole.data) === undefined ? undefined : whole.data;
	if (!/^r[a-z2-7]{3,7}$/.test(text)) return undefined;
	const [run, ...others] = core.history.runs.beginningWith(text);
	if (run === undefined) return undefined;
	if (others.length === 0) return RunId.parse(run);
	const candidates = [run, ...others].slice(0, 5);
	throw new OperationError("run-not-found", `more than one run's id begins with ${text}`, {
		candidates,
		hint: `type more of it: ${candidates.join(", ")}`,
	});
}

function documentOf(found: Partial<Omit<AddressDocument, "schema">> & { host: HostName }): AddressDocument {
	return { schema: "davit/address/1", resource: null, archive: null, run: null, ...found };
}

/** Every resource that `name` may mean, without guessing; a stack's name counts where no volume or folder has it, a folder's last part where nothing has the whole name. */
function placesNamed(core: Core, name: string): Place[] {
	const isNamed = (id: ResourceId, text: string) => id === text || resourceName(id) === text;
	// A stack and its volume are often called the same: the shorter name is the volume's.
	const whole = placesWhere(core, name, (id, text) => isNamed(id, text) && !isShortForStack(id, text));
	if (whole.length > 0) return whole;
	const stacks = placesWhere(core, name, isNamed);
	if (stacks.length > 0) return stacks;
	return placesWhere(core, name, (id, text) => id.startsWith("path:") && basename(id) === text);
}

function isShortForStack(id: ResourceId, text: string): boolean {
	return id.startsWith("stack:") && id !== text;
}

function placesWhere(core: Core, name: string, isNamed: (id: ResourceId, text: string) => boolean): Place[] {
	const slash = name.indexOf("/");
	const [head, rest] = [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)];
	return [...core.fleet.hosts()].flatMap(({ record: { host }, resources }) =>
		[...resources.keys()]
			.filter((id) => isNamed(id, name) || (host === head && isNamed(id, rest)))
			.map((resource) => ({ host, resource })),
	);
}

function onlyOne(address: string, places: readonly Place[]): Place {
	const [place, ...others] = places;
	if (place !== undefined && others.length === 0) return place;
	const candidates = places.map(({ host, resource }) => `${host}/${resource}`).slice(0, 10);
	throw new OperationError("resource-ambiguous", `${shown(address)} may mean ${places.length} resources`, {
		candidates,
		hint: `name one of ${candidates.join(", ")}`.slice(0, 500),
	});
}

/** @throws OperationError host-not-found | resource-not-found | resource-ambiguous | run-not-found */
function findPlace(core: Core, address: string): Place {
	const places = placesNamed(core, address);
	if (places.length > 0) return onlyOne(address, places);
	const candidates = candidatesFor(core, address);
	const slash = address.indexOf("/");
	const isElsewhere = slash > 0 && !address.slice(0, slash).includes(":");
	// Says so where it is the host that is wrong.
	if (isElsewhere && candidates.length === 0) findHost(core, address.slice(0, slash));
	if (candidates.length === 0 && RunId.safeParse(address).success) {
		throw new OperationError("run-not-found", `no run and no resource is called ${address}`);
	}
	throw new OperationError("resource-not-found", `no resource is called ${shown(address)}`, {
		candidates,
		...didYouMean(candidates),
	});
}

/** Addresses that look like what was typed, by full address, by name with host, and by name or last part alone. */
function candidatesFor(core: Core, address: string): string[] {
	const spellings = new Map<string, string>();
	for (const { record, resources } of core.fleet.hosts()) {
		for (const id of resources.keys()) {
			const full = `${record.host}/${id}`;
			for (const name of [resourceName(id), ...(id.startsWith("path:") ? [basename(id)] : [])]) {
				for (const spelling of [full, `${record.host}/${name}`, id, name]) spellings.set(spelling, full);
			}
		}
	}
	const near = nearest(address, [...spellings.keys()]);
	return [...new Set(near.map((spelling) => spellings.get(spelling) ?? spelling))];
}

function archiveOf(core: Core, { host, resource }: Place, selector: string): AddressDocument {
	const archives = core.fleet.resource(host, resource)?.archives ?? [];
	if (selector === "latest-proven") {
		const proven = core.fleet.resource(host, resource)?.state?.lastProvenRestore;
		if (proven) return documentOf({ host, resource, archive: proven.archive });
		throw new OperationError(
			"archive-not-found",
			`no archive of ${host}/${resource} was proven by a drill yet`,
			{
				hint: `davit drill ${host}/${resource}`,
			},
		);
	}
	if (selector === "latest") {
		const known = core.fleet.resource(host, resource);
		const latest = known === undefined ? null : lastGoodOf(known);
		if (latest !== null) return documentOf({ host, resource, archive: latest.id });
		throw new OperationError("archive-not-found", `${host}/${resource} has no good archive yet`, {
			hint: `davit backup ${host}/${resource}`,
		});
	}
	const isId = /^[0-9a-f]{4,10}$/.test(selector);
	const found = isId ? archives.filter(({ id }) => id.startsWith(selector)) : [];
	const [archive, ...others] = found;
	if (archive !== undefined && others.length === 0) {
		return documentOf({ host, resource, archive: archive.id });
	}
	if (archive !== undefined) {
		const candidates = found.map(({ id }) => id);
		throw new OperationError("archive-ambiguous", `more than one archive's id begins with ${selector}`, {
			candidates,
			hint: `type more of it: ${candidates.slice(0, 5).join(", ")}`,
		});
	}
	const foreign = isId ? foundElsewhere(core, selector) : undefined;
	if (foreign !== undefined) {
		const owner = `${foreign.host}/${foreign.resource}`;
		throw new OperationError(
			"archive-foreign",
			`archive ${selector} is of ${owner}, not of ${host}/${resource}`,
		);
	}
	throw new OperationError("archive-not-found", `${host}/${resource} has no archive ${shown(selector)}`, {
		hint: `davit list archives ${host}/${resource}`,
	});
}

function foundElsewhere(core: Core, selector: string): FoundArchive | undefined {
	for (const { record, resources } of core.fleet.hosts()) {
		for (const { id, archives } of resources.values()) {
			const archive = archives.find((candidate) => candidate.id.startsWith(selector));
			if (archive !== undefined) return { host: record.host, resource: id, archive };
		}
	}
	return undefined;
}
