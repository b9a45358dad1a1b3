import type { ArchiveContentDocument } from "@davit/protocol";
import { resolveArchive } from "../address.ts";
import { exitCodes } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { indexOption, innerPath } from "../options.ts";
import { formatBytes, formatInstant } from "../output/format.ts";
import { formatTable, plain } from "../output/table.ts";
import { say, writeAnswer } from "../output/write.ts";

/** Lists one folder of an archive, a page at a time. */
export async function browse(invocation: Invocation, context: Context): Promise<number> {
	const word = wordAt(invocation, 0);
	const given = invocation.words[1];
	const folder = given === undefined ? "" : innerPath(given);
	const from = indexOption(invocation, "from") ?? 0;
	const { archive } = await resolveArchive(word, context);
	const query = new URLSearchParams({ folder, from: String(from) });
	const path = `/archives/${archive}/content?${query.toString()}`;
	const document = await callFor("davit/content/1", { method: "GET", path }, context);
	const { entries, total, next } = document;
	const ids = entries.map(({ name }) => plain(folder === "" ? name : `${folder}/${name}`));
	writeAnswer(context, { document, ids, text: () => contentTable(document) });
	if (context.wish.json) return exitCodes.done;
	if (entries.length === 0) say(context, total === 0 ? "the folder is empty" : `there are only ${total}`);
	else say(context, `${from + 1} to ${from + entries.length} of ${total}`);
	if (next !== null) {
		say(context, `do    davit browse ${word}${folder === "" ? "" : ` ${folder}`} --from ${next}`);
	}
	return exitCodes.done;
}

function contentTable({ entries }: ArchiveContentDocument): string {
	if (entries.length === 0) return "";
	return formatTable(
		["MODE", "OWNER", "SIZE", "CHANGED", "NAME"],
		entries.map(({ name, type, size, modifiedAt, mode, uid, gid, target, skipped }) => [
			`${letters[type] ?? "?"}${mode.toString(8).padStart(4, "0")}`,
			`${uid}:${gid}`,
			type === "file" ? formatBytes(size) : "",
			modifiedAt === undefined ? "?" : formatInstant(modifiedAt),
			[
				`${plain(name)}${type === "directory" ? "/" : ""}`,
				...(target === undefined ? [] : [`-> ${plain(target)}`]),
				...(skipped === undefined ? [] : [`(not in the archive: ${plain(skipped)})`]),
			].join(" "),
		]),
	);
}

/** As `ls -l` writes them. */
const letters: Readonly<Record<string, string>> = {
	file: "-",
	directory: "d",
	symlink: "l",
	hardlink: "h",
	fifo: "p",
	socket: "s",
	"character-device": "c",
	"block-device": "b",
};
