import { type CommandId, OperationError, ResourceId } from "@davit/protocol";
import { Journal, journalFile } from "./journal/journal.ts";
import { lockHolder, partHolder, unlock } from "./journal/locks.ts";
import { findOperation } from "./journal/operations.ts";

export interface Released {
	readonly resource: ResourceId;
	/** The operation that had left it inconsistent. */
	readonly command: CommandId;
}

/**
 * Lets go of a resource that an operation left inconsistent, once a person has looked at it and decided. Touches no data.
 * @throws OperationError database-locked while the agent runs | request-malformed | resource-not-found where nothing holds it
 */
export function releaseResource(name: string, { home, now }: { home: string; now: () => number }): Released {
	const resource = ResourceId.safeParse(name);
	if (!resource.success) {
		throw new OperationError("request-malformed", `${name} is no resource of this host`, {
			hint: "name it as volume:NAME, path:/srv/x or stack:PROJECT",
		});
	}
	using journal = Journal.open({ file: journalFile(home), now, reserveBytes: 0 });
	const command = journal.write("release", (database) => {
		const holder = lockHolder(database, resource.data);
		if (holder !== undefined) unlock(database, holder);
		return holder;
	});
	if (command !== undefined) return { resource: resource.data, command };
	const whole = journal.read((database) => {
		const holder = partHolder(database, resource.data);
		return holder === undefined ? undefined : findOperation(database, holder)?.resource;
	});
	if (whole !== undefined) {
		throw new OperationError("resource-busy", `${name} is held as a part of ${whole}, not by itself`, {
			hint: `release ${whole}, and with it all its parts`,
		});
	}
	throw new OperationError("resource-not-found", `no operation holds ${name}: there is nothing to release`, {
		hint: "davit status says what needs you",
	});
}
