import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptsConnection, findFreePort } from "../network/port.ts";
import { pollUntil } from "../process/poll.ts";
import { describeProcess, type RunningProcess, startProcess } from "../process/start.ts";
import type { RunRecord } from "../record/claim.ts";

export type BrokerWish = {
	/** Free port when absent. */
	readonly port?: number;
	/** Configuration lines besides listeners, persistence and log; `allow_anonymous true` when absent. */
	readonly configuration?: string;
	/** A folder as `davit broker-config` writes it: its `mosquitto.conf` is used, except for what the laboratory decides itself (listeners, persistence, log, user). Relative paths in it count from that folder. */
	readonly folder?: string;
};

export type Broker = {
	readonly port: number;
	/** Reachable from the hosts; this machine itself reaches it on 127.0.0.1 too. */
	readonly address: string;
	/** For programs on this machine. */
	readonly url: string;
	/** For programs inside a host. */
	readonly urlForHosts: string;
	/** Where it keeps retained messages and sessions over a restart. */
	readonly persistenceFolder: string;
	readonly logPath: string;
	isRunning(): boolean;
	/** The orderly end; writes its persistence. */
	stop(): Promise<void>;
	/** SIGKILL. @throws Error unless it ran and is dead afterwards. */
	kill(): Promise<void>;
	/** Ends it by SIGKILL where it runs, and deletes all it has kept: retained messages, sessions, queues. @throws Error when there was nothing to end and nothing to delete. */
	wipe(): Promise<void>;
	/** Starts it again on the same port, with what it has kept. */
	start(): Promise<void>;
};

export type BrokerSurroundings = {
	readonly record: RunRecord;
	readonly address: string;
	readonly signal: AbortSignal;
};

export async function startBroker(
	wish: BrokerWish,
	{ record, address, signal }: BrokerSurroundings,
): Promise<Broker> {
	const port = wish.port ?? (await findFreePort(address));
	const folder = join(record.dataFolder, `mosquitto-${port}`);
	const persistenceFolder = join(folder, "persistence");
	const logPath = join(folder, "mosquitto.log");
	await mkdir(persistenceFolder, { recursive: true });
	const configurationPath = join(folder, "mosquitto.conf");
	await writeFile(
		configurationPath,
		await describeConfiguration({ wish, port, address, persistenceFolder, logPath }),
	);
	let process: RunningProcess | undefined;
	const running = (): RunningProcess | undefined => (process?.exit() === undefined ? process : undefined);
	const start = async (): Promise<void> => {
		if (running() !== undefined) throw new Error("Mosquitto runs already");
		process = await launch({ configurationPath, record, port, signal, cwd: wish.folder ?? folder });
	};
	const kill = async (): Promise<void> => {
		const victim = running();
		if (victim === undefined) throw new Error("cannot kill Mosquitto: it does not run");
		await victim.kill();
		if (await acceptsConnection("127.0.0.1", port))
			throw new Error(`something still accepts connections on port ${port}`);
	};
	await start();
	return {
		...{ port, address, persistenceFolder, logPath, start, kill },
		url: `mqtt://127.0.0.1:${port}`,
		urlForHosts: `mqtt://${address}:${port}`,
		isRunning: () => running() !== undefined,
		stop: async () => void (await running()?.stop()),
		wipe: async () => {
			// A living Mosquitto would write its memory back when it ends: kill first, then delete.
			const wasRunning = running() !== undefined;
			if (wasRunning) await kill();
			const deleted = await emptyFolder(persistenceFolder);
			if (!wasRunning && deleted === 0)
				throw new Error(`nothing to wipe: Mosquitto has kept nothing in ${persistenceFolder}`);
		},
	};
}

type ConfigurationFacts = {
	readonly wish: BrokerWish;
	readonly port: number;
	readonly address: string;
	readonly persistenceFolder: string;
	readonly logPath: string;
};

async function describeConfiguration({
	wish,
	port,
	address,
	persistenceFolder,
	logPath,
}: ConfigurationFacts): Promise<string> {
	const given = wish.folder === undefined ? "" : await readFile(join(wish.folder, "mosquitto.conf"), "utf8");
	return [
		// Started as root it would become the user mosquitto, who cannot write into our folders.
		"user root",
		`listener ${port} ${address}`,
		`listener ${port} 127.0.0.1`,
		"persistence true",
		`persistence_location ${persistenceFolder}/`,
		"autosave_interval 1",
		// Into a file: Mosquitto 2.0.11 writes standard output in blocks, so lines come late.
		`log_dest file ${logPath}`,
		"log_type all",
		"connection_messages true",
		wish.configuration ?? (given === "" ? "allow_anonymous true" : ""),
		...given.split("\n").filter((line) => !decidedHere.test(line)),
		"",
	].join("\n");
}

const decidedHere =
	/^\s*(user|listener|port|bind_address|persistence\w*|autosave_\w+|log_\w+|connection_messages|pid_file)\b/;

type LaunchOptions = {
	readonly configurationPath: string;
	readonly record: RunRecord;
	readonly port: number;
	readonly cwd: string;
	readonly signal: AbortSignal;
};

async function launch({
	configurationPath,
	record,
	port,
	cwd,
	signal,
}: LaunchOptions): Promise<RunningProcess> {
	const logPath = `${configurationPath}.out`;
	const process = await startProcess(["mosquitto", "-c", configurationPath], {
		name: "Mosquitto",
		logPath,
		record,
		cwd,
	});
	await pollUntil(
		async () => {
			if (process.exit() !== undefined) throw new Error(await describeProcess(process));
			return acceptsConnection("127.0.0.1", port);
		},
		{
			what: "Mosquitto to accept connections",
			timeoutMs: 10_000,
			signal,
			explain: () => describeProcess(process),
		},
	);
	return process;
}

async function emptyFolder(folder: string): Promise<number> {
	const kept = await readdir(folder);
	for (const name of kept) await rm(join(folder, name), { recursive: true });
	const left = await readdir(folder);
	if (left.length > 0) throw new Error(`${folder} still holds ${left.join(", ")} after the wipe`);
	return kept.length;
}
