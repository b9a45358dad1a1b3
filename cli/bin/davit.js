#!/usr/bin/env node
// Plain JavaScript that any Node reads: Davit itself is TypeScript and needs Node 24.12, which `npm ci` puts beside it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const needed = { major: 24, minor: 12 };
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > needed.major || (major === needed.major && minor >= needed.minor)) {
	const { enableCompileCache } = await import("node:module");
	// Compiled code is kept where only this user writes: in /tmp another one could put code there for root to run. The programs
	// that `davit start` forks use it, too.
	process.env.NODE_COMPILE_CACHE ??= join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "davit");
	enableCompileCache(process.env.NODE_COMPILE_CACHE);
	await import("../src/main.ts");
} else {
	runOnOwnNode();
}

function runOnOwnNode() {
	const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
	const node = join(root, "node_modules", ".bin", "node");
	if (!existsSync(node)) {
		process.stderr.write(
			`error: davit needs Node ${needed.major}.${needed.minor} or newer, but this is ${process.versions.node} and its own Node is not installed\n` +
				`  do    npm ci --ignore-scripts --prefix ${root}\n`,
		);
		process.exit(1);
	}
	const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
	// The terminal tells both of a Ctrl-C; what only this process is told is passed on.
	process.on("SIGINT", () => undefined);
	for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
	child.on("error", (error) => {
		process.stderr.write(`error: davit could not start ${node}: ${error.message}\n`);
		process.exit(1);
	});
	child.on("exit", (code, signal) => {
		if (signal === null) process.exit(code ?? 1);
		process.removeAllListeners(signal);
		process.kill(process.pid, signal);
	});
}
