import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";
import { isRecord } from "../door/answers.ts";

export type Settings = Readonly<Record<string, unknown>>;

/** A settings file's keys; undefined where there is none. @throws CommandError configuration-invalid where it is not JSON */
export async function readSettings(file: string): Promise<Settings | undefined> {
	let text: string;
	try {
		text = await readFile(file, "utf8");
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
		throw error;
	}
	try {
		const settings: unknown = JSON.parse(text);
		if (isRecord(settings)) return settings;
	} catch (error) {
		throw unreadable(file, error);
	}
	throw unreadable(file, undefined);
}

/** Writes a settings file durably, for its owner alone (it holds passwords). */
export async function writeSettings(file: string, settings: Settings): Promise<void> {
	await writePrivately(file, `${JSON.stringify(settings, undefined, "\t")}\n`);
}

/** Writes a file of mode 0600, complete or not at all. */
export async function writePrivately(file: string, text: string): Promise<void> {
	const partial = `${file}.${randomBytes(4).toString("hex")}.partial`;
	{
		await using handle = await open(partial, "wx", 0o600);
		await handle.writeFile(text);
		await handle.sync();
	}
	await rename(partial, file);
	await using folder = await open(dirname(file), "r");
	await folder.sync();
}

function unreadable(file: string, cause: unknown): CommandError {
	return new CommandError(`the settings in ${file} are not JSON`, {
		code: "configuration-invalid",
		exitCode: exitCodes.usage,
		next: `mend ${file}, or move it away and davit start writes a new one`,
		cause,
	});
}
