import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Another process that works on something in the folder until it is disposed of. */
export async function startProgram(script: string, path: string): Promise<AsyncDisposable> {
	const program = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", script], {
		cwd: path,
		stdio: ["pipe", "pipe", "inherit"],
	});
	const ended = once(program, "exit");
	const [said] = await once(program.stdout, "data", { signal: AbortSignal.timeout(20_000) });
	assert.equal(String(said), "ready\n");
	return {
		async [Symbol.asyncDispose]() {
			program.kill("SIGKILL");
			await ended;
		},
	};
}

/** Opens the database `app.db` and stays; its input never ends while this test lives. */
export function sqlite(mode: "wal" | "delete"): string {
	return `const { DatabaseSync } = require("node:sqlite");
		const database = new DatabaseSync("app.db");
		database.exec("PRAGMA journal_mode = ${mode}; CREATE TABLE IF NOT EXISTS rows (n); INSERT INTO rows VALUES (1)");
		process.stdin.resume();
		console.log("ready")`;
}
