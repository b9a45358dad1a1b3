import { type ArchiveId, type CommandId, instantOf, type ResourceId } from "@davit/protocol";
import type { KeptUndo, UndoPoints } from "../undo-points.ts";
import type { Journal } from "./journal.ts";

interface Row {
	readonly command: CommandId;
	readonly resource: ResourceId;
	readonly archive: ArchiveId;
	readonly until_ms: number;
	readonly place: string;
	/** Null where an earlier Davit kept it, which went by the clock. */
	readonly served_until_ms: number | null;
}

/** Two ways to measure time. */
export interface Clocks {
	/** Milliseconds since 1970; somebody may set it. */
	readonly now: () => number;
	/** How long agents have served here, which nobody sets. */
	readonly servedMs: () => number;
}

const rows = "SELECT * FROM undo_points LEFT JOIN undo_terms USING (command)";
/** The clock is not told anew for what it differs by while it is only read. */
const sameMs = 60_000;

/** The undo points of a journal. */
export function undoPointsOf(journal: Journal, clocks: Clocks): UndoPoints {
	return {
		keep({ command, resource, archive, place, forMs }) {
			const untilMs = clocks.now() + forMs;
			journal.write("keep-undo", (database) => {
				database
					.prepare("INSERT OR REPLACE INTO undo_points VALUES (?, ?, ?, ?, ?)")
					.run(command, resource, archive, untilMs, JSON.stringify(place));
				database
					.prepare("INSERT OR REPLACE INTO undo_terms VALUES (?, ?)")
					.run(command, clocks.servedMs() + forMs);
			});
			return instantOf(untilMs);
		},
		of: (resource) =>
			journal.read((database) => {
				const row = database
					.prepare<[string], Row>(`${rows} WHERE resource = ? ORDER BY command DESC LIMIT 1`)
					.get(resource);
				return row === undefined ? undefined : keptUndo(row, clocks);
			}),
		expired: () =>
			journal
				.read((database) => database.prepare<[], Row>(`${rows} ORDER BY command`).all())
				.map((row) => keptUndo(row, clocks))
				.filter(({ isOver }) => isOver),
		drop: (command) =>
			journal.write("drop-undo", (database) => {
				database.prepare("DELETE FROM undo_points WHERE command = ?").run(command);
				database.prepare("DELETE FROM undo_terms WHERE command = ?").run(command);
			}),
	};
}

function keptUndo(
	{ command, resource, archive, until_ms, place, served_until_ms }: Row,
	{ now, servedMs }: Clocks,
): KeptUndo {
	const leftMs = served_until_ms === null ? until_ms - now() : served_until_ms - servedMs();
	const presentUntilMs = now() + leftMs;
	const untilMs = Math.abs(presentUntilMs - until_ms) < sameMs ? until_ms : presentUntilMs;
	return {
		...{ command, resource, archive, until: instantOf(untilMs), isOver: leftMs <= 0 },
		// `keep` wrote it from a value of this type.
		place: JSON.parse(place) as KeptUndo["place"],
	};
}
