import {
	type ArchiveId,
	type Instant,
	instantOf,
	type KeepChange,
	OperationError,
	type ResourceId,
	resourceOf,
} from "@davit/protocol";
import { type Keeping, withKept, withoutMark } from "../archives/keep-records.ts";
import type { Operation, OperationContext } from "../operation.ts";

type KeepFacts = {
	readonly resource: ResourceId;
	readonly change: KeepChange;
	readonly at: Instant;
};

/** Writes down what a person wants kept. Doing it again does no harm. */
export const keep: Operation<"volume.keep" | "path.keep" | "stack.keep", KeepFacts> = {
	async prepare({ change, ...params }, context) {
		const resource = resourceOf(params);
		if ("archive" in change) await requireArchive(change, { resource, context });
		return { resource, change, at: instantOf(context.now()) };
	},
	steps: ({ resource, change, at }, { archives: { records } }) => [
		{
			name: "record",
			intent: { ...change },
			commits: true,
			async run() {
				await records.change(resource, (keeping) => changed(keeping, change, at));
				return undefined;
			},
			// It is one durable write, and doing it again changes nothing more.
			probe: async () => "absent",
			undo: async () => undefined,
		},
	],
	result: ({ change }) => ({
		state: "succeeded",
		result: { keep: change.keep, ...("archive" in change ? { archive: change.archive } : {}) },
	}),
};

async function requireArchive(
	{ keep: wanted, archive }: { readonly keep: KeepChange["keep"]; readonly archive: ArchiveId },
	{ resource, context }: { readonly resource: ResourceId; readonly context: OperationContext },
): Promise<void> {
	const known = (await context.archives.list(resource)).find(({ id }) => id === archive);
	if (known === undefined) {
		throw new OperationError("archive-not-found", `${resource} has no archive ${archive} on this host`);
	}
	if (wanted === "undelete" && known.goesAt === undefined) {
		throw new OperationError("archive-not-marked", `archive ${archive} is not marked for removal`);
	}
}

function changed(keeping: Keeping, change: KeepChange, at: Instant): Keeping {
	switch (change.keep) {
		case "pin":
			return withKept(keeping, change.archive, (kept) => ({ pinnedAt: at, ...withoutMark(kept) }));
		case "undelete":
			return withKept(keeping, change.archive, (kept) => ({ pinnedAt: at, ...withoutMark(kept) }));
		case "unpin":
			return withKept(keeping, change.archive, ({ pinnedAt: _pinned, ...kept }) => kept);
		case "hold":
			return { ...keeping, hold: { since: at, because: change.because } };
		case "release": {
			const { hold: _hold, ...released } = keeping;
			return { ...released, released: keeping.next - 1 };
		}
	}
}
