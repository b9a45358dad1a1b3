import type { DifferenceKind, DifferencesDocument } from "@davit/protocol";
import { resolveArchive } from "../address.ts";
import { exitCodes } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { indexOption } from "../options.ts";
import { plain } from "../output/table.ts";
import { say, writeAnswer } from "../output/write.ts";

/** Says what differs between an archive and its resource's present data, or another archive of it. */
export async function diff(invocation: Invocation, context: Context): Promise<number> {
	const word = wordAt(invocation, 0);
	const other = invocation.words[1] ?? "live";
	const from = indexOption(invocation, "from") ?? 0;
	const { archive } = await resolveArchive(word, context);
	const against = other === "live" ? other : (await resolveArchive(other, context)).archive;
	const query = new URLSearchParams({ against, from: String(from) });
	const path = `/archives/${archive}/differences?${query.toString()}`;
	const document = await callFor("davit/differences/1", { method: "GET", path }, context);
	const { differences, counts, next } = document;
	const ids = differences.map((difference) => plain(difference.path));
	writeAnswer(context, { document, ids, text: () => describe(document) });
	if (context.wish.json) return exitCodes.done;
	const { changed, added, removed, metadata, same } = counts;
	say(
		context,
		`${changed} changed, ${added} added, ${removed} removed, ${metadata} with another owner, mode or time only; ${same} the same`,
	);
	if (next !== null) say(context, `do    davit diff ${word} ${other} --from ${next}`);
	return exitCodes.done;
}

const marks: Readonly<Record<DifferenceKind, string>> = {
	added: "+",
	removed: "-",
	changed: "~",
	metadata: "m",
};

function describe({ differences }: DifferencesDocument): string {
	return differences.map(({ kind, path }) => `${marks[kind]} ${plain(path)}`).join("\n");
}
