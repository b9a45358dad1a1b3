import { type ArchiveId, type CommandId, instantOf, type ResourceId } from "@davit/protocol";
import type { KeptUndo, UndoPoints } from "../undo-points.ts";
import type { Journal } from "./journal.ts";

interface Row {
	readonly command: CommandId;
	readonly resource: ResourceId;
	readonly archive: ArchiveId;
	readonly until_ms: number;
	readonly place: string;
}

/** The undo points of a journal. */
export function undoPointsOf(journal: Journal): UndoPoints {
	return {
		keep: ({ command, resource, archive, until, place }) =>
			journal.write("keep-undo", (database) => {
				database
					.prepare("INSERT OR REPLACE INTO undo_points VALUES (?, ?, ?, ?, ?)")
					.run(command, resource, archive, Date.parse(until), JSON.stringify(place));
			}),
		of: (resource) =>
			journal.read((database) => {
				const row = database
					.prepare<[string], Row>(
						"SELECT * FROM undo_points WHERE resource = ? ORDER BY command DESC LIMIT 1",
					)
					.get(resource);
				return row === undefined ? undefined : keptUndo(row);
			}),
		expired: (nowMs) =>
			journal.read((database) =>
				database
					.prepare<[number], Row>("SELECT * FROM undo_points WHERE until_ms <= ? ORDER BY until_ms")
					.all(nowMs)
					.map(keptUndo),
			),
		drop: (command) =>
			journal.write("drop-undo", (database) => {
				database.prepare("DELETE FROM undo_points WHERE command = ?").run(command);
			}),
	};
}

function keptUndo({ command, resource, archive, until_ms, place }: Row): KeptUndo {
	// `keep` wrote it from a value of this type.
	const kept = JSON.parse(place) as KeptUndo["place"];
	return { command, resource, archive, until: instantOf(until_ms), place: kept };
}
