import { type Manifest, OperationError } from "@davit/protocol";
import type { FoundDatabase } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { isAlive, type User } from "./find-users.ts";
import type { Located } from "./locate.ts";
import type { Place } from "./place.ts";
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
	// Of the engine's tar nothing is known before it is read: `watchDatabases` looks then.
	if (isAtOnce || treated.length > 0 || dataPath === "archive-api") return [];
	const { databases } = await reachOf(located, context).do(
		{ kind: "find-databases", root: place.folder },
		{ signal },
	);
	const running = databases.filter(({ holder }) => holder !== undefined || live.length > 0);
	const names = live.map(({ container }) => container);
	const [first] = running;
	if (first === undefined) return [];
	if (isForced) return running.map((database) => warningOf(database, names));
	throw refusalOf(first, { place, doing, live: names });
}

/** What a copy was asked to do, of which its facts keep the rest. */
export type Asked = Pick<Writing, "isForced" | "doing">;

/**
 * The same for a volume that only the engine reads, of which nothing is known before: `onDatabase` throws at the first, or keeps a
 * warning of each where that was forced. Undefined where nothing needs watching: another path, or no container goes on writing.
 */
export function watchDatabases({
	place,
	dataPath,
	writers,
	asked = { isForced: false, doing: "backed up" },
}: Pick<Located, "place" | "dataPath"> & {
	readonly writers: Manifest["writers"];
	readonly asked?: Asked;
}):
	| { readonly onDatabase: (found: FoundDatabase) => void; readonly warnings: readonly string[] }
	| undefined {
	const live = writers.filter(({ treatment }) => treatment === "live").map(({ container }) => container);
	if (dataPath !== "archive-api" || live.length === 0) return undefined;
	const warnings: string[] = [];
	const onDatabase = (found: FoundDatabase) => {
		if (!asked.isForced) throw refusalOf(found, { place, doing: asked.doing, live });
		if (warnings.length < maximumWarnings) warnings.push(warningOf(found, live));
	};
	return { onDatabase, warnings };
}

/** As many as are found where the files can be looked at. */
const maximumWarnings = 20;

interface Refused {
	readonly place: Place;
	readonly doing: Writing["doing"];
	/** Names of containers that go on writing. */
	readonly live: readonly string[];
}

function refusalOf(found: FoundDatabase, { place, doing, live }: Refused): OperationError {
	return new OperationError(
		"database-files",
		`${place.resource} was not ${doing}: ${describe(found, live)}; a copy of it while it runs would be damaged`,
		{ hint: waysOut[doing][live.length > 0 ? "written" : "held"] },
	);
}

function warningOf(found: FoundDatabase, live: readonly string[]): string {
	return `${describe(found, live)} and was copied while it ran`;
}

function describe({ path, kind, holder }: FoundDatabase, live: readonly string[]): string {
	const by = holder ?? `container ${live.join(", ")}`;
	return `${path} is a database's (${kind}), which ${by} has in use`;
}
