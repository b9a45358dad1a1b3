import {
	AddressDocument,
	ArchivesDocument,
	ErrorDocument,
	HostDocument,
	HostsDocument,
	newId,
	PlanDocument,
	Run,
	RunDocument,
	type RunState,
	StartedDocument,
	StatusDocument,
} from "@davit/protocol";

// Documents as a coordinator would answer them, each parsed by its schema so that a test never speaks a language of its own.

export const asOf = "2026-11-22T14:03:22.000Z";
const sha256 = "ab".repeat(32);
const volume = "volume:grafana-data";

const archive = {
	id: "7f3a0c11d2",
	takenAt: "2026-11-22T02:14:00.000Z",
	bytes: 812_000_000,
	contentBytes: 1_000_000_000,
	entries: 1204,
	proof: ["taken", "verified"],
	consistency: "paused",
	outcome: "succeeded",
	damaged: false,
	fidelity: "full",
	manifestSha256: sha256,
	durationMs: 4400,
};

export const archives = ArchivesDocument.parse({
	schema: "davit/archives/1",
	asOf,
	total: 1,
	page: 1,
	pages: 1,
	items: [
		{
			...archive,
			host: "nas",
			resource: volume,
			address: `nas/${volume}`,
			short: "7f3a",
			keptBecause: ["last"],
		},
	],
});

const hostRow = {
	host: "nas",
	online: true,
	heardAt: asOf,
	davit: "0.1.0",
	engine: "26.1.5",
	resources: 1,
	safe: 1,
	state: "safe",
	because: "all of its resources are safe",
	newestBackupAt: archive.takenAt,
	archivesFreeBytes: 5_000_000_000,
	clockSkewSeconds: 0,
};

export const hosts = HostsDocument.parse({
	schema: "davit/hosts/1",
	asOf,
	total: 1,
	page: 1,
	pages: 1,
	items: [hostRow],
});

export const host = HostDocument.parse({
	schema: "davit/host/1",
	asOf,
	row: hostRow,
	capabilities: [{ name: "docker", available: true, detail: "26.1.5" }],
	resources: [],
	containers: [],
	publicKey: null,
	archivesPath: "/var/lib/davit/archives",
	inventoryAt: asOf,
});

export function run(state: RunState, more: object = {}): Run {
	return Run.parse({
		version: 1,
		run: "rabcdefgh",
		request: newId(),
		host: "nas",
		resource: volume,
		operation: "volume.backup",
		state,
		askedBy: "cli",
		askedAt: asOf,
		...more,
	});
}

export function runDocument(state: RunState, more: object = {}): RunDocument {
	return RunDocument.parse({
		schema: "davit/run/1",
		asOf,
		run: run(state, more),
		steps: [{ at: asOf, state, step: "copy", message: null, code: null }],
		cancel: null,
		undo: null,
		downtimeSeconds: state === "succeeded" ? 1.9 : null,
	});
}

export function status(needs: readonly object[] = []): StatusDocument {
	return StatusDocument.parse({
		schema: "davit/status/1",
		asOf,
		site: "home",
		verdict: {
			state: needs.length === 0 ? "safe" : "failed",
			sentence: needs.length === 0 ? "all safe" : "1 failed",
		},
		counts: Object.fromEntries(
			[
				"inconsistent",
				"unknown",
				"failed",
				"overdue",
				"partial",
				"running",
				"unproven",
				"unprotected",
				"safe",
				"ignored",
			].map((word) => [word, 0]),
		),
		total: 1,
		needs,
		needsMore: 0,
		now: [],
		next: [],
		hosts: [hostRow],
		broker: { name: "aedes", protocol: "5", connected: true },
	});
}

export function plan(state: PlanDocument["state"]): PlanDocument {
	const blocker = {
		code: "disk-full",
		message: "needs 2 GB, 1 GB is free",
		hint: "free space",
		retryable: true,
	};
	return PlanDocument.parse({
		schema: "davit/plan/1",
		asOf,
		plan: "pabcdefgh",
		host: "nas",
		expiresAt: "2026-11-22T14:18:22.000Z",
		state,
		confirm: "grafana-data",
		facts: {
			resource: volume,
			action: "restore",
			archive: archive.id,
			contentAt: archive.takenAt,
			stops: [{ name: "grafana", state: "running" }],
			replaces: 1204,
			adds: 0,
			removes: 17,
			examples: { replaces: ["grafana.db"], adds: [], removes: ["new.txt"] },
			needsBytes: 1_000_000_000,
			freeBytes: 5_000_000_000,
			undoSeconds: 604_800,
			blockers: state === "blocked" ? [blocker] : [],
			digest: sha256,
		},
		run: null,
	});
}

export function started(): StartedDocument {
	return StartedDocument.parse({
		schema: "davit/started/1",
		request: newId(),
		run: "rabcdefgh",
		joined: false,
	});
}

/** `host`, `host/grafana-data`, either with `@…`, or a run; anything else goes by no name. */
export function address(text: string): AddressDocument | ErrorDocument {
	const [place = "", version] = text.split("@");
	const found = { schema: "davit/address/1", host: "nas", resource: volume, archive: null, run: null };
	if (/^r[a-z2-7]{8}$/.test(text)) return AddressDocument.parse({ ...found, run: text });
	if (/^7f3a/.test(text)) return AddressDocument.parse({ ...found, archive: archive.id });
	if (text === "nas") return AddressDocument.parse({ ...found, resource: null });
	if (place === "nas/grafana-data" || place === "grafana-data") {
		return AddressDocument.parse({ ...found, archive: version === undefined ? null : archive.id });
	}
	return ErrorDocument.parse({
		schema: "davit/error/1",
		code: "resource-not-found",
		message: `no resource is called ${text}`,
		hint: "davit list resources",
		candidates: ["nas/grafana-data"],
		exitCode: 10,
	});
}
