import { RunId } from "@davit/protocol";
import type { Database } from "./database.ts";

/** What hosts answered to questions that only look: hidden runs, for as long as somebody may still read them. */
export function answersIn(database: Database) {
	return {
		/** Those that ended before a moment, milliseconds since 1970; what made a plan is not among them. At most 1,000, oldest first. */
		endedBefore: (endedMs: number): RunId[] =>
			database
				.all(
					`SELECT run FROM runs WHERE hidden = 1 AND ended = 1 AND ended_ms < ? AND (record ->> '$.plan') IS NULL
					AND NOT EXISTS (SELECT 1 FROM commands WHERE commands.run = runs.run AND state = 'pending')
					ORDER BY ended_ms LIMIT 1000`,
					endedMs,
				)
				.map((row) => RunId.parse(row["run"])),
		/** The run with its story and its newest command, as if it had never been. */
		forget: (run: RunId) => {
			database.run(
				"DELETE FROM commands WHERE id = (SELECT record ->> '$.command' FROM runs WHERE run = ?)",
				run,
			);
			database.run("DELETE FROM run_steps WHERE run = ?", run);
			database.run("DELETE FROM runs WHERE run = ?", run);
		},
	};
}
