import { createHash } from "node:crypto";
import {
	ArchiveId,
	type ArchiveRow,
	ArchiveSummary,
	Bytes,
	CommandId,
	HostName,
	type HostRow,
	instantOf,
	operationFor,
	PrincipalName,
	RequestId,
	ResourceId,
	type ResourceRow,
	type Run,
	RunId,
	resourceName,
	type ScheduleRow,
	Sha256,
	StateWord,
} from "@davit/protocol";

export const epochMs = Date.parse("2026-11-22T14:03:22.000Z");
const hour = 3_600_000;

/** One of everything a person can meet, and what it is called. */
const plan: readonly (readonly [host: string, resource: string, state: StateWord, because: string])[] = [
	["nas", "volume:grafana-data", "safe", "backed up 2 h ago, verified; every 24 h"],
	["nas", "volume:gitea", "running", "it is being backed up"],
	[
		"nas",
		"volume:paperless",
		"failed",
		"the newest backup failed: the disk is full; free space, then back up",
	],
	["nas", "path:/srv/photos", "partial", "2 files changed while they were read; back up with writers paused"],
	["nas", "volume:scratch", "unprotected", "nothing is scheduled for it; add a schedule"],
	["pi", "volume:zigbee2mqtt", "overdue", "no good archive within 24 h and 3 h of margin; back up"],
	["pi", "path:/srv/<b>\u202Efdp.\"x\"&'y'", "safe", "backed up 1 h ago"],
	["attic", "volume:mail", "unknown", "attic was not heard for 3 d 1 h; see that its agent runs"],
	["attic", "volume:ledger", "inconsistent", "a restore was cut off; read the run, a person must decide"],
];

export interface Fleet {
	hosts: HostRow[];
	resources: ResourceRow[];
	archives: ArchiveRow[];
	runs: Run[];
	schedules: ScheduleRow[];
}

export function makeFleet(): Fleet {
	const archives: ArchiveRow[] = [];
	const resources = plan.map(([host, resource, state, because], index) => {
		const id = ResourceId.parse(resource);
		const taken =
			state === "unprotected" ? [] : [index + 2, index + 26].map((hours) => newArchive({ host, id, hours }));
		archives.push(...taken);
		return newResource({ host, id, state, because, last: taken[0] });
	});
	const runs = [
		newRun({ host: "nas", resource: "volume:gitea", verb: "backup", state: "running" }),
		newRun({ host: "nas", resource: "volume:paperless", verb: "backup", state: "failed" }),
		newRun({ host: "nas", resource: "volume:grafana-data", verb: "backup", state: "succeeded" }),
	];
	const gitea = resources[1];
	const first = runs[0];
	if (gitea !== undefined && first !== undefined) resources[1] = { ...gitea, running: first.run };
	return { hosts: hostsOf(resources), resources, archives, runs, schedules: [nightly()] };
}

/** What stands in the README: mostly calm, with two things that need a person and one that runs. */
export function makePictureFleet(): Fleet {
	const fleet = makeFleet();
	const shown = ["grafana-data", "gitea", "paperless", "/srv/photos", "zigbee2mqtt"];
	const resources = fleet.resources
		.filter(({ name }) => shown.includes(name))
		.map((row) =>
			row.state === "partial" ? { ...row, state: "safe" as const, because: "backed up 5 h ago" } : row,
		);
	return { ...fleet, resources, hosts: hostsOf(resources) };
}

/** A fleet of so many safe resources on so many hosts. */
export function makeLargeFleet(hosts: number, each: number): Fleet {
	const archives: ArchiveRow[] = [];
	const resources: ResourceRow[] = [];
	for (let host = 0; host < hosts; host += 1) {
		for (let index = 0; index < each; index += 1) {
			const id = ResourceId.parse(`volume:stack-${host}-volume-${index}`);
			const last = newArchive({ host: `host-${host}`, id, hours: index % 20 });
			const state = index % 15 === 0 ? "overdue" : "safe";
			archives.push(last);
			resources.push(newResource({ host: `host-${host}`, id, state, because: "backed up in time", last }));
		}
	}
	return { hosts: hostsOf(resources), resources, archives, runs: [], schedules: [nightly()] };
}

let runs = 0;

