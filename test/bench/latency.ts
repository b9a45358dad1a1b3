import { type ChildProcess, fork, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { HostName, PrincipalName, Run, SiteName, topicsOf } from "@davit/protocol";
import { openSession, type Session } from "@davit/protocol/mqtt";
import { pino } from "pino";
import { z } from "zod";
import { acceptsConnection } from "../lab/network/port.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { type Bench, percentile, type Row } from "./measure.ts";
import { freePort } from "./run-davit.ts";

const site = SiteName.parse("bench");
const topics = topicsOf(site);
const homeAssistant = PrincipalName.parse("home-assistant");
const mosquitto = "/usr/sbin/mosquitto";

export const latency: Bench = {
	name: "latency",
	about:
		"from a request on the broker to the run's retained *accepted*: real coordinator and broker processes, simulated agents in one more process that check each command and commit it to disk; measured once every agent's birth was answered with its welcome; 1 agent: 200 requests one after the other; 1,000 agents: one request each, 20 under way at a time",
	async run(signal) {
		const rows: Row[] = [];
		for (const agents of [1, 1000]) rows.push(await rowOf("aedes", agents, signal));
		if (!existsSync(mosquitto)) {
			process.stderr.write("latency: left out with Mosquitto: apt-get install mosquitto\n");
			return rows;
		}
		for (const agents of [1, 1000]) rows.push(await rowOf("Mosquitto", agents, signal));
		return rows;
	},
};

async function rowOf(broker: "aedes" | "Mosquitto", count: number, signal: AbortSignal): Promise<Row> {
	const samples = await measure({ broker, count, signal });
	const p99 = percentile(samples, 0.99);
	return {
		measure: `request → accepted, ${count} agent${count === 1 ? "" : "s"}, ${broker}`,
		value: `p50 ${percentile(samples, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
		peer: "",
		goal: count === 1000 ? "p99 ≤ 150 ms" : "",
		met: count === 1000 ? p99 <= 150 : undefined,
	};
}

interface Scene {
	readonly broker: "aedes" | "Mosquitto";
	readonly count: number;
	readonly signal: AbortSignal;
}

async function measure({ broker, count, signal }: Scene): Promise<number[]> {
	await using open = new AsyncDisposableStack();
	const home = open.adopt(await mkdtemp(join(tmpdir(), "davit-latency-")), (path) =>
		rm(path, { recursive: true }),
	);
	const port = await freePort();
	const url = `mqtt://127.0.0.1:${port}`;
	if (broker === "Mosquitto") open.adopt(await startMosquitto({ home, port, signal }), endProcess);
	// This Mosquitto lets everybody in, whatever name is given.
	const anybody = { username: "coordinator", password: "any" };
	const chosen =
		broker === "aedes"
			? { kind: "embedded", host: "127.0.0.1", port }
			: { kind: "external", url, ...anybody };
	const configFile = join(home, "coordinator.json");
	await writeFile(configFile, JSON.stringify({ site, home, broker: chosen, http: { port: 0 } }));
	open.adopt(await startProgram("../../coordinator/src/main.ts", ["--config", configFile]), endProcess);
	const door = (path: string, body: object) => post(join(home, "run", "davit.sock"), path, body);
	const hosts = Array.from({ length: count }, (_, index) => HostName.parse(`puppet-${index}`));
	const agents: object[] = [];
	const publicKey = generateKeyPairSync("ed25519")
		.publicKey.export({ format: "der", type: "spki" })
		.toString("base64");
	let coordinatorKey = "";
	for (const host of hosts) {
		const admitted = Admitted.parse(await door("/hosts", { host, publicKey }));
		coordinatorKey = admitted.coordinatorKey;
		agents.push(broker === "aedes" ? { host, ...admitted.broker } : { host });
	}
	const puppets = open.adopt(
		await startProgram("./puppet-agents.ts", [], { site, url, coordinatorKey, publicKey, agents }),
		endProcess,
	);
	if (!puppets.connected) throw new Error("the simulated agents ended");
	const credentials = broker === "aedes" ? Account.parse(await door("/accounts/home-assistant", {})) : {};
	const log = pino({ level: "silent" });
	const session = open.use(await openSession({ url, clientId: "bench", log, ...credentials }, signal));
	return await (count === 1 ? oneByOne(session, hosts, 200) : manyAtOnce(session, hosts, 20));
}

const Admitted = z.object({
	coordinatorKey: z.string(),
	broker: z.object({ username: z.string(), password: z.string() }).optional().catch(undefined),
});
const Account = z
	.object({ username: z.string(), password: z.string() })
	.catch({ username: "", password: "" });

async function oneByOne(session: Session, hosts: readonly HostName[], repeats: number): Promise<number[]> {
	const watch = watchRuns(session);
	const samples: number[] = [];
	for (let count = 0; count < repeats; count += 1) {
		for (const host of hosts) samples.push(await watch.press(host));
	}
	return samples;
}

async function manyAtOnce(session: Session, hosts: readonly HostName[], window: number): Promise<number[]> {
	const watch = watchRuns(session);
	const waiting = [...hosts];
	const samples: number[] = [];
	const work = async () => {
		for (let host = waiting.pop(); host !== undefined; host = waiting.pop())
			samples.push(await watch.press(host));
	};
	await Promise.all(Array.from({ length: window }, work));
	return samples;
}

/** Presses, and says after how many milliseconds the run was accepted; resolves when it has ended. */
function watchRuns(session: Session) {
	const pressed = new Map<string, { atMs: number; acceptedMs?: number; resolve: (ms: number) => void }>();
	session.subscribe(topics.all.runs, ({ payload, retain }) => {
		const run =
			payload.byteLength === 0 || retain
				? undefined
				: Run.safeParse(JSON.parse(new TextDecoder().decode(payload))).data;
		const press = run === undefined ? undefined : pressed.get(run.host);
		if (run === undefined || press === undefined || run.state === "requested") return;
		press.acceptedMs ??= performance.now() - press.atMs;
		if (run.endedAt === undefined) return;
		pressed.delete(run.host);
		press.resolve(press.acceptedMs);
	});
	return {
		press: (host: HostName) =>
			new Promise<number>((resolve, reject) => {
				pressed.set(host, { atMs: performance.now(), resolve });
				const body = { version: 1, host, operation: "volume.backup", params: { volume: "photos" } };
				session.publish(topics.request(homeAssistant), JSON.stringify(body)).catch(reject);
			}),
	};
}

async function startMosquitto({ home, port, signal }: { home: string; port: number; signal: AbortSignal }) {
	const file = join(home, "mosquitto.conf");
	await writeFile(
		file,
		`listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 10000\n`,
	);
	const child = spawn(mosquitto, ["-c", file], { stdio: "ignore" });
	await pollUntil(() => acceptsConnection("127.0.0.1", port), {
		what: "mosquitto",
		timeoutMs: 10_000,
		signal,
	});
	return child;
}

/** Forks a program of ours and waits until it says that it is ready. */
async function startProgram(path: string, words: string[], orders?: object): Promise<ChildProcess> {
	const child = fork(fileURLToPath(new URL(path, import.meta.url)), words, {
		stdio: ["ignore", "ignore", "inherit", "ipc"],
	});
	if (orders !== undefined) child.send(orders);
	const ended = once(child, "exit").then(([code]) => {
		throw new Error(`${path} ended with ${code} before it was ready`);
	});
	await Promise.race([once(child, "message"), ended]);
	return child;
}

async function endProcess(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null) return;
	const ended = once(child, "exit");
	child.kill("SIGTERM");
	await ended;
}

async function post(socketPath: string, path: string, body: object): Promise<unknown> {
	const outgoing = request({
		...{ socketPath, path, method: "POST" },
		headers: { "content-type": "application/json", accept: "application/json" },
	});
	outgoing.end(JSON.stringify(body));
	const [answer] = await once(outgoing, "response");
	const said = await text(answer);
	if (answer.statusCode >= 300) throw new Error(`POST ${path}: ${answer.statusCode} ${said}`);
	return JSON.parse(said);
}
