import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Waits for the lock on the file `path` and holds it until disposed.
 * It is held by flock(1) around a `cat` that lives on our pipe, so it is released whenever this process ends, however it ends.
 */
export async function takeLock(path: string, signal: AbortSignal): Promise<AsyncDisposable> {
	const holder = spawn("/usr/bin/flock", ["--exclusive", path, "cat"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const ended = once(holder, "close").then(() => "ended" as const);
	holder.stdin.write("held\n");
	const release = async (): Promise<void> => {
		holder.stdin.end();
		await ended;
	};
	const abandon = (): void => void holder.kill("SIGKILL");
	signal.addEventListener("abort", abandon);
	const first = await Promise.race([once(holder.stdout, "data").then(() => "held" as const), ended]);
	signal.removeEventListener("abort", abandon);
	signal.throwIfAborted();
	if (first === "ended") throw new Error(`flock ended before it held ${path}`);
	return { [Symbol.asyncDispose]: release };
}
