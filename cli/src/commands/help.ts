import { CommandError, exitCodes } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { failureText, topics } from "../help/topics.ts";
import { writeAnswer } from "../output/write.ts";
import { parseCommandLine } from "../parse.ts";
import { commands } from "../tree/commands.ts";

/** Explains a command, a topic, or a failure's code. */
export async function help(invocation: Invocation, context: Context): Promise<number> {
	const name = invocation.words.join(" ");
	const text = await textOf(name);
	if (text === undefined) {
		throw new CommandError(`there is no help on ${name}`, {
			code: "request-malformed",
			exitCode: exitCodes.absent,
			next: `davit help ${Object.keys(topics).join(" | ")}`,
		});
	}
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: [], text: () => text.trimEnd() });
	return 0;
}

async function textOf(name: string): Promise<string | undefined> {
	if (name === "") return helpOf([]);
	if (Object.hasOwn(topics, name)) return topics[name];
	if (name.startsWith("E-")) return await failureText(name.slice(2));
	const isCommand = commands.some((spec) => spec.name === name || spec.name.startsWith(`${name} `));
	return isCommand ? helpOf(name.split(" ")) : undefined;
}

function helpOf(words: readonly string[]): string | undefined {
	const parsed = parseCommandLine([...words, "--help"], "");
	return parsed.kind === "text" ? parsed.text : undefined;
}
