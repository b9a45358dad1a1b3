import { usageError } from "../command-error.ts";
import { completionScript, isShell, shells } from "../completion/complete.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { writeAnswer } from "../output/write.ts";

export async function completion(invocation: Invocation, context: Context): Promise<number> {
	const shell = wordAt(invocation, 0);
	if (!isShell(shell))
		throw usageError(`there is no completion for ${shell}`, `davit completion ${shells.join(" | ")}`);
	const text = await completionScript(shell);
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: [], text: () => text.trimEnd() });
	return 0;
}
