import { Bytes, OperationError, type Result } from "@davit/protocol";
import type { OperationContext, Reading } from "../operation.ts";
import { openRestic } from "../restic/find-restic.ts";
import { recoverArchives } from "../restic/recover-archives.ts";
import { requireArchivesPath } from "../restic/require-archives-path.ts";
import type { RepositorySettings } from "../restic/settings.ts";

/** At most so many damaged archives are named in an answer. */
const namedAtMost = 50;

type Repositories = Result<"path.rescan">["repositories"];

/** Rebuilds what is known of this host's archives from the archives alone, and shows it. */
export const rescan: Reading<"path.rescan"> = {
	async read({ path }, context, signal) {
		const { archives, config, showArchives } = context;
		requireArchivesPath(path, config);
		const beganMs = performance.now();
		const repositories: Repositories = [];
		for (const repository of config.repositories) {
			repositories.push(await rescanRepository(repository, context, signal));
		}
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
				repositories,
			},
		};
	},
};

/** One that cannot be reached keeps nobody from looking at the rest. */
async function rescanRepository(
	{ name }: RepositorySettings,
	{ archives, config, host }: OperationContext,
	signal: AbortSignal,
): Promise<Repositories[number]> {
	try {
		const restic = await openRestic(name, config);
		const { archivesPath } = config;
		return { name, ...(await recoverArchives(restic, { archives, archivesPath, host, signal })) };
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		signal.throwIfAborted();
		return { name, archives: 0, broughtBack: 0, failure: error.message.slice(0, 500) };
	}
}
