import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, hashPassword } from "@davit/coordinator/broker/accounts.ts";
import { type EmbeddedBroker, openEmbeddedBroker } from "@davit/coordinator/broker/embedded.ts";
import { writeBrokerConfig } from "@davit/coordinator/broker/write-config.ts";
import { type HostName, type Logger, SiteName } from "@davit/protocol";
import { acceptsConnection, findFreePort } from "../lab/network/port.ts";
import { pollUntil } from "../lab/process/poll.ts";

export const site = SiteName.parse("home");

/** A broker with an account for each host, the coordinator, the integration and Home Assistant. */
export interface TestBroker extends AsyncDisposable {
	readonly url: string;
	readonly port: number;
	password(username: string): string;
	/** Ends it by force and starts it again on the same port, with nothing kept. */
	restart(): Promise<void>;
	/** Where it runs in this process. */
	readonly embedded: EmbeddedBroker | undefined;
}

export interface BrokerKind {
	readonly name: "aedes" | "Mosquitto";
	/** Why it cannot be had here. */
	readonly unavailable: string | undefined;
	open(hosts: readonly HostName[], signal: AbortSignal): Promise<TestBroker>;
}

export const silent: Logger = {
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	error: () => undefined,
};

const hasMosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;

export const brokerKinds: readonly BrokerKind[] = [
	{ name: "aedes", unavailable: undefined, open: openAedes },
	{
		name: "Mosquitto",
		unavailable: hasMosquitto ? undefined : "mosquitto is not installed",
		open: openMosquitto,
	},
];

async function openAedes(hosts: readonly HostName[]): Promise<TestBroker> {
	const accounts = new Map<string, Account>();
	const passwords = new Map<string, string>();
	const add = async (username: string, role: Account["role"]) => {
		passwords.set(username, `password-of-${username}`);
		const passwordHash = await hashPassword(`password-of-${username}`);
		accounts.set(username, { username, role, passwordHash });
	};
	await Promise.all([
		...hosts.map((host) => add(host, { kind: "agent", host })),
		...(["coordinator", "integration", "home-assistant"] as const).map((kind) => add(kind, { kind })),
	]);
	const options = {
		host: "127.0.0.1",
		site,
		accounts: { find: (username: string) => accounts.get(username) },
		log: silent,
		drainTimeoutMs: 5_000,
	};
	let embedded = await openEmbeddedBroker({ ...options, port: 0 });
	const { port } = embedded;
	return {
		port,
		url: `mqtt://127.0.0.1:${port}`,
		password: (username) => passwords.get(username) ?? "none",
		get embedded() {
			return embedded;
		},
		restart: async () => {
			await embedded.close();
			embedded = await openEmbeddedBroker({ ...options, port });
		},
		[Symbol.asyncDispose]: () => embedded.close(),
	};
}

/** With what `davit broker-config` writes, and nothing else but the user it runs as. */
async function openMosquitto(hosts: readonly HostName[], signal: AbortSignal): Promise<TestBroker> {
	const folder = await mkdtemp(join(tmpdir(), "davit-mosquitto-"));
	const port = await findFreePort();
	const written = await writeBrokerConfig(folder, {
		site,
		hosts,
		listeners: [{ port, host: "127.0.0.1" }],
		persistenceDirectory: `${folder}/`,
	});
	const passwords = new Map(written.accounts.map(({ username, password }) => [username, password]));
	const configuration = join(folder, "as-this-user.conf");
	// Started as root it would become the user mosquitto, who cannot read a temporary folder.
	await writeFile(configuration, `user root\n${await readFile(written.configurationFile, "utf8")}`);
	let running = await startMosquitto(configuration, port, signal);
	return {
		...{ port, url: `mqtt://127.0.0.1:${port}`, embedded: undefined },
		password: (username) => passwords.get(username) ?? "none",
		restart: async () => {
			await kill(running);
			await rm(join(folder, "mosquitto.db"), { force: true });
			running = await startMosquitto(configuration, port, signal);
		},
		[Symbol.asyncDispose]: async () => {
			await kill(running);
			await rm(folder, { recursive: true });
		},
	};
}

async function startMosquitto(
	configuration: string,
	port: number,
	signal: AbortSignal,
): Promise<ChildProcess> {
	const child = spawn("mosquitto", ["-c", configuration], { stdio: ["ignore", "ignore", "pipe"] });
	let said = "";
	child.stderr?.on("data", (text) => {
		said = `${said}${text}`.slice(-4000);
	});
	await pollUntil(
		() => {
			if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}: ${said}`);
			return acceptsConnection("127.0.0.1", port);
		},
		{ what: "mosquitto to listen", timeoutMs: 10_000, signal, explain: () => said },
	);
	return child;
}

async function kill(child: ChildProcess): Promise<void> {
	const ended = new Promise((resolve) => child.once("exit", resolve));
	if (child.exitCode !== null || !child.kill("SIGKILL")) throw new Error("mosquitto had already ended");
	await ended;
}
