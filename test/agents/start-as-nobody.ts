import { spawn, spawnSync } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { entry } from "@davit/cli/testing/run-davit.ts";
import { pollUntil } from "../lab/process/poll.ts";

/** On Debian `nobody` and `nogroup`. */
export const nobody = 65_534;

export interface Answer {
	readonly exitCode: number | null;
	readonly stderr: string;
	/** The lines of standard output as JSON. */
	readonly lines: readonly Readonly<Record<string, unknown>>[];
}

/** Everything on one machine by `davit start`, for a user who is not root and may speak to a Docker engine. */
export interface NobodysDavit extends AsyncDisposable {
	readonly home: string;
	/** Runs the command as the same user, always with `--json`. */
	davit(...words: string[]): Promise<Answer>;
	/** Of `davit start`, which starts an agent again that died. */
	readonly pid: number;
	agentPid(): Promise<number>;
}

export async function startAsNobody(socketPath: string, signal: AbortSignal): Promise<NobodysDavit> {
	await openSocket(socketPath);
	const home = await mkdtemp(join(tmpdir(), "davit-"));
	await chown(home, nobody, nobody);
	const run = (words: readonly string[]) => {
		const env = {
			...{ PATH: "/usr/bin:/bin", HOME: home, DAVIT_HOME: home, NO_COLOR: "1", DAVIT_PORT: "0" },
			DOCKER_HOST: `unix://${socketPath}`,
		};
		const identity = { uid: nobody, gid: nobody };
		return spawn(process.execPath, [entry, ...words, "--json"], {
			...{ cwd: home, env, ...identity, signal },
			stdio: ["ignore", "pipe", "pipe"],
		});
	};
	const davit = async (...words: string[]): Promise<Answer> => {
		const child = run(words);
		const ended = new Promise<number | null>((resolve, reject) => {
			child.once("error", reject);
			child.once("close", resolve);
		});
		const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
		const lines = stdout.split("\n").filter((line) => line !== "");
		return { exitCode, stderr, lines: lines.map((line) => JSON.parse(line)) };
	};
	const started = run(["start"]);
	let [said, complaint] = ["", ""];
	started.stdout.on("data", (part) => {
		said += String(part);
	});
	started.stderr.on("data", (part) => {
		complaint += String(part);
	});
	const ended = new Promise<void>((resolve) => started.once("close", () => resolve()));
	const { pid } = started;
	if (pid === undefined) throw new Error("davit start could not be started");
	await pollUntil(() => said.includes("\n") || started.exitCode !== null, {
		...{ what: "davit start", timeoutMs: 30_000, signal },
	});
	if (started.exitCode !== null) throw new Error(`davit start ended with ${started.exitCode}: ${complaint}`);
	return {
		...{ home, davit, pid },
		agentPid: () => pollUntil(() => findAgent(pid), { what: "the agent", timeoutMs: 10_000, signal }),
		async [Symbol.asyncDispose]() {
			started.kill("SIGTERM");
			await ended;
			await rm(home, { recursive: true, force: true });
		},
	};
}

/** As for a member of the group docker. */
async function openSocket(socketPath: string): Promise<void> {
	await chown(socketPath, 0, nobody);
	const folder = dirname(socketPath);
	for (const above of [folder, dirname(folder)]) await chmod(above, 0o711);
}

async function findAgent(parent: number): Promise<number | undefined> {
	const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
	for (const child of children.trim().split(" ").filter(Boolean)) {
		const words = await readFile(`/proc/${child}/cmdline`, "utf8");
		if (words.includes("/agents/src/main.ts")) return Number(child);
	}
	return undefined;
}

/** Why an unprivileged user cannot run this checkout, in one line for `test`; undefined where it can. */
export function whyNobodyCannot(): string | undefined {
	const program = fileURLToPath(new URL("../../agents/src/main.ts", import.meta.url));
	const can = (how: string, file: string) =>
		spawnSync("test", [how, file], { uid: nobody, gid: nobody }).status === 0;
	if (can("-r", program) && can("-x", process.execPath)) return undefined;
	return "an unprivileged user cannot read this checkout: a folder above it is closed";
}
