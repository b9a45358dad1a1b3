import { usageError } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { formatRelative } from "../output/format.ts";
import { writeAnswer } from "../output/write.ts";

/** A host's name makes a string for it; such a string, on the new host, joins it. */
export async function joinHost(invocation: Invocation, context: Context): Promise<number> {
	const word = invocation.words[0] ?? (await askForString(context));
	if (/^davit\d+\./.test(word)) {
		const { joinWithString } = await import("../start/join.ts");
		return await joinWithString(word, context);
	}
	if (!/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/.test(word)) {
		throw usageError(
			`${JSON.stringify(word)} is neither a host's name nor a joining string`,
			"davit host join attic",
			["a host's name has 1 to 48 of a-z, 0-9 and -, not at its ends"],
		);
	}
	const call = { method: "POST", path: "/invitations", body: { host: word } } as const;
	const document = await callFor("davit/join/1", call, context);
	writeAnswer(context, {
		document,
		ids: [document.string],
		text: () =>
			[
				`on ${document.host}, ${formatRelative(document.expiresAt, context.now()).replace(/^in/, "within")}, once:`,
				"",
				`  ${document.command}`,
			].join("\n"),
	});
	return 0;
}

/** Typed in, it stands in no list of processes and in no history of the shell. */
async function askForString(context: Context): Promise<string> {
	if (context.wish.mayAsk) return (await context.ask("joining string: ", context.signal)).trim();
	throw usageError(
		"a host's name or a joining string is needed, and there is no terminal to ask",
		"davit host join attic",
	);
}
