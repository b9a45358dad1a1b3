import { Bytes, OperationError } from "@davit/protocol";
import type { Reading } from "../operation.ts";

/** At most so many damaged archives are named in an answer. */
const namedAtMost = 50;

/** Rebuilds what is known of this host's archives from the archives alone, and shows it. */
export const rescan: Reading<"path.rescan"> = {
	async read({ path }, { archives, config, showArchives }, signal) {
		if (path !== config.archivesPath) {
			throw new OperationError(
				"path-not-allowed",
				`the archives of this host lie in ${config.archivesPath}, not in ${path}`,
			);
		}
		const beganMs = performance.now();
		const { resources, count, bytes, damages } = await archives.rescan(signal);
		await showArchives?.();
		return {
			state: "succeeded",
			result: {
				...{ resources, archives: count, damaged: damages.length, bytes: Bytes.parse(bytes) },
				durationMs: Math.round(performance.now() - beganMs),
				damages: damages.slice(0, namedAtMost).map(({ archive, at, why }) => ({
					...{ archive, at },
					why: why.slice(0, 500),
				})),
				repositories: [],
			},
		};
	},
};
