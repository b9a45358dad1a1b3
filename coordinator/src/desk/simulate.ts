import {
	ArchiveId,
	Bytes,
	type Decision,
	type HostName,
	instantOf,
	isGood,
	OperationError,
	offsetsOf,
	type ResourceId,
	type RetentionPolicy,
	type Simulated,
	type SimulatedTurn,
	type Simulation,
	type SimulationDocument,
	simulateRetention,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { SimulationWanted } from "../desk.ts";
import { resolveAddress } from "../documents/addresses.ts";
import type { ResourceEntry } from "../fleet/fleet.ts";
import { shown } from "../requests/names.ts";
import type { Schedule } from "../schedules/book.ts";
import { resourcesOf } from "../schedules/due.ts";
import { policyOf } from "../schedules/retention.ts";

const dayMs = 86_400_000;
const longestDays = 3650;
/** More backups of a resource are not played through. */
const mostSlots = 3000;
const mostShown = 50;

type SimulatedResource = SimulationDocument["resources"][number];

/**
 * What a schedule or an address will keep, by the agent's own rules, on real archives and on those yet to come.
 * @throws OperationError schedule-invalid | schedule-not-found | resource-not-found | …
 */
export function simulate(core: Core, wanted: SimulationWanted): SimulationDocument {
	const { days } = wanted;
	if (!Number.isInteger(days) || days < 1 || days > longestDays) {
		throw new OperationError(
			"schedule-invalid",
			`a simulation of ${shown(String(days))} days cannot be made`,
			{
				hint: `give a number of days from 1 to ${longestDays}`,
			},
		);
	}
	const untilMs = core.now() + days * dayMs;
	const played = playersOf(core, wanted).map((player) => play(core, player, untilMs));
	const first = played.slice(0, mostShown);
	const decisions = played.flatMap(({ simulation }) => simulation.today).filter(({ isKept }) => !isKept);
	const ends = played.flatMap(({ simulation }) => simulation.end);
	const reached = played.map((one) => one.untilMs);
	return {
		schema: "davit/simulation/1",
		...{ asOf: instantOf(core.now()), of: wanted.of, days },
		until: instantOf(Math.min(untilMs, ...reached)),
		today: { removes: decisions.length, freesBytes: bytesOf(decisions) },
		end: { kept: ends.filter(({ isKept }) => isKept).length, bytes: bytesOf(ends) },
		resources: first.map(({ resource }) => resource),
		more: played.length - first.length,
	};
}

interface Player {
	readonly host: HostName;
	readonly known: ResourceEntry;
	readonly policy: RetentionPolicy;
	readonly schedules: readonly Schedule[];
}

function playersOf(core: Core, { of, policy }: SimulationWanted): Player[] {
	const schedule = core.schedules.find(of);
	const targets = schedule === undefined ? [addressOf(core, of)] : resourcesOf(core, schedule.record.target);
	const players = targets.flatMap(({ host, resource }) => {
		const known = core.fleet.resource(host, resource);
		const instead = policy === undefined || schedule === undefined ? undefined : { schedule: of, policy };
		const tried = schedule === undefined ? policy : undefined;
		const kept = tried ?? policyOf(core, { host, resource }, instead);
		if (known === undefined || kept === undefined) return [];
		return [{ host, known, policy: kept, schedules: core.schedules.of(host, resource) }];
	});
	if (players.length > 0) return players;
	throw new OperationError(
		"schedule-invalid",
		`nothing says what of ${shown(of)} is to stay, so all of it does`,
		{
			hint: "try a policy, as in --keep-daily 14",
		},
	);
}

function addressOf(core: Core, address: string): { host: HostName; resource: ResourceId } {
	const { host, resource } = resolveAddress(core, address);
	if (resource !== null) return { host, resource };
	throw new OperationError(
		"schedule-invalid",
		`${shown(address)} is a host, neither a schedule nor a resource`,
		{
			hint: "name a schedule or a resource",
		},
	);
}

function play(core: Core, { host, known, policy, schedules }: Player, untilMs: number) {
	const slots = slotsOf(schedules, core.now(), untilMs);
	const hold = known.state?.hold;
	const simulation = simulateRetention({
		archives: known.archives.map((archive) => ({ ...archive, isReal: true })),
		...{ policy, nowMs: core.now(), isHeld: hold !== undefined, slots },
		bytes: known.archives.find(isGood)?.bytes ?? 0,
	});
	const offsetMs = offsetsOf(policy.timeZone ?? "UTC");
	const resource: SimulatedResource = {
		...{ address: `${host}/${known.id}`, policy, heldBecause: hold?.because ?? null },
		today: simulation.today.map(rowOf),
		days: daysOf(simulation, offsetMs),
		end: simulation.end.map(rowOf),
	};
	const lastMs = slots.length < mostSlots ? untilMs : (slots.at(-1) ?? untilMs);
	return { resource, simulation, untilMs: lastMs };
}

/** When backups will be taken, by all schedules together. */
function slotsOf(schedules: readonly Schedule[], nowMs: number, untilMs: number): number[] {
	const slots = new Set<number>();
	for (const { calendar } of schedules) {
		let next = calendar.next(nowMs);
		let count = 0;
		while (next !== undefined && next <= untilMs && count < mostSlots) {
			slots.add(next);
			next = calendar.next(next);
			count += 1;
		}
	}
	return [...slots].sort((one, other) => one - other).slice(0, mostSlots);
}

function rowOf({ archive, isKept, reasons }: Decision<Simulated>): SimulatedResource["today"][number] {
	return {
		id: archive.isReal ? ArchiveId.parse(archive.id) : null,
		takenAt: archive.takenAt,
		bytes: Bytes.parse(archive.bytes),
		kept: isKept,
		reasons: [...reasons],
		goesAt: archive.goesAt === undefined ? null : instantOf(Date.parse(archive.goesAt)),
	};
}

/** One line a day, as it is after the day's last backup. */
function daysOf({ turns }: Simulation, offsetMs: (atMs: number) => number): SimulatedResource["days"] {
	const days = new Map<string, SimulatedTurn[]>();
	for (const turn of turns) {
		const date = new Date(turn.atMs + offsetMs(turn.atMs)).toISOString().slice(0, 10);
		days.set(date, [...(days.get(date) ?? []), turn]);
	}
	return [...days].flatMap(([date, ofDay]) => {
		const last = ofDay.at(-1);
		if (last === undefined) return [];
		const removed = ofDay.reduce((sum, turn) => sum + turn.removed.length, 0);
		const { kept, waiting, bytes } = last;
		return [{ date, taken: ofDay.length, kept, waiting, removed, bytes: Bytes.parse(bytes) }];
	});
}

function bytesOf(decisions: readonly Decision<Simulated>[]): Bytes {
	return Bytes.parse(decisions.reduce((sum, { archive }) => sum + archive.bytes, 0));
}
