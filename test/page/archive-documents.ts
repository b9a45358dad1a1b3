import {
	type Against,
	ArchiveContentDocument,
	type ArchiveRow,
	DifferencesDocument,
	type Instant,
} from "@davit/protocol";

interface Looked {
	readonly row: ArchiveRow;
	readonly from: number;
	readonly asOf: Instant;
}

/** A folder of an archive in memory, with one entry of each look. */
export function contentDocument({
	row,
	folder,
	from,
	asOf,
}: Looked & { folder: string }): ArchiveContentDocument {
	const plain = { size: 0, mode: 0o644, uid: 472, gid: 0, modifiedAt: row.takenAt };
	const entries = [
		{ ...plain, name: "plugins", type: "directory", mode: 0o755 },
		{ ...plain, name: "grafana.db", type: "file", size: 11_300_000 },
		{ ...plain, name: "<b>&", type: "symlink", target: "../\u202e" },
		{ ...plain, name: "run.sock", type: "socket", skipped: "a socket holds nothing" },
	];
	return ArchiveContentDocument.parse({
		...{ schema: "davit/content/1", asOf, row, archive: row.id, folder, from, entries },
		...{ total: 204, next: from === 0 ? 200 : null },
	});
}

/** What differs from an archive in memory; nothing from entry 200 on. */
export function differencesDocument({
	row,
	against,
	from,
	asOf,
}: Looked & { against: Against }): DifferencesDocument {
	const kinds = ["added", "removed", "changed", "metadata"] as const;
	return DifferencesDocument.parse({
		...{ schema: "davit/differences/1", asOf, row, archive: row.id, against, from },
		counts: { added: 1, removed: 1, changed: 1, metadata: 1, same: 1200 },
		differences: from > 0 ? [] : kinds.map((kind) => ({ path: `plugins/${kind} <i>`, kind, type: "file" })),
		next: null,
	});
}