export function newRun(of: {
	host: string;
	resource: string;
	verb: "backup" | "verify" | "restore" | "undo";
	state: Run["state"];
}): Run {
	runs += 1;
	const resource = ResourceId.parse(of.resource);
	const run: Run = {
		version: 1,
		run: RunId.parse(`r${base32(runs)}`),
		request: RequestId.parse(uuid(runs)),
		host: HostName.parse(of.host),
		resource,
		operation: operationFor(of.verb, resource),
		state: of.state,
		askedBy: PrincipalName.parse("page"),
		askedAt: instantOf(epochMs - 90_000),
		startedAt: instantOf(epochMs - 88_000),
	};
	if (of.state === "running") {
		const progress = {
			step: "copy",
			bytes: 4_100_000_000,
			totalBytes: 6_700_000_000,
			bytesPerSecond: 88_000_000,
		};
		return { ...run, progress };
	}
	if (of.state !== "failed") return { ...run, endedAt: instantOf(epochMs - 60_000) };
	const failure = {
		code: "disk-full" as const,
		message: "the backup of paperless was not written: 0 B are free",
		hint: "free space on that disk, then try again",
		retryable: true,
	};
	return { ...run, endedAt: instantOf(epochMs - 60_000), failure };
}

function newArchive({ host, id, hours }: { host: string; id: ResourceId; hours: number }): ArchiveRow {
	const digest = createHash("sha256").update(`${host} ${id} ${hours}`).digest("hex");
	return {
		id: ArchiveId.parse(digest.slice(0, 10)),
		short: digest.slice(0, 4),
		address: `${host}/${id}`,
		host: HostName.parse(host),
		resource: id,
		takenAt: instantOf(epochMs - hours * hour),
		bytes: Bytes.parse(812_000_000),
		contentBytes: Bytes.parse(2_100_000_000),
		entries: 1204,
		proof: ["taken", "verified"],
		consistency: "paused",
		outcome: "succeeded",
		damaged: false,
		fidelity: "full",
		manifestSha256: Sha256.parse(digest),
		durationMs: 4400,
		keptBecause: ["last", "daily"],
	};
}

function newResource(of: {
	host: string;
	id: ResourceId;
	state: StateWord;
	because: string;
	last: ArchiveRow | undefined;
}): ResourceRow {
	const { host, id, state, because, last } = of;
	return {
		address: `${host}/${id}`,
		host: HostName.parse(host),
		resource: id,
		name: resourceName(id),
		project: state === "safe" ? "monitoring" : null,
		state,
		because,
		proof: last === undefined ? [] : last.proof,
		lastGoodBackup: last === undefined ? null : ArchiveSummary.parse(last),
		archives: last === undefined ? 0 : 2,
		lastProvenRestore:
			last?.drilledAt === undefined || last.restoreMs === undefined
				? null
				: { archive: last.id, at: last.drilledAt, restoreMs: last.restoreMs },
		overdue: state === "overdue",
		nextDueAt: state === "unprotected" ? null : instantOf(epochMs + 13 * hour),
		running: null,
		policy: state === "unprotected" ? null : { last: 14 },
		hold: null,
		heardAt: instantOf(epochMs - (host === "attic" ? 73 * hour : 4000)),
	};
}

function hostsOf(resources: readonly ResourceRow[]): HostRow[] {
	const byHost = Map.groupBy(resources, ({ host }) => host);
	return [...byHost].map(([host, rows]) => ({
		host,
		online: host !== "attic",
		heardAt: rows[0]?.heardAt ?? null,
		davit: "0.1.0",
		engine: "26.1.5",
		resources: rows.length,
		safe: rows.filter(({ state }) => state === "safe").length,
		state: worst(rows),
		because: host === "attic" ? "not heard for 3 d 1 h" : "heard 4 s ago",
		newestBackupAt: rows[0]?.lastGoodBackup?.takenAt ?? null,
		archivesFreeBytes: host === "attic" ? null : Bytes.parse(412_000_000_000),
		clockSkewSeconds: host === "attic" ? null : 0.2,
	}));
}

function worst(rows: readonly ResourceRow[]): StateWord {
	return StateWord.options.find((word) => rows.some(({ state }) => state === word)) ?? "safe";
}

function nightly(): ScheduleRow {
	return {
		name: "nightly",
		...{ task: "backup", repository: null, lastRun: null, problem: null },
		target: "nas/*",
		cron: "0 3 * * *",
		timeZone: "Europe/Berlin",
		jitterSeconds: 300,
		consistency: null,
		keepLast: 14,
		policy: { last: 14 },
		nextDueAt: instantOf(epochMs + 13 * hour),
		lastDueAt: instantOf(epochMs - 11 * hour),
		paused: false,
	};
}

export function base32(count: number): string {
	return count
		.toString(32)
		.replaceAll(/[0-9a-v]/g, (digit) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(digit, 32)] ?? "")
		.padStart(8, "a");
}

export function uuid(count: number): CommandId {
	return CommandId.parse(`0193a000-0000-7000-8000-${count.toString(16).padStart(12, "0")}`);
}
