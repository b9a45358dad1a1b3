import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Bridge } from "../network/open-bridge.ts";
import { openNamespace } from "../network/open-namespace.ts";
import { type Beacon, canReach } from "../network/reach.ts";
import { pollUntil } from "../process/poll.ts";
import { type Outcome, type RunOptions, run } from "../process/run.ts";
import { type RunningProcess, startProcess } from "../process/start.ts";
import { type EngineVersion, findEngine } from "../provision/unpack-engine.ts";
import type { RunRecord } from "../record/claim.ts";
import { startEngine } from "./start-engine.ts";

export type HostWish = {
	readonly name: string;
	readonly engine: EngineVersion;
	/** Its containers have users of their own (`userns-remap`): root in them is user 200,000 of this machine. */
	readonly remapsUsers?: boolean;
};

export type SpawnOptions = {
	readonly name: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
};

export type Host = {
	readonly name: string;
	readonly engine: EngineVersion;
	/** Its address on the bridge. */
	readonly address: string;
	/** Path of its network namespace. */
	readonly netns: string;
	readonly socketPath: string;
	/** Docker Compose 2's program, for an agent. */
	readonly compose: string;
	/** Where its engine keeps volumes and images. */
	readonly dataRoot: string;
	/** An empty folder for the test: state of an agent, archives. Gone with the laboratory. */
	readonly folder: string;
	/** The present one. */
	readonly dockerd: RunningProcess;
	/** Runs a program in the host's network and waits for its end. */
	run(argv: readonly string[], options?: Partial<RunOptions>): Promise<Outcome>;
	/** Runs the Docker command line (with compose) against this host's engine. */
	docker(words: readonly string[], options?: Partial<RunOptions>): Promise<string>;
	/** Starts a program in the host's network that stays, such as an agent; its output goes to a file. */
	spawnInside(argv: readonly string[], options: SpawnOptions): Promise<RunningProcess>;
	/** Takes the host off the network. Connections stay open and silent. @throws Error unless it was reachable before and is not any more. */
	cut(): Promise<void>;
	/** Puts it back. @throws Error unless it was cut off before and is reachable again. */
	heal(): Promise<void>;
	/** Ends the engine the orderly way, and with it its containers. */
	stop(): Promise<void>;
	/** Starts the engine again after it ended, and waits until it answers. @throws Error while it runs */
	startEngine(): Promise<void>;
};

export type HostSurroundings = {
	readonly record: RunRecord;
	readonly bridge: Bridge;
	readonly beacon: Beacon;
	/** From 1, different for every host of a laboratory. */
	readonly position: number;
	readonly signal: AbortSignal;
};

export async function openHost(
	wish: HostWish,
	{ record, bridge, beacon, position, signal }: HostSurroundings,
): Promise<Host> {
	const program = await findEngine(wish.engine, signal);
	const namespace = await openNamespace(record, { hostName: wish.name, position, bridge }, signal);
	const engine = await startEngine(
		record,
		{
			...{ hostName: wish.name, program, namespace, plainRegistries: bridge.subnet },
			remapsUsers: wish.remapsUsers ?? false,
		},
		signal,
	);
	const folder = join(record.dataFolder, wish.name, "files");
	await mkdir(folder);
	const switchLink = async (state: "up" | "down"): Promise<void> => {
		const connected = state === "up";
		if ((await canReach(namespace, beacon, signal)) === connected) {
			throw new Error(`${wish.name} was ${connected ? "connected" : "cut off"} before`);
		}
		await run(["ip", "link", "set", namespace.link, state], { signal });
		const what = `${wish.name} to be ${connected ? "reachable again" : "cut off"}`;
		await pollUntil(async () => (await canReach(namespace, beacon, signal)) === connected, {
			...{ what, timeoutMs: 10_000, signal },
		});
	};
	return {
		...{ name: wish.name, engine: wish.engine, address: namespace.address, netns: namespace.path, folder },
		compose: join(program.clientFolder, "cli-plugins/docker-compose"),
		...{ socketPath: engine.socketPath, dataRoot: engine.dataRoot, startEngine: engine.startAgain },
		get dockerd() {
			return engine.process;
		},
		run: (argv, options) => run(namespace.enter(argv), { signal, ...options }),
		docker: async (words, options) => {
			const env = {
				DOCKER_HOST: `unix://${engine.socketPath}`,
				DOCKER_CONFIG: program.clientFolder,
				...options?.env,
			};
			return (await run(["docker", ...words], { signal, ...options, env })).stdout.trim();
		},
		spawnInside: (argv, { name, ...rest }) =>
			startProcess(namespace.enter(argv), {
				name,
				record,
				logPath: join(record.dataFolder, wish.name, `${name}.log`),
				...rest,
			}),
		cut: () => switchLink("down"),
		heal: () => switchLink("up"),
		stop: async () => void (await engine.process.stop(30_000)),
	};
}
