import {
	type Description,
	Description as description,
	type HostName,
	type Inventory,
	Inventory as inventory,
	maximumMessageBytes,
	Presence,
	Report,
	type ResourceArchives,
	type ResourceState,
	ResourceArchives as resourceArchives,
	ResourceState as resourceState,
	Sync,
} from "@davit/protocol";
import type { z } from "zod";
import type { Core } from "../core/context.ts";
import { answerSync } from "../outbox/answer-sync.ts";
import { applyReport } from "../outbox/apply-report.ts";
import { clearStatus, publishStatus } from "../publishing/publish.ts";
import type { HostEntry } from "./fleet.ts";

/** A message as the broker gave it. */
export interface Heard {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly retain: boolean;
}

/** Takes what came on a topic of `host`. What cannot be read is warned of once and ignored. */
export function hearHost(core: Core, host: HostName, message: Heard): void {
	const { topics } = core;
	const hear = new Map([
		[topics.report(host), hearReport],
		[topics.sync(host), hearSync],
		[topics.presence(host), hearPresence],
		[topics.description(host), hearDescription],
		[topics.inventory(host), hearInventory],
	]).get(message.topic);
	if (hear === undefined) hearResource(core, host, message);
	else hear(core, host, message);
}

function hearReport(core: Core, host: HostName, message: Heard): void {
	const report = isLive(core, message) ? read(core, message, Report) : undefined;
	if (report === undefined) return;
	if (report.host === host) core.fleet.heard(core.fleet.meet(host));
	applyReport(core, host, report);
}

function hearSync(core: Core, host: HostName, message: Heard): void {
	const sync = isLive(core, message) ? read(core, message, Sync) : undefined;
	if (sync?.host !== host) return;
	hearOnline(core, core.fleet.meet(host), sync);
	answerSync(core, host, sync);
}

/** What must never be retained is dropped when it is: it is an old word that would be obeyed again. */
export function isLive(core: Core, { topic, retain }: Pick<Heard, "topic" | "retain">): boolean {
	if (retain) {
		core.fleet.warnOnce(`retained ${topic}`, () =>
			core.log.warn({ topic }, "a retained message was dropped; clear it on the broker"),
		);
	}
	return !retain;
}

function hearOnline(
	core: Core,
	entry: HostEntry,
	{ session, at }: { session: string; at: Sync["at"] },
): void {
	core.fleet.heard(entry, at);
	const presence = { version: 1, state: "online", session, at, epoch: 0 } as const;
	if (core.fleet.hearPresence(entry, presence)) hostCame(core, entry);
}

function hostCame(core: Core, entry: HostEntry): void {
	const { host } = entry.record;
	core.log.info({ host }, "a host is online");
	core.outbox.wake(host);
	core.changes.host(host);
}

function hearPresence(core: Core, host: HostName, message: Heard): void {
	if (message.payload.byteLength === 0) return;
	const presence = read(core, message, Presence);
	if (presence === undefined) return;
	const entry = core.fleet.meet(host);
	if (!message.retain && presence.state === "online") core.fleet.heard(entry, presence.at);
	if (core.fleet.hearPresence(entry, presence)) hostCame(core, entry);
	core.changes.host(host);
}

function hearDescription(core: Core, host: HostName, message: Heard): void {
	const heard = read(core, message, description);
	if (heard === undefined) return;
	const entry = core.fleet.meet(host);
	if (heard.host !== host || heard.site !== core.site || !hasItsKey(core, entry, heard)) return;
	if (isSame(heard, entry.record.description)) return;
	core.fleet.save(entry, { description: heard, publicKey: heard.publicKey });
	core.changes.host(host);
}

/** The first key that is heard under a name is its own, until the host is admitted again. */
function hasItsKey(core: Core, entry: HostEntry, heard: Description): boolean {
	const { host, publicKey } = entry.record;
	if (publicKey === null || publicKey === heard.publicKey) return true;
	core.fleet.warnOnce(`key ${host} ${heard.publicKey}`, () =>
		core.log.warn({ host }, "an agent with another key answers to this name; its description was ignored"),
	);
	entry.doubleUntilMs = core.now() + 10 * 60_000;
	return false;
}

