import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lastLines, systemEnvironment } from "../lab/process/run.ts";
import { type Doom, Word } from "./doom.ts";

/** A program that serves until it dies of its doom, of `kill` or of `stop`. */
export interface Mortal {
	readonly pid: number;
	/** Resolves when it was killed by SIGKILL. Rejects where it ended otherwise, which is a failure of every test. */
	readonly death: Promise<"dead">;
	isDead(): boolean;
	/** Counts from now. False where it died first. */
	doom(doom: Doom): Promise<boolean>;
	/** All writes since it was started or doomed. @throws Error where it is dead */
	points(): Promise<readonly string[]>;
	/** SIGKILL. @throws Error where it had ended before, since nothing was killed then. */
	kill(): Promise<void>;
	/** The orderly end. */
	stop(): Promise<void>;
	lastWords(): Promise<string>;
}

export interface MortalWish {
	readonly program: "agent" | "coordinator";
	readonly configFile: string;
	readonly logPath: string;
}

type Sorts = { ready: []; doomed: []; points: [readonly string[]] };

/** Starts it with `doom`, and resolves when it serves or has died of it. */
export async function startMortal(wish: MortalWish, doom: Doom = "never"): Promise<Mortal> {
	const log = openSync(wish.logPath, "a");
	const file = fileURLToPath(new URL(`./${wish.program}/main.ts`, import.meta.url));
	const env = systemEnvironment({ NODE_COMPILE_CACHE: join(dirname(wish.configFile), "compiled") });
	const child = fork(file, [wish.configFile, JSON.stringify(doom)], {
		env,
		stdio: ["ignore", log, log, "ipc"],
	});
	closeSync(log);
	const { pid } = child;
	if (pid === undefined) throw new Error(`the ${wish.program} could not be started`);
	const heard = new EventEmitter<Sorts>();
	child.on("message", (message) => {
		const word = Word.parse(message);
		if ("ready" in word) heard.emit("ready");
		else if ("doomed" in word) heard.emit("doomed");
		else heard.emit("points", word.points);
	});
	const lastWords = async () => lastLines(await readFile(wish.logPath, "utf8"), 12);
	const exited = once(child, "exit");
	let isStopped = false;
	const death = exited.then(async ([code, signal]): Promise<"dead"> => {
		if (signal === "SIGKILL" || isStopped) return "dead";
		throw new Error(`the ${wish.program} ended by itself with ${code ?? signal}:\n${await lastWords()}`);
	});
	const isDead = () => child.exitCode !== null || child.signalCode !== null;
	const tell = async <Name extends keyof Sorts>(
		order: object,
		answer: Name,
	): Promise<Sorts[Name] | "dead"> => {
		if (isDead()) return "dead";
		const over = new AbortController();
		// The emitter's own types say what each word carries.
		const answered = once(heard, answer, over) as Promise<Sorts[Name]>;
		// A write to a program that has just died fails; `death` says so.
		child.send(order, () => undefined);
		try {
			return await Promise.race([answered, death]);
		} finally {
			answered.catch(() => undefined);
			over.abort();
		}
	};
	await Promise.race([once(heard, "ready"), death]);
	return {
		...{ pid, death, isDead, lastWords },
		doom: async (next) => (await tell({ doom: next }, "doomed")) !== "dead",
		points: async () => {
			const told = await tell({ tell: "points" }, "points");
			if (told === "dead") throw new Error(`the ${wish.program} is dead:\n${await lastWords()}`);
			return told[0];
		},
		kill: async () => {
			if (isDead()) throw new Error(`cannot kill the ${wish.program}: it has ended before`);
			child.kill("SIGKILL");
			await death;
		},
		stop: async () => {
			if (isDead()) return;
			isStopped = true;
			child.kill("SIGTERM");
			await exited;
		},
	};
}
