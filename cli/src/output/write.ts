import { type CommandError, errorDocument } from "../command-error.ts";
import type { Context, Screen } from "../context.ts";
import { plain } from "./table.ts";

/** The answer as one JSON document. */
export function writeJson(screen: Screen, document: unknown): void {
	screen.write(`${JSON.stringify(document)}\n`);
}

/** A command's answer in the form that was wished for: the document, its ids, or text for a person. */
export function writeAnswer(
	context: Context,
	{ document, ids, text }: { document: unknown; ids: readonly string[]; text: () => string },
): void {
	if (context.wish.json) {
		writeJson(context.out, document);
		return;
	}
	const answer = context.wish.quiet ? ids.join("\n") : text();
	if (answer !== "") context.out.write(`${answer}\n`);
}

/** The story, for a person; not told when only ids are wanted. */
export function say(context: Context, line: string): void {
	if (!context.wish.quiet) context.err.write(`${line}\n`);
}

/** An error in its one shape: what, why, what to do, code. */
export function writeError(context: Context, error: CommandError, form: "document" | "told"): void {
	const { err } = context;
	const lines = [`${err.style("red", "error:")} ${error.message}`];
	for (const candidate of error.candidates.slice(0, 5)) lines.push(`  did you mean ${plain(candidate)}?`);
	for (const why of error.why) lines.push(`  why   ${why}`);
	lines.push(`  do    ${error.next}`);
	const help = error.code === "request-malformed" ? "" : `; davit help E-${error.code}`;
	lines.push(err.style("gray", `  exit  ${error.exitCode} (${error.code}${help})`));
	err.write(`${lines.join("\n")}\n`);
	if (form === "document" && context.wish.json) writeJson(context.out, errorDocument(error));
}
