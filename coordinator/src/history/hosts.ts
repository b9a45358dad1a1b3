import type { ArchiveSummary, HostName, Instant, ResourceId, ResourceState } from "@davit/protocol";
import type { Database } from "./database.ts";
import type { HostRecord, ResourceRecord } from "./records.ts";

/** What was last known of hosts, their resources and archives. */
export function hostsIn(database: Database) {
	return {
		save: (record: HostRecord) =>
			database.run(
				"INSERT OR REPLACE INTO hosts VALUES (?, ?, ?, ?, ?, ?, ?)",
				record.host,
				record.publicKey,
				record.admittedAt,
				record.journal,
				record.heardAt,
				jsonOrNull(record.description),
				jsonOrNull(record.inventory),
			),
		all: (): HostRecord[] => database.all("SELECT * FROM hosts ORDER BY host").map(hostIn),
		heard: (host: HostName, at: Instant) =>
			database.run("UPDATE hosts SET heard_at = ? WHERE host = ?", at, host),
		saveResource: (host: HostName, resource: ResourceId, firstSeenAt: Instant) =>
			database.run("INSERT OR IGNORE INTO resources VALUES (?, ?, ?, NULL)", host, resource, firstSeenAt),
		saveState: (state: ResourceState) =>
			database.run(
				"UPDATE resources SET state = ? WHERE host = ? AND resource = ?",
				JSON.stringify(state),
				state.host,
				state.resource,
			),
		forgetResource: (host: HostName, resource: ResourceId) =>
			database.run("DELETE FROM resources WHERE host = ? AND resource = ?", host, resource),
		resources: (): ResourceRecord[] => readResources(database),
		saveArchives: (host: HostName, resource: ResourceId, archives: readonly ArchiveSummary[]) => {
			database.run("DELETE FROM archives WHERE host = ? AND resource = ?", host, resource);
			for (const archive of archives) {
				database.run(
					"INSERT INTO archives VALUES (?, ?, ?, ?, ?)",
					host,
					resource,
					archive.id,
					archive.takenAt,
					JSON.stringify(archive),
				);
			}
		},
		/** The next fence of the resource; never below the epoch, so that a lost history does not fall behind its agents. */
		raiseFence: (host: HostName, resource: ResourceId, epoch: number): number => {
			const row = database.get(
				`INSERT INTO fences VALUES (?, ?, ?)
				ON CONFLICT (host, resource) DO UPDATE SET fence = max(fence + 1, excluded.fence) RETURNING fence`,
				host,
				resource,
				epoch,
			);
			return Number(row?.["fence"]);
		},
		fences: (host: HostName): Record<string, number> =>
			Object.fromEntries(
				database
					.all("SELECT resource, fence FROM fences WHERE host = ?", host)
					.map((row) => [String(row["resource"]), Number(row["fence"])]),
			),
	};
}

function hostIn(row: Readonly<Record<string, unknown>>): HostRecord {
	// Only save() writes this table, from a HostRecord.
	return {
		host: row["host"],
		publicKey: row["public_key"],
		admittedAt: row["admitted_at"],
		journal: row["journal"],
		heardAt: row["heard_at"],
		description: parseOrNull(row["description"]),
		inventory: parseOrNull(row["inventory"]),
	} as HostRecord;
}

function readResources(database: Database): ResourceRecord[] {
	const archives = new Map<string, ArchiveSummary[]>();
	for (const row of database.all("SELECT * FROM archives ORDER BY taken_at DESC, archive")) {
		const key = `${row["host"]} ${row["resource"]}`;
		const list = archives.get(key) ?? [];
		archives.set(key, list);
		// Only saveArchives writes this column.
		list.push(JSON.parse(String(row["document"])) as ArchiveSummary);
	}
	return database.all("SELECT * FROM resources ORDER BY host, resource").map(
		(row) =>
			// Only saveResource and saveState write this table.
			({
				...{ host: row["host"], resource: row["resource"], firstSeenAt: row["first_seen_at"] },
				...{
					state: parseOrNull(row["state"]),
					archives: archives.get(`${row["host"]} ${row["resource"]}`) ?? [],
				},
			}) as unknown as ResourceRecord,
	);
}

function jsonOrNull(value: unknown): string | null {
	return value === null ? null : JSON.stringify(value);
}

function parseOrNull(text: unknown): unknown {
	return typeof text === "string" ? JSON.parse(text) : null;
}
