import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ownEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";

/** An interpreter of Python 3.12 that really runs: one of that name may be a shim that fails. */
export async function findPython312(signal = AbortSignal.timeout(20_000)): Promise<string | undefined> {
	for (const candidate of listCandidates()) {
		if (existsSync(candidate) && (await isPython312(candidate, signal))) return candidate;
	}
	return undefined;
}

function listCandidates(): string[] {
	const env = ownEnvironment();
	const versions = join(env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
	const ofPyenv = existsSync(versions)
		? readdirSync(versions).filter((name) => name.startsWith("3.12."))
		: [];
	return [
		...(env["DAVIT_LAB_PYTHON312"] === undefined ? [] : [env["DAVIT_LAB_PYTHON312"]]),
		...ofPyenv.map((name) => join(versions, name, "bin/python3.12")),
		...(env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "python3.12")),
	];
}

async function isPython312(path: string, signal: AbortSignal): Promise<boolean> {
	const script = "import sys, venv; sys.exit(0 if sys.version_info[:2] == (3, 12) else 1)";
	const { code } = await run([path, "-c", script], { signal, expectedCodes: [0, 1, 2, 126, 127] });
	return code === 0;
}
