import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Ended, openHome, type Running, runDavit, startDavit } from "@davit/cli/testing/run-davit.ts";
import { findFreePort } from "../lab/network/port.ts";

/** No engine, and any free port for the page. */
export const environment = { DAVIT_PORT: "0", DOCKER_HOST: "unix:///nonexistent/docker.sock" };

/** Everything that `davit start` starts, with one folder to protect. */
export interface Site extends AsyncDisposable {
	/** `DAVIT_HOME`. */
	readonly home: string;
	/** The name that this machine got. */
	readonly host: string;
	/** The protected folder, which holds `notes.txt` with `before`. */
	readonly folder: string;
	/** `HOST/path:FOLDER`. */
	readonly address: string;
	/** The `davit start` itself. */
	readonly running: Running;
	/** Runs the command on this home. */
	davit(...words: readonly string[]): Promise<Ended>;
	/** Ends `davit start` as Ctrl-C does, and leaves the home. */
	stop(): Promise<void>;
}

export interface SiteWish {
	/** Further words of `davit start`. */
	readonly words?: readonly string[];
	/** A home and a place for the folder that somebody else removes. */
	readonly home?: string;
	/** Of an engine that the agent is to see. */
	readonly socketPath?: string;
}

export async function openSite({ words = [], home: given, socketPath }: SiteWish = {}): Promise<Site> {
	await using opened = new AsyncDisposableStack();
	const home = given ?? opened.use(await openHome()).path;
	const folder = await makeFolder(opened.use(await openHome()).path);
	const engine = socketPath === undefined ? {} : { DOCKER_HOST: `unix://${socketPath}` };
	const started = await startSite(home, ["--folder", folder, ...words], { ...environment, ...engine });
	opened.use(started);
	const [address = ""] = started.welcome["resources"] as string[]; // davit/start/1 has a list of addresses
	const release = opened.move();
	return {
		...{ home, folder, address, running: started.running },
		host: String(started.welcome["host"]),
		davit: (...typed) => runDavit(home, typed, environment),
		stop: async () => started[Symbol.asyncDispose](),
		[Symbol.asyncDispose]: () => release.disposeAsync(),
	};
}

export async function makeFolder(parent: string): Promise<string> {
	const folder = join(parent, "photos");
	await mkdir(folder);
	await writeFile(join(folder, "notes.txt"), "before\n");
	return folder;
}

interface Started extends AsyncDisposable {
	readonly running: Running;
	/** The `davit/start/1` document. */
	readonly welcome: Readonly<Record<string, unknown>>;
}

/** `davit start` on a home, until everything serves. @throws Error with what it said where it ended instead */
export async function startSite(
	home: string,
	words: readonly string[],
	settings: Readonly<Record<string, string>> = environment,
): Promise<Started> {
	await chooseBrokerPort(home);
	const running = startDavit(home, ["start", ...words, "--json"], settings);
	const first = new Promise<string>((resolve, reject) => {
		let text = "";
		running.process.stdout?.on("data", (part) => {
			text += String(part);
			// An error's document is no welcome: its sentence stands on standard error, which the end brings.
			if (text.includes("\n") && text.includes('"davit/start/1"')) resolve(text);
		});
		running.ended.then(
			({ stderr, exitCode }) => reject(new Error(`davit start ended with ${exitCode}: ${stderr}`)),
			reject,
		);
	});
	const stop = async (): Promise<void> => {
		running.process.kill("SIGTERM");
		await running.ended;
	};
	return { running, welcome: JSON.parse(await first), [Symbol.asyncDispose]: stop };
}

/** A port of its own, because two that start at once may find the usual one free. */
async function chooseBrokerPort(home: string): Promise<void> {
	const file = join(home, "config", "coordinator.json");
	if (existsSync(file)) return;
	await mkdir(join(home, "config"), { recursive: true });
	const broker = { kind: "embedded", host: "127.0.0.1", port: await findFreePort() };
	await writeFile(file, JSON.stringify({ broker }));
}
