import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import type { Restic } from "./run-restic.ts";

/** Where programs are looked for, whatever the agent was started with. */
export const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Arguments that every call begins with; no secret is among them. */
export function globalArguments({ repository }: Restic, lockWaitSeconds: number): string[] {
	const { sftpCommand, sftpArguments, certificateAuthorityFile } = repository;
	return [
		...["--json", "--password-file", repository.passwordFile, "--retry-lock", `${lockWaitSeconds}s`],
		...(sftpCommand === undefined ? [] : ["--option", `sftp.command=${sftpCommand}`]),
		...(sftpArguments === undefined ? [] : ["--option", `sftp.args=${sftpArguments}`]),
		...(certificateAuthorityFile === undefined ? [] : ["--cacert", certificateAuthorityFile]),
	];
}

/**
 * All of the child's environment: nothing of the agent's own but where programs and the user's keys are.
 * @throws OperationError repository-refused where a file with a secret is missing, or others may read it
 */
export async function environmentOf({ repository, home }: Restic): Promise<Record<string, string>> {
	await requirePrivate(repository.passwordFile, repository.name);
	const secrets: Record<string, string> = {};
	for (const [name, file] of Object.entries(repository.environmentFiles)) {
		await requirePrivate(file, repository.name);
		secrets[name] = (await readFile(file, "utf8")).trim();
	}
	return {
		...secrets,
		RESTIC_REPOSITORY: repository.url,
		RESTIC_CACHE_DIR: join(home, "agent", "restic-cache"),
		RESTIC_PROGRESS_FPS: "2",
		PATH: programPath,
		HOME: userInfo().homedir,
		LC_ALL: "C.UTF-8",
	};
}

async function requirePrivate(file: string, repository: string): Promise<void> {
	const refuse = (why: string, hint: string, cause?: unknown): OperationError =>
		new OperationError("repository-refused", `repository ${repository} cannot be opened: ${why}`, {
			cause,
			hint,
		});
	try {
		const { mode, size } = await stat(file);
		if ((mode & 0o077) !== 0) throw refuse(`others may read ${file}`, `chmod 600 ${file}`);
		if (size === 0) throw refuse(`${file} is empty`, `write the password into ${file}`);
	} catch (error) {
		if (error instanceof OperationError) throw error;
		const why = errnoOf(error) === "ENOENT" ? "is not there" : "cannot be read";
		throw refuse(
			`its file ${file} ${why}`,
			`write the password into ${file}, readable by the agent alone`,
			error,
		);
	}
}
