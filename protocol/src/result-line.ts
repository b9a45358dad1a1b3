import { z } from "zod";
import { FailureCode } from "./failure-codes.ts";
import { endedStates } from "./run.ts";
import { ArchiveId, Instant, RunId } from "./vocabulary.ts";

/** What became of one of several runs that a command asked for; `run` is null where it was not even begun. */
const ResultPart = z.object({
	run: RunId.nullable(),
	outcome: z.enum([...endedStates, "detached"]),
	archive: ArchiveId.nullable(),
	code: FailureCode.nullable(),
	message: z.string(),
	downtimeSeconds: z.number().nullable(),
	exitCode: z.int(),
});

/** The last line of `davit backup|verify|restore|apply|undo|watch --json`. */
export const ResultLine = ResultPart.extend({
	type: z.literal("result"),
	schema: z.literal("davit/result/1"),
	hint: z.string().nullable(),
	undoUntil: Instant.nullable(),
	/** Of a command with several runs; outcome and exit code follow from theirs alone. */
	parts: z.array(ResultPart).optional(),
});
export type ResultLine = z.infer<typeof ResultLine>;