function hearInventory(core: Core, host: HostName, message: Heard): void {
	const heard = read(core, message, inventory);
	if (heard?.host !== host) return;
	const entry = core.fleet.meet(host);
	if (!isSame(heard, entry.record.inventory)) core.fleet.save(entry, { inventory: heard });
	listResources(core, entry, heard);
	core.changes.host(host);
}

function listResources(core: Core, entry: HostEntry, { resources, engineAway }: Inventory): void {
	const { host } = entry.record;
	const listed = new Map(resources.map((resource) => [resource.id, resource]));
	for (const resource of resources) {
		const known = core.fleet.meetResource(entry, resource.id);
		known.listed = resource;
		publishStatus(core, host, resource.id);
	}
	for (const known of [...entry.resources.values()]) {
		if (listed.has(known.id)) continue;
		// Which volumes there are only an engine can tell.
		if (engineAway !== undefined && !known.id.startsWith("path:")) continue;
		known.listed = undefined;
		const isWorthKeeping = known.archives.length > 0 || known.state?.undo != null;
		const isBusy = core.runs.openOn(host, known.id) !== undefined;
		if (isWorthKeeping || isBusy) continue;
		core.fleet.forgetResource(entry, known.id);
		clearStatus(core, host, known.id);
	}
}

/** The state or the archives of a resource: only the payload says of which. */
function hearResource(core: Core, host: HostName, message: Heard): void {
	if (message.payload.byteLength === 0) return;
	const document = parseJson(message.payload);
	const state = resourceState.safeParse(document).data;
	if (state !== undefined && message.topic === core.topics.resourceState(host, state.resource)) {
		if (state.host === host) keepState(core, host, state);
		return;
	}
	const archives = resourceArchives.safeParse(document).data;
	if (archives !== undefined && message.topic === core.topics.resourceArchives(host, archives.resource)) {
		if (archives.host === host) keepArchives(core, host, archives);
		return;
	}
	warnUnread(core, message, "neither a resource's state nor its archives");
}

function keepState(core: Core, host: HostName, state: ResourceState): void {
	const known = core.fleet.meetResource(core.fleet.meet(host), state.resource);
	if (!isSame(state, known.state)) {
		// Progress is only shown; what is worth keeping is what stands when nothing is under way.
		const isWorthKeeping = state.activity?.progress === undefined;
		if (isWorthKeeping) core.history.write("resource", () => core.history.hosts.saveState(state));
		known.state = state;
	}
	publishStatus(core, host, state.resource);
	core.changes.resource(host, state.resource);
}

function keepArchives(core: Core, host: HostName, { resource, archives: heard }: ResourceArchives): void {
	const archives = heard.toSorted((one, other) => (one.takenAt < other.takenAt ? 1 : -1));
	const known = core.fleet.meetResource(core.fleet.meet(host), resource);
	if (!isSame(archives, known.archives)) {
		core.history.write("resource", () => core.history.hosts.saveArchives(host, resource, archives));
		known.archives = archives;
	}
	publishStatus(core, host, resource);
	core.changes.resource(host, resource);
}

function read<Schema extends z.ZodType>(
	core: Core,
	message: Heard,
	schema: Schema,
): z.infer<Schema> | undefined {
	if (message.payload.byteLength > maximumMessageBytes) {
		warnUnread(core, message, `${message.payload.byteLength} bytes is more than a message may have`);
		return undefined;
	}
	const parsed = schema.safeParse(parseJson(message.payload));
	if (parsed.success) return parsed.data;
	warnUnread(core, message, parsed.error.issues[0]?.message ?? "not what belongs on this topic");
	return undefined;
}

function warnUnread(core: Core, { topic }: Heard, reason: string): void {
	core.fleet.warnOnce(`${topic} ${reason}`, () =>
		core.log.warn({ topic, reason }, "a message that cannot be read was ignored"),
	);
}

/** Undefined where it is not JSON in UTF-8, which no schema takes. */
export function parseJson(payload: Uint8Array): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
		throw error;
	}
}

function isSame(one: unknown, other: unknown): boolean {
	return JSON.stringify(one) === JSON.stringify(other);
}
