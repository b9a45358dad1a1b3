import { Bytes } from "@davit/protocol";
import type { Reading } from "../operation.ts";
import { requireArchivesPath } from "../restic/require-archives-path.ts";

/** At most so many damaged archives are named in an answer. */
const namedAtMost = 50;

/** Rebuilds what is known of this host's archives from the archives alone, and shows it. */
export const rescan: Reading<"path.rescan"> = {
	async read({ path }, { archives, config, showArchives }, signal) {
		requireArchivesPath(path, config);
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
