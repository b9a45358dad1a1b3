import { CommandError, commandErrorOf, exitCodes } from "./command-error.ts";
import type { Context } from "./context.ts";
import { loaders } from "./loaders.ts";
import { writeError, writeJson } from "./output/write.ts";
import { parseCommandLine } from "./parse.ts";
import { resultOfError } from "./runs/result.ts";
import { commands } from "./tree/commands.ts";
import type { CommandSpec } from "./tree/spec.ts";

/** Carries out what was typed and answers how `davit` ends. Never throws. */
export async function runProgram(
	words: readonly string[],
	context: Context,
	version: string,
): Promise<number> {
	// What the shell's completion script calls.
	if (words[0] === "complete" && words[1] === "--") return await complete(words.slice(2), context);
	const parsed = parseCommandLine(words, version);
	if (parsed.kind === "text") return tell(parsed.text, context);
	if (parsed.kind === "refused") {
		const { message, next, candidates } = parsed;
		const details = { code: "request-malformed", exitCode: exitCodes.usage, next, candidates } as const;
		return refuse(new CommandError(message, details), context, specOf(words));
	}
	try {
		const command = await loaders[parsed.spec.name]?.();
		if (command === undefined) throw new TypeError(`${parsed.spec.name} has no code`);
		return await command(parsed.invocation, context);
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError") {
			return context.signal.aborted ? 143 : exitCodes.cancelled;
		}
		return refuse(commandErrorOf(error), context, parsed.spec);
	}
}

async function complete(words: readonly string[], context: Context): Promise<number> {
	const { completeWords } = await import("./completion/complete.ts");
	context.out.write(await completeWords(words, context));
	return 0;
}

function tell(text: string, context: Context): number {
	if (context.wish.json) writeJson(context.out, { schema: "davit/text/1", text });
	else context.out.write(text);
	return 0;
}

/** The error for a person; and for a program the one document, or the one result, that this command promises. */
function refuse(error: CommandError, context: Context, spec: CommandSpec | undefined): number {
	const promisesResult = spec?.runs === true;
	writeError(context, error, promisesResult ? "told" : "document");
	if (promisesResult && context.wish.json) writeJson(context.out, resultOfError(error, undefined));
	return error.exitCode;
}

/** The command that a line which cannot be read was meant for. */
function specOf(words: readonly string[]): CommandSpec | undefined {
	const [verb, second] = words.filter((word) => !word.startsWith("-"));
	return commands.find(({ name }) => name === verb || name === `${verb} ${second}`);
}
