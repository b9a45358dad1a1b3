import { generateKeyPairSync } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import {
	type Command,
	type CommandId,
	FolderPath,
	HostName,
	instantOf,
	isFinal,
	newId,
	Report,
	ResourceId,
	type RunCommand,
	RunId,
	resourceKey,
	Sync,
	sealCommand,
	topicsOf,
} from "@davit/protocol";
import { openClient, type TestClient } from "../broker/client.ts";
import { brokerKinds, site, type TestBroker } from "../broker/kinds.ts";
import { makeFolder } from "./open-site.ts";
import { type AgentProcess, startAgent, writeAgentSettings } from "./start-agent.ts";

const host = HostName.parse("nas");
const topics = topicsOf(site);

/** A broker that lets a coordinator publish whatever it likes: Mosquitto where there is one. */
export const brokerKind = brokerKinds.findLast(({ unavailable }) => unavailable === undefined);

/** What the coordinator would be, if it were one: the tests' to set before the agent is greeted. */
export interface Life {
	epoch: number;
	/** The coordinator's clock minus this machine's. */
	clockOffsetMs: number;
	/** Whether syncs are answered. */
	greets: boolean;
}

/** A real agent on a real broker, whose coordinator is the test: it has the key and may send anything. */
export interface LoneAgent extends AsyncDisposable {
	readonly folder: string;
	readonly life: Life;
	/** Well made and signed, as a command for the folder; prunes all archives but one unless told. */
	command(changes?: Partial<RunCommand>): RunCommand;
	seal(command: Command): string;
	/** Publishes a command, or any text, where commands are heard. */
	send(command: Command | string, options?: { readonly retain?: boolean }): Promise<void>;
	/** The first report that `matches`, said already or yet to come. */
	report(matches: (report: Report) => boolean): Promise<Report>;
	final(command: CommandId): Promise<Report>;
	/** The report that a message was dropped, which bears an id of its own. */
	alarm(code: string): Promise<Report>;
	reports(command: CommandId): Report[];
	archives(): Promise<string[]>;
	/** Ends the agent; it starts again with `start`. */
	stop(): Promise<void>;
	/** Starts the agent and waits for its sync, and until that was answered where it is to be. */
	start(): Promise<void>;
}

export async function openLoneAgent(signal: AbortSignal): Promise<LoneAgent> {
	await using opened = new AsyncDisposableStack();
	const place = opened.use(await openHome());
	const folder = await makeFolder(place.path);
	if (brokerKind === undefined) throw new Error("there is no broker");
	const broker = opened.use(await brokerKind.open([host], signal));
	const key = generateKeyPairSync("ed25519");
	const home = join(place.path, "home");
	const file = await writeAgentSettings(home, settingsOf(broker, { key, folder }));
	const client = opened.use(await openClient(broker, { username: "coordinator", protocolVersion: 5 }));
	const life: Life = { epoch: 10, clockOffsetMs: 0, greets: true };
	const seal = (command: Command) => sealCommand(command, { id: "test", privateKey: key.privateKey });
	const send = async (command: Command | string, options = {}) => {
		const text = typeof command === "string" ? command : seal(command);
		const refusal = await client.publish(topics.command(host), text, options);
		if (refusal !== undefined) throw refusal;
	};
	const syncs = answerSyncs(client, { life, send });
	await client.mqtt.subscribeAsync([topics.report(host), topics.sync(host)], { qos: 1 });
	const report = async (matches: (report: Report) => boolean) =>
		readReport(
			await client.next((packet) => packet.topic === topics.report(host) && matches(readReport(packet))),
		);
	let agent: AgentProcess | undefined;
	opened.defer(async () => agent?.[Symbol.asyncDispose]());
	const release = opened.move();
	const resource = ResourceId.parse(`path:${folder}`);
	return {
		...{ folder, life, seal, send, report },
		command: (changes = {}) => ({ ...commandOf(folder, life), ...changes }),
		final: (command) => report((said) => said.command === command && isFinal(said.state)),
		alarm: (code) =>
			report(({ failure, sequence, run }) => failure?.code === code && sequence === 1 && run === undefined),
		reports: (command) =>
			client.received
				.filter(({ topic }) => topic === topics.report(host))
				.map(readReport)
				.filter((said) => said.command === command),
		archives: () => readdir(join(home, "archives", resourceKey(resource))),
		stop: async () => agent?.[Symbol.asyncDispose](),
		start: async () => {
			const wanted = syncs.count + 1;
			agent = await startAgent(file);
			await syncs.reaches(wanted);
		},
		[Symbol.asyncDispose]: () => release.disposeAsync(),
	};
}

function settingsOf(
	broker: TestBroker,
	{ key, folder }: { key: ReturnType<typeof generateKeyPairSync>; folder: string },
): object {
	return {
		...{ site, host, folders: [folder] },
		coordinatorKey: key.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
		broker: { url: broker.url, username: host, password: broker.password(host) },
	};
}

function head({ epoch, clockOffsetMs }: Life) {
	const nowMs = Date.now() + clockOffsetMs;
	return {
		...{ version: 1 as const, id: newId(), site, host, epoch },
		...{ issuedAt: instantOf(nowMs), startBy: instantOf(nowMs + 60_000) },
	};
}

let fence = 100;

function commandOf(folder: string, life: Life): RunCommand {
	fence += 1;
	return {
		...head(life),
		kind: "run",
		run: RunId.parse("raaaaaaaa"),
		operation: "path.prune",
		resource: ResourceId.parse(`path:${FolderPath.parse(folder)}`),
		fence,
		params: { path: folder, policy: { last: 1, graceSeconds: 0 } },
		deadlineSeconds: 600,
	};
}

interface Answered {
	readonly count: number;
	reaches(count: number): Promise<void>;
}

/** Answers each sync as a coordinator does, unless it is told not to. */
function answerSyncs(
	client: TestClient,
	{ life, send }: { life: Life; send: (command: Command) => Promise<void> },
): Answered {
	let count = 0;
	const waiting = new Set<() => void>();
	client.mqtt.on("message", (topic, payload) => {
		if (topic !== topics.sync(host)) return;
		const { session } = Sync.parse(JSON.parse(payload.toString()));
		const answered = life.greets
			? send({ ...head(life), kind: "welcome", session, fences: {} })
			: Promise.resolve();
		void answered.then(() => {
			count += 1;
			for (const wake of waiting) wake();
		});
	});
	return {
		get count() {
			return count;
		},
		reaches: (wanted) =>
			new Promise((resolve) => {
				const look = () => {
					if (count >= wanted) resolve();
				};
				waiting.add(look);
				look();
			}),
	};
}

function readReport(packet: { readonly payload: unknown }): Report {
	return Report.parse(JSON.parse(String(packet.payload)));
}
