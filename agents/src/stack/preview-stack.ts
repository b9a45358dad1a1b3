import type { OperationError } from "@davit/protocol";
import type { Reading } from "../operation.ts";
import { tell } from "../resource/preview.ts";
import { backupFactsOf, forcedOf } from "./part-facts.ts";
import { surveyStackBackup } from "./survey-stack-backup.ts";

/** Says what a backup of a stack would do. What stands against it is part of the answer. */
export const previewStack: Reading<"stack.preview"> = {
	async read(params, context, signal) {
		const blockers: OperationError[] = [];
		const object = (blocker: OperationError) => void blockers.push(blocker);
		// It only looks, so it waits for nobody and keeps nobody off.
		const looking = { ...context, hold: async () => undefined };
		const { facts, ...survey } = await surveyStackBackup(params, { context: looking, signal, object });
		const told = { ...backupFactsOf(facts), forced: forcedOf(facts) };
		return { state: "succeeded", result: tell({ ...survey, facts: told }, blockers, context) };
	},
};
