import { createReadStream, existsSync } from "node:fs";
import { cp, lstat, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { GottenDocument } from "@davit/protocol";
import { resolveArchive } from "../address.ts";
import { CommandError, exitCodes, usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { innerPath } from "../options.ts";
import { formatBytes } from "../output/format.ts";
import { plain } from "../output/table.ts";
import { say, writeAnswer } from "../output/write.ts";

/** Takes one file or folder out of an archive. The bytes go over no network: they are fetched where the archive lies. */
export async function get(invocation: Invocation, context: Context): Promise<number> {
	const inner = innerPath(wordAt(invocation, 1));
	const output = textOption(invocation, "output");
	if (output === "-" && context.wish.json) {
		throw usageError(
			"-o - writes the file itself, so --json has no place beside it",
			"leave one of them out",
		);
	}
	const target = output === undefined || output === "-" ? undefined : resolve(output);
	if (target !== undefined && existsSync(target)) {
		throw usageError(
			`${target} is there already, so nothing was put there`,
			"name a file that is not there yet",
		);
	}
	const { archive } = await resolveArchive(wordAt(invocation, 0), context);
	const call = { method: "POST", path: `/archives/${archive}/get`, body: { inner } } as const;
	const gotten = await callFor("davit/gotten/1", call, context);
	if (output === "-") await writeOut(gotten, context);
	else await putDown(gotten, target, context);
	for (const loss of gotten.losses) say(context, `not as it was: ${plain(loss)}`);
	return gotten.losses.length === 0 ? exitCodes.done : exitCodes.partial;
}

async function putDown(gotten: GottenDocument, target: string | undefined, context: Context): Promise<void> {
	const { file, row, bytes, type, keptUntil } = gotten;
	if (target !== undefined) await takeOver(gotten, target);
	const document = target === undefined ? gotten : { ...gotten, file: target };
	writeAnswer(context, {
		document,
		ids: [document.file],
		text: () =>
			target === undefined
				? `${row.host}:${plain(file)}  ${type}, ${formatBytes(bytes)}, as archived; Davit removes it after ${keptUntil}`
				: `${plain(target)}  ${type}, ${formatBytes(bytes)}, as archived`,
	});
}

/** Copies it under a name of its own first, so that what bears the wanted name is whole. */
async function takeOver(gotten: GottenDocument, target: string): Promise<void> {
	await requireHere(gotten);
	const partial = `${target}.davit-partial`;
	try {
		await cp(gotten.file, partial, {
			recursive: true,
			preserveTimestamps: true,
			verbatimSymlinks: true,
			errorOnExist: true,
			force: false,
		});
		await rename(partial, target);
	} catch (cause) {
		if (existsSync(partial)) await rm(partial, { recursive: true });
		throw new CommandError(
			`${target} could not be written: ${cause instanceof Error ? cause.message : cause}`,
			{
				...{ code: "path-not-allowed", exitCode: exitCodes.notAllowed, cause },
				next: "name another place, or run it as a user that may write there",
			},
		);
	}
}

async function writeOut(gotten: GottenDocument, context: Context): Promise<void> {
	if (gotten.type !== "file") {
		throw usageError(
			`${plain(gotten.path)} is a ${gotten.type}, and only a file can be written out`,
			"-o FOLDER",
		);
	}
	await requireHere(gotten);
	await context.out.pour(createReadStream(gotten.file));
}

/** @throws CommandError where this is another machine, or another user that may not see it */
async function requireHere({ file, row }: GottenDocument): Promise<void> {
	try {
		await lstat(file);
	} catch (cause) {
		const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
		const isForbidden = code === "EACCES" || code === "EPERM";
		throw new CommandError(
			isForbidden
				? `this user may not read ${file}, where the agent of ${row.host} put it`
				: `the archive lies on ${row.host}, and this is another machine: its bytes are never sent`,
			{
				...{ code: "path-not-allowed", exitCode: exitCodes.notAllowed, cause },
				why: [`it was taken out to ${file} on ${row.host}`],
				next: isForbidden ? "run it as root, or as the agent's user" : `run davit get on ${row.host}`,
			},
		);
	}
}
