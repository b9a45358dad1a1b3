import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError, exitCodes, usageError } from "../command-error.ts";
import { type Context, flagOption, type Invocation, textOption } from "../context.ts";
import { callFor } from "../door/call.ts";
import { say, writeAnswer } from "../output/write.ts";

/**
 * Writes the recovery kit. A new key counts only once the kit is on the disk (or printed): whatever happens before, archives are
 * encrypted as they were.
 */
export async function recoveryKit(invocation: Invocation, context: Context): Promise<number> {
	const wanted = textOption(invocation, "output");
	const file = wanted === undefined ? undefined : resolve(wanted);
	if (file !== undefined) await refuseExisting(file);
	const body = { withKey: flagOption(invocation, "newKey") };
	const kit = await callFor("davit/recovery-kit/1", { method: "POST", path: "/recovery-kit", body }, context);
	if (file === undefined) {
		writeAnswer(context, { document: kit, ids: [kit.number], text: () => kit.text.trimEnd() });
	} else await writeKit(file, /\.html?$/.test(file) ? kit.html : kit.text);
	if (context.out.closed.aborted) throw unread();
	const saved = { kit: kit.recipient };
	await callFor("davit/recovery/1", { method: "POST", path: "/recovery", body: saved }, context);
	const what = kit.hasKey
		? "with its key, which Davit does not keep"
		: `without a key: it is on the kit you saved before`;
	if (file !== undefined) {
		const text = `recovery kit ${kit.number} is in ${file}, ${what}`;
		writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: [kit.number], text: () => text });
	}
	if (kit.hasKey)
		say(context, "archives from now on are encrypted for it; older kits go on opening older archives");
	return 0;
}

async function refuseExisting(file: string): Promise<void> {
	try {
		await lstat(file);
	} catch (error) {
		if (codeOf(error) === "ENOENT") return;
		throw unwritable(file, error);
	}
	throw usageError(
		`${file} is there already, and a kit in it would be lost`,
		"davit recovery-kit -o ANOTHER-FILE",
	);
}

/** A whole kit or none, for its owner's eyes, also through a power cut. */
async function writeKit(file: string, text: string): Promise<void> {
	const partial = `${file}.partial`;
	try {
		{
			await using handle = await open(partial, "w", 0o600);
			await handle.writeFile(text);
			await handle.sync();
		}
		await rename(partial, file);
		await using folder = await open(dirname(file));
		await folder.sync();
	} catch (error) {
		await rm(partial, { force: true }).catch(() => undefined);
		throw unwritable(file, error);
	}
}

function unwritable(file: string, cause: unknown): CommandError {
	return new CommandError(`the recovery kit was not written to ${file}: ${messageOf(cause)}`, {
		code: "request-malformed",
		exitCode: exitCodes.usage,
		next: "name a file in a folder that you may write",
		cause,
	});
}

function unread(): CommandError {
	return new CommandError("nobody read the recovery kit, so its key is not used", {
		code: "cancelled",
		exitCode: exitCodes.failed,
		next: "davit recovery-kit -o FILE",
	});
}

function codeOf(error: unknown): string | undefined {
	return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
