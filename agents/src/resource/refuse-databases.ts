import { OperationError } from "@davit/protocol";
import type { FoundDatabase } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { isAlive, type User } from "./find-users.ts";
import type { Located } from "./locate.ts";
import type { Treated } from "./plan-treatment.ts";
import { reachOf } from "./reach-place.ts";

export interface Writing {
	readonly located: Located;
	readonly users: readonly User[];
	readonly treated: readonly Treated[];
	/** A snapshot is read, which is of one moment. */
	readonly isAtOnce: boolean;
	/** They are copied all the same, with a warning each. */
	readonly isForced: boolean;
	readonly doing: "backed up" | "copied";
}

/** A copy under a new name asks for nothing: its policy is the volume's own. */
const waysOut = {
	"backed up": {
		written: "back up with --consistency paused or stopped, or force it with --force-database-files",
		held: "stop it, or snapshot the folder, or force it with --force-database-files",
	},
	copied: {
		written: "stop the container, or give the volume another consistency than live",
		held: "stop it, then try again",
	},
} as const;

/**
 * Warnings of databases that go on writing while they are copied, where that was forced; none where everything that writes is held
 * still, which is as if the power had failed, and that a database survives.
 * @throws OperationError database-files
 */
export async function refuseDatabases(
	{ located, users, treated, isAtOnce, isForced, doing }: Writing,
	context: OperationContext,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const { place, dataPath } = located;
	const live = users.filter(({ writes, state }) => writes && isAlive(state) && state !== "paused");
	// Of the engine's tar nothing is known before it is read.
	if (isAtOnce || treated.length > 0 || dataPath === "archive-api") return [];
	const { databases } = await reachOf(located, context).do(
		{ kind: "find-databases", root: place.folder },
		{ signal },
	);
	const running = databases.filter(({ holder }) => holder !== undefined || live.length > 0);
	const [first] = running;
	if (first === undefined) return [];
	if (isForced) return running.map((database) => `${describe(database, live)} and was copied while it ran`);
	throw new OperationError(
		"database-files",
		`${place.resource} was not ${doing}: ${describe(first, live)}; a copy of it while it runs would be damaged`,
		{ hint: waysOut[doing][live.length > 0 ? "written" : "held"] },
	);
}

function describe({ path, kind, holder }: FoundDatabase, live: readonly User[]): string {
	const by = holder ?? `container ${live.map(({ container }) => container).join(", ")}`;
	return `${path} is a database's (${kind}), which ${by} has in use`;
}
