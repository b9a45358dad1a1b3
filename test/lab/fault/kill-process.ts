import { commandLineOf, identifyProcess, isAlive } from "../process/identify.ts";
import { pollUntil } from "../process/poll.ts";

export type Victim = {
	readonly pid: number /** Part of its command line, so that no other process is hit. */;
	readonly command: string;
};

/** SIGKILL by number. @throws Error where there is no such process, it is another program, or it lives on. */
export async function killProcess({ pid, command }: Victim, signal: AbortSignal): Promise<void> {
	const identity = identifyProcess(pid);
	if (identity === undefined) throw new Error(`cannot kill process ${pid}: there is none`);
	// proc(5): empty for the moment in which a program replaces itself by another, as a host's entrance does.
	const line = await pollUntil(() => commandLineOf(pid) || undefined, {
		...{ what: `command line of process ${pid}`, timeoutMs: 1_000, intervalMs: 5, signal },
	});
	if (!line.includes(command)) throw new Error(`process ${pid} is not ${command} but: ${line}`);
	process.kill(pid, "SIGKILL");
	await pollUntil(() => !isAlive(identity), {
		what: `end of process ${pid}`,
		timeoutMs: 5_000,
		intervalMs: 5,
		signal,
	});
}
