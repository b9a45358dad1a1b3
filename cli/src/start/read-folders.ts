import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";
import { type Invocation, listOption } from "../context.ts";

/**
 * The folders that `--folder` names, as absolute real paths.
 * @throws CommandError path-not-found, or configuration-invalid for one that holds Davit's own home
 */
export async function readFolders(invocation: Invocation, home: string): Promise<string[]> {
	const folders: string[] = [];
	for (const word of listOption(invocation, "folder")) folders.push(await readFolder(resolve(word), home));
	return folders;
}

async function readFolder(path: string, home: string): Promise<string> {
	let folder: string;
	try {
		folder = await realpath(path);
		if (!(await stat(folder)).isDirectory()) throw new Error("not a folder");
	} catch (error) {
		throw new CommandError(`${path} cannot be protected: there is no such folder`, {
			code: "path-not-found",
			exitCode: exitCodes.absent,
			next: "see that it is mounted, then davit start --folder PATH again",
			cause: error,
		});
	}
	if (/\p{Cc}/u.test(folder)) throw unwritable(folder);
	const own = await realpath(home);
	const holds =
		folder === sep ||
		own === folder ||
		own.startsWith(`${folder}${sep}`) ||
		folder.startsWith(`${own}${sep}`);
	if (!holds) return folder;
	throw new CommandError(`${folder} cannot be protected: it and Davit's own ${own} lie one in the other`, {
		code: "configuration-invalid",
		exitCode: exitCodes.usage,
		why: ["an archive would hold all archives before it"],
		next: "name a folder beside it, or set DAVIT_HOME elsewhere",
	});
}

/** Such a name could not be shown, typed or written into a line of a log. */
function unwritable(folder: string): CommandError {
	return new CommandError(
		`${JSON.stringify(folder)} cannot be protected: there is a line break or another control character in its name`,
		{
			code: "configuration-invalid",
			exitCode: exitCodes.usage,
			next: "rename it, or name the folder above it",
		},
	);
}
