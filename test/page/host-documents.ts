import {
	type FailureReport,
	type HostName,
	type Instant,
	PreviewDocument,
	RescanDocument,
	type ResourceRow,
} from "@davit/protocol";

/** What a backup would do; of a resource that is partial it cannot be done. */
export function previewDocument({ host, resource, state }: ResourceRow, asOf: Instant): PreviewDocument {
	const blocker: FailureReport = {
		code: "database-files",
		message: "it was not backed up: app.db is a database's (SQLite)",
		hint: "stop it",
		retryable: false,
	};
	return PreviewDocument.parse({
		...{ schema: "davit/preview/1", asOf, host, resource, consistency: "paused" },
		holds: [{ name: "grafana", state: "running", treatment: "paused" }],
		...{ predictedDowntimeMs: 1900, contentBytes: 812_000_000, entries: 1204 },
		to: { folder: "/var/lib/davit/archives" },
		space: { needsBytes: 812_000_000, reserveBytes: 1_000_000_000, freeBytes: 412_000_000_000 },
		...{ hooks: ["flush"], notes: ["no snapshot: <b>"], blockers: state === "partial" ? [blocker] : [] },
	});
}

/** What a host's archives tell: one of them is damaged, one repository does not answer. */
export function rescanDocument(host: HostName, archive: string, asOf: Instant): RescanDocument {
	return RescanDocument.parse({
		...{ schema: "davit/rescan/1", asOf, host, resources: 4, archives: 8, damaged: 1 },
		...{ bytes: 4_100_000_000, durationMs: 2400 },
		damages: [{ archive, at: "/var/lib/davit/archives/x", why: "its manifest cannot be read" }],
		repositories: [
			{ name: "nas", archives: 3, broughtBack: 1 },
			{ name: "b2", archives: 0, broughtBack: 0, failure: "it does not answer" },
		],
	});
}
