import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import {
	ArchiveId,
	Bytes,
	instantOf,
	OperationError,
	operations,
	type Params,
	type Result,
} from "@davit/protocol";
import type { Handlers, Operation, OperationContext, Reading, Step, StepPresence } from "../operation.ts";

type Facts = { readonly folder: string; readonly command: string; readonly archive: string };

/** How a test makes the toy fail, or holds it; called before each effect with `run NAME`, `undo NAME` or `probe NAME`. */
export type Disturb = (point: string, signal?: AbortSignal) => Promise<void> | void;

/**
 * An operation on real files in the place of a restore: the folder's file `content` becomes `new`, and a writer (the file
 * `running`) is stopped meanwhile. What was there before is kept.
 */
export function toyRestore(disturb: Disturb): Operation<"path.restore"> {
	return {
		async prepare({ path, archive }, { command }, signal) {
			await disturb("prepare", signal);
			return { folder: path, command, archive };
		},
		steps: (facts, context) => {
			// `prepare` above returned them.
			const steps = stepsOf(facts as Facts, context);
			return steps.map((step) => disturbed(step, disturb));
		},
		result(facts, outputs) {
			// As above.
			const { archive, command } = facts as Facts;
			return { state: "succeeded", result: restoreResult({ archive, command }, outputs) };
		},
	};
}

/** A whole table of operations: restores are toys, plans and verifications are readings, the rest is refused. */
export function toyHandlers(disturb: Disturb = () => undefined): Handlers {
	const restore = toyRestore(disturb);
	const read: Reading<"path.verify"> = {
		async read({ archive }, { now }, signal) {
			await disturb("read", signal);
			return {
				state: "succeeded",
				result: { archive, bytes: Bytes.parse(1), entries: 1, verifiedAt: instantOf(now()), durationMs: 0 },
			};
		},
	};
	const refused = {
		read: (): Promise<never> => Promise.reject(new OperationError("unsupported", "the toy cannot do this")),
	};
	// Its keys are the catalogue's, and what refuses answers for any of them.
	const none = Object.fromEntries(
		Object.keys(operations).map((name) => [name, refused]),
	) as unknown as Handlers;
	return {
		...none,
		"path.backup": backupToy(restore),
		"path.restore": restore,
		"path.verify": read,
	};
}

/** The same steps under the name of an operation that only reads. */
function backupToy(restore: Operation<"path.restore">): Operation<"path.backup"> {
	return {
		prepare: ({ path }: Params<"path.backup">, context: OperationContext, signal: AbortSignal) =>
			// The toy looks at neither the plan nor the archive.
			restore.prepare({ path, archive: "0123456789" } as Params<"path.restore">, context, signal),
		steps: restore.steps,
		result: (facts) => ({
			state: "succeeded",
			result: {
				archive: ArchiveId.parse(facts["archive"]),
				...{ takenAt: instantOf(0), bytes: Bytes.parse(1), contentBytes: Bytes.parse(1), entries: 1 },
				...{ consistency: "live", downtimeMs: 0, durationMs: 0, warnings: [] },
			},
		}),
	};
}

function stepsOf({ folder, command, archive }: Facts, context: OperationContext): readonly Step[] {
	const content = `${folder}/content`;
	const fresh = `${folder}/.davit-new-${command}`;
	const old = `${folder}/.davit-undo-${command}`;
	return [
		{
			name: "unpack",
			intent: { fresh },
			run: async () => {
				await writeFile(fresh, "new");
				return { bytes: 3 };
			},
			probe: async () => ((await exists(fresh)) ? "complete" : "absent"),
			undo: () => rm(fresh, { force: true }),
		},
		{
			name: "stop",
			intent: { folder },
			run: async () => {
				await rm(`${folder}/running`, { force: true });
				return undefined;
			},
			probe: async () => ((await exists(`${folder}/running`)) ? "absent" : "complete"),
			undo: () => writeFile(`${folder}/running`, ""),
		},
		{
			name: "swap",
			intent: { content, fresh, old },
			commits: true,
			run: async () => {
				await rename(content, old);
				await rename(fresh, content);
				return { swapped: true };
			},
			probe: () => probeSwap({ content, fresh, old }),
			undo: async () => {
				if (!(await exists(content))) await rename(old, content);
			},
		},
		{
			name: "keep",
			intent: { old },
			run: async () => {
				const resource = `path:${folder}`;
				const until = context.undoPoints.keep({
					command: context.command,
					archive: ArchiveId.parse(archive),
					forMs: 1_000,
					// The folder was parsed as a parameter.
					resource: resource as Parameters<typeof context.undoPoints.keep>[0]["resource"],
					place: { old },
				});
				return { until };
			},
			probe: async () => "absent",
			undo: async () => undefined,
		},
		{
			name: "start",
			intent: { folder },
			run: async () => {
				await mkdir(folder, { recursive: true });
				await writeFile(`${folder}/running`, "");
				return undefined;
			},
			probe: async () => ((await exists(`${folder}/running`)) ? "complete" : "absent"),
			undo: () => rm(`${folder}/running`, { force: true }),
		},
	];
}

async function probeSwap({
	content,
	fresh,
	old,
}: Record<"content" | "fresh" | "old", string>): Promise<StepPresence> {
	if (!(await exists(old))) return "absent";
	if (!(await exists(content)) || (await exists(fresh))) return "partial";
	return (await readFile(content, "utf8")) === "new" ? "complete" : "partial";
}

function disturbed(step: Step, disturb: Disturb): Step {
	return {
		...step,
		run: async (signal) => {
			await disturb(`run ${step.name}`, signal);
			const output = await step.run(signal);
			await disturb(`ran ${step.name}`, signal);
			return output;
		},
		probe: async () => {
			await disturb(`probe ${step.name}`);
			return step.probe();
		},
		undo: async () => {
			await disturb(`undo ${step.name}`);
			await step.undo();
		},
	};
}

function restoreResult(
	{ archive, command }: Pick<Facts, "archive" | "command">,
	outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Result<"path.restore"> {
	return {
		archive: ArchiveId.parse(archive),
		...{ replaced: 1, added: 0, removed: 0, downtimeMs: 0, durationMs: 0 },
		// `keep` returned it, and it runs again after a crash.
		undoUntil: outputs.get("keep")?.["until"] as Result<"path.restore">["undoUntil"],
		undo: command as Result<"path.restore">["undo"],
	};
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
